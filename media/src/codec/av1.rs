//! AV1: the configuration record (AV1 Codec ISO Media File Format Binding 2.3) and the sequence header
//! (AV1 Bitstream and Decoding Process Specification 5.5).

use bytes::Bytes;

/// An AV1CodecConfigurationRecord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Av1Config {
    /// The record, for the `av1C` box.
    pub record: Bytes,
    /// Bits of a luma sample.
    pub bit_depth: u8,
}

impl Av1Config {
    /// RFC 6381 name, for example `av01.0.04M.08` (AV1 ISO binding 5).
    pub fn rfc6381(&self) -> String {
        let [_, profile, tier, _] = self.record.first_chunk::<4>().unwrap_or(&[0; 4]);
        let letter = if tier & 0x80 == 0 { 'M' } else { 'H' };
        format!("av01.{}.{:02}{letter}.{:02}", profile >> 5, profile & 31, self.bit_depth)
    }
}
