//! Subtitles as files: those beside the film as they are, and tracks of the film as far as it is here.

use super::fetch::{self, Failure};
use super::piece::TrackKey;
use super::presentation::{Presentation, unsupported};
use super::source::{MAX_SEGMENT, Source};
use crate::error::{Error, ErrorKind};
use crate::report::SubtitleReport;
use bytes::Bytes;
use media::source::Arrived;
use media::text::{Document, Export, FileFormat};
use media::track::{Codec, TrackId, TrackKind};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file of subtitles.
#[derive(Debug, Clone)]
pub struct SubtitleFile {
    /// The file.
    pub bytes: Bytes,
    /// Its media type.
    pub media_type: &'static str,
    /// Up to which time nothing is missing in it, in seconds from the beginning.
    pub known: f64,
    /// True when all of it is here.
    pub complete: bool,
}

/// A track of which some segments have been read.
pub(super) struct Collected {
    export: Mutex<Export>,
    /// Segments that have been read, also those that could not be understood.
    read: Mutex<BTreeSet<u32>>,
}

/// Which subtitles a file's name means.
enum Which {
    Track(TrackId),
    File(u32),
}

/// Takes the name of a file of subtitles apart, such as `s3.ass` or `f12.vtt`.
fn parse(name: &str) -> Option<(Which, FileFormat)> {
    let format = FileFormat::of_name(name)?;
    let stem = name.strip_suffix(format.extension())?.strip_suffix('.')?;
    let number = |digits: &str| {
        let is_canonical = digits == "0" || !digits.starts_with('0');
        digits
            .parse::<u64>()
            .ok()
            .filter(|_| is_canonical && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let which = match stem.strip_prefix('s') {
        Some(track) => Which::Track(TrackId(number(track)?)),
        None => Which::File(u32::try_from(number(stem.strip_prefix('f')?)?).ok()?),
    };
    Some((which, format))
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "No such subtitles")
}

impl Source {
    /// The file of subtitles of that name. With `wait` all of a track is read, else only what is here.
    pub(super) async fn subtitle_file(
        self: &Arc<Self>,
        name: &str,
        wait: bool,
    ) -> Result<SubtitleFile, Error> {
        match parse(name).ok_or_else(missing)? {
            (Which::File(number), format) => self.file_beside(number, format).await,
            (Which::Track(track), format) => self.track_as_file(track, format, wait).await,
        }
    }

    async fn file_beside(&self, number: u32, format: FileFormat) -> Result<SubtitleFile, Error> {
        let bytes = if self.sidecars.get(number)?.format == format {
            self.sidecars.bytes(number).await?
        } else if format == FileFormat::WebVtt {
            self.sidecars.document(number).await?.to_webvtt().into()
        } else {
            return Err(missing());
        };
        let known = match self.known() {
            Some(Ok(film)) => film.duration_seconds().unwrap_or(0.0),
            _ => 0.0,
        };
        Ok(SubtitleFile { bytes, media_type: format.media_type(), known, complete: true })
    }

    async fn track_as_file(
        self: &Arc<Self>,
        track: TrackId,
        format: FileFormat,
        wait: bool,
    ) -> Result<SubtitleFile, Error> {
        let presentation = self.presentation().await?;
        if presentation.lacks_index() {
            return Err(self.wait());
        }
        let key: TrackKey = (self.key, presentation.is_scanned(), track);
        let collected = self.segments.exports.get_or_try(key, || {
            let offer = presentation.offer()?;
            let export = Export::new(offer.movie(), track).map_err(|_| missing())?;
            Ok::<_, Error>(Arc::new(Collected { export: Mutex::new(export), read: Mutex::default() }))
        })?;
        let own = collected.export().format();
        if format != own && format != FileFormat::WebVtt {
            return Err(missing());
        }
        self.collect(&presentation, &collected, wait).await?;
        let finish = move || {
            let (offer, export) = (presentation.offer()?, collected.export().clone());
            let file = export.file().map_err(|error| unsupported(&error))?;
            let bytes = if format == own {
                file
            } else {
                // Without a single cue so far it is still a file.
                Document::parse(&file, own, None).unwrap_or_default().to_webvtt().into()
            };
            Ok(SubtitleFile {
                bytes,
                media_type: format.media_type(),
                known: export.known_until(offer.plan()).seconds(),
                complete: collected.lock().len() == offer.plan().segments.len(),
            })
        };
        self.segments.compute(finish).await?
    }

    /// Reads the segments of a track that have not been read: all, or those whose bytes are here.
    async fn collect(
        self: &Arc<Self>,
        presentation: &Arc<Presentation>,
        collected: &Arc<Collected>,
        wait: bool,
    ) -> Result<(), Error> {
        for segment in &presentation.offer()?.plan().segments {
            let index = segment.index;
            if collected.lock().contains(&index) {
                continue;
            }
            let ranges = {
                let offer = presentation.offer()?;
                let ranges = collected.export().ranges(offer.movie(), offer.plan(), index);
                ranges.map_err(|error| unsupported(&error))?
            };
            if !wait && !ranges.iter().all(|range| self.file.has(range.clone())) {
                continue;
            }
            let window = self.window(ranges).await?;
            let add = {
                let (presentation, collected) = (Arc::clone(presentation), Arc::clone(collected));
                move |source: &Arrived| {
                    let offer = presentation.raw_offer()?;
                    collected.export().add(offer.movie(), offer.plan(), index, source)
                }
            };
            match fetch::drive(&*self.file, &window, MAX_SEGMENT, &self.segments.cpus, add).await {
                Ok(()) => {}
                Err(Failure::Read(error)) => return Err(error),
                // One damaged place must not cost all the rest.
                Err(Failure::Media(error)) => tracing::debug!(%error, index, "subtitles left out"),
            }
            collected.lock().insert(index);
        }
        Ok(())
    }

    /// What is told of all subtitles, those of the film first.
    pub(super) fn subtitles(&self, presentation: Option<&Presentation>) -> Vec<SubtitleReport> {
        let offer = presentation.and_then(|presentation| presentation.offer().ok());
        let seconds = presentation.and_then(Presentation::duration_seconds).unwrap_or(0.0);
        let whole = self.file.has(0..self.file.len());
        let tracks = offer.iter().flat_map(|offer| offer.subtitles().map(move |track| (offer, track)));
        let tracks = tracks.filter_map(|(offer, track)| {
            let export = Export::new(offer.movie(), track.id).ok()?;
            let plan = offer.plan();
            let is_missing = |index| {
                let ranges = export.ranges(offer.movie(), plan, index);
                !ranges.is_ok_and(|ranges| ranges.iter().all(|range| self.file.has(range.clone())))
            };
            let mut unknown = plan.segments.iter().filter(|segment| !whole && is_missing(segment.index));
            let until = unknown.next().map(|segment| (segment.start - plan.origin()).seconds());
            Some(SubtitleReport::of_track(track, export.format(), until.unwrap_or(seconds), until.is_none()))
        });
        let files = self.sidecars.all().iter().map(|sidecar| {
            let reader = u32::try_from(sidecar.index).ok().and_then(|index| self.sidecars.reader(index).ok());
            let complete = reader.is_some_and(|reader| reader.has(0..reader.len()));
            SubtitleReport::of_file(sidecar, if complete { seconds } else { 0.0 }, complete)
        });
        tracks.chain(files).collect()
    }
}

impl Presentation {
    /// The subtitle tracks that are not offered: number, the container's name for the codec, and the reason.
    pub fn refused_subtitles(&self) -> impl Iterator<Item = (u64, String, &'static str)> {
        self.movie().tracks.iter().filter_map(|track| match (track.kind, &track.codec) {
            (TrackKind::Subtitle, Codec::Unsupported { reason }) => {
                Some((track.id.0, track.codec_name.clone(), *reason))
            }
            _ => None,
        })
    }
}

impl Collected {
    fn export(&self) -> MutexGuard<'_, Export> {
        self.export.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(matches!(parse("s3.ass"), Some((Which::Track(TrackId(3)), FileFormat::Ass))));
        assert!(matches!(parse("f12.vtt"), Some((Which::File(12), FileFormat::WebVtt))));
        assert!(matches!(parse("f0.srt"), Some((Which::File(0), FileFormat::Srt))));
        for name in
            ["s3", "s.srt", "3.srt", "s3.SRT", "s03.srt", "f+3.srt", "f4294967296.srt", "s3.webvtt", "s3.txt"]
        {
            assert!(parse(name).is_none(), "{name}");
        }
    }
}
