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
