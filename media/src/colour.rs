//! What the numbers of a picture mean as light (ISO/IEC 23091-2, the same code points as ITU-T H.273).

/// Colour description of a video track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// ColourPrimaries (8.1): 1 BT.709, 9 BT.2020; 2 unspecified.
    pub primaries: u8,
    /// TransferCharacteristics (8.2): 1 BT.709, 16 PQ, 18 HLG; 2 unspecified.
    pub transfer: u8,
    /// MatrixCoefficients (8.3): 1 BT.709, 9 BT.2020; 2 unspecified.
    pub matrix: u8,
    /// Samples use the whole range of their numbers (VideoFullRangeFlag, 8.3).
    pub full_range: bool,
}

/// The EXT-X-STREAM-INF attribute VIDEO-RANGE (RFC 8216bis 4.4.6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoRange {
    /// Standard dynamic range.
    Sdr,
    /// Hybrid log-gamma.
    Hlg,
    /// SMPTE ST 2084.
    Pq,
}

impl Colour {
    /// The dynamic range that follows from the transfer characteristics.
    pub const fn video_range(self) -> VideoRange {
        match self.transfer {
            16 => VideoRange::Pq,
            18 => VideoRange::Hlg,
            _ => VideoRange::Sdr,
        }
    }
}
