//! EBML: element headers, the values of elements, and a view of the file to walk through (RFC 8794).

use crate::error::Error;
use crate::source::{ByteSource, Stop};
use bytes::Bytes;
use std::ops::Range;

/// Element IDs with their length markers (RFC 9559 section 5).
pub(super) mod id {
    pub(crate) const EBML: u32 = 0x1A45_DFA3;
    pub(crate) const DOC_TYPE: u32 = 0x4282;
    pub(crate) const EBML_MAX_ID_LENGTH: u32 = 0x42F2;
    pub(crate) const EBML_MAX_SIZE_LENGTH: u32 = 0x42F3;

    pub(crate) const BODY: u32 = 0x1853_8067; // "Segment"
    pub(crate) const SEEK_HEAD: u32 = 0x114D_9B74;
    pub(crate) const SEEK: u32 = 0x4DBB;
    pub(crate) const SEEK_ID: u32 = 0x53AB;
    pub(crate) const SEEK_POSITION: u32 = 0x53AC;
    pub(crate) const INFO: u32 = 0x1549_A966;
    pub(crate) const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
    pub(crate) const DURATION: u32 = 0x4489;
    pub(crate) const TAGS: u32 = 0x1254_C367;
    pub(crate) const ATTACHMENTS: u32 = 0x1941_A469;
    pub(crate) const ATTACHED_FILE: u32 = 0x61A7;
    pub(crate) const FILE_NAME: u32 = 0x466E;
    pub(crate) const FILE_MEDIA_TYPE: u32 = 0x4660;
    pub(crate) const FILE_DATA: u32 = 0x465C;
    pub(crate) const CHAPTERS: u32 = 0x1043_A770;

    pub(crate) const EDITION_ENTRY: u32 = 0x45B9;
    pub(crate) const EDITION_FLAG_HIDDEN: u32 = 0x45BD;
    pub(crate) const EDITION_FLAG_DEFAULT: u32 = 0x45DB;
    pub(crate) const EDITION_FLAG_ORDERED: u32 = 0x45DD;
    pub(crate) const CHAPTER_ATOM: u32 = 0xB6;
    pub(crate) const CHAPTER_TIME_START: u32 = 0x91;
    pub(crate) const CHAPTER_TIME_END: u32 = 0x92;
    pub(crate) const CHAPTER_FLAG_HIDDEN: u32 = 0x98;
    pub(crate) const CHAPTER_FLAG_ENABLED: u32 = 0x4598;
    pub(crate) const CHAPTER_SEGMENT_UUID: u32 = 0x6E67;
    pub(crate) const CHAPTER_DISPLAY: u32 = 0x80;
    pub(crate) const CHAP_STRING: u32 = 0x85;
    pub(crate) const CHAP_LANGUAGE: u32 = 0x437C;
    pub(crate) const CHAP_LANGUAGE_BCP47: u32 = 0x437D;
    pub(crate) const TAG: u32 = 0x7373;
    pub(crate) const TARGETS: u32 = 0x63C0;
    pub(crate) const TAG_TRACK_UID: u32 = 0x63C5;
    pub(crate) const SIMPLE_TAG: u32 = 0x67C8;
    pub(crate) const TAG_NAME: u32 = 0x45A3;
    pub(crate) const TAG_STRING: u32 = 0x4487;

    pub(crate) const TRACKS: u32 = 0x1654_AE6B;
    pub(crate) const TRACK_ENTRY: u32 = 0xAE;
    pub(crate) const TRACK_NUMBER: u32 = 0xD7;
    pub(crate) const TRACK_UID: u32 = 0x73C5;
    pub(crate) const TRACK_TYPE: u32 = 0x83;
    pub(crate) const FLAG_ENABLED: u32 = 0xB9;
    pub(crate) const FLAG_DEFAULT: u32 = 0x88;
    pub(crate) const FLAG_FORCED: u32 = 0x55AA;
    pub(crate) const FLAG_HEARING_IMPAIRED: u32 = 0x55AB;
    pub(crate) const FLAG_VISUAL_IMPAIRED: u32 = 0x55AC;
    pub(crate) const FLAG_TEXT_DESCRIPTIONS: u32 = 0x55AD;
    pub(crate) const FLAG_ORIGINAL: u32 = 0x55AE;
    pub(crate) const FLAG_COMMENTARY: u32 = 0x55AF;
    pub(crate) const DEFAULT_DURATION: u32 = 0x23_E383;
    pub(crate) const TRACK_TIMESTAMP_SCALE: u32 = 0x23_314F;
    pub(crate) const NAME: u32 = 0x536E;
    pub(crate) const LANGUAGE: u32 = 0x22_B59C;
    pub(crate) const LANGUAGE_BCP47: u32 = 0x22_B59D;
    pub(crate) const CODEC_ID: u32 = 0x86;
    pub(crate) const CODEC_PRIVATE: u32 = 0x63A2;
    pub(crate) const CODEC_DELAY: u32 = 0x56AA;
    pub(crate) const VIDEO: u32 = 0xE0;
    pub(crate) const PIXEL_WIDTH: u32 = 0xB0;
    pub(crate) const PIXEL_HEIGHT: u32 = 0xBA;
    pub(crate) const PIXEL_CROP_BOTTOM: u32 = 0x54AA;
    pub(crate) const PIXEL_CROP_TOP: u32 = 0x54BB;
    pub(crate) const PIXEL_CROP_LEFT: u32 = 0x54CC;
    pub(crate) const PIXEL_CROP_RIGHT: u32 = 0x54DD;
    pub(crate) const DISPLAY_WIDTH: u32 = 0x54B0;
    pub(crate) const DISPLAY_HEIGHT: u32 = 0x54BA;
    pub(crate) const DISPLAY_UNIT: u32 = 0x54B2;
    pub(crate) const STEREO_MODE: u32 = 0x53B8;
    pub(crate) const COLOUR: u32 = 0x55B0;
    pub(crate) const MATRIX_COEFFICIENTS: u32 = 0x55B1;
    pub(crate) const RANGE: u32 = 0x55B9;
    pub(crate) const TRANSFER_CHARACTERISTICS: u32 = 0x55BA;
    pub(crate) const PRIMARIES: u32 = 0x55BB;
    pub(crate) const PROJECTION: u32 = 0x7670;
    pub(crate) const PROJECTION_TYPE: u32 = 0x7671;
    pub(crate) const PROJECTION_POSE_ROLL: u32 = 0x7675;
    pub(crate) const BLOCK_ADDITION_MAPPING: u32 = 0x41E4;
    pub(crate) const BLOCK_ADD_ID_TYPE: u32 = 0x41E7;
    pub(crate) const BLOCK_ADD_ID_EXTRA_DATA: u32 = 0x41ED;
    pub(crate) const AUDIO: u32 = 0xE1;
    pub(crate) const SAMPLING_FREQUENCY: u32 = 0xB5;
    pub(crate) const CHANNELS: u32 = 0x9F;
    pub(crate) const CONTENT_ENCODINGS: u32 = 0x6D80;
    pub(crate) const CONTENT_ENCODING: u32 = 0x6240;
    pub(crate) const CONTENT_ENCODING_ORDER: u32 = 0x5031;
    pub(crate) const CONTENT_ENCODING_SCOPE: u32 = 0x5032;
    pub(crate) const CONTENT_ENCODING_TYPE: u32 = 0x5033;
    pub(crate) const CONTENT_COMPRESSION: u32 = 0x5034;
    pub(crate) const CONTENT_COMP_ALGO: u32 = 0x4254;
    pub(crate) const CONTENT_COMP_SETTINGS: u32 = 0x4255;

    pub(crate) const CUES: u32 = 0x1C53_BB6B;
    pub(crate) const CUE_POINT: u32 = 0xBB;
    pub(crate) const CUE_TIME: u32 = 0xB3;
    pub(crate) const CUE_TRACK_POSITIONS: u32 = 0xB7;
    pub(crate) const CUE_TRACK: u32 = 0xF7;
    pub(crate) const CUE_CLUSTER_POSITION: u32 = 0xF1;
    pub(crate) const CUE_RELATIVE_POSITION: u32 = 0xF0;

    pub(crate) const CLUSTER: u32 = 0x1F43_B675;
    pub(crate) const TIMESTAMP: u32 = 0xE7;
    pub(crate) const SIMPLE_BLOCK: u32 = 0xA3;
    pub(crate) const BLOCK_GROUP: u32 = 0xA0;
    pub(crate) const BLOCK: u32 = 0xA1;
    pub(crate) const BLOCK_DURATION: u32 = 0x9B;
    pub(crate) const REFERENCE_BLOCK: u32 = 0xFB;

    /// True for Void and CRC-32.
    pub(crate) const fn anywhere(id: u32) -> bool {
        matches!(id, 0xEC | 0xBF)
    }

    /// True for the elements that lie beside clusters, and so end a cluster of unknown size.
    pub(crate) const fn beside_clusters(id: u32) -> bool {
        matches!(id, SEEK_HEAD | INFO | TRACKS | CUES | TAGS | ATTACHMENTS | CHAPTERS)
    }
}

/// The longest element header: 4 bytes of ID and 8 of size.
pub(super) const MAX_HEAD: u64 = 12;

/// A variable-size integer without its length marker, and its width; `None` when it is cut off or wider than 8.
pub(super) fn vint(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let width = first.leading_zeros() as usize + 1;
    let (head, tail) = bytes.get(..width)?.split_first()?;
    let marker = 0x80u8.checked_shr(first.leading_zeros())?;
    let value = tail.iter().fold(u64::from(head ^ marker), |sum, byte| sum << 8 | u64::from(*byte));
    Some((value, width))
}

/// True for the reserved value of that width, all ones: an unknown size.
const fn is_unknown(value: u64, width: usize) -> bool {
    value == (1 << (7 * width)) - 1
}

/// An element's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) id: u32,
    /// Where the header begins in the file.
    pub(super) at: u64,
    /// Where the payload begins in the file.
    pub(super) data: u64,
    /// Bytes of the payload; `None` when the file does not say.
    pub(super) size: Option<u64>,
}

impl Head {
    /// Reads the header that begins `bytes`, which lies at `at` in the file; `None` when it is cut off.
    pub(super) fn parse(bytes: &[u8], at: u64) -> Result<Option<Self>, Error> {
        let Some(first) = bytes.first() else {
            return Ok(None);
        };
        let id_width = first.leading_zeros() as usize + 1;
        if id_width > 4 {
            return Err(Error::malformed("no Matroska element where one must be", at));
        }
        let Some((id, rest)) = bytes.split_at_checked(id_width) else {
            return Ok(None);
        };
        let id = id.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte));
        if rest.first() == Some(&0) {
            return Err(Error::malformed("an element's size is wider than 8 bytes", at));
        }
        let Some((size, size_width)) = vint(rest) else {
            return Ok(None);
        };
        let data = at.saturating_add((id_width + size_width) as u64);
        let size = (!is_unknown(size, size_width)).then_some(size);
        Ok(Some(Self { id, at, data, size }))
    }

    /// Where the payload ends, which must be known.
    pub(super) fn end(&self) -> Result<u64, Error> {
        let unknown = Error::malformed("an element of unknown size that must have one", self.at);
        let too_large = Error::malformed("an element's size is beyond any file", self.at);
        self.data.checked_add(self.size.ok_or(unknown)?).ok_or(too_large)
    }
}

/// An element whose bytes are all here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) id: u32,
    /// Where the payload begins in the file.
    pub(super) at: u64,
    pub(super) data: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements inside.
    pub(super) const fn children(&self) -> Children<'a> {
        Children { rest: self.data, at: self.at }
    }

    /// An unsigned integer of 0 to 8 bytes; no bytes mean 0.
    pub(super) fn uint(&self) -> Result<u64, Error> {
        if self.data.len() > 8 {
            return Err(Error::malformed("an integer is longer than 8 bytes", self.at));
        }
        Ok(self.data.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// A floating-point number of 0, 4 or 8 bytes.
    pub(super) fn float(&self) -> Result<f64, Error> {
        if let Ok(bytes) = <[u8; 8]>::try_from(self.data) {
            Ok(f64::from_be_bytes(bytes))
        } else if let Ok(bytes) = <[u8; 4]>::try_from(self.data) {
            Ok(f64::from(f32::from_be_bytes(bytes)))
        } else if self.data.is_empty() {
            Ok(0.0)
        } else {
            Err(Error::malformed("a floating-point number has a wrong length", self.at))
        }
    }

    /// Text up to the first zero byte; wrong UTF-8 is replaced, and what is beyond 1 KiB is left out.
    pub(super) fn text(&self) -> String {
        let end = self.data.iter().position(|byte| *byte == 0).unwrap_or(self.data.len()).min(1024);
        String::from_utf8_lossy(self.data.get(..end).unwrap_or_default()).into_owned()
    }
}

/// The elements in a run of bytes that is all here; it ends after the first error.
#[derive(Debug, Clone)]
pub(super) struct Children<'a> {
    rest: &'a [u8],
    at: u64,
}

impl<'a> Children<'a> {
    pub(super) const fn new(data: &'a [u8], at: u64) -> Self {
        Self { rest: data, at }
    }

    fn step(&mut self) -> Result<Element<'a>, Error> {
        let cut_off = Error::truncated("an element is cut off", self.at);
        let head = Head::parse(self.rest, self.at)?.ok_or(cut_off)?;
        let head_len = usize::try_from(head.data - self.at).map_err(|_| cut_off)?;
        let size = usize::try_from(head.end()? - head.data).map_err(|_| cut_off)?;
        let data = self.rest.get(head_len..).ok_or(cut_off)?;
        let (data, rest) = data.split_at_checked(size).ok_or(cut_off)?;
        self.rest = rest;
        self.at = head.end()?;
        Ok(Element { id: head.id, at: head.data, data })
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = Result<Element<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let element = self.step();
        if element.is_err() {
            self.rest = &[];
        }
        Some(element)
    }
}

/// The file up to `end`, with one range held in memory, so that walking it costs no search.
pub(super) struct View<'a> {
    src: &'a dyn ByteSource,
    /// Where the Matroska Segment ends; nothing behind it is looked at.
    pub(super) end: u64,
    held: (u64, Bytes),
}

/// The least that is asked for at once where a walk runs into bytes that are not here.
const LEAST_ASK: u64 = 64 << 10;
const MOST_ASK: u64 = 16 << 20;

impl<'a> View<'a> {
    pub(super) fn new(src: &'a dyn ByteSource, end: u64) -> Self {
        Self { src, end: end.min(src.len()), held: (0, Bytes::new()) }
    }

    /// Takes `range` into memory, all of it in one ask.
    pub(super) fn hold(&mut self, range: Range<u64>) -> Result<(), Stop> {
        self.held = (range.start, self.src.read(range)?);
        Ok(())
    }

    /// Bytes in memory.
    pub(super) fn held_len(&self) -> u64 {
        self.held.1.len() as u64
    }

    /// The bytes of `range`, not a byte more asked for.
    pub(super) fn bytes(&self, range: Range<u64>) -> Result<Bytes, Stop> {
        let (base, held) = &self.held;
        let slice = || {
            let start = usize::try_from(range.start.checked_sub(*base)?).ok()?;
            let end = usize::try_from(range.end.checked_sub(*base)?).ok()?;
            (start <= end && end <= held.len()).then(|| held.slice(start..end))
        };
        slice().map_or_else(|| self.src.read(range.clone()), Ok)
    }

    /// The bytes of `range` on a walk that began at `from`: where they are not here, as much is asked for as
    /// was walked already, so that a long walk takes few rounds.
    pub(super) fn walk_bytes(&self, range: Range<u64>, from: u64) -> Result<Bytes, Stop> {
        self.bytes(range.clone()).map_err(|stop| match stop {
            Stop::Need(_) => {
                let ask = range.start.saturating_sub(from).clamp(LEAST_ASK, MOST_ASK);
                Stop::Need(range.start..range.start.saturating_add(ask).min(self.end).max(range.end))
            }
            fail @ Stop::Fail(_) => fail,
        })
    }

    /// The element header at `at`, on a walk that began at `from`; `None` when the view ends before the header.
    pub(super) fn head(&self, at: u64, from: u64) -> Result<Option<Head>, Stop> {
        if at >= self.end {
            return Ok(None);
        }
        let bytes = self.walk_bytes(at..at.saturating_add(MAX_HEAD).min(self.end), from)?;
        Ok(Head::parse(&bytes, at)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn vints_and_unknown_sizes_of_every_width() {
        assert_eq!(vint(&[0x81]), Some((1, 1)));
        assert_eq!(vint(&[0x40, 0x02]), Some((2, 2)));
        assert_eq!(vint(&[0x01, 0, 0, 0, 0, 0, 0, 9]), Some((9, 8)));
        assert_eq!(vint(&[0x00, 0xff]), None);
        assert_eq!(vint(&[0x40]), None);
        for width in 1..=8usize {
            let mut bytes = vec![0xec];
            bytes.push(0xff >> (width - 1));
            bytes.resize(1 + width, 0xff);
            let head = Head::parse(&bytes, 5).unwrap().unwrap();
            assert_eq!((head.id, head.size, head.data), (0xec, None, 6 + width as u64));
        }
    }

    #[test]
    fn headers_that_are_none() {
        assert!(Head::parse(&[0x08, 0x80, 0x80], 0).is_err());
        assert!(Head::parse(&[0xec, 0x00], 0).is_err());
        assert_eq!(Head::parse(&[0x1a, 0x45, 0xdf], 0), Ok(None));
        assert_eq!(Head::parse(&[0xec], 0), Ok(None));
    }

    proptest! {
        #[test]
        fn children_of_anything_end(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let count = Children::new(&data, 0).count();
            prop_assert!(count <= data.len() / 2 + 1);
        }
    }
}
