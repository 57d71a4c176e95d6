//! Source bytes of a segment: read once for all that is made of them.
//!
//! All renditions of a Matroska file read the same clusters for the same segment, and subtitles those of the segment
//! before as well. Who asks while bytes are on their way joins the reading; who asks a little later finds the last
//! few windows kept. Only what is neither here nor on its way is read.

use super::FileKey;
use super::fetch;
use super::flights::{Flight, own};
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use futures::FutureExt as _;
use futures::future::WeakShared;
use media::source::{Arrived, ByteSource as _};
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
    _held: Held,
}

/// What accounts for the memory of a window.
enum Held {
    /// A few bytes of an index, or nothing.
    Nothing,
    /// Its own.
    Permit { _permit: OwnedSemaphorePermit },
    /// That of the windows that it shows.
    Parts { _parts: Vec<Arc<Window>> },
}

impl Window {
    /// Nothing yet of a file of `len` bytes.
    pub(super) fn empty(len: u64) -> Self {
        Self::new(Vec::new(), Arrived::new(len), Held::Nothing)
    }

    fn new(ranges: Vec<Range<u64>>, arrived: Arrived, held: Held) -> Self {
        let (arrived, reading) = (Mutex::new(arrived), tokio::sync::Mutex::new(()));
        Self { ranges, arrived, reading, _held: held }
    }

    /// `ranges` out of `parts`, which have them all.
    fn of_parts(len: u64, ranges: Vec<Range<u64>>, parts: Vec<Arc<Self>>) -> Self {
        let mut arrived = Arrived::new(len);
        for part in &parts {
            for range in intersections(&ranges, &part.ranges) {
                if let Ok(data) = part.lock().read(range.clone()) {
                    arrived.insert(range.start, data);
                }
            }
        }
        Self::new(ranges, arrived, Held::Parts { _parts: parts })
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
    file: Arc<dyn RangeReader>,
    memory: Arc<Memory>,
    state: Arc<Mutex<State>>,
    turns: Arc<Semaphore>,
}

type WeakFlight = WeakShared<futures::future::BoxFuture<'static, Result<Arc<Window>, Arc<Error>>>>;

#[derive(Default)]
struct State {
    /// Those that somebody uses or that are kept.
    alive: Vec<Weak<Window>>,
    /// Those on their way, with what they will hold.
    flying: Vec<(Vec<Range<u64>>, WeakFlight)>,
}

/// How to come by a window.
enum Next {
    Here(Arc<Window>),
    Wait(Flight<Arc<Window>>),
}

impl Windows {
    /// No window of `file`, which is under `key`.
    pub(super) fn new(key: FileKey, file: Arc<dyn RangeReader>, memory: Arc<Memory>) -> Self {
        let turns = Arc::new(Semaphore::new(MAX_WINDOWS_AT_A_TIME));
        Self { key, file, memory, state: Arc::default(), turns }
    }

    /// A window with the bytes of `ranges` (sorted and disjoint): of what is here or on its way, and for the rest
    /// newly read. The reading belongs to those who wait.
    ///
    /// # Errors
    /// `Stalled` when too many others wait for their bytes, and those of the reader.
    pub(super) async fn open(&self, ranges: &[Range<u64>]) -> Result<Arc<Window>, Error> {
        // What has arrived stays while the rest is waited for.
        let mut arrived = Vec::new();
        loop {
            match self.next(ranges) {
                Next::Here(window) => return Ok(window),
                Next::Wait(flight) => arrived.push(flight.await.map_err(|error| own(&error))?),
            }
        }
    }

    fn next(&self, ranges: &[Range<u64>]) -> Next {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.alive.retain(|window| window.strong_count() > 0);
        state.flying.retain(|(_, flight)| flight.upgrade().is_some());
        let alive: Vec<Arc<Window>> = state.alive.iter().filter_map(Weak::upgrade).collect();
        if let Some(window) = alive.iter().find(|window| window.covers(ranges)) {
            self.memory.keep(self.key, window);
            return Next::Here(Arc::clone(window));
        }
        let parts: Vec<Arc<Window>> =
            alive.into_iter().filter(|window| overlap(ranges, &window.ranges)).collect();
        let missing = parts.iter().fold(ranges.to_vec(), |missing, part| without(&missing, &part.ranges));
        if missing.is_empty() {
            for part in &parts {
                self.memory.keep(self.key, part);
            }
            return Next::Here(Arc::new(Window::of_parts(self.file.len(), ranges.to_vec(), parts)));
        }
        let on_its_way = state.flying.iter().find(|(flying, _)| overlap(&missing, flying));
        if let Some(flight) = on_its_way.and_then(|(_, flight)| flight.upgrade()) {
            return Next::Wait(flight);
        }
        let flight = self.read(missing.clone());
        state.flying.extend(flight.downgrade().map(|weak| (missing, weak)));
        Next::Wait(flight)
    }

    fn read(&self, ranges: Vec<Range<u64>>) -> Flight<Arc<Window>> {
        let (key, file, state) = (self.key, Arc::clone(&self.file), Arc::clone(&self.state));
        let (memory, turns) = (Arc::clone(&self.memory), Arc::clone(&self.turns));
        let work = async move {
            let window = read(&memory, &turns, &*file, ranges).await?;
            state.lock().unwrap_or_else(PoisonError::into_inner).alive.push(Arc::downgrade(&window));
            memory.keep(key, &window);
            Ok::<_, Error>(window)
        };
        work.map(|result| result.map_err(Arc::new)).boxed().shared()
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
    Ok(Arc::new(Window::new(ranges, arrived, Held::Permit { _permit: permit })))
}

fn intersections<'a>(
    one: &'a [Range<u64>],
    other: &'a [Range<u64>],
) -> impl Iterator<Item = Range<u64>> + 'a {
    one.iter()
        .flat_map(move |one| {
            other.iter().map(move |other| one.start.max(other.start)..one.end.min(other.end))
        })
        .filter(|range| range.start < range.end)
}

fn overlap(one: &[Range<u64>], other: &[Range<u64>]) -> bool {
    intersections(one, other).next().is_some()
}

/// What is left of `ranges` without `others`; all sorted and disjoint.
fn without(ranges: &[Range<u64>], others: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    for range in ranges {
        let mut at = range.start;
        for other in intersections(std::slice::from_ref(range), others) {
            if at < other.start {
                left.push(at..other.start);
            }
            at = other.end;
        }
        if at < range.end {
            left.push(at..range.end);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranges(numbers: &[u64]) -> Vec<Range<u64>> {
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect()
    }

    proptest! {
        #[test]
        fn what_is_left_is_what_the_others_do_not_have(
            one in proptest::collection::vec(0_u64..200, 0..20),
            other in proptest::collection::vec(0_u64..200, 0..20),
        ) {
            let (one, other) = (ranges(&one), ranges(&other));
            let left = without(&one, &other);
            let within = |ranges: &[Range<u64>], at| ranges.iter().any(|range| range.contains(&at));
            for at in 0..200 {
                prop_assert_eq!(within(&left, at), within(&one, at) && !within(&other, at));
                let both: Vec<_> = intersections(&one, &other).collect();
                prop_assert_eq!(within(&both, at), within(&one, at) && within(&other, at));
            }
            prop_assert!(left.is_sorted_by(|one, next| one.end <= next.start));
        }
    }
}
