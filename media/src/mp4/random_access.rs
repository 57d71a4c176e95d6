//! The table of random access points at the end of a fragmented file (`mfra`, `tfra`, `mfro`, ISO/IEC 14496-12
//! 8.8.9 to 8.8.11).

use super::boxes::{BoxHeader, Child, children};
use super::fragment_index::Entry;
use crate::error::{Error, ErrorKind};
use crate::source::{ByteSource, Stop};

/// 200,000 entries for each of ten tracks, in 64 bits.
const MAX_MFRA: u64 = 40 << 20;
/// `mfro`: the box's header, version and flags, and the length of all of `mfra`.
const MFRO: u64 = 16;

/// The entries of one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TrackPoints {
    pub(super) track: u32,
    pub(super) points: Vec<Entry>,
}

/// The table, and where it begins; `None` when the file does not end with one that can be read.
pub(super) fn read(src: &dyn ByteSource) -> Result<Option<(u64, Vec<TrackPoints>)>, Stop> {
    let Some(at) = src.len().checked_sub(MFRO) else { return Ok(None) };
    let mfro = src.read(at..src.len())?;
    let Some((b"\0\0\0\x10mfro", rest)) = mfro.split_first_chunk::<8>() else { return Ok(None) };
    let Some(length) = rest.last_chunk::<4>().map(|length| u64::from(u32::from_be_bytes(*length))) else {
        return Ok(None);
    };
    let Some(start) = src.len().checked_sub(length).filter(|_| (8 + MFRO..=MAX_MFRA).contains(&length))
    else {
        return Ok(None);
    };
    let mfra = src.read(start..src.len())?;
    let header = BoxHeader::read(src, start)?;
    if header.kind != *b"mfra" || header.end != src.len() {
        return Ok(None);
    }
    let head = usize::try_from(header.payload - start).unwrap_or(usize::MAX).min(mfra.len());
    let tables = children(&mfra.slice(head..), header.payload).filter(|child| child.kind == *b"tfra");
    match tables.map(|tfra| TrackPoints::parse(&tfra)).collect() {
        Ok(tracks) => Ok(Some((start, tracks))),
        Err(Error { kind: ErrorKind::Limit, what, at }) => Err(Error::limit(what, at).into()),
        Err(_) => Ok(None),
    }
}

impl TrackPoints {
    /// Reads `tfra`. Points inside a fragment are left out: those at its beginning are enough to cut at.
    fn parse(tfra: &Child) -> Result<Self, Error> {
        let (version, mut reader) = tfra.full()?;
        let track = reader.u32()?;
        let widths = reader.u32()?;
        let width = |shift: u32| (widths >> shift & 3) + 1;
        let count = reader.u32()?;
        let mut points = Vec::new();
        for _ in 0..count {
            let (time, at) = match version {
                0 => (u64::from(reader.u32()?), u64::from(reader.u32()?)),
                _ => (reader.u64()?, reader.u64()?),
            };
            let mut number = |shift: u32| -> Result<u32, Error> {
                let bytes = reader.take(usize::try_from(width(shift)).unwrap_or(4))?;
                Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
            };
            let (_traf, run, sample) = (number(4)?, number(2)?, number(0)?);
            if run == 1 && sample == 1 {
                points.push(Entry { time: time.cast_signed(), at, skip: 0 });
            }
        }
        Ok(Self { track, points })
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn file(tfra: &[u8]) -> Bytes {
        let boxed = |kind: &[u8; 4], payload: &[u8]| {
            [&(payload.len() as u32 + 8).to_be_bytes(), kind.as_slice(), payload].concat()
        };
        let tfra = boxed(b"tfra", tfra);
        let length = (tfra.len() as u32 + 24).to_be_bytes();
        let mfro = boxed(b"mfro", &[&[0; 4], length.as_slice()].concat());
        [b"\0\0\0\x08free".to_vec(), boxed(b"mfra", &[tfra, mfro].concat())].concat().into()
    }

    #[test]
    fn points_at_the_beginning_of_fragments() {
        let head = [0u32, 5, 0b01_00_10, 3].map(u32::to_be_bytes).concat();
        let row = |time: u32, at: u32, run: u8, sample: u8| {
            [&time.to_be_bytes(), at.to_be_bytes().as_slice(), &[0, 1, run, 0, 0, sample]].concat()
        };
        let rows = [row(0, 100, 1, 1), row(30, 100, 2, 1), row(50, 200, 1, 1)].concat();
        let (at, found) = read(&file(&[head.clone(), rows].concat())).unwrap().unwrap();
        assert_eq!(at, 8);
        let points = vec![Entry { time: 0, at: 100, skip: 0 }, Entry { time: 50, at: 200, skip: 0 }];
        assert_eq!(found, [TrackPoints { track: 5, points }]);
        assert_eq!(read(&file(&head)).unwrap(), None, "rows that are not there");
        assert_eq!(read(&Bytes::from_static(b"short")).unwrap(), None);
    }
}
