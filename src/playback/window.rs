//! Source bytes of a segment: read once for all that is made of them.
//!
//! All renditions of a Matroska file read the same clusters for the same segment, and those of an MP4 file may
//! read parts of each other's. Who asks while the bytes are on their way joins the reading; who asks a little
//! later finds the last few windows kept.

use super::FileKey;
use super::fetch;
use super::flights::{Flights, own};
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use media::source::Arrived;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Source bytes of segments that are made or kept, over all files, in MiB.
const MAX_MIB: u32 = 512;
/// What of them is kept for the renditions that ask later, in MiB. The rest always suffices for the largest
/// segment, so what is kept never keeps anybody waiting for ever.
const MAX_KEPT: u32 = 64;
/// Windows of one file that are read at a time. Players ask for two segments at once.
const MAX_WINDOWS_AT_A_TIME: usize = 6;
/// How long a window waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Some bytes of a file, and the memory they take.
pub(super) struct Window {
    /// What it was opened for, sorted and disjoint.
    ranges: Vec<Range<u64>>,
    arrived: Mutex<Arrived>,
    /// Held while more is read, so that two who need the same read it once.
    reading: tokio::sync::Mutex<()>,
    _memory: Option<OwnedSemaphorePermit>,
}

impl Window {
    /// Nothing yet of a file of `len` bytes.
    pub(super) fn empty(len: u64) -> Self {
        Self::new(Vec::new(), Arrived::new(len), None)
    }

    fn new(ranges: Vec<Range<u64>>, arrived: Arrived, memory: Option<OwnedSemaphorePermit>) -> Self {
        let (arrived, reading) = (Mutex::new(arrived), tokio::sync::Mutex::new(()));
        Self { ranges, arrived, reading, _memory: memory }
    }

    /// What is here, as of now.
    pub(super) fn arrived(&self) -> Arrived {
        self.lock().clone()
    }

    /// Reads `range` unless it is here by now.
    ///
    /// # Errors
    /// Those of the reader.
    pub(super) async fn add(&self, file: &dyn RangeReader, range: &Range<u64>) -> Result<(), Error> {
        let _reading = self.reading.lock().await;
        let missing = self.lock().missing(range);
        if let Some(missing) = missing {
            let data = file.read(missing.clone()).await?;
            self.lock().insert(missing.start, data);
        }
        Ok(())
    }

    fn covers(&self, ranges: &[Range<u64>]) -> bool {
        let covers = |range: &Range<u64>| {
            self.ranges.iter().any(|own| own.start <= range.start && range.end <= own.end)
        };
        !ranges.is_empty() && ranges.iter().all(covers)
    }

    /// What it counts for; at least a MiB, so that there are never many of them.
    fn mebibytes(&self) -> u32 {
        mebibytes(&self.ranges)
    }

    fn lock(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of all `ranges` together.
pub(super) fn size(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end.saturating_sub(range.start)).fold(0, u64::saturating_add)
}

fn mebibytes(ranges: &[Range<u64>]) -> u32 {
    u32::try_from(size(ranges).div_ceil(1 << 20)).unwrap_or(u32::MAX).clamp(1, MAX_MIB)
}

/// The memory for windows of all files.
pub(super) struct Memory {
    permits: Arc<Semaphore>,
    /// In MiB.
    max_kept: u32,
    /// The youngest last.
    kept: Mutex<VecDeque<(FileKey, Arc<Window>)>>,
}

impl Memory {
    /// Keeps up to `max_kept` bytes of windows that nobody uses at the moment, and never very many.
    pub(super) fn new(max_kept: u64) -> Self {
        let permits = Arc::new(Semaphore::new(MAX_MIB as usize));
        let max_kept = u32::try_from(max_kept >> 20).unwrap_or(u32::MAX).min(MAX_KEPT);
        Self { permits, max_kept, kept: Mutex::new(VecDeque::new()) }
    }

    async fn acquire(&self, ranges: &[Range<u64>]) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.permits).acquire_many_owned(mebibytes(ranges)).await
    }

    /// MiB of all windows there are.
    #[cfg(test)]
    pub(super) fn held(&self) -> u32 {
        MAX_MIB - u32::try_from(self.permits.available_permits()).unwrap()
    }

    /// Keeps `window` for a while, or keeps it on: it is the youngest now.
    fn keep(&self, key: FileKey, window: &Arc<Window>) {
        let mut dropped = Vec::new(); // after the lock
        let mut kept = self.kept();
        if let Some(at) = kept.iter().position(|(_, other)| Arc::ptr_eq(other, window)) {
            dropped.extend(kept.remove(at));
        }
        if window.mebibytes() <= self.max_kept {
            kept.push_back((key, Arc::clone(window)));
        }
        while kept.iter().map(|(_, window)| window.mebibytes()).sum::<u32>() > self.max_kept {
            dropped.extend(kept.pop_front());
        }
        drop(kept);
    }

    /// Drops what is kept of the files whose key answers true.
    pub(super) fn forget(&self, which: impl Fn(&FileKey) -> bool) {
        self.kept().retain(|(key, _)| !which(key));
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(FileKey, Arc<Window>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The windows of one file.
pub(super) struct Windows {
    key: FileKey,
    memory: Arc<Memory>,
    flights: Flights<Vec<Range<u64>>, Arc<Window>>,
    /// Those that somebody uses or that are kept.
    alive: Mutex<Vec<Weak<Window>>>,
    turns: Arc<Semaphore>,
}

impl Windows {
    /// No window of the file under `key`.
    pub(super) fn new(key: FileKey, memory: Arc<Memory>) -> Self {
        let turns = Arc::new(Semaphore::new(MAX_WINDOWS_AT_A_TIME));
        Self { key, memory, flights: Flights::new(), alive: Mutex::default(), turns }
    }

    /// A window with the bytes of `ranges` (sorted and disjoint): one that is here, or on its way, or a new one.
    /// The reading of it belongs to those who wait.
    ///
    /// # Errors
    /// `Stalled` when too many others wait for their bytes, and those of the reader.
    pub(super) async fn open(
        &self,
        file: &Arc<dyn RangeReader>,
        ranges: Vec<Range<u64>>,
    ) -> Result<Arc<Window>, Error> {
        let window = match self.find(&ranges) {
            Some(window) => window,
            None => {
                let flight = self.flights.join(ranges.clone(), || {
                    let (memory, turns, file) =
                        (Arc::clone(&self.memory), Arc::clone(&self.turns), Arc::clone(file));
                    async move { read(&memory, &turns, &*file, ranges).await }
                });
                let window = flight.await.map_err(|error| own(&error))?;
                let mut alive = self.alive();
                alive.retain(|other| other.strong_count() > 0);
                if !alive.iter().any(|other| std::ptr::eq(other.as_ptr(), Arc::as_ptr(&window))) {
                    alive.push(Arc::downgrade(&window));
                }
                drop(alive);
                window
            }
        };
        self.memory.keep(self.key, &window);
        Ok(window)
    }

    fn find(&self, ranges: &[Range<u64>]) -> Option<Arc<Window>> {
        self.alive().iter().filter_map(Weak::upgrade).find(|window| window.covers(ranges))
    }

    fn alive(&self) -> MutexGuard<'_, Vec<Weak<Window>>> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        self.memory.forget(|key| *key == self.key);
    }
}

async fn read(
    memory: &Memory,
    turns: &Semaphore,
    file: &dyn RangeReader,
    ranges: Vec<Range<u64>>,
) -> Result<Arc<Window>, Error> {
    // Segments of a swarm that is silent may hold all turns and all memory.
    let busy = |_| Error::new(ErrorKind::Stalled, "too many segments are waiting for their bytes");
    let permits = tokio::time::timeout(MAX_WAIT, async {
        Ok((turns.acquire().await?, memory.acquire(&ranges).await?))
    });
    let (_turn, permit) = permits.await.map_err(busy)?.map_err(|_: AcquireError| fetch::shutting_down())?;
    let arrived = fetch::read_all(file, &ranges).await?;
    Ok(Arc::new(Window::new(ranges, arrived, Some(permit))))
}
