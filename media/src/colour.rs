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
    /// Nothing is said; of the ranges, the usual one.
    pub const UNSPECIFIED: Self = Self { primaries: 2, transfer: 2, matrix: 2, full_range: false };

    /// True when nothing but perhaps the range is said. 0 is a reserved code point, except for the matrix, where
    /// it means R, G and B as they are.
    pub const fn is_unspecified(self) -> bool {
        matches!((self.primaries, self.transfer, self.matrix), (0 | 2, 0 | 2, 2))
    }

    /// `self` where it says something, and `other` where it does not.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        const fn first(this: u8, other: u8) -> u8 {
            if matches!(this, 0 | 2) { other } else { this }
        }
        Self {
            primaries: first(self.primaries, other.primaries),
            transfer: first(self.transfer, other.transfer),
            matrix: if self.matrix == 2 { other.matrix } else { self.matrix },
            full_range: self.full_range || (self.is_unspecified() && other.full_range),
        }
    }

    /// The dynamic range that follows from the transfer characteristics.
    pub const fn video_range(self) -> VideoRange {
        match self.transfer {
            16 => VideoRange::Pq,
            18 => VideoRange::Hlg,
            _ => VideoRange::Sdr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_leaves_open_the_other_tells() {
        let pq = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false };
        assert_eq!(Colour::UNSPECIFIED.or(pq), pq);
        assert_eq!(pq.or(Colour { primaries: 1, transfer: 1, matrix: 1, full_range: true }), pq);
        let half = Colour { transfer: 18, ..Colour::UNSPECIFIED };
        assert_eq!(half.or(pq), Colour { transfer: 18, ..pq });
        assert_eq!(half.or(pq).video_range(), VideoRange::Hlg);
        assert!(!Colour { matrix: 0, ..Colour::UNSPECIFIED }.is_unspecified());
    }
}
