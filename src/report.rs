//! What is told about a file: by `probe` as a table or JSON, and by `GET /probe` as JSON.

use media::movie::Movie;
use media::presentation::Presentation;
use media::track::{Codec, Track, TrackKind};
use serde::Serialize;
use std::fmt;

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

/// One track.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrackReport {
    /// Its number in the file.
    pub id: u64,
    /// `video`, `audio`, `subtitle` or `other`.
    pub kind: &'static str,
    /// RFC 6381 name where the codec is played, else the container's name for it.
    pub codec: String,
    /// ISO 639-2 or BCP-47.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The file's own choice.
    pub default: bool,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Frames a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_rate: Option<f64>,
    /// Samples of sound a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// Channels of sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u32>,
    /// Why the track is not in the HLS presentation; absent when it can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// The HLS presentation, or why there is none.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HlsReport {
    /// True when `/hls` plays the file.
    pub possible: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of the picture track.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<u64>,
    /// Number of the sound track.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<u64>,
    /// Seconds, EXT-X-TARGETDURATION.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_duration: Option<u32>,
    /// Where the segments lie, in seconds from the beginning of the presentation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentReport>,
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
    /// What is told about `movie`; `offer` is what is offered of it, or why nothing is.
    pub fn new(movie: &Movie, offer: Result<&Presentation, media::Error>, index: IndexState) -> Self {
        let hls = match offer {
            Ok(offer) => HlsReport::possible(offer),
            Err(reason) => HlsReport::impossible(reason.to_string()),
        };
        Self {
            container: movie.format.to_string(),
            duration: movie.duration().map(|time| time.seconds()),
            tracks: movie.tracks.iter().map(TrackReport::new).collect(),
            index,
            hls,
        }
    }
}

impl HlsReport {
    fn impossible(reason: String) -> Self {
        Self {
            possible: false,
            reason: Some(reason),
            video: None,
            audio: None,
            target_duration: None,
            segments: Vec::new(),
        }
    }

    fn possible(offer: &Presentation) -> Self {
        let plan = offer.plan();
        let origin = plan.origin();
        let segments = plan.segments.iter().map(|segment| SegmentReport {
            start: (segment.start - origin).seconds(),
            duration: segment.duration().seconds(),
        });
        Self {
            possible: true,
            reason: None,
            video: offer.video().map(|track| track.id.0),
            audio: offer.default_audio().map(|track| track.id.0),
            target_duration: Some(plan.target_duration()),
            segments: segments.collect(),
        }
    }
}

impl TrackReport {
    fn new(track: &Track) -> Self {
        let known = |value: u32| (value > 0).then_some(value);
        let (codec, reason) = match &track.codec {
            Codec::Mp3(_) => ("mp3".to_owned(), None),
            Codec::Unsupported { reason } => (track.codec_name.clone(), Some(*reason)),
            codec => (codec.rfc6381().unwrap_or_else(|| track.codec_name.clone()), None),
        };
        Self {
            id: track.id.0,
            kind: match track.kind {
                TrackKind::Video => "video",
                TrackKind::Audio => "audio",
                TrackKind::Subtitle => "subtitle",
                TrackKind::Other => "other",
            },
            codec,
            language: track.language.clone(),
            name: track.name.clone(),
            default: track.default,
            width: known(track.width),
            height: known(track.height),
            frame_rate: track.frame_rate,
            sample_rate: known(track.sample_rate),
            channels: known(track.channels),
            reason,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.container)?;
        if let Some(duration) = self.duration {
            write!(f, ", {}", Clock(duration))?;
        }
        writeln!(f)?;
        for track in &self.tracks {
            write!(f, "{:>4}  {:<8}  {:<16}", track.id, track.kind, track.codec)?;
            if let (Some(width), Some(height)) = (track.width, track.height) {
                write!(f, "  {width}x{height}")?;
            }
            if let Some(rate) = track.frame_rate {
                write!(f, "  {rate:.3} fps")?;
            }
            if let (Some(rate), Some(channels)) = (track.sample_rate, track.channels) {
                write!(f, "  {rate} Hz, {channels} ch")?;
            }
            let details = [track.language.as_deref(), track.name.as_deref(), track.reason];
            for detail in details.into_iter().flatten() {
                // Titles come out of the file: nothing of them may steer a terminal.
                write!(f, "  {}", detail.replace(char::is_control, "?"))?;
            }
            writeln!(f)?;
        }
        match &self.hls.reason {
            Some(reason) => writeln!(f, "HLS: not possible: {reason}"),
            None => writeln!(
                f,
                "HLS: {} segments of at most {} s",
                self.hls.segments.len(),
                self.hls.target_duration.unwrap_or(0)
            ),
        }
    }
}

/// Seconds as h:mm:ss.mmm.
struct Clock(f64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.max(0.0);
        let minutes = (whole / 60.0).floor();
        write!(f, "{}:{:02}:{:06.3}", (minutes / 60.0).floor(), minutes % 60.0, whole - minutes * 60.0)
    }
}
