//! One torrent's bytes on disk, and which of its pieces are there.
//!
//! The engine writes through this instead of its own file storage, because then
//! - files are named by their index, so no name out of a torrent ever becomes a path (`C:x`, `NUL`, 1,000 letters);
//! - files are made when their first byte comes: the engine's own storage makes and holds open every file, an open
//!   file descriptor each, also of those nobody reads;
//! - a finished piece is known at once and to every waiting read. The engine wakes only the stream whose position
//!   is in that piece, and wakes nobody when the torrent is deleted, paused or broken;
//! - a full disk or a read-only folder is seen as what it is.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::bits::Bits;
use super::gauge::Gauge;
use super::metainfo::Metadata;

/// Files of one torrent that are held open; beyond that they are closed and opened again as needed.
const MAX_OPEN: usize = 32;

/// The bytes of one torrent.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    metadata: Arc<Metadata>,
    gauge: Arc<Gauge>,
    inner: Mutex<Inner>,
    /// Notified when a piece is done, a write fails, or the store is closed.
    changed: Notify,
}

#[derive(Debug)]
struct Inner {
    /// Pieces that are here and whose hash is right.
    have: Bits,
    /// Pieces of which at least one byte was written: what the disk is charged with.
    touched: Bits,
    on_disk: u64,
    completed: u64,
    /// Bytes that were written since the start, also those of pieces that proved wrong.
    written: u64,
    last_write: Instant,
    /// Counts how often all was forgotten: what was read across that may be half new.
    epoch: u64,
    open: HashMap<usize, Arc<File>>,
    failure: Option<Failure>,
    closed: bool,
}

/// Why nothing can be written any more.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) kind: io::ErrorKind,
    pub(super) message: String,
}

/// What a store holds, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amounts {
    /// Bytes in pieces that are done.
    pub(super) completed: u64,
    /// Bytes written since the start.
    pub(super) written: u64,
    /// Bytes the disk is charged with, whole pieces.
    pub(super) on_disk: u64,
}

impl Store {
    /// A store without bytes in `folder`, which exists.
    pub(super) fn new(folder: PathBuf, metadata: Arc<Metadata>, gauge: Arc<Gauge>) -> Self {
        let inner = Inner::new(metadata.pieces() as usize);
        Self { folder, metadata, gauge, inner: Mutex::new(inner), changed: Notify::new() }
    }

    // A panic while the lock is held leaves nothing half done that matters: counters and bits.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn metadata(&self) -> &Arc<Metadata> {
        &self.metadata
    }

    /// Resolves at the next change after the future was first polled or [`enabled`](Notify).
    pub(super) const fn changed(&self) -> &Notify {
        &self.changed
    }

    pub(super) fn amounts(&self) -> Amounts {
        let inner = self.lock();
        Amounts { completed: inner.completed, written: inner.written, on_disk: inner.on_disk }
    }

    /// How often all was forgotten.
    pub(super) fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// When the last byte came; the start when none did.
    pub(super) fn last_write(&self) -> Instant {
        self.lock().last_write
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        self.lock().failure.clone()
    }

    /// The pieces that hold any of `range`, a range of bytes of the torrent that is not empty.
    pub(super) fn pieces_of(&self, range: &Range<u64>) -> Range<usize> {
        let length = u64::from(self.metadata.piece_length);
        let piece = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
        piece(range.start / length)..piece(range.end.div_ceil(length))
    }

    /// The first byte of `range` (of the torrent) that is not here, or none when all are.
    pub(super) fn first_missing(&self, range: &Range<u64>) -> Option<u64> {
        if range.is_empty() {
            return None;
        }
        let inner = self.lock();
        let piece = self.pieces_of(range).find(|&piece| !inner.have.get(piece))?;
        Some((piece as u64 * u64::from(self.metadata.piece_length)).max(range.start))
    }

    /// How many of `pieces` are here, and how many bytes of `range` are in them.
    pub(super) fn progress(&self, range: &Range<u64>) -> (usize, u64) {
        if range.is_empty() {
            return (0, 0);
        }
        let inner = self.lock();
        let mut count = 0;
        let mut bytes = 0;
        for piece in self.pieces_of(range).filter(|&piece| inner.have.get(piece)) {
            let span = self.span(piece);
            count += 1;
            bytes += span.end.min(range.end) - span.start.max(range.start);
        }
        (count, bytes)
    }

    /// The bytes of the torrent in `piece`.
    fn span(&self, piece: usize) -> Range<u64> {
        let length = u64::from(self.metadata.piece_length);
        let start = piece as u64 * length;
        start..(start + length).min(self.metadata.total_length)
    }

    /// Reads `range` of a file; the caller has seen that it is here. Blocks.
    pub(super) fn read(&self, file: usize, range: Range<u64>) -> io::Result<Bytes> {
        let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
        let mut buffer = vec![0; length];
        self.read_into(file, range.start, &mut buffer)?;
        Ok(buffer.into())
    }

    /// Fills `buffer` from `offset` of a file.
    pub(super) fn read_into(&self, file: usize, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if self.metadata.files.get(file).is_some_and(|file| file.padding) {
            // Fillers are zeros that are never written (BEP 47).
            buffer.fill(0);
            return Ok(());
        }
        read_at(&*self.open(file, false)?, offset, buffer)
    }

    /// Writes bytes of a file that came from a peer. Their hash is not known yet.
    ///
    /// `epoch` is that of the run the bytes belong to: one that is over writes nothing.
    pub(super) fn write(&self, file: usize, offset: u64, bytes: &[u8], epoch: u64) -> io::Result<()> {
        let opened = if self.epoch() == epoch { self.open(file, true) } else { Err(over()) };
        let result = opened.and_then(|file| write_at(&file, offset, bytes));
        self.written(file, offset, bytes.len() as u64, epoch, result)
    }

    /// Takes note of how a write has ended.
    fn written(
        &self,
        file: usize,
        offset: u64,
        length: u64,
        epoch: u64,
        result: io::Result<()>,
    ) -> io::Result<()> {
        let mut inner = self.lock();
        // What was cleared or closed meanwhile is no longer charged, and would be for ever.
        if inner.epoch != epoch || inner.closed {
            return Err(over());
        }
        if let Err(error) = &result {
            if inner.failure.is_none() {
                let message = error.to_string();
                inner.failure = Some(Failure { kind: error.kind(), message });
            }
        } else {
            inner.written += length;
            inner.last_write = Instant::now();
            let start = self.metadata.files.get(file).map_or(0, |file| file.offset) + offset;
            for piece in self.pieces_of(&(start..start + length)) {
                if inner.touched.set(piece) {
                    let span = self.span(piece);
                    inner.on_disk += span.end - span.start;
                    self.gauge.add(span.end - span.start);
                }
            }
        }
        drop(inner);
        if result.is_err() {
            self.changed.notify_waiters();
        }
        result
    }

    /// Notes that a piece is whole and right, for the run of `epoch`.
    pub(super) fn complete(&self, piece: usize, epoch: u64) {
        let mut inner = self.lock();
        if inner.epoch == epoch && inner.have.set(piece) {
            let span = self.span(piece);
            inner.completed += span.end - span.start;
        }
        drop(inner);
        self.changed.notify_waiters();
    }

    /// Forgets all bytes: the disk is free again, and the store like new but for its count of bytes written.
    pub(super) fn clear(&self) -> io::Result<()> {
        let mut inner = self.lock();
        let (written, epoch, closed) = (inner.written, inner.epoch, inner.closed);
        self.gauge.subtract(inner.on_disk);
        *inner = Inner::new(self.metadata.pieces() as usize);
        inner.written = written;
        inner.epoch = epoch + 1;
        inner.closed = closed;
        for file in 0..self.metadata.files.len() {
            match std::fs::remove_file(self.path(file)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        drop(inner);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Ends all use: a write that is still on its way cannot bring a deleted folder back.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.open.clear();
        self.gauge.subtract(std::mem::take(&mut inner.on_disk));
        drop(inner);
        self.changed.notify_waiters();
    }

    fn path(&self, file: usize) -> PathBuf {
        self.folder.join(format!("{file:05}"))
    }

    fn open(&self, file: usize, create: bool) -> io::Result<Arc<File>> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(io::Error::other("the torrent was removed"));
        }
        if let Some(open) = inner.open.get(&file) {
            return Ok(Arc::clone(open));
        }
        if inner.open.len() >= MAX_OPEN {
            // Any of them will do: a torrent with so many files in use is rare.
            inner.open.clear();
        }
        let opened = open(&self.path(file), create)?;
        let opened = Arc::new(opened);
        inner.open.insert(file, Arc::clone(&opened));
        Ok(opened)
    }
}

impl Inner {
    fn new(pieces: usize) -> Self {
        Self {
            have: Bits::new(pieces),
            touched: Bits::new(pieces),
            on_disk: 0,
            completed: 0,
            written: 0,
            last_write: Instant::now(),
            epoch: 0,
            open: HashMap::new(),
            failure: None,
            closed: false,
        }
    }
}

fn over() -> io::Error {
    io::Error::other("this run of the torrent is over")
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(create).truncate(false).open(path)
}

#[cfg(unix)]
fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(unix)]
fn write_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}

#[cfg(windows)]
fn write_at(file: &File, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        bytes = &bytes[count..];
        offset += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::metainfo::FileEntry;
    use super::*;

    fn entry(length: u64, offset: u64, padding: bool) -> FileEntry {
        FileEntry { path: "../../etc/passwd".into(), length, offset, padding }
    }

    fn store(name: &str) -> Store {
        let folder = std::env::temp_dir().join(format!("torrentstream-store-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let files = vec![entry(1500, 0, false), entry(548, 1500, true), entry(1000, 2048, false)];
        let metadata =
            Metadata { name: "n".into(), total_length: 3048, piece_length: 1024, private: false, files };
        Store::new(folder, Arc::new(metadata), Arc::new(Gauge::new(None)))
    }

    #[test]
    fn counts_what_is_here() {
        let store = store("counts");
        assert_eq!(store.first_missing(&(100..200)), Some(100));
        store.write(0, 0, &[1; 1024], 0).unwrap();
        assert_eq!(store.amounts(), Amounts { completed: 0, written: 1024, on_disk: 1024 });
        store.complete(0, 0);
        store.complete(0, 0);
        assert_eq!(store.amounts().completed, 1024);
        assert_eq!(store.first_missing(&(0..1500)), Some(1024));
        assert_eq!(store.first_missing(&(0..1024)), None);
        assert_eq!(store.first_missing(&(5..5)), None);
        assert_eq!(store.progress(&(1000..3048)), (1, 24));
        assert_eq!(&store.read(0, 10..20).unwrap()[..], [1; 10]);
        // The last piece is a short one.
        store.write(2, 0, &[2; 1000], 0).unwrap();
        store.complete(2, 0);
        assert_eq!(store.amounts(), Amounts { completed: 2024, written: 2024, on_disk: 2024 });
        // Fillers are zeros without a file.
        assert_eq!(&store.read(1, 0..3).unwrap()[..], [0; 3]);
        store.clear().unwrap();
        assert_eq!(store.amounts(), Amounts { completed: 0, written: 2024, on_disk: 0 });
        assert_eq!(std::fs::read_dir(&store.folder).unwrap().count(), 0);
        // What is still on its way from before counts for nothing.
        store.write(0, 0, &[1; 10], 0).unwrap_err();
        store.complete(0, 0);
        assert_eq!((store.amounts().completed, store.epoch()), (0, 1));
        assert!(store.failure().is_none());
        std::fs::remove_dir_all(&store.folder).unwrap();
    }

    #[test]
    fn a_closed_store_writes_nothing() {
        let store = store("closed");
        store.close();
        store.write(0, 0, &[1; 10], 0).unwrap_err();
        // One that was on its way is not charged.
        store.written(0, 0, 10, 0, Ok(())).unwrap_err();
        store.written(0, 0, 10, 0, Err(io::ErrorKind::StorageFull.into())).unwrap_err();
        assert_eq!((store.amounts().written, store.amounts().on_disk), (0, 0));
        assert!(store.failure().is_none());
        assert_eq!(std::fs::read_dir(&store.folder).unwrap().count(), 0);
        std::fs::remove_dir_all(&store.folder).unwrap();
    }

    #[test]
    fn a_failed_write_is_remembered() {
        let store = store("failed");
        std::fs::remove_dir_all(&store.folder).unwrap();
        store.write(0, 0, &[1; 10], 0).unwrap_err();
        assert_eq!(store.failure().unwrap().kind, io::ErrorKind::NotFound);
    }
}
