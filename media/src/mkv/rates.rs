//! How many of a span's bytes are which track's. The index tells how large spans are, of all tracks together; what
//! the others have is subtracted: as the file's Tags tell, as the codec's own header tells, or as it is usual.

use super::MkvFile;
use super::cluster::Walk;
use super::ebml::View;
use super::tracks::Entry;
use crate::bit_rate::{constant_bits, usual_bits};
use crate::source::Stop;
use crate::time::Time90k;
use crate::track::{Span, Track, TrackId, TrackKind};

/// A SimpleBlock's header: ID, a size of two bytes, track, time and flags (RFC 9559 10.2).
const BLOCK_HEADER: f64 = 7.0;
/// Of these, what belongs to the element's payload.
const IN_BLOCK: u64 = 4;
/// Frames per second where nobody tells.
const USUAL_FRAME_RATE: f64 = 25.0;
/// However much the others are said to have, this part of a span is left for the track that it was cut at.
const LEAST: f64 = 0.05;

/// What a track has in every second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Bytes of frames.
    bytes: f64,
    /// Blocks: as many as frames where they are not laced.
    blocks: f64,
}

impl Rate {
    /// Of the track of `entry`, which Tags say has `size` bytes in a film of so many seconds, and which
    /// was `measured` in the film's beginning.
    pub(super) fn of(entry: &Entry, size: Option<u64>, seconds: Option<f64>, measured: Option<Self>) -> Self {
        let told = size.zip(seconds.filter(|seconds| *seconds > 0.0));
        let told = told.map(|(size, seconds)| to_float(size) / seconds);
        let codec = &entry.track.codec;
        let bytes = told
            .or_else(|| constant_bits(codec).map(|bits| bits / 8.0))
            .or_else(|| measured.map(|rate| rate.bytes));
        Self {
            bytes: bytes.unwrap_or_else(|| usual_bits(&entry.track) / 8.0),
            blocks: measured.map_or_else(|| frames(&entry.track), |rate| rate.blocks),
        }
    }

    fn in_file(self) -> f64 {
        self.bytes + self.blocks * BLOCK_HEADER
    }
}

impl MkvFile {
    /// About how many bytes the frames of `tracks` have in a span of the track that was `cut`.
    pub(crate) fn size_of(&self, cut: TrackId, tracks: &[TrackId], span: &Span) -> u64 {
        let ranges = self.byte_ranges(span);
        let all = to_float(ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum());
        let end = span.end.map(|end| end.pts).or_else(|| self.end(cut)).unwrap_or(span.start.pts);
        let seconds = (end - span.start.pts).max(Time90k::ZERO).seconds();
        let rates = self.tracks.iter().zip(&self.rates);
        let sum = |part: &dyn Fn(&TrackId, &Rate) -> f64| {
            rates.clone().map(|(track, rate)| part(&track.id, rate)).sum::<f64>() * seconds
        };
        let bytes = if tracks.contains(&cut) {
            let others = sum(&|id, rate| match tracks.contains(id) {
                true => rate.blocks * BLOCK_HEADER,
                false => rate.in_file(),
            });
            (all - others).max(all * LEAST)
        } else {
            sum(&|id, rate| if tracks.contains(id) { rate.bytes } else { 0.0 }).min(all)
        };
        whole(bytes)
    }
}

/// What the blocks tell that lie in what is read of every file anyway.
#[derive(Debug, Clone, Copy, Default)]
struct Measured {
    /// Nanoseconds.
    begin: Option<i64>,
    end: i64,
    bytes: u64,
    blocks: u32,
    /// Bytes of the last block, which lasts beyond `end`.
    last: u64,
}

/// A shorter stretch is silence, titles or noise that says nothing of the film.
const MIN_MEASURED: i64 = 3_000_000_000;
/// Blocks that are looked at.
const MAX_BLOCKS: usize = 8_192;

/// What each of `entries` has in the blocks from the cluster at `from` up to the end of
/// `view`, where they last long enough.
pub(super) fn measure(
    view: &View<'_>,
    from: u64,
    entries: &[Entry],
    tick: i64,
) -> Result<Vec<Option<Rate>>, Stop> {
    let mut measured = vec![Measured::default(); entries.len()];
    let mut walk = Walk::new(from);
    for _ in 0..MAX_BLOCKS {
        let seen = match walk.next(view, view.end) {
            Ok(Some(block)) => block.head(view, from).map(|head| Some((block, head))),
            other => other.map(|_| None),
        };
        let (block, head) = match seen {
            Ok(Some((block, Some(head)))) => (block, head),
            Ok(Some((_, None))) => continue,
            Ok(None) | Err(Stop::Fail(_)) => break,
            Err(need) => return Err(need),
        };
        let mut pairs = entries.iter().zip(&mut measured);
        let Some((_, track)) = pairs.find(|(entry, _)| entry.track.id.0 == head.track) else { continue };
        let time = i64::try_from(block.ticks(&head)).unwrap_or(i64::MAX).saturating_mul(tick);
        track.begin = track.begin.or(Some(time));
        track.end = track.end.max(time);
        track.bytes = track.bytes.saturating_add(track.last);
        track.blocks += u32::from(track.last > 0);
        track.last = block.end.saturating_sub(block.element.data).saturating_sub(IN_BLOCK);
    }
    let rate = |track: Measured| {
        let length = track.end.saturating_sub(track.begin?);
        let seconds = Time90k::from_ratio(length.into(), 1_000_000_000).seconds();
        let rate =
            || Rate { bytes: to_float(track.bytes) / seconds, blocks: f64::from(track.blocks) / seconds };
        (length >= MIN_MEASURED).then(rate)
    };
    Ok(measured.into_iter().map(rate).collect())
}

/// Frames per second.
fn frames(track: &Track) -> f64 {
    match track.codec.frame_samples() {
        Some(samples) => f64::from(track.sample_rate.max(8_000)) / f64::from(samples.max(1)),
        None => match track.kind {
            TrackKind::Video => track.frame_rate.unwrap_or(USUAL_FRAME_RATE),
            TrackKind::Audio => 50.0,
            _ => 1.0,
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
const fn to_float(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
const fn whole(value: f64) -> u64 {
    value as u64
}
