//! The names of all files of a presentation: written into playlists, read from URLs.
//!
//! ```text
//! master.m3u8                                  the multivariant playlist
//! playlist.m3u8  segment007.ts  segment007.m4s  init.mp4
//!                                              the main rendition: the picture with its default sound
//! v1-ts.m3u8  v1a2-mp4.m3u8                    other renditions, by the tracks' numbers in the file
//! v1-007.ts   v1a2-007.m4s   v1-init.mp4
//! s3.m3u8     s3-007.vtt                       subtitles of the film: track 3
//! f12.m3u8    f12-007.vtt                      subtitles beside the film: file 12
//! v1-iframes-ts.m3u8   v1-iframe-007.m4s       key pictures; their init segment is v1's
//! chapters.json  chapters.vtt
//! ```
//! Every file has one name. A segment's ending tells its format, so that no query is needed to know it. The main
//! rendition's playlist is `playlist.m3u8` in the format that it has by itself, and in the other one goes by its
//! tracks' numbers; only its init segment and segments have short names in both.

use crate::iframes::IFrame;
use crate::presentation::Presentation;
use crate::rendition::{Rendition, SegmentFormat, SubtitleId};
use crate::track::{Codec, TrackId};
use std::fmt::Write as _;

/// The name of the multivariant playlist.
pub const MULTIVARIANT: &str = "master.m3u8";
/// The name of the main rendition's media playlist.
pub const MAIN: &str = "playlist.m3u8";
const MAIN_INIT: &str = "init.mp4";
const MAIN_SEGMENT: &str = "segment";
const CHAPTERS_JSON: &str = "chapters.json";
const CHAPTERS_VTT: &str = "chapters.vtt";

/// A file of a presentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// The multivariant playlist.
    Multivariant,
    /// A rendition's media playlist.
    Media(Rendition),
    /// A rendition's initialization segment; of fragmented MP4 only.
    Init(Rendition),
    /// Segment of that number, from 0, of a rendition.
    Segment(Rendition, u32),
    /// The media playlist of subtitles.
    Subtitles(SubtitleId),
    /// Segment of that number, from 0, of subtitles.
    SubtitleSegment(SubtitleId, u32),
    /// The I-frame playlist of the picture.
    IFrames(Rendition),
    /// Key picture of that number, from 0.
    IFrame(Rendition, u32),
    /// Chapters in the form that Apple's players read.
    ChaptersJson,
    /// Chapters as WebVTT.
    ChaptersVtt,
}

/// What `name` stands for; `None` when it is not in its only right form or the presentation has no such file.
/// Whether there are files of subtitles beside the film is not known here: any number is taken.
///
/// `format` is the one that the client asked for beside the name; it decides about [`MAIN`] alone.
pub fn resource(presentation: &Presentation, name: &str, format: Option<SegmentFormat>) -> Option<Resource> {
    if name == MAIN {
        return presentation.main_rendition(format).ok().map(Resource::Media);
    }
    let found = parse(presentation, name)?;
    (exists(presentation, &found) && found.name(presentation) == name).then_some(found)
}

impl Resource {
    /// Its name. Of what the presentation does not have, a name that [`resource`] does not know.
    pub fn name(&self, presentation: &Presentation) -> String {
        match self {
            Self::Multivariant => MULTIVARIANT.to_owned(),
            Self::Media(rendition) if presentation.main_rendition(None) == Ok(*rendition) => MAIN.to_owned(),
            Self::Media(rendition) => format!("{}-{}.m3u8", stem(rendition), format_name(rendition.format)),
            Self::Init(rendition) if is_main(presentation, rendition) => MAIN_INIT.to_owned(),
            Self::Init(rendition) => format!("{}-init.mp4", stem(rendition)),
            Self::Segment(rendition, index) => {
                let extension = rendition.format.extension();
                if is_main(presentation, rendition) {
                    return format!("{MAIN_SEGMENT}{index:03}.{extension}");
                }
                format!("{}-{index:03}.{extension}", stem(rendition))
            }
            Self::Subtitles(id) => format!("{}.m3u8", subtitle_stem(*id)),
            Self::SubtitleSegment(id, index) => format!("{}-{index:03}.vtt", subtitle_stem(*id)),
            Self::IFrames(rendition) => {
                format!("{}-iframes-{}.m3u8", stem(rendition), format_name(rendition.format))
            }
            Self::IFrame(rendition, index) => {
                format!("{}-iframe-{index:03}.{}", stem(rendition), rendition.format.extension())
            }
            Self::ChaptersJson => CHAPTERS_JSON.to_owned(),
            Self::ChaptersVtt => CHAPTERS_VTT.to_owned(),
        }
    }
}

const fn format_name(format: SegmentFormat) -> &'static str {
    match format {
        SegmentFormat::Ts => "ts",
        SegmentFormat::Fmp4 => "mp4",
    }
}

/// True for the picture with the default sound, in either format.
fn is_main(presentation: &Presentation, rendition: &Rendition) -> bool {
    presentation.main_rendition(Some(rendition.format)) == Ok(*rendition)
}

fn stem(rendition: &Rendition) -> String {
    let mut stem = String::new();
    // Writing to a String cannot fail.
    if let Some(TrackId(video)) = rendition.video {
        let _ = write!(stem, "v{video}");
    }
    if let Some(TrackId(audio)) = rendition.audio {
        let _ = write!(stem, "a{audio}");
    }
    stem
}

fn subtitle_stem(id: SubtitleId) -> String {
    match id {
        SubtitleId::Track(TrackId(track)) => format!("s{track}"),
        SubtitleId::File(file) => format!("f{file}"),
    }
}

/// What `name` might stand for. Too kind: the caller checks whether it is that resource's name.
fn parse(presentation: &Presentation, name: &str) -> Option<Resource> {
    match name {
        MULTIVARIANT => return Some(Resource::Multivariant),
        CHAPTERS_JSON => return Some(Resource::ChaptersJson),
        CHAPTERS_VTT => return Some(Resource::ChaptersVtt),
        MAIN_INIT => {
            return presentation.main_rendition(Some(SegmentFormat::Fmp4)).ok().map(Resource::Init);
        }
        _ => {}
    }
    let (stem, extension) = name.rsplit_once('.')?;
    match extension {
        "m3u8" => parse_playlist(stem),
        "mp4" => parse_rendition(stem.strip_suffix("-init")?, SegmentFormat::Fmp4).map(Resource::Init),
        "vtt" => {
            let (stem, index) = stem.rsplit_once('-')?;
            Some(Resource::SubtitleSegment(parse_subtitle(stem)?, number(index)?))
        }
        "ts" => parse_segment(presentation, stem, SegmentFormat::Ts),
        "m4s" => parse_segment(presentation, stem, SegmentFormat::Fmp4),
        _ => None,
    }
}

fn parse_playlist(stem: &str) -> Option<Resource> {
    let Some((rest, format)) = stem.rsplit_once('-') else {
        return parse_subtitle(stem).map(Resource::Subtitles);
    };
    let format = match format {
        "ts" => SegmentFormat::Ts,
        "mp4" => SegmentFormat::Fmp4,
        _ => return None,
    };
    Some(match rest.strip_suffix("-iframes") {
        Some(rest) => Resource::IFrames(parse_rendition(rest, format)?),
        None => Resource::Media(parse_rendition(rest, format)?),
    })
}

fn parse_segment(presentation: &Presentation, stem: &str, format: SegmentFormat) -> Option<Resource> {
    if let Some(index) = stem.strip_prefix(MAIN_SEGMENT) {
        let main = presentation.main_rendition(Some(format)).ok()?;
        return Some(Resource::Segment(main, number(index)?));
    }
    let (rest, index) = stem.rsplit_once('-')?;
    let index = number(index)?;
    Some(match rest.strip_suffix("-iframe") {
        Some(rest) => Resource::IFrame(parse_rendition(rest, format)?, index),
        None => Resource::Segment(parse_rendition(rest, format)?, index),
    })
}

fn parse_rendition(stem: &str, format: SegmentFormat) -> Option<Rendition> {
    let (video, audio) = match stem.split_once('a') {
        Some((video, audio)) => (video, Some(TrackId(number(audio)?))),
        None => (stem, None),
    };
    let video = match video {
        "" => None,
        video => Some(TrackId(number(video.strip_prefix('v')?)?)),
    };
    Some(Rendition { video, audio, format })
}

fn parse_subtitle(stem: &str) -> Option<SubtitleId> {
    match stem.strip_prefix('s') {
        Some(track) => number(track).map(|track| SubtitleId::Track(TrackId(track))),
        None => number(stem.strip_prefix('f')?).map(SubtitleId::File),
    }
}

fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    digits.parse().ok()
}

fn exists(presentation: &Presentation, resource: &Resource) -> bool {
    let offered = |rendition: &Rendition| presentation.check(rendition).is_ok();
    let in_plan = |index: u32| presentation.plan().segment(index).is_some();
    let is_picture = |rendition: &Rendition| rendition.video.is_some() && rendition.audio.is_none();
    let is_text = |id: SubtitleId| match id {
        SubtitleId::Track(track) => {
            presentation.movie().track(track).is_some_and(|track| matches!(track.codec, Codec::Text(_)))
        }
        SubtitleId::File(_) => true,
    };
    match resource {
        Resource::Multivariant | Resource::ChaptersJson | Resource::ChaptersVtt => true,
        Resource::Media(rendition) => offered(rendition),
        Resource::Init(rendition) => offered(rendition) && rendition.format == SegmentFormat::Fmp4,
        Resource::Segment(rendition, index) => offered(rendition) && in_plan(*index),
        Resource::Subtitles(id) => is_text(*id),
        Resource::SubtitleSegment(id, index) => is_text(*id) && in_plan(*index),
        Resource::IFrames(rendition) => offered(rendition) && is_picture(rendition),
        Resource::IFrame(rendition, index) => {
            offered(rendition) && is_picture(rendition) && has_iframe(presentation, *index)
        }
    }
}

fn has_iframe(presentation: &Presentation, index: u32) -> bool {
    IFrame::all(presentation).is_ok_and(|all| usize::try_from(index).is_ok_and(|index| index < all.len()))
}
