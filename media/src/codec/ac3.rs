//! AC-3 and E-AC-3: the sync frame (ETSI TS 102 366 4.3, E.1.2) and the `dac3` and `dec3` boxes (annex F).

use bytes::Bytes;

/// What an AC-3 frame's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ac3Config {
    /// The payload of the `dac3` box.
    pub record: Bytes,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels, the low frequency one included.
    pub channels: u32,
    /// Bits per second.
    pub bit_rate: u32,
}

impl Ac3Config {
    /// Samples in one frame.
    pub const SAMPLES_PER_FRAME: u32 = 1536;
}

/// What an E-AC-3 frame's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eac3Config {
    /// The payload of the `dec3` box.
    pub record: Bytes,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels of the independent substream and those that depend on it.
    pub channels: u32,
    /// Samples in one frame: 256 for each of its blocks.
    pub samples_per_frame: u32,
    /// `complexity_index_type_a`: objects of a Dolby Atmos (JOC) mix; 0 for none.
    pub joc_complexity: u8,
}
