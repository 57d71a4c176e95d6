//! Subtitle tracks of a film, segment by segment.

use super::ass::Script;
use super::encoding::decode_words;
use super::markup::{Markup, Style};
use super::segment::{is_seen, write_segment};
use super::settings::Settings;
use super::{Cue, Document, srt, tx3g, webvtt, wvtt};
use crate::error::Error;
use crate::movie::{Movie, SubtitleSpan};
use crate::plan::{Segment, SegmentPlan};
use crate::source::{ByteSource, Step, Stop};
use crate::time::Time90k;
use crate::track::{Codec, Sample, TextFormat, Track, TrackId};
use bytes::Bytes;
use std::ops::Range;

/// Larger samples are drawings or damage.
const MAX_SAMPLE: usize = 256 << 10;
const NO_SEGMENT: Error = Error::unsupported("no segment of that number");
const NO_TEXT: Error = Error::unsupported("no such subtitle track");

/// The bytes of the file that segment `index` of a subtitle track is made of, sorted and disjoint.
///
/// In MP4 these are the samples alone; in Matroska the clusters of the segment and of the one before it, which the
/// picture needs as well, and in fragmented MP4 the fragments there.
///
/// # Errors
/// `Unsupported` when there is no such track or segment, else as for the pictures of a segment.
pub fn track_ranges(
    movie: &Movie,
    plan: &SegmentPlan,
    track: TrackId,
    index: u32,
) -> Result<Vec<Range<u64>>, Error> {
    text_track(movie, track)?;
    let (previous, segment) = segments(plan, index)?;
    movie.subtitle_ranges(plan.cut, track, &wanted(previous, segment))
}

/// Makes segment `index` of a subtitle track as WebVTT: a pure function of the file.
///
/// A cue that began earlier is repeated. In Matroska and fragmented MP4, where only reading tells what began, that is
/// so for cues of the segment before: one that lasts longer than the whole segment after its own is in these two only.
///
/// # Errors
/// `Unsupported` when there is no such track or segment, else what is wrong with the file's bytes; a miss is
/// [`Step::Need`].
pub fn track_segment(
    movie: &Movie,
    plan: &SegmentPlan,
    track: TrackId,
    index: u32,
    src: &dyn ByteSource,
) -> Result<Step<Bytes>, Error> {
    Step::of(make_segment(movie, plan, track, index, src))
}

fn make_segment(
    movie: &Movie,
    plan: &SegmentPlan,
    track: TrackId,
    index: u32,
    src: &dyn ByteSource,
) -> Result<Bytes, Stop> {
    let reader = SampleReader::of(text_track(movie, track)?)?;
    let (previous, segment) = segments(plan, index)?;
    let samples = movie.subtitle_samples(src, plan.cut, track, &wanted(previous, segment))?;
    let known: Vec<Cue> = samples.iter().flat_map(|sample| reader.cues(sample, plan.origin())).collect();
    let document = Document::in_order(known);
    let shown =
        document.cues().iter().filter(|cue| is_seen(cue, plan, segment) || lies_ahead(cue, plan, segment));
    Ok(write_segment(shown).into())
}

/// True for what Matroska has in a segment's clusters although it is shown later: no other segment would have it.
fn lies_ahead(cue: &Cue, plan: &SegmentPlan, segment: &Segment) -> bool {
    cue.start >= segment.end - plan.origin()
}

/// The subtitle track of that number, if it is text.
pub(super) fn text_track(movie: &Movie, track: TrackId) -> Result<&Track, Error> {
    movie.track(track).filter(|track| matches!(track.codec, Codec::Text(_))).ok_or(NO_TEXT)
}

fn segments(plan: &SegmentPlan, index: u32) -> Result<(Option<&Segment>, &Segment), Error> {
    let previous = index.checked_sub(1).and_then(|previous| plan.segment(previous));
    Ok((previous, plan.segment(index).ok_or(NO_SEGMENT)?))
}

fn wanted(previous: Option<&Segment>, segment: &Segment) -> SubtitleSpan {
    SubtitleSpan {
        previous: previous.map(|previous| previous.span),
        span: segment.span,
        times: segment.start..segment.end,
    }
}

/// Reads the samples of a track.
pub(super) enum SampleReader {
    Srt(Option<String>),
    Ass(Box<Script>),
    WebVtt,
    WebmVtt,
    Mp4Vtt,
    Tx3g(Style),
}

impl SampleReader {
    /// The reader for `track`.
    pub(super) fn of(track: &Track) -> Result<Self, Error> {
        let Codec::Text(config) = &track.codec else { return Err(NO_TEXT) };
        Ok(match config.format {
            TextFormat::Srt => Self::Srt(track.language.as_deref().and_then(crate::language::to_bcp47)),
            TextFormat::Ass | TextFormat::Ssa => {
                Self::Ass(Box::new(Script::of_header(&String::from_utf8_lossy(&config.header))))
            }
            TextFormat::WebVtt => Self::WebVtt,
            TextFormat::WebmVtt => Self::WebmVtt,
            TextFormat::Mp4Vtt => Self::Mp4Vtt,
            TextFormat::Tx3g => Self::Tx3g(tx3g::default_style(&config.header)),
        })
    }

    /// The cues of a sample, with times since `origin`. One whose length is not known ends before it begins.
    pub(super) fn cues(&self, sample: &Sample, origin: Time90k) -> Vec<Cue> {
        if sample.data.len() > MAX_SAMPLE {
            return Vec::new();
        }
        let start = sample.pts - origin;
        let end = sample.duration.map_or(Time90k(i64::MIN), |duration| start + duration);
        let cue = |(settings, text)| Cue { start, end, settings, text };
        self.texts(&sample.data).into_iter().map(cue).collect()
    }

    fn texts(&self, data: &[u8]) -> Vec<(Settings, Markup)> {
        let text = || String::from_utf8_lossy(data);
        match self {
            Self::Srt(language) => vec![srt::block(&decode_words(data, language.as_deref()))],
            Self::Ass(script) => vec![script.block(&text())],
            Self::WebVtt => vec![(Settings::default(), webvtt::cue_text(&text()))],
            Self::WebmVtt => vec![webvtt::webm_block(&text())],
            Self::Mp4Vtt => wvtt::sample(data),
            Self::Tx3g(style) => vec![(Settings::default(), tx3g::sample(data, *style))],
        }
    }
}
