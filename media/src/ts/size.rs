//! How large a segment will be, before its bytes are known: what a playlist's BANDWIDTH is made of.

use super::packet::{PACKET, PAYLOAD};
use super::{MAX_AUDIO_PES, MAX_AUDIO_SPAN, MAX_CLOCK_SPAN};
use crate::movie::{Movie, SpanSizes};
use crate::plan::{Segment, SegmentPlan};
use crate::rendition::Rendition;
use crate::time::Time90k;
use crate::track::TrackId;

/// Bytes that a picture gets: PES header, delimiter, clock reference, start codes beyond the lengths that they
/// replace. Parameter sets, which only some get, are not counted.
const PICTURE_HEADERS: u64 = 40;
/// Of a frame of sound: its ADTS header.
const FRAME_HEADER: u64 = 7;
/// Of a PES packet of sound.
const GROUP_HEADER: u64 = 14;
/// The tables.
const TABLES: f64 = 2.0;
/// A stream ends on a multiple of so many packets.
const CYCLE: f64 = 16.0;

/// About how many bytes the segment has: within a few percent from an index that tells each sample's size,
/// and otherwise rather more than less.
pub(crate) fn estimated_size(
    movie: &Movie,
    plan: &SegmentPlan,
    rendition: &Rendition,
    segment: &Segment,
) -> f64 {
    let tracks: Vec<TrackId> = rendition.tracks().collect();
    let packets = match movie.sizes(plan.cut, &tracks, &segment.span) {
        SpanSizes::Each(lists) => {
            let mut lists = lists.into_iter();
            let video = rendition.video.and_then(|_| lists.next()).unwrap_or_default();
            let audio = rendition.audio.and_then(|_| lists.next()).unwrap_or_default();
            counted(&video, &audio, segment.duration(), rendition.video.is_none())
        }
        SpanSizes::Sum(bytes) => {
            let rate =
                rendition.video.and_then(|id| movie.track(id)).map(|track| track.frame_rate.unwrap_or(30.0));
            guessed(bytes, segment.duration(), rate, rendition.audio.is_some())
        }
    };
    (packets + TABLES) * to_float(PACKET as u64)
}

/// Packets for samples of known sizes.
fn counted(video: &[u64], audio: &[u64], duration: Time90k, clocked: bool) -> f64 {
    let pictures: u64 = video.iter().map(|size| (size + PICTURE_HEADERS).div_ceil(PAYLOAD as u64)).sum();
    let sound: u64 = audio.iter().map(|size| size + FRAME_HEADER).sum();
    let by_size = to_float(sound) / to_float(MAX_AUDIO_PES as u64);
    let groups = if audio.is_empty() { 0.0 } else { by_size.max(sound_groups(duration, clocked)) };
    whole_cycles(to_float(pictures)) + whole_cycles(sound_packets(to_float(sound), groups))
}

/// Packets together with those that fill up a stream.
fn whole_cycles(packets: f64) -> f64 {
    (packets / CYCLE).ceil() * CYCLE
}

/// Packets for so many bytes of samples.
fn guessed(bytes: u64, duration: Time90k, frame_rate: Option<f64>, sound: bool) -> f64 {
    // Small frames do not fill their packets: each is counted with half a packet of stuffing.
    let groups = if sound { sound_groups(duration, frame_rate.is_none()) } else { 0.0 };
    let sound = sound_packets(groups * to_float(9 * FRAME_HEADER), groups);
    let payload = to_float(PAYLOAD as u64);
    // Half of what may be needed to fill up.
    let fill = CYCLE / 2.0;
    let Some(rate) = frame_rate else {
        return sound + to_float(bytes) / payload + fill;
    };
    let sound = if groups > 0.0 { sound + fill } else { sound };
    let pictures = (duration.seconds() * rate).max(1.0);
    let each = to_float(bytes) / pictures + to_float(PICTURE_HEADERS);
    sound + fill + pictures * (each / payload + 0.5).max(1.0)
}

/// PES packets of sound; more of them where they carry the clock.
fn sound_groups(duration: Time90k, clocked: bool) -> f64 {
    let span = if clocked { MAX_CLOCK_SPAN } else { MAX_AUDIO_SPAN };
    (duration.seconds() / span.seconds()).max(1.0)
}

/// Packets of sound in so many PES packets, of which the last is half full.
fn sound_packets(bytes: f64, groups: f64) -> f64 {
    (bytes + groups * to_float(GROUP_HEADER)) / to_float(PAYLOAD as u64) + groups * 0.5
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
const fn to_float(value: u64) -> f64 {
    value as f64
}
