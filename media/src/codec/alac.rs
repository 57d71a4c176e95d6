//! Apple Lossless: the magic cookie (ALACSpecificConfig, Apple Lossless Format "Magic Cookie" description).

use bytes::Bytes;

/// An ALACSpecificConfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlacConfig {
    /// The whole payload of the `alac` box inside the sample entry, its version and flags included.
    pub record: Bytes,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels, 1 to 8.
    pub channels: u32,
    /// Bits of a sample.
    pub bits: u32,
    /// Samples in a frame.
    pub samples_per_frame: u32,
}
