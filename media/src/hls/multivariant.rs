//! The multivariant playlist (RFC 8216 4.3.4).

use crate::movie::Movie;
use crate::plan::SegmentPlan;
use crate::track::{Codec, Track};
use std::fmt::Write as _;

/// MPEG-TS adds 4 bytes to every 184, and headers to every picture.
const OVERHEAD_PERCENT: u64 = 104;

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
    let tracks = plan.tracks();
    let rate = |bytes: u64, ticks: i64| {
        let bits = u128::from(bytes) * 8 * 90_000 * u128::from(OVERHEAD_PERCENT) / 100;
        u64::try_from(bits / u128::from(ticks.max(1).unsigned_abs())).unwrap_or(u64::MAX)
    };
    let mut total = 0u64;
    let mut peak = 1;
    for segment in &plan.segments {
        let size = movie.size_of(&tracks, &segment.span);
        total = total.saturating_add(size);
        peak = peak.max(rate(size, segment.duration().0));
    }
    (peak, rate(total, plan.duration().0).clamp(1, peak))
}
