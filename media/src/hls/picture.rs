//! What a variant says of its picture (RFC 8216 4.3.4.2, RFC 8216bis 4.4.6.2).

use super::attributes::Tag;
use crate::colour::{Colour, VideoRange};
use crate::track::{Rotation, Track};

/// SUPPLEMENTAL-CODECS, RESOLUTION, FRAME-RATE (`moving` pictures only) and VIDEO-RANGE, as far as they are known.
pub(super) fn write_attributes(tag: Tag, video: &Track, moving: bool) -> Tag {
    let tag = tag.maybe_quoted("SUPPLEMENTAL-CODECS", video.supplemental_codec().as_deref());
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
