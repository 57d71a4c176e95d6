//! librqbit's storage interface over a [`Store`].

use std::path::Path;
use std::sync::Arc;

use librqbit::storage::{BoxStorageFactory, StorageFactory, StorageFactoryExt, TorrentStorage};
use librqbit::{ManagedTorrentShared, TorrentMetadata};
use librqbit_core::lengths::ValidPieceIndex;

use super::store::Store;

/// Hands one store to the engine, as often as it asks (it asks again after an error).
#[derive(Debug, Clone)]
pub(super) struct EngineStorage {
    store: Arc<Store>,
    /// The store's epoch when the torrent was added.
    epoch: u64,
}

impl EngineStorage {
    pub(super) fn new(store: Arc<Store>) -> Self {
        let epoch = store.epoch();
        Self { store, epoch }
    }
}

impl StorageFactory for EngineStorage {
    type Storage = Self;

    fn create(&self, _: &ManagedTorrentShared, _: &TorrentMetadata) -> anyhow::Result<Self> {
        Ok(self.clone())
    }

    fn clone_box(&self) -> BoxStorageFactory {
        self.clone().boxed()
    }
}

impl TorrentStorage for EngineStorage {
    fn init(&mut self, _: &ManagedTorrentShared, _: &TorrentMetadata) -> anyhow::Result<()> {
        Ok(())
    }

    // Fails for a file that is not there: the initial check then skips the whole file instead of hashing it.
    fn pread_exact(&self, file: usize, offset: u64, buffer: &mut [u8]) -> anyhow::Result<()> {
        Ok(self.store.read_into(file, offset, buffer)?)
    }

    fn pwrite_all(&self, file: usize, offset: u64, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.store.write(file, offset, bytes, self.epoch)?)
    }

    // Whole folders go, by us, when the torrent goes.
    fn remove_file(&self, _: usize, _: &Path) -> anyhow::Result<()> {
        Ok(())
    }

    fn remove_directory_if_empty(&self, _: &Path) -> anyhow::Result<()> {
        Ok(())
    }

    // Files grow as they are written.
    fn ensure_file_length(&self, _: usize, _: u64) -> anyhow::Result<()> {
        Ok(())
    }

    // The engine means to make its old handle useless when it pauses; ours may live on, it holds no file open
    // for longer than the store does.
    fn take(&self) -> anyhow::Result<Box<dyn TorrentStorage>> {
        Ok(Box::new(self.clone()))
    }

    fn on_piece_completed(&self, piece: ValidPieceIndex) -> anyhow::Result<()> {
        self.store.complete(piece.get_usize(), self.epoch);
        Ok(())
    }
}
