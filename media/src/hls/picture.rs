//! What a variant says of its picture (RFC 8216 4.3.4.2, RFC 8216bis 4.4.6.2).

use super::attributes::Tag;
use crate::codec::dolby_vision::DolbyVision;
use crate::colour::{Colour, VideoRange};
use crate::track::{Codec, Rotation, Track};

/// SUPPLEMENTAL-CODECS, RESOLUTION, FRAME-RATE (`moving` pictures only) and VIDEO-RANGE, as far as they are known.
pub(super) fn write_attributes(tag: Tag, video: &Track, moving: bool) -> Tag {
    let tag = tag.maybe_quoted("SUPPLEMENTAL-CODECS", supplemental(video).as_deref());
    let tag = match resolution(video) {
        Some((width, height)) => tag.plain("RESOLUTION", format_args!("{width}x{height}")),
        None => tag,
    };
    let tag = match video.frame_rate.filter(|rate| moving && *rate > 0.0) {
        Some(rate) => tag.plain("FRAME-RATE", format_args!("{rate:.3}")),
        None => tag,
    };
    let range = match video.colour.map_or(VideoRange::Sdr, Colour::video_range) {
        VideoRange::Sdr => "SDR",
        VideoRange::Hlg => "HLG",
        VideoRange::Pq => "PQ",
    };
    tag.plain("VIDEO-RANGE", range)
}

/// The size at which the picture is meant to be shown: with square pixels, and upright.
fn resolution(video: &Track) -> Option<(u64, u64)> {
    let (across, down) = video.pixel_aspect;
    let (across, down) = (u64::from(across.max(1)), u64::from(down.max(1)));
    let (width, height) = (u64::from(video.width), u64::from(video.height));
    if width == 0 || height == 0 {
        return None;
    }
    let width = width.saturating_mul(across).saturating_add(down / 2) / down;
    Some(match video.rotation {
        Rotation::None | Rotation::Half => (width, height),
        Rotation::Clockwise90 | Rotation::Clockwise270 => (height, width),
    })
}

/// The Dolby Vision stream that lies over a picture that everyone can show (RFC 8216bis 4.4.6.2; Dolby Vision
/// Streams within HTTP Live Streaming 3): its name, and the brand that tells what lies below it.
fn supplemental(video: &Track) -> Option<String> {
    let DolbyVision { profile, level, compatibility, .. } = video.dolby_vision.as_ref()?;
    let entry = match (&video.codec, profile) {
        (Codec::Hevc(_), 8) => "dvh1",
        (Codec::Av1(_), 10) => "dav1",
        _ => return None,
    };
    let brand = match compatibility {
        1 => "db1p",
        2 => "db2g",
        4 => "db4h",
        _ => return None,
    };
    Some(format!("{entry}.{profile:02}.{level:02}/{brand}"))
}
