//! When samples are decoded, and for how long, on the clocks of the two tracks.
//!
//! # Pictures
//!
//! Pictures are decoded when a multiplex would have them decoded: [`Sample::dts`], which never comes after the
//! picture's own time and goes on from segment to segment. A segment's first decoding time therefore lies before
//! its cut by the time that reordering takes, the same in all segments of a stream; what is shown begins at the cut.
//! Composition offsets could be negative (`trun` version 1), and decoding begin at the cut itself. But some players
//! (FFmpeg's, and those made of it) take the lowest offset that they have met off all that is shown, so that
//! pictures lag behind the sound by up to some 200 ms: here no offset is below 0.
//!
//! A picture lasts until the next is decoded. The last one of a segment cannot know that: it lasts as long as the
//! container says, or as the picture before it was shown.
//!
//! # Sound
//!
//! Sound counts its own samples. The first frame of the track has a number of samples that is rounded once from
//! where it lies on the presentation clock; every other frame's number is counted from there, so that frames of
//! equal length are exactly that far apart in all segments. A frame within two samples of the end of the one before
//! (a millisecond in Matroska, which rounds to that) follows it without a gap; a real gap lengthens the frame before.

use crate::plan::BASE;
use crate::time::Time90k;
use crate::track::{Codec, Sample};

const TICKS: i128 = 90_000;

/// When the samples of a run are decoded, in units of the track's timescale.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Times {
    /// When the first one is (`baseMediaDecodeTime`).
    pub(super) start: u64,
    /// How long each lasts.
    pub(super) durations: Vec<u32>,
}

/// How long each picture lasts; `end` is when the segment ends, on the presentation clock.
pub(super) fn pictures(samples: &[Sample], end: Time90k) -> Vec<u32> {
    let distances = samples.windows(2).filter_map(|pair| match pair {
        [sample, next] => Some(next.dts - sample.dts),
        _ => None,
    });
    let last = (!samples.is_empty()).then(|| last_duration(samples, end));
    // Only damaged timestamps are hours apart.
    distances.chain(last).map(|distance| u32::try_from(distance.0.max(1)).unwrap_or(1)).collect()
}

fn last_duration(samples: &[Sample], end: Time90k) -> Time90k {
    let told = samples.last().and_then(|last| last.duration).filter(|duration| *duration > Time90k::ZERO);
    told.unwrap_or_else(|| {
        let latest = |but: Option<Time90k>| {
            samples.iter().map(|sample| sample.pts).filter(|pts| Some(*pts) != but).max()
        };
        let last = latest(None);
        match (last, latest(last)) {
            (Some(last), Some(before)) => last - before,
            (Some(only), None) => end - only,
            _ => Time90k::ZERO,
        }
    })
}

/// The sample clock of a sound track.
#[derive(Debug, Clone, Copy)]
pub(super) struct SoundClock {
    rate: u32,
    /// The length that all frames have, or divide by.
    grid: Option<u32>,
    /// When the track's first frame is heard.
    first: Time90k,
    /// The number of its first sample.
    base: i128,
}

impl SoundClock {
    /// The clock of a track that begins at `first` in a presentation that begins at `origin`; `None` for what is
    /// no sound.
    pub(super) fn new(codec: &Codec, first: Time90k, origin: Time90k) -> Option<Self> {
        let rate = timescale(codec)?;
        let clock = i128::from(BASE.0) + i128::from(first.0) - i128::from(origin.0);
        Some(Self { rate, grid: grid(codec), first, base: to_samples(clock, rate) })
    }

    /// The number of the sample that is heard at `time`. [`BASE`] keeps it from being negative.
    pub(super) fn position(&self, time: Time90k) -> u64 {
        let since = to_samples(i128::from(time.0) - i128::from(self.first.0), self.rate);
        let since = match self.grid.map(i128::from) {
            Some(grid) => {
                let on_grid = round_div(since, grid) * grid;
                // Both times were rounded to ticks.
                let slack = 1 + i128::from(self.rate.div_ceil(90_000));
                if (since - on_grid).abs() <= slack { on_grid } else { since }
            }
            None => since,
        };
        u64::try_from((self.base + since).max(0)).unwrap_or(u64::MAX / 2)
    }

    /// Times of the frames of a run; without frames, a run of length 0 at `start`.
    pub(super) fn frames(&self, samples: &[Sample], codec: &Codec, start: Time90k) -> Times {
        // Two roundings, or Matroska's.
        let told = samples.iter().all(|sample| sample.duration.is_some());
        let jitter = if told { 2 } else { u64::from(self.rate / 1000) + 2 };
        let begins = samples.first().map_or(start, |sample| sample.pts);
        let mut times = Times { start: self.position(begins), durations: Vec::with_capacity(samples.len()) };
        let mut expected = times.start;
        let mut length = 1;
        for sample in samples {
            let position = self.position(sample.pts);
            if position.abs_diff(expected) > jitter
                && let Some(before) = times.durations.last_mut()
            {
                let begun = expected - u64::from(*before);
                *before = u32::try_from(position.saturating_sub(begun)).unwrap_or(u32::MAX).max(1);
                expected = begun.saturating_add(u64::from(*before));
            }
            length = self.length(sample, codec).unwrap_or(length);
            times.durations.push(length);
            expected = expected.saturating_add(u64::from(length));
        }
        times
    }

    /// Samples in a frame.
    fn length(&self, sample: &Sample, codec: &Codec) -> Option<u32> {
        let told = || u32::try_from(to_samples(i128::from(sample.duration?.0), self.rate)).ok();
        codec.samples_in(&sample.data).or_else(told).filter(|length| *length > 0)
    }
}

/// Ticks of 90 kHz as samples, rounded to the nearest.
const fn to_samples(ticks: i128, rate: u32) -> i128 {
    round_div(ticks * rate as i128, TICKS)
}

/// The nearest whole number to `a / b`, halves up; `b` is above 0.
const fn round_div(a: i128, b: i128) -> i128 {
    (2 * a + b).div_euclid(2 * b)
}

/// Units per second of a track's decoding times: its samples of sound, or ticks of 90 kHz for pictures. `None`
/// for what is neither, or has no rate.
pub(super) fn timescale(codec: &Codec) -> Option<u32> {
    match codec {
        Codec::H264(_) | Codec::Hevc(_) | Codec::Av1(_) | Codec::Vp9(_) => Some(90_000),
        sound => sound.timescale(),
    }
}

/// What the distances of all frames are multiples of.
const fn grid(codec: &Codec) -> Option<u32> {
    match codec {
        // The shortest frame of Opus has 2.5 ms (RFC 6716 2.1.4).
        Codec::Opus(_) => Some(120),
        other => other.frame_samples(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::mpeg_audio::MpegAudioConfig;
    use crate::codec::opus::OpusConfig;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn sample(pts: i64, dts: i64, duration: Option<i64>) -> Sample {
        let duration = duration.map(Time90k);
        Sample { pts: Time90k(pts), dts: Time90k(dts), duration, sync: false, data: Bytes::new() }
    }

    #[test]
    fn pictures_last_until_the_next_is_decoded() {
        let times = [(0, -2), (4, -1), (2, 0), (1, 1), (3, 2)].map(|(pts, dts)| (pts * 3600, dts * 3600));
        let of = |duration| times.map(|(pts, dts)| sample(pts, dts, duration)).to_vec();
        assert_eq!(pictures(&of(Some(4000)), Time90k(18_000)), [3600, 3600, 3600, 3600, 4000]);
        assert_eq!(pictures(&of(None), Time90k(99_000)), [3600; 5], "as long as the one before was shown");
        assert_eq!(pictures(&of(None)[..1], Time90k(99_000)), [99_000], "one alone stands to the end");
        assert_eq!(pictures(&[], Time90k(0)), [0; 0]);
        // Timestamps that repeat, or go back.
        let odd = [sample(5, 5, None), sample(5, 5, None), sample(5, 1, None)];
        assert_eq!(pictures(&odd, Time90k(3)), [1, 1, 1]);
    }

    fn mp3(rate: u32) -> Codec {
        Codec::Mp3(MpegAudioConfig::layer3(rate, 2))
    }

    #[test]
    fn sound_is_counted_in_samples() {
        let codec = mp3(44_100);
        let clock = SoundClock::new(&codec, Time90k(-900), Time90k(0)).unwrap();
        let at = |number: i64| Time90k::from_ratio(-441 + i128::from(number) * 1152, 44_100);
        assert_eq!(clock.position(at(0)), 441_000 - 441);
        for number in [1, 2, 3, 1000, 1_000_000] {
            assert_eq!(clock.position(at(number)), 441_000 - 441 + number as u64 * 1152);
        }
        assert_eq!(clock.position(Time90k(i64::MIN / 2)), 0, "never negative");
        let frames = |times: &[i64]| {
            let samples: Vec<Sample> = times.iter().map(|time| sample(*time, *time, None)).collect();
            clock.frames(&samples, &codec, Time90k(0)).durations
        };
        let [a, b, c] = [0, 1, 2].map(|number| at(number).0);
        assert_eq!(frames(&[a, b, c]), [1152, 1152, 1152]);
        assert_eq!(frames(&[a, b + 45, c - 60]), [1152, 1152, 1152], "within a millisecond");
        assert_eq!(frames(&[a, c]), [2304, 1152], "a gap");
        assert_eq!(frames(&[a, a + 900]), [441, 1152], "an overlap");
        assert_eq!(frames(&[b, a]), [1, 1152], "backwards");
        assert_eq!(
            clock.frames(&[], &codec, at(7)),
            Times { start: clock.position(at(7)), durations: vec![] }
        );
    }

    #[test]
    fn the_length_of_a_frame_is_its_own() {
        let config = OpusConfig { record: Bytes::new(), channels: 2, pre_skip: 312, first_packet: 960 };
        let codec = Codec::Opus(config);
        let clock = SoundClock::new(&codec, Time90k(-585), Time90k(0)).unwrap();
        // CELT, 20 ms; the same, 2.5 ms; a code that tells of two frames of 20 ms
        let data = [&[0xf8][..], &[0xe0], &[0xf9, 1, 1]];
        let times = [-585, 1215, 1440];
        let samples = data
            .iter()
            .zip(times)
            .map(|(data, time)| Sample { data: Bytes::copy_from_slice(data), ..sample(time, time, None) });
        let made = clock.frames(&samples.collect::<Vec<_>>(), &codec, Time90k(0));
        assert_eq!(made, Times { start: 480_000 - 312, durations: vec![960, 120, 1920] });
        assert!(SoundClock::new(&mp3(0), Time90k(0), Time90k(0)).is_none());
    }

    proptest! {
        /// Whatever the times, a run has a length for each sample, none of them 0, and its pictures rise.
        #[test]
        fn any_times_give_lengths(times in proptest::collection::vec((any::<i64>(), any::<i64>()), 0..50), end in any::<i64>()) {
            let samples: Vec<Sample> = times.iter().map(|(pts, dts)| sample(*pts, *dts, None)).collect();
            let pictures = pictures(&samples, Time90k(end));
            prop_assert_eq!(pictures.len(), samples.len());
            prop_assert!(pictures.iter().all(|length| *length > 0));
            let clock = SoundClock::new(&mp3(48_000), Time90k(end), Time90k(0)).unwrap();
            let sound = clock.frames(&samples, &mp3(48_000), Time90k(0));
            prop_assert_eq!(sound.durations.len(), samples.len());
            prop_assert!(sound.durations.iter().all(|length| *length > 0));
        }

        /// However a film is cut, sound in it is counted on one clock: to the sample where the grid is known.
        #[test]
        fn cuts_leave_no_seam(rate in prop::sample::select(vec![8000u32, 22_050, 44_100, 48_000, 96_000, 192_000]), first in -9000i64..900_000, cuts in proptest::collection::vec(1usize..200, 1..8)) {
            let codec = mp3(rate);
            let Codec::Mp3(config) = &codec else { unreachable!() };
            let length = config.samples_per_frame;
            let at = |number: usize| Time90k::from_ratio(i128::from(first) * i128::from(rate) + number as i128 * i128::from(length) * 90_000, i128::from(rate) * 90_000);
            let clock = SoundClock::new(&codec, at(0), Time90k(0)).unwrap();
            let (mut number, mut expected) = (0, clock.position(at(0)));
            for count in cuts {
                let samples: Vec<Sample> = (number..number + count).map(|n| sample(at(n).0, at(n).0, None)).collect();
                let run = clock.frames(&samples, &codec, Time90k(0));
                prop_assert_eq!(run.start, expected);
                prop_assert!(run.durations.iter().all(|duration| *duration == length));
                expected += u64::from(length) * count as u64;
                number += count;
            }
        }
    }
}
