//! The sequence parameter set (ITU-T H.264 7.3.2.1) and its VUI (E.1.1).

use crate::codec::nal::unescape;
use crate::codec::picture::{MAX_SIDE, Picture, frame_rate};
use crate::codec::vui::Signal;
use crate::colour::Colour;
use crate::error::Error;
use crate::reader::BitReader;

/// What a sequence parameter set says, as far as planning needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sps {
    /// Picture width after cropping, in pixels.
    pub width: u32,
    /// Picture height after cropping, in pixels.
    pub height: u32,
    /// Bits of a luma sample, 8 to 14.
    pub bit_depth: u8,
    /// Bits of a chroma sample, 8 to 14.
    pub chroma_bit_depth: u8,
    /// `chroma_format_idc`: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// Frames per second, when the VUI tells them.
    pub frame_rate: Option<f64>,
    /// Width and height of a pixel relative to each other, when the VUI tells them.
    pub pixel_aspect: Option<(u32, u32)>,
    /// What the numbers mean as light, when the VUI tells it.
    pub colour: Option<Colour>,
    /// How many frames may precede a frame in decoding order and follow it in output order
    /// (`max_num_reorder_frames`, or what H.264 E.2.1 infers when it is absent).
    pub reorder_depth: u32,
}

impl Eq for Sps {}

impl Sps {
    /// Reads an SPS NAL unit, its header included.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when it breaks the syntax; `Limit` for pictures beyond 16,384 pixels.
    pub fn parse(nal: &[u8]) -> Result<Self, Error> {
        let payload = unescape(nal.get(1..).unwrap_or_default());
        let mut bits = BitReader::new(&payload);
        let profile = bits.bits(8)?;
        let constraints = bits.bits(8)?;
        let level = bits.bits(8)?;
        bits.ue()?; // seq_parameter_set_id
        let mut chroma_format = 1;
        let mut separate_planes = false;
        let (mut bit_depth, mut chroma_bit_depth) = (8, 8);
        if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
            chroma_format = bits.ue()?;
            separate_planes = chroma_format == 3 && bits.flag()?;
            bit_depth = bits.ue()?.saturating_add(8);
            chroma_bit_depth = bits.ue()?.saturating_add(8);
            bits.flag()?; // qpprime_y_zero_transform_bypass_flag
            if bits.flag()? {
                for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                    if bits.flag()? {
                        skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        bits.ue()?; // log2_max_frame_num_minus4
        let order_count_type = bits.ue()?;
        match order_count_type {
            0 => {
                bits.ue()?;
            }
            1 => {
                bits.flag()?;
                bits.se()?;
                bits.se()?;
                let cycle = bits.ue()?;
                if cycle > 255 {
                    return Err(Error::malformed("H.264 order count cycle", 0));
                }
                for _ in 0..cycle {
                    bits.se()?;
                }
            }
            _ => {}
        }
        bits.ue()?; // max_num_ref_frames
        bits.flag()?; // gaps_in_frame_num_value_allowed_flag
        let width_in_mbs = u64::from(bits.ue()?) + 1;
        let height_in_units = u64::from(bits.ue()?) + 1;
        let frames_only = bits.flag()?;
        if !frames_only {
            bits.flag()?; // mb_adaptive_frame_field_flag
        }
        bits.flag()?; // direct_8x8_inference_flag
        let mut crop = [0u32; 4]; // left, right, top, bottom
        if bits.flag()? {
            for side in &mut crop {
                *side = bits.ue()?;
            }
        }
        let formats = [bit_depth, chroma_bit_depth, chroma_format].map(u8::try_from);
        let [Ok(bit_depth @ 8..=14), Ok(chroma_bit_depth @ 8..=14), Ok(chroma_format @ 0..=3)] = formats
        else {
            return Err(Error::malformed("H.264 bit depth or chroma format", 0));
        };
        let field_factor = if frames_only { 1 } else { 2 };
        let height_in_mbs = height_in_units * field_factor;
        let (unit_x, unit_y) = match chroma_format {
            1 if !separate_planes => (2, 2 * field_factor),
            2 if !separate_planes => (2, field_factor),
            _ => (1, field_factor),
        };
        let cropped = |mbs: u64, sides: [u32; 2], unit: u64| {
            let cut = (u64::from(sides[0]) + u64::from(sides[1])) * unit;
            u32::try_from((mbs * 16).saturating_sub(cut))
                .ok()
                .filter(|size| (1..=MAX_SIDE).contains(size))
                .ok_or(Error::limit("H.264 picture size", 0))
        };
        let width = cropped(width_in_mbs, [crop[0], crop[1]], unit_x)?;
        let height = cropped(height_in_mbs, [crop[2], crop[3]], unit_y)?;
        let mut vui = Vui::default();
        if bits.flag()? {
            // What comes before a fault is used.
            let _ = vui.read(&mut bits);
        }
        // constraint_set3_flag in these profiles: intra only (E.2.1)
        let intra_only = constraints & 0x10 != 0 && matches!(profile, 44 | 86 | 100 | 110 | 122 | 244);
        let inferred = if order_count_type == 2 || profile == 66 || intra_only {
            0
        } else {
            max_dpb_frames(level, constraints, width_in_mbs * height_in_mbs).min(4)
        };
        let reorder_depth = vui.reorder_frames.filter(|depth| *depth <= 16).unwrap_or(inferred);
        Ok(Self {
            width,
            height,
            bit_depth,
            chroma_bit_depth,
            chroma_format,
            frame_rate: vui.frame_rate,
            pixel_aspect: vui.signal.pixel_aspect,
            colour: vui.signal.colour,
            reorder_depth,
        })
    }

    /// What is the same in every codec.
    pub const fn picture(&self) -> Picture {
        Picture {
            width: self.width,
            height: self.height,
            bit_depth: self.bit_depth,
            frame_rate: self.frame_rate,
            pixel_aspect: self.pixel_aspect,
            colour: self.colour,
        }
    }
}

/// Frames that the decoded picture buffer holds (H.264 A.3.1, table A-1), at most 16.
fn max_dpb_frames(level: u32, constraints: u32, frame_mbs: u64) -> u32 {
    let max_mbs: u64 = match level {
        11 if constraints & 0x10 != 0 => 396, // level 1b
        ..=10 => 396,
        11 => 900,
        12 | 13 | 20 => 2_376,
        21 => 4_752,
        22 | 30 => 8_100,
        31 => 18_000,
        32 => 20_480,
        40 | 41 => 32_768,
        42 => 34_816,
        50 => 110_400,
        51 | 52 => 184_320,
        _ => 696_320,
    };
    u32::try_from((max_mbs / frame_mbs.max(1)).min(16)).unwrap_or(16)
}

#[derive(Default)]
struct Vui {
    signal: Signal,
    frame_rate: Option<f64>,
    reorder_frames: Option<u32>,
}

impl Vui {
    /// `vui_parameters()` (H.264 E.1.1).
    fn read(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        self.signal.read(bits)?;
        if bits.flag()? {
            let units_in_tick = bits.bits(32)?;
            let time_scale = bits.bits(32)?;
            bits.flag()?; // fixed_frame_rate_flag
            // one frame is two ticks (E.2.1)
            self.frame_rate = frame_rate(time_scale, 2 * u64::from(units_in_tick));
        }
        let nal_hrd = bits.flag()?;
        if nal_hrd {
            skip_hrd(bits)?;
        }
        let vcl_hrd = bits.flag()?;
        if vcl_hrd {
            skip_hrd(bits)?;
        }
        if nal_hrd || vcl_hrd {
            bits.flag()?; // low_delay_hrd_flag
        }
        bits.flag()?; // pic_struct_present_flag
        if bits.flag()? {
            bits.flag()?; // motion_vectors_over_pic_boundaries_flag
            for _ in 0..4 {
                bits.ue()?;
            }
            self.reorder_frames = Some(bits.ue()?);
        }
        Ok(())
    }
}

fn skip_hrd(bits: &mut BitReader<'_>) -> Result<(), Error> {
    let count = bits.ue()?;
    if count > 31 {
        return Err(Error::malformed("H.264 HRD parameters", 0));
    }
    bits.skip(8)?;
    for _ in 0..=count {
        bits.ue()?;
        bits.ue()?;
        bits.flag()?;
    }
    bits.skip(20)
}

fn skip_scaling_list(bits: &mut BitReader<'_>, size: u32) -> Result<(), Error> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.se()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Ok(())
}
