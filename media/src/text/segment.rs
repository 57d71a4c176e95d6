//! One segment of a WebVTT rendition (RFC 8216 3.5).

use super::{Cue, Document, write};
use crate::plan::{BASE, Segment, SegmentPlan};

/// The first lines of every segment: local time 0 is the beginning of the presentation, which the other renditions
/// have at [`BASE`].
fn header() -> String {
    format!("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:{}\n\n", BASE.0)
}

impl Document {
    /// All of it as one WebVTT file.
    pub fn to_webvtt(&self) -> String {
        let mut out = "WEBVTT\n\n".to_owned();
        self.cues.iter().for_each(|cue| write::cue(cue, &mut out));
        out
    }

    /// Segment `index` of `plan`: all cues that are to be seen in it, each with its whole time, so that a cue that
    /// crosses a cut is in both segments. Without cues, or behind the last segment, only the header.
    pub fn segment(&self, plan: &SegmentPlan, index: u32) -> String {
        let Some(segment) = plan.segment(index) else {
            return header();
        };
        write_segment(self.cues.iter().filter(|cue| is_seen(cue, plan, segment)))
    }
}

/// True for a cue that is to be seen in `segment`.
pub(super) fn is_seen(cue: &Cue, plan: &SegmentPlan, segment: &Segment) -> bool {
    cue.start < segment.end - plan.origin() && cue.end > segment.start - plan.origin()
}

/// A segment of `cues`.
pub(super) fn write_segment<'a>(cues: impl Iterator<Item = &'a Cue>) -> String {
    let mut out = header();
    cues.for_each(|cue| write::cue(cue, &mut out));
    out
}
