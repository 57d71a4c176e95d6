use super::*;
use crate::codec::{ac3::Ac3Config, hevc::HevcConfig};
use crate::hls::names::{Resource, resource};
use crate::rendition::{Rendition, SegmentFormat, SubtitleId};
use crate::track::TextFormat;
use SegmentFormat::{Fmp4, Ts};
use proptest::prelude::*;

fn rendition(video: u64, audio: u64, format: SegmentFormat) -> Rendition {
    let track = |id| (id > 0).then_some(TrackId(id));
    Rendition { video: track(video), audio: track(audio), format }
}

fn with_text(tracks: &mut [Track]) {
    recode(tracks, 4, subtitles(TextFormat::Tx3g));
}

#[test]
fn each_file_has_one_name() {
    let film = film(|tracks| with_text(tracks));
    let cases = [
        ("master.m3u8", Resource::Multivariant),
        ("playlist.m3u8", Resource::Media(rendition(1, 2, Ts))),
        ("v1a2-mp4.m3u8", Resource::Media(rendition(1, 2, Fmp4))),
        ("v1-ts.m3u8", Resource::Media(rendition(1, 0, Ts))),
        ("a3-mp4.m3u8", Resource::Media(rendition(0, 3, Fmp4))),
        ("v1a3-ts.m3u8", Resource::Media(rendition(1, 3, Ts))),
        ("init.mp4", Resource::Init(rendition(1, 2, Fmp4))),
        ("v1-init.mp4", Resource::Init(rendition(1, 0, Fmp4))),
        ("segment001.ts", Resource::Segment(rendition(1, 2, Ts), 1)),
        ("segment000.m4s", Resource::Segment(rendition(1, 2, Fmp4), 0)),
        ("a2-001.ts", Resource::Segment(rendition(0, 2, Ts), 1)),
        ("v1-000.m4s", Resource::Segment(rendition(1, 0, Fmp4), 0)),
        ("s4.m3u8", Resource::Subtitles(SubtitleId::Track(TrackId(4)))),
        ("s4-001.vtt", Resource::SubtitleSegment(SubtitleId::Track(TrackId(4)), 1)),
        ("f12.m3u8", Resource::Subtitles(SubtitleId::File(12))),
        ("f0-000.vtt", Resource::SubtitleSegment(SubtitleId::File(0), 0)),
        ("v1-iframes-ts.m3u8", Resource::IFrames(rendition(1, 0, Ts))),
        ("v1-iframes-mp4.m3u8", Resource::IFrames(rendition(1, 0, Fmp4))),
        ("v1-iframe-000.m4s", Resource::IFrame(rendition(1, 0, Fmp4), 0)),
        ("chapters.json", Resource::ChaptersJson),
        ("chapters.vtt", Resource::ChaptersVtt),
    ];
    for (name, expected) in cases {
        assert_eq!(resource(&film, name, None), Some(expected), "{name}");
        assert_eq!(expected.name(&film), name);
    }
    let asked = resource(&film, "playlist.m3u8", Some(Fmp4));
    assert_eq!(asked, Some(Resource::Media(rendition(1, 2, Fmp4))), "as the client asks");
}

#[test]
fn other_forms_and_what_is_not_there_are_no_names() {
    let film = film(|tracks| with_text(tracks));
    assert_eq!(film.plan().segments.len(), 2);
    let wrong = [
        "",
        ".",
        "playlist",
        "Playlist.m3u8",
        "segment.ts",
        "segment1.ts",
        "segment01.ts",
        "segment0001.ts",
        "segment+01.ts",
        "segment-01.ts",
        "segment002.ts",
        "segment001.mp4",
        "segment99999999999.ts",
        "segment4294967296.ts",
        "v1a2-ts.m3u8",
        "v1a2-000.ts",
        "v1a2-init.mp4",
        "v01-ts.m3u8",
        "v+1-ts.m3u8",
        "v2-ts.m3u8",
        "a1-ts.m3u8",
        "a4-ts.m3u8",
        "v1a9-ts.m3u8",
        "-ts.m3u8",
        "v-ts.m3u8",
        "a-ts.m3u8",
        "v1-hls.m3u8",
        "v1-000.vtt",
        "s3.m3u8",
        "s9.m3u8",
        "s04.m3u8",
        "s4-002.vtt",
        "s4-1.vtt",
        "f01.m3u8",
        "f-1.m3u8",
        "a2-iframes-ts.m3u8",
        "v1a2-iframes-ts.m3u8",
        "v1-iframe-9999.ts",
        "v1-iframe-00.ts",
        "a2-init.ts",
        "chapters.txt",
        "v1-init.m4s",
        "../segment000.ts",
        "segment000.ts/",
        "v1a2a3-000.ts",
        "v1v1-000.ts",
        "v1-iframes-iframes-ts.m3u8",
        "v99999999999999999999999-ts.m3u8",
    ];
    for name in wrong {
        assert_eq!(resource(&film, name, None), None, "{name}");
    }
}

#[test]
fn what_does_not_fit_into_mpeg_ts_has_no_name_there() {
    let record = Bytes::from_static(&[1; 23]);
    let hevc = HevcConfig { record: record.clone(), length_size: 4, reorder_depth: 2, bit_depth: 8 };
    let ac3 = Ac3Config { record, sample_rate: 48_000, channels: 6, bit_rate: 384_000 };
    let film = film(|tracks| {
        recode(tracks, 1, Codec::Hevc(Box::new(hevc)));
        recode(tracks, 3, Codec::Ac3(ac3));
    });
    let main = Resource::Media(rendition(1, 2, Fmp4));
    assert_eq!(resource(&film, "playlist.m3u8", None), Some(main));
    assert_eq!(main.name(&film), "playlist.m3u8");
    assert_eq!(resource(&film, "playlist.m3u8", Some(Ts)), None);
    for name in
        ["segment000.ts", "v1-000.ts", "v1-ts.m3u8", "a3-000.ts", "v1a2-mp4.m3u8", "v1-iframes-ts.m3u8"]
    {
        assert_eq!(resource(&film, name, None), None, "{name}");
    }
    for name in ["segment000.m4s", "init.mp4", "a2-000.ts", "a3-000.m4s", "v1-mp4.m3u8", "a2-mp4.m3u8"] {
        assert!(resource(&film, name, None).is_some(), "{name}");
    }
}

fn resources() -> impl Strategy<Value = Resource> {
    let format = prop_oneof![Just(Ts), Just(Fmp4)];
    let rendition =
        (0u64..3, 0u64..5, format).prop_map(|(video, audio, format)| rendition(video, audio, format));
    let subtitle = prop_oneof![
        (0u64..6).prop_map(|id| SubtitleId::Track(TrackId(id))),
        any::<u32>().prop_map(SubtitleId::File)
    ];
    let index = prop_oneof![0u32..4, any::<u32>()];
    let every = (0u8..10, rendition, subtitle, index);
    every.prop_map(|(kind, rendition, subtitle, index)| match kind {
        0 => Resource::Multivariant,
        1 => Resource::Media(rendition),
        2 => Resource::Init(Rendition { format: Fmp4, ..rendition }),
        3 => Resource::Segment(rendition, index),
        4 => Resource::Subtitles(subtitle),
        5 => Resource::SubtitleSegment(subtitle, index),
        6 => Resource::IFrames(rendition),
        7 => Resource::IFrame(rendition, index),
        8 => Resource::ChaptersJson,
        _ => Resource::ChaptersVtt,
    })
}

proptest! {
    #[test]
    fn a_name_is_understood_as_what_it_was_made_from(wanted in resources()) {
        let film = film(|tracks| with_text(tracks));
        if let Some(found) = resource(&film, &wanted.name(&film), None) {
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn what_is_understood_is_written_the_same_way(
        name in "(v[0-3])?(a[0-4])?(-iframes?)?(-(init|ts|mp4|0{0,3}[0-9]{0,4}))?\\.(m3u8|ts|m4s|mp4|vtt)|[a-z0-9.-]{0,16}",
    ) {
        let film = film(|tracks| with_text(tracks));
        if let Some(found) = resource(&film, &name, None) {
            prop_assert_eq!(found.name(&film), name);
        }
    }
}
