//! Dolby Vision configuration (Dolby Vision Streams Within the ISO Base Media File Format 3.2).

use bytes::Bytes;

/// A DOVIDecoderConfigurationRecord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DolbyVision {
    /// The record, for a `dvcC` (profiles up to 7) or `dvvC` (8 and up) box.
    pub record: Bytes,
    /// `dv_profile`.
    pub profile: u8,
    /// `dv_level`.
    pub level: u8,
    /// `dv_bl_signal_compatibility_id`: 0 none, 1 HDR10, 2 SDR, 4 HLG.
    pub compatibility: u8,
}
