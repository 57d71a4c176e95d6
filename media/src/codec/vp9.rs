//! VP9: the configuration record (VP Codec ISO Media File Format Binding 2) and the frame header
//! (VP9 Bitstream and Decoding Process Specification 6.2).

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
    /// RFC 6381 name, for example `vp09.00.40.08` (VP Codec ISO binding, "Codecs Parameter String").
    pub fn rfc6381(&self) -> String {
        let [_, _, _, _, profile, level] = self.record.first_chunk::<6>().unwrap_or(&[0; 6]);
        format!("vp09.{profile:02}.{level:02}.{:02}", self.bit_depth)
    }
}
