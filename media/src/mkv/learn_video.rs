//! What only the first key frame tells: parameter sets that are not in the header, or a codec's first header.

use super::block::BlockHead;
use super::cluster::{BlockAt, Walk};
use super::ebml::View;
use super::encoding::{Undo, undo};
use super::tracks::Entry;
use crate::picture::{Framing, MAX_HEAD};
use crate::source::Stop;
use bytes::Bytes;

/// How far the search for a key frame goes: a recording that begins amid a group of pictures has one within a few
/// seconds.
const MAX_BYTES: u64 = 16 << 20;
const MAX_BLOCKS: usize = 4_096;
/// Frames that are looked into: blocks in groups do not say beforehand whether they are key frames.
const MAX_FRAMES: u32 = 32;
/// The longest frame that is taken whole, where its beginning alone cannot be read.
const MAX_FRAME: u64 = 8 << 20;

/// Completes picture codecs out of the beginning of each such track's first key frame, from the first cluster at
/// `from`. A track of which none is found keeps its reason.
pub(super) fn learn(view: &View<'_>, from: u64, entries: &mut [Entry]) -> Result<(), Stop> {
    let mut walk = Walk::new(from);
    let mut frames = 0;
    for _ in 0..MAX_BLOCKS {
        if frames >= MAX_FRAMES || entries.iter().all(|entry| entry.incomplete.is_none()) {
            break;
        }
        // Damage here is met again, and told, when the segment is made.
        match see_next(&mut walk, view, from, entries) {
            Ok(Seen::Frame) => frames += 1,
            Ok(Seen::Nothing) => {}
            Ok(Seen::End) | Err(Stop::Fail(_)) => break,
            Err(need) => return Err(need),
        }
    }
    Ok(())
}

enum Seen {
    /// A frame was looked into.
    Frame,
    /// A block that does not matter.
    Nothing,
    End,
}

/// Looks at one more block.
fn see_next(walk: &mut Walk, view: &View<'_>, from: u64, entries: &mut [Entry]) -> Result<Seen, Stop> {
    let Some(block) = walk.next(view, from.saturating_add(MAX_BYTES))? else {
        return Ok(Seen::End);
    };
    let Some((data, head)) = block.inner(view, from)? else {
        return Ok(Seen::Nothing);
    };
    let Some(entry) = entries.iter_mut().find(|entry| entry.track.id.0 == head.track) else {
        return Ok(Seen::Nothing);
    };
    let Some(incomplete) = entry.incomplete.as_ref().filter(|_| block.is_group() || head.key_flag()) else {
        return Ok(Seen::Nothing);
    };
    if let Some(frame) = beginning(view, &block, data, &head, &entry.encodings)?
        && let Some(framing) = incomplete.complete(&frame, &mut entry.track)
    {
        entry.incomplete = None;
        if framing == Framing::ByteStream {
            entry.encodings.push(Undo::ByteStream);
        }
    }
    Ok(Seen::Frame)
}

/// The beginning of a block's first frame as it was before it was stored.
fn beginning(
    view: &View<'_>,
    block: &BlockAt,
    data: std::ops::Range<u64>,
    head: &BlockHead,
    encodings: &[Undo],
) -> Result<Option<Bytes>, Stop> {
    let needs_all = head.is_laced() || encodings.contains(&Undo::Inflate);
    let most = if needs_all { MAX_FRAME } else { MAX_HEAD };
    let whole = view.bytes(data.start..data.end.min(data.start.saturating_add(most)))?;
    let first = head.frames(&whole, block.element.at).ok().and_then(|frames| frames.into_iter().next());
    Ok(first.and_then(|frame| undo(encodings, frame, block.element.at, &mut MAX_FRAME.clone()).ok()))
}
