//! HEVC: decoder configuration (ISO/IEC 14496-15 8.3.3.1) and the parameter sets (ITU-T H.265 7.3.2).

use bytes::Bytes;

/// An HEVCDecoderConfigurationRecord with all parameter sets that decoding needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HevcConfig {
    /// The record, for the `hvcC` box: complete, so that the sample entry may be `hvc1`.
    pub record: Bytes,
    /// Bytes of the length in front of each NAL unit: 1, 2 or 4.
    pub length_size: u8,
    /// How many pictures may precede a picture in decoding order and follow it in output order
    /// (`sps_max_num_reorder_pics`).
    pub reorder_depth: u32,
    /// Bits of a luma sample.
    pub bit_depth: u8,
}

impl HevcConfig {
    /// RFC 6381 name, for example `hvc1.2.4.L120.90` (ISO/IEC 14496-15 annex E.3).
    pub fn rfc6381(&self) -> String {
        let [_, profile, a, b, c, d, constraints @ .., level] =
            self.record.first_chunk::<13>().unwrap_or(&[0; 13]);
        let space = ["", "A", "B", "C"].get(usize::from(profile >> 6)).unwrap_or(&"");
        let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
        let compatibility = u32::from_be_bytes([*a, *b, *c, *d]).reverse_bits();
        let mut name = format!("hvc1.{space}{}.{compatibility:X}.{tier}{level}", profile & 31);
        let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        for byte in constraints.iter().take(used) {
            name.push_str(&format!(".{byte:X}"));
        }
        name
    }
}
