//! A subtitle track as a file again, as far as the film is here.

use super::track::{SampleReader, text_track};
use super::{Document, FileFormat, MAX_CUES, MAX_FILE, markup, write};
use crate::error::Error;
use crate::movie::{Movie, SubtitleSpan};
use crate::plan::SegmentPlan;
use crate::source::{ByteSource, Step, Stop};
use crate::time::Time90k;
use crate::track::{Codec, Sample, TextConfig, TextFormat, Track, TrackId};
use bytes::Bytes;
use markup::Piece;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

/// A track that is collected segment by segment, in any order; [`Export::file`] may be asked for at any time.
///
/// Texts are kept as the track has them. Times count from the beginning of the presentation.
#[derive(Debug, Clone)]
pub struct Export {
    track: Track,
    config: TextConfig,
    added: BTreeSet<u32>,
    samples: Vec<Sample>,
    bytes: usize,
}

impl Export {
    /// Nothing of `track` yet.
    ///
    /// # Errors
    /// `Unsupported` when there is no such text track.
    pub fn new(movie: &Movie, track: TrackId) -> Result<Self, Error> {
        let track = text_track(movie, track)?.clone();
        let Codec::Text(config) = &track.codec else {
            return Err(Error::unsupported("no such subtitle track"));
        };
        let config = config.clone();
        Ok(Self { track, config, added: BTreeSet::new(), samples: Vec::new(), bytes: 0 })
    }

    /// What the file is.
    pub const fn format(&self) -> FileFormat {
        match self.config.format {
            TextFormat::Srt | TextFormat::Tx3g => FileFormat::Srt,
            TextFormat::Ass => FileFormat::Ass,
            TextFormat::Ssa => FileFormat::Ssa,
            TextFormat::WebVtt | TextFormat::WebmVtt | TextFormat::Mp4Vtt => FileFormat::WebVtt,
        }
    }

    /// The bytes of the film that segment `index` of the track is read from, sorted and disjoint.
    ///
    /// # Errors
    /// As [`super::track_ranges`].
    pub fn ranges(&self, movie: &Movie, plan: &SegmentPlan, index: u32) -> Result<Vec<Range<u64>>, Error> {
        movie.subtitle_ranges(plan.cut, self.track.id, &span_of(plan, index)?)
    }

    /// Adds what begins in segment `index`; one that was added before changes nothing.
    ///
    /// # Errors
    /// `Limit` when the track is larger than any subtitles; else what is wrong with the file's bytes. A miss is
    /// [`Step::Need`], and leaves the export as it was.
    pub fn add(
        &mut self,
        movie: &Movie,
        plan: &SegmentPlan,
        index: u32,
        src: &dyn ByteSource,
    ) -> Result<Step<()>, Error> {
        Step::of(self.try_add(movie, plan, index, src))
    }

    fn try_add(
        &mut self,
        movie: &Movie,
        plan: &SegmentPlan,
        index: u32,
        src: &dyn ByteSource,
    ) -> Result<(), Stop> {
        if self.added.contains(&index) {
            return Ok(());
        }
        let wanted = span_of(plan, index)?;
        let samples = movie.subtitle_samples(src, plan.cut, self.track.id, &wanted)?;
        // What began earlier belongs to an earlier segment, in MP4, which is cut by time.
        let begins = |sample: &Sample| {
            index == 0 || !movie.cuts_subtitles_by_time() || wanted.times.contains(&sample.pts)
        };
        for mut sample in samples.into_iter().filter(begins) {
            self.bytes = self.bytes.saturating_add(sample.data.len());
            if self.bytes > MAX_FILE || self.samples.len() >= MAX_CUES {
                return Err(Error::limit("a subtitle track of more than 16 MiB", 0).into());
            }
            // A slice would keep all of the segment in memory.
            sample.data = Bytes::copy_from_slice(&sample.data);
            sample.pts = sample.pts - plan.origin();
            self.samples.push(sample);
        }
        self.added.insert(index);
        Ok(())
    }

    /// Up to which time, from the beginning, nothing is missing.
    pub fn known_until(&self, plan: &SegmentPlan) -> Time90k {
        let missing = plan.segments.iter().find(|segment| !self.added.contains(&segment.index));
        missing.map_or_else(|| plan.duration(), |segment| segment.start - plan.origin())
    }

    /// True when every segment of `plan` was added.
    pub fn is_complete(&self, plan: &SegmentPlan) -> bool {
        plan.segments.iter().all(|segment| self.added.contains(&segment.index))
    }

    /// The file of what was added.
    ///
    /// # Errors
    /// `Unsupported` when the track is no text, which [`Export::new`] has told before.
    pub fn file(&self) -> Result<Bytes, Error> {
        let mut samples = self.samples.clone();
        samples.sort_by_key(|sample| sample.pts);
        Ok(match self.format() {
            FileFormat::Ass | FileFormat::Ssa => self.script(&samples),
            FileFormat::Srt if self.config.format == TextFormat::Srt => srt(&samples),
            FileFormat::Srt => srt_of(&self.document(&samples)?),
            FileFormat::WebVtt => {
                let mut out = "WEBVTT\n\n".to_owned();
                self.document(&samples)?.cues().iter().for_each(|cue| write::cue(cue, &mut out));
                out
            }
        }
        .into())
    }

    fn document(&self, samples: &[Sample]) -> Result<Document, Error> {
        let reader = SampleReader::of(&self.track)?;
        Ok(Document::in_order(samples.iter().flat_map(|sample| reader.cues(sample, Time90k::ZERO)).collect()))
    }

    /// The script's header, and its lines in the order that they had.
    fn script(&self, samples: &[Sample]) -> String {
        let mut out = String::new();
        let mut in_events = false;
        let header = String::from_utf8_lossy(&self.config.header);
        for line in header.trim_start_matches('\u{feff}').trim_end_matches(['\0', '\r', '\n']).lines() {
            if let Some(section) = line.trim_start().strip_prefix('[') {
                in_events = section.to_ascii_lowercase().starts_with("events]");
            }
            if !in_events {
                let _ = writeln!(out, "{line}");
            }
        }
        // Blocks have these fields in this order, whatever the header says.
        let first = if self.config.format == TextFormat::Ssa { "Marked" } else { "Layer" };
        let fields = "Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text";
        let gap = if out.is_empty() || out.ends_with("\n\n") { "" } else { "\n" };
        let _ = writeln!(out, "{gap}[Events]\nFormat: {first}, {fields}");
        let mut lines: Vec<(i64, String)> = timed(samples).into_iter().filter_map(dialogue).collect();
        lines.sort_by_key(|(order, _)| *order);
        lines.iter().for_each(|(_, line)| out.push_str(line));
        out
    }
}

/// What begins in one segment; the first takes what is earlier, the last what is later.
fn span_of(plan: &SegmentPlan, index: u32) -> Result<SubtitleSpan, Error> {
    let segment = plan.segment(index).ok_or(Error::unsupported("no segment of that number"))?;
    let is_last = segment.span.end.is_none();
    let start = if segment.span.first { Time90k(i64::MIN) } else { segment.start };
    let end = if is_last { Time90k(i64::MAX) } else { segment.end };
    Ok(SubtitleSpan { previous: None, span: segment.span, times: start..end })
}

/// Samples, in order, with the times when they go: those that do not say so when the next comes, or after 5 s.
fn timed(samples: &[Sample]) -> Vec<(Time90k, Time90k, &Sample)> {
    let mut timed: Vec<_> = Vec::with_capacity(samples.len());
    let mut last: Option<Time90k> = None;
    let mut follower = Time90k(i64::MAX);
    for sample in samples.iter().rev() {
        if let Some(last) = last.filter(|last| *last > sample.pts) {
            follower = last;
        }
        last = Some(sample.pts);
        let open = follower.min(sample.pts + super::OPEN_END);
        timed.push((sample.pts, sample.duration.map_or(open, |duration| sample.pts + duration), sample));
    }
    timed.reverse();
    timed
}

/// A line of a script, and its place in it.
fn dialogue((start, end, sample): (Time90k, Time90k, &Sample)) -> Option<(i64, String)> {
    let text = String::from_utf8_lossy(&sample.data);
    let text = text.trim_end_matches('\0').replace("\r\n", "\\N").replace(['\r', '\n'], "\\N");
    let (order, rest) = text.split_once(',')?;
    let (layer, rest) = rest.split_once(',')?;
    let order = order.trim().parse().unwrap_or(i64::MAX);
    let (start, end) = (centiseconds(start), centiseconds(end));
    Some((order, format!("Dialogue: {},{start},{end},{rest}\n", layer.trim())))
}

/// `h:mm:ss.cc`
fn centiseconds(time: Time90k) -> String {
    let total = time.0.max(0).saturating_add(450) / 900;
    let (hours, minutes) = (total / 360_000, total / 6_000 % 60);
    format!("{hours}:{minutes:02}:{:02}.{:02}", total / 100 % 60, total % 100)
}

/// SubRip blocks as they are.
fn srt(samples: &[Sample]) -> String {
    let mut out = String::new();
    let mut number = 0;
    for (start, end, sample) in timed(samples) {
        let text = super::encoding::decode_words(&sample.data, None);
        let text = text.trim_end_matches('\0');
        let lines: Vec<&str> = super::srt::lines(text).filter(|line| !line.trim().is_empty()).collect();
        if !lines.is_empty() {
            number += 1;
            srt_cue(number, start, end, &lines.join("\n"), &mut out);
        }
    }
    out
}

fn srt_cue(number: u32, start: Time90k, end: Time90k, text: &str, out: &mut String) {
    let _ = writeln!(out, "{number}");
    write::instant(start, ',', out);
    out.push_str(" --> ");
    write::instant(end, ',', out);
    let _ = write!(out, "\n{text}\n\n");
}

/// Other cues as SubRip: bold, italics and underlines stay.
fn srt_of(document: &Document) -> String {
    let mut out = String::new();
    for (cue, number) in document.cues().iter().zip(1..) {
        let mut text = String::new();
        for piece in cue.text.pieces() {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Open(tag) if is_srt(tag.name()) => drop(write!(text, "<{}>", tag.name())),
                Piece::Close(name) if is_srt(name) => drop(write!(text, "</{name}>")),
                Piece::Open(_) | Piece::Close(_) => {}
            }
        }
        srt_cue(number, cue.start, cue.end, &text, &mut out);
    }
    out
}

fn is_srt(name: &str) -> bool {
    matches!(name, "b" | "i" | "u")
}
