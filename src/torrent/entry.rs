//! One torrent: from its magnet to its removal.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Core;
use super::info_hash::InfoHash;
use super::magnet::Magnet;
use super::metainfo::{Checked, Metadata};
use super::reader::FileReader;
use super::running::Running;
use super::status::{FileProgress, State, Stats};
use super::storage::Usage;
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;

/// A torrent counts as watched for this long after its last read, with or without an open reader: players read
/// ahead, pause, hang up, and come back.
const WATCHED: Duration = Duration::from_secs(10 * 60);

/// A torrent that was added; see [`Torrents`](super::Torrents).
pub struct Torrent {
    pub(super) info_hash: InfoHash,
    /// All that its links say. Its name is shown until the metadata is there.
    pub(super) link: watch::Sender<Magnet>,
    pub(super) core: Arc<Core>,
    /// Ends everything that belongs to the torrent.
    pub(super) token: CancellationToken,
    /// Cancelled when its data is deleted.
    pub(super) gone: CancellationToken,
    pub(super) phase: watch::Sender<Phase>,
    /// Asks for all data to be forgotten and fetched again as it is read.
    pub(super) forget: Notify,
    activity: Mutex<Activity>,
    /// Metadata that a user brought while peers were asked for it.
    supplied: watch::Sender<Option<Checked>>,
}

/// How far a torrent is.
#[derive(Clone)]
pub(super) enum Phase {
    Resolving,
    Ready(Arc<Running>),
    Failed { kind: ErrorKind, reason: String },
}

#[derive(Debug)]
struct Activity {
    /// Reads that are going on.
    pending: usize,
    added: Instant,
    /// The last sign of a viewer. None before the first: being added alone protects no torrent.
    last_viewed: Option<Instant>,
}

impl Activity {
    fn new() -> Self {
        Self { pending: 0, added: Instant::now(), last_viewed: None }
    }

    fn view(&mut self) {
        self.last_viewed = Some(Instant::now());
    }

    /// Time since it was last read, or since it was added.
    fn unread(&self) -> Duration {
        if self.pending > 0 { Duration::ZERO } else { self.last_viewed.unwrap_or(self.added).elapsed() }
    }

    fn watched(&self) -> bool {
        self.pending > 0 || self.last_viewed.is_some_and(|viewed| viewed.elapsed() < WATCHED)
    }
}

impl Torrent {
    pub(super) fn new(link: Magnet, core: Arc<Core>) -> Arc<Self> {
        Arc::new(Self {
            info_hash: link.info_hash,
            link: watch::Sender::new(link),
            token: core.token.child_token(),
            core,
            gone: CancellationToken::new(),
            phase: watch::Sender::new(Phase::Resolving),
            forget: Notify::new(),
            activity: Mutex::new(Activity::new()),
            supplied: watch::Sender::new(None),
        })
    }

    /// Its infohash.
    pub const fn info_hash(&self) -> InfoHash {
        self.info_hash
    }

    /// Its name: out of the metadata, or else out of the magnet.
    pub fn name(&self) -> Option<String> {
        self.metadata().map(|metadata| metadata.name.clone()).or_else(|| self.link.borrow().name.clone())
    }

    /// What to tell a client about it.
    pub fn state(&self) -> State {
        let running = match &*self.phase.borrow() {
            Phase::Resolving => return State::GettingMetadata,
            Phase::Failed { reason, .. } => return State::Failed { reason: reason.clone() },
            Phase::Ready(running) => Arc::clone(running),
        };
        if let Some(error) = running.failure() {
            return State::Failed { reason: error.to_string() };
        }
        if running.store.amounts().completed < running.store.metadata().total_length {
            State::Downloading
        } else if self.stats().peers > 0 {
            State::Seeding
        } else {
            State::Completed
        }
    }

    /// What is in it, once that is known.
    pub fn metadata(&self) -> Option<Arc<Metadata>> {
        self.running().map(|running| Arc::clone(running.store.metadata()))
    }

    /// Waits for the metadata.
    ///
    /// # Errors
    /// `Stalled` after `limit`; why it failed, when it has; `NotFound` when it is removed, `Cancelled` at shutdown.
    pub async fn wait_for_metadata(&self, limit: Duration) -> Result<Arc<Metadata>, Error> {
        let mut phase = self.phase.subscribe();
        let wait = async {
            loop {
                match &*phase.borrow_and_update() {
                    Phase::Ready(running) => return Ok(Arc::clone(running.store.metadata())),
                    Phase::Failed { kind, reason } => return Err(Error::new(*kind, reason.clone())),
                    Phase::Resolving => {}
                }
                tokio::select! {
                    // It ends only when the torrent does, and we hold that.
                    _ = phase.changed() => {}
                    () = self.token.cancelled() => return Err(self.ended()),
                }
            }
        };
        tokio::time::timeout(limit, wait)
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Stalled, "the torrent's metadata is not here yet")))
    }

    /// Figures of this moment.
    pub fn stats(&self) -> Stats {
        let Some(running) = self.running() else { return Stats::default() };
        let amounts = running.store.amounts();
        let mut stats = Stats {
            bytes_completed: amounts.completed,
            bytes_fetched: amounts.written,
            bytes_on_disk: amounts.on_disk,
            ..Stats::default()
        };
        if let Some(live) = running.handle.live() {
            stats.download_bytes_per_second = live.down_speed_estimator().bps();
            stats.upload_bytes_per_second = live.up_speed_estimator().bps();
            stats.peers = live.stats_snapshot().peer_stats.live;
        }
        stats
    }

    /// How much of a file is here; none before the metadata and for a file that is not in it.
    pub fn file_progress(&self, index: usize) -> Option<FileProgress> {
        let running = self.running()?;
        let file = running.store.metadata().files.get(index)?;
        let range = file.offset..file.offset + file.length;
        let (completed_pieces, completed_bytes) = running.store.progress(&range);
        let total_pieces = if range.is_empty() { 0 } else { running.store.pieces_of(&range).len() };
        Some(FileProgress { completed_bytes, length: file.length, completed_pieces, total_pieces })
    }

    /// A reader of a file. Each is one viewer: what it prefers is its own.
    ///
    /// # Errors
    /// `NotFound` for an index that is not in the torrent, `Stalled` before the metadata, or why it failed
    /// (`Storage` when the disk is full).
    pub fn file(self: &Arc<Self>, index: usize) -> Result<Arc<dyn RangeReader>, Error> {
        if let Phase::Failed { kind, reason } = &*self.phase.borrow() {
            return Err(Error::new(*kind, reason.clone()));
        }
        let Some(running) = self.running() else {
            return Err(Error::new(ErrorKind::Stalled, "the torrent's metadata is not here yet"));
        };
        let Some(file) = running.store.metadata().files.get(index) else {
            return Err(Error::new(ErrorKind::NotFound, format!("the torrent has no file {index}")));
        };
        // What is all here can be read, whatever became of the rest.
        let is_whole =
            self.file_progress(index).is_some_and(|progress| progress.completed_bytes == progress.length);
        if let Some(error) = running.failure().filter(|_| !is_whole) {
            return Err(error);
        }
        Ok(Arc::new(FileReader::new(Arc::clone(self), index, file)))
    }

    /// Index of the largest video, once the metadata is here.
    pub fn largest_video(&self) -> Option<usize> {
        self.metadata()?.largest_video()
    }

    /// Brings metadata to a torrent that may still be looking for it.
    pub(super) fn supply(&self, checked: Checked) {
        if matches!(&*self.phase.borrow(), Phase::Resolving) {
            self.supplied.send_replace(Some(checked));
        }
    }

    /// Brings another link to a torrent that may still be looking for its metadata: who is new in it is asked too.
    pub(super) fn merge(&self, link: Magnet) {
        if matches!(&*self.phase.borrow(), Phase::Resolving) {
            self.link.send_if_modified(|known| known.merge(link));
        }
    }

    /// The metadata that was brought, once it was.
    pub(super) async fn supplied(&self) -> Checked {
        let mut supplied = self.supplied.subscribe();
        loop {
            if let Some(checked) = &*supplied.borrow_and_update() {
                return checked.clone();
            }
            // The sender is ours and never goes first.
            if supplied.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    pub(super) fn running(&self) -> Option<Arc<Running>> {
        match &*self.phase.borrow() {
            Phase::Ready(running) => Some(Arc::clone(running)),
            _ => None,
        }
    }

    /// Why a wait has ended that `token` has ended.
    pub(super) fn ended(&self) -> Error {
        if self.core.shutdown.is_cancelled() {
            Error::new(ErrorKind::Cancelled, "the server is shutting down")
        } else {
            Error::new(ErrorKind::NotFound, "the torrent was removed")
        }
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a read until the guard is dropped.
    pub(super) fn reading(&self) -> Reading<'_> {
        let mut activity = self.activity();
        activity.pending += 1;
        activity.view();
        Reading(self)
    }

    /// Notes that somebody is still interested.
    pub(super) fn touch(&self) {
        self.activity().view();
    }

    /// What the storage policy wants to know.
    pub(super) fn usage(&self) -> Usage {
        let activity = self.activity();
        let (unread, watched) = (activity.unread(), activity.watched());
        drop(activity);
        Usage { bytes: self.running().map_or(0, |running| running.store.amounts().on_disk), unread, watched }
    }
}

/// A read that is going on.
pub(super) struct Reading<'a>(&'a Torrent);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut activity = self.0.activity();
        activity.pending -= 1;
        activity.view();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_viewer_is_waited_for() {
        let mut activity = Activity::new();
        tokio::time::advance(Duration::from_secs(1)).await;
        // Added, but read by nobody.
        assert_eq!((activity.unread(), activity.watched()), (Duration::from_secs(1), false));
        activity.pending += 1;
        activity.view();
        tokio::time::advance(WATCHED * 2).await;
        assert_eq!((activity.unread(), activity.watched()), (Duration::ZERO, true));
        activity.pending -= 1;
        activity.view();
        tokio::time::advance(WATCHED - Duration::from_secs(1)).await;
        assert!(activity.watched());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((activity.unread(), activity.watched()), (WATCHED, false));
    }
}
