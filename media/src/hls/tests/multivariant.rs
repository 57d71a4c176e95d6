use super::*;
use crate::codec::ac3::{Ac3Config, Eac3Config};
use crate::codec::dolby_vision::DolbyVision;
use crate::codec::hevc::HevcConfig;
use crate::codec::mpeg_audio::MpegAudioConfig;
use crate::codec::opus::OpusConfig;
use crate::colour::Colour;
use crate::hls::{MultivariantOptions, SidecarSubtitle, multivariant_playlist, resource};
use crate::rendition::SegmentFormat;
use crate::track::{Rotation, TextFormat, TrackKind};
use m3u8_rs::{AlternativeMedia, AlternativeMediaType, MasterPlaylist, VariantStream};
use proptest::prelude::*;

fn read(text: &str) -> MasterPlaylist {
    let (rest, playlist) = m3u8_rs::parse_master_playlist(text.as_bytes()).unwrap();
    assert!(rest.is_empty(), "{text}");
    playlist
}

fn write(film: &Presentation, options: &MultivariantOptions<'_>) -> (String, MasterPlaylist) {
    let text = multivariant_playlist(film, options).unwrap();
    let playlist = read(&text);
    (text, playlist)
}

fn hevc() -> Codec {
    let record = Bytes::from_static(&[
        1, 2, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 120, 0xf0, 0, 0xfc, 0xfd, 0xfa, 0xfa, 0, 0, 0xf, 0,
    ]);
    Codec::Hevc(Box::new(HevcConfig { record, length_size: 4, reorder_depth: 2, bit_depth: 10 }))
}

fn ac3() -> Codec {
    let record = Bytes::from_static(&[0x10, 0x3d, 0xc0]);
    Codec::Ac3(Ac3Config { record, sample_rate: 48_000, channels: 6, bit_rate: 448_000 })
}

fn eac3(joc_complexity: u8) -> Codec {
    let record = Bytes::from_static(&[0x14, 0x00, 0x20, 0x0f, 0x00]);
    let (sample_rate, samples_per_frame) = (48_000, 1_536);
    Codec::Eac3(Eac3Config { record, sample_rate, channels: 6, samples_per_frame, joc_complexity })
}

fn opus() -> Codec {
    Codec::Opus(OpusConfig {
        record: Bytes::from_static(&[0; 11]),
        channels: 2,
        pre_skip: 312,
        first_packet: 960,
    })
}

fn mp3() -> Codec {
    Codec::Mp3(MpegAudioConfig::layer3(48_000, 2))
}

/// The film's AAC.
fn aac() -> Codec {
    film(|_| ()).default_audio().unwrap().codec.clone()
}

fn sound(id: u64, codec: Codec, language: &str) -> Track {
    let language = Some(language.to_owned()).filter(|language| !language.is_empty());
    let track = Track::new(TrackId(id), TrackKind::Audio, codec);
    Track { language, sample_rate: 48_000, channels: 2, default: id == 2, ..track }
}

/// The film with these sounds, and HEVC pictures if wanted.
fn with_sounds(pictures: Option<Codec>, sounds: Vec<Track>) -> Presentation {
    film(|tracks| {
        tracks.retain(|track| track.kind == TrackKind::Video);
        if let Some(codec) = pictures {
            recode(tracks, 1, codec);
        }
        tracks.extend(sounds);
    })
}

/// What a variant offers, in short: codecs, group, score, URI.
fn shape(variant: &VariantStream) -> String {
    let codecs = variant.codecs.as_deref().unwrap_or("-");
    let names: Vec<&str> = codecs.split(',').map(|codec| codec.split('.').next().unwrap()).collect();
    let score = variant.other_attributes.as_ref().and_then(|other| other.get("SCORE"));
    let score = score.map_or_else(|| "-".to_owned(), ToString::to_string);
    format!("{} {} {score} {}", names.join("+"), variant.audio.as_deref().unwrap_or("-"), variant.uri)
}

fn shapes(film: &Presentation, format: Option<SegmentFormat>) -> Vec<String> {
    let (_, playlist) = write(film, &MultivariantOptions { format, ..Default::default() });
    playlist.variants.iter().map(shape).collect()
}

/// A rendition in short: group, language, what it is chosen by, URI.
fn media(of: &AlternativeMedia) -> String {
    let flags = [(of.default, "default"), (of.autoselect, "auto"), (of.forced, "forced")];
    let flags: Vec<&str> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    let (language, uri) = (of.language.as_deref().unwrap_or("-"), of.uri.as_deref().unwrap_or("-"));
    format!("{} {language} {} {uri}", of.group_id, flags.join("+"))
}

#[test]
fn mpeg_ts_has_the_default_sound_with_the_picture() {
    let film = film(|tracks| tracks.retain(|track| track.kind != TrackKind::Subtitle));
    let (text, playlist) = write(&film, &MultivariantOptions::default());
    assert!(text.starts_with("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n"), "{text}");
    assert_eq!(playlist.variants.iter().map(shape).collect::<Vec<_>>(), ["avc1+mp4a audio - playlist.m3u8"]);
    let media: Vec<String> = playlist.alternatives.iter().map(media).collect();
    assert_eq!(media, ["audio en default+auto -", "audio fr auto a3-ts.m3u8"]);
    let names: Vec<&str> = playlist.alternatives.iter().map(|media| media.name.as_str()).collect();
    assert_eq!(names, ["English", "French"]);
    let variant = &playlist.variants[0];
    assert_eq!(variant.resolution.map(|size| (size.width, size.height)), Some((320, 180)));
    assert_eq!(variant.frame_rate, Some(24.0));
    assert_eq!(variant.closed_captions, Some(m3u8_rs::ClosedCaptionGroupId::None));
    assert!(variant.average_bandwidth.unwrap() <= variant.bandwidth);
    let only = with_sounds(None, vec![sound(2, aac(), "eng")]);
    let (_, playlist) = write(&only, &MultivariantOptions::default());
    assert!(playlist.alternatives.is_empty(), "one sound needs no group");
}

#[test]
fn fragmented_mp4_has_all_apart_and_a_group_for_each_family() {
    let film = with_sounds(
        Some(hevc()),
        vec![sound(2, aac(), "eng"), sound(3, eac3(16), "eng"), sound(4, aac(), "fra")],
    );
    let (text, playlist) = write(&film, &MultivariantOptions::default());
    let expected = ["hvc1+mp4a aac - v1-mp4.m3u8", "hvc1+ec-3+mp4a eac3 - v1-mp4.m3u8"];
    assert_eq!(playlist.variants.iter().map(shape).collect::<Vec<_>>(), expected);
    let media: Vec<String> = playlist.alternatives.iter().map(media).collect();
    // Whoever can play E-AC-3 can have French, too.
    let expected = [
        "aac en default+auto a2-mp4.m3u8",
        "aac fr auto a4-mp4.m3u8",
        "eac3 en default+auto a3-mp4.m3u8",
        "eac3 fr auto a4-mp4.m3u8",
    ];
    assert_eq!(media, expected);
    assert!(text.contains("CHANNELS=\"16/JOC\"") && !text.contains("ec+3"), "{text}");
    for variant in &playlist.variants {
        assert!(resource(&film, &variant.uri, None).is_some());
    }
}

#[test]
fn a_browser_without_dolby_finds_a_level() {
    let dolby = with_sounds(None, vec![sound(2, eac3(0), "eng")]);
    let expected = ["avc1+ec-3 eac3 2 v1-mp4.m3u8", "avc1 - 1 v1-mp4.m3u8"];
    assert_eq!(shapes(&dolby, None), expected);
    let both = with_sounds(None, vec![sound(2, ac3(), "eng"), sound(3, aac(), "eng")]);
    assert_eq!(shapes(&both, None), ["avc1+mp4a aac - v1-mp4.m3u8", "avc1+ac-3 ac3 - v1-mp4.m3u8"]);
    // Sound in the wrong words comes after the right ones, and silence last.
    let dubbed = with_sounds(None, vec![sound(2, ac3(), "eng"), sound(3, aac(), "fra")]);
    let expected =
        ["avc1+ac-3+mp4a ac3 2 v1-mp4.m3u8", "avc1+mp4a aac 2 v1-mp4.m3u8", "avc1 - 1 v1-mp4.m3u8"];
    assert_eq!(shapes(&dubbed, None), expected);
    let commented = Track { name: Some("Commentary".into()), ..sound(3, aac(), "eng") };
    let commented = with_sounds(None, vec![sound(2, ac3(), "eng"), commented]);
    assert_eq!(shapes(&commented, None), expected);
    let webm = with_sounds(Some(hevc()), vec![sound(2, opus(), "eng")]);
    assert_eq!(shapes(&webm, None), ["hvc1+Opus opus - v1-mp4.m3u8"]);
}

#[test]
fn a_container_can_be_asked_for() {
    let film =
        with_sounds(None, vec![sound(2, ac3(), "eng"), sound(3, aac(), "eng"), sound(4, mp3(), "fra")]);
    assert_eq!(shapes(&film, Some(SegmentFormat::Ts)), ["avc1+mp4a+mp4a audio - v1a3-ts.m3u8"]);
    let silent = with_sounds(None, vec![sound(2, ac3(), "eng")]);
    assert_eq!(shapes(&silent, Some(SegmentFormat::Ts)), ["avc1 - - v1-ts.m3u8"]);
    let hevc = with_sounds(Some(hevc()), vec![sound(2, aac(), "eng")]);
    let ts = MultivariantOptions { format: Some(SegmentFormat::Ts), ..Default::default() };
    assert!(multivariant_playlist(&hevc, &ts).is_err());
    let simple = with_sounds(None, vec![sound(2, aac(), "eng")]);
    assert_eq!(shapes(&simple, Some(SegmentFormat::Fmp4)), ["avc1+mp4a aac - v1-mp4.m3u8"]);
}

#[test]
fn sound_alone_is_its_own_variant() {
    let songs = |codecs: Vec<Codec>| {
        film(|tracks| {
            tracks.clear();
            tracks.extend((2u64..).zip(codecs).map(|(id, codec)| sound(id, codec, "eng")));
        })
    };
    assert_eq!(shapes(&songs(vec![aac()]), None), ["mp4a - - playlist.m3u8"]);
    assert_eq!(shapes(&songs(vec![ac3()]), None), ["ac-3 - - playlist.m3u8"]);
    assert_eq!(shapes(&songs(vec![aac()]), Some(SegmentFormat::Fmp4)), ["mp4a - - a2-mp4.m3u8"]);
    assert_eq!(shapes(&songs(vec![aac(), aac()]), None), ["mp4a audio - playlist.m3u8"]);
    assert_eq!(shapes(&songs(vec![ac3(), aac()]), None), ["mp4a - - a3-mp4.m3u8", "ac-3 - - playlist.m3u8"]);
    let ts = MultivariantOptions { format: Some(SegmentFormat::Ts), ..Default::default() };
    assert!(multivariant_playlist(&songs(vec![ac3()]), &ts).is_err());
}

#[test]
fn the_picture_is_described_as_it_is_shown() {
    let hdr = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false };
    let dolby =
        |profile, compatibility| DolbyVision { record: Bytes::new(), profile, level: 6, compatibility };
    let line = |change: &dyn Fn(&mut Track)| {
        let film = film(|tracks| {
            recode(tracks, 1, hevc());
            change(&mut tracks[0]);
        });
        let options = MultivariantOptions { iframes: true, ..Default::default() };
        let (text, playlist) = write(&film, &options);
        let iframes = playlist.variants.iter().find(|variant| variant.is_i_frame).unwrap();
        assert_eq!((iframes.uri.as_str(), iframes.frame_rate), ("v1-iframes-mp4.m3u8", None));
        let codecs = iframes.codecs.as_deref().unwrap();
        assert!(["hvc1.2.4.L120.90", "dvh1.05.06"].contains(&codecs), "{codecs}");
        text.lines().find(|line| line.starts_with("#EXT-X-STREAM-INF")).unwrap().to_owned()
    };
    let plain = line(&|_| ());
    assert!(plain.contains(",RESOLUTION=320x180,FRAME-RATE=24.000,VIDEO-RANGE=SDR,"), "{plain}");
    let turned = line(&|video| {
        (video.pixel_aspect, video.rotation) = ((4, 3), Rotation::Clockwise90);
        video.frame_rate = Some(24_000.0 / 1_001.0);
    });
    assert!(turned.contains(",RESOLUTION=180x427,FRAME-RATE=23.976,"), "{turned}");
    let unknown = line(&|video| (video.frame_rate, video.width) = (None, 0));
    assert!(!unknown.contains("RESOLUTION") && !unknown.contains("FRAME-RATE"), "{unknown}");
    let vision = line(&|video| (video.colour, video.dolby_vision) = (Some(hdr), Some(dolby(8, 1))));
    assert!(
        vision.contains(",SUPPLEMENTAL-CODECS=\"dvh1.08.06/db1p\",") && vision.contains("VIDEO-RANGE=PQ"),
        "{vision}"
    );
    let alone = line(&|video| (video.colour, video.dolby_vision) = (Some(hdr), Some(dolby(5, 0))));
    assert!(!alone.contains("SUPPLEMENTAL-CODECS") && alone.contains("CODECS=\"dvh1.05.06"), "{alone}");
}

#[test]
fn subtitles_of_the_film_and_beside_it() {
    let text = |id: u64, language: &str| Track {
        language: Some(language.to_owned()),
        ..Track::new(TrackId(id), TrackKind::Subtitle, subtitles(TextFormat::Srt))
    };
    let mut forced = text(5, "eng");
    (forced.roles.forced, forced.default) = (true, true);
    let mut described = text(6, "eng");
    described.roles.hearing_impaired = true;
    let mut commentary = text(7, "eng");
    commentary.roles.commentary = true;
    let film = film(|tracks| {
        tracks.retain(|track| track.kind != TrackKind::Subtitle);
        tracks.extend([text(4, "eng"), forced, described, commentary, text(8, "eng")]);
    });
    let beside =
        SidecarSubtitle { file: 12, language: Some("pt-br".into()), default: true, ..Default::default() };
    let unknown = SidecarSubtitle { file: 13, name: Some("Fan made".into()), ..Default::default() };
    let sidecars = [beside, unknown];
    let (text, playlist) = write(&film, &MultivariantOptions { sidecars: &sidecars, ..Default::default() });
    let subtitles =
        || playlist.alternatives.iter().filter(|media| media.media_type == AlternativeMediaType::Subtitles);
    let found: Vec<String> = subtitles().map(media).collect();
    let expected = [
        "subtitles en auto s4.m3u8",
        "subtitles en default+auto+forced s5.m3u8",
        "subtitles en auto s6.m3u8",
        "subtitles en  s7.m3u8",
        "subtitles en  s8.m3u8",
        "subtitles pt-BR auto f12.m3u8",
        "subtitles und auto f13.m3u8",
    ];
    assert_eq!(found, expected);
    let names: Vec<&str> = subtitles().map(|media| media.name.as_str()).collect();
    let expected = [
        "English",
        "English (forced)",
        "English (SDH)",
        "English (commentary)",
        "English (English)",
        "Portuguese (Brazil)",
        "Fan made",
    ];
    assert_eq!(names, expected);
    assert!(playlist.variants.iter().all(|variant| variant.subtitles.as_deref() == Some("subtitles")));
    assert_eq!(text.matches("public.accessibility.transcribes-spoken-dialog").count(), 1);
    assert_eq!(text.matches("FORCED=").count(), 7, "an attribute of subtitles alone");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn no_name_or_language_breaks_the_playlist(
        names in proptest::collection::vec((proptest::option::of(any::<String>()), proptest::option::of("\\PC{0,12}")), 1..12),
        fmp4 in any::<bool>(),
    ) {
        let film = film(|tracks| {
            tracks.retain(|track| track.kind == TrackKind::Video);
            let mut codecs = [aac(), ac3(), opus()].into_iter().cycle();
            for (id, (name, language)) in (2u64..).zip(names.clone()) {
                let codec = codecs.next().filter(|_| fmp4).unwrap_or_else(aac);
                tracks.push(Track { name: name.clone(), language: language.clone(), ..sound(id, codec, "") });
                let text = Track::new(TrackId(id + 100), TrackKind::Subtitle, subtitles(TextFormat::Ass));
                tracks.push(Track { name, language, ..text });
            }
        });
        let (text, playlist) = write(&film, &MultivariantOptions::default());
        // RFC 8216 4.1: no control characters but line ends, which end with LF.
        prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
        prop_assert!(text.lines().all(|line| line.starts_with("#EXT") || line.ends_with(".m3u8")));
        let mut groups: Vec<String> = playlist.alternatives.iter().map(|media| media.group_id.clone()).collect();
        groups.sort_unstable();
        groups.dedup();
        prop_assert_eq!(groups.iter().filter(|group| *group == "subtitles").count(), 1);
        for group in groups {
            let members: Vec<&AlternativeMedia> =
                playlist.alternatives.iter().filter(|media| media.group_id == group).collect();
            let names: std::collections::HashSet<&str> = members.iter().map(|media| media.name.as_str()).collect();
            prop_assert_eq!(names.len(), members.len(), "{}", text);
            prop_assert!(names.iter().all(|name| !name.is_empty()));
            prop_assert!(members.iter().filter(|media| media.default).count() <= 1);
            prop_assert!(members.iter().all(|media| media.autoselect || !media.default));
        }
    }
}
