//! What there is to tell about a file, as data.

use media::movie::Movie;
use media::plan::SegmentPlan;
use media::track::{Codec, Track, TrackKind};
use serde::Serialize;

/// A file's tracks, its length, and why HLS is possible or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// The container; `None` when it was not recognized.
    pub format: Option<String>,
    /// Length in seconds, when it is known.
    pub duration: Option<f64>,
    /// True when the file can be played as HLS.
    pub hls: bool,
    /// Why it cannot.
    pub reason: Option<String>,
    /// The track whose pictures are in the segments.
    pub video_track: Option<u64>,
    /// The track whose sound is in the segments.
    pub audio_track: Option<u64>,
    /// How many segments there are; 0 without HLS.
    pub segments: usize,
    /// No segment is longer than this, rounded to whole seconds.
    pub target_duration: Option<u32>,
    /// All tracks of the file, in its order.
    pub tracks: Vec<TrackProbe>,
}

/// One track.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrackProbe {
    /// Its number in the file.
    pub id: u64,
    /// `video`, `audio`, `subtitle` or `other`.
    pub kind: &'static str,
    /// The codec by the container's name for it.
    pub codec: String,
    /// True when it can be put into a segment.
    pub supported: bool,
    /// Why it cannot.
    pub reason: Option<&'static str>,
    /// Language as the file has it.
    pub language: Option<String>,
    /// Title of the track.
    pub title: Option<String>,
    /// The file asks for this track when the user has not chosen.
    pub default: bool,
    /// Width in pixels, for video.
    pub width: Option<u32>,
    /// Height in pixels, for video.
    pub height: Option<u32>,
    /// Frames per second, for video.
    pub frame_rate: Option<f64>,
    /// Samples per second, for audio.
    pub sample_rate: Option<u32>,
    /// Channels, for audio.
    pub channels: Option<u32>,
}

impl Probe {
    /// What `movie` holds, and what `plan` makes of it.
    pub fn of(movie: &Movie, plan: &Result<SegmentPlan, media::error::Error>) -> Self {
        let planned = plan.as_ref().ok();
        Self {
            format: Some(movie.format.to_string()),
            duration: planned
                .map(SegmentPlan::duration)
                .or_else(|| movie.duration())
                .map(|time| time.seconds()),
            hls: planned.is_some(),
            reason: plan.as_ref().err().map(ToString::to_string),
            video_track: planned.and_then(|plan| plan.video).map(|id| id.0),
            audio_track: planned.and_then(|plan| plan.audio).map(|id| id.0),
            segments: planned.map_or(0, |plan| plan.segments.len()),
            target_duration: planned.map(SegmentPlan::target_duration),
            tracks: movie.tracks.iter().map(TrackProbe::of).collect(),
        }
    }

    /// For a file of which nothing could be read, because of `reason`.
    pub fn unknown(reason: String) -> Self {
        Self {
            format: None,
            duration: None,
            hls: false,
            reason: Some(reason),
            video_track: None,
            audio_track: None,
            segments: 0,
            target_duration: None,
            tracks: Vec::new(),
        }
    }
}

impl TrackProbe {
    fn of(track: &Track) -> Self {
        let known = |value: u32| (value > 0).then_some(value);
        Self {
            id: track.id.0,
            kind: match track.kind {
                TrackKind::Video => "video",
                TrackKind::Audio => "audio",
                TrackKind::Subtitle => "subtitle",
                TrackKind::Other => "other",
            },
            codec: track.codec_name.clone(),
            supported: track.codec.is_supported(),
            reason: match &track.codec {
                Codec::Unsupported { reason } => Some(reason),
                _ => None,
            },
            language: track.language.clone(),
            title: track.name.clone(),
            default: track.default,
            width: known(track.width),
            height: known(track.height),
            frame_rate: track.frame_rate.filter(|rate| rate.is_finite()),
            sample_rate: known(track.sample_rate),
            channels: known(track.channels),
        }
    }
}
