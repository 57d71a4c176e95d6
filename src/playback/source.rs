//! One file's reader and what is made from it.

use super::FileKey;
use super::fetch::{self, Failure};
use super::flights::{Flight, Flights, own};
use super::piece::Piece;
use super::presentation::{Presentation, unsupported};
use super::segments::{SegmentKey, Segments};
use super::window::{Window, Windows, size};
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use bytes::Bytes;
use media::source::{Arrived, Step};
use std::sync::{Arc, OnceLock};

/// What may be read of a file to know its tracks and its index, in bytes.
const MAX_INDEX: u64 = 64 << 20;
/// What may be read of a file for one segment, in bytes: 10 s at 200 Mbit/s.
const MAX_SEGMENT: u64 = 256 << 20;

/// What has become of a file's index.
type Known = Result<Arc<Presentation>, media::error::Error>;

/// A file that can be read, and its presentation once it is known.
pub(super) struct Source {
    key: FileKey,
    file: Arc<dyn RangeReader>,
    /// Failures of the reader are not kept, failures of the file are.
    known: OnceLock<Known>,
    opening: Flights<(), Known>,
    segments: Arc<Segments>,
    windows: Windows,
}

impl Source {
    pub(super) fn new(key: FileKey, file: Arc<dyn RangeReader>, segments: Arc<Segments>) -> Self {
        let windows = Windows::new(key, Arc::clone(&segments.memory));
        Self { key, file, known: OnceLock::new(), opening: Flights::new(), segments, windows }
    }

    /// Reads the index unless it is known: once for all who wait, until the last one goes.
    pub(super) async fn presentation(self: &Arc<Self>) -> Result<Arc<Presentation>, Error> {
        if let Some(known) = self.known() {
            return known;
        }
        let flight = self.opening.join((), || {
            let source = Arc::clone(self);
            async move {
                if let Some(known) = source.known.get() {
                    return Ok(known.clone()); // it became known just now
                }
                let known = source.open().await?;
                Ok(source.known.get_or_init(|| known).clone())
            }
        });
        flight.await.map_err(|error| own(&error))?.map_err(|error| unsupported(&error))
    }

    pub(super) fn known(&self) -> Option<Result<Arc<Presentation>, Error>> {
        Some(self.known.get()?.clone().map_err(|error| unsupported(&error)))
    }

    pub(super) fn prefer(&self, position: u64) {
        self.file.prefer(position.min(self.file.len()));
    }

    pub(super) fn cached(&self, piece: Piece) -> Option<Bytes> {
        self.segments.cached(&self.key_of(piece))
    }

    pub(super) fn wants_prefetch(&self, piece: Piece) -> bool {
        let known = self.known.get().and_then(|known| known.as_ref().ok());
        known.is_some_and(|known| known.has(piece)) && self.segments.wants(&self.key_of(piece))
    }

    /// The making of `piece`, joined or started; it goes on while the result is waited for.
    pub(super) fn flight(self: &Arc<Self>, piece: Piece) -> Flight<Bytes> {
        self.segments.flight(self.key_of(piece), || {
            let source = Arc::clone(self);
            async move { source.make(piece).await }
        })
    }

    fn key_of(&self, piece: Piece) -> SegmentKey {
        (self.key, 0, piece)
    }

    async fn open(&self) -> Result<Known, Error> {
        let nothing = Window::empty(self.file.len());
        let parse = |source: &Arrived| {
            Ok(match media::open(source)? {
                Step::Done(movie) => Step::Done(Presentation::new(movie)),
                Step::Need(range) => Step::Need(range),
            })
        };
        match fetch::drive(&*self.file, &nothing, MAX_INDEX, &self.segments.cpus, parse).await {
            Ok(presentation) => Ok(Ok(Arc::new(presentation))),
            Err(Failure::Media(error)) => Ok(Err(error)),
            Err(Failure::Read(error)) => Err(error),
        }
    }

    async fn make(self: &Arc<Self>, piece: Piece) -> Result<Bytes, Error> {
        let presentation = self.presentation().await?;
        presentation.check()?;
        if !presentation.has(piece) {
            return Err(Error::new(ErrorKind::NotFound, "No such segment"));
        }
        let ranges = presentation.byte_ranges(piece)?;
        if size(&ranges) > MAX_SEGMENT {
            return Err(unsupported(&media::error::Error::limit("a segment is too large", 0)));
        }
        // What comes next is wanted next.
        if let Some(last) = ranges.last() {
            self.prefer(last.end);
        }
        let window = self.windows.open(&self.file, ranges).await?;
        let make = move |source: &Arrived| presentation.make(piece, source);
        let made = fetch::drive(&*self.file, &window, MAX_SEGMENT, &self.segments.cpus, make).await;
        made.map_err(|failure| match failure {
            Failure::Read(error) => error,
            Failure::Media(error) => unsupported(&error),
        })
    }
}
