//! Presentations to try the playlists on: a real film under whatever tracks a test wants.

mod chapters;
mod multivariant;
mod names;

use crate::plan::PlanOptions;
use crate::presentation::Presentation;
use crate::source::Step;
use crate::track::{Codec, TextConfig, TextFormat, Track, TrackId};
use bytes::Bytes;
use std::sync::Arc;

/// 12 s, pictures are track 1, sound is 2 and 3, subtitles are 4.
const FILM: &[u8] = include_bytes!("../../../../fixtures/mp4-two-audio-tx3g.mp4");

/// The film with its tracks changed.
fn film(change: impl FnOnce(&mut Vec<Track>)) -> Presentation {
    let Ok(Step::Done(mut movie)) = crate::open(&Bytes::from_static(FILM)) else { panic!("a good file") };
    change(&mut movie.tracks);
    Presentation::new(Arc::new(movie), &PlanOptions::default()).unwrap()
}

/// Track `id` of the film with another codec.
fn recode(tracks: &mut [Track], id: u64, codec: Codec) {
    tracks.iter_mut().find(|track| track.id.0 == id).unwrap().codec = codec;
}

/// Subtitles of that kind.
fn subtitles(format: TextFormat) -> Codec {
    Codec::Text(TextConfig { format, header: Bytes::new() })
}
