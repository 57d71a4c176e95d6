//! Reads of one file by ranges, out of the swarm.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::Instant;

use super::engine::Claim;
use super::entry::{Phase, Torrent};
use super::metainfo::FileEntry;
use super::running::Running;
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;

/// Largest range of one read, in bytes: it is held in memory.
const MAX_READ: u64 = 256 << 20;
/// How often a read that gets nothing sees after the peers.
const STIR_EVERY: Duration = Duration::from_secs(1);
/// How often the stall time a read waits that gets nothing itself, while bytes come for others of its torrent, or
/// junk does. Not just once: a large piece of a slow swarm takes its time, and counts only when it is whole.
const OWN_STALLS: u32 = 5;
/// A limit on the stall time, so that points in time can be reckoned with.
const MAX_STALL: Duration = Duration::from_secs(365 * 86_400);

/// One viewer's view of one file.
pub(super) struct FileReader {
    torrent: Arc<Torrent>,
    index: usize,
    length: u64,
    /// Where the file begins in the torrent.
    offset: u64,
    playhead: Mutex<Playhead>,
}

/// What a viewer wants to have fetched ahead.
#[derive(Default)]
struct Playhead {
    wish: Option<u64>,
    /// The claim that says so to the engine, and the run it belongs to.
    claim: Option<(Arc<Running>, Claim)>,
}

impl FileReader {
    pub(super) fn new(torrent: Arc<Torrent>, index: usize, file: &FileEntry) -> Self {
        let (length, offset) = (file.length, file.offset);
        Self { torrent, index, length, offset, playhead: Mutex::default() }
    }

    async fn read_range(&self, range: Range<u64>) -> Result<Bytes, Error> {
        if range.start > range.end || range.end > self.length {
            let text = format!("bytes {range:?} are not in a file of {} bytes", self.length);
            return Err(Error::new(ErrorKind::BadRequest, text));
        }
        if range.end - range.start > MAX_READ {
            return Err(Error::new(ErrorKind::BadRequest, "a read of more than 256 MiB"));
        }
        let _reading = self.torrent.reading();
        // Subscribed before looking: a new run that comes in between is noticed.
        let mut phase = self.torrent.phase.subscribe();
        loop {
            let running = self.running(&mut phase)?;
            let epoch = running.store.epoch();
            if !self.arrived(&running, &mut phase, &range).await? {
                continue;
            }
            let store = Arc::clone(&running.store);
            let (index, wanted) = (self.index, range.clone());
            let read = tokio::task::spawn_blocking(move || store.read(index, wanted)).await;
            // Everything was forgotten meanwhile, and what was read may be a hole.
            if running.store.epoch() != epoch {
                continue;
            }
            return match read {
                Ok(Ok(bytes)) => Ok(bytes),
                Ok(Err(_)) if self.torrent.token.is_cancelled() => Err(self.torrent.ended()),
                Ok(Err(error)) => {
                    Err(Error::new(ErrorKind::Storage, "the torrent's data cannot be read").caused_by(error))
                }
                Err(error) => Err(Error::new(ErrorKind::Internal, "the read was lost").caused_by(error)),
            };
        }
    }

    fn running(&self, phase: &mut watch::Receiver<Phase>) -> Result<Arc<Running>, Error> {
        if self.torrent.token.is_cancelled() {
            return Err(self.torrent.ended());
        }
        match &*phase.borrow_and_update() {
            Phase::Ready(running) => Ok(Arc::clone(running)),
            Phase::Failed { kind, reason } => Err(Error::new(*kind, reason.clone())),
            Phase::Resolving => Err(Error::new(ErrorKind::Stalled, "the torrent's metadata is not here yet")),
        }
    }

    /// Waits until all of `range` is here; false when the torrent runs anew and has to be asked again.
    ///
    /// The engine's own streams are not read: a read that is pending when its torrent is deleted is never woken,
    /// and each reads no further than the end of a piece.
    async fn arrived(
        &self,
        running: &Arc<Running>,
        phase: &mut watch::Receiver<Phase>,
        range: &Range<u64>,
    ) -> Result<bool, Error> {
        let span = self.offset + range.start..self.offset + range.end;
        let store = &running.store;
        if store.first_missing(&span).is_none() {
            return Ok(true);
        }
        let core = &self.torrent.core;
        let stall = core.options.stall_timeout.min(MAX_STALL);
        let started = Instant::now();
        // Where the read has come to, and when.
        let mut progress = (None, started);
        let mut claim = None;
        loop {
            // Listening before looking: what comes in between is not lost.
            let mut changed = std::pin::pin!(store.changed().notified());
            changed.as_mut().enable();
            let Some(missing) = store.first_missing(&span) else { return Ok(true) };
            if let Some(error) = running.failure() {
                return Err(error);
            }
            if progress.0 != Some(missing) {
                progress = (Some(missing), Instant::now());
            }
            let deadline = deadline(started, store.last_write(), progress.1, stall);
            if deadline <= Instant::now() {
                let text = format!("nothing that is read here came for {} seconds or more", stall.as_secs());
                return Err(Error::new(ErrorKind::Stalled, text));
            }
            let next = async {
                match self.claim(running, &mut claim, missing).await {
                    Ok(true) => running.wake(),
                    Ok(false) => {}
                    // The engine is being told of the torrent anew; the next run is waited for below.
                    Err(_) if running.is_over() => std::future::pending().await,
                    Err(error) => return Err(error),
                }
                tokio::select! {
                    // It has listened since before the claim: a piece that came meanwhile is noticed.
                    () = changed => {}
                    () = tokio::time::sleep(STIR_EVERY) => {
                        if started.max(store.last_write()).elapsed() >= STIR_EVERY {
                            running.stir(core).await;
                        }
                    }
                }
                Ok::<_, Error>(())
            };
            tokio::select! {
                biased;
                () = self.torrent.token.cancelled() => return Err(self.torrent.ended()),
                // A new run, with new streams: old ones move nothing any more.
                _ = phase.changed() => return Ok(false),
                result = next => result?,
                // A byte may have come meanwhile.
                () = tokio::time::sleep_until(deadline) => {}
            }
        }
    }

    /// Has what is missing from `missing` on (a position in the torrent) fetched; true when the claim is a new one.
    async fn claim(
        &self,
        running: &Arc<Running>,
        claim: &mut Option<(Claim, u64)>,
        missing: u64,
    ) -> Result<bool, Error> {
        if let Some((claim, position)) = claim {
            if *position != missing {
                claim.seek(missing - self.offset);
                *position = missing;
            }
            return Ok(false);
        }
        let core = &self.torrent.core;
        running.resume(core).await;
        running.keep_peers(core, self.index).await?;
        self.apply_wish(running);
        let mut new = core.engine.claim(&running.handle, self.index).await?;
        new.seek(missing - self.offset);
        *claim = Some((new, missing));
        Ok(true)
    }

    /// Tells the engine of the wish, if that can be done at once; else the next read does.
    fn apply_wish(&self, running: &Arc<Running>) {
        let mut playhead = self.playhead.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(position) = playhead.wish else { return };
        if playhead.claim.as_ref().is_some_and(|(owner, _)| !Arc::ptr_eq(owner, running)) {
            playhead.claim = None;
        }
        if playhead.claim.is_none() {
            // Ready at once unless the torrent is starting or too many are open.
            let opened = self.torrent.core.engine.spare_claim(&running.handle, self.index).now_or_never();
            let opened = opened.and_then(Result::ok).flatten();
            playhead.claim = opened.map(|claim| (Arc::clone(running), claim));
        }
        if let Some((_, claim)) = &mut playhead.claim {
            claim.seek(position);
        }
    }
}

impl RangeReader for FileReader {
    fn len(&self) -> u64 {
        self.length
    }

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, Error>> {
        self.read_range(range).boxed()
    }

    fn has(&self, range: Range<u64>) -> bool {
        if range.start > range.end || range.end > self.length {
            return false;
        }
        let span = self.offset + range.start..self.offset + range.end;
        self.torrent.running().is_some_and(|running| running.store.first_missing(&span).is_none())
    }

    fn prefer(&self, position: u64) {
        let position = position.min(self.length);
        self.torrent.touch();
        self.playhead.lock().unwrap_or_else(PoisonError::into_inner).wish = Some(position);
        let Some(running) = self.torrent.running() else { return };
        self.apply_wish(&running);
        // The piece after the position decides: when it is not here, peers may be idle although there is work.
        let start = self.offset + position;
        let end =
            self.offset + (position + u64::from(running.store.metadata().piece_length)).min(self.length);
        if running.store.first_missing(&(start..end)).is_some() {
            running.wake();
        }
    }
}

/// When a read gives up: when no byte of its torrent comes, and when it does not come forward itself (it last did so
/// at `progress`) although others do.
fn deadline(started: Instant, last_write: Instant, progress: Instant, stall: Duration) -> Instant {
    (started.max(last_write) + stall).min(progress + stall * OWN_STALLS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_for_others_put_a_stall_off_but_not_for_ever() {
        let started = Instant::now() + Duration::from_secs(1000);
        let at = |seconds| started + Duration::from_secs(seconds);
        let deadline =
            |last_write, progress| deadline(started, last_write, progress, Duration::from_secs(60));
        // A byte of long ago does not count.
        assert_eq!(deadline(started - Duration::from_secs(30), started), at(60));
        assert_eq!(deadline(at(50), started), at(110));
        assert_eq!(deadline(at(299), started), at(300));
        assert_eq!(deadline(at(299), at(200)), at(359));
    }
}
