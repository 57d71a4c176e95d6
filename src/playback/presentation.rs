//! What is known of a file once its index has been read: its tracks, and how it is cut into segments.

use super::piece::Piece;
use crate::error::{Error, ErrorKind};
use crate::report::Report;
use bytes::Bytes;
use media::movie::Movie;
use media::plan::PlanOptions;
use media::presentation::Presentation as Offer;
use media::rendition::{Rendition, SegmentFormat};
use media::source::{ByteSource, Step};
use media::time::Time90k;
use std::ops::Range;
use std::sync::Arc;

/// A seek to beyond this share of the duration gets the playlist of a presentation that has ended.
const END_OF_FILE: f64 = 0.995;

/// A file whose index has been read. It never changes.
#[derive(Debug)]
pub struct Presentation {
    movie: Arc<Movie>,
    offer: Result<Offer, media::error::Error>,
}

impl Presentation {
    /// What is offered of `movie`, or the reason why nothing is.
    pub(super) fn new(movie: Movie) -> Self {
        let movie = Arc::new(movie);
        let offer = Offer::new(Arc::clone(&movie), &PlanOptions::default());
        Self { movie, offer }
    }

    /// What is offered.
    ///
    /// # Errors
    /// `Unsupported` with the reason when the file cannot be played as HLS.
    fn offer(&self) -> Result<&Offer, Error> {
        self.offer.as_ref().map_err(unsupported)
    }

    /// Length in seconds, when it is known.
    pub fn duration_seconds(&self) -> Option<f64> {
        let duration = match &self.offer {
            Ok(offer) => Some(offer.plan().duration()),
            Err(_) => self.movie.duration(),
        };
        duration.map(Time90k::seconds).filter(|seconds| *seconds > 0.0)
    }

    /// Checks that the file can be played as HLS.
    ///
    /// # Errors
    /// `Unsupported` with the reason.
    pub fn check(&self) -> Result<(), Error> {
        self.offer().map(|_| ())
    }

    fn main(&self) -> Result<(&Offer, Rendition), Error> {
        let offer = self.offer()?;
        Ok((offer, offer.main_rendition(None).map_err(|error| unsupported(&error))?))
    }

    /// The multivariant playlist; it names its media playlist `playlist.m3u8`.
    ///
    /// # Errors
    /// `Unsupported` with the reason when the file cannot be played as HLS.
    pub fn master_playlist(&self) -> Result<String, Error> {
        let (offer, rendition) = self.main()?;
        Ok(media::hls::multivariant_playlist(offer, &rendition, "playlist.m3u8"))
    }

    /// The media playlist. With `start` (seconds) a player begins there; a start at the very end gives the
    /// playlist of a presentation without segments.
    ///
    /// # Errors
    /// `Unsupported` with the reason when the file cannot be played as HLS.
    pub fn media_playlist(&self, start: Option<f64>) -> Result<String, Error> {
        let plan = self.offer()?.plan();
        let duration = plan.duration().seconds();
        if start.is_some_and(|start| start > duration * END_OF_FILE) {
            return Ok("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-ENDLIST\n".to_owned());
        }
        Ok(media::hls::media_playlist(plan, start.map(ticks)))
    }

    /// Which piece a file name such as `segment007.ts` means.
    ///
    /// # Errors
    /// `NotFound` when it is no piece of this file, `Unsupported` when the file has none.
    pub fn piece(&self, name: &str) -> Result<Piece, Error> {
        let (offer, rendition) = self.main()?;
        parse_segment_name(name)
            .filter(|index| offer.plan().segment(*index).is_some())
            .filter(|_| rendition.format == SegmentFormat::Ts)
            .map(|index| Piece::Segment(rendition, index))
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "No such segment"))
    }

    /// The first bytes of a piece, which are known before any of its media is.
    ///
    /// # Errors
    /// `Unsupported` with the reason when the file cannot be played as HLS.
    pub fn head(&self, piece: Piece) -> Result<Bytes, Error> {
        let offer = self.offer()?;
        Ok(match piece {
            Piece::Segment(rendition, index) => offer.head(&rendition, index),
        })
    }

    /// True when there is such a piece.
    pub(super) fn has(&self, piece: Piece) -> bool {
        let Ok(offer) = &self.offer else { return false };
        match piece {
            Piece::Segment(rendition, index) => {
                offer.check(&rendition).is_ok() && offer.plan().segment(index).is_some()
            }
        }
    }

    /// The bytes of the file that `piece` is made of, sorted and disjoint.
    pub(super) fn byte_ranges(&self, piece: Piece) -> Result<Vec<Range<u64>>, Error> {
        let ranges = match piece {
            Piece::Segment(rendition, index) => self.offer()?.byte_ranges(&rendition, index),
        };
        ranges.map_err(|error| unsupported(&error))
    }

    /// Makes `piece`.
    pub(super) fn make(
        &self,
        piece: Piece,
        source: &dyn ByteSource,
    ) -> Result<Step<Bytes>, media::error::Error> {
        let offer = self.offer.as_ref().map_err(|error| *error)?;
        match piece {
            Piece::Segment(rendition, index) => offer.segment(&rendition, index, source),
        }
    }

    /// What there is to tell about the file.
    pub fn report(&self) -> Report {
        Report::new(&self.movie, self.offer.as_ref().map_err(|error| *error))
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
