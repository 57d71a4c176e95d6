//! What was done to frames before they were stored, and undoing it (RFC 9559 section 5.1.4.1.31).

use super::ebml::{Element, id};
use crate::codec::nal::length_prefixed;
use crate::error::Error;
use bytes::Bytes;
use std::io::Read;

/// The most that one frame may become.
const MAX_FRAME: u64 = 16 << 20;
/// The longest header that is put back; real ones have up to about 16 bytes.
const MAX_HEADER: usize = 1024;
const MAX_ENCODINGS: usize = 4;

/// One step back to the frame as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undo {
    /// The frame's first bytes, the same in every frame, were taken away.
    PutBack(Bytes),
    /// The frame was compressed with zlib.
    Inflate,
    /// The frame is a byte stream of NAL units (annex B); they are to have lengths of four bytes. No file says so:
    /// it is seen.
    ByteStream,
}

/// The steps back, in the order in which to take them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Encodings {
    pub(super) of_frames: Vec<Undo>,
    /// Those of CodecPrivate.
    pub(super) of_private: Vec<Undo>,
}

impl Encodings {
    /// Reads a ContentEncodings element; the error is the reason why the track cannot be played.
    pub(super) fn parse(element: &Element<'_>) -> Result<Self, &'static str> {
        const DAMAGED: &str = "the description of the track's compression is damaged";
        let mut steps = Vec::new();
        for child in element.children() {
            let child = child.map_err(|_| DAMAGED)?;
            if child.id == id::CONTENT_ENCODING {
                steps.push(Encoding::parse(&child).map_err(|_| DAMAGED)?);
            }
        }
        if steps.len() > MAX_ENCODINGS {
            return Err("the track is compressed too many times");
        }
        // The one with the highest order was applied last.
        steps.sort_by_key(|step| std::cmp::Reverse(step.order));
        let mut encodings = Self::default();
        for step in steps {
            let undo = step.undo()?;
            if step.scope & 1 != 0 {
                encodings.of_frames.push(undo.clone());
            }
            if step.scope & 2 != 0 {
                encodings.of_private.push(undo);
            }
        }
        Ok(encodings)
    }
}

struct Encoding {
    order: u64,
    scope: u64,
    kind: u64,
    algorithm: u64,
    settings: Bytes,
}

impl Encoding {
    fn parse(element: &Element<'_>) -> Result<Self, Error> {
        let mut encoding = Self { order: 0, scope: 1, kind: 0, algorithm: 0, settings: Bytes::new() };
        for child in element.children() {
            let child = child?;
            match child.id {
                id::CONTENT_ENCODING_ORDER => encoding.order = child.uint()?,
                id::CONTENT_ENCODING_SCOPE => encoding.scope = child.uint()?,
                id::CONTENT_ENCODING_TYPE => encoding.kind = child.uint()?,
                id::CONTENT_COMPRESSION => {
                    for child in child.children() {
                        let child = child?;
                        match child.id {
                            id::CONTENT_COMP_ALGO => encoding.algorithm = child.uint()?,
                            id::CONTENT_COMP_SETTINGS => {
                                encoding.settings = Bytes::copy_from_slice(child.data)
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(encoding)
    }

    fn undo(&self) -> Result<Undo, &'static str> {
        match (self.kind, self.algorithm) {
            (0, 0) => Ok(Undo::Inflate),
            (0, 3) if self.settings.len() <= MAX_HEADER => Ok(Undo::PutBack(self.settings.clone())),
            (0, _) => Err("the track's frames are compressed in a way that is not supported"),
            _ => Err("the track is encrypted"),
        }
    }
}

/// Takes the steps back. `budget` is what all frames of a call may become in memory.
pub(super) fn undo(steps: &[Undo], frame: Bytes, at: u64, budget: &mut u64) -> Result<Bytes, Error> {
    let mut frame = frame;
    for step in steps {
        frame = match step {
            Undo::PutBack(header) => [header.as_ref(), frame.as_ref()].concat().into(),
            Undo::Inflate => {
                let mut out = Vec::new();
                flate2::bufread::ZlibDecoder::new(frame.as_ref())
                    .take(MAX_FRAME.min(*budget) + 1)
                    .read_to_end(&mut out)
                    .map_err(|_| Error::malformed("a compressed frame is damaged", at))?;
                out.into()
            }
            Undo::ByteStream => length_prefixed(&frame),
        };
        let size = frame.len() as u64;
        let too_large = Error::limit("compressed frames become too large", at);
        *budget = budget.checked_sub(size).filter(|_| size <= MAX_FRAME).ok_or(too_large)?;
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn deflate(data: &[u8]) -> Bytes {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn steps_back() {
        let mut budget = 1000;
        let steps = [Undo::Inflate, Undo::PutBack(Bytes::from_static(b"ab"))];
        assert_eq!(undo(&steps, deflate(b"cd"), 0, &mut budget).unwrap(), "abcd");
        assert_eq!(budget, 994);
        assert!(undo(&steps, Bytes::from_static(b"no zlib"), 0, &mut budget).is_err());
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = deflate(&vec![0; 17 << 20]);
        assert!(undo(&[Undo::Inflate], bomb, 0, &mut u64::MAX.clone()).is_err());
        let mut budget = 10;
        assert!(undo(&[Undo::Inflate], deflate(&[0; 11]), 0, &mut budget).is_err());
    }
}
