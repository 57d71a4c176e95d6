//! The samples of one segment, from either container.

use crate::error::Error;
use crate::movie::Movie;
use crate::plan::SegmentPlan;
use crate::source::{ByteSource, Stop};
use crate::track::{Sample, TrackId};
use std::ops::Range;

const NO_SEGMENT: Error = Error::unsupported("no segment of that number");

/// The bytes of the file that hold `tracks` in segment `index`, sorted and disjoint: to be fetched beforehand.
///
/// # Errors
/// `Truncated` when the index names bytes past the end of the file, `Limit` when they are too many.
pub fn byte_ranges(
    movie: &Movie,
    plan: &SegmentPlan,
    tracks: &[TrackId],
    index: u32,
) -> Result<Vec<Range<u64>>, Error> {
    let segment = plan.segment(index).ok_or(NO_SEGMENT)?;
    movie.byte_ranges(plan.cut, tracks, &segment.span)
}

/// The samples of `tracks` in segment `index`, one list each: pictures in decode order, empty for a track that
/// has none there.
pub(crate) fn samples(
    movie: &Movie,
    plan: &SegmentPlan,
    tracks: &[TrackId],
    index: u32,
    src: &dyn ByteSource,
) -> Result<Vec<Vec<Sample>>, Stop> {
    let segment = plan.segment(index).ok_or(NO_SEGMENT)?;
    movie.samples(src, plan.cut, tracks, &segment.span)
}
