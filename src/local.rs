//! Local files: what `probe` and `remux` do, by the same code that serves a swarm.

use crate::error::{Error, ErrorKind};
use crate::report::{IndexState, Report};
use bytes::Bytes;
use media::hls::Resource;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::source::{ByteSource, Step, Stop};
use std::fs::{self, File};
use std::io::Write as _;
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

/// Every byte is here, so nothing can be missing.
fn done<T>(step: Step<T>) -> Result<T, Error> {
    match step {
        Step::Done(value) => Ok(value),
        Step::Need(_) => Err(Error::new(ErrorKind::Internal, "a local file claims to be incomplete")),
    }
}

fn unusable(path: &Path) -> impl Fn(media::Error) -> Error {
    move |error| Error::new(ErrorKind::Unsupported, path.display().to_string()).caused_by(error)
}

/// What is in a local file, and whether it can be streamed as HLS.
///
/// # Errors
/// `NotFound` when it cannot be read, `Unsupported` when it is no film that is known here.
pub fn probe(path: &Path) -> Result<Report, Error> {
    let file = LocalFile::open(path)?;
    let movie = Arc::new(done(media::open(&file).map_err(unusable(path))?)?);
    let offer = Presentation::new(Arc::clone(&movie), &PlanOptions::default());
    Ok(Report::new(&movie, offer.as_ref().map_err(|error| *error), IndexState::Complete))
}

/// Writes the whole HLS presentation of a local file into `folder`: `master.m3u8` and all it names.
/// `progress` hears how many of how many segments are written.
///
/// # Errors
/// As [`probe`]; `Unsupported` with the reason when the file cannot be streamed; `Storage` when the folder
/// cannot be written.
pub fn remux(path: &Path, folder: &Path, mut progress: impl FnMut(usize, usize)) -> Result<(), Error> {
    let file = LocalFile::open(path)?;
    let movie = Arc::new(done(media::open(&file).map_err(unusable(path))?)?);
    let offer = Presentation::new(movie, &PlanOptions::default()).map_err(unusable(path))?;
    let rendition = offer.main_rendition(None).map_err(unusable(path))?;
    let plan = offer.plan();

    let cannot_write = |path: &Path| {
        let message = format!("cannot write {}", path.display());
        move |error: std::io::Error| Error::new(ErrorKind::Storage, message).caused_by(error)
    };
    fs::create_dir_all(folder).map_err(cannot_write(folder))?;
    let write = |name: &str, data: &[u8]| {
        let path = folder.join(name);
        File::create(&path).and_then(|mut file| file.write_all(data)).map_err(cannot_write(&path))
    };
    for segment in &plan.segments {
        let bytes = done(offer.segment(&rendition, segment.index, &file).map_err(unusable(path))?)?;
        write(&Resource::Segment(rendition, segment.index).name(&offer), &bytes)?;
        progress(segment.index as usize + 1, plan.segments.len());
    }
    // Playlists last: they promise segments that are there.
    write("playlist.m3u8", media::hls::media_playlist(&offer, &rendition, None).as_bytes())?;
    let master = media::hls::multivariant_playlist(&offer, &rendition, "playlist.m3u8");
    write("master.m3u8", master.as_bytes())
}
