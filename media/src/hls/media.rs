//! The media playlist (RFC 8216 4.3.3).

use super::segment_name;
use crate::plan::SegmentPlan;
use crate::time::Time90k;
use std::fmt::Write as _;

/// The whole presentation as a playlist that is complete from the first request. With `start`, a player is
/// asked to begin there (EXT-X-START, RFC 8216 4.3.5.2).
pub fn media_playlist(plan: &SegmentPlan, start: Option<Time90k>) -> String {
    let mut text = String::with_capacity(256 + plan.segments.len() * 40);
    text.push_str("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let target = plan.target_duration();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:0");
    // Not a standard tag: a predecessor's clients read the duration from it.
    let _ = writeln!(text, "#EXT-X-ABSOLUTE-DURATION:{:.6}", plan.duration().seconds());
    if let Some(start) = start {
        let _ = writeln!(text, "#EXT-X-START:TIME-OFFSET={:.3},PRECISE=YES", start.seconds());
    }
    // Each duration is the distance of two rounded instants, so that their sum never drifts.
    let micros = |time: Time90k| i128::from(time.0) * 1_000_000 / 90_000;
    for segment in &plan.segments {
        let (start, end) = (segment.start - plan.origin(), segment.end - plan.origin());
        let duration = micros(end) - micros(start);
        let (seconds, fraction) = (duration / 1_000_000, duration % 1_000_000);
        let _ = writeln!(text, "#EXTINF:{seconds}.{fraction:06},\n{}", segment_name(segment.index));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;
    use crate::plan::Segment;
    use crate::track::{Keyframe, Span, TrackId};
    use proptest::prelude::*;

    fn plan(cuts: &[i64]) -> SegmentPlan {
        let span = Span { start: Keyframe { pts: Time90k(0), at: 0 }, end: None, first: true };
        let segments = cuts.windows(2).enumerate().map(|(index, cut)| Segment {
            index: index as u32,
            start: Time90k(cut[0]),
            end: Time90k(cut[1]),
            span,
        });
        SegmentPlan { cut: TrackId(1), segments: segments.collect() }
    }

    proptest! {
        #[test]
        fn durations_add_up_and_an_independent_reader_agrees(
            gaps in proptest::collection::vec(1i64..20_000_000, 1..300),
            origin in -900_000i64..900_000,
            start in proptest::option::of(0i64..100_000),
        ) {
            let mut cuts = vec![origin];
            cuts.extend(gaps.iter().scan(origin, |at, gap| {
                *at += gap;
                Some(*at)
            }));
            let text = media_playlist(&plan(&cuts), start.map(Time90k::from_seconds));
            let (_, playlist) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
            prop_assert_eq!(playlist.segments.len(), gaps.len());
            prop_assert!(playlist.end_list);
            prop_assert_eq!(playlist.start.map(|tag| tag.time_offset), start.map(|seconds| seconds as f64));
            for (segment, gap) in playlist.segments.iter().zip(&gaps) {
                // RFC 8216 4.3.3.1: rounded to the nearest integer, no longer than the target.
                prop_assert!(f64::from(segment.duration).round() <= playlist.target_duration as f64);
                prop_assert!((f64::from(segment.duration) - *gap as f64 / 90_000.0).abs() < 1e-4);
            }
            let seconds = |line: &str| line.strip_prefix("#EXTINF:")?.strip_suffix(',')?.replace('.', "").parse::<i64>().ok();
            let sum: i64 = text.lines().filter_map(seconds).sum();
            let exact = (cuts[gaps.len()] - origin) * 100 / 9;
            prop_assert!((sum - exact).abs() <= 1, "{} of {}", sum, exact);
        }
    }
}
