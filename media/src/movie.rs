//! What is known of a file once its index has been read.

use crate::attachment::Attachment;
use crate::bit_rate::{constant_bits, usual_bits};
use crate::chapters::Chapter;
use crate::error::Error;
use crate::mkv::MkvFile;
use crate::mp4::Mp4File;
use crate::source::{ByteSource, Step, Stop};
use crate::time::Time90k;
use crate::track::{Keyframe, Sample, Span, Track, TrackId, TrackKind};
use std::fmt;
use std::ops::Range;

/// A file's tracks and index.
#[derive(Debug)]
pub struct Movie {
    /// How the file is built.
    pub format: Format,
    /// All tracks, in the order of the file.
    pub tracks: Vec<Track>,
    pub(crate) container: Container,
}

/// A container format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// MP4 or QuickTime.
    Mp4,
    /// Matroska or WebM.
    Matroska,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mp4 => "mp4",
            Self::Matroska => "matroska",
        })
    }
}

/// The file's index, by format.
#[derive(Debug)]
pub(crate) enum Container {
    Mp4(Mp4File),
    Mkv(MkvFile),
}

/// Reads the index of a file, whichever of the known formats it is in.
///
/// # Errors
/// `Unsupported` when the format is not known, else what is wrong with the index.
pub fn open(src: &dyn ByteSource) -> Result<Step<Movie>, Error> {
    Step::of(open_container(src).map(Movie::of))
}

fn open_container(src: &dyn ByteSource) -> Result<Container, Stop> {
    let head = src.read(0..src.len().min(12))?;
    match head.get(4..8) {
        Some(
            b"ftyp" | b"moov" | b"mdat" | b"free" | b"skip" | b"wide" | b"pnot" | b"styp" | b"uuid" | b"moof"
            | b"sidx",
        ) => Ok(Container::Mp4(Mp4File::open(src)?)),
        // The EBML header's ID (RFC 8794 11.2.1).
        _ if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) => Ok(Container::Mkv(MkvFile::open(src)?)),
        _ => Err(Error::unsupported(refusal(src)?).into()),
    }
}

/// Why a file of another format is not played in HLS.
fn refusal(src: &dyn ByteSource) -> Result<&'static str, Stop> {
    let head = src.read(0..src.len().min(400))?;
    // Packets of 188 bytes, in M2TS with 4 bytes in front of each, begin with 0x47 (ISO/IEC 13818-1 2.4.3.2).
    let repeats = |from: usize, step: usize| (0..2).all(|n| head.get(from + n * step) == Some(&0x47));
    Ok(if repeats(0, 188) || repeats(4, 192) {
        "an MPEG-TS file has no index that tells where to cut it; it can only be had as it is, from /stream"
    } else {
        "neither an MP4 nor a Matroska file; it can only be had as it is, from /stream"
    })
}

/// What a segment of subtitles needs: MP4 knows the times of all samples, Matroska only where they may be.
#[derive(Debug, Clone)]
pub(crate) struct SubtitleSpan {
    /// The span before, in which a text may have begun that is still shown.
    pub(crate) previous: Option<Span>,
    /// The segment's own span.
    pub(crate) span: Span,
    /// When the segment is shown.
    pub(crate) times: Range<Time90k>,
}

/// Sizes in bytes of the samples of a span.
#[derive(Debug)]
pub(crate) enum SpanSizes {
    /// Of each sample, one list for each track that was asked for.
    Each(Vec<Vec<u64>>),
    /// Of all that were asked for together, about.
    Sum(u64),
}

impl Movie {
    /// A movie with this index.
    pub(crate) fn of(container: Container) -> Self {
        let (format, tracks) = match &container {
            Container::Mp4(file) => (Format::Mp4, file.tracks()),
            Container::Mkv(file) => (Format::Matroska, file.tracks()),
        };
        Self { format, tracks: tracks.to_vec(), container }
    }

    /// The track of that number.
    pub fn track(&self, id: TrackId) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == id)
    }

    /// Places with names, in order of time; none when the file has none, or has them where reading them would keep
    /// the player waiting.
    pub fn chapters(&self) -> &[Chapter] {
        match &self.container {
            Container::Mp4(file) => file.chapters(),
            Container::Mkv(file) => file.chapters(),
        }
    }

    /// How long the presentation lasts, as far as the index tells.
    pub fn duration(&self) -> Option<Time90k> {
        match &self.container {
            Container::Mp4(file) => file.duration(),
            Container::Mkv(file) => file.duration(),
        }
    }

    /// The files inside of it, which only Matroska has: fonts and cover art. Only their names and places are read, a
    /// little for each, and not when the film is opened.
    ///
    /// # Errors
    /// None but for damage that leaves nothing to read; a miss is [`Step::Need`].
    pub fn attachments(&self, src: &dyn ByteSource) -> Result<Step<Vec<Attachment>>, Error> {
        match &self.container {
            Container::Mp4(_) => Ok(Step::Done(Vec::new())),
            Container::Mkv(file) => Step::of(file.attachments(src)),
        }
    }

    /// When the first sample of `track` is shown; negative for encoder priming.
    pub(crate) fn start(&self, track: TrackId) -> Option<Time90k> {
        match &self.container {
            Container::Mp4(file) => file.start(track),
            Container::Mkv(file) => file.start(track),
        }
    }

    /// When the last sample of `track` ends, as far as the index tells.
    pub(crate) fn end(&self, track: TrackId) -> Option<Time90k> {
        match &self.container {
            Container::Mp4(file) => file.end(track),
            Container::Mkv(file) => file.end(track),
        }
    }

    /// The random access points of `track`, times strictly rising. Not a list: in a sound track every frame is
    /// one.
    pub(crate) fn keyframes(&self, track: TrackId) -> Result<Box<dyn Iterator<Item = Keyframe> + '_>, Error> {
        Ok(match &self.container {
            Container::Mp4(file) => Box::new(file.keyframes(track)?),
            Container::Mkv(file) => Box::new(file.keyframes(track)?.into_iter()),
        })
    }

    /// The file's bytes that hold the span's samples, sorted and disjoint.
    pub(crate) fn byte_ranges(
        &self,
        cut: TrackId,
        tracks: &[TrackId],
        span: &Span,
    ) -> Result<Vec<Range<u64>>, Error> {
        match &self.container {
            Container::Mp4(file) => file.byte_ranges(cut, tracks, span),
            Container::Mkv(file) => Ok(file.byte_ranges(span)),
        }
    }

    /// How large the span's samples are, as far as the index tells.
    pub(crate) fn sizes(&self, cut: TrackId, tracks: &[TrackId], span: &Span) -> SpanSizes {
        match &self.container {
            Container::Mp4(file) => {
                let each = tracks.iter().map(|track| file.sizes(cut, *track, span)).collect();
                Option::map_or_else(
                    each,
                    || SpanSizes::Sum(self.size_in_fragments(file, cut, tracks, span)),
                    SpanSizes::Each,
                )
            }
            Container::Mkv(file) => SpanSizes::Sum(file.size_of(cut, tracks, span)),
        }
    }

    /// About how many bytes `tracks` have in a span of fragments, of which the index tells only how large they are with
    /// all tracks together.
    fn size_in_fragments(&self, file: &Mp4File, cut: TrackId, tracks: &[TrackId], span: &Span) -> u64 {
        let played = |track: &&Track| matches!(track.kind, TrackKind::Video | TrackKind::Audio);
        let ids: Vec<TrackId> = self.tracks.iter().filter(played).map(|track| track.id).collect();
        let ranges = file.byte_ranges(cut, &ids, span).unwrap_or_default();
        let all: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        let end = span.end.map(|end| end.pts).or_else(|| file.end(cut)).unwrap_or(span.start.pts);
        let ticks = (end - span.start.pts).max(Time90k::ZERO);
        let usual = |of: &dyn Fn(&TrackId) -> bool| {
            let tracks = self.tracks.iter().filter(played).filter(|track| of(&track.id));
            let bits = tracks.map(|track| constant_bits(&track.codec).unwrap_or_else(|| usual_bits(track)));
            whole(bits.sum::<f64>() / 8.0 * ticks.seconds())
        };
        if tracks.contains(&cut) {
            // However much the others are taken to have, something is left.
            all.saturating_sub(usual(&|id| !tracks.contains(id))).max(all / 20)
        } else {
            usual(&|id| tracks.contains(id)).min(all)
        }
    }

    /// The span's samples, one list for each of `tracks`; the span is of the track that was `cut`.
    pub(crate) fn samples(
        &self,
        src: &dyn ByteSource,
        cut: TrackId,
        tracks: &[TrackId],
        span: &Span,
    ) -> Result<Vec<Vec<Sample>>, Stop> {
        match &self.container {
            Container::Mp4(file) => file.samples(src, cut, tracks, span),
            Container::Mkv(file) => file.samples(src, tracks, span),
        }
    }

    /// The file when its index tells the time of every sample, wherever that lies.
    const fn sample_table(&self) -> Option<&Mp4File> {
        match &self.container {
            Container::Mp4(file) if !file.is_fragmented() => Some(file),
            Container::Mp4(_) | Container::Mkv(_) => None,
        }
    }

    /// True where [`Movie::subtitle_samples`] goes by times alone; else it gives all that is in the spans.
    pub(crate) const fn cuts_subtitles_by_time(&self) -> bool {
        self.sample_table().is_some()
    }

    /// The file's bytes that hold the samples of a subtitle track for a segment, sorted and disjoint.
    pub(crate) fn subtitle_ranges(
        &self,
        cut: TrackId,
        track: TrackId,
        wanted: &SubtitleSpan,
    ) -> Result<Vec<Range<u64>>, Error> {
        if let Some(file) = self.sample_table() {
            return file.ranges_shown(track, &wanted.times);
        }
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for span in wanted.previous.iter().chain([&wanted.span]) {
            ranges.extend(self.byte_ranges(cut, &[track], span)?);
        }
        ranges.sort_unstable_by_key(|range| range.start);
        let mut joined: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        Ok(joined)
    }

    /// The samples of a subtitle track that may be seen in a segment.
    pub(crate) fn subtitle_samples(
        &self,
        src: &dyn ByteSource,
        cut: TrackId,
        track: TrackId,
        wanted: &SubtitleSpan,
    ) -> Result<Vec<Sample>, Stop> {
        if let Some(file) = self.sample_table() {
            return file.samples_shown(src, track, &wanted.times);
        }
        let mut samples = Vec::new();
        for span in wanted.previous.iter().chain([&wanted.span]) {
            samples.extend(self.samples(src, cut, &[track], span)?.into_iter().flatten());
        }
        Ok(samples)
    }

    /// What to fetch for one keyframe of `track`, where `next` is the one behind it; it may turn out to need more.
    pub(crate) fn keyframe_ranges(
        &self,
        track: TrackId,
        keyframe: &Keyframe,
        next: Option<Keyframe>,
    ) -> Result<Vec<Range<u64>>, Error> {
        match &self.container {
            Container::Mp4(file) => file.byte_ranges(track, &[track], &file.span_of(track, keyframe, next)),
            Container::Mkv(file) => Ok(file.keyframe_ranges(keyframe)),
        }
    }

    /// How many bytes one keyframe of `track` has; `None` when the index does not tell.
    pub(crate) fn keyframe_size(
        &self,
        track: TrackId,
        keyframe: &Keyframe,
        next: Option<Keyframe>,
    ) -> Option<u64> {
        match &self.container {
            Container::Mp4(file) => {
                file.sizes(track, track, &file.span_of(track, keyframe, next))?.first().copied()
            }
            Container::Mkv(_) => None,
        }
    }

    /// One keyframe of `track`, by itself.
    pub(crate) fn keyframe(
        &self,
        src: &dyn ByteSource,
        track: TrackId,
        keyframe: &Keyframe,
        next: Option<Keyframe>,
    ) -> Result<Sample, Stop> {
        match &self.container {
            Container::Mp4(file) => {
                let lists = file.samples(src, track, &[track], &file.span_of(track, keyframe, next))?;
                let empty = Error::malformed("a keyframe without bytes", 0);
                Ok(lists.into_iter().flatten().next().ok_or(empty)?)
            }
            Container::Mkv(file) => file.keyframe(src, track, keyframe),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
const fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn other_formats_are_named() {
        let what = |film: Vec<u8>| open(&Bytes::from(film)).map(|_| ()).unwrap_err().what;
        let packets = |from: usize, step: usize| {
            let mut film = vec![0xffu8; 1000];
            (from..1000).step_by(step).for_each(|at| film[at] = 0x47);
            film
        };
        assert!(what(packets(0, 188)).contains("MPEG-TS"));
        assert!(what(packets(4, 192)).contains("MPEG-TS"));
        assert!(what(vec![0x47; 100]).contains("neither"));
        assert!(what(Vec::new()).contains("neither"));
    }
}
