//! Runs a parser over what has arrived of a file, and fetches what it asks for.

use super::window::Window;
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use media::source::{Arrived, Step};
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A parser asks for a few bytes at a time; this much is fetched at once, aligned, because whole pieces
/// come from the swarm anyway.
const BLOCK: u64 = 64 * 1024;
/// How often one call may ask for more.
const MAX_ROUNDS: usize = 64;
/// Ranges of one call that are read at a time.
const CONCURRENT_READS: usize = 16;

/// Why there is no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// Reading failed; another time it may not.
    Read(Error),
    /// The file is at fault; the answer will always be the same.
    Media(media::error::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Read(error)
    }
}

/// Reads `ranges` (sorted and disjoint) side by side, joining those that are close to each other.
///
/// # Errors
/// The first error of the reader.
pub(super) async fn read_all(file: &dyn RangeReader, ranges: &[Range<u64>]) -> Result<Arrived, Error> {
    let parts: Vec<(u64, Bytes)> = stream::iter(join_close(ranges))
        .map(|range| async move { Ok::<_, Error>((range.start, file.read(range).await?)) })
        .buffered(CONCURRENT_READS)
        .try_collect()
        .await?;
    let mut arrived = Arrived::new(file.len());
    for (offset, data) in parts {
        arrived.insert(offset, data);
    }
    Ok(arrived)
}

/// Calls `parse` until it is done, each time with what it asked for before, which stays in `window`; at most
/// `limit` bytes are held.
///
/// Parsing is work for a CPU: it runs on a thread for blocking work, at most `cpus` at a time, and a panic in
/// it is an error like any other.
///
/// # Errors
/// [`Failure::Read`] when bytes cannot be had, [`Failure::Media`] when the parser fails or asks for too much.
pub(super) async fn drive<T, F>(
    file: &dyn RangeReader,
    window: &Window,
    limit: u64,
    cpus: &Arc<Semaphore>,
    parse: F,
) -> Result<T, Failure>
where
    T: Send + 'static,
    F: Fn(&Arrived) -> Result<Step<T>, media::error::Error> + Send + Sync + 'static,
{
    let parse = Arc::new(parse);
    for _ in 0..MAX_ROUNDS {
        let arrived = window.arrived();
        let (parse, view) = (Arc::clone(&parse), arrived.clone());
        let step = compute(cpus, move || parse(&view)).await?;
        let need = match step.map_err(Failure::Media)? {
            Step::Done(value) => return Ok(value),
            Step::Need(need) => need,
        };
        if need.start >= need.end || need.end > file.len() {
            return Err(
                Error::new(ErrorKind::Internal, "a parser asked for bytes outside of the file").into()
            );
        }
        if arrived.missing(&need).is_none() {
            return Err(Error::new(ErrorKind::Internal, "a parser asked again for what it has").into());
        }
        let Some(missing) = arrived.missing(&widen(&need, file.len())) else { continue };
        if arrived.held() + (missing.end - missing.start) > limit {
            return Err(Failure::Media(media::error::Error::limit(
                "too much of the file is needed at once",
                need.start,
            )));
        }
        window.add(file, &missing).await?;
    }
    Err(Failure::Media(media::error::Error::limit("the file's index is scattered over too many places", 0)))
}

/// Runs work for a CPU on a thread for blocking work, when it is its turn.
///
/// # Errors
/// `Internal` when it has panicked.
pub(super) async fn compute<T: Send + 'static>(
    cpus: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let permit = Arc::clone(cpus).acquire_owned().await.map_err(|_| shutting_down())?;
    let task = tokio::task::spawn_blocking(move || {
        let _permit = permit; // held until the work ends, even when nobody waits for it any more
        work()
    });
    task.await.map_err(|error| Error::new(ErrorKind::Internal, "processing the file failed").caused_by(error))
}

pub(super) fn shutting_down() -> Error {
    Error::new(ErrorKind::Cancelled, "The server is shutting down")
}

/// `range` grown to whole blocks, within a file of `len` bytes.
fn widen(range: &Range<u64>, len: u64) -> Range<u64> {
    let start = range.start / BLOCK * BLOCK;
    let end = range.end.max(start + 1).div_ceil(BLOCK).saturating_mul(BLOCK).min(len);
    start..end.max(range.end)
}

/// One range for those that lie less than a block apart: fewer reads, and no more pieces.
fn join_close(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges.iter().filter(|range| range.start < range.end) {
        match joined.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(BLOCK) => last.end = last.end.max(range.end),
            _ => joined.push(range.clone()),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::super::fake::FakeFile;
    use super::*;
    use media::source::{ByteSource as _, Stop};
    use std::time::Duration;

    fn cpus() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(2))
    }

    fn step<T>(result: Result<T, Stop>) -> Result<Step<T>, media::error::Error> {
        match result {
            Ok(value) => Ok(Step::Done(value)),
            Err(Stop::Need(range)) => Ok(Step::Need(range)),
            Err(Stop::Fail(error)) => Err(error),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn needs_are_fetched_in_whole_blocks() {
        let file = FakeFile::counting(200_000).delayed(Duration::from_secs(1));
        let parse = |source: &Arrived| {
            step((|| {
                Ok((source.read(10..20)?, source.read(70_000..70_001)?, source.read(199_990..200_000)?))
            })())
        };
        let (head, middle, tail) =
            drive(&file, &Window::empty(file.len()), 1 << 20, &cpus(), parse).await.expect("parsed");
        assert_eq!(head, file.bytes().slice(10..20));
        assert_eq!(middle, file.bytes().slice(70_000..70_001));
        assert_eq!(tail, file.bytes().slice(199_990..200_000));
        assert_eq!(file.reads(), [0..65_536, 65_536..131_072, 196_608..200_000]);
    }

    #[tokio::test]
    async fn a_parser_that_never_ends_is_stopped() {
        let file = FakeFile::counting(100_000);
        let again = |_: &Arrived| Ok::<Step<()>, _>(Step::Need(0..10));
        let result = drive(&file, &Window::empty(file.len()), 1 << 20, &cpus(), again).await;
        assert!(matches!(result, Err(Failure::Read(error)) if error.kind() == ErrorKind::Internal));

        let greedy = |source: &Arrived| step(source.read(0..100_000));
        let result = drive(&file, &Window::empty(file.len()), 1000, &cpus(), greedy).await;
        assert!(matches!(result, Err(Failure::Media(error)) if error.kind == media::error::ErrorKind::Limit));

        let outside = |_: &Arrived| Ok::<Step<()>, _>(Step::Need(99_999..100_001));
        let result = drive(&file, &Window::empty(file.len()), 1 << 20, &cpus(), outside).await;
        assert!(matches!(result, Err(Failure::Read(error)) if error.kind() == ErrorKind::Internal));
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let file = FakeFile::counting(10);
        let result: Result<(), _> =
            drive(&file, &Window::empty(10), 10, &cpus(), |_| panic!("as the test wants")).await;
        assert!(matches!(result, Err(Failure::Read(error)) if error.kind() == ErrorKind::Internal));
    }

    #[tokio::test(start_paused = true)]
    async fn ranges_are_read_side_by_side_and_close_ones_as_one() {
        let file = FakeFile::counting(1_000_000).delayed(Duration::from_secs(1));
        let before = tokio::time::Instant::now();
        let arrived =
            read_all(&file, &[0..10, 20..30, 500_000..500_010, 500_010..500_020]).await.expect("read");
        assert_eq!(before.elapsed(), Duration::from_secs(1));
        assert_eq!(file.reads(), [0..30, 500_000..500_020]);
        assert_eq!(arrived.read(500_005..500_015), Ok(file.bytes().slice(500_005..500_015)));
    }

    #[test]
    fn widening_stays_in_the_file() {
        assert_eq!(widen(&(0..1), 10), 0..10);
        assert_eq!(widen(&(65_535..65_537), 1 << 20), 0..131_072);
        assert_eq!(widen(&(131_072..131_073), 131_080), 131_072..131_080);
    }
}
