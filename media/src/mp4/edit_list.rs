//! Edit lists (ISO/IEC 14496-12 8.6.6): where a track's own time lies on the presentation clock.

use super::boxes::Child;
use crate::error::Error;
use crate::time::{Time90k, Timescale};

/// Edits that are read; the rest cannot change the first.
const MAX_EDITS: u32 = 4_096;

/// The part of an edit list that a segment needs: an initial delay, and the media time that is shown first.
///
/// Later edits, which would cut pieces out of the middle, are not applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct EditList {
    /// Sum of the empty edits at the front, on the presentation clock.
    pub(crate) delay: Time90k,
    /// Composition time of the first sample that is shown, in ticks of the track.
    pub(crate) media_time: i64,
    /// When the edit ends, on the presentation clock; `None` when it shows all the rest.
    pub(crate) end: Option<Time90k>,
}

impl EditList {
    /// Reads `elst`; durations in it count in ticks of the movie.
    pub(crate) fn parse(elst: &Child, movie_scale: Timescale) -> Result<Self, Error> {
        let (version, mut reader) = elst.full()?;
        let count = reader.u32()?.min(MAX_EDITS);
        let mut empty: i64 = 0;
        let mut found = None;
        for _ in 0..count {
            let (duration, media_time) = if version == 1 {
                (reader.u64()?, reader.u64()?.cast_signed())
            } else {
                (u64::from(reader.u32()?), i64::from(reader.u32()?.cast_signed()))
            };
            reader.skip(4)?; // media_rate
            let duration = i64::try_from(duration).unwrap_or(0);
            match (&mut found, media_time) {
                (None, 0..) => {
                    let shown = (duration > 0).then(|| movie_scale.to_90k(empty.saturating_add(duration)));
                    found = Some(Self { delay: movie_scale.to_90k(empty), media_time, end: shown });
                }
                // A further edit shows more: nothing is taken off the end.
                (Some(first), _) => first.end = None,
                // -1 is an empty edit; the other negative values mean nothing.
                (None, _) => empty = empty.saturating_add(duration),
            }
        }
        Ok(found.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn elst(words: &[u32]) -> Child {
        let payload: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        Child { kind: *b"elst", payload: Bytes::from(payload), at: 0 }
    }

    #[test]
    fn a_delay_and_a_media_time() {
        let scale = Timescale::new(1000).unwrap();
        let list =
            EditList::parse(&elst(&[0, 2, 500, u32::MAX, 1 << 16, 9000, 1024, 1 << 16]), scale).unwrap();
        let end = Some(Time90k(45_000 + 810_000));
        assert_eq!(list, EditList { delay: Time90k(45_000), media_time: 1024, end });
        let more = EditList::parse(&elst(&[0, 2, 9000, 1024, 1 << 16, 9000, 4096, 1 << 16]), scale).unwrap();
        assert_eq!(more, EditList { delay: Time90k::ZERO, media_time: 1024, end: None });
        let only_empty = EditList::parse(&elst(&[0, 1, 500, u32::MAX, 1 << 16]), scale).unwrap();
        assert_eq!(only_empty, EditList::default());
        assert!(EditList::parse(&elst(&[0, 9, 1]), scale).is_err());
    }
}
