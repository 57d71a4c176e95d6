//! VP9: the configuration record (VP Codec ISO Media File Format Binding 2) and the frame header
//! (VP9 Bitstream and Decoding Process Specification 6.2).

use super::picture::Picture;
use crate::colour::Colour;
use crate::error::Error;
use crate::reader::BitReader;
use bytes::Bytes;

/// A VPCodecConfigurationRecord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vp9Config {
    /// The whole payload of the `vpcC` box, its version and flags included.
    pub record: Bytes,
    /// Bits of a luma sample.
    pub bit_depth: u8,
}

impl Vp9Config {
    /// Reads the payload of a `vpcC` box of version 1. Version 0, which never left its draft, says less than the
    /// first frame does.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when it is no such record.
    pub fn parse(record: &Bytes) -> Result<(Self, Colour), Error> {
        let Some([1, _, _, _, profile, _, format, primaries, transfer, matrix, ..]) =
            record.first_chunk::<12>()
        else {
            return Err(Error::malformed("VP9 configuration (vpcC)", 0));
        };
        let bit_depth = format >> 4;
        if *profile > 3 || !matches!(bit_depth, 8 | 10 | 12) {
            return Err(Error::malformed("VP9 configuration (vpcC)", 0));
        }
        let full_range = format & 1 == 1;
        let colour = Colour { primaries: *primaries, transfer: *transfer, matrix: *matrix, full_range };
        Ok((Self { record: record.clone(), bit_depth }, colour))
    }

    /// Writes the record. `level` is ten times the level's name (31 for 3.1).
    pub fn new(header: &FrameHeader, level: u8, colour: Colour) -> Self {
        let bit_depth = header.picture.bit_depth;
        let chroma = match header.subsampling {
            (true, true) => 1, // 4:2:0, colocated with luma (0, 0): what decoders assume
            (true, false) => 2,
            _ => 3, // 4:4:4; 4:4:0 has no value
        };
        let format = bit_depth << 4 | chroma << 1 | u8::from(colour.full_range);
        let Colour { primaries, transfer, matrix, .. } = colour;
        let record = vec![1, 0, 0, 0, header.profile, level, format, primaries, transfer, matrix, 0, 0];
        Self { record: record.into(), bit_depth }
    }

    /// RFC 6381 name, for example `vp09.00.40.08` (VP Codec ISO binding, "Codecs Parameter String").
    pub fn rfc6381(&self) -> String {
        let [_, _, _, _, profile, level] = self.record.first_chunk::<6>().unwrap_or(&[0; 6]);
        format!("vp09.{profile:02}.{level:02}.{:02}", self.bit_depth)
    }
}

/// What the uncompressed header of a key frame says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameHeader {
    /// Size, depth and colour.
    pub picture: Picture,
    /// Profile, 0 to 3.
    pub profile: u8,
    /// `subsampling_x` and `subsampling_y`.
    pub subsampling: (bool, bool),
}

impl FrameHeader {
    /// Reads a key frame, or a superframe that begins with one.
    ///
    /// # Errors
    /// `Unsupported` when it is no key frame; `Malformed` or `Truncated` when it is no VP9 frame.
    pub fn parse(frame: &[u8]) -> Result<Self, Error> {
        let mut bits = BitReader::new(frame);
        if bits.bits(2)? != 2 {
            return Err(Error::malformed("VP9 frame", 0));
        }
        let profile = bits.bits(1)? | bits.bits(1)? << 1;
        if profile == 3 && bits.flag()? {
            return Err(Error::malformed("VP9 profile", 0));
        }
        let show_existing_frame = bits.flag()?;
        if show_existing_frame || bits.flag()? {
            return Err(Error::unsupported("VP9 that does not begin with a key frame"));
        }
        bits.skip(2)?; // show_frame, error_resilient_mode
        if bits.bits(24)? != 0x49_8342 {
            return Err(Error::malformed("VP9 key frame", 0));
        }
        let bit_depth = match profile {
            0 | 1 => 8,
            _ if bits.flag()? => 12,
            _ => 10,
        };
        let space = bits.bits(3)?;
        let (mut full_range, mut subsampling) = (true, (true, true));
        if space == 7 {
            subsampling = (false, false);
            bits.skip(profile & 1)?;
        } else {
            full_range = bits.flag()?;
            if profile & 1 == 1 {
                subsampling = (bits.flag()?, bits.flag()?);
                bits.flag()?;
            }
        }
        let (width, height) = (bits.bits(16)? + 1, bits.bits(16)? + 1);
        let colour = Some(Colour { full_range, ..colour_of(space) });
        Ok(Self {
            picture: Picture { width, height, bit_depth, frame_rate: None, pixel_aspect: None, colour },
            profile: u8::try_from(profile).unwrap_or(0),
            subsampling,
        })
    }
}

/// `color_space` (7.2.2): only the matrix is certain for BT.601, whose two systems differ in their primaries, and
/// for BT.2020, whose picture may be standard or high in range.
const fn colour_of(space: u32) -> Colour {
    let (primaries, transfer, matrix) = match space {
        1 => (2, 6, 6),
        2 => (1, 1, 1),
        3 => (6, 6, 6),
        4 => (7, 7, 7),
        5 => (9, 2, 9),
        7 => (1, 13, 0),
        _ => (2, 2, 2),
    };
    Colour { primaries, transfer, matrix, full_range: false }
}

/// The levels (VP9 Levels and Decoder Testing, "Levels"): ten times the name, luma samples a second, luma samples
/// of a picture, longest side.
const LEVELS: [(u8, u64, u64, u32); 14] = [
    (10, 829_440, 36_864, 512),
    (11, 2_764_800, 73_728, 768),
    (20, 4_608_000, 122_880, 960),
    (21, 9_216_000, 245_760, 1_344),
    (30, 20_736_000, 552_960, 2_048),
    (31, 36_864_000, 983_040, 2_752),
    (40, 83_558_400, 2_228_224, 4_160),
    (41, 160_432_128, 2_228_224, 4_160),
    (50, 311_951_360, 8_912_896, 8_384),
    (51, 588_251_136, 8_912_896, 8_384),
    (52, 1_176_502_272, 8_912_896, 8_384),
    (60, 1_176_502_272, 35_651_584, 16_832),
    (61, 2_353_004_544, 35_651_584, 16_832),
    (62, 4_706_009_088, 35_651_584, 16_832),
];

/// The lowest level that allows pictures of this size at this rate (30 a second when it is not known), as ten
/// times its name; the highest when none does.
pub fn level_for(width: u32, height: u32, frame_rate: Option<f64>) -> u8 {
    let area = u64::from(width) * u64::from(height);
    // In thousandths, rounded down: 29.97 and 30 are the same level's.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
    let rate = (frame_rate.unwrap_or(30.0) * 1000.0) as u64;
    let per_second = area.saturating_mul(rate) / 1000;
    let fits = |level: &&(u8, u64, u64, u32)| {
        per_second <= level.1 && area <= level.2 && width.max(height) <= level.3
    };
    LEVELS.iter().find(fits).map_or(62, |level| level.0)
}

/// "VP9 Codec Feature Metadata", which WebM files may have as CodecPrivate (WebM Container Guidelines): the level,
/// as ten times its name.
pub fn level_in_features(private: &[u8]) -> Option<u8> {
    let mut rest = private;
    while let [id, length, tail @ ..] = rest {
        let (value, tail) = tail.split_at_checked(usize::from(*length))?;
        if let (2, [level]) = (*id, value) {
            return Some(*level).filter(|level| LEVELS.iter().any(|known| known.0 == *level));
        }
        rest = tail;
    }
    None
}

#[cfg(test)]
mod tests;
