//! The multivariant playlist (RFC 8216 4.3.4).

use crate::movie::Movie;
use crate::plan::SegmentPlan;
use crate::time::Time90k;
use crate::track::{Codec, Track};
use crate::ts;
use std::fmt::Write as _;

/// One variant, whose media playlist is at `media_uri`.
pub fn multivariant_playlist(movie: &Movie, plan: &SegmentPlan, media_uri: &str) -> String {
    let tracks: Vec<&Track> = plan.tracks().into_iter().filter_map(|id| movie.track(id)).collect();
    let codecs: Vec<String> = tracks.iter().filter_map(|track| rfc6381(&track.codec)).collect();
    let (peak, average) = bandwidth(movie, plan);
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    // Writing to a String cannot fail.
    let _ = write!(text, "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average}");
    let _ = write!(text, ",CODECS=\"{}\"", codecs.join(","));
    if let Some(video) = tracks.iter().find(|track| track.width > 0 && track.height > 0) {
        let _ = write!(text, ",RESOLUTION={}x{}", video.width, video.height);
        if let Some(rate) = video.frame_rate {
            let _ = write!(text, ",FRAME-RATE={rate:.3}");
        }
    }
    let _ = writeln!(text, "\n{media_uri}");
    text
}

/// The codec's name in CODECS (RFC 6381); MP3 as hls.js and Safari know it.
fn rfc6381(codec: &Codec) -> Option<String> {
    match codec {
        Codec::H264(config) => Some(config.rfc6381()),
        Codec::Aac(config) => Some(config.rfc6381()),
        Codec::Mp3(_) => Some("mp4a.40.34".to_owned()),
        Codec::Unsupported { .. } => None,
    }
}

/// Bits per second: of the largest segment, and of all.
fn bandwidth(movie: &Movie, plan: &SegmentPlan) -> (u64, u64) {
    let rate = |bytes: f64, time: Time90k| bytes * 8.0 / time.seconds().max(1e-3);
    let (mut total, mut peak) = (0.0, 1.0f64);
    for segment in &plan.segments {
        let bytes = ts::estimated_size(movie, plan, segment);
        total += bytes;
        peak = peak.max(rate(bytes + ts::MAX_FILL, segment.duration()));
    }
    let round = |rate: f64| rate.ceil().max(1.0);
    (to_integer(round(peak)), to_integer(round(rate(total, plan.duration()).min(peak))))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
const fn to_integer(rate: f64) -> u64 {
    rate as u64
}
