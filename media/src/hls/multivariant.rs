//! The multivariant playlist (RFC 8216 4.3.4).

use crate::presentation::Presentation;
use crate::rendition::Rendition;
use crate::time::Time90k;
use crate::track::Track;
use std::fmt::Write as _;

/// One variant, `rendition`, whose media playlist is at `media_uri`.
pub fn multivariant_playlist(presentation: &Presentation, rendition: &Rendition, media_uri: &str) -> String {
    let movie = presentation.movie();
    let tracks: Vec<&Track> = rendition.tracks().filter_map(|id| movie.track(id)).collect();
    let codecs: Vec<String> = tracks.iter().filter_map(|track| track.codec.rfc6381()).collect();
    let (peak, average) = bandwidth(presentation, rendition);
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

/// Bits per second: of the largest segment, and of all.
fn bandwidth(presentation: &Presentation, rendition: &Rendition) -> (u64, u64) {
    let plan = presentation.plan();
    let rate = |bytes: f64, time: Time90k| bytes * 8.0 / time.seconds().max(1e-3);
    let (mut total, mut peak) = (0.0, 1.0f64);
    for segment in &plan.segments {
        let bytes = presentation.estimated_size(rendition, segment);
        total += bytes;
        peak = peak.max(rate(bytes + presentation.size_slack(rendition), segment.duration()));
    }
    let round = |rate: f64| rate.ceil().max(1.0);
    (to_integer(round(peak)), to_integer(round(rate(total, plan.duration()).min(peak))))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
const fn to_integer(rate: f64) -> u64 {
    rate as u64
}
