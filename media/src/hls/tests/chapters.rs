use crate::hls::{MultivariantOptions, chapters_json, chapters_vtt, multivariant_playlist};
use crate::plan::PlanOptions;
use crate::presentation::Presentation;
use crate::source::Step;
use bytes::Bytes;
use std::sync::Arc;

/// Chapters at 0, 4 and 10 s of 12 s.
const FILM: &[u8] = include_bytes!("../../../../fixtures/mkv-everything.mkv");

#[test]
fn chapters_as_json_and_as_webvtt() {
    let Ok(Step::Done(movie)) = crate::open(&Bytes::from_static(FILM)) else { panic!("a good file") };
    let film = Presentation::new(Arc::new(movie), &PlanOptions::default()).unwrap();
    let json = chapters_json(&film);
    let expected = r#"[
{"chapter":1,"start-time":0.000,"duration":4.000,"titles":[{"language":"en","title":"Opening"}]},
{"chapter":2,"start-time":4.000,"duration":6.000,"titles":[{"language":"en","title":"Middle & \"more\""}]},
{"chapter":3,"start-time":10.000,"duration":"#;
    assert!(json.starts_with(expected), "{json}");
    let vtt = chapters_vtt(&film);
    let expected = "WEBVTT\n\n1\n00:00:00.000 --> 00:00:04.000\nOpening\n\n2\n00:00:04.000 --> 00:00:10.000\nMiddle &amp; \"more\"\n\n3\n";
    assert!(vtt.starts_with(expected), "{vtt}");
    let playlist = multivariant_playlist(&film, &MultivariantOptions::default()).unwrap();
    let tag = "#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\",URI=\"chapters.json\"\n";
    assert!(playlist.contains(tag), "{playlist}");
}
