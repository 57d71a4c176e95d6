//! One file's reader and what is made from it.

use super::FileKey;
use super::fetch::{self, Failure};
use super::flights::{Flight, Flights, own};
use super::indexing::Indexing;
use super::piece::Piece;
use super::presentation::{Presentation, unsupported};
use super::segments::{SegmentKey, Segments};
use super::sidecar::{Film, Sidecars};
use super::window::{Window, Windows, size};
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use crate::report::IndexState;
use bytes::Bytes;
use media::attachment::Attachment;
use media::rendition::SubtitleId;
use media::source::{Arrived, Step};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// What may be read of a file to know its tracks and its index, in bytes.
pub(super) const MAX_INDEX: u64 = 64 << 20;
/// What may be read of a file for one segment, in bytes: 10 s at 200 Mbit/s.
pub(super) const MAX_SEGMENT: u64 = 256 << 20;

/// What has become of a file's index.
type Known = Result<Arc<Presentation>, media::error::Error>;

/// A file that can be read, and its presentation once it is known.
pub(super) struct Source {
    pub(super) key: FileKey,
    pub(super) file: Arc<dyn RangeReader>,
    /// Subtitles beside it.
    pub(super) sidecars: Sidecars,
    pub(super) attached: OnceCell<Vec<Attachment>>,
    /// Failures of the reader are not kept, failures of the file are.
    known: Mutex<Option<Known>>,
    opening: Flights<(), Known>,
    indexing: Indexing,
    pub(super) segments: Arc<Segments>,
    windows: Windows,
}

impl Source {
    pub(super) fn new(key: FileKey, film: Film, segments: Arc<Segments>) -> Self {
        let Film { file, folder } = film;
        let sidecars = Sidecars::new(key, folder, Arc::clone(&segments));
        let windows = Windows::new(key, Arc::clone(&file), Arc::clone(&segments.memory));
        let (known, opening, indexing) = (Mutex::new(None), Flights::new(), Indexing::new());
        Self { key, file, sidecars, attached: OnceCell::new(), known, opening, indexing, segments, windows }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the index unless it is known: once for all who wait, until the last one goes.
    pub(super) async fn presentation(self: &Arc<Self>) -> Result<Arc<Presentation>, Error> {
        if let Some(known) = self.known() {
            return known;
        }
        let flight = self.opening.join((), || {
            let source = Arc::clone(self);
            async move {
                let known = source.lock().clone();
                if let Some(known) = known {
                    return Ok(known); // it became known just now
                }
                let known = source.open().await?;
                Ok(source.lock().get_or_insert(known).clone())
            }
        });
        flight.await.map_err(|error| own(&error))?.map_err(|error| unsupported(&error))
    }

    pub(super) fn known(&self) -> Option<Result<Arc<Presentation>, Error>> {
        self.lock().clone().map(|known| known.map_err(|error| unsupported(&error)))
    }

    /// Looks through a file whose index is missing, and replaces its presentation then.
    pub(super) async fn make_index(&self) -> Result<(), Error> {
        let Some(Ok(old)) = self.known() else { return Ok(()) };
        if !old.lacks_index() {
            return Ok(());
        }
        if let Some(made) = self.indexing.run(&*self.file, &old, &self.segments).await? {
            *self.lock() = Some(Ok(Arc::new(old.scanned(made))));
        }
        Ok(())
    }

    /// Somebody waits for the index that is being made.
    pub(super) fn want_index(&self) -> Error {
        self.indexing.want();
        self.indexing.wait()
    }

    /// What a player hears while the index is being made.
    pub(super) fn wait(&self) -> Error {
        self.indexing.wait()
    }

    /// What is known of the index of `presentation`.
    pub(super) fn index_state(&self, presentation: &Presentation) -> IndexState {
        match self.indexing.progress() {
            Some(progress) => IndexState::Scanning(progress),
            None if presentation.lacks_index() => IndexState::Missing,
            None => IndexState::Complete,
        }
    }

    /// The index of `presentation` has proved wrong: nothing more is made by it.
    fn distrust(&self, presentation: &Arc<Presentation>, why: media::error::Error) {
        let mut known = self.lock();
        if matches!(&*known, Some(Ok(current)) if Arc::ptr_eq(current, presentation)) {
            tracing::info!(%why, "the file's index does not say the truth");
            *known = Some(Ok(Arc::new(presentation.distrusted(why))));
        }
    }

    pub(super) fn prefer(&self, position: u64) {
        self.file.prefer(position.min(self.file.len()));
    }

    pub(super) fn cached(&self, piece: Piece) -> Option<Bytes> {
        self.segments.cached(&self.key_of(piece))
    }

    pub(super) fn wants_prefetch(&self, piece: Piece) -> bool {
        matches!(self.known(), Some(Ok(known)) if known.has(piece))
            && self.segments.wants(&self.key_of(piece))
    }

    /// The making of `piece`, joined or started; it goes on while the result is waited for.
    pub(super) fn flight(self: &Arc<Self>, piece: Piece) -> Flight<Bytes> {
        self.segments.flight(self.key_of(piece), || {
            let source = Arc::clone(self);
            async move { source.make(piece).await }
        })
    }

    fn key_of(&self, piece: Piece) -> SegmentKey {
        let scanned = matches!(&*self.lock(), Some(Ok(known)) if known.is_scanned());
        (self.key, scanned, piece)
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
        if presentation.lacks_index() {
            return Err(self.indexing.wait());
        }
        presentation.check()?;
        if !presentation.has(piece) {
            return Err(Error::new(ErrorKind::NotFound, "No such segment"));
        }
        if let Piece::Subtitle(SubtitleId::File(number), index) = piece {
            let document = self.sidecars.document(number).await?;
            return self.segments.compute(move || presentation.segment_of(&document, index)).await?;
        }
        let ranges = presentation.byte_ranges(piece)?;
        // What comes next is wanted next.
        if let (Some(last), Some(_)) = (ranges.last(), piece.lane()) {
            self.prefer(last.end);
        }
        let window = self.window(ranges).await?;
        let make = {
            let presentation = Arc::clone(&presentation);
            move |source: &Arrived| presentation.make(piece, source)
        };
        let made = fetch::drive(&*self.file, &window, MAX_SEGMENT, &self.segments.cpus, make).await;
        made.map_err(|failure| match failure {
            Failure::Read(error) => error,
            Failure::Media(error) => {
                if error.kind == media::ErrorKind::NoIndex && !presentation.is_scanned() {
                    self.distrust(&presentation, error);
                    if matches!(self.known(), Some(Ok(known)) if known.lacks_index()) {
                        return self.indexing.wait();
                    }
                }
                unsupported(&error)
            }
        })
    }

    /// The bytes of `ranges`, which belong to one segment.
    pub(super) async fn window(&self, ranges: Vec<Range<u64>>) -> Result<Arc<Window>, Error> {
        if ranges.is_empty() {
            return Ok(Arc::new(Window::empty(self.file.len())));
        }
        if size(&ranges) > MAX_SEGMENT {
            return Err(unsupported(&media::error::Error::limit("a segment is too large", 0)));
        }
        self.windows.open(&ranges).await
    }
}
