//! Writing a local film's whole HLS presentation.

use super::sidecars::Sidecars;
use super::{Failure, LocalFile, Progress, Stage, done, offer, scan};
use crate::container::Container;
use crate::error::{Error, ErrorKind};
use crate::report::uris;
use bytes::Bytes;
use media::hls::{MultivariantOptions, Resource};
use media::presentation::Presentation;
use media::rendition::{SegmentFormat, SubtitleId};
use media::text::Document;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// How to write it.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemuxOptions {
    /// How segments are packed; `None` leaves it to the codecs.
    pub container: Option<Container>,
    /// With key pictures by themselves.
    pub iframes: bool,
}

/// Writes the whole HLS presentation of a local file into `folder`: `master.m3u8` and all it names, playlists last, so
/// that they promise nothing that is not there. A file has its name only when it is whole.
///
/// # Errors
/// `NotFound` when the file cannot be read; `Unsupported` with the reason when it cannot be streamed; `Storage` when
/// the folder cannot be written.
pub fn remux(
    path: &Path,
    folder: &Path,
    options: &RemuxOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    let file = LocalFile::open(path)?;
    write(&file, path, folder, options, progress).map_err(|failure| failure.of(path))
}

fn write(
    file: &LocalFile,
    path: &Path,
    folder: &Path,
    options: &RemuxOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Failure> {
    let sidecars = Sidecars::beside(path).readable();
    let (movie, offered) = offer(file, done(media::open(file))?, progress)?;
    let work = |offer: Presentation| Work::new(file, offer, &sidecars, folder, options);
    match work(offered?)?.write(progress) {
        // The index does not say the truth.
        Err(Failure::Media(error)) if error.kind == media::ErrorKind::NoIndex => {
            let movie = scan(file, &movie, progress)?.ok_or(error)?;
            work(offer(file, movie, progress)?.1?)?.write(progress)
        }
        result => result,
    }
}

/// All files of a presentation, and where they go.
struct Work<'a> {
    file: &'a LocalFile,
    offer: Presentation,
    sidecars: &'a Sidecars,
    documents: HashMap<u32, Document>,
    folder: &'a Path,
    /// Names and texts in the order in which they are written: what names comes behind what is named.
    texts: Vec<(String, String)>,
    pieces: Vec<(String, Resource)>,
}

impl<'a> Work<'a> {
    fn new(
        file: &'a LocalFile,
        offer: Presentation,
        sidecars: &'a Sidecars,
        folder: &'a Path,
        options: &RemuxOptions,
    ) -> Result<Self, Failure> {
        let listed = sidecars.listed();
        let options = MultivariantOptions {
            format: options.container.map(SegmentFormat::from),
            iframes: options.iframes,
            sidecars: &listed,
        };
        let master = media::hls::multivariant_playlist(&offer, &options)?;
        let mut work = Self {
            file,
            offer,
            sidecars,
            documents: HashMap::new(),
            folder,
            texts: Vec::new(),
            pieces: Vec::new(),
        };
        let mut seen = std::collections::HashSet::new();
        for name in uris(&master) {
            let text = work.text(&name)?;
            for piece in uris(&text).into_iter().filter(|_| has_uris(&name)) {
                if seen.insert(piece.clone()) {
                    let resource = work.resource(&piece)?;
                    work.pieces.push((piece, resource));
                }
            }
            work.texts.push((name, text));
        }
        work.texts.push((media::hls::MULTIVARIANT.to_owned(), master));
        Ok(work)
    }

    fn resource(&self, name: &str) -> Result<Resource, Failure> {
        let unknown =
            || Error::new(ErrorKind::Internal, format!("a playlist names {name}, which is nothing"));
        Ok(media::hls::resource(&self.offer, name, None).ok_or_else(unknown)?)
    }

    fn text(&self, name: &str) -> Result<String, Failure> {
        let offer = &self.offer;
        Ok(match self.resource(name)? {
            Resource::Media(rendition) => media::hls::media_playlist(offer, &rendition, None),
            Resource::Subtitles(id) => media::hls::subtitle_playlist(offer, id),
            Resource::IFrames(rendition) => media::hls::iframe_playlist(offer, &rendition)?,
            Resource::ChaptersJson => media::hls::chapters_json(offer),
            Resource::ChaptersVtt => media::hls::chapters_vtt(offer),
            _ => return Err(Error::new(ErrorKind::Internal, format!("{name} is no playlist")).into()),
        })
    }

    fn piece(&mut self, resource: &Resource) -> Result<Bytes, Failure> {
        let (offer, file) = (&self.offer, self.file);
        match *resource {
            Resource::Init(rendition) => Ok(offer.init(&rendition)?),
            Resource::Segment(rendition, index) => done(offer.segment(&rendition, index, file)),
            Resource::IFrame(rendition, index) => done(offer.iframe(&rendition, index, file)),
            Resource::SubtitleSegment(SubtitleId::Track(track), index) => {
                done(offer.subtitle_segment(track, index, file))
            }
            Resource::SubtitleSegment(SubtitleId::File(number), index) => {
                if !self.documents.contains_key(&number) {
                    self.documents.clear(); // they come one after the other
                    self.documents.insert(number, self.sidecars.document(number)?);
                }
                let segment =
                    self.documents.get(&number).map(|document| document.segment(offer.plan(), index));
                Ok(segment.unwrap_or_default().into())
            }
            _ => Err(Error::new(ErrorKind::Internal, "a media playlist names a playlist").into()),
        }
    }

    fn write(mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), Failure> {
        fs::create_dir_all(self.folder).map_err(cannot_write(self.folder))?;
        let pieces = std::mem::take(&mut self.pieces);
        let total = pieces.len() as u64;
        let mut bytes = 0;
        for (done, (name, resource)) in (1..).zip(&pieces) {
            let piece = self.piece(resource)?;
            self.save(name, &piece)?;
            bytes += piece.len() as u64;
            progress(Progress { stage: Stage::Write, done, total, bytes });
        }
        for (name, text) in &self.texts {
            self.save(name, text.as_bytes())?;
        }
        Ok(())
    }

    /// Writes a file; it has its name when it is whole.
    fn save(&self, name: &str, data: &[u8]) -> Result<(), Error> {
        let (part, path): (PathBuf, PathBuf) =
            (self.folder.join(format!(".{name}.part")), self.folder.join(name));
        let written = File::create(&part)
            .and_then(|mut file| file.write_all(data))
            .and_then(|()| fs::rename(&part, &path));
        written.map_err(|error| {
            let _ = fs::remove_file(&part);
            cannot_write(&path)(error)
        })
    }
}

/// True for a playlist; other texts may hold anything.
fn has_uris(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extension == "m3u8")
}

fn cannot_write(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let message = format!("cannot write {}", path.display());
    move |error| Error::new(ErrorKind::Storage, message).caused_by(error)
}
