//! How large a segment will be, before its bytes are known: what a playlist's BANDWIDTH is made of.

use super::boxes::HEADER;
use super::timeline::timescale;
use crate::movie::{Movie, SpanSizes};
use crate::plan::{Segment, SegmentPlan};
use crate::rendition::Rendition;
use crate::track::{Track, TrackId, TrackKind};

/// Bytes of `styp`, at most.
pub(super) const STYP: usize = HEADER + 20;
/// `moof` and `mfhd`.
const MOOF: u64 = 8 + 16;
/// `traf`, `tfhd`, `tfdt` of version 1, and `trun` but for its samples.
const TRAF: u64 = 8 + 16 + 20 + 20;
/// What `trun` tells of a picture,
const PICTURE: u64 = 16;
/// and of a frame of sound.
const FRAME: u64 = 8;

/// Bytes of the `moof` of runs: of pictures?, and of how many samples.
pub(super) fn moof(runs: impl Iterator<Item = (bool, u64)>) -> u64 {
    let run =
        |(is_video, count): (bool, u64)| TRAF + count.saturating_mul(if is_video { PICTURE } else { FRAME });
    MOOF + runs.map(run).sum::<u64>()
}

/// About how many bytes the segment has: exactly so many from an index that tells each sample's size, unless
/// bytes are taken out of samples; otherwise rather more than less.
pub(crate) fn estimated_size(
    movie: &Movie,
    plan: &SegmentPlan,
    rendition: &Rendition,
    segment: &Segment,
) -> f64 {
    let tracks: Vec<TrackId> = rendition.tracks().collect();
    let is_video = |id: &TrackId| rendition.video == Some(*id);
    let (bytes, runs): (u64, Vec<(bool, u64)>) = match movie.sizes(plan.cut, &tracks, &segment.span) {
        SpanSizes::Each(lists) => {
            // Empty samples are left out.
            let count = |sizes: &Vec<u64>| sizes.iter().filter(|size| **size > 0).count() as u64;
            let runs = tracks.iter().zip(&lists).map(|(id, sizes)| (is_video(id), count(sizes)));
            (lists.iter().flatten().sum(), runs.filter(|run| run.1 > 0 || tracks.len() == 1).collect())
        }
        SpanSizes::Sum(bytes) => {
            let runs = tracks.iter().filter_map(|id| movie.track(*id)).map(|track| {
                let count = segment.duration().seconds() * samples_per_second(track);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
                let count = count.ceil() as u64;
                (is_video(&track.id), count)
            });
            (bytes, runs.collect())
        }
    };
    let head = super::head(rendition).len() + HEADER;
    to_float(bytes + moof(runs.into_iter()) + head as u64)
}

/// How many samples of a track there are in a second, as far as it tells.
fn samples_per_second(track: &Track) -> f64 {
    const PICTURES: f64 = 30.0;
    const FRAMES: f64 = 50.0;
    match (timescale(&track.codec), track.codec.frame_samples()) {
        (Some(rate), Some(samples)) if samples > 0 => f64::from(rate) / f64::from(samples),
        _ if track.kind == TrackKind::Audio => FRAMES,
        _ => track.frame_rate.filter(|rate| (1.0..1000.0).contains(rate)).unwrap_or(PICTURES),
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
const fn to_float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PlanOptions;
    use crate::presentation::Presentation;
    use crate::rendition::SegmentFormat;
    use crate::source::Step;
    use bytes::Bytes;
    use std::sync::Arc;

    #[test]
    fn an_index_of_sizes_tells_the_size_of_a_segment() {
        let file = Bytes::from_static(include_bytes!("../../../fixtures/mp4-open-gop.mp4"));
        let Ok(Step::Done(movie)) = crate::open(&file) else { panic!("a film that opens") };
        let film = Presentation::new(Arc::new(movie), &PlanOptions::default()).unwrap();
        let main = film.main_rendition(Some(SegmentFormat::Fmp4)).unwrap();
        for rendition in [main, Rendition { audio: None, ..main }, Rendition { video: None, ..main }] {
            for segment in &film.plan().segments {
                let told = estimated_size(film.movie(), film.plan(), &rendition, segment);
                let Ok(Step::Done(made)) = film.segment(&rendition, segment.index, &file) else { panic!() };
                assert!((told - made.len() as f64).abs() < 0.5, "{told} for {}", made.len());
            }
        }
    }
}
