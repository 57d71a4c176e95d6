//! Times: Matroska's rounded timestamps put back on the grid they were rounded from, and decoding times, which
//! Matroska does not store.
//!
//! Nothing here depends on what was read before, so a segment has the same times whichever was asked for first.

use crate::time::Time90k;
use crate::track::Codec;

const NANOS: i128 = 1_000_000_000;
/// Nanoseconds: half of 2.5 ms, below which two packets of Opus cannot be mistaken for each other.
const HALF_A_SHORT_PACKET: i128 = 1_250_000;

/// The distance of frames in a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Not known.
    Unknown,
    /// Nanoseconds (DefaultDuration).
    Nanos(u64),
    /// Samples of sound in a frame, and samples per second.
    Sound { samples: u32, rate: u32 },
    /// Frames of sound that differ, and each tells its own length: the usual number of samples (0 when there is
    /// none), and samples per second.
    Varying { usual: u32, rate: u32 },
}

impl Step {
    /// Of a track of `codec`; pictures and what is not understood go by DefaultDuration.
    pub(super) fn of(codec: &Codec, default_duration: Option<u64>) -> Self {
        match (codec, codec.frame_samples(), codec.timescale()) {
            (_, Some(samples), Some(rate)) => Self::Sound { samples, rate },
            (Codec::Opus(config), None, Some(rate)) => Self::Varying { usual: config.first_packet, rate },
            (_, None, Some(rate)) => Self::Varying { usual: 0, rate },
            _ => default_duration.map_or(Self::Unknown, Self::Nanos),
        }
    }
}

/// A track's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    /// The time of the track's first frame in nanoseconds; `None` where times must be taken as they are.
    pub(super) origin: Option<i64>,
    pub(super) step: Step,
}

impl Clock {
    /// The time of the frame `index` of a block that begins at `time` (nanoseconds). `before` are the samples of
    /// the frames before it, where they differ.
    pub(super) fn laced(&self, time: i64, index: usize, before: u64) -> i64 {
        let index = i128::try_from(index).unwrap_or_default();
        let of_samples = |samples: i128, rate: u32| round_div(samples * NANOS, i128::from(rate).max(1));
        let offset = match self.step {
            Step::Unknown => 0,
            Step::Nanos(step) => index * i128::from(step),
            Step::Sound { samples, rate } => of_samples(index * i128::from(samples), rate),
            Step::Varying { rate, .. } => of_samples(i128::from(before), rate),
        };
        i64::try_from(i128::from(time) + offset).unwrap_or(time)
    }

    /// The instant of a frame whose timestamp says `time` nanoseconds.
    ///
    /// A file in milliseconds says 33, 67, 100 for frames 1/30 s apart. Where the timestamp is within rounding
    /// (1 ms of a picture, a quarter of a frame of sound, of Opus half its shortest packet at most) of a whole number of
    /// steps after the first frame, it is that number of steps; else it is taken as it is.
    pub(super) fn instant(&self, time: i64) -> Time90k {
        let raw = Time90k::from_ratio(i128::from(time), NANOS);
        let Some(origin) = self.origin.map(i128::from) else {
            return raw;
        };
        let since = i128::from(time) - origin;
        match self.step {
            Step::Unknown
            | Step::Nanos(0)
            | Step::Sound { samples: 0, .. }
            | Step::Sound { rate: 0, .. }
            | Step::Varying { usual: 0, .. }
            | Step::Varying { rate: 0, .. } => raw,
            Step::Nanos(step) => {
                let on_grid = round_div(since, i128::from(step)) * i128::from(step);
                if (since - on_grid).abs() > 1_000_000 {
                    return raw;
                }
                Time90k::from_ratio(origin + on_grid, NANOS)
            }
            Step::Sound { samples, rate } | Step::Varying { usual: samples, rate } => {
                // In units of 1 / (10^9 x rate) s, where both a nanosecond and a sample are whole numbers.
                let (frame, rate) = (i128::from(samples) * NANOS, i128::from(rate));
                let on_grid = round_div(since * rate, frame) * frame;
                let off = (since * rate - on_grid).abs();
                let is_varying = matches!(self.step, Step::Varying { .. });
                if off * 4 > frame || is_varying && off > HALF_A_SHORT_PACKET * rate {
                    return raw;
                }
                Time90k::from_ratio(origin * rate + on_grid, NANOS * rate)
            }
        }
    }
}

/// The nearest whole number to `a / b`, halves up; `b` is above 0.
const fn round_div(a: i128, b: i128) -> i128 {
    (2 * a + b).div_euclid(2 * b)
}

/// Decoding times for pictures in decoding order that are shown at `pts`.
///
/// The k-th picture decoded is decoded when the k-th picture shown is shown, less `delay`: the time that the
/// stream's reordering takes, the same in all of the file. So the result continues from one run of pictures to
/// the next without knowing it. Never after its own `pts`, and strictly increasing.
pub(super) fn decode_times(pts: &[Time90k], delay: Time90k) -> Vec<Time90k> {
    let mut shown = pts.to_vec();
    shown.sort_unstable();
    let mut times = Vec::with_capacity(pts.len());
    let mut next = Time90k(i64::MAX);
    for (pts, shown) in pts.iter().zip(&shown).rev() {
        next = (*shown - delay).min(*pts).min(next - Time90k(1));
        times.push(next);
    }
    times.reverse();
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn milliseconds_become_thirtieths_again() {
        let clock = Clock { origin: Some(0), step: Step::Nanos(33_333_333) };
        for (index, millis) in [0, 33, 67, 100, 133, 167].into_iter().enumerate() {
            assert_eq!(clock.instant(millis * 1_000_000), Time90k(3000 * index as i64));
        }
        assert_eq!(clock.instant(50_000_000), Time90k(4500), "off the grid: as it is");
    }

    #[test]
    fn sound_is_on_its_grid_until_a_real_gap() {
        let clock = Clock { origin: Some(-21_333_333), step: Step::Sound { samples: 1024, rate: 44_100 } };
        for index in 0..10_000i64 {
            let exact =
                Time90k::from_ratio(-21_333_333 * 44_100 + i128::from(index) * 1024 * NANOS, NANOS * 44_100);
            let nanos = -21_333_333 + index * 1024 * 1_000_000_000 / 44_100;
            let millis = (nanos + 21_333_333).div_euclid(1_000_000) * 1_000_000 - 21_333_333;
            assert_eq!(clock.instant(millis), exact);
        }
        assert_eq!(clock.instant(-21_333_333 + 10_000_000), Time90k::from_ratio(-11_333_333, NANOS));
    }

    #[test]
    fn frames_that_differ_are_on_the_grid_only_within_rounding() {
        let clock = Clock { origin: Some(-6_500_000), step: Step::Varying { usual: 960, rate: 48_000 } };
        assert_eq!(clock.instant(14_000_000), Time90k::from_ratio(27, 2000), "13.5 ms");
        assert_eq!(clock.instant(16_000_000), Time90k(1440), "2.5 ms later: another length came before");
        let none = Clock { origin: Some(0), step: Step::Varying { usual: 0, rate: 48_000 } };
        assert_eq!(none.instant(21_000_000), Time90k(1890));
    }

    #[test]
    fn laced_frames_follow_each_other() {
        let clock = Clock { origin: None, step: Step::Sound { samples: 1152, rate: 48_000 } };
        assert_eq!(clock.laced(5, 3, 0), 72_000_005);
        assert_eq!(Clock { origin: None, step: Step::Unknown }.laced(5, 3, 0), 5);
        let clock = Clock { origin: None, step: Step::Varying { usual: 960, rate: 48_000 } };
        assert_eq!(clock.laced(5, 3, 1200), 25_000_005);
    }

    #[test]
    fn b_pyramid() {
        // I P B b b in 40 ms steps, reorder 2
        let pts = [0, 4, 2, 1, 3].map(|index| Time90k(index * 3600));
        let dts = decode_times(&pts, Time90k(7200));
        assert_eq!(dts, [-2, -1, 0, 1, 2].map(|index| Time90k(index * 3600)));
    }

    /// Groups of pictures in decoding order: each group's pictures come after the last group's, and are at most
    /// `depth` places out of order.
    fn groups() -> impl Strategy<Value = (i64, Vec<Vec<Time90k>>)> {
        let gaps = proptest::collection::vec(proptest::collection::vec(900i64..9000, 1..20), 1..5);
        (0usize..4, gaps, any::<u64>()).prop_map(|(depth, groups, seed)| {
            let (mut at, mut seed) = (0, seed);
            let groups = groups.into_iter().map(|gaps| {
                let mut shown: Vec<Time90k> = gaps
                    .into_iter()
                    .map(|gap| {
                        at += gap;
                        Time90k(at)
                    })
                    .collect();
                // Picks the key picture, then any of those whose turn is at most `depth` away.
                let mut decoded = vec![shown.remove(0)];
                let mut late = 0;
                while !shown.is_empty() {
                    seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
                    let ahead = if late >= depth { 0 } else { (seed >> 33) as usize % 2 };
                    let pick = ahead.min(shown.len() - 1);
                    late = if pick == 0 { 0 } else { late + 1 };
                    decoded.push(shown.remove(pick));
                }
                decoded
            });
            (depth as i64, groups.collect())
        })
    }

    proptest! {
        #[test]
        fn decoding_is_in_order_and_never_late(pts in proptest::collection::vec(any::<i32>(), 0..60), delay in 0i64..100_000) {
            let pts: Vec<Time90k> = pts.into_iter().map(|pts| Time90k(pts.into())).collect();
            let dts = decode_times(&pts, Time90k(delay));
            prop_assert_eq!(dts.len(), pts.len());
            prop_assert!(dts.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(dts.iter().zip(&pts).all(|(dts, pts)| dts <= pts));
        }

        #[test]
        fn runs_made_apart_join((depth, groups) in groups()) {
            let delay = Time90k(depth * 900);
            let mut last = Time90k(i64::MIN);
            for group in &groups {
                let dts = decode_times(group, delay);
                prop_assert!(last < dts[0], "{last:?} {dts:?}");
                last = dts[dts.len() - 1];
            }
        }

        #[test]
        fn an_instant_is_near_its_timestamp(time in -1_000_000_000_000i64..1_000_000_000_000, origin in any::<i32>(), step in 1u64..100_000_000) {
            let clock = Clock { origin: Some(origin.into()), step: Step::Nanos(step) };
            let off = clock.instant(time) - Time90k::from_ratio(time.into(), NANOS);
            prop_assert!(off.0.abs() <= 91);
        }
    }
}
