//! What is told about a track.

use media::colour::VideoRange;
use media::language;
use media::track::{Codec, Rotation, TextFormat, Track, TrackKind};
use serde::Serialize;

/// One track.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the format")]
pub struct TrackReport {
    /// Its number in the file.
    pub id: u64,
    /// `video`, `audio`, `subtitle` or `other`.
    pub kind: &'static str,
    /// RFC 6381 name where the codec is played, else the container's name for it.
    pub codec: String,
    /// BCP-47, where the file's own name for the language is known, else that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The file's own choice.
    pub default: bool,
    /// Subtitles for foreign dialogue only.
    #[serde(skip_serializing_if = "is_not")]
    pub forced: bool,
    /// For those who cannot hear.
    #[serde(skip_serializing_if = "is_not")]
    pub hearing_impaired: bool,
    /// For those who cannot see.
    #[serde(skip_serializing_if = "is_not")]
    pub visual_impaired: bool,
    /// Talk about the film.
    #[serde(skip_serializing_if = "is_not")]
    pub commentary: bool,
    /// In the language of the production.
    #[serde(skip_serializing_if = "is_not")]
    pub original: bool,
    /// Pixels, as coded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels, as coded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Width and height of a pixel, where it is no square.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixel_aspect: Option<(u32, u32)>,
    /// Degrees by which the picture is turned clockwise for showing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<u32>,
    /// Frames a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_rate: Option<f64>,
    /// Bits of a sample, of picture or sound, where the codec's configuration tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit_depth: Option<u32>,
    /// What the picture's numbers mean as light.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour: Option<ColourReport>,
    /// Dolby Vision, beside or instead of a picture that everyone can show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dolby_vision: Option<DolbyVisionReport>,
    /// Samples of sound a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// Channels of sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u32>,
    /// Objects of sound beside the channels (Dolby Atmos).
    #[serde(skip_serializing_if = "is_not")]
    pub atmos: bool,
    /// Why the track is not in the HLS presentation; absent when it can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// Code points of ITU-T H.273.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColourReport {
    /// `SDR`, `HLG` or `PQ`.
    pub range: &'static str,
    /// ColourPrimaries.
    pub primaries: u8,
    /// TransferCharacteristics.
    pub transfer: u8,
    /// MatrixCoefficients.
    pub matrix: u8,
    /// Samples use the whole range of their numbers.
    pub full_range: bool,
}

/// Dolby Vision.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DolbyVisionReport {
    /// `dv_profile`.
    pub profile: u8,
    /// `dv_level`.
    pub level: u8,
    /// `dv_bl_signal_compatibility_id`.
    pub compatibility: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
const fn is_not(flag: &bool) -> bool {
    !*flag
}

impl TrackReport {
    /// What is told about `track`.
    pub fn new(track: &Track) -> Self {
        let known = |value: u32| (value > 0).then_some(value);
        let reason = match &track.codec {
            Codec::Unsupported { reason } => Some(*reason),
            _ => None,
        };
        let atmos = matches!(&track.codec, Codec::Eac3(config) if config.joc_complexity > 0);
        Self {
            id: track.id.0,
            kind: match track.kind {
                TrackKind::Video => "video",
                TrackKind::Audio => "audio",
                TrackKind::Subtitle => "subtitle",
                TrackKind::Other => "other",
            },
            codec: codec(track),
            language: language_of(track),
            name: track.name.clone(),
            default: track.default,
            forced: track.roles.forced,
            hearing_impaired: track.roles.hearing_impaired,
            visual_impaired: track.roles.visual_impaired,
            commentary: track.is_commentary(),
            original: track.roles.original,
            width: known(track.width),
            height: known(track.height),
            pixel_aspect: (track.pixel_aspect.0 != track.pixel_aspect.1).then_some(track.pixel_aspect),
            rotation: match track.rotation {
                Rotation::None => None,
                Rotation::Clockwise90 => Some(90),
                Rotation::Half => Some(180),
                Rotation::Clockwise270 => Some(270),
            },
            frame_rate: track.frame_rate,
            bit_depth: bit_depth(&track.codec),
            colour: track.colour.map(|colour| ColourReport {
                range: match colour.video_range() {
                    VideoRange::Sdr => "SDR",
                    VideoRange::Hlg => "HLG",
                    VideoRange::Pq => "PQ",
                },
                primaries: colour.primaries,
                transfer: colour.transfer,
                matrix: colour.matrix,
                full_range: colour.full_range,
            }),
            dolby_vision: track.dolby_vision.as_ref().map(|dolby| DolbyVisionReport {
                profile: dolby.profile,
                level: dolby.level,
                compatibility: dolby.compatibility,
            }),
            sample_rate: known(track.sample_rate),
            channels: known(track.channels),
            atmos,
            reason,
        }
    }
}

/// BCP-47, where the file's own name for the language is known, else that.
pub(super) fn language_of(track: &Track) -> Option<String> {
    let own = track.language.as_deref()?;
    Some(language::to_bcp47(own).unwrap_or_else(|| own.to_owned()))
}

/// RFC 6381 name where there is one, else the container's name.
pub(super) fn codec(track: &Track) -> String {
    match &track.codec {
        Codec::Mp3(_) => "mp3".to_owned(),
        codec => codec.rfc6381().unwrap_or_else(|| track.codec_name.clone()),
    }
}

fn bit_depth(codec: &Codec) -> Option<u32> {
    let bits = match codec {
        Codec::Hevc(config) => u32::from(config.bit_depth),
        Codec::Av1(config) => u32::from(config.bit_depth),
        Codec::Vp9(config) => u32::from(config.bit_depth),
        Codec::Flac(config) => config.bits,
        Codec::Alac(config) => config.bits,
        _ => return None,
    };
    Some(bits).filter(|bits| *bits > 0)
}

/// How subtitles are written, for people.
pub(super) const fn text_format(format: TextFormat) -> &'static str {
    match format {
        TextFormat::Srt => "SubRip",
        TextFormat::Ass => "ASS",
        TextFormat::Ssa => "SSA",
        TextFormat::WebVtt | TextFormat::WebmVtt | TextFormat::Mp4Vtt => "WebVTT",
        TextFormat::Tx3g => "3GPP timed text",
    }
}
