//! FLAC: metadata blocks (RFC 9639 8) and the `dfLa` box (Encapsulation of FLAC in ISO Base Media File Format 3.3.2).

use bytes::Bytes;

/// What a FLAC stream's STREAMINFO says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlacConfig {
    /// The whole payload of the `dfLa` box, its version and flags included: STREAMINFO only, marked as the last.
    pub record: Bytes,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels, 1 to 8.
    pub channels: u32,
    /// Bits of a sample.
    pub bits: u32,
    /// Samples in a block, 0 when blocks differ.
    pub block_size: u32,
}
