//! What is told about subtitles, in the film and beside it.

use super::track::{codec, language_of, text_format};
use media::text::FileFormat;
use media::text::sidecar::Sidecar;
use media::track::{Codec, Track};
use serde::Serialize;

/// One set of subtitles.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the format")]
pub struct SubtitleReport {
    /// `s` and the track's number, or `f` and the file's.
    pub id: String,
    /// BCP-47, when it is known.
    pub language: Option<String>,
    /// Title.
    pub name: Option<String>,
    /// How they are written.
    pub format: &'static str,
    /// The container's name for that; of a file its ending.
    pub codec: String,
    /// For foreign dialogue only.
    pub forced: bool,
    /// For those who cannot hear.
    pub hearing_impaired: bool,
    /// To be shown when the user has not chosen.
    pub default: bool,
    /// The media playlist.
    pub playlist: String,
    /// As they are written, in a file.
    pub original: String,
    /// The same as WebVTT.
    pub vtt: String,
    /// Up to which time nothing is missing of what is here, in seconds.
    pub known: f64,
    /// True when all of them are here.
    pub complete: bool,
}

impl SubtitleReport {
    /// Of a track, which is known for so many seconds.
    pub fn of_track(track: &Track, format: FileFormat, known: f64, complete: bool) -> Self {
        let id = format!("s{}", track.id.0);
        Self {
            language: language_of(track),
            name: track.name.clone(),
            format: match &track.codec {
                Codec::Text(config) => text_format(config.format),
                _ => name(format),
            },
            codec: codec(track),
            forced: track.roles.forced,
            hearing_impaired: track.roles.hearing_impaired,
            default: track.default,
            playlist: format!("{id}.m3u8"),
            original: format!("{id}.{}", format.extension()),
            vtt: format!("{id}.vtt"),
            id,
            known,
            complete,
        }
    }

    /// Of a file beside the film.
    pub fn of_file(sidecar: &Sidecar, known: f64, complete: bool) -> Self {
        let id = format!("f{}", sidecar.index);
        Self {
            language: sidecar.language.clone(),
            name: Some(sidecar.name.clone()),
            format: name(sidecar.format),
            codec: sidecar.format.extension().to_owned(),
            forced: sidecar.forced,
            hearing_impaired: sidecar.hearing_impaired,
            default: sidecar.default,
            playlist: format!("{id}.m3u8"),
            original: format!("{id}.{}", sidecar.format.extension()),
            vtt: format!("{id}.vtt"),
            id,
            known,
            complete,
        }
    }
}

const fn name(format: FileFormat) -> &'static str {
    match format {
        FileFormat::Srt => "SubRip",
        FileFormat::Ass => "ASS",
        FileFormat::Ssa => "SSA",
        FileFormat::WebVtt => "WebVTT",
    }
}
