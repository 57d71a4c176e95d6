//! A name is understood only in the form in which it is written; no title or language of a track breaks a playlist.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media::hls::{MultivariantOptions, multivariant_playlist, resource};
use media::movie::Movie;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::source::Step;
use std::sync::{Arc, LazyLock};

const FILM: &[u8] = include_bytes!("../../../fixtures/mkv-everything.mkv");

fn movie() -> Movie {
    let Ok(Step::Done(movie)) = media::open(&Bytes::from_static(FILM)) else { panic!("a good film") };
    movie
}

static PLAIN: LazyLock<Presentation> =
    LazyLock::new(|| Presentation::new(Arc::new(movie()), &PlanOptions::default()).expect("a good film"));

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Some(found) = resource(&PLAIN, &text, None).filter(|_| text != "playlist.m3u8") {
        assert_eq!(found.name(&PLAIN), text);
    }
    let mut movie = movie();
    let mut parts = text.split('\u{1}');
    for track in &mut movie.tracks {
        track.name = parts.next().map(str::to_owned);
        track.language = parts.next().map(str::to_owned);
    }
    let film = Presentation::new(Arc::new(movie), &PlanOptions::default()).expect("a good film");
    let playlist = multivariant_playlist(&film, &MultivariantOptions::default()).expect("a good film");
    assert!(playlist.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(playlist.lines().all(|line| line.matches('"').count() % 2 == 0));
    assert!(playlist.lines().all(|line| line.starts_with("#EXT") || line.ends_with(".m3u8")));
});
