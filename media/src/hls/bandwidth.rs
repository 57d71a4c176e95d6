//! BANDWIDTH and AVERAGE-BANDWIDTH (RFC 8216 4.3.4.2), from sizes that are known or estimated before any segment
//! is made.

use crate::iframes::IFrame;
use crate::presentation::Presentation;
use crate::rendition::Rendition;
use crate::time::Time90k;
use std::ops::Add;

/// Bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Bandwidth {
    /// The peak segment bit rate (RFC 8216 4.1): the largest rate of any run of segments that lasts between half
    /// and one and a half target durations, so that a short last segment says nothing.
    peak: f64,
    /// Of all segments together.
    average: f64,
}

impl Bandwidth {
    /// Of one rendition.
    pub(super) fn of(presentation: &Presentation, rendition: &Rendition) -> Self {
        let plan = presentation.plan();
        let size = |segment| presentation.estimated_size(rendition, segment);
        let entries: Vec<(f64, Time90k)> =
            plan.segments.iter().map(|segment| (size(segment), segment.duration())).collect();
        Self::of_entries(&entries, plan.target_duration())
    }

    /// Of the playlist of key pictures.
    pub(super) fn of_iframes(presentation: &Presentation, rendition: &Rendition, frames: &[IFrame]) -> Self {
        let size = |frame: &IFrame| frame.estimated_size(presentation, rendition);
        let entries: Vec<(f64, Time90k)> =
            frames.iter().map(|frame| (size(frame), frame.duration())).collect();
        Self::of_entries(&entries, IFrame::target_duration(frames))
    }

    /// Of playlist entries with bytes and durations.
    fn of_entries(entries: &[(f64, Time90k)], target: u32) -> Self {
        let total: f64 = entries.iter().map(|(bytes, _)| bytes).sum();
        let duration: Time90k = entries.iter().fold(Time90k::ZERO, |sum, (_, duration)| sum + *duration);
        let average = rate(total, duration);
        let peak = peak(entries, target).unwrap_or(average);
        Self { peak: peak.max(average), average }
    }

    /// The larger of each: of renditions of which one is played.
    pub(super) fn max(self, other: Self) -> Self {
        Self { peak: self.peak.max(other.peak), average: self.average.max(other.average) }
    }

    /// As the attribute BANDWIDTH.
    pub(super) fn peak(self) -> u64 {
        whole(self.peak)
    }

    /// As the attribute AVERAGE-BANDWIDTH.
    pub(super) fn average(self) -> u64 {
        whole(self.average)
    }
}

/// Of renditions that are played together.
impl Add for Bandwidth {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { peak: self.peak + other.peak, average: self.average + other.average }
    }
}

/// `None` when no run is of the right length.
fn peak(entries: &[(f64, Time90k)], target: u32) -> Option<f64> {
    let shortest = Time90k(i64::from(target) * 45_000);
    let longest = Time90k(i64::from(target) * 135_000);
    let mut peak: Option<f64> = None;
    let (mut start, mut bytes, mut duration) = (0, 0.0, Time90k::ZERO);
    // Of all runs that end with an entry the longest one that is not too long, and those that are shorter by
    // entries at the front.
    for (end, entry) in entries.iter().enumerate() {
        bytes += entry.0;
        duration = duration + entry.1;
        while duration > longest && start < end {
            let (first_bytes, first_duration) = entries.get(start).copied().unwrap_or_default();
            bytes -= first_bytes;
            duration = duration - first_duration;
            start += 1;
        }
        let (mut run_bytes, mut run_duration) = (bytes, duration);
        for (first_bytes, first_duration) in entries.get(start..=end).into_iter().flatten() {
            if run_duration < shortest {
                break;
            }
            if run_duration <= longest {
                peak = Some(peak.unwrap_or(0.0).max(rate(run_bytes, run_duration)));
            }
            run_bytes -= first_bytes;
            run_duration = run_duration - *first_duration;
        }
    }
    peak
}

fn rate(bytes: f64, time: Time90k) -> f64 {
    bytes * 8.0 / time.seconds().max(1e-3)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
fn whole(rate: f64) -> u64 {
    rate.ceil().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries(list: &[(u32, i64)]) -> Vec<(f64, Time90k)> {
        list.iter().map(|(bytes, ticks)| (f64::from(*bytes), Time90k(*ticks))).collect()
    }

    #[test]
    fn a_short_segment_counts_together_with_its_neighbour() {
        let list = entries(&[(6_000, 540_000), (6_000, 540_000), (6_000, 90_000)]);
        let bandwidth = Bandwidth::of_entries(&list, 6);
        assert_eq!((bandwidth.peak(), bandwidth.average()), (13_715, 11_077), "7 s: the last two");
        let lone = Bandwidth::of_entries(&entries(&[(1_000, 9_000)]), 1);
        assert_eq!((lone.peak(), lone.average()), (80_000, 80_000));
        assert_eq!(Bandwidth::of_entries(&[], 6).peak(), 1);
    }

    proptest! {
        #[test]
        fn the_peak_is_that_of_all_runs(list in proptest::collection::vec((0u32..1_000_000, 1i64..800_000), 1..40)) {
            let list = entries(&list);
            let target = list.iter().map(|entry| (entry.1.0 + 45_000) / 90_000).max().unwrap().max(1);
            let target = u32::try_from(target).unwrap();
            let mut expected: Option<f64> = None;
            for start in 0..list.len() {
                for end in start + 1..=list.len() {
                    let bytes: f64 = list[start..end].iter().map(|entry| entry.0).sum();
                    let ticks: i64 = list[start..end].iter().map(|entry| entry.1.0).sum();
                    if (i64::from(target) * 45_000..=i64::from(target) * 135_000).contains(&ticks) {
                        expected = Some(expected.unwrap_or(0.0).max(rate(bytes, Time90k(ticks))));
                    }
                }
            }
            let found = peak(&list, target);
            prop_assert_eq!(found.is_some(), expected.is_some());
            prop_assert!((found.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs() < 1.0);
        }
    }
}
