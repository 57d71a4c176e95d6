//! Where a presentation is cut: the only place that decides it.
//!
//! The plan is made from the index alone. Playlists and segments all follow it, so what a playlist promises
//! is what a segment holds.

use crate::error::Error;
use crate::movie::Movie;
use crate::time::Time90k;
use crate::track::{Keyframe, Span, TrackId};

/// What a segment's clock says when the presentation begins: 10 s, so that decoding, and sound that only fills a
/// decoder, may begin before.
pub const BASE: Time90k = Time90k::from_seconds(10);

/// How to cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanOptions {
    /// The length that segments should have; Apple's authoring specification asks for 6 s (7.5).
    pub target: Time90k,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self { target: Time90k::from_seconds(6) }
    }
}

/// A cut may fall this much before the target, so that a long group of pictures is not followed by a short
/// segment.
const EARLY: Time90k = Time90k(22_500);
/// A shorter rest at the end joins the segment before it.
const MIN_TAIL: Time90k = Time90k(90_000);
/// Longer segments would keep a player waiting, and their bytes in memory.
const MAX_SEGMENT: Time90k = Time90k::from_seconds(120);
/// Ten days in the shortest segments.
const MAX_SEGMENTS: usize = 200_000;

/// The cuts of one presentation, which all its renditions share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentPlan {
    /// The track whose keyframes were cut at: the picture, or the sound where there is none.
    pub cut: TrackId,
    /// In order, without gaps; at least one.
    pub segments: Vec<Segment>,
}

/// One segment of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its number, from 0.
    pub index: u32,
    /// When it begins, on the presentation clock.
    pub start: Time90k,
    /// When the next one begins; for the last one, when the presentation ends.
    pub end: Time90k,
    /// The samples it holds.
    pub span: Span,
}

impl Segment {
    /// What its EXTINF says (RFC 8216 4.3.2.1).
    pub fn duration(&self) -> Time90k {
        self.end - self.start
    }
}

/// Plans a presentation that is cut at the keyframes of `cut` and in which `others` take part.
///
/// # Errors
/// `Unsupported` with a reason for the user when the file cannot be streamed as HLS.
pub fn plan(
    movie: &Movie,
    cut: TrackId,
    others: &[TrackId],
    options: &PlanOptions,
) -> Result<SegmentPlan, Error> {
    let mut keyframes = movie.keyframes(cut)?.peekable();
    let first = *keyframes.peek().ok_or(Error::unsupported("the index names no picture to start from"))?;
    let starts = others.iter().filter_map(|track| movie.start(*track)).map(|start| start.max(Time90k::ZERO));
    let origin = starts.min().unwrap_or(first.pts).min(first.pts);
    let ends = others.iter().chain([&cut]).filter_map(|track| movie.end(*track));
    let end = ends.max().ok_or(Error::unsupported("the file does not tell how long it is"))?;

    let cuts = choose_cuts(keyframes, origin, end, options.target);
    if cuts.is_empty() {
        return Err(Error::unsupported("the file shows nothing for any length of time"));
    }
    if cuts.len() > MAX_SEGMENTS {
        return Err(Error::limit("segments", 0));
    }
    let segments = to_segments(&cuts, origin, end);
    if segments.iter().any(|segment| segment.duration() > MAX_SEGMENT) {
        return Err(Error::unsupported("the pictures to cut at are more than two minutes apart"));
    }
    if segments.iter().any(|segment| segment.duration() <= Time90k::ZERO) {
        return Err(Error::malformed("the file ends before its last picture begins", 0));
    }
    Ok(SegmentPlan { cut, segments })
}

/// The keyframes that begin a segment: each is the first at least `target` (less [`EARLY`]) behind the last.
/// Ends when they are more than [`MAX_SEGMENTS`].
fn choose_cuts(
    keyframes: impl Iterator<Item = Keyframe>,
    origin: Time90k,
    end: Time90k,
    target: Time90k,
) -> Vec<Keyframe> {
    let mut cuts: Vec<Keyframe> = Vec::new();
    let mut next = Time90k(i64::MIN);
    for keyframe in keyframes.take_while(|keyframe| keyframe.pts < end) {
        if cuts.is_empty() || keyframe.pts >= next {
            let start = if cuts.is_empty() { origin } else { keyframe.pts };
            next = start + target - EARLY;
            cuts.push(keyframe);
            if cuts.len() > MAX_SEGMENTS {
                return cuts;
            }
        }
    }
    if cuts.len() > 1 && cuts.last().is_some_and(|last| end - last.pts < MIN_TAIL) {
        cuts.pop();
    }
    cuts
}

fn to_segments(cuts: &[Keyframe], origin: Time90k, end: Time90k) -> Vec<Segment> {
    let nexts = cuts.iter().skip(1).copied().map(Some).chain([None]);
    let spans = cuts.iter().zip(nexts).enumerate().map(|(index, (start, next))| Segment {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        start: if index == 0 { origin } else { start.pts },
        end: next.map_or(end, |next| next.pts),
        span: Span { start: *start, end: next, first: index == 0 },
    });
    spans.collect()
}

impl SegmentPlan {
    /// When the presentation begins, on the presentation clock.
    pub fn origin(&self) -> Time90k {
        self.segments.first().map_or(Time90k::ZERO, |segment| segment.start)
    }

    /// What the clock of segments says at `time` of the presentation clock.
    pub fn clock(&self, time: Time90k) -> Time90k {
        BASE + time - self.origin()
    }

    /// The sum of all segments.
    pub fn duration(&self) -> Time90k {
        self.segments.last().map_or(Time90k::ZERO, |segment| segment.end) - self.origin()
    }

    /// EXT-X-TARGETDURATION in seconds: no EXTINF, rounded, exceeds it (RFC 8216 4.3.3.1).
    pub fn target_duration(&self) -> u32 {
        let longest = self.segments.iter().map(Segment::duration).max().unwrap_or_default();
        u32::try_from((longest.0 + 45_000) / 90_000).unwrap_or(u32::MAX).max(1)
    }

    /// The segment of that number.
    pub fn segment(&self, index: u32) -> Option<&Segment> {
        self.segments.get(usize::try_from(index).ok()?)
    }

    /// The segment that is shown `time` after the beginning; the last one for times past the end.
    pub fn segment_at(&self, time: Time90k) -> u32 {
        let time = time + self.origin();
        let after = self.segments.partition_point(|segment| segment.start <= time);
        u32::try_from(after.saturating_sub(1)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keyframes(seconds: &[f64]) -> Vec<Keyframe> {
        let at =
            |(at, time): (usize, &f64)| Keyframe { pts: Time90k((time * 90_000.0) as i64), at: at as u64 };
        seconds.iter().enumerate().map(at).collect()
    }

    fn starts(seconds: &[f64], end: f64) -> Vec<f64> {
        let frames = keyframes(seconds);
        let end = Time90k((end * 90_000.0) as i64);
        let cuts = choose_cuts(frames.iter().copied(), frames[0].pts, end, Time90k::from_seconds(6));
        cuts.iter().map(|cut| cut.pts.seconds()).collect()
    }

    #[test]
    fn cuts_follow_the_last_cut_and_tails_are_merged() {
        assert_eq!(starts(&[0.0, 2.0, 4.0, 6.0, 8.0, 12.0, 12.5], 13.0), [0.0, 6.0, 12.0]);
        assert_eq!(starts(&[0.0, 2.0, 4.0, 6.0, 8.0, 12.0, 12.5], 12.9), [0.0, 6.0]);
        assert_eq!(starts(&[0.0, 5.8, 11.6], 20.0), [0.0, 5.8, 11.6]);
        assert_eq!(starts(&[0.0, 11.0, 12.0, 17.0], 20.0), [0.0, 11.0, 17.0]);
        assert_eq!(starts(&[3.0], 4.0), [3.0]);
    }

    proptest! {
        #[test]
        fn segments_cover_the_presentation(gaps in proptest::collection::vec(1i64..2_000_000, 1..200), tail in 1i64..2_000_000) {
            let mut time = 0;
            let mut frames = vec![Keyframe { pts: Time90k(0), at: 0 }];
            for (at, gap) in gaps.iter().enumerate() {
                time += gap;
                frames.push(Keyframe { pts: Time90k(time), at: at as u64 + 1 });
            }
            let end = Time90k(time + tail);
            let cuts = choose_cuts(frames.iter().copied(), Time90k(0), end, Time90k::from_seconds(6));
            let segments = to_segments(&cuts, Time90k(0), end);
            prop_assert_eq!(segments[0].start, Time90k(0));
            prop_assert_eq!(segments.last().unwrap().end, end);
            for pair in segments.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
                prop_assert_eq!(pair[0].span.end, Some(pair[1].span.start));
            }
            let plan = SegmentPlan { cut: TrackId(1), segments };
            for segment in &plan.segments {
                prop_assert!((segment.duration().seconds() + 0.5).floor() <= f64::from(plan.target_duration()));
                prop_assert_eq!(plan.segment_at(segment.start), segment.index);
            }
        }
    }
}
