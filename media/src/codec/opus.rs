//! Opus: the identification header (RFC 7845 5.1) and the `dOps` box (Encapsulation of Opus in ISO Base Media
//! File Format 4.3.2).

use bytes::Bytes;

/// What an Opus stream's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpusConfig {
    /// The payload of the `dOps` box.
    pub record: Bytes,
    /// Channels that a decoder puts out.
    pub channels: u32,
    /// Samples (of 48 kHz) that a decoder must drop at the beginning.
    pub pre_skip: u32,
}
