//! Open files: what is known of each, and its segments.
//!
//! Knows no URL and no torrent: a file is a [`RangeReader`](crate::range_reader::RangeReader) under a [`FileKey`].
//!
//! ```text
//! Playbacks            the files that are open; idle ones are closed
//!   Playback           one file, and the work that goes on although nobody waits for it
//!     source           reader, Presentation (read once), the work of making a piece
//!       window         source bytes of a segment, read once for all that is made of them
//!       fetch          runs the parsers of `media` over what has arrived
//!       indexing       looks through files that have no index
//!       sidecar        subtitle files beside the film
//!       subtitles      subtitles as files, tracks of the film among them
//!       attachments    files attached to a film
//!   Segments           finished pieces (cache) and those on their way (flights), of all files
//! ```
//!
//! Cancellation is dropping: who waits for a segment holds the work, and the last one to go takes it along,
//! down to the claims on the swarm.

mod attachments;
mod cache;
#[cfg(test)]
pub(crate) mod fake;
mod fetch;
mod flights;
mod indexing;
mod piece;
mod presentation;
mod segments;
mod shelf;
mod sidecar;
mod source;
mod subtitles;
mod window;

pub use attachments::Attached;
pub use piece::Piece;
pub use presentation::{Content, PlaylistOptions, Presentation};
pub use sidecar::{Film, Folder};
pub use subtitles::SubtitleFile;

use crate::error::{Error, ErrorKind};
use crate::report::{AttachmentReport, IndexState, Report, SubtitleReport};
use bytes::Bytes;
use piece::Lane;
use segments::Segments;
use source::Source;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::Instrument as _;

/// Changes whenever the bytes of a segment may differ from those of an earlier version.
pub const FORMAT_VERSION: u32 = media::FORMAT_VERSION;

/// How often idle files are looked for.
const SWEEP: Duration = Duration::from_secs(15);

/// Which file: a torrent's infohash and the file's number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileKey {
    /// The infohash.
    pub id: [u8; 20],
    /// The file's number, from 0.
    pub index: u32,
}

/// Limits of [`Playbacks`].
#[derive(Debug, Clone, Copy)]
pub struct PlaybackOptions {
    /// Finished segments kept in memory, in bytes over all files; 0 keeps none.
    pub segment_cache_bytes: u64,
    /// Files that are open at a time; the least recently used one is closed for a new one.
    pub max_open: usize,
    /// A file that nobody asked for so long is closed.
    pub idle: Duration,
}

impl Default for PlaybackOptions {
    fn default() -> Self {
        Self { segment_cache_bytes: 256 << 20, max_open: 64, idle: Duration::from_secs(120) }
    }
}

/// The files that are open.
#[derive(Clone)]
pub struct Playbacks(Arc<Inner>);

struct Inner {
    options: PlaybackOptions,
    segments: Arc<Segments>,
    /// Locked for a few lines; nothing waits and no other lock is taken while it is held.
    open: Mutex<HashMap<FileKey, Entry>>,
    sweeping: AtomicBool,
}

struct Entry {
    playback: Arc<Playback>,
    used: Instant,
}

impl Playbacks {
    /// No file is open.
    pub fn new(options: PlaybackOptions) -> Self {
        let segments = Arc::new(Segments::new(options.segment_cache_bytes));
        let open = Mutex::new(HashMap::new());
        Self(Arc::new(Inner { options, segments, open, sweeping: AtomicBool::new(false) }))
    }

    /// The playback of the file under `key`; `file` is called when it is not open. Nothing is read yet.
    ///
    /// Call it within a tokio runtime.
    ///
    /// # Errors
    /// Those of `file`.
    pub fn open<F: Into<Film>>(
        &self,
        key: FileKey,
        file: impl FnOnce() -> Result<F, Error>,
    ) -> Result<Arc<Playback>, Error> {
        if let Some(playback) = self.find(key) {
            return Ok(playback);
        }
        let playback =
            Arc::new(Playback::new(Source::new(key, file()?.into(), Arc::clone(&self.0.segments))));
        let fresh = Entry { playback, used: Instant::now() };
        let mut closed = None; // dropped after the lock: closing a file reaches into the torrent
        let playback = {
            let mut open = self.0.lock();
            if open.len() >= self.0.options.max_open && !open.contains_key(&key) {
                let oldest = open.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key);
                closed = oldest.and_then(|oldest| open.remove(&oldest));
            }
            Arc::clone(&open.entry(key).or_insert(fresh).playback)
        };
        drop(closed);
        self.sweep_from_now_on();
        Ok(playback)
    }

    /// What is known of the file under `key`, when it is open and its index has been read.
    pub fn known(&self, key: FileKey) -> Option<Arc<Presentation>> {
        let playback = Arc::clone(&self.0.lock().get(&key)?.playback);
        playback.known()?.ok()
    }

    /// Closes all files of the torrent `id` and drops what was kept of them.
    pub fn forget(&self, id: &[u8; 20]) {
        let closed: Vec<Entry> = {
            let mut open = self.0.lock();
            let keys: Vec<FileKey> = open.keys().filter(|key| key.id == *id).copied().collect();
            keys.iter().filter_map(|key| open.remove(key)).collect()
        };
        drop(closed);
        self.0.segments.forget(id);
    }

    fn find(&self, key: FileKey) -> Option<Arc<Playback>> {
        let mut open = self.0.lock();
        let entry = open.get_mut(&key)?;
        entry.used = Instant::now();
        Some(Arc::clone(&entry.playback))
    }

    /// Starts the task that closes idle files, once; it ends with the last `Playbacks`.
    fn sweep_from_now_on(&self) {
        if self.0.sweeping.swap(true, Ordering::Relaxed) {
            return;
        }
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(sweep(inner).instrument(tracing::info_span!("close idle files")));
    }
}

async fn sweep(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(inner) = inner.upgrade() else { return };
        let closed: Vec<Entry> = {
            let mut open = inner.lock();
            let idle: Vec<FileKey> = open
                .iter()
                .filter(|(_, entry)| entry.used.elapsed() >= inner.options.idle)
                .filter(|(_, entry)| Arc::strong_count(&entry.playback) == 1)
                .map(|(key, _)| *key)
                .collect();
            idle.iter().filter_map(|key| open.remove(key)).collect()
        };
        if !closed.is_empty() {
            tracing::debug!(files = closed.len(), "closed idle files");
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<FileKey, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open file.
pub struct Playback {
    source: Arc<Source>,
    /// Reads the index although nobody waits for it at the moment.
    warming: Task,
    /// Looks through a file that has no index.
    indexing: Task,
    /// Make the segments after those that were asked for last.
    pictures: Task,
    sound: Task,
}

impl Playback {
    fn new(source: Source) -> Self {
        let source = Arc::new(source);
        let (warming, indexing, pictures, sound) = Default::default();
        Self { source, warming, indexing, pictures, sound }
    }

    /// What is known of the file: reads its index, once. Who waits may go; the next one begins again.
    ///
    /// # Errors
    /// `Unsupported` with the reason when the file is of no known kind, and those of the reader.
    pub async fn presentation(&self) -> Result<Arc<Presentation>, Error> {
        self.source.presentation().await
    }

    /// The same without waiting: `None` when the index has not been read.
    pub fn known(&self) -> Option<Result<Arc<Presentation>, Error>> {
        self.source.known()
    }

    /// What is known of the file for playing it. Where the index is missing, it begins to be made.
    ///
    /// # Errors
    /// `Indexing` while the index is being made, and those of [`Playback::presentation`].
    pub async fn playable(&self) -> Result<Arc<Presentation>, Error> {
        let presentation = self.presentation().await?;
        if presentation.lacks_index() {
            return Err(self.make_index());
        }
        Ok(presentation)
    }

    /// The same without waiting and without making anything: `None` when the index has not been read.
    pub fn known_playable(&self) -> Option<Result<Arc<Presentation>, Error>> {
        let known = self.known()?;
        Some(known.and_then(|known| if known.lacks_index() { Err(self.source.wait()) } else { Ok(known) }))
    }

    /// What is known of the index of `presentation`, which is this file's.
    pub fn index_state(&self, presentation: &Presentation) -> IndexState {
        self.source.index_state(presentation)
    }

    /// What there is to tell about `presentation`, which is this file's.
    pub fn report(&self, presentation: &Presentation) -> Report {
        presentation.report(self.index_state(presentation), &self.source.sidecars.listed())
    }

    /// The files attached to the film, such as fonts. Who waits may go; the next one begins again.
    ///
    /// # Errors
    /// As [`Playback::presentation`].
    pub async fn attachments(&self) -> Result<Vec<AttachmentReport>, Error> {
        Ok(self.source.attachments().await?.iter().map(AttachmentReport::new).collect())
    }

    /// The attached file of that number, from 0, if it is called `name`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and as [`Playback::presentation`].
    pub async fn attachment(&self, number: usize, name: &str) -> Result<Attached, Error> {
        self.source.attachment(number, name).await
    }

    /// Has the index made; it goes on as long as somebody asks now and then.
    fn make_index(&self) -> Error {
        let wait = self.source.want_index();
        let source = Arc::clone(&self.source);
        self.indexing.start("make index", async move {
            if let Err(error) = source.make_index().await {
                tracing::debug!(error = error.chain(), "the index could not be made");
            }
        });
        wait
    }

    /// Reads the index in the background, until the reader gives up or the file is closed. A client that
    /// polls with a short patience gets there in the end.
    pub fn warm_up(&self) {
        if self.known().is_some() {
            return;
        }
        let source = Arc::clone(&self.source);
        self.warming.start("read index", async move {
            if let Err(error) = source.presentation().await {
                tracing::debug!(error = error.chain(), "the index could not be read");
            }
        });
    }

    /// What the name of a file of `presentation` stands for, such as `master.m3u8` or `segment007.ts`.
    ///
    /// # Errors
    /// `NotFound` when there is no such file, `Unsupported` with the reason when the film cannot be played as HLS, or
    /// not in that container.
    pub fn content(
        &self,
        presentation: &Presentation,
        name: &str,
        options: &PlaylistOptions,
    ) -> Result<Content, Error> {
        presentation.content(name, options, &self.source.sidecars.listed())
    }

    /// All subtitles, those in the film and those beside it, and how far they are here. Without a presentation only
    /// those beside it.
    pub fn subtitles(&self, presentation: Option<&Presentation>) -> Vec<SubtitleReport> {
        self.source.subtitles(presentation)
    }

    /// The subtitles of that name as a file, such as `s3.ass` for track 3 or `f12.vtt` for file 12. A track is told as
    /// far as it is here, or, with `wait`, read to its end.
    ///
    /// # Errors
    /// `NotFound` when there are none of that name and format, `Unsupported` when they cannot be read, and those of
    /// the reader.
    pub async fn subtitle_file(&self, name: &str, wait: bool) -> Result<SubtitleFile, Error> {
        self.source.subtitle_file(name, wait).await
    }

    /// A piece, whole: from the cache, or made now, once however many ask. The one that a player wants next is then
    /// prefetched, instead of the one that was before.
    ///
    /// # Errors
    /// `NotFound` when there is no such piece, `Unsupported` when the file cannot be played as HLS, `Indexing` when
    /// its index proved wrong, and those of the reader.
    pub async fn piece(self: &Arc<Self>, piece: Piece) -> Result<Bytes, Error> {
        if let Some(made) = self.cached(piece) {
            self.prefetch_after(piece);
            return Ok(made);
        }
        let flight = self.source.flight(piece);
        // Only now: if the old prefetch makes this very piece, its work is ours already.
        if let Some(lane) = piece.lane() {
            self.lane(lane).stop();
        }
        let made = flight.await.map_err(|error| match error.kind() {
            ErrorKind::Indexing => self.make_index(),
            _ => flights::own(&error),
        })?;
        self.prefetch_after(piece);
        Ok(made)
    }

    /// A piece when it is in the cache.
    pub fn cached(&self, piece: Piece) -> Option<Bytes> {
        self.source.cached(piece)
    }

    /// Asks for what lies behind byte `position` to be fetched ahead.
    pub fn prefer(&self, position: u64) {
        self.source.prefer(position);
    }

    const fn lane(&self, lane: Lane) -> &Task {
        match lane {
            Lane::Picture => &self.pictures,
            Lane::Sound => &self.sound,
        }
    }

    fn prefetch_after(&self, piece: Piece) {
        let Some(lane) = piece.lane() else { return };
        let Some(next) = piece.next().filter(|next| self.source.wants_prefetch(*next)) else {
            self.lane(lane).stop();
            return;
        };
        let flight = self.source.flight(next);
        self.lane(lane).replace("prefetch", async move {
            if let Err(error) = flight.await {
                tracing::debug!(?next, error = error.chain(), "a segment could not be prefetched");
            }
        });
    }
}

/// Work in the background that ends with its owner.
#[derive(Default)]
struct Task(Mutex<Option<AbortHandle>>);

impl Task {
    /// Starts `work` unless there is some under way.
    fn start(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let mut task = self.lock();
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            *task = Some(spawn(name, work));
        }
    }

    /// Starts `work` instead of what is under way.
    fn replace(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(old) = self.lock().replace(spawn(name, work)) {
            old.abort();
        }
    }

    fn stop(&self) {
        if let Some(old) = self.lock().take() {
            old.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<AbortHandle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(work.instrument(tracing::info_span!("background", name))).abort_handle()
}

#[cfg(test)]
mod tests;
