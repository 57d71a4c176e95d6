//! When samples are decoded, and for how long, on the clocks of the two tracks.
//!
//! # Pictures
//!
//! Decoding times are not the container's. A fragment's composition offsets are signed (`trun` version 1), so
//! decoding needs no head start for reordering, and the decode timeline can be the playlist's own: a segment's
//! pictures are decoded from its cut to the next cut, whatever segment is made first. For pictures shown at
//! `p`, in order `s`, the k-th is decoded at `s[k] + shift`, where `shift` brings the first of them to the cut:
//! it is 0 but for an open group, whose leading pictures are shown before the key picture that precedes them.
//! The last one lasts until the next cut. Where that leaves it no time (an open group followed by a closed one,
//! timestamps that repeat), the pictures share the time between the cuts evenly: when they are shown does not
//! depend on it.
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

/// The stretch of decode time that a segment's pictures fill.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// When the first picture is decoded.
    pub(super) cut: Time90k,
    /// When the last one is over: where the next segment begins, or the presentation ends.
    pub(super) end: Time90k,
    /// True when no segment follows: the last picture then lasts as long as it says, if that is less.
    pub(super) last: bool,
}

/// Decoding times of pictures, on the presentation clock, and the end of the last one.
pub(super) fn pictures(samples: &[Sample], stretch: Stretch) -> (Vec<Time90k>, Time90k) {
    let Stretch { cut, end, last } = stretch;
    let mut times: Vec<Time90k> = samples.iter().map(|sample| sample.pts).collect();
    times.sort_unstable();
    let shift = times.first().map_or(Time90k::ZERO, |first| cut - *first);
    for time in &mut times {
        *time = *time + shift;
    }
    let rises = times.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    if !rises || times.last().is_some_and(|last| *last >= end) {
        let (span, count) = (i128::from((end - cut).0.max(0)), times.len() as i128);
        for (number, time) in times.iter_mut().enumerate() {
            let offset = span * number as i128 / count.max(1);
            *time = cut + Time90k(i64::try_from(offset).unwrap_or(i64::MAX));
        }
    }
    let over = match (last, times.as_slice()) {
        (true, [.., before, time]) => end.min(*time + own_duration(samples).unwrap_or(*time - *before)),
        (true, [time]) => own_duration(samples).map_or(end, |duration| end.min(*time + duration)),
        _ => end,
    };
    (times, over)
}

/// How long the picture that is shown last says that it lasts.
fn own_duration(samples: &[Sample]) -> Option<Time90k> {
    let last = samples.iter().max_by_key(|sample| sample.pts)?;
    last.duration.filter(|duration| *duration > Time90k::ZERO)
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
