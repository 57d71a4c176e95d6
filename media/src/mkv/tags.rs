//! What Tags say of tracks' sizes (RFC 9559 section 5.1.8; the names are those that mkvmerge writes, which the
//! Matroska tag registry lists as statistics).

use super::ebml::{Element, id};

/// Tags that are looked at: mkvmerge writes one for each track.
const MAX_TAGS: usize = 1_024;

/// A track's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Statistics {
    /// TrackUID.
    pub(super) uid: u64,
    /// NUMBER_OF_BYTES: of all its frames.
    pub(super) bytes: u64,
}

/// The sizes that a Tags element tells. They are not believed when together they are larger than the file, of
/// `len` bytes: tools that cut files leave them as they were.
pub(super) fn statistics(tags: &Element<'_>, len: u64) -> Vec<Statistics> {
    let tags = tags.children().flatten().filter(|child| child.id == id::TAG);
    let found: Vec<Statistics> = tags.take(MAX_TAGS).filter_map(|tag| of_tag(&tag)).collect();
    let sum = found.iter().fold(0u64, |sum, track| sum.saturating_add(track.bytes));
    if sum > len { Vec::new() } else { found }
}

fn of_tag(tag: &Element<'_>) -> Option<Statistics> {
    let (mut uid, mut bytes) = (None, None);
    for child in tag.children().flatten() {
        match child.id {
            id::TARGETS => {
                let mut targets = child.children().flatten();
                uid = targets.find(|target| target.id == id::TAG_TRACK_UID)?.uint().ok();
            }
            id::SIMPLE_TAG => bytes = bytes.or_else(|| number_of_bytes(&child)),
            _ => {}
        }
    }
    Some(Statistics { uid: uid.filter(|uid| *uid != 0)?, bytes: bytes? })
}

fn number_of_bytes(tag: &Element<'_>) -> Option<u64> {
    let text = |wanted| tag.children().flatten().find(|child| child.id == wanted).map(|child| child.text());
    // Older writers put a language behind the name.
    let name = text(id::TAG_NAME)?;
    let is_it = name == "NUMBER_OF_BYTES" || name.starts_with("NUMBER_OF_BYTES-");
    text(id::TAG_STRING).filter(|_| is_it)?.trim().parse().ok()
}
