//! A torrent while it is in the engine: its handle, its peers, its pauses.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Core;
use super::engine::{self, Claim, Handle};
use super::store::{Failure, Store};
use super::wake::Waker;
use crate::error::{Error, ErrorKind};

/// A torrent that is in the engine.
pub(super) struct Running {
    pub(super) handle: Handle,
    pub(super) store: Arc<Store>,
    waker: Waker,
    /// See [`Running::keep_peers`].
    keeper: Mutex<Option<(usize, Claim)>>,
    peers: tokio::sync::Mutex<Peers>,
    /// Cancelled when the torrent is taken out of the engine, to be put in anew or not at all.
    over: CancellationToken,
}

/// What was done about the torrent's peers.
#[derive(Debug, Default)]
struct Peers {
    /// They are dropped because nobody reads.
    paused: bool,
    /// When they were last looked for anew, and how often since a byte came.
    renewed: Option<(Instant, u32)>,
}

/// How long a torrent is without any peer before peers are looked for anew. Each search announces to all trackers,
/// so the time doubles with each.
const RENEW_FIRST: Duration = Duration::from_secs(1);
/// The longest that time becomes.
const RENEW_LAST: Duration = Duration::from_secs(32);

impl Running {
    pub(super) fn new(handle: Handle, store: Arc<Store>, waker: Waker) -> Self {
        Self {
            handle,
            store,
            waker,
            keeper: Mutex::new(None),
            peers: tokio::sync::Mutex::default(),
            over: CancellationToken::new(),
        }
    }

    /// Makes idle peers look for something to fetch now.
    pub(super) fn wake(&self) {
        // With nobody to wake the waker would be the torrent's only peer.
        if self.handle.live().is_some_and(|live| live.stats_snapshot().peer_stats.live > 0) {
            self.waker.wake();
        }
    }

    /// Keeps one claim open at the end of `file`, so that the engine keeps its peers.
    ///
    /// Without an open stream the engine disconnects every seed at once and comes back to it seconds later. At the
    /// end of the file the claim asks for its last piece only, which an opening player reads anyway. With very many
    /// torrents there is none left to keep: all still works, with that delay.
    pub(super) async fn keep_peers(&self, core: &Core, file: usize) -> Result<(), Error> {
        let kept = |keeper: &Option<(usize, Claim)>| keeper.as_ref().is_some_and(|(index, _)| *index == file);
        if kept(&self.keeper()) {
            return Ok(());
        }
        let Some(mut claim) = core.engine.spare_claim(&self.handle, file).await? else { return Ok(()) };
        claim.seek(self.store.metadata().files.get(file).map_or(0, |file| file.length));
        *self.keeper() = Some((file, claim));
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn keeps_peers(&self) -> bool {
        self.keeper().is_some()
    }

    /// Ends this run: the engine is about to drop the torrent.
    pub(super) fn finish(&self) {
        self.over.cancel();
        *self.keeper() = None;
    }

    /// True when another run follows, or none: what fails now fails for that reason.
    pub(super) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    fn keeper(&self) -> MutexGuard<'_, Option<(usize, Claim)>> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for peers again when they were dropped.
    pub(super) async fn resume(&self, core: &Core) {
        let mut peers = self.peers.lock().await;
        if peers.paused {
            core.engine.unpause(&self.handle).await;
            peers.paused = false;
            tracing::debug!("looking for peers again");
        }
    }

    /// Drops the peers, unless `still_idle` says no meanwhile. True when it did.
    pub(super) async fn suspend(&self, core: &Core, still_idle: impl Fn() -> bool) -> bool {
        let mut peers = self.peers.lock().await;
        if peers.paused || !still_idle() {
            return false;
        }
        peers.paused = true;
        // The keeper stays: peers that come back while no stream is open are sent away again.
        core.engine.pause(&self.handle).await;
        true
    }

    /// Wakes idle peers, or looks for peers anew when there is none left; for a read that gets nothing.
    ///
    /// The engine redials a peer that failed after 10 seconds, then after a minute, six minutes, an hour: a seeder
    /// that comes back is not seen for long. And right after a magnet's metadata it hangs up on the peer it had it
    /// from and dials it again at once, which Transmission refuses. A pause makes it forget whom it has tried.
    pub(super) async fn stir(&self, core: &Core) {
        let Some(live) = self.handle.live() else { return };
        let known = live.stats_snapshot().peer_stats;
        if known.live > 0 {
            self.wake();
            return;
        }
        let mut peers = self.peers.lock().await;
        let last_byte = self.store.last_write();
        let (since, times) = match peers.renewed {
            Some((last, times)) if last > last_byte => (last, times),
            _ => (last_byte, 0),
        };
        let wait = RENEW_FIRST.saturating_mul(1 << times.min(8)).min(RENEW_LAST);
        if known.connecting == 0 && known.queued == 0 && since.elapsed() >= wait && !peers.paused {
            tracing::debug!("no peer is left: looking for peers anew");
            core.engine.pause(&self.handle).await;
            core.engine.unpause(&self.handle).await;
            peers.renewed = Some((Instant::now(), times + 1));
        }
    }

    /// Why nothing more will come, when that is so.
    pub(super) fn failure(&self) -> Option<Error> {
        if let Some(Failure { kind, message }) = self.store.failure() {
            use std::io::ErrorKind as Io;
            let text = match kind {
                Io::StorageFull | Io::QuotaExceeded => "the disk is full".to_owned(),
                Io::ReadOnlyFilesystem | Io::PermissionDenied => {
                    format!("the data folder cannot be written to: {message}")
                }
                _ => format!("writing to the data folder failed: {message}"),
            };
            return Some(Error::new(ErrorKind::Storage, text));
        }
        let reason = engine::failure(&self.handle)?;
        Some(Error::new(
            ErrorKind::Internal,
            format!("the torrent engine has stopped this torrent: {reason}"),
        ))
    }
}
