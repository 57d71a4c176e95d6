//! The sequence parameter set (ITU-T H.265 7.3.2.2) and its VUI (E.2.1).

use crate::codec::nal::unescape;
use crate::codec::picture::{MAX_SIDE, Picture, frame_rate};
use crate::codec::vui::Signal;
use crate::error::Error;
use crate::reader::BitReader;

/// The most short-term reference picture sets, and pictures in one (7.4.3.2.1, 7.4.8).
const MAX_REFERENCE_SETS: u32 = 64;
const MAX_REFERENCES: u32 = 16;

/// What a sequence parameter set says, as far as a configuration record and planning need it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sps {
    /// Size, depth, rate and colour.
    pub picture: Picture,
    /// The bytes from `general_profile_space` to `general_level_idc` (7.3.3), as `hvcC` repeats them.
    pub profile_tier_level: [u8; 12],
    /// Temporal sub-layers, 1 to 7.
    pub temporal_layers: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub temporal_id_nested: bool,
    /// `chroma_format_idc`: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// Bits of a chroma sample, 8 to 15 (a record has no room for 16).
    pub chroma_bit_depth: u8,
    /// How many pictures may precede a picture in decoding order and follow it in output order
    /// (`sps_max_num_reorder_pics` of the highest sub-layer).
    pub reorder_depth: u32,
}

impl Sps {
    /// Reads an SPS NAL unit of the base layer, its header of two bytes included.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when it breaks the syntax before the VUI, whose faults cost only what comes
    /// behind them; `Limit` for pictures beyond 16,384 pixels.
    pub fn parse(nal: &[u8]) -> Result<Self, Error> {
        let payload = unescape(nal.get(2..).unwrap_or_default());
        let mut bits = BitReader::new(&payload);
        bits.skip(4)?; // sps_video_parameter_set_id
        let sub_layers = bits.bits(3)?; // minus 1
        if sub_layers > 6 {
            return Err(Error::malformed("HEVC temporal layers", 0));
        }
        let temporal_id_nested = bits.flag()?;
        let mut profile_tier_level = [0; 12];
        for byte in &mut profile_tier_level {
            *byte = bits.byte()?;
        }
        skip_sub_layers(&mut bits, sub_layers)?;
        bits.ue()?; // sps_seq_parameter_set_id
        let chroma_format = bits.ue()?;
        if chroma_format == 3 {
            bits.flag()?; // separate_colour_plane_flag
        }
        let coded = [bits.ue()?, bits.ue()?];
        let mut window = [0u32; 4]; // left, right, top, bottom
        if bits.flag()? {
            for side in &mut window {
                *side = bits.ue()?;
            }
        }
        let depths = [bits.ue()?, bits.ue()?].map(|depth| u8::try_from(depth.saturating_add(8)));
        let [Ok(bit_depth @ 8..=15), Ok(chroma_bit_depth @ 8..=15)] = depths else {
            return Err(Error::malformed("HEVC bit depth", 0));
        };
        let order_bits = bits.ue()?.saturating_add(4); // log2_max_pic_order_cnt_lsb
        let all_layers = bits.flag()?;
        let mut reorder_depth = 0;
        for _ in if all_layers { 0 } else { sub_layers }..=sub_layers {
            bits.ue()?; // sps_max_dec_pic_buffering_minus1
            reorder_depth = bits.ue()?;
            bits.ue()?; // sps_max_latency_increase_plus1
        }
        if order_bits > 16 || reorder_depth > 15 {
            return Err(Error::malformed("HEVC picture order", 0));
        }
        let (unit_x, unit_y) = match chroma_format {
            1 => (2, 2),
            2 => (2, 1),
            0 | 3 => (1, 1),
            _ => return Err(Error::malformed("HEVC chroma format", 0)),
        };
        let [left, right, top, bottom] = window;
        let [coded_width, coded_height] = coded;
        let width = cropped(coded_width, [left, right], unit_x)?;
        let height = cropped(coded_height, [top, bottom], unit_y)?;
        let mut vui = Vui::default();
        // The decoder needs what lies between; for us it is only on the way to the VUI.
        if skip_to_vui(&mut bits, order_bits).is_ok_and(|is_there| is_there) {
            let _ = vui.read(&mut bits);
        }
        Ok(Self {
            picture: Picture {
                width,
                height,
                bit_depth,
                frame_rate: vui.frame_rate,
                pixel_aspect: vui.signal.pixel_aspect,
                colour: vui.signal.colour,
            },
            profile_tier_level,
            temporal_layers: u8::try_from(sub_layers + 1).unwrap_or(1),
            temporal_id_nested,
            chroma_format: u8::try_from(chroma_format).unwrap_or(0),
            chroma_bit_depth,
            reorder_depth,
        })
    }
}

fn cropped(coded: u32, sides: [u32; 2], unit: u64) -> Result<u32, Error> {
    let cut = (u64::from(sides[0]) + u64::from(sides[1])) * unit;
    u32::try_from(u64::from(coded).saturating_sub(cut))
        .ok()
        .filter(|size| (1..=MAX_SIDE).contains(size))
        .ok_or(Error::limit("HEVC picture size", 0))
}

/// `profile_tier_level()` behind the general level (7.3.3).
fn skip_sub_layers(bits: &mut BitReader<'_>, sub_layers: u32) -> Result<(), Error> {
    let mut present = Vec::new();
    for _ in 0..sub_layers {
        present.push((bits.flag()?, bits.flag()?));
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers))?;
    }
    for (profile, level) in present {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    Ok(())
}

/// From `log2_min_luma_coding_block_size_minus3` to `vui_parameters_present_flag`, which is the answer.
fn skip_to_vui(bits: &mut BitReader<'_>, order_bits: u32) -> Result<bool, Error> {
    for _ in 0..6 {
        bits.ue()?; // sizes of coding and transform blocks, depths of the transform hierarchy
    }
    if bits.flag()? && bits.flag()? {
        skip_scaling_lists(bits)?;
    }
    bits.skip(2)?; // amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.flag()? {
        bits.skip(8)?; // bit depths of PCM samples
        bits.ue()?;
        bits.ue()?;
        bits.flag()?; // pcm_loop_filter_disabled_flag
    }
    let sets = bits.ue()?;
    if sets > MAX_REFERENCE_SETS {
        return Err(Error::malformed("HEVC reference picture sets", 0));
    }
    let mut before = ReferenceSet::default();
    for index in 0..sets {
        before = ReferenceSet::read(bits, (index > 0).then_some(&before))?;
    }
    if bits.flag()? {
        let count = bits.ue()?;
        if count > 32 {
            return Err(Error::malformed("HEVC long-term reference pictures", 0));
        }
        bits.skip(count * (order_bits + 1))?;
    }
    bits.skip(2)?; // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    bits.flag()
}

/// `scaling_list_data()` (7.3.4).
fn skip_scaling_lists(bits: &mut BitReader<'_>) -> Result<(), Error> {
    for size in 0..4u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if bits.flag()? {
                if size > 1 {
                    bits.se()?; // scaling_list_dc_coef_minus8
                }
                for _ in 0..64.min(1 << (4 + 2 * size)) {
                    bits.se()?;
                }
            } else {
                bits.ue()?; // scaling_list_pred_matrix_id_delta
            }
        }
    }
    Ok(())
}

/// The distances in output order to the pictures of `st_ref_pic_set()` (7.3.7, 7.4.8).
#[derive(Debug, Default)]
struct ReferenceSet {
    /// DeltaPocS0: pictures shown before, the nearest first.
    earlier: Vec<i64>,
    /// DeltaPocS1: pictures shown behind, the nearest first.
    later: Vec<i64>,
}

impl ReferenceSet {
    /// `before` is the set in front of this one in the SPS, which it may refer to.
    fn read(bits: &mut BitReader<'_>, before: Option<&Self>) -> Result<Self, Error> {
        if let Some(before) = before
            && bits.flag()?
        {
            return Self::read_predicted(bits, before);
        }
        let (earlier, later) = (bits.ue()?, bits.ue()?);
        if earlier > MAX_REFERENCES || later > MAX_REFERENCES {
            return Err(Error::malformed("HEVC reference pictures", 0));
        }
        let mut list = |count: u32, sign: i64| {
            let mut at = 0i64;
            (0..count)
                .map(|_| {
                    at += sign * (i64::from(bits.ue()?) + 1);
                    bits.flag()?; // used_by_curr_pic
                    Ok(at)
                })
                .collect::<Result<Vec<_>, Error>>()
        };
        Ok(Self { earlier: list(earlier, -1)?, later: list(later, 1)? })
    }

    /// Equations 7-61 and 7-62.
    fn read_predicted(bits: &mut BitReader<'_>, before: &Self) -> Result<Self, Error> {
        let negative = bits.flag()?;
        let distance = i64::from(bits.ue()?) + 1;
        let distance = if negative { -distance } else { distance };
        // One flag for each picture of the other set, and one for the picture that it belonged to.
        let mut kept = Vec::new();
        for other in before.earlier.iter().chain(&before.later).copied().chain([0]) {
            let used = bits.flag()?;
            if used || bits.flag()? {
                kept.push(other + distance);
            }
        }
        let (mut earlier, mut later): (Vec<i64>, Vec<i64>) =
            kept.into_iter().filter(|at| *at != 0).partition(|at| *at < 0);
        earlier.sort_unstable_by_key(|at| -at);
        later.sort_unstable();
        if earlier.len() > MAX_REFERENCES as usize || later.len() > MAX_REFERENCES as usize {
            return Err(Error::malformed("HEVC reference pictures", 0));
        }
        Ok(Self { earlier, later })
    }
}

#[derive(Debug, Default)]
struct Vui {
    signal: Signal,
    frame_rate: Option<f64>,
}

impl Vui {
    /// `vui_parameters()` (E.2.1) as far as the timing.
    fn read(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        self.signal.read(bits)?;
        bits.skip(3)?; // neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
        if bits.flag()? {
            for _ in 0..4 {
                bits.ue()?; // default display window: not to be cut away
            }
        }
        if bits.flag()? {
            let (ticks, time_scale) = (bits.bits(32)?, bits.bits(32)?);
            self.frame_rate = frame_rate(time_scale, ticks.into());
        }
        Ok(())
    }
}
