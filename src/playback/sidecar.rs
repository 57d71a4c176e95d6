//! Subtitle files beside a film.

use super::FileKey;
use super::flights::{Flights, own};
use super::segments::Segments;
use super::shelf::Shelf;
use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use bytes::Bytes;
use media::hls::SidecarSubtitle;
use media::text::sidecar::{self, Sidecar};
use media::text::{Document, FileFormat, MAX_FILE};
use std::cmp::Reverse;
use std::sync::{Arc, OnceLock};

/// Documents that are kept, over all films.
const MAX_DOCUMENTS: usize = 16;

/// Subtitle files that are looked at, and files of other kinds: each is compared with each of the other.
const MAX_LOOKED_AT: (usize, usize) = (500, 300);

/// The files among which a film lies.
pub trait Folder: Send + Sync + 'static {
    /// The paths of all of them by their numbers, folders separated by `/`.
    fn paths(&self) -> Vec<String>;

    /// A reader of file `index`.
    ///
    /// # Errors
    /// `NotFound` when there is no such file, and those of opening it.
    fn open(&self, index: u32) -> Result<Arc<dyn RangeReader>, Error>;
}

/// A film, and the files among which it lies.
pub struct Film {
    /// Reads the film.
    pub file: Arc<dyn RangeReader>,
    /// What is beside it; `None` when nothing is.
    pub folder: Option<Box<dyn Folder>>,
}

impl From<Arc<dyn RangeReader>> for Film {
    fn from(file: Arc<dyn RangeReader>) -> Self {
        Self { file, folder: None }
    }
}

/// What has become of a file of subtitles.
pub(super) type Read = Result<Arc<Document>, media::error::Error>;

/// Files of subtitles that were read, or are being read.
pub(super) struct Documents {
    kept: Shelf<FileKey, Read>,
    flights: Flights<FileKey, Read>,
}

impl Documents {
    pub(super) fn new() -> Self {
        Self { kept: Shelf::new(MAX_DOCUMENTS), flights: Flights::new() }
    }

    pub(super) fn forget(&self, id: &[u8; 20]) {
        self.kept.forget(|key| key.id == *id);
    }
}

/// The subtitle files of one film.
pub(super) struct Sidecars {
    /// Of the film.
    key: FileKey,
    folder: Option<Box<dyn Folder>>,
    found: OnceLock<Vec<Sidecar>>,
    segments: Arc<Segments>,
}

impl Sidecars {
    pub(super) fn new(key: FileKey, folder: Option<Box<dyn Folder>>, segments: Arc<Segments>) -> Self {
        Self { key, folder, found: OnceLock::new(), segments }
    }

    /// All of them, in the order of their numbers.
    pub(super) fn all(&self) -> &[Sidecar] {
        self.found.get_or_init(|| {
            let paths = self.folder.as_ref().map(|folder| folder.paths()).unwrap_or_default();
            let film = usize::try_from(self.key.index).ok().and_then(|index| paths.get(index));
            film.map(|film| sidecar::find(film, &bounded(film, &paths))).unwrap_or_default()
        })
    }

    /// As a multivariant playlist lists them.
    pub(super) fn listed(&self) -> Vec<SidecarSubtitle> {
        let listed = self.all().iter().filter_map(|one| {
            Some(SidecarSubtitle {
                file: u32::try_from(one.index).ok()?,
                language: one.language.clone(),
                name: Some(one.name.clone()),
                forced: one.forced,
                hearing_impaired: one.hearing_impaired,
                default: one.default,
            })
        });
        listed.collect()
    }

    /// What is known of file `number`.
    ///
    /// # Errors
    /// `NotFound` when it is none of the film's subtitles.
    pub(super) fn get(&self, number: u32) -> Result<&Sidecar, Error> {
        let is_meant = |one: &&Sidecar| u32::try_from(one.index) == Ok(number);
        let missing = || Error::new(ErrorKind::NotFound, "No such subtitles");
        self.all().iter().find(is_meant).ok_or_else(missing)
    }

    pub(super) fn reader(&self, number: u32) -> Result<Arc<dyn RangeReader>, Error> {
        self.get(number)?;
        let folder = self.folder.as_ref();
        folder.ok_or_else(|| Error::new(ErrorKind::NotFound, "No such subtitles"))?.open(number)
    }

    /// The bytes of file `number`.
    ///
    /// # Errors
    /// `Unsupported` when it is too large for subtitles, and those of the reader.
    pub(super) async fn bytes(&self, number: u32) -> Result<Bytes, Error> {
        let reader = self.reader(number)?;
        read(&*reader).await
    }

    /// The subtitles of file `number`, read once for all who wait.
    ///
    /// # Errors
    /// As [`Sidecars::bytes`]; `Unsupported` when it holds no subtitles.
    pub(super) async fn document(&self, number: u32) -> Result<Arc<Document>, Error> {
        let sidecar = self.get(number)?;
        let key = FileKey { index: number, ..self.key };
        let documents = &self.segments.documents;
        if let Some(read) = documents.kept.get(key) {
            return read.map_err(|error| unreadable(&error));
        }
        let reader = self.reader(number)?;
        let flight = documents.flights.join(key, || {
            let (segments, format, language) =
                (Arc::clone(&self.segments), sidecar.format, sidecar.language.clone());
            async move {
                let bytes = read(&*reader).await?;
                let parsed =
                    segments.compute(move || Document::parse(&bytes, format, language.as_deref())).await?;
                let parsed = parsed.map(Arc::new);
                segments.documents.kept.put(key, parsed.clone());
                Ok(parsed)
            }
        });
        flight.await.map_err(|error| own(&error))?.map_err(|error| unreadable(&error))
    }
}

/// The paths; beyond the limits only those that are most like the film's are left, the others are empty.
fn bounded<'a>(film: &str, paths: &'a [String]) -> Vec<&'a str> {
    let likeness =
        |path: &str| film.bytes().zip(path.bytes()).take_while(|(one, other)| one == other).count();
    let mut nearest: Vec<usize> = (0..paths.len()).collect();
    nearest.sort_by_cached_key(|index| Reverse(paths.get(*index).map(|path| likeness(path))));
    let (mut subtitles, mut others) = MAX_LOOKED_AT;
    let mut looked_at = vec![""; paths.len()];
    for index in nearest {
        let (Some(path), Some(place)) = (paths.get(index), looked_at.get_mut(index)) else { continue };
        let left = if FileFormat::of_name(path).is_some() { &mut subtitles } else { &mut others };
        if *left > 0 {
            *left -= 1;
            *place = path;
        }
    }
    looked_at
}

async fn read(reader: &dyn RangeReader) -> Result<Bytes, Error> {
    if reader.len() > MAX_FILE as u64 {
        return Err(Error::new(ErrorKind::Unsupported, "The file is too large for subtitles"));
    }
    reader.read(0..reader.len()).await
}

fn unreadable(error: &media::error::Error) -> Error {
    Error::new(ErrorKind::Unsupported, format!("These subtitles cannot be read: {error}"))
}
