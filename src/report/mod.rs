//! What is told about a file: by `probe` as a table or JSON, and by `GET /probe` as JSON.

mod subtitles;
mod table;
mod track;

pub use subtitles::SubtitleReport;
pub use track::TrackReport;

use media::attachment::Attachment;
use media::hls::{MultivariantOptions, Resource, SidecarSubtitle};
use media::movie::Movie;
use media::presentation::Presentation;
use media::rendition::{SegmentFormat, SubtitleId};
use serde::Serialize;

/// A file's tracks, and what becomes of them in HLS.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `mp4` or `matroska`.
    pub container: String,
    /// Seconds; absent when the file does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// All tracks, in the order of the file.
    pub tracks: Vec<TrackReport>,
    /// Places with names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<ChapterReport>,
    /// Files attached to it, such as fonts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentReport>,
    /// Whether the file's index is there.
    #[serde(flatten)]
    pub index: IndexState,
    /// Whether and how the file is streamed as HLS.
    pub hls: HlsReport,
}

/// What is known of a file's index.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "index", content = "indexProgress", rename_all = "camelCase")]
pub enum IndexState {
    /// It is there, or has been made.
    Complete,
    /// It is being made; how much is done, from 0 to 1.
    Scanning(f64),
    /// It is not there, and nobody has asked for it to be made.
    Missing,
}

/// A chapter.
#[derive(Debug, Clone, Serialize)]
pub struct ChapterReport {
    /// Seconds from the beginning of the presentation; without one, on the file's own clock.
    pub start: f64,
    /// Its first title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A file attached to the film.
#[derive(Debug, Clone, Serialize)]
pub struct AttachmentReport {
    /// Its name.
    pub name: String,
    /// Its media type, as the film has it.
    pub mime: String,
    /// Bytes.
    pub size: u64,
    /// Where it can be had; `None` where there is no server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl AttachmentReport {
    /// What is told about `attachment`.
    pub fn new(attachment: &Attachment) -> Self {
        Self {
            name: attachment.name.clone(),
            mime: attachment.media_type.clone(),
            size: attachment.range.end.saturating_sub(attachment.range.start),
            url: None,
        }
    }
}

/// The HLS presentation, or why there is none.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HlsReport {
    /// True when `/hls` plays the file.
    pub possible: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How segments are packed unless a client asks otherwise: `ts` or `fmp4`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<&'static str>,
    /// Number of the picture track.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<u64>,
    /// Number of the sound track that is played when nobody has chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<u64>,
    /// Why nothing is heard although the file has sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<&'static str>,
    /// Seconds, EXT-X-TARGETDURATION.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_duration: Option<u32>,
    /// What the multivariant playlist names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub renditions: Vec<RenditionReport>,
    /// Where the segments lie, in seconds from the beginning of the presentation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentReport>,
}

/// One media playlist of the presentation.
#[derive(Debug, Clone, Serialize)]
pub struct RenditionReport {
    /// Its name, beside `master.m3u8`.
    pub uri: String,
    /// `video`, `audio`, `subtitles` or `iframes`; a picture with its sound is `video`.
    pub kind: &'static str,
    /// Numbers of the tracks that it plays.
    pub tracks: Vec<u64>,
    /// Of subtitles beside the film the file's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<u32>,
}

/// One segment.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SegmentReport {
    /// Seconds from the beginning.
    pub start: f64,
    /// Seconds.
    pub duration: f64,
}

impl Report {
    /// What is told about `movie`; `offer` is what is offered of it, or why nothing is; `sidecars` are subtitles
    /// beside it. Attached files have to be asked for apart.
    pub fn new(
        movie: &Movie,
        offer: Result<&Presentation, media::Error>,
        index: IndexState,
        sidecars: &[SidecarSubtitle],
    ) -> Self {
        let origin = offer.map_or(0.0, |offer| offer.plan().origin().seconds());
        let chapters = movie.chapters().iter().map(|chapter| ChapterReport {
            start: (chapter.start.seconds() - origin).max(0.0),
            title: chapter.titles.first().map(|title| title.text.clone()),
        });
        Self {
            container: movie.format.to_string(),
            duration: movie.duration().map(|time| time.seconds()),
            tracks: movie.tracks.iter().map(TrackReport::new).collect(),
            chapters: chapters.collect(),
            attachments: Vec::new(),
            index,
            hls: match offer {
                Ok(offer) => HlsReport::possible(offer, sidecars),
                Err(reason) => HlsReport { reason: Some(reason.to_string()), ..HlsReport::default() },
            },
        }
    }
}

impl HlsReport {
    fn possible(offer: &Presentation, sidecars: &[SidecarSubtitle]) -> Self {
        let plan = offer.plan();
        let origin = plan.origin();
        let segments = plan.segments.iter().map(|segment| SegmentReport {
            start: (segment.start - origin).seconds(),
            duration: segment.duration().seconds(),
        });
        let options = MultivariantOptions { sidecars, ..MultivariantOptions::default() };
        let master = media::hls::multivariant_playlist(offer, &options).unwrap_or_default();
        let uris = uris(&master);
        Self {
            possible: true,
            reason: None,
            container: Some(match offer.format() {
                SegmentFormat::Ts => "ts",
                SegmentFormat::Fmp4 => "fmp4",
            }),
            video: offer.video().map(|track| track.id.0),
            audio: offer.default_audio().map(|track| track.id.0),
            silence: offer.silence(),
            target_duration: Some(plan.target_duration()),
            renditions: uris.iter().filter_map(|uri| RenditionReport::new(offer, uri)).collect(),
            segments: segments.collect(),
        }
    }
}

impl RenditionReport {
    fn new(offer: &Presentation, uri: &str) -> Option<Self> {
        let (kind, tracks, file) = match media::hls::resource(offer, uri, None)? {
            Resource::Media(rendition) => {
                let kind = if rendition.video.is_some() { "video" } else { "audio" };
                (kind, rendition.tracks().map(|id| id.0).collect(), None)
            }
            Resource::IFrames(rendition) => ("iframes", rendition.tracks().map(|id| id.0).collect(), None),
            Resource::Subtitles(SubtitleId::Track(id)) => ("subtitles", vec![id.0], None),
            Resource::Subtitles(SubtitleId::File(file)) => ("subtitles", Vec::new(), Some(file)),
            _ => return None,
        };
        Some(Self { uri: uri.to_owned(), kind, tracks, file })
    }
}

/// The URIs that a playlist names, each once, in the order in which they come first.
pub fn uris(playlist: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for line in playlist.lines() {
        let uri = match line.strip_prefix('#') {
            Some(tag) => {
                tag.split_once("URI=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(uri, _)| uri)
            }
            None => Some(line).filter(|line| !line.is_empty()),
        };
        if let Some(uri) = uri.filter(|uri| seen.insert((*uri).to_owned())) {
            found.push(uri.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playlists_name_uris_in_lines_and_in_attributes() {
        let playlist = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"URI=x\",URI=\"a2.m3u8\"\n#EXT-X-MAP:URI=\"init.mp4\"\n\n\
                        #EXTINF:6,\nsegment000.ts\n#EXTINF:6,\nsegment000.ts\n";
        assert_eq!(uris(playlist), ["a2.m3u8", "init.mp4", "segment000.ts"]);
    }

    #[test]
    fn the_state_of_the_index_as_json() {
        let json = |state: IndexState| serde_json::to_string(&state).unwrap();
        assert_eq!(json(IndexState::Complete), r#"{"index":"complete"}"#);
        assert_eq!(json(IndexState::Scanning(0.5)), r#"{"index":"scanning","indexProgress":0.5}"#);
    }
}
