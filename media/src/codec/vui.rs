//! The beginning of the video usability information, which H.264 (E.1.1) and HEVC (E.2.1) share.

use crate::colour::Colour;
use crate::error::Error;
use crate::reader::BitReader;

/// Sample aspect ratios by `aspect_ratio_idc` (table E-1; ISO/IEC 23091-2 8.6).
const ASPECT_RATIOS: [(u32, u32); 17] = [
    (0, 0),
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// What both codecs say first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Signal {
    /// Width and height of a pixel relative to each other.
    pub(crate) pixel_aspect: Option<(u32, u32)>,
    /// `video_signal_type`, when it says anything.
    pub(crate) colour: Option<Colour>,
}

impl Signal {
    /// Reads up to the chroma sample location, that included; what came before an error is kept.
    pub(crate) fn read(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        if bits.flag()? {
            let aspect = match bits.bits(8)? {
                255 => (bits.bits(16)?, bits.bits(16)?),
                index => ASPECT_RATIOS.get(index as usize).copied().unwrap_or_default(),
            };
            self.pixel_aspect = Some(aspect).filter(|(across, down)| *across > 0 && *down > 0);
        }
        if bits.flag()? {
            bits.flag()?; // overscan_appropriate_flag
        }
        if bits.flag()? {
            bits.skip(3)?; // video_format
            let full_range = bits.flag()?;
            let mut colour = Colour { full_range, ..Colour::UNSPECIFIED };
            if bits.flag()? {
                colour.primaries = bits.byte()?;
                colour.transfer = bits.byte()?;
                colour.matrix = bits.byte()?;
            }
            self.colour = Some(colour);
        }
        if bits.flag()? {
            bits.ue()?;
            bits.ue()?;
        }
        Ok(())
    }
}
