//! Files whose index is missing or does not say the truth: they are looked through once, in the background, while
//! somebody wants to play them.

use super::presentation::Presentation;
use super::segments::Segments;
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use media::movie::Movie;
use media::scan::Scan;
use media::source::{Arrived, Step};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// When nobody has asked for so long, the looking stops; it goes on when somebody asks again.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait after a read that failed.
const RETRY: Duration = Duration::from_secs(2);

/// How far the looking through a file has come.
pub(super) struct Indexing(Mutex<State>);

struct State {
    /// Where it goes on; `None` while it goes on, and before it has begun.
    paused: Option<Scan>,
    running: bool,
    /// From 0 to 1.
    progress: f64,
    wanted: Instant,
}

/// The new index, or why there will be none.
pub(super) type Outcome = Result<Movie, media::error::Error>;

impl Indexing {
    pub(super) fn new() -> Self {
        let (paused, running, progress, wanted) = (None, false, 0.0, Instant::now());
        Self(Mutex::new(State { paused, running, progress, wanted }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody waits for it.
    pub(super) fn want(&self) {
        self.lock().wanted = Instant::now();
    }

    fn is_wanted(&self) -> bool {
        self.lock().wanted.elapsed() < PATIENCE
    }

    /// From 0 to 1; `None` while nobody looks through the file.
    pub(super) fn progress(&self) -> Option<f64> {
        let state = self.lock();
        state.running.then_some(state.progress)
    }

    /// What a player hears meanwhile.
    pub(super) fn wait(&self) -> Error {
        let progress = self.lock().progress;
        let percent = (progress * 100.0).floor();
        let text = format!(
            "This file has no index that can be relied on; the index is being made: {percent} % of the file has \
             been read"
        );
        Error::new(ErrorKind::Indexing, text).with_progress(progress)
    }

    /// Looks through the file of `presentation` until its end, or until nobody has asked for a while (`None`).
    ///
    /// # Errors
    /// Those of the reader that will not pass.
    pub(super) async fn run(
        &self,
        file: &dyn RangeReader,
        presentation: &Presentation,
        segments: &Segments,
    ) -> Result<Option<Outcome>, Error> {
        let Some(scan) = self.begin(presentation) else { return Ok(None) };
        let _running = Running(self);
        let mut scan = Box::new(scan);
        let mut view = Arrived::new(file.len());
        loop {
            let (step, back) = segments
                .compute(move || {
                    let step = scan.step(&view);
                    (step, scan)
                })
                .await?;
            scan = back;
            let need = match step {
                Ok(Step::Done(movie)) => return Ok(Some(Ok(movie))),
                Ok(Step::Need(need)) => need,
                Err(error) => return Ok(Some(Err(error))),
            };
            self.advance(&scan);
            match self.read(file, &need).await? {
                Some(arrived) => view = arrived,
                None => {
                    self.lock().paused = Some(*scan);
                    return Ok(None);
                }
            }
        }
    }

    fn begin(&self, presentation: &Presentation) -> Option<Scan> {
        let mut state = self.lock();
        let scan = match state.paused.take() {
            Some(scan) => scan,
            None => presentation.scan()?,
        };
        state.running = true;
        Some(scan)
    }

    #[expect(clippy::cast_precision_loss, reason = "for showing")]
    fn advance(&self, scan: &Scan) {
        let progress = scan.position() as f64 / scan.len().max(1) as f64;
        self.lock().progress = progress.clamp(0.0, 1.0);
    }

    /// The bytes of `need`; `None` when nobody waits for them any more. What came before them is not needed again.
    async fn read(&self, file: &dyn RangeReader, need: &Range<u64>) -> Result<Option<Arrived>, Error> {
        if need.start >= need.end || need.end > file.len() {
            return Err(Error::new(ErrorKind::Internal, "a scan asked for bytes outside of the file"));
        }
        while self.is_wanted() {
            file.prefer(need.start);
            match file.read(need.clone()).await {
                Ok(data) => {
                    let mut view = Arrived::new(file.len());
                    view.insert(need.start, data);
                    return Ok(Some(view));
                }
                Err(error) if error.kind() == ErrorKind::Stalled => {
                    tracing::debug!(error = error.chain(), "looking through a file waits");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// Says when nobody looks through the file any more, however it ended.
struct Running<'a>(&'a Indexing);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().running = false;
    }
}
