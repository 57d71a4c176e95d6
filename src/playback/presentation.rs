//! What is known of a file once its index has been read: its tracks, and how it is cut into segments.

use crate::error::{Error, ErrorKind};
use crate::report::Report;
use bytes::Bytes;
use media::movie::Movie;
use media::plan::SegmentPlan;
use media::time::Time90k;

/// A seek to beyond this share of the duration gets the playlist of a presentation that has ended.
const END_OF_FILE: f64 = 0.995;

/// A file whose index has been read. It never changes.
#[derive(Debug)]
pub struct Presentation {
    pub(super) movie: Movie,
    pub(super) plan: Result<SegmentPlan, media::error::Error>,
}

impl Presentation {
    /// The plan for `movie`, or the reason why there is none.
    pub(super) fn new(movie: Movie) -> Self {
        let plan = media::plan::plan(&movie, &media::plan::PlanOptions::default());
        Self { movie, plan }
    }

    /// The plan.
    ///
    /// # Errors
    /// `Unsupported` with the reason when the file cannot be played as HLS.
    pub(super) fn plan(&self) -> Result<&SegmentPlan, Error> {
        self.plan.as_ref().map_err(unsupported)
    }

    /// Length in seconds, when it is known.
    pub fn duration_seconds(&self) -> Option<f64> {
        let duration = match &self.plan {
            Ok(plan) => Some(plan.duration()),
            Err(_) => self.movie.duration(),
        };
        duration.map(Time90k::seconds).filter(|seconds| *seconds > 0.0)
    }

    /// Checks that the file can be played as HLS.
    ///
    /// # Errors
    /// `Unsupported` with the reason.
    pub fn check(&self) -> Result<(), Error> {
        self.plan().map(|_| ())
    }

    /// The multivariant playlist; it names its media playlist `playlist.m3u8`.
    ///
    /// # Errors
    /// `Unsupported` with the reason when the file cannot be played as HLS.
    pub fn master_playlist(&self) -> Result<String, Error> {
        Ok(media::hls::multivariant_playlist(&self.movie, self.plan()?, "playlist.m3u8"))
    }

    /// The media playlist. With `start` (seconds) a player begins there; a start at the very end gives the
    /// playlist of a presentation without segments.
    ///
    /// # Errors
    /// `Unsupported` with the reason when the file cannot be played as HLS.
    pub fn media_playlist(&self, start: Option<f64>) -> Result<String, Error> {
        let plan = self.plan()?;
        let duration = plan.duration().seconds();
        if start.is_some_and(|start| start > duration * END_OF_FILE) {
            return Ok("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-ENDLIST\n".to_owned());
        }
        Ok(media::hls::media_playlist(plan, start.map(ticks)))
    }

    /// Which segment a file name such as `segment007.ts` means.
    ///
    /// # Errors
    /// `NotFound` when it is no segment of this file, `Unsupported` when the file has no segments.
    pub fn segment_index(&self, name: &str) -> Result<u32, Error> {
        let plan = self.plan()?;
        parse_segment_name(name)
            .filter(|index| usize::try_from(*index).is_ok_and(|index| index < plan.segments.len()))
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "No such segment"))
    }

    /// The first bytes of segment `index`, which are known before any of its media is.
    ///
    /// # Errors
    /// `Unsupported` with the reason when the file cannot be played as HLS.
    pub fn segment_head(&self, index: u32) -> Result<Bytes, Error> {
        Ok(media::ts::head(&self.movie, self.plan()?, index))
    }

    /// What there is to tell about the file.
    pub fn report(&self) -> Report {
        Report::new(&self.movie, self.plan.as_ref().map_err(ToString::to_string))
    }
}

/// The number in a segment's file name; `None` when it is not such a name.
pub fn parse_segment_name(name: &str) -> Option<u32> {
    media::hls::parse_segment_name(name)
}

/// The file is at fault: it cannot be played as HLS, and the text says why.
pub(super) fn unsupported(error: &media::error::Error) -> Error {
    Error::new(ErrorKind::Unsupported, format!("This file cannot be played as HLS: {error}"))
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and the caller has checked the range")]
fn ticks(seconds: f64) -> Time90k {
    Time90k((seconds * 90_000.0) as i64)
}
