//! What every picture codec says of its pictures.

use crate::colour::Colour;

/// What a sequence header says of all pictures behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Picture {
    /// Width in pixels, as it is to be shown (after cropping).
    pub width: u32,
    /// Height in pixels, as it is to be shown (after cropping).
    pub height: u32,
    /// Bits of a luma sample.
    pub bit_depth: u8,
    /// Pictures per second, when the codec tells them.
    pub frame_rate: Option<f64>,
    /// Width and height of a pixel relative to each other, when the codec tells them.
    pub pixel_aspect: Option<(u32, u32)>,
    /// What the numbers mean as light, when the codec tells it.
    pub colour: Option<Colour>,
}

/// The largest side of a picture.
pub(crate) const MAX_SIDE: u32 = 16_384;

/// Pictures per second out of a clock and the ticks of a picture; `None` for what no film has.
pub(crate) fn frame_rate(time_scale: u32, ticks: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let rate = f64::from(time_scale) / ticks as f64;
    Some(rate).filter(|rate| (1.0..=300.0).contains(rate))
}
