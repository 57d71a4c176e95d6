//! The sequence header OBU (AV1 Bitstream and Decoding Process Specification 5.5).

use crate::codec::picture::{MAX_SIDE, Picture, frame_rate};
use crate::colour::Colour;
use crate::error::Error;
use crate::reader::BitReader;

/// What a sequence header says, as far as a configuration record and planning need it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequenceHeader {
    /// Size (the largest of any frame), depth, rate and colour.
    pub picture: Picture,
    /// `seq_profile`: 0 Main, 1 High, 2 Professional.
    pub profile: u8,
    /// `seq_level_idx` of the first operating point, 0 to 31.
    pub level: u8,
    /// `seq_tier` of the first operating point: true for High.
    pub tier: bool,
    /// `mono_chrome`.
    pub monochrome: bool,
    /// `subsampling_x` and `subsampling_y`.
    pub subsampling: (bool, bool),
    /// `chroma_sample_position`, 0 to 3.
    pub chroma_position: u8,
}

impl SequenceHeader {
    /// Reads the payload of a sequence header OBU.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when it breaks the syntax, `Limit` for pictures beyond 16,384 pixels.
    pub fn parse(payload: &[u8]) -> Result<Self, Error> {
        let mut bits = BitReader::new(payload);
        let profile = bits.bits(3)?;
        if profile > 2 {
            return Err(Error::malformed("AV1 profile", 0));
        }
        bits.flag()?; // still_picture
        let reduced = bits.flag()?; // reduced_still_picture_header
        let mut frame_rate = None;
        let (level, tier);
        if reduced {
            (level, tier) = (bits.bits(5)?, false);
        } else {
            let decoder_model;
            (frame_rate, decoder_model) = timing(&mut bits)?;
            (level, tier) = operating_points(&mut bits, decoder_model)?;
        }
        let (width_bits, height_bits) = (bits.bits(4)? + 1, bits.bits(4)? + 1);
        let (width, height) = (bits.bits(width_bits)? + 1, bits.bits(height_bits)? + 1);
        if width > MAX_SIDE || height > MAX_SIDE {
            return Err(Error::limit("AV1 picture size", 0));
        }
        if !reduced && bits.flag()? {
            bits.skip(7)?; // delta_frame_id_length_minus_2, additional_frame_id_length_minus_1
        }
        bits.skip(3)?; // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
        if !reduced {
            skip_tools(&mut bits)?;
        }
        bits.skip(3)?; // enable_superres, enable_cdef, enable_restoration
        let mut header = Self {
            picture: Picture { width, height, bit_depth: 8, frame_rate, pixel_aspect: None, colour: None },
            profile: u8::try_from(profile).unwrap_or(0),
            level: u8::try_from(level).unwrap_or(31),
            tier,
            monochrome: false,
            subsampling: (true, true),
            chroma_position: 0,
        };
        header.read_colour(&mut bits)?;
        Ok(header)
    }

    /// `color_config()` (5.5.2).
    fn read_colour(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        let high_bit_depth = bits.flag()?;
        self.picture.bit_depth = match high_bit_depth {
            true if self.profile == 2 && bits.flag()? => 12,
            true => 10,
            false => 8,
        };
        self.monochrome = self.profile != 1 && bits.flag()?;
        let mut colour = Colour::UNSPECIFIED;
        if bits.flag()? {
            (colour.primaries, colour.transfer, colour.matrix) = (bits.byte()?, bits.byte()?, bits.byte()?);
        }
        if self.monochrome {
            colour.full_range = bits.flag()?;
        } else if (colour.primaries, colour.transfer, colour.matrix) == (1, 13, 0) {
            // sRGB
            colour.full_range = true;
            self.subsampling = (false, false);
        } else {
            colour.full_range = bits.flag()?;
            self.subsampling = match (self.profile, self.picture.bit_depth) {
                (0, _) => (true, true),
                (1, _) => (false, false),
                (_, 12) => {
                    let across = bits.flag()?;
                    (across, across && bits.flag()?)
                }
                _ => (true, false),
            };
            if self.subsampling == (true, true) {
                self.chroma_position = u8::try_from(bits.bits(2)?).unwrap_or(0);
            }
        }
        self.picture.colour = Some(colour);
        Ok(())
    }
}

/// From `timing_info_present_flag` to `decoder_model_info()` (5.5.1, 5.5.3, 5.5.4): the rate, and how many bits
/// the buffer's delays have when there is a decoder model.
fn timing(bits: &mut BitReader<'_>) -> Result<(Option<f64>, Option<u32>), Error> {
    if !bits.flag()? {
        return Ok((None, None));
    }
    let (ticks, time_scale) = (bits.bits(32)?, bits.bits(32)?);
    let mut rate = None;
    if bits.flag()? {
        // equal_picture_interval: so many ticks are a picture
        let ticks_per_picture = u64::from(uvlc(bits)?) + 1;
        rate = frame_rate(time_scale, u64::from(ticks).saturating_mul(ticks_per_picture));
    }
    let mut decoder_model = None;
    if bits.flag()? {
        decoder_model = Some(bits.bits(5)? + 1);
        bits.skip(32 + 5 + 5)?;
    }
    Ok((rate, decoder_model))
}

/// The operating points: level and tier of the first.
fn operating_points(bits: &mut BitReader<'_>, decoder_model: Option<u32>) -> Result<(u32, bool), Error> {
    let initial_delays = bits.flag()?;
    let mut first = None;
    for _ in 0..=bits.bits(5)? {
        bits.skip(12)?; // operating_point_idc
        let level = bits.bits(5)?;
        let tier = level > 7 && bits.flag()?;
        if let Some(length) = decoder_model
            && bits.flag()?
        {
            bits.skip(2 * length + 1)?;
        }
        if initial_delays && bits.flag()? {
            bits.skip(4)?;
        }
        first.get_or_insert((level, tier));
    }
    Ok(first.unwrap_or_default())
}

/// From `enable_interintra_compound` to the bits of order hints.
fn skip_tools(bits: &mut BitReader<'_>) -> Result<(), Error> {
    bits.skip(4)?; // interintra_compound, masked_compound, warped_motion, dual_filter
    let order_hints = bits.flag()?;
    if order_hints {
        bits.skip(2)?; // jnt_comp, ref_frame_mvs
    }
    let choose_screen_content_tools = bits.flag()?;
    if choose_screen_content_tools || bits.flag()? {
        let choose_integer_mv = bits.flag()?;
        if !choose_integer_mv {
            bits.flag()?;
        }
    }
    if order_hints {
        bits.skip(3)?; // order_hint_bits_minus_1
    }
    Ok(())
}

/// `uvlc()` (4.10.3).
fn uvlc(bits: &mut BitReader<'_>) -> Result<u32, Error> {
    let mut zeros = 0;
    while !bits.flag()? {
        zeros += 1;
        if zeros >= 32 {
            return Ok(u32::MAX);
        }
    }
    Ok(bits.bits(zeros)? + ((1u32 << zeros) - 1))
}
