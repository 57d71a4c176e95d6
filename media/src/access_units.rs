//! The samples of one segment, from either container.

use crate::error::Error;
use crate::movie::Movie;
use crate::plan::SegmentPlan;
use crate::source::{ByteSource, Stop};
use crate::track::Sample;
use std::ops::Range;

/// What one segment holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SegmentSamples {
    /// Pictures in decode order.
    pub video: Vec<Sample>,
    /// Frames of sound.
    pub audio: Vec<Sample>,
}

const NO_SEGMENT: Error = Error::unsupported("no segment of that number");

/// The bytes of the file that segment `index` is made of, sorted and disjoint: to be fetched beforehand.
///
/// # Errors
/// `Truncated` when the index names bytes past the end of the file, `Limit` when they are too many.
pub fn byte_ranges(movie: &Movie, plan: &SegmentPlan, index: u32) -> Result<Vec<Range<u64>>, Error> {
    let segment = plan.segment(index).ok_or(NO_SEGMENT)?;
    movie.byte_ranges(&plan.tracks(), &segment.span)
}

/// The samples of segment `index`.
pub(crate) fn samples(
    movie: &Movie,
    plan: &SegmentPlan,
    index: u32,
    src: &dyn ByteSource,
) -> Result<SegmentSamples, Stop> {
    let segment = plan.segment(index).ok_or(NO_SEGMENT)?;
    let mut lists = movie.samples(src, &plan.tracks(), &segment.span)?.into_iter();
    let video = plan.video.and_then(|_| lists.next()).unwrap_or_default();
    let audio = plan.audio.and_then(|_| lists.next()).unwrap_or_default();
    Ok(SegmentSamples { video, audio })
}
