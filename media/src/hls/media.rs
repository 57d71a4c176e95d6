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
    use crate::track::{Keyframe, Span};

    fn plan(cuts: &[i64]) -> SegmentPlan {
        let span = Span { start: Keyframe { pts: Time90k(0), at: 0 }, end: None, first: true };
        let segments = cuts.windows(2).enumerate().map(|(index, cut)| Segment {
            index: index as u32,
            start: Time90k(cut[0]),
            end: Time90k(cut[1]),
            span,
        });
        SegmentPlan { video: None, audio: None, segments: segments.collect() }
    }

    #[test]
    fn durations_add_up_and_an_independent_reader_agrees() {
        let cuts: Vec<i64> = (0..200).map(|n| n * 540_541 / 3 + 33).collect();
        let text = media_playlist(&plan(&cuts), Some(Time90k::from_seconds(7)));
        let (_, playlist) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
        assert_eq!(playlist.segments.len(), 199);
        assert!(playlist.end_list);
        assert_eq!(playlist.target_duration, 2);
        assert_eq!(playlist.start.unwrap().time_offset, 7.0);
        let text_sum: i64 = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("#EXTINF:")?.strip_suffix(',')?.replace('.', "").parse::<i64>().ok()
            })
            .sum();
        assert_eq!(text_sum, (cuts[199] - 33) * 100 / 9);
    }
}
