//! Tracks: what a TrackEntry says, and the codec behind it (RFC 9559 section 5.1.4).

mod audio;
mod roles;
mod text;
mod video;

use super::ebml::{Element, id};
use super::encoding::{Encodings, Undo, undo};
use crate::codec::dolby_vision::DolbyVision;
use crate::error::Error;
use crate::picture::{self, Incomplete};
use crate::track::{Codec, Roles, Track, TrackId, TrackKind};
use bytes::Bytes;
use video::Video;

const MAX_TRACKS: usize = 512;

/// A track, and what only reading its frames needs.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) track: Track,
    /// TrackUID, by which Tags name it; 0 when it has none.
    pub(super) uid: u64,
    /// Nanoseconds from frame to frame; `None` when unknown or absurd.
    pub(super) default_duration: Option<u64>,
    /// Nanoseconds that the decoder must drop at the beginning.
    pub(super) codec_delay: i64,
    /// How to get frames back as they were.
    pub(super) encodings: Vec<Undo>,
    /// What the first key frame must tell of a picture codec.
    pub(super) incomplete: Option<Incomplete>,
}

/// The tracks of a Tracks element. An entry that is damaged, has no number or one that was there before is
/// left out.
pub(super) fn parse(tracks: &Element<'_>) -> Result<Vec<Entry>, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    for child in tracks.children() {
        let Ok(child) = child else {
            break;
        };
        if child.id != id::TRACK_ENTRY {
            continue;
        }
        if entries.len() >= MAX_TRACKS {
            return Err(Error::limit("too many tracks", child.at));
        }
        let entry = Raw::parse(&child).ok().and_then(Raw::into_entry);
        if let Some(entry) = entry.filter(|new| entries.iter().all(|old| old.track.id != new.track.id)) {
            entries.push(entry);
        }
    }
    video::set_stills_aside(&mut entries);
    Ok(entries)
}

/// A TrackEntry's values, with the format's defaults.
struct Raw {
    number: u64,
    uid: u64,
    kind: u64,
    enabled: bool,
    default: bool,
    roles: Roles,
    default_duration: u64,
    name: String,
    language: String,
    language_bcp47: Option<String>,
    codec_id: String,
    private: Bytes,
    codec_delay: u64,
    video: Video,
    dolby_vision: Option<DolbyVision>,
    sample_rate: f64,
    channels: u32,
    encodings: Result<Encodings, &'static str>,
}

impl Raw {
    fn parse(entry: &Element<'_>) -> Result<Self, Error> {
        let mut raw = Self {
            number: 0,
            uid: 0,
            kind: 0,
            enabled: true,
            default: true,
            roles: Roles::default(),
            default_duration: 0,
            name: String::new(),
            language: "eng".to_owned(),
            language_bcp47: None,
            codec_id: String::new(),
            private: Bytes::new(),
            codec_delay: 0,
            video: Video::default(),
            dolby_vision: None,
            sample_rate: 8000.0,
            channels: 1,
            encodings: Ok(Encodings::default()),
        };
        for child in entry.children() {
            let child = child?;
            match child.id {
                id::TRACK_NUMBER => raw.number = child.uint()?,
                id::TRACK_UID => raw.uid = child.uint()?,
                id::TRACK_TYPE => raw.kind = child.uint()?,
                id::FLAG_ENABLED => raw.enabled = child.uint()? != 0,
                id::FLAG_DEFAULT => raw.default = child.uint()? != 0,
                id::DEFAULT_DURATION => raw.default_duration = child.uint()?,
                id::NAME => raw.name = child.text(),
                id::LANGUAGE => raw.language = child.text(),
                id::LANGUAGE_BCP47 => raw.language_bcp47 = Some(child.text()),
                id::CODEC_ID => raw.codec_id = child.text(),
                id::CODEC_PRIVATE => raw.private = Bytes::copy_from_slice(child.data),
                id::CODEC_DELAY => raw.codec_delay = child.uint()?,
                id::CONTENT_ENCODINGS if raw.encodings.is_ok() => raw.encodings = Encodings::parse(&child),
                // RFC 9559 5.1.4.1.15: deprecated, and without a meaning on which muxers agree. 0 is no factor.
                id::TRACK_TIMESTAMP_SCALE if !matches!(child.float()?, 0.0 | 1.0) => {
                    raw.encodings = Err("the track's clock runs at another speed than the file's");
                }
                id::VIDEO => raw.video = Video::parse(&child)?,
                id::BLOCK_ADDITION_MAPPING => {
                    raw.dolby_vision = raw.dolby_vision.or_else(|| video::dolby_vision(&child));
                }
                id::AUDIO => raw.read_audio(&child)?,
                _ => roles::read_flag(&mut raw.roles, &child)?,
            }
        }
        Ok(raw)
    }

    fn read_audio(&mut self, audio: &Element<'_>) -> Result<(), Error> {
        for child in audio.children() {
            let child = child?;
            match child.id {
                id::SAMPLING_FREQUENCY => self.sample_rate = child.float()?,
                id::CHANNELS => self.channels = u32::try_from(child.uint()?).unwrap_or(0),
                _ => {}
            }
        }
        Ok(())
    }

    fn into_entry(self) -> Option<Entry> {
        if self.number == 0 {
            return None;
        }
        let kind = match self.kind {
            1 => TrackKind::Video,
            2 => TrackKind::Audio,
            17 => TrackKind::Subtitle,
            _ => TrackKind::Other,
        };
        let mut picture = None;
        let mut incomplete = None;
        let (codec, encodings) = match &self.encodings {
            Ok(encodings) if kind == TrackKind::Video => {
                let found = self.video_codec(&encodings.of_private);
                (picture, incomplete) = (found.picture, found.incomplete);
                (found.codec, encodings.of_frames.clone())
            }
            Ok(encodings) => (self.codec(&encodings.of_private), encodings.of_frames.clone()),
            Err(reason) => (Codec::Unsupported { reason }, Vec::new()),
        };
        // From 1,000 to 1/10 frames per second; all else is a mistake of the muxer.
        let default_duration =
            Some(self.default_duration).filter(|step| (1_000_000..=10_000_000_000).contains(step));
        let frame_rate = default_duration.filter(|_| kind == TrackKind::Video).map(rate_of);
        let is_audio = kind == TrackKind::Audio;
        let sample_rate =
            if is_audio { codec.sample_rate().unwrap_or_else(|| whole(self.sample_rate)) } else { 0 };
        let channels = if is_audio { codec.channels().unwrap_or(self.channels) } else { 0 };
        let language = self.language_bcp47.unwrap_or(self.language);
        let video = self.video;
        let mut entry = Entry {
            uid: self.uid,
            track: Track {
                id: TrackId(self.number),
                kind,
                codec,
                codec_name: self.codec_id,
                language: Some(language).filter(|language| !matches!(language.as_str(), "" | "und")),
                name: Some(self.name).filter(|name| !name.is_empty()),
                default: self.default && self.enabled,
                roles: self.roles,
                width: video.width,
                height: video.height,
                frame_rate,
                pixel_aspect: video.pixel_aspect().unwrap_or((1, 1)),
                rotation: video.rotation,
                colour: video.colour,
                dolby_vision: self.dolby_vision,
                sample_rate,
                channels,
            },
            default_duration,
            codec_delay: if is_audio {
                i64::try_from(self.codec_delay).unwrap_or(0).min(MAX_DELAY)
            } else {
                0
            },
            encodings,
            incomplete,
        };
        if let Some(mut picture) = picture {
            picture.pixel_aspect = video.pixel_aspect().or(picture.pixel_aspect);
            picture::describe(&mut entry.track, &picture);
        }
        Some(entry)
    }

    fn codec(&self, of_private: &[Undo]) -> Codec {
        let config = match self.kind {
            2 => self.audio_codec(of_private),
            17 => self.text_codec(of_private),
            _ => Err(Error::unsupported("neither picture, sound nor text")),
        };
        config.unwrap_or_else(|error| Codec::Unsupported { reason: error.what })
    }

    /// CodecPrivate as it was before it was compressed.
    fn private(&self, steps: &[Undo]) -> Result<Bytes, Error> {
        undo(steps, self.private.clone(), 0, &mut MAX_PRIVATE.clone())
    }
}

/// The longest priming that is believed: 10 s.
const MAX_DELAY: i64 = 10_000_000_000;
const MAX_PRIVATE: u64 = 1 << 20;

/// A sampling frequency in Hz, 0 when it is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn whole(frequency: f64) -> u32 {
    if (1.0..=10_000_000.0).contains(&frequency) { frequency.round() as u32 } else { 0 }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn rate_of(step: u64) -> f64 {
    1e9 / step as f64
}
