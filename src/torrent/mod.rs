//! Torrents: from a magnet to bytes of a file. The only place that names the engine, librqbit.
//!
//! ```text
//! magnet, info_hash   what a user gives us, read by our own parsers
//! bencode, metainfo   a .torrent's checks, before the engine sees it
//! resolve             a magnet's metadata, from peers
//! entry, life, running one torrent: its figures; its way from adding to removal; its time in the engine
//! reader              one viewer's reads and look-ahead
//! store, bits, gauge  its bytes on disk; all torrents' bytes together
//! storage             the data folder; who goes when there is no room
//! engine, engine_storage, wake   librqbit, and what has to be done around its edges
//! trackers, tls       trackers to add; TLS without C
//! seed                a seeder inside the process, for the demo and for tests
//! ```

mod bencode;
mod bits;
mod engine;
mod engine_storage;
mod entry;
mod gauge;
mod info_hash;
mod life;
mod magnet;
mod metainfo;
mod options;
mod reader;
mod resolve;
mod running;
pub mod seed;
mod status;
mod storage;
mod store;
pub mod tls;
pub mod trackers;
mod wake;

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

pub use entry::Torrent;
pub use info_hash::{InfoHash, InfoHashError};
pub use magnet::{Magnet, MagnetError};
pub use metainfo::{FileEntry, Metadata, MetainfoError, is_video};
pub use options::TorrentOptions;
pub use status::{FileProgress, State, Stats};

use crate::error::{Error, ErrorKind};
use engine::Engine;
use gauge::Gauge;
use life::Origin;

/// Most torrents at the same time.
const MAX_TORRENTS: usize = 1000;
/// How long the shutdown waits for data to be deleted; what is left is deleted at the next start.
const STOP: Duration = Duration::from_millis(1500);

/// All torrents of the server. Clones are the same.
#[derive(Clone)]
pub struct Torrents {
    core: Arc<Core>,
    table: Arc<Mutex<Table>>,
}

/// What all torrents share.
struct Core {
    engine: Engine,
    options: TorrentOptions,
    gauge: Arc<Gauge>,
    /// The process ends.
    shutdown: CancellationToken,
    /// All torrents end.
    token: CancellationToken,
    /// Holds the data folder's lock, until all is deleted.
    folder: Mutex<Option<File>>,
}

#[derive(Default)]
struct Table {
    /// In the order of adding.
    torrents: Vec<Arc<Torrent>>,
    /// Those whose data is being deleted.
    leaving: HashMap<InfoHash, CancellationToken>,
}

/// What to add.
#[derive(Debug, Clone)]
pub enum Source {
    /// A magnet link.
    Magnet(Magnet),
    /// An infohash alone: peers come from the DHT and the injected trackers.
    InfoHash(InfoHash),
    /// The bytes of a .torrent file.
    TorrentFile(Bytes),
}

/// What was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// Its infohash.
    pub info_hash: InfoHash,
    /// True when it was there before.
    pub already_there: bool,
}

impl Torrents {
    /// Prepares the data folder, deletes what an earlier run has left there, and starts the engine. All ends with
    /// `shutdown`.
    ///
    /// # Errors
    /// `Storage` when the folder cannot be written to, `Internal` when the engine cannot start (its port is taken).
    pub async fn start(options: TorrentOptions, shutdown: CancellationToken) -> Result<Self, Error> {
        let dir = options.dir.clone();
        let prepared = tokio::task::spawn_blocking(move || storage::prepare(&dir)).await;
        let held = prepared.map_err(|error| {
            Error::new(ErrorKind::Internal, "the data folder was not prepared").caused_by(error)
        })??;
        let token = shutdown.child_token();
        let engine = Engine::start(&options, token.clone()).await?;
        let gauge = Arc::new(Gauge::new(options.max_disk));
        let folder = Mutex::new(Some(held));
        let core = Arc::new(Core { engine, options, gauge, shutdown, token, folder });
        let torrents = Self { core, table: Arc::default() };
        life::start_reaper(&torrents);
        Ok(torrents)
    }

    /// Adds a torrent; answers at once, metadata comes in the background. A torrent that had failed is tried again.
    ///
    /// # Errors
    /// `BadRequest` for a .torrent that is refused, or when there are 1000 torrents.
    pub fn add(&self, source: Source) -> Result<Added, Error> {
        let (link, origin) = match source {
            Source::Magnet(magnet) => (magnet, Origin::Magnet),
            Source::InfoHash(info_hash) => (info_hash.into(), Origin::Magnet),
            Source::TorrentFile(bytes) => {
                let checked = metainfo::check(&bytes)
                    .map_err(|error| Error::new(ErrorKind::BadRequest, error.to_string()).caused_by(error))?;
                let name = Some(checked.metadata.name.clone());
                (Magnet { name, ..checked.info_hash.into() }, Origin::Torrent(Box::new(checked)))
            }
        };
        let info_hash = link.info_hash;
        let mut table = self.table();
        // Under the lock: what is added before the end is among what `stop` waits for.
        if self.core.token.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "the server is shutting down"));
        }
        if let Some(known) = table.find(&info_hash) {
            if !matches!(known.state(), State::Failed { .. }) {
                match origin {
                    // A .torrent ends the search for the metadata of its magnet.
                    Origin::Torrent(checked) => known.supply(*checked),
                    // An infohash may come first, and the link with its trackers later.
                    Origin::Magnet => known.merge(link),
                }
                return Ok(Added { info_hash, already_there: true });
            }
            table.take(&info_hash);
        }
        if table.torrents.len() >= MAX_TORRENTS {
            return Err(Error::new(
                ErrorKind::BadRequest,
                format!("there are {MAX_TORRENTS} torrents already"),
            ));
        }
        let before = table.leaving.get(&info_hash).cloned();
        let torrent = Torrent::new(link, Arc::clone(&self.core));
        table.torrents.push(Arc::clone(&torrent));
        drop(table);
        tracing::info!(%info_hash, name = torrent.name(), "torrent added");
        life::start(torrent, origin, before);
        Ok(Added { info_hash, already_there: false })
    }

    /// The torrent of this infohash.
    pub fn get(&self, id: &InfoHash) -> Option<Arc<Torrent>> {
        self.table().find(id).cloned()
    }

    /// All torrents, in the order of adding.
    pub fn list(&self) -> Vec<Arc<Torrent>> {
        self.table().torrents.clone()
    }

    /// Removes a torrent: its pending reads end at once, its peers are dropped and its data is deleted. False when
    /// there is none.
    pub async fn remove(&self, id: &InfoHash) -> bool {
        let Some(gone) = self.table().take(id) else { return false };
        self.left(id, gone).await;
        true
    }

    /// Removes this very torrent, unless somebody watches it or it is gone already. True when it did.
    async fn remove_unwatched(&self, torrent: &Arc<Torrent>) -> bool {
        let id = torrent.info_hash;
        let gone = {
            let mut table = self.table();
            // Another may have been added under the same infohash since it was looked at.
            let there = table.find(&id).is_some_and(|known| Arc::ptr_eq(known, torrent));
            if !there || torrent.usage().watched {
                return false;
            }
            table.take(&id)
        };
        let Some(gone) = gone else { return false };
        self.left(&id, gone).await;
        true
    }

    /// Waits until the data of a torrent that was taken out is deleted.
    async fn left(&self, id: &InfoHash, gone: CancellationToken) {
        gone.cancelled().await;
        let mut table = self.table();
        // A second removal may have taken the place since.
        if table.leaving.get(id).is_some_and(CancellationToken::is_cancelled) {
            table.leaving.remove(id);
        }
    }

    /// Ends all torrents and deletes their data, as far as that can be done within 1.5 s. When nothing is left in the
    /// data folder our mark goes too; the folder itself stays.
    pub async fn stop(&self) {
        self.core.token.cancel();
        let leaving: Vec<CancellationToken> = {
            let mut table = self.table();
            let gone = table.torrents.iter().map(|torrent| torrent.gone.clone()).collect::<Vec<_>>();
            table.torrents.clear();
            gone.into_iter().chain(table.leaving.drain().map(|(_, gone)| gone)).collect()
        };
        let all = futures::future::join_all(leaving.iter().map(CancellationToken::cancelled));
        if tokio::time::timeout(STOP, all).await.is_err() {
            tracing::warn!("some data is deleted at the next start only");
            return;
        }
        let Some(held) = self.core.folder.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let dir = self.core.options.dir.clone();
        let left = tokio::task::spawn_blocking(move || storage::leave(&dir, held)).await;
        if let Err(error) = left.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            tracing::debug!(%error, "our mark stays in the data folder");
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn find(&self, id: &InfoHash) -> Option<&Arc<Torrent>> {
        self.torrents.iter().find(|torrent| torrent.info_hash == *id)
    }

    /// Takes a torrent out and ends it; what is returned is cancelled when its data is deleted.
    fn take(&mut self, id: &InfoHash) -> Option<CancellationToken> {
        let index = self.torrents.iter().position(|torrent| torrent.info_hash == *id)?;
        let torrent = self.torrents.remove(index);
        torrent.token.cancel();
        self.leaving.retain(|_, gone| !gone.is_cancelled());
        self.leaving.insert(*id, torrent.gone.clone());
        Some(torrent.gone.clone())
    }
}
