//! The segment index (`sidx`, ISO/IEC 14496-12 8.16.3): where the pieces of a track lie and when they begin.

use super::boxes::{BoxHeader, Child};
use crate::error::Error;
use crate::source::{ByteSource, Stop};
use bytes::Bytes;

/// The largest `sidx` has 65,535 references of 12 bytes.
const MAX_SIDX: u64 = 1 << 20;
/// Boxes of one hierarchical index, and how deep it is.
const MAX_BOXES: usize = 256;
const MAX_DEPTH: u32 = 4;

/// A piece of the file (a subsegment).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) at: u64,
    pub(super) end: u64,
    /// When it begins, in ticks of [`TrackPieces::timescale`].
    pub(super) time: i64,
    pub(super) duration: i64,
    /// True when decoding can begin with its first sample.
    pub(super) sync: bool,
}

/// All pieces of a track that the file's index names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TrackPieces {
    /// `reference_ID`: the number of the track.
    pub(super) track: u32,
    pub(super) timescale: u32,
    pub(super) pieces: Vec<Piece>,
}

impl TrackPieces {
    /// Reads the `sidx` at `at` and those that it names.
    pub(super) fn read(src: &dyn ByteSource, at: u64) -> Result<Self, Stop> {
        let mut all = Self { track: 0, timescale: 0, pieces: Vec::new() };
        let mut left = MAX_BOXES;
        all.add(src, at, MAX_DEPTH, &mut left)?;
        Ok(all)
    }

    fn add(&mut self, src: &dyn ByteSource, at: u64, depth: u32, left: &mut usize) -> Result<(), Stop> {
        if depth == 0 || *left == 0 {
            return Err(Error::limit("boxes of the segment index (sidx)", at).into());
        }
        *left -= 1;
        let header = BoxHeader::read(src, at)?;
        if header.kind != *b"sidx" || header.payload_len() > MAX_SIDX {
            return Err(Error::malformed("a segment index (sidx) that is not there", at).into());
        }
        let index = Index::parse(src.read(header.payload..header.end)?, &header)?;
        if self.pieces.is_empty() && self.timescale == 0 {
            (self.track, self.timescale) = (index.track, index.timescale);
        } else if (self.track, self.timescale) != (index.track, index.timescale) {
            return Err(Error::malformed("segment indexes (sidx) that do not belong together", at).into());
        }
        for (piece, names_index) in index.pieces {
            if names_index {
                self.add(src, piece.at, depth - 1, left)?;
            } else {
                self.pieces.push(piece);
            }
        }
        Ok(())
    }
}

/// One `sidx` box.
struct Index {
    track: u32,
    timescale: u32,
    /// With each: true when it is described by a further `sidx` at its beginning.
    pieces: Vec<(Piece, bool)>,
}

impl Index {
    fn parse(payload: Bytes, header: &BoxHeader) -> Result<Self, Error> {
        let sidx = Child { kind: header.kind, payload, at: header.payload };
        let beyond = || Error::malformed("a segment index (sidx) beyond any file", sidx.at);
        let (version, mut reader) = sidx.full()?;
        let track = reader.u32()?;
        let timescale = reader.u32()?;
        let (time, offset) = match version {
            0 => (u64::from(reader.u32()?), u64::from(reader.u32()?)),
            _ => (reader.u64()?, reader.u64()?),
        };
        let mut time = i64::try_from(time).map_err(|_| beyond())?;
        let mut at = header.end.checked_add(offset).ok_or_else(beyond)?;
        reader.skip(2)?;
        let count = reader.u16()?;
        let mut pieces = Vec::new();
        for _ in 0..count {
            let size = reader.u32()?;
            let duration = i64::from(reader.u32()?);
            let access = reader.u32()?;
            let end = at.checked_add(u64::from(size & 0x7fff_ffff)).ok_or_else(beyond)?;
            let (starts, kind, delta) =
                (access >> 31 == 1, access >> 28 & 7, i64::from(access & 0x0fff_ffff));
            // Types 1 to 3 (14496-12 annex I): the first picture in decode order, by itself; 0 is one of them. Pictures
            // shown before it may follow; the delta tells how much later it is shown than the first of them.
            let sync = starts && kind <= 3;
            let shown =
                time.checked_add(if (2..=3).contains(&kind) { delta } else { 0 }).ok_or_else(beyond)?;
            pieces.push((Piece { at, end, time: shown, duration, sync }, size >> 31 == 1));
            time = time.checked_add(duration).ok_or_else(beyond)?;
            at = end;
        }
        Ok(Self { track, timescale, pieces })
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;

    fn sidx(words: &[u32]) -> Vec<u8> {
        let payload: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        [&(payload.len() as u32 + 8).to_be_bytes(), b"sidx".as_slice(), &payload].concat()
    }

    #[test]
    fn references_lie_one_behind_the_other() {
        let version_1 = 0x0100_0000;
        let file: Bytes =
            sidx(&[version_1, 7, 1000, 0, 500, 0, 40, 2, 100, 50, 0x9000_0000, 200, 60, 0x2000_0000]).into();
        let found = TrackPieces::read(&file, 0).unwrap();
        assert_eq!((found.track, found.timescale), (7, 1000));
        let base = file.len() as u64 + 40;
        assert_eq!(
            found.pieces,
            [
                Piece { at: base, end: base + 100, time: 500, duration: 50, sync: true },
                Piece { at: base + 100, end: base + 300, time: 550, duration: 60, sync: false },
            ]
        );
    }

    #[test]
    fn an_index_of_indexes() {
        let leaf = |time| sidx(&[0, 7, 1000, time, 0, 1, 100, 50, 0x9000_0000]);
        let size = leaf(0).len() as u32;
        let root = sidx(&[0, 7, 1000, 0, 0, 2, 1 << 31 | size, 50, 0, 1 << 31 | size, 50, 0]);
        let file: Bytes = [root.clone(), leaf(0), leaf(50)].concat().into();
        let found = TrackPieces::read(&file, 0).unwrap();
        assert_eq!(found.pieces.iter().map(|piece| piece.time).collect::<Vec<_>>(), [0, 50]);
        // One that names itself over and over.
        let turns = sidx(&[0, 7, 1000, 0, 0, 1, 1 << 31, 50, 0]);
        let file: Bytes = [turns.clone(), turns.clone(), turns.clone(), turns.clone(), turns].concat().into();
        assert!(TrackPieces::read(&file, 0).is_err());
    }
}
