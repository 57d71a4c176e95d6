//! How segments are packed, as users say it.

use media::rendition::SegmentFormat;
use std::str::FromStr;

/// How segments are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// MPEG-TS: `ts`.
    Ts,
    /// Fragmented MP4: `fmp4`.
    Fmp4,
}

impl FromStr for Container {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "ts" => Ok(Self::Ts),
            "fmp4" => Ok(Self::Fmp4),
            _ => Err("give ts or fmp4"),
        }
    }
}

impl From<Container> for SegmentFormat {
    fn from(container: Container) -> Self {
        match container {
            Container::Ts => Self::Ts,
            Container::Fmp4 => Self::Fmp4,
        }
    }
}
