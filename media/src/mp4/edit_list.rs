//! Edit lists (ISO/IEC 14496-12 8.6.6): where a track's own time lies on the presentation clock.

use super::boxes::Child;
use crate::error::Error;
use crate::time::{Time90k, Timescale};

/// Edits that are read; the rest cannot change the first.
const MAX_EDITS: u32 = 4_096;

/// A gap between two edits that is shorter than this many parts of a second is a rounded seam.
const MAX_SEAM: i64 = 20;
/// `media_rate` of normal speed, 16.16.
const NORMAL_RATE: u32 = 0x0001_0000;

/// The part of an edit list that a segment needs: an initial delay, and the media time that is shown first.
///
/// Edits that show one stretch of the media piece by piece are one. Those that leave out a piece in the middle,
/// repeat one, hold a picture or change the speed are not applied: [`EditList::is_beyond`] tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct EditList {
    /// Sum of the empty edits at the front, on the presentation clock.
    pub(crate) delay: Time90k,
    /// Composition time of the first sample that is shown, in ticks of the track.
    pub(crate) media_time: i64,
    /// When the edit ends, on the presentation clock; `None` when it shows all the rest.
    pub(crate) end: Option<Time90k>,
    /// True when the edits do more than this.
    pub(crate) is_beyond: bool,
}

/// One entry of the list.
struct Edit {
    /// In ticks of the movie.
    duration: i64,
    /// Negative for an empty edit.
    media_time: i64,
    rate: u32,
}

impl EditList {
    /// Reads `elst`; durations in it count in ticks of the movie, media times in those of the track.
    pub(crate) fn parse(elst: &Child, movie_scale: Timescale, scale: Timescale) -> Result<Self, Error> {
        let (version, mut reader) = elst.full()?;
        let count = reader.u32()?.min(MAX_EDITS);
        let mut edits = Vec::new();
        for _ in 0..count {
            let (duration, media_time) = if version == 1 {
                (reader.u64()?, reader.u64()?.cast_signed())
            } else {
                (u64::from(reader.u32()?), i64::from(reader.u32()?.cast_signed()))
            };
            edits.push(Edit {
                duration: i64::try_from(duration).unwrap_or(0),
                media_time,
                rate: reader.u32()?,
            });
        }
        Ok(Self::of(&edits, movie_scale, scale))
    }

    fn of(edits: &[Edit], movie_scale: Timescale, scale: Timescale) -> Self {
        // -1 is an empty edit; the other negative values mean nothing.
        let Some(first) = edits.iter().position(|edit| edit.media_time >= 0) else {
            return Self::default();
        };
        let (empty, shown) = edits.split_at_checked(first).unwrap_or_default();
        let Some(main) = shown.first() else { return Self::default() };
        let empty = empty.iter().fold(0i64, |sum, edit| sum.saturating_add(edit.duration));
        // Emptiness behind the last piece shows nothing.
        let pieces = shown.iter().rposition(|edit| edit.media_time >= 0).map_or(0, |last| last + 1);
        let pieces = shown.get(..pieces).unwrap_or_default();
        let (mut duration, mut is_beyond) = (0i64, pieces.iter().any(|edit| edit.rate != NORMAL_RATE));
        if let [only] = pieces {
            is_beyond &= only.rate != 0; // written by some as if it meant nothing
        }
        for (number, edit) in pieces.iter().enumerate() {
            let expected = i128::from(duration) * i128::from(scale.per_second())
                / i128::from(movie_scale.per_second())
                + i128::from(main.media_time);
            let off = (i128::from(edit.media_time) - expected).abs();
            is_beyond |= off * i128::from(MAX_SEAM) > i128::from(scale.per_second());
            // An edit of no length shows all the rest; as the last one only that can be meant.
            is_beyond |= edit.duration == 0 && number + 1 < pieces.len();
            duration = duration.saturating_add(edit.duration);
        }
        let is_open = pieces.last().is_none_or(|last| last.duration == 0);
        Self {
            delay: movie_scale.to_90k(empty),
            media_time: main.media_time,
            end: (!is_open).then(|| movie_scale.to_90k(empty.saturating_add(duration))),
            is_beyond,
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn parse(rows: &[[u32; 3]]) -> EditList {
        let words = [0, rows.len() as u32].into_iter().chain(rows.iter().flatten().copied());
        let payload: Vec<u8> = words.flat_map(u32::to_be_bytes).collect();
        let elst = Child { kind: *b"elst", payload: Bytes::from(payload), at: 0 };
        EditList::parse(&elst, Timescale::new(1000).unwrap(), Timescale::new(48_000).unwrap()).unwrap()
    }

    const EMPTY: [u32; 3] = [500, u32::MAX, NORMAL_RATE];

    #[test]
    fn a_delay_and_a_media_time() {
        let end = Some(Time90k(45_000 + 810_000));
        let list = parse(&[EMPTY, [9000, 1024, NORMAL_RATE]]);
        assert_eq!(list, EditList { delay: Time90k(45_000), media_time: 1024, end, is_beyond: false });
        assert_eq!(parse(&[EMPTY, [9000, 1024, NORMAL_RATE], EMPTY]), list);
        assert_eq!(parse(&[[0, 1024, 0]]), EditList { media_time: 1024, ..EditList::default() });
        assert_eq!(parse(&[EMPTY]), EditList::default());
        let cut = Child { kind: *b"elst", payload: Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0, 9, 1]), at: 0 };
        assert!(EditList::parse(&cut, Timescale::NANOS, Timescale::NANOS).is_err());
    }

    #[test]
    fn pieces_of_one_stretch_are_one_and_others_are_refused() {
        let whole = parse(&[[9000, 1024, NORMAL_RATE], [1000, 1024 + 9 * 48_000 + 480, NORMAL_RATE]]);
        assert_eq!((whole.end, whole.is_beyond), (Some(Time90k(900_000)), false));
        assert!(parse(&[[9000, 1024, NORMAL_RATE], [1000, 12 * 48_000, NORMAL_RATE]]).is_beyond, "a gap");
        assert!(parse(&[[9000, 1024, NORMAL_RATE], [9000, 1024, NORMAL_RATE]]).is_beyond, "a repetition");
        let pause = parse(&[[9000, 0, NORMAL_RATE], EMPTY, [1000, 9 * 48_000, NORMAL_RATE]]);
        assert!(pause.is_beyond, "a pause");
        assert!(parse(&[[9000, 0, 0x0002_0000]]).is_beyond, "double speed");
        assert!(parse(&[[1000, 0, 0], [9000, 48_000, NORMAL_RATE]]).is_beyond, "a held picture");
    }
}
