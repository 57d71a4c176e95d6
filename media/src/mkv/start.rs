//! What only the first blocks tell: when each track begins, and what sound without a header of its own is.

use super::block::BlockHead;
use super::cluster::{Block, BlockAt, Walk};
use super::ebml::View;
use super::encoding::undo;
use super::tracks::Entry;
use crate::source::Stop;
use crate::track::{Codec, Track, TrackKind};

/// How far the search for every track's first block goes.
const MAX_BYTES: u64 = 1 << 20;
/// How far it goes for a track of AC-3, of which only a frame tells what it is: a first picture may be larger than
/// [`MAX_BYTES`].
const MAX_BYTES_UNTOLD: u64 = 4 << 20;
const MAX_BLOCKS: usize = 512;
/// The longest block whose payload is looked at.
const MAX_FIRST_FRAME: u64 = 64 << 10;

/// A track's first block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct First {
    /// Ticks of the file's clock.
    pub(super) ticks: i64,
    /// False when the block says that it is no keyframe.
    pub(super) may_be_key: bool,
}

/// The first block of each of `entries`, where it is within a bounded stretch from the first cluster at `from`:
/// the search ends when every video track, and every other that
/// can be played, was seen. Learns on the way what the frames of sound tell.
pub(super) fn learn(view: &View<'_>, from: u64, entries: &mut [Entry]) -> Result<Vec<Option<First>>, Stop> {
    let mut firsts = vec![None; entries.len()];
    let mut walk = Walk::new(from);
    for _ in 0..MAX_BLOCKS {
        // Sound needs it for its grid, pictures to tell whether the index begins where they do.
        // Subtitles may begin anywhere.
        let matters = |track: &Track| match track.kind {
            TrackKind::Video => true,
            TrackKind::Audio => track.codec.is_supported(),
            TrackKind::Subtitle | TrackKind::Other => false,
        };
        let mut pairs = entries.iter().zip(&firsts);
        let waiting = pairs.any(|(entry, first)| first.is_none() && matters(&entry.track));
        if !waiting {
            break;
        }
        let mut pairs = entries.iter().zip(&firsts);
        let is_untold = |codec: &Codec| matches!(codec, Codec::Ac3(_) | Codec::Eac3(_));
        let untold = pairs.any(|(entry, first)| first.is_none() && is_untold(&entry.track.codec));
        let stop = from.saturating_add(if untold { MAX_BYTES_UNTOLD } else { MAX_BYTES });
        // Damage here is met again, and told, when the segment is made.
        let seen = match see_next(&mut walk, view, from, stop, entries, &mut firsts) {
            Ok(seen) => seen,
            Err(Stop::Fail(_)) => false,
            Err(need) => return Err(need),
        };
        if !seen {
            break;
        }
    }
    Ok(firsts)
}

/// Looks at one more block; `false` at the end.
fn see_next(
    walk: &mut Walk,
    view: &View<'_>,
    from: u64,
    stop: u64,
    entries: &mut [Entry],
    firsts: &mut [Option<First>],
) -> Result<bool, Stop> {
    let Some(block) = walk.next(view, stop)? else {
        return Ok(false);
    };
    let Some(head) = block.head(view, from)? else {
        return Ok(true);
    };
    let mut pairs = entries.iter_mut().zip(firsts);
    let Some((entry, first)) = pairs.find(|(entry, _)| entry.track.id.0 == head.track) else {
        return Ok(true);
    };
    if first.is_none() {
        let is_short = block.end - block.element.at <= MAX_FIRST_FRAME;
        if is_told_by_frames(&entry.track.codec) && is_short {
            learn_sound(entry, &block, view)?;
        }
        *first = Some(first_of(entry, &block, &head));
    }
    Ok(true)
}

fn first_of(entry: &Entry, block: &BlockAt, head: &BlockHead) -> First {
    First {
        ticks: i64::try_from(block.ticks(head)).unwrap_or(i64::MAX),
        may_be_key: entry.track.kind != TrackKind::Video || block.is_group() || head.key_flag(),
    }
}

/// True for codecs of which only a frame tells all that is needed.
const fn is_told_by_frames(codec: &Codec) -> bool {
    matches!(codec, Codec::Mp3(_) | Codec::Opus(_) | Codec::Ac3(_) | Codec::Eac3(_))
}

fn learn_sound(entry: &mut Entry, block: &BlockAt, view: &View<'_>) -> Result<(), Stop> {
    let Some(block) = block.read(view)? else {
        return Ok(());
    };
    let Some(frame) = first_frame(&block, entry) else {
        return Ok(());
    };
    let track = &mut entry.track;
    track.codec.learn_from_frame(&frame);
    if let (Some(rate), Some(channels)) = (track.codec.sample_rate(), track.codec.channels()) {
        (track.sample_rate, track.channels) = (rate, channels);
    }
    Ok(())
}

fn first_frame(block: &Block, entry: &Entry) -> Option<bytes::Bytes> {
    let frame = block.frames().ok()?.into_iter().next()?;
    undo(&entry.encodings, frame, block.at, &mut MAX_FIRST_FRAME.clone()).ok()
}
