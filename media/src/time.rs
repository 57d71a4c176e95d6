//! Instants and time scales.
//!
//! Everything leaves the crate in 90 kHz ticks ([`Time90k`]), the clock of MPEG-TS and of HLS. A conversion
//! rounds once, on an absolute instant, never on a duration: rounded durations would add up to a drift.

use std::num::NonZeroU32;
use std::ops::{Add, Sub};

/// Ticks per second of a container's clock, for example 48,000 or (Matroska, in nanoseconds) 10^9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timescale(NonZeroU32);

impl Timescale {
    /// `None` for 0 ticks per second.
    pub fn new(ticks_per_second: u32) -> Option<Self> {
        NonZeroU32::new(ticks_per_second).map(Self)
    }

    /// Nanoseconds.
    pub const NANOS: Self = Self(NonZeroU32::new(1_000_000_000).expect("not zero"));

    /// Ticks per second.
    pub const fn per_second(self) -> u32 {
        self.0.get()
    }

    /// The instant `ticks` on the 90 kHz clock, rounded to the nearest tick (halves up), saturating.
    pub fn to_90k(self, ticks: i64) -> Time90k {
        Time90k::from_ratio(i128::from(ticks), i128::from(self.0.get()))
    }
}

/// An instant, or the distance of two, in ticks of 1/90,000 s.
///
/// Signed and never wrapped: the 33-bit wrap of MPEG-TS happens only when a PES header is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time90k(pub i64);

impl Time90k {
    /// The origin of the presentation.
    pub const ZERO: Self = Self(0);

    /// `numerator / denominator` seconds, rounded to the nearest tick (halves up), saturating.
    /// A denominator below 1 counts as 1.
    pub fn from_ratio(numerator: i128, denominator: i128) -> Self {
        let denominator = denominator.max(1);
        let doubled = numerator.saturating_mul(180_000).saturating_add(denominator);
        let rounded = doubled.div_euclid(denominator.saturating_mul(2));
        Self(i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Whole seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(90_000))
    }

    /// For printing only.
    #[expect(clippy::cast_precision_loss, reason = "printed with six decimals; exact below 3,000 years")]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 90_000.0
    }
}

impl Add for Time90k {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Time90k {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_rounds_to_nearest() {
        let scale = Timescale::new(24_000).expect("not zero");
        assert_eq!(scale.to_90k(1001), Time90k(3754)); // 3753.75
        assert_eq!(scale.to_90k(-1001), Time90k(-3754));
        assert_eq!(Timescale::new(44_100).expect("not zero").to_90k(1024), Time90k(2090));
        assert_eq!(Timescale::NANOS.to_90k(1_000_000_000), Time90k(90_000));
        assert_eq!(Timescale::new(0), None);
        assert_eq!(Timescale::NANOS.to_90k(i64::MAX).0, 830_103_483_316_930);
    }

    #[test]
    fn extremes_saturate() {
        let one = Timescale::new(1).expect("not zero");
        assert_eq!(one.to_90k(i64::MAX), Time90k(i64::MAX));
        assert_eq!(one.to_90k(i64::MIN), Time90k(i64::MIN));
        assert_eq!(Time90k(i64::MAX) + Time90k(1), Time90k(i64::MAX));
    }
}
