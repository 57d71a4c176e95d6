//! What is done with a film, whatever it is.

use bytes::Bytes;
use media::hls::{self, MultivariantOptions, Resource, resource};
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::rendition::{Rendition, SegmentFormat};
use media::source::Step;
use std::sync::Arc;

/// Takes a file the whole way; what it promises about its results must hold.
pub fn play(file: Bytes) {
    let Ok(Step::Done(movie)) = media::open(&file) else { return };
    let _ = movie.duration();
    let Ok(film) = Presentation::new(Arc::new(movie), &PlanOptions::default()) else { return };
    let plan = film.plan();
    assert!(!plan.segments.is_empty());
    assert!(plan.segments.iter().all(|segment| segment.duration().0 > 0));
    assert!(plan.segments.windows(2).all(|pair| pair[0].end == pair[1].start));
    playlists(&film);
    let Ok(rendition) = film.main_rendition(None) else { return };
    for index in plan.segments.iter().map(|segment| segment.index).take(3) {
        let ranges = film.byte_ranges(&rendition, index);
        let Some(made) = done(film.segment(&rendition, index, &file)) else { continue };
        assert!(made.starts_with(&film.head(&rendition, index)));
        if rendition.format == SegmentFormat::Ts {
            assert!(made.len() % 188 == 0 && made.chunks(188).all(|packet| packet[0] == 0x47));
        }
        let ranges = ranges.expect("a segment that is made has ranges");
        assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        for track in film.subtitles() {
            let made = done(film.subtitle_segment(track.id, index, &file));
            assert!(made.is_none_or(|made| made.starts_with(b"WEBVTT\n")));
        }
    }
    let pictures = Rendition { audio: None, ..rendition };
    for index in 0..3 {
        let _ = film.iframe_ranges(&pictures, index);
        let _ = done(film.iframe(&pictures, index, &file));
    }
}

/// Everything that a playlist names is understood.
fn playlists(film: &Presentation) {
    for format in [None, Some(SegmentFormat::Ts), Some(SegmentFormat::Fmp4)] {
        let options = MultivariantOptions { format, iframes: true, sidecars: &[] };
        let Ok(text) = hls::multivariant_playlist(film, &options) else { continue };
        for name in text.lines().filter(|line| !line.starts_with('#')) {
            let Some(Resource::Media(rendition)) = resource(film, name, None) else { panic!("{name}") };
            let text = hls::media_playlist(film, &rendition, None);
            for name in text.lines().filter(|line| !line.starts_with('#')).take(3) {
                assert!(matches!(resource(film, name, None), Some(Resource::Segment(..))), "{name}");
            }
        }
    }
    assert!(hls::chapters_vtt(film).starts_with("WEBVTT\n"));
    assert!(hls::chapters_json(film).ends_with("]\n"));
}

fn done<T>(result: Result<Step<T>, media::Error>) -> Option<T> {
    match result {
        Ok(Step::Done(value)) => Some(value),
        Ok(Step::Need(range)) => panic!("{range:?} asked for of a file that is here"),
        Err(_) => None,
    }
}
