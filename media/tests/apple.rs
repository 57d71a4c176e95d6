//! Our own checker for Apple's "HLS Authoring Specification for Apple Devices" (revision of 2025-05-08), as far as its
//! rules can be tested without its devices. Numbers are those of the specification.
//!
//! | rule | what it asks for | where it is checked |
//! |---|---|---|
//! | 1.2, 1.5 | H.264 in MPEG-TS or fMP4; HEVC in fMP4 only (so AV1 and VP9 here) | `codecs` |
//! | 1.10 | parameter sets in the sample entry: avc1, hvc1, dvh1; not avc3, hev1, dvhe | `codecs` |
//! | 1.26, 1.27 | average and peak as declared, within 10 % | `bandwidth.rs` |
//! | 2.17 | one sound in a segment at most | `media_playlists`: of every variant |
//! | 2.25 | FLAC and ALAC in fMP4 only | `codecs` |
//! | 4.5, 4.6 | subtitles for those who cannot hear say so | `renditions` |
//! | 5.3 | X-TIMESTAMP-MAP in WebVTT segments | the tests of `text` |
//! | 6.1 | an I-frame playlist, with CODECS and RESOLUTION | `iframes` |
//! | 7.4 | every segment begins with a key picture | the tests of the muxers |
//! | 7.7 | no segment longer than the target duration and half a second | `media_playlists` |
//! | 8.1 | the sum of durations is true within a picture | `media_playlists` |
//! | 8.2, 8.3, 8.7 | all renditions: one target duration, one length | `media_playlists` |
//! | 8.6 | EXT-X-PLAYLIST-TYPE:VOD (and EXT-X-ENDLIST) | `media_playlists` |
//! | 8.10 | LANGUAGE with every EXT-X-MEDIA | `renditions` |
//! | 9.1, 9.2 | CODECS and RESOLUTION | `variants` |
//! | 9.7 | sounds to choose from are streams of their own | `renditions` |
//! | 9.11, 9.12 | EXT-X-INDEPENDENT-SEGMENTS | `variants`, `media_playlists` |
//! | 9.13 | BANDWIDTH is no less than AVERAGE-BANDWIDTH, and counts all that is played together | `variants`, `bandwidth.rs` |
//! | 9.14, 9.15, 9.16 | FRAME-RATE, AVERAGE-BANDWIDTH, VIDEO-RANGE | `variants` |
//! | 8.18, 10.1 | no redirects; gzip | the server's tests |
//!
//! What a program that only repacks cannot or does not keep:
//!
//! * 2.3, 2.6: stereo AAC, and AC-3, beside every E-AC-3: sound that is not in the file cannot be offered.
//! * 6.1: key pictures are listed only where they are asked for, because each is a far place of the swarm.
//! * 7.5: segments of 6 s, as far as the film's key pictures allow.
//! * 9.5, 9.6: in MPEG-TS the default sound is in the picture's segments, also with more than two channels: that is
//!   what clients play that know one media playlist only.
//! * 9.14: of a film whose container and codec do not tell a rate there is no FRAME-RATE.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use m3u8_rs::{AlternativeMedia, AlternativeMediaType, MasterPlaylist, MediaPlaylist, VariantStream};
use media::hls::{self, MultivariantOptions, Resource, resource};
use media::presentation::Presentation;
use media::rendition::{Rendition, SegmentFormat, SubtitleId};
use support::{corpus, fixtures, present};

/// What is wrong with a presentation, each with its rule.
struct Findings {
    wrong: Vec<String>,
    checks: usize,
}

impl Findings {
    fn check(&mut self, good: bool, rule: &str, what: impl FnOnce() -> String) {
        self.checks += 1;
        if !good {
            self.wrong.push(format!("{rule}: {}", what()));
        }
    }
}

fn other<'a>(variant: &'a VariantStream, name: &str) -> Option<&'a m3u8_rs::QuotedOrUnquoted> {
    variant.other_attributes.as_ref()?.get(name)
}

fn codecs(out: &mut Findings, variant: &VariantStream, format: SegmentFormat) {
    let codecs: Vec<&str> = variant.codecs.as_deref().unwrap_or_default().split(',').collect();
    for codec in &codecs {
        let is = |names: &[&str]| names.iter().any(|name| codec.starts_with(name));
        let ts = format == SegmentFormat::Ts;
        let not_in_ts = is(&["hvc1", "dvh1", "av01", "vp09", "vp9"]);
        out.check(!ts || !not_in_ts, "1.2, 1.5", || format!("{codec} in MPEG-TS"));
        out.check(!is(&["avc3", "hev1", "dvhe", "dav3"]), "1.10", || {
            format!("{codec} has no parameter sets")
        });
        out.check(!ts || !is(&["fLaC", "alac", "Opus"]), "2.25", || format!("{codec} in MPEG-TS"));
        let known = is(&[
            "avc1.", "hvc1.", "dvh1.", "av01.", "dav1.", "vp09.", "mp4a.40.", "Opus", "fLaC", "alac", "ac-3",
            "ec-3",
        ]);
        out.check(known, "9.1", || format!("{codec} is no name that players know"));
    }
}

fn variants(out: &mut Findings, film: &Presentation, playlist: &MasterPlaylist, format: SegmentFormat) {
    out.check(playlist.independent_segments, "9.11", || "no EXT-X-INDEPENDENT-SEGMENTS".to_owned());
    let all = || playlist.variants.iter().filter(|variant| !variant.is_i_frame);
    out.check(all().next().is_some(), "9", || "no variant".to_owned());
    for variant in all() {
        let uri = &variant.uri;
        codecs(out, variant, format);
        out.check(variant.codecs.as_ref().is_some_and(|codecs| !codecs.is_empty()), "9.1", || {
            format!("{uri}: no CODECS")
        });
        let average = variant.average_bandwidth;
        out.check(average.is_some(), "9.15", || format!("{uri}: no AVERAGE-BANDWIDTH"));
        out.check(average.is_some_and(|average| average <= variant.bandwidth), "9.13", || {
            format!("{uri}: {average:?}")
        });
        if let Some(video) = film.video() {
            let size_known = video.width > 0 && video.height > 0;
            out.check(!size_known || variant.resolution.is_some(), "9.2", || format!("{uri}: no RESOLUTION"));
            let rate_known = video.frame_rate.is_some();
            out.check(!rate_known || variant.frame_rate.is_some(), "9.14", || {
                format!("{uri}: no FRAME-RATE")
            });
            out.check(other(variant, "VIDEO-RANGE").is_some(), "9.16", || format!("{uri}: no VIDEO-RANGE"));
        }
    }
}

fn renditions(out: &mut Findings, film: &Presentation, playlist: &MasterPlaylist) {
    for media in &playlist.alternatives {
        let name = &media.name;
        out.check(media.language.as_ref().is_some_and(|tag| !tag.is_empty()), "8.10", || {
            format!("{name}: no LANGUAGE")
        });
        let is_text = media.media_type == AlternativeMediaType::Subtitles;
        if let (true, Some(Resource::Subtitles(SubtitleId::Track(id)))) = (is_text, find(film, media)) {
            let described = film.movie().track(id).unwrap().roles.hearing_impaired;
            let says = |what: &str| media.characteristics.as_ref().is_some_and(|all| all.contains(what));
            let said = says("public.accessibility.transcribes-spoken-dialog")
                && says("public.accessibility.describes-music-and-sound");
            out.check(described == said, "4.5, 4.6", || format!("{name}: {:?}", media.characteristics));
        }
        let variant = |variant: &&VariantStream| variant.audio.as_ref() == Some(&media.group_id);
        let without_uri = playlist
            .alternatives
            .iter()
            .filter(|other| other.group_id == media.group_id && other.uri.is_none())
            .count();
        out.check(without_uri <= 1, "9.7", || format!("{name}: {without_uri} sounds in one stream"));
        let used = is_text || playlist.variants.iter().any(|one| variant(&one));
        out.check(used, "9.7", || format!("{name}: no variant has it"));
    }
}

fn find(film: &Presentation, media: &AlternativeMedia) -> Option<Resource> {
    resource(film, media.uri.as_deref()?, None)
}

/// The playlist that `uri` names, with what it plays if that is media.
fn load(film: &Presentation, uri: &str) -> (MediaPlaylist, Option<Rendition>) {
    let (text, rendition) = match resource(film, uri, None) {
        Some(Resource::Media(rendition)) => (hls::media_playlist(film, &rendition, None), Some(rendition)),
        Some(Resource::Subtitles(id)) => (hls::subtitle_playlist(film, id), None),
        found => panic!("{uri}: {found:?}"),
    };
    (m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap().1, rendition)
}

fn media_playlists(
    out: &mut Findings,
    film: &Presentation,
    playlist: &MasterPlaylist,
    format: SegmentFormat,
) {
    let plan = film.plan();
    let frame = 1.0 / film.video().and_then(|video| video.frame_rate).unwrap_or(25.0);
    let variants =
        playlist.variants.iter().filter(|variant| !variant.is_i_frame).map(|variant| variant.uri.as_str());
    let others = playlist.alternatives.iter().filter_map(|media| media.uri.as_deref());
    for uri in variants.chain(others) {
        let (list, rendition) = load(film, uri);
        let target = list.target_duration as f64;
        let vod = list.playlist_type == Some(m3u8_rs::MediaPlaylistType::Vod) && list.end_list;
        out.check(vod, "8.6", || format!("{uri}: not VOD"));
        out.check(list.independent_segments, "9.12", || format!("{uri}: segments may depend on others"));
        out.check(target == f64::from(plan.target_duration()), "8.2, 8.3", || format!("{uri}: {target}"));
        out.check(list.segments.len() == plan.segments.len(), "8.7", || {
            format!("{uri}: {}", list.segments.len())
        });
        let mut sum = 0.0;
        for (entry, segment) in list.segments.iter().zip(&plan.segments) {
            let duration = f64::from(entry.duration);
            out.check(duration <= target + 0.5, "7.7", || format!("{uri}: {duration} of {target}"));
            sum += duration;
            let real = (segment.end - plan.origin()).seconds();
            out.check((sum - real).abs() < frame, "8.1", || format!("{uri}: {sum}, not {real}"));
        }
        if let Some(rendition) = rendition {
            out.check(rendition.format == format, "1.2", || format!("{uri}: {rendition:?}"));
            // A type that holds one sound at most, and has none where it is offered apart.
            let apart = format == SegmentFormat::Fmp4 && film.video().is_some();
            out.check(!apart || rendition.tracks().count() == 1, "2.17, 9.5", || {
                format!("{uri}: {rendition:?}")
            });
            let map = list.segments.first().is_some_and(|first| first.map.is_some());
            out.check(map == (format == SegmentFormat::Fmp4), "RFC 8216 3.3", || format!("{uri}: EXT-X-MAP"));
        }
    }
}

fn iframes(out: &mut Findings, film: &Presentation, playlist: &MasterPlaylist) {
    let listed: Vec<&VariantStream> = playlist.variants.iter().filter(|variant| variant.is_i_frame).collect();
    let expected = usize::from(film.video().is_some());
    out.check(listed.len() == expected, "6.1", || format!("{} I-frame playlists", listed.len()));
    for variant in listed {
        let size_known = film.video().is_some_and(|video| video.width > 0);
        let described = variant.codecs.is_some() && (!size_known || variant.resolution.is_some());
        out.check(described, "6.1", || format!("{variant:?}"));
        let Some(Resource::IFrames(rendition)) = resource(film, &variant.uri, None) else {
            panic!("{}", variant.uri)
        };
        let text = hls::iframe_playlist(film, &rendition).unwrap();
        let (_, list) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
        out.check(list.i_frames_only && !list.segments.is_empty(), "6.1", || text.clone());
    }
}

/// All findings of all films, in each format that they fit into.
fn check(films: Vec<(String, bytes::Bytes)>) -> (Vec<String>, usize) {
    let (mut wrong, mut presentations) = (Vec::new(), 0);
    for (name, file) in films {
        let Ok(film) = present(&file) else { continue };
        for format in [SegmentFormat::Ts, SegmentFormat::Fmp4] {
            let options = MultivariantOptions { format: Some(format), iframes: true, sidecars: &[] };
            let Ok(text) = hls::multivariant_playlist(&film, &options) else {
                assert!(format == SegmentFormat::Ts, "{name}: all that is played fits into fMP4");
                continue;
            };
            let (_, playlist) = m3u8_rs::parse_master_playlist(text.as_bytes()).unwrap();
            let mut out = Findings { wrong: Vec::new(), checks: 0 };
            variants(&mut out, &film, &playlist, format);
            renditions(&mut out, &film, &playlist);
            media_playlists(&mut out, &film, &playlist, format);
            iframes(&mut out, &film, &playlist);
            assert!(out.checks > 10, "{name}: nothing was checked");
            wrong.extend(out.wrong.into_iter().map(|finding| format!("{name} {format:?} {finding}")));
            presentations += 1;
        }
    }
    (wrong, presentations)
}

#[test]
fn fixtures_keep_the_rules() {
    let (wrong, presentations) = check(fixtures(&[".mp4", ".mov", ".mkv", ".webm"]));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(presentations > 50, "only {presentations}");
}

#[test]
fn the_corpus_keeps_the_rules() {
    let films = corpus(16 << 20);
    let is_there = !films.is_empty();
    let (wrong, presentations) = check(films);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!is_there || presentations > 150, "only {presentations}");
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let file = support::fixture("mp4-two-audio-tx3g.mp4");
    let film = present(&file).unwrap();
    let text = hls::multivariant_playlist(&film, &MultivariantOptions::default()).unwrap();
    let spoilt = [
        (",LANGUAGE=\"fr\"", "", "8.10"),
        ("avc1.", "avc3.", "1.10"),
        ("avc1.", "hvc1.", "1.2, 1.5"),
        ("mp4a.40.2", "fLaC", "2.25"),
        (",FRAME-RATE=24.000", "", "9.14"),
        (",RESOLUTION=320x180", "", "9.2"),
        (",VIDEO-RANGE=SDR", "", "9.16"),
        ("#EXT-X-INDEPENDENT-SEGMENTS\n", "", "9.11"),
        (",URI=\"a3-ts.m3u8\"", "", "9.7"),
        ("AVERAGE-BANDWIDTH=", "AVERAGE-BANDWIDTH=9", "9.13"),
    ];
    for (from, to, rule) in spoilt {
        assert!(text.contains(from), "{from} in {text}");
        let (_, playlist) = m3u8_rs::parse_master_playlist(text.replace(from, to).as_bytes()).unwrap();
        let mut out = Findings { wrong: Vec::new(), checks: 0 };
        variants(&mut out, &film, &playlist, SegmentFormat::Ts);
        renditions(&mut out, &film, &playlist);
        assert!(out.wrong.iter().any(|finding| finding.starts_with(rule)), "{rule}: {:?}", out.wrong);
    }
}
