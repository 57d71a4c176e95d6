//! How many of a span's bytes are which track's. The index tells how large spans are, of all tracks together; what
//! the others have is subtracted: as the file's Tags tell, as the codec's own header tells, or as it is usual.

use super::MkvFile;
use super::tracks::Entry;
use crate::time::Time90k;
use crate::track::{Codec, Span, Track, TrackId, TrackKind};

/// A SimpleBlock's header, or a frame's part of a BlockGroup's.
const BLOCK_HEADER: f64 = 8.0;
/// Frames per second where nobody tells.
const USUAL_FRAME_RATE: f64 = 25.0;
/// However much the others are said to have, this part of a span is left for the track that it was cut at.
const LEAST: f64 = 0.05;

/// What a track has in every second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Bytes of frames.
    bytes: f64,
    /// Frames.
    frames: f64,
}

impl Rate {
    /// Of the track of `entry`, which Tags say has `size` bytes in a film of so many seconds.
    pub(super) fn of(entry: &Entry, size: Option<u64>, seconds: Option<f64>) -> Self {
        let told = size.zip(seconds.filter(|seconds| *seconds > 0.0));
        let bytes = told.map(|(size, seconds)| to_float(size) / seconds);
        Self { bytes: bytes.unwrap_or_else(|| usual_bits(&entry.track) / 8.0), frames: frames(&entry.track) }
    }

    fn in_file(self) -> f64 {
        self.bytes + self.frames * BLOCK_HEADER
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
                true => rate.frames * BLOCK_HEADER,
                false => rate.in_file(),
            });
            (all - others).max(all * LEAST)
        } else {
            sum(&|id, rate| if tracks.contains(id) { rate.bytes } else { 0.0 }).min(all)
        };
        whole(bytes)
    }
}

/// Bits per second: what the codec's header tells, else what is usual.
fn usual_bits(track: &Track) -> f64 {
    let channels = f64::from(track.channels.clamp(1, 16));
    let raw = |bits: f64| f64::from(track.sample_rate.max(8_000)) * channels * bits;
    match &track.codec {
        Codec::Ac3(config) if config.bit_rate > 0 => f64::from(config.bit_rate),
        Codec::Eac3(config) => eac3_bits(&config.record).unwrap_or(channels * 96_000.0),
        Codec::Ac3(_) => channels * 75_000.0,
        Codec::Aac(_) | Codec::Mp3(_) => channels * 64_000.0,
        Codec::Opus(_) => channels * 52_000.0,
        Codec::Flac(config) => raw(f64::from(config.bits)) * 0.55,
        Codec::Alac(config) => raw(f64::from(config.bits)) * 0.6,
        Codec::Text(_) => 200.0,
        _ => match track.codec_name.as_str() {
            name if name.starts_with("A_PCM") => raw(16.0),
            name if name.starts_with("A_DTS") => 1_509_000.0,
            "A_TRUEHD" | "A_MLP" => raw(24.0) * 0.45,
            "S_HDMV/PGS" => 30_000.0,
            "S_VOBSUB" => 8_000.0,
            _ if track.kind == TrackKind::Audio => channels * 64_000.0,
            _ => 0.0,
        },
    }
}

/// `data_rate` of a `dec3` box, in kbit/s (ETSI TS 102 366 F.6.2.1).
fn eac3_bits(record: &[u8]) -> Option<f64> {
    let [high, low] = *record.first_chunk()?;
    let kilobits = u16::from_be_bytes([high, low]) >> 3;
    (kilobits > 0).then(|| f64::from(kilobits) * 1_000.0)
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
