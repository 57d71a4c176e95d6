//! What is known of a file once its index has been read: its tracks, and how it is cut into segments.

use super::piece::Piece;
use crate::container::Container;
use crate::error::{Error, ErrorKind};
use crate::report::{IndexState, Report};
use bytes::Bytes;
use media::hls::{MultivariantOptions, Resource, SidecarSubtitle};
use media::movie::Movie;
use media::plan::PlanOptions;
use media::presentation::Presentation as Offer;
use media::rendition::{SegmentFormat, SubtitleId};
use media::scan::Scan;
use media::source::{ByteSource, Step};
use media::text::Document;
use media::time::Time90k;
use std::ops::Range;
use std::sync::Arc;

/// A seek to beyond this share of the duration gets the playlist of a presentation that has ended.
const END_OF_FILE: f64 = 0.995;

/// How a client wants its playlists.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlaylistOptions {
    /// How segments are packed; `None` leaves it to the codecs.
    pub container: Option<Container>,
    /// With key pictures by themselves, for players that show them while the user looks for a place.
    pub iframes: bool,
    /// Where a player is asked to begin, in seconds.
    pub start: Option<f64>,
}

/// One file of a presentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A text, known from the index alone.
    Text(String),
    /// What is made from the film's bytes.
    Piece(Piece),
}

/// A file whose index has been read. It never changes.
#[derive(Debug)]
pub struct Presentation {
    movie: Arc<Movie>,
    offer: Result<Offer, media::error::Error>,
    /// True when the index was made by going through the whole file.
    scanned: bool,
}

impl Presentation {
    /// What is offered of `movie`, or the reason why nothing is.
    pub(super) fn new(movie: Movie) -> Self {
        let movie = Arc::new(movie);
        let offer = Offer::new(Arc::clone(&movie), &PlanOptions::default());
        Self { movie, offer, scanned: false }
    }

    /// The same file with the index that was made by going through it, or why that could not be done.
    pub(super) fn scanned(&self, made: Result<Movie, media::error::Error>) -> Self {
        match made {
            Ok(movie) => Self { scanned: true, ..Self::new(movie) },
            Err(error) => Self { movie: Arc::clone(&self.movie), offer: Err(error), scanned: true },
        }
    }

    /// The same file, of which is known now that its index does not say the truth.
    pub(super) fn distrusted(&self, why: media::error::Error) -> Self {
        Self { movie: Arc::clone(&self.movie), offer: Err(why), scanned: self.scanned }
    }

    /// True when the index was made by going through the whole file.
    pub(super) const fn is_scanned(&self) -> bool {
        self.scanned
    }

    /// True when going through the whole file would tell how it can be played.
    pub(super) fn lacks_index(&self) -> bool {
        let no_index = |error: &media::error::Error| error.kind == media::ErrorKind::NoIndex;
        !self.scanned && self.offer.as_ref().is_err_and(no_index) && self.scan().is_some()
    }

    pub(super) fn scan(&self) -> Option<Scan> {
        self.movie.scan()
    }

    /// What is offered.
    ///
    /// # Errors
    /// `Unsupported` with the reason when the file cannot be played as HLS.
    pub(super) fn offer(&self) -> Result<&Offer, Error> {
        self.offer.as_ref().map_err(unsupported)
    }

    /// The same with the error as it is.
    pub(super) fn raw_offer(&self) -> Result<&Offer, media::error::Error> {
        self.offer.as_ref().map_err(|error| *error)
    }

    pub(super) fn movie(&self) -> &Movie {
        &self.movie
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

    /// What the name of a file of the presentation stands for, such as `master.m3u8` or `segment007.ts`. `sidecars`
    /// are the subtitles beside the film.
    ///
    /// # Errors
    /// `NotFound` when there is no such file, `Unsupported` with the reason when the file cannot be played as HLS, or
    /// not in that container.
    pub(super) fn content(
        &self,
        name: &str,
        options: &PlaylistOptions,
        sidecars: &[SidecarSubtitle],
    ) -> Result<Content, Error> {
        let offer = self.offer()?;
        let format = options.container.map(SegmentFormat::from);
        if let (media::hls::MAIN, Err(error)) = (name, offer.main_rendition(format)) {
            return Err(unsupported(&error));
        }
        // The second text is a predecessor's, for names that are none.
        let what = if name.starts_with("segment") { "No such segment" } else { "HLS file not ready" };
        let missing = || Error::new(ErrorKind::NotFound, what);
        let resource = media::hls::resource(offer, name, format).ok_or_else(missing)?;
        if let Resource::Subtitles(SubtitleId::File(file))
        | Resource::SubtitleSegment(SubtitleId::File(file), _) = resource
            && sidecars.iter().all(|sidecar| sidecar.file != file)
        {
            return Err(missing());
        }
        if let Some(piece) = Piece::of(&resource) {
            return Ok(Content::Piece(piece));
        }
        let text = match resource {
            Resource::Multivariant => {
                let options = MultivariantOptions { format, iframes: options.iframes, sidecars };
                media::hls::multivariant_playlist(offer, &options)
            }
            Resource::Media(rendition) => {
                let duration = offer.plan().duration().seconds();
                Ok(if options.start.is_some_and(|start| start > duration * END_OF_FILE) {
                    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-ENDLIST\n".to_owned()
                } else {
                    media::hls::media_playlist(offer, &rendition, options.start.map(ticks))
                })
            }
            Resource::Subtitles(id) => Ok(media::hls::subtitle_playlist(offer, id)),
            Resource::IFrames(rendition) => media::hls::iframe_playlist(offer, &rendition),
            Resource::ChaptersJson => Ok(media::hls::chapters_json(offer)),
            Resource::ChaptersVtt => Ok(media::hls::chapters_vtt(offer)),
            Resource::Init(_)
            | Resource::Segment(..)
            | Resource::SubtitleSegment(..)
            | Resource::IFrame(..) => {
                return Err(missing());
            }
        };
        text.map(Content::Text).map_err(|error| unsupported(&error))
    }

    /// The first bytes of a piece, which are known before any of its media is.
    ///
    /// # Errors
    /// `Unsupported` with the reason when the file cannot be played as HLS.
    pub fn head(&self, piece: Piece) -> Result<Bytes, Error> {
        let offer = self.offer()?;
        Ok(match piece {
            Piece::Segment(rendition, index) => offer.head(&rendition, index),
            Piece::Init(_) | Piece::Subtitle(..) | Piece::IFrame(..) => Bytes::new(),
        })
    }

    /// Tells the pieces of this presentation from those of the same file by another index.
    pub fn mark(&self) -> &'static str {
        if self.scanned { ":scanned" } else { "" }
    }

    /// True when there is such a piece.
    pub(super) fn has(&self, piece: Piece) -> bool {
        let Ok(offer) = &self.offer else { return false };
        match piece {
            Piece::Segment(rendition, index) => {
                offer.check(&rendition).is_ok() && offer.plan().segment(index).is_some()
            }
            // These are made only when `content` has named them.
            Piece::Init(_) | Piece::Subtitle(..) | Piece::IFrame(..) => true,
        }
    }

    /// The bytes of the file that `piece` is made of, sorted and disjoint.
    pub(super) fn byte_ranges(&self, piece: Piece) -> Result<Vec<Range<u64>>, Error> {
        let ranges = match piece {
            Piece::Segment(rendition, index) => self.offer()?.byte_ranges(&rendition, index),
            Piece::IFrame(rendition, index) => self.offer()?.iframe_ranges(&rendition, index),
            Piece::Subtitle(SubtitleId::Track(track), index) => self.offer()?.subtitle_ranges(track, index),
            Piece::Init(_) | Piece::Subtitle(SubtitleId::File(_), _) => Ok(Vec::new()),
        };
        ranges.map_err(|error| unsupported(&error))
    }

    /// Makes `piece`.
    pub(super) fn make(
        &self,
        piece: Piece,
        source: &dyn ByteSource,
    ) -> Result<Step<Bytes>, media::error::Error> {
        let offer = self.raw_offer()?;
        match piece {
            Piece::Init(rendition) => offer.init(&rendition).map(Step::Done),
            Piece::Segment(rendition, index) => offer.segment(&rendition, index, source),
            Piece::IFrame(rendition, index) => offer.iframe(&rendition, index, source),
            Piece::Subtitle(SubtitleId::Track(track), index) => offer.subtitle_segment(track, index, source),
            Piece::Subtitle(SubtitleId::File(_), _) => {
                Err(media::error::Error::unsupported("these subtitles are not in the film"))
            }
        }
    }

    /// Segment `index` of subtitles that lie beside the film.
    pub(super) fn segment_of(&self, subtitles: &Document, index: u32) -> Result<Bytes, Error> {
        Ok(subtitles.segment(self.offer()?.plan(), index).into())
    }

    /// What there is to tell about the file, while its index is in that state.
    pub(super) fn report(&self, index: IndexState, sidecars: &[SidecarSubtitle]) -> Report {
        Report::new(&self.movie, self.raw_offer(), index, sidecars)
    }
}

/// The file is at fault: it cannot be played as HLS, and the text says why.
pub(super) fn unsupported(error: &media::error::Error) -> Error {
    Error::new(ErrorKind::Unsupported, format!("This file cannot be played as HLS: {error}"))
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and the caller has checked the range")]
fn ticks(seconds: f64) -> Time90k {
    Time90k((seconds * 90_000.0) as i64)
}
