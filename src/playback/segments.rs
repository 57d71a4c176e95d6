//! The pieces of all files: those that are finished, and those on their way.

use super::FileKey;
use super::cache::Cache;
use super::fetch;
use super::flights::{Flight, Flights};
use super::piece::{Piece, TrackKey};
use super::shelf::Shelf;
use super::sidecar::Documents;
use super::subtitles::Collected;
use super::window::Memory;
use crate::error::Error;
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Which piece of which file, and whether by its own index or by one that was made by going through it.
pub(super) type SegmentKey = (FileKey, bool, Piece);

/// Subtitle tracks that are kept as files, over all films; each has at most 16 MiB.
const MAX_EXPORTS: usize = 8;

/// Finished pieces and those on their way, with what they share of the machine.
pub(super) struct Segments {
    cache: Mutex<Cache<SegmentKey>>,
    flights: Flights<SegmentKey, Bytes>,
    /// One permit a core, for parsing and muxing.
    pub(super) cpus: Arc<Semaphore>,
    /// For source bytes.
    pub(super) memory: Arc<Memory>,
    pub(super) documents: Documents,
    pub(super) exports: Shelf<TrackKey, Arc<Collected>>,
}

impl Segments {
    pub(super) fn new(cache_bytes: u64) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            cache: Mutex::new(Cache::new(cache_bytes)),
            flights: Flights::new(),
            cpus: Arc::new(Semaphore::new(cores)),
            // Who wants nothing kept, wants no source bytes kept either.
            memory: Arc::new(Memory::new(cache_bytes)),
            documents: Documents::new(),
            exports: Shelf::new(MAX_EXPORTS),
        }
    }

    pub(super) fn cached(&self, key: &SegmentKey) -> Option<Bytes> {
        self.cache().get(key)
    }

    /// True when `key` could be kept and is not yet.
    pub(super) fn wants(&self, key: &SegmentKey) -> bool {
        let cache = self.cache();
        !cache.is_off() && !cache.contains(key)
    }

    /// Joins the making of `key`, or starts it; when it is done it is in the cache.
    pub(super) fn flight<F>(self: &Arc<Self>, key: SegmentKey, make: impl FnOnce() -> F) -> Flight<Bytes>
    where
        F: Future<Output = Result<Bytes, Error>> + Send + 'static,
    {
        self.flights.join(key, || {
            let (segments, work) = (Arc::clone(self), make());
            async move {
                if let Some(segment) = segments.cached(&key) {
                    return Ok(segment); // it was finished just now
                }
                let segment = work.await?;
                segments.cache().insert(key, segment.clone());
                Ok(segment)
            }
        })
    }

    pub(super) fn forget(&self, id: &[u8; 20]) {
        self.cache().remove_where(|(file, ..)| file.id == *id);
        self.memory.forget(|file| file.id == *id);
        self.documents.forget(id);
        self.exports.forget(|(file, ..)| file.id == *id);
    }

    /// Runs work for a CPU on a thread for blocking work, when it is its turn. A panic in it is an error.
    ///
    /// # Errors
    /// `Internal` when it has panicked.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        fetch::compute(&self.cpus, work).await
    }

    fn cache(&self) -> MutexGuard<'_, Cache<SegmentKey>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
