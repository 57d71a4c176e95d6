//! Any bytes as the chapters of a Matroska file, as far as those of a good one reach.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media::hls::{chapters_json, chapters_vtt};
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::source::Step;
use std::sync::Arc;

const FILM: &[u8] = include_bytes!("../../../fixtures/mkv-everything.mkv");
const CHAPTERS: &[u8] = &[0x10, 0x43, 0xa7, 0x70];

fuzz_target!(|data: &[u8]| {
    let mut film = FILM.to_vec();
    // The ID is in the SeekHead, too; the element itself is the last that has it.
    let found = film.windows(4).enumerate().filter(|(_, bytes)| *bytes == CHAPTERS).map(|(at, _)| at);
    let at = found.last().expect("chapters") + CHAPTERS.len();
    let width = film[at].leading_zeros() as usize + 1;
    let first = usize::from(film[at]) & (0xff >> width);
    let len = film[at + 1..at + width].iter().fold(first, |sum, byte| sum << 8 | usize::from(*byte));
    let payload = &mut film[at + width..at + width + len];
    payload.fill(0xec); // Void
    let used = data.len().min(len);
    payload[..used].copy_from_slice(&data[..used]);

    let Ok(Step::Done(movie)) = media::open(&bytes::Bytes::from(film)) else { panic!("a good film") };
    assert!(movie.chapters().windows(2).all(|pair| pair[0].start < pair[1].start));
    let film = Presentation::new(Arc::new(movie), &PlanOptions::default()).expect("a good film");
    let json = chapters_json(&film);
    assert!(json.chars().all(|c| c == '\n' || !c.is_control()));
    let vtt = chapters_vtt(&film);
    assert_eq!(json.matches("{\"chapter\":").count(), vtt.matches(" --> ").count());
});
