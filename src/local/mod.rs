//! Local files: what `probe` and `remux` do, by the same code that serves a swarm.

mod progress;
mod remux;
mod sidecars;

pub use progress::{Bar, Progress, Stage};
pub use remux::{RemuxOptions, remux};

use crate::error::{Error, ErrorKind};
use crate::report::{AttachmentReport, IndexState, Report};
use bytes::Bytes;
use media::movie::Movie;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::source::{Arrived, ByteSource, Step, Stop};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

/// A file of which every byte is here.
struct LocalFile {
    file: File,
    len: u64,
}

impl LocalFile {
    fn open(path: &Path) -> Result<Self, Error> {
        let cannot = |error| {
            Error::new(ErrorKind::NotFound, format!("cannot read {}", path.display())).caused_by(error)
        };
        let file = File::open(path).map_err(cannot)?;
        let metadata = file.metadata().map_err(cannot)?;
        if !metadata.is_file() {
            return Err(Error::new(ErrorKind::BadRequest, format!("{} is not a file", path.display())));
        }
        Ok(Self { file, len: metadata.len() })
    }
}

impl ByteSource for LocalFile {
    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, Stop> {
        let cut_short = || {
            Stop::Fail(media::Error::truncated("a structure reaches past the end of the file", range.start))
        };
        if range.start > range.end || range.end > self.len {
            return Err(cut_short());
        }
        let len = usize::try_from(range.end - range.start).map_err(|_| cut_short())?;
        let mut buffer = vec![0; len];
        self.file
            .read_exact_at(&mut buffer, range.start)
            .map_err(|_| Stop::Fail(media::Error::truncated("the file could not be read", range.start)))?;
        Ok(buffer.into())
    }
}

/// Why there is no result.
enum Failure {
    /// The file is at fault.
    Media(media::Error),
    /// The machine is, or we are.
    Own(Error),
}

impl From<media::Error> for Failure {
    fn from(error: media::Error) -> Self {
        Self::Media(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}

impl Failure {
    fn of(self, path: &Path) -> Error {
        match self {
            Self::Media(error) => {
                Error::new(ErrorKind::Unsupported, path.display().to_string()).caused_by(error)
            }
            Self::Own(error) => error,
        }
    }
}

/// Every byte is here, so nothing can be missing.
fn done<T>(step: Result<Step<T>, media::Error>) -> Result<T, Failure> {
    match step? {
        Step::Done(value) => Ok(value),
        Step::Need(_) => Err(Error::new(ErrorKind::Internal, "a local file claims to be incomplete").into()),
    }
}

/// What is offered of `movie`, and the movie; one whose index is missing is looked through for that.
fn offer(
    file: &LocalFile,
    movie: Movie,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Arc<Movie>, Result<Presentation, media::Error>), Failure> {
    let plan = |movie: Movie| {
        let movie = Arc::new(movie);
        let offer = Presentation::new(Arc::clone(&movie), &PlanOptions::default());
        (movie, offer)
    };
    let (movie, offer) = plan(movie);
    match offer {
        Err(error) if error.kind == media::ErrorKind::NoIndex => match scan(file, &movie, progress)? {
            Some(movie) => Ok(plan(movie)),
            None => Ok((movie, Err(error))),
        },
        offer => Ok((movie, offer)),
    }
}

/// The movie with an index that is made by going through the whole file; `None` where that would not help.
fn scan(
    file: &LocalFile,
    movie: &Movie,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<Movie>, Failure> {
    let Some(mut scan) = movie.scan() else { return Ok(None) };
    let mut view = Arrived::new(file.len);
    loop {
        match scan.step(&view)? {
            Step::Done(movie) => return Ok(Some(movie)),
            Step::Need(need) => {
                let data = match file.read(need.clone()) {
                    Ok(data) => data,
                    Err(Stop::Fail(error)) => return Err(error.into()),
                    Err(Stop::Need(_)) => {
                        return Err(Error::new(ErrorKind::Internal, "a local file is incomplete").into());
                    }
                };
                view = Arrived::new(file.len);
                view.insert(need.start, data);
                let (done, total) = (scan.position(), scan.len());
                progress(Progress { stage: Stage::Index, done, total, bytes: done });
            }
        }
    }
}

/// What is in a local file, and how it is streamed as HLS. `progress` hears how far the making of an index is, where
/// the file has none.
///
/// # Errors
/// `NotFound` when it cannot be read, `Unsupported` when it is no film that is known here.
pub fn probe(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Report, Error> {
    let file = LocalFile::open(path)?;
    let movie = done(media::open(&file)).map_err(|failure| failure.of(path))?;
    let (movie, offer) = match offer(&file, movie, progress) {
        Ok(found) => found,
        // What is known without the index is told all the same.
        Err(Failure::Media(error)) => {
            (Arc::new(done(media::open(&file)).map_err(|failure| failure.of(path))?), Err(error))
        }
        Err(failure) => return Err(failure.of(path)),
    };
    let sidecars = sidecars::Sidecars::beside(path).listed();
    let mut report =
        Report::new(&movie, offer.as_ref().map_err(|error| *error), IndexState::Complete, &sidecars);
    // A list that is damaged is none.
    if let Ok(Step::Done(attachments)) = movie.attachments(&file) {
        report.attachments = attachments.iter().map(AttachmentReport::new).collect();
    }
    Ok(report)
}
