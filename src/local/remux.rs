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

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("torrentstream-remux-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Remuxes a fixture with subtitles beside it; what was written, and the stages that progress told of.
    fn remuxed(fixture: &str, options: &RemuxOptions) -> (HashMap<String, Vec<u8>>, Vec<Stage>) {
        let folder = Folder::new(fixture);
        let film = folder.0.join("film.mkv");
        fs::copy(format!("{}/fixtures/{fixture}", env!("CARGO_MANIFEST_DIR")), &film).unwrap();
        fs::write(folder.0.join("film.en.srt"), "1\n00:00:01,000 --> 00:00:02,000\nBeside it\n").unwrap();
        fs::write(folder.0.join("film.de.srt"), b"\0\0\0\0\0 no text").unwrap();
        let out = folder.0.join("out");
        let (mut stages, mut last) = (Vec::new(), 0);
        remux(&film, &out, options, &mut |progress| {
            assert!(progress.done <= progress.total && progress.total > 0);
            if stages.last() != Some(&progress.stage) {
                stages.push(progress.stage);
                last = 0;
            }
            assert!(progress.done >= last);
            last = progress.done;
        })
        .unwrap();
        let files = fs::read_dir(&out).unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        });
        (files.collect(), stages)
    }

    /// Every file is named by a playlist, and every name has its file.
    fn check(files: &HashMap<String, Vec<u8>>) {
        let mut named = std::collections::BTreeSet::from(["master.m3u8".to_owned()]);
        for (_, text) in files.iter().filter(|(name, _)| has_uris(name)) {
            named.extend(uris(std::str::from_utf8(text).unwrap()));
        }
        assert_eq!(named, files.keys().cloned().collect());
        assert!(files.iter().all(|(name, bytes)| !name.ends_with(".part") && !bytes.is_empty()));
    }

    #[test]
    fn all_that_the_playlists_name_is_written() {
        let options = RemuxOptions { container: None, iframes: true };
        let (files, stages) = remuxed("mkv-everything.mkv", &options);
        check(&files);
        assert_eq!(stages, [Stage::Write]);
        let beside = String::from_utf8(files["f1-000.vtt"].clone()).unwrap();
        assert!(
            beside.contains("Beside it") && !files.contains_key("f0.m3u8"),
            "what is no text is left out"
        );
        for name in ["v1-init.mp4", "a2-000.m4s", "s5-001.vtt", "v1-iframe-000.m4s", "chapters.json"] {
            assert!(files.contains_key(name), "{name}");
        }
        let (files, _) =
            remuxed("mkv-everything.mkv", &RemuxOptions { container: Some(Container::Ts), iframes: false });
        check(&files);
        assert!(files.contains_key("segment000.ts") && !files.keys().any(|name| name.contains(".m4s")));
    }

    #[test]
    fn a_film_without_an_index_gets_one() {
        let (files, stages) = remuxed("mkv-no-cues-long.mkv", &RemuxOptions::default());
        check(&files);
        assert_eq!(stages, [Stage::Index, Stage::Write]);
        assert!(files.contains_key("segment007.ts"));
    }
}
