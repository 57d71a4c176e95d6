//! Media playlists (RFC 8216 4.3.3): of renditions, of subtitles and of key pictures.

use super::names::Resource;
use crate::error::Error;
use crate::iframes::IFrame;
use crate::plan::SegmentPlan;
use crate::presentation::Presentation;
use crate::rendition::{Rendition, SegmentFormat, SubtitleId};
use crate::time::Time90k;
use std::fmt::Write as _;

/// The whole rendition as a playlist that is complete from the first request. With `start`, a player is asked to
/// begin there (EXT-X-START, RFC 8216 4.3.5.2). All renditions have the same cuts and the same target duration.
pub fn media_playlist(presentation: &Presentation, rendition: &Rendition, start: Option<Time90k>) -> String {
    let plan = presentation.plan();
    let mut text = head(version(rendition.format, false), plan.target_duration(), plan.segments.len());
    if presentation.main_rendition(Some(rendition.format)) == Ok(*rendition) {
        // Not a standard tag: a predecessor's clients read the duration from it.
        let _ = writeln!(text, "#EXT-X-ABSOLUTE-DURATION:{:.6}", plan.duration().seconds());
    }
    if let Some(start) = start {
        let _ = writeln!(text, "#EXT-X-START:TIME-OFFSET={:.3},PRECISE=YES", start.seconds());
    }
    write_map(&mut text, presentation, rendition);
    write_segments(&mut text, plan, |index| Resource::Segment(*rendition, index).name(presentation));
    text
}

/// Subtitles, cut as the picture is.
pub fn subtitle_playlist(presentation: &Presentation, subtitles: SubtitleId) -> String {
    let plan = presentation.plan();
    let mut text = head(version(SegmentFormat::Ts, false), plan.target_duration(), plan.segments.len());
    write_segments(&mut text, plan, |index| Resource::SubtitleSegment(subtitles, index).name(presentation));
    text
}

/// The key pictures of `rendition`, which is the picture by itself; each stands until the next
/// (EXT-X-I-FRAMES-ONLY, RFC 8216 4.3.3.6).
///
/// # Errors
/// `Unsupported` when it has no picture or has sound; `Limit` when there are too many key pictures.
pub fn iframe_playlist(presentation: &Presentation, rendition: &Rendition) -> Result<String, Error> {
    presentation.check(rendition)?;
    if rendition.video.is_none() || rendition.audio.is_some() {
        return Err(Error::unsupported("key pictures are of the picture alone"));
    }
    let frames = IFrame::all(presentation)?;
    let target = IFrame::target_duration(&frames);
    let mut text = head(version(rendition.format, true), target, frames.len());
    text.push_str("#EXT-X-I-FRAMES-ONLY\n");
    write_map(&mut text, presentation, rendition);
    let origin = presentation.plan().origin();
    for (index, frame) in (0u32..).zip(&frames) {
        let name = Resource::IFrame(*rendition, index).name(presentation);
        write_entry(&mut text, frame.start - origin, frame.end - origin, &name);
    }
    text.push_str("#EXT-X-ENDLIST\n");
    Ok(text)
}

/// RFC 8216 7: decimal durations need version 3, EXT-X-I-FRAMES-ONLY needs 4, EXT-X-MAP outside of those lists 6; 7
/// is what the players of fragmented MP4 know.
const fn version(format: SegmentFormat, iframes: bool) -> u32 {
    match format {
        SegmentFormat::Fmp4 => 7,
        SegmentFormat::Ts if iframes => 4,
        SegmentFormat::Ts => 3,
    }
}

fn head(version: u32, target: u32, entries: usize) -> String {
    let mut text = String::with_capacity(256 + entries.saturating_mul(40));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-PLAYLIST-TYPE:VOD");
    text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    let _ = writeln!(text, "#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:0");
    text
}

fn write_map(text: &mut String, presentation: &Presentation, rendition: &Rendition) {
    if rendition.format == SegmentFormat::Fmp4 {
        let init = Resource::Init(*rendition).name(presentation);
        let _ = writeln!(text, "#EXT-X-MAP:URI=\"{init}\"");
    }
}

fn write_segments(text: &mut String, plan: &SegmentPlan, name: impl Fn(u32) -> String) {
    let origin = plan.origin();
    for segment in &plan.segments {
        write_entry(text, segment.start - origin, segment.end - origin, &name(segment.index));
    }
    text.push_str("#EXT-X-ENDLIST\n");
}

/// One EXTINF. Each duration is the distance of two rounded instants, so that their sum never drifts.
fn write_entry(text: &mut String, start: Time90k, end: Time90k, name: &str) {
    let micros = |time: Time90k| i128::from(time.0) * 1_000_000 / 90_000;
    let duration = micros(end) - micros(start);
    let (seconds, fraction) = (duration / 1_000_000, duration % 1_000_000);
    let _ = writeln!(text, "#EXTINF:{seconds}.{fraction:06},\n{name}");
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
        ) {
            let mut cuts = vec![origin];
            cuts.extend(gaps.iter().scan(origin, |at, gap| {
                *at += gap;
                Some(*at)
            }));
            let plan = plan(&cuts);
            let mut text = head(3, plan.target_duration(), gaps.len());
            write_segments(&mut text, &plan, |index| format!("{index}.ts"));
            let (_, playlist) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
            prop_assert_eq!(playlist.segments.len(), gaps.len());
            prop_assert!(playlist.end_list);
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
