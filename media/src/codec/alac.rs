//! Apple Lossless: the magic cookie (ALACSpecificConfig, Apple Lossless Format "Magic Cookie" description).

use crate::error::Error;
use crate::reader::{BitReader, Reader};
use bytes::Bytes;

/// An ALACSpecificConfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlacConfig {
    /// The whole payload of the `alac` box inside the sample entry, its version and flags included.
    pub record: Bytes,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels, 1 to 8.
    pub channels: u32,
    /// Bits of a sample.
    pub bits: u32,
    /// Samples in a frame.
    pub samples_per_frame: u32,
}

/// The longest frame that is believed: the encoder's default is 4096 samples.
const MAX_FRAME: u32 = 1 << 20;
/// Bytes of a cookie, and of the channel layout that may follow it.
const COOKIE: usize = 24;
const LAYOUT: usize = 24;

impl AlacConfig {
    /// Reads the payload of an `alac` box inside a sample entry, its version and flags included.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when it is damaged.
    pub fn parse_box(payload: &[u8]) -> Result<Self, Error> {
        match payload.split_at_checked(4) {
            Some((_, cookie)) => Self::parse_cookie(cookie),
            None => Err(Error::truncated("an ALAC configuration", 0)),
        }
    }

    /// Reads a cookie as Matroska's CodecPrivate holds it; also one that is still in its `alac` box.
    ///
    /// # Errors
    /// As [`AlacConfig::parse_box`].
    pub fn parse_cookie(cookie: &[u8]) -> Result<Self, Error> {
        if cookie.get(4..8) == Some(b"alac") {
            return Self::parse_box(cookie.get(8..).unwrap_or_default());
        }
        let mut reader = Reader::new(cookie, 0);
        let samples_per_frame = reader.u32()?;
        let version = reader.u8()?;
        let bits = reader.u8()?;
        reader.skip(3)?; // tuning of the entropy coder
        let channels = reader.u8()?;
        reader.skip(2 + 4 + 4)?; // longest run, largest frame, bit rate
        let sample_rate = reader.u32()?;
        let frame_is_believed = (1..=MAX_FRAME).contains(&samples_per_frame);
        if version != 0 || !frame_is_believed || !matches!(channels, 1..=8) || sample_rate == 0 {
            return Err(Error::malformed("an ALAC configuration", 0));
        }
        // A channel layout may follow; anything else does not belong to the box.
        let has_layout = cookie.get(COOKIE + 4..COOKIE + 8) == Some(b"chan");
        let kept = if has_layout && cookie.len() >= COOKIE + LAYOUT { COOKIE + LAYOUT } else { COOKIE };
        let mut record = vec![0; 4];
        record.extend_from_slice(cookie.get(..kept).unwrap_or(cookie));
        Ok(Self {
            record: record.into(),
            sample_rate,
            channels: channels.into(),
            bits: bits.into(),
            samples_per_frame,
        })
    }

    /// Samples in `frame`, by its first element: the last frame of a stream may be shorter than the others, and
    /// says so.
    pub fn frame_samples(&self, frame: &[u8]) -> u32 {
        match own_length(frame) {
            Ok(Some(samples)) if (1..=self.samples_per_frame).contains(&samples) => samples,
            _ => self.samples_per_frame,
        }
    }
}

/// The length that a single channel, channel pair or low frequency element begins with, if it does.
fn own_length(frame: &[u8]) -> Result<Option<u32>, Error> {
    let mut bits = BitReader::new(frame);
    if !matches!(bits.bits(3)?, 0 | 1 | 3) {
        return Ok(None);
    }
    bits.skip(4 + 12)?; // instance, unused
    let has_length = bits.flag()?;
    bits.skip(2 + 1)?; // shifted bytes, escape
    if has_length { bits.bits(32).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Stereo, 48 kHz, 16 bits, as ffmpeg writes it.
    const COOKIE_48K: [u8; 24] =
        [0, 0, 0x10, 0, 0, 16, 40, 10, 14, 2, 0, 0xff, 0, 0, 0x40, 0x08, 0, 0x17, 0x70, 0, 0, 0, 0xbb, 0x80];

    #[test]
    fn cookie_and_box() {
        let config = AlacConfig::parse_cookie(&COOKIE_48K).unwrap();
        assert_eq!((config.sample_rate, config.channels, config.bits), (48_000, 2, 16));
        assert_eq!(config.samples_per_frame, 4096);
        assert_eq!(config.record[4..], COOKIE_48K);
        assert_eq!(AlacConfig::parse_box(&config.record).as_ref(), Ok(&config));
        let boxed = [b"\0\0\0\x24alac\0\0\0\0", &COOKIE_48K[..]].concat();
        assert_eq!(AlacConfig::parse_cookie(&boxed).as_ref(), Ok(&config));
        let layout = b"\0\0\0\x18chan\0\0\0\0\0\x79\0\x06\0\0\0\0\0\0\0\0";
        let with_layout = AlacConfig::parse_cookie(&[&COOKIE_48K[..], layout].concat()).unwrap();
        assert_eq!(with_layout.record.len(), 4 + 24 + 24);
        let with_rest = AlacConfig::parse_cookie(&[&COOKIE_48K[..], b"\0\0\0\x08junk"].concat()).unwrap();
        assert_eq!(with_rest, config);
        for end in 0..24 {
            assert!(AlacConfig::parse_cookie(&COOKIE_48K[..end]).is_err());
        }
    }

    #[test]
    fn a_short_frame_says_so() {
        let config = AlacConfig::parse_cookie(&COOKIE_48K).unwrap();
        // element 1 (001), instance 0000, 12 unused, has its length 1, 00, 0, then 1000 in 32 bits
        let short: u64 = 1 << 61 | 1 << 44 | 1000 << 9;
        assert_eq!(config.frame_samples(&short.to_be_bytes()), 1000);
        assert_eq!(config.frame_samples(&(short & !(1 << 44)).to_be_bytes()), 4096);
        assert_eq!(config.frame_samples(&[]), 4096);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = AlacConfig::parse_box(&bytes);
            if let Ok(config) = AlacConfig::parse_cookie(&bytes) {
                prop_assert!(config.frame_samples(&bytes) > 0);
                prop_assert_eq!(AlacConfig::parse_box(&config.record), Ok(config));
            }
        }
    }
}
