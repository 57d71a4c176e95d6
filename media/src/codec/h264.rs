//! H.264: decoder configuration (ISO/IEC 14496-15 5.3.3.1) and the sequence parameter set (ITU-T H.264 7.3.2.1).

use crate::error::Error;
use crate::reader::{BitReader, Reader};
use bytes::Bytes;

/// Parameter sets in one configuration; the format allows 31 + 255.
const MAX_SETS: usize = 64;
/// Bytes of all of them, which go out with every random access point; real ones have about 50.
const MAX_SETS_LEN: usize = 16 << 10;
/// NAL units of one access unit. A picture in slices of one macroblock at level 4.2 has 8,704.
const MAX_UNITS: usize = 16 << 10;

/// An AVCDecoderConfigurationRecord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvcConfig {
    /// The record itself, for an `avcC` box.
    pub record: Bytes,
    /// `profile_idc`, `constraint_set` flags and `level_idc`, as RFC 6381 prints them.
    pub profile: [u8; 3],
    /// Bytes of the length in front of each NAL unit: 1, 2 or 4 (3 is not forbidden to hostile files).
    pub length_size: u8,
    /// Sequence parameter sets with their NAL headers, their extensions behind them.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets with their NAL headers.
    pub pps: Vec<Bytes>,
    /// What the first sequence parameter set says.
    pub picture: Sps,
}

impl AvcConfig {
    /// Reads an `avcC` box's payload or a Matroska CodecPrivate.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when it is no such record; `Unsupported` when it holds no parameter set,
    /// for they are then only inside the stream.
    pub fn parse(record: &Bytes) -> Result<Self, Error> {
        let mut reader = Reader::new(record, 0);
        if reader.u8()? != 1 {
            return Err(Error::malformed("H.264 configuration of an unknown version", 0));
        }
        let profile = [reader.u8()?, reader.u8()?, reader.u8()?];
        let length_size = (reader.u8()? & 3) + 1;
        let sps_count = reader.u8()? & 31;
        let mut sps = sets(record, &mut reader, usize::from(sps_count))?;
        let pps_count = reader.u8()?;
        let pps = sets(record, &mut reader, usize::from(pps_count))?;
        let first = sps.first().ok_or(Error::unsupported("H.264 without parameter sets in the header"))?;
        if pps.is_empty() {
            return Err(Error::unsupported("H.264 without parameter sets in the header"));
        }
        let picture = Sps::parse(first)?;
        // High profiles may go on with chroma format, bit depths and SPS extensions; many writers leave them out.
        if matches!(profile[0], 100 | 110 | 122 | 144) && reader.remaining().len() >= 4 {
            reader.skip(3)?;
            let count = reader.u8()?;
            if let Ok(extensions) = sets(record, &mut reader, usize::from(count)) {
                sps.extend(extensions);
            }
        }
        if sps.iter().chain(&pps).map(|set| set.len()).sum::<usize>() > MAX_SETS_LEN {
            return Err(Error::limit("H.264 parameter sets", 0));
        }
        Ok(Self { record: record.clone(), profile, length_size, sps, pps, picture })
    }

    /// RFC 6381 name, for example `avc1.640028`.
    pub fn rfc6381(&self) -> String {
        let [profile, constraints, level] = self.profile;
        format!("avc1.{profile:02X}{constraints:02X}{level:02X}")
    }
}

fn sets(record: &Bytes, reader: &mut Reader<'_>, count: usize) -> Result<Vec<Bytes>, Error> {
    if count > MAX_SETS {
        return Err(Error::limit("H.264 parameter sets", reader.at()));
    }
    let mut sets = Vec::with_capacity(count);
    for _ in 0..count {
        let length = usize::from(reader.u16()?);
        let set = reader.take(length)?;
        if !set.is_empty() {
            sets.push(record.slice_ref(set));
        }
    }
    Ok(sets)
}

/// What a sequence parameter set says, as far as planning needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sps {
    /// Picture width after cropping, in pixels.
    pub width: u32,
    /// Picture height after cropping, in pixels.
    pub height: u32,
    /// Frames per second, when the VUI tells them.
    pub frame_rate: Option<f64>,
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
        if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
            chroma_format = bits.ue()?;
            separate_planes = chroma_format == 3 && bits.flag()?;
            bits.ue()?; // bit_depth_luma_minus8
            bits.ue()?; // bit_depth_chroma_minus8
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
                .filter(|size| (1..=16_384).contains(size))
                .ok_or(Error::limit("H.264 picture size", 0))
        };
        let width = cropped(width_in_mbs, [crop[0], crop[1]], unit_x)?;
        let height = cropped(height_in_mbs, [crop[2], crop[3]], unit_y)?;
        let vui = if bits.flag()? { Vui::parse(&mut bits).unwrap_or_default() } else { Vui::default() };
        // constraint_set3_flag in these profiles: intra only (E.2.1)
        let intra_only = constraints & 0x10 != 0 && matches!(profile, 44 | 86 | 100 | 110 | 122 | 244);
        let inferred = if order_count_type == 2 || profile == 66 || intra_only {
            0
        } else {
            max_dpb_frames(level, constraints, width_in_mbs * height_in_mbs).min(4)
        };
        let reorder_depth = vui.reorder_frames.filter(|depth| *depth <= 16).unwrap_or(inferred);
        Ok(Self { width, height, frame_rate: vui.frame_rate, reorder_depth })
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
    frame_rate: Option<f64>,
    reorder_frames: Option<u32>,
}

impl Vui {
    /// `vui_parameters()` (H.264 E.1.1).
    fn parse(bits: &mut BitReader<'_>) -> Result<Self, Error> {
        let mut vui = Self::default();
        if bits.flag()? && bits.bits(8)? == 255 {
            bits.skip(32)?; // sar_width, sar_height
        }
        if bits.flag()? {
            bits.flag()?; // overscan_appropriate_flag
        }
        if bits.flag()? {
            bits.skip(4)?; // video_format, video_full_range_flag
            if bits.flag()? {
                bits.skip(24)?; // colour_primaries, transfer_characteristics, matrix_coefficients
            }
        }
        if bits.flag()? {
            bits.ue()?;
            bits.ue()?;
        }
        if bits.flag()? {
            let units_in_tick = bits.bits(32)?;
            let time_scale = bits.bits(32)?;
            bits.flag()?; // fixed_frame_rate_flag
            if units_in_tick > 0 && time_scale > 0 {
                // one frame is two ticks (E.2.1)
                vui.frame_rate = Some(f64::from(time_scale) / (2.0 * f64::from(units_in_tick)))
                    .filter(|rate| (1.0..=300.0).contains(rate));
            }
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
        let Ok(restricted) = bits.flag() else {
            return Ok(vui);
        };
        if restricted {
            bits.flag()?; // motion_vectors_over_pic_boundaries_flag
            for _ in 0..4 {
                bits.ue()?;
            }
            vui.reorder_frames = bits.ue().ok();
        }
        Ok(vui)
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

/// Takes the emulation prevention bytes out (H.264 7.4.1).
fn unescape(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// The NAL units of a length-prefixed access unit, without their lengths.
///
/// A length that reaches past the end ends the list: what came before it is kept.
pub fn nal_units(access_unit: &[u8], length_size: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = access_unit;
    let size = usize::from(length_size);
    std::iter::from_fn(move || {
        loop {
            let (length, tail) = rest.split_at_checked(size)?;
            let length = length.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
            let (nal, tail) = tail.split_at_checked(length)?;
            rest = tail;
            if !nal.is_empty() {
                return Some(nal);
            }
        }
    })
}

/// Bytes that the parameter sets take in front of a random access point, start codes included.
pub(crate) fn sets_len(config: &AvcConfig) -> usize {
    config.sps.iter().chain(&config.pps).map(|set| set.len() + 4).sum()
}

/// NAL unit types (H.264 table 7-1).
mod nal {
    pub(super) const SPS: u8 = 7;
    pub(super) const PPS: u8 = 8;
    pub(super) const ACCESS_UNIT_DELIMITER: u8 = 9;
    pub(super) const FILLER: u8 = 12;
}

/// An access unit as a byte stream (H.264 annex B), as a list of slices that are to be written in a row.
///
/// It begins with a delimiter, which MPEG-TS demands (ISO/IEC 13818-1 2.14.1); a random access point also gets
/// the parameter sets of the configuration, unless it brings its own. Delimiters and filler of the source are
/// left out, and so is what follows the first 16,384 units: an access unit of empty ones would otherwise take
/// many times its bytes.
pub fn annex_b<'a>(config: &'a AvcConfig, access_unit: &'a [u8], sync: bool, out: &mut Vec<&'a [u8]>) {
    const START: &[u8] = &[0, 0, 1];
    // Behind the first zero byte of a stream, start codes of three bytes suffice (B.1.2), but parameter sets
    // and the first NAL unit take four.
    const LONG_START: &[u8] = &[0, 0, 0, 1];
    out.push(&[0, 0, 0, 1, nal::ACCESS_UNIT_DELIMITER, 0xf0]);
    let units = || nal_units(access_unit, config.length_size).take(MAX_UNITS);
    let kind = |unit: &[u8]| unit.first().map_or(0, |byte| byte & 31);
    if sync {
        let brings = |wanted| units().any(|unit| kind(unit) == wanted);
        if !(brings(nal::SPS) && brings(nal::PPS)) {
            for set in config.sps.iter().chain(&config.pps) {
                out.push(LONG_START);
                out.push(set);
            }
        }
    }
    for unit in units() {
        match kind(unit) {
            nal::ACCESS_UNIT_DELIMITER | nal::FILLER => continue,
            nal::SPS | nal::PPS => out.push(LONG_START),
            _ => out.push(START),
        }
        out.push(unit);
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;

    /// x264, High@4.0, 1920x1080, 24 fps, B-frames (reorder 2).
    const SPS_1080P: &[u8] = &[
        0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00,
        0x04, 0x00, 0x00, 0x03, 0x00, 0xc0, 0x3c, 0x60, 0xc6, 0x58,
    ];

    #[test]
    fn sps_of_x264() {
        let sps = Sps::parse(SPS_1080P).unwrap();
        assert_eq!((sps.width, sps.height, sps.reorder_depth), (1920, 1080, 2));
        assert_eq!(sps.frame_rate, Some(24.0));
    }

    #[test]
    fn every_truncation_of_an_sps_is_survived() {
        for end in 0..SPS_1080P.len() {
            let _ = Sps::parse(&SPS_1080P[..end]);
        }
    }

    #[test]
    fn configuration_record() {
        let mut record = vec![1, 0x64, 0, 0x28, 0xff, 0xe1, 0, SPS_1080P.len() as u8];
        record.extend_from_slice(SPS_1080P);
        record.extend_from_slice(&[1, 0, 2, 0x68, 0xee]);
        let config = AvcConfig::parse(&record.clone().into()).unwrap();
        assert_eq!((config.length_size, config.sps.len(), config.pps.len()), (4, 1, 1));
        assert_eq!(config.rfc6381(), "avc1.640028");
        for end in 0..record.len() {
            assert!(AvcConfig::parse(&Bytes::copy_from_slice(&record[..end])).is_err());
        }
    }

    #[test]
    fn a_length_past_the_end_keeps_what_came_before() {
        let unit = [0, 0, 0, 2, 0x65, 1, 0, 0, 0, 9, 0x41];
        assert_eq!(nal_units(&unit, 4).collect::<Vec<_>>(), [&[0x65, 1][..]]);
    }
}
