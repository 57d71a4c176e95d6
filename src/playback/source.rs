//! One file's reader and what is made from it.

use super::FileKey;
use super::fetch::{self, Failure};
use super::flights::{Flight, Flights, own};
use super::presentation::{Presentation, unsupported};
use super::segments::Segments;
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use bytes::Bytes;
use media::source::{Arrived, Step};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{AcquireError, Semaphore};

/// What may be read of a file to know its tracks and its index, in bytes.
const MAX_INDEX: u64 = 64 << 20;
/// What may be read of a file for one segment, in bytes: 10 s at 200 Mbit/s.
const MAX_SEGMENT: u64 = 256 << 20;
/// Segments of one file that are fetched and made at a time. Players ask for two at once.
const MAX_SEGMENTS_AT_A_TIME: usize = 6;
/// How long a segment waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(60);

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
    making: Semaphore,
}

impl Source {
    pub(super) fn new(key: FileKey, file: Arc<dyn RangeReader>, segments: Arc<Segments>) -> Self {
        let making = Semaphore::new(MAX_SEGMENTS_AT_A_TIME);
        Self { key, file, known: OnceLock::new(), opening: Flights::new(), segments, making }
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

    pub(super) fn cached(&self, index: u32) -> Option<Bytes> {
        self.segments.cached(&(self.key, index))
    }

    pub(super) fn wants_prefetch(&self, index: u32) -> bool {
        let exists = self.known.get().and_then(|known| known.as_ref().ok()).is_some_and(|known| {
            known.plan.as_ref().is_ok_and(|plan| (index as usize) < plan.segments.len())
        });
        exists && self.segments.wants(&(self.key, index))
    }

    /// The making of segment `index`, joined or started; it goes on while the result is waited for.
    pub(super) fn flight(self: &Arc<Self>, index: u32) -> Flight<Bytes> {
        self.segments.flight((self.key, index), || {
            let source = Arc::clone(self);
            async move { source.make(index).await }
        })
    }

    async fn open(&self) -> Result<Known, Error> {
        let nothing = Arrived::new(self.file.len());
        let parse = |source: &Arrived| {
            Ok(match media::open(source)? {
                Step::Done(movie) => Step::Done(Presentation::new(movie)),
                Step::Need(range) => Step::Need(range),
            })
        };
        match fetch::drive(&*self.file, nothing, MAX_INDEX, &self.segments.cpus, parse).await {
            Ok(presentation) => Ok(Ok(Arc::new(presentation))),
            Err(Failure::Media(error)) => Ok(Err(error)),
            Err(Failure::Read(error)) => Err(error),
        }
    }

    async fn make(self: &Arc<Self>, index: u32) -> Result<Bytes, Error> {
        let presentation = self.presentation().await?;
        let plan = presentation.plan()?;
        if index as usize >= plan.segments.len() {
            return Err(Error::new(ErrorKind::NotFound, "No such segment"));
        }
        let ranges = media::access_units::byte_ranges(&presentation.movie, plan, index)
            .map_err(|error| unsupported(&error))?;
        let bytes: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        if bytes > MAX_SEGMENT {
            return Err(unsupported(&media::error::Error::limit("a segment is too large", 0)));
        }
        // Segments of a swarm that is silent may hold all turns and all memory.
        let busy = |_| Error::new(ErrorKind::Stalled, "too many segments are waiting for their bytes");
        let turns = tokio::time::timeout(MAX_WAIT, async {
            let turn = self.making.acquire().await?;
            Ok((turn, self.segments.memory.acquire_many(Segments::mebibytes(bytes)).await?))
        });
        let _turns = turns.await.map_err(busy)?.map_err(|_: AcquireError| fetch::shutting_down())?;
        // What comes next is wanted next.
        if let Some(last) = ranges.last() {
            self.prefer(last.end);
        }
        let arrived = fetch::read_all(&*self.file, &ranges).await?;
        let parse = {
            let presentation = Arc::clone(&presentation);
            move |source: &Arrived| match &presentation.plan {
                Ok(plan) => media::ts::segment(&presentation.movie, plan, index, source),
                Err(error) => Err(*error),
            }
        };
        fetch::drive(&*self.file, arrived, MAX_SEGMENT, &self.segments.cpus, parse).await.map_err(|failure| {
            match failure {
                Failure::Read(error) => error,
                Failure::Media(error) => unsupported(&error),
            }
        })
    }
}
