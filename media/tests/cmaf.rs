//! Fragmented MP4 as `mp4-atom` reads it back: every picture and every frame of sound of the source, at its time,
//! and a decode timeline without gaps.

mod support;

use bytes::Bytes;
use media::movie::Format;
use media::presentation::Presentation;
use media::rendition::{Rendition, SegmentFormat};
use media::source::Step;
use media::track::{Codec, Roles, Track};
use mp4_atom::{Any, Decode, DecodeMaybe, Header, Moof, Moov};
use std::collections::{BTreeMap, BTreeSet};
use support::source::{Unit, fragmented_corpus, other_frames, other_moov, other_samples};
use support::{fixtures, present, tells_the_truth};

const VIDEO: u32 = 1;
const AUDIO: u32 = 2;
/// What a segment's clock says when the presentation begins.
const BASE: i64 = 900_000;

/// What one segment holds of one track, in ticks of the track.
#[derive(Debug)]
struct Run {
    start: i64,
    /// Length, and the distance of showing from decoding.
    times: Vec<(i64, i64)>,
    sync: Vec<bool>,
    data: Vec<Vec<u8>>,
}

fn boxes(mut data: &[u8]) -> Vec<(Header, Vec<u8>)> {
    let mut all = Vec::new();
    while !data.is_empty() {
        let before = data;
        let header = Header::decode(&mut data).expect("a box");
        let size = header.size.expect("a size");
        all.push((header, before[..before.len() - data.len() + size].to_vec()));
        data = &data[size..];
    }
    all
}

fn kinds(boxes: &[(Header, Vec<u8>)]) -> Vec<String> {
    boxes.iter().map(|(header, _)| header.kind.to_string()).collect()
}

fn made(presentation: &Presentation, rendition: &Rendition, index: u32, film: &Bytes) -> Bytes {
    match presentation.segment(rendition, index, film) {
        Ok(Step::Done(made)) => made,
        other => panic!("segment {index}: {other:?}"),
    }
}

/// The initialization segment, and each track's runs, one for each segment (`None`: not in it).
fn read_back(
    presentation: &Presentation,
    rendition: &Rendition,
    film: &Bytes,
    name: &str,
) -> (Moov, BTreeMap<u32, Vec<Option<Run>>>) {
    let init = presentation.init(rendition).expect("an initialization segment");
    let parts = boxes(&init);
    assert_eq!(kinds(&parts), ["ftyp", "moov"], "{name}");
    let Any::Moov(moov) = Any::decode_maybe(&mut parts[1].1.as_slice()).expect("moov").expect("all of it")
    else {
        panic!("{name}: no moov")
    };
    let mut tracks: BTreeMap<u32, Vec<Option<Run>>> =
        moov.trak.iter().map(|trak| (trak.tkhd.track_id, Vec::new())).collect();
    for segment in &presentation.plan().segments {
        let data = made(presentation, rendition, segment.index, film);
        assert!(data.starts_with(&presentation.head(rendition, segment.index)), "{name}");
        let parts = boxes(&data);
        assert_eq!(kinds(&parts), ["styp", "moof", "mdat"], "{name}");
        let moof = Moof::decode(&mut parts[1].1.as_slice()).expect("moof");
        assert_eq!(moof.mfhd.sequence_number, segment.index + 1, "{name}");
        let mut read = 0;
        for (id, runs) in &mut tracks {
            let Some(traf) = moof.traf.iter().find(|traf| traf.tfhd.track_id == *id) else {
                runs.push(None);
                continue;
            };
            assert!(traf.tfhd.default_base_is_moof, "{name}");
            let [trun] = traf.trun.as_slice() else { panic!("{name}: one run") };
            let mut at = parts[0].1.len() + trun.data_offset.expect("an offset") as usize;
            let mut run = Run {
                start: traf.tfdt.as_ref().expect("a time").base_media_decode_time as i64,
                times: Vec::new(),
                sync: Vec::new(),
                data: Vec::new(),
            };
            for entry in &trun.samples {
                let size = entry.size.expect("a size") as usize;
                run.times.push((entry.duration.expect("a length").into(), entry.cts.unwrap_or(0)));
                run.sync.push(entry.flags.is_none_or(|flags| flags & 0x0001_0000 == 0));
                run.data.push(data[at..at + size].to_vec());
                at += size;
                read += size;
            }
            runs.push(Some(run));
        }
        assert_eq!(read, parts[2].1.len() - 8, "{name}: all of mdat");
    }
    (moov, tracks)
}

/// All samples of a track, with times on the track's clock.
fn units(runs: &[Option<Run>]) -> Vec<Unit> {
    let mut units = Vec::new();
    for run in runs.iter().flatten() {
        let mut dts = run.start;
        for ((times, data), sync) in run.times.iter().zip(&run.data).zip(&run.sync) {
            units.push(Unit { pts: dts + times.1, dts, sync: *sync, data: data.clone() });
            dts += times.0;
        }
    }
    units
}

/// Pictures go on from segment to segment, without negative composition offsets, and begin at the cuts. `exact`:
/// the source tells how long each picture lasts.
fn assert_continuous(presentation: &Presentation, runs: &[Option<Run>], exact: bool, name: &str) {
    let plan = presentation.plan();
    let runs: Vec<&Run> = runs.iter().map(|run| run.as_ref().expect("pictures")).collect();
    for (segment, run) in plan.segments.iter().zip(&runs) {
        assert!(run.sync[0], "{name}: begins with a key frame");
        assert!(run.times.iter().all(|times| times.0 > 0 && times.1 >= 0), "{name}");
        if segment.index > 0 {
            let shown = run.start + run.times[0].1;
            assert_eq!(shown, plan.clock(segment.start).0, "{name}: segment {}", segment.index);
        }
    }
    for pair in runs.windows(2) {
        let last = pair[0].times.last().expect("pictures").0;
        let end = pair[0].start + pair[0].times.iter().map(|times| times.0).sum::<i64>();
        assert!(pair[1].start > end - last, "{name}: decoding goes back");
        // Without lengths, that of the last picture is that of the one before.
        let slack = if exact { 1 } else { last / 2 };
        assert!((pair[1].start - end).abs() <= slack, "{name}: {end} and then {}", pair[1].start);
    }
}

/// The renditions of all tracks, one each, and the main one; none when the index lies.
fn renditions(presentation: &Presentation, film: &Bytes) -> Vec<Rendition> {
    let format = SegmentFormat::Fmp4;
    let video = presentation.video().map(|track| Rendition { video: Some(track.id), audio: None, format });
    let audio = presentation.audio().map(|track| Rendition { video: None, audio: Some(track.id), format });
    let mut all: Vec<Rendition> = video.into_iter().chain(audio).collect();
    all.extend(presentation.main_rendition(Some(format)));
    if all.iter().all(|rendition| tells_the_truth(presentation, rendition, film)) { all } else { Vec::new() }
}

/// Times of the source on the clock of a track with `scale` ticks a second.
fn on_clock(presentation: &Presentation, pts: i64, scale: u32) -> i64 {
    let time = pts + BASE - presentation.plan().origin().0;
    (time * i64::from(scale) * 2 + 90_000).div_euclid(180_000)
}

/// `made` is the source from some sample on, which is no later than where the presentation begins; times are off
/// by `slack` ticks at most.
fn assert_same(
    presentation: &Presentation,
    track: &Track,
    made: &[Unit],
    source: &[Unit],
    (scale, slack): (u32, i64),
    name: &str,
) {
    let skipped = source.len().checked_sub(made.len()).expect("no more than in the source");
    assert!(!made.is_empty(), "{name}");
    let origin = presentation.plan().origin().0;
    assert!(
        source[..skipped].iter().all(|sample| sample.pts < origin),
        "{name}: track {}: {skipped} left out",
        track.id.0
    );
    let mut before = None;
    for (made, source) in made.iter().zip(&source[skipped..]) {
        assert!(made.data == source.data, "{name}: track {} at {}", track.id.0, source.pts);
        let time = on_clock(presentation, source.pts, scale);
        // Of a lace only the first frame has a time.
        let is_timed = before.replace(source.pts) != Some(source.pts);
        assert!(
            !is_timed || (made.pts - time).abs() <= slack,
            "{name}: track {}: {} for {time}",
            track.id.0,
            made.pts
        );
        // The other reader of Matroska does not tell of all frames whether they are key frames.
        let is_told = presentation.movie().format == Format::Mp4;
        assert!(!is_told || made.sync == source.sync, "{name}: track {} at {}", track.id.0, source.pts);
    }
}

/// Compares all renditions of a film with what `source` knows of a track; `rounding` is how far its times may be
/// off, in ticks of 90 kHz.
fn compare(
    presentation: &Presentation,
    film: &Bytes,
    name: &str,
    rounding: i64,
    source: impl Fn(&Track) -> Vec<Unit>,
) {
    for rendition in renditions(presentation, film) {
        let (moov, tracks) = read_back(presentation, &rendition, film, name);
        let ids = [(VIDEO, rendition.video), (AUDIO, rendition.audio)];
        for (number, track) in ids.into_iter().filter_map(|(number, id)| Some((number, id?))) {
            let track = presentation.movie().track(track).expect("a track");
            let trak = moov.trak.iter().find(|trak| trak.tkhd.track_id == number).expect("the track");
            let scale = trak.mdia.mdhd.timescale;
            let runs = &tracks[&number];
            let units = units(runs);
            let slack = rounding * i64::from(scale) / 90_000 + 1;
            assert_same(presentation, track, &units, &source(track), (scale, slack), name);
            if number == VIDEO {
                assert_eq!(scale, 90_000);
                assert_continuous(presentation, runs, rounding == 0, name);
            }
        }
    }
}

#[test]
fn mp4_samples_come_out_as_they_are() {
    let mut compared = 0;
    for (name, film) in fixtures(&[".mp4", ".mov"]).into_iter().chain(fragmented_corpus()) {
        let (Ok(presentation), Some(moov)) = (present(&film), other_moov(&film)) else { continue };
        compared += usize::from(!renditions(&presentation, &film).is_empty());
        compare(&presentation, &film, &name, 0, |track| {
            let trak = moov.trak.iter().find(|trak| u64::from(trak.tkhd.track_id) == track.id.0);
            other_samples(trak.expect("the same track"), &moov, &film)
        });
    }
    assert!(compared >= 12, "{compared}");
}

#[test]
fn matroska_frames_come_out_as_they_are() {
    let mut compared = 0;
    for (name, film) in fixtures(&[".mkv", ".webm"]) {
        // The other reader gives compressed frames as they are stored.
        if name.contains("zlib") || name.contains("header-stripping") {
            continue;
        }
        let (Ok(presentation), Some(source)) = (present(&film), other_frames(&film)) else { continue };
        compared += usize::from(!renditions(&presentation, &film).is_empty());
        // Times are rounded to milliseconds.
        compare(&presentation, &film, &name, 91, |track| {
            let frames = source[&track.id.0].iter();
            let unit =
                |(pts, data): &(i64, Vec<u8>)| Unit { pts: *pts, dts: *pts, sync: true, data: data.clone() };
            frames.map(unit).collect()
        });
    }
    assert!(compared >= 10, "{compared}");
}

/// Sound counts its own samples: frames follow each other to the sample, also across segments.
#[test]
fn sound_has_no_seams() {
    let mut seams = 0;
    for (name, film) in fixtures(&[".mp4", ".mkv"]) {
        let Ok(presentation) = present(&film) else { continue };
        for rendition in
            renditions(&presentation, &film).into_iter().filter(|rendition| rendition.video.is_none())
        {
            let track = rendition.audio.and_then(|id| presentation.movie().track(id)).expect("sound");
            if !matches!(track.codec, Codec::Aac(_)) {
                continue;
            }
            let (_, tracks) = read_back(&presentation, &rendition, &film, &name);
            let runs: Vec<&Run> = tracks[&AUDIO].iter().flatten().collect();
            for pair in runs.windows(2).filter(|pair| !pair[0].times.is_empty() && !pair[1].times.is_empty())
            {
                let end = pair[0].start + pair[0].times.iter().map(|times| times.0).sum::<i64>();
                assert_eq!(end, pair[1].start, "{name}: track {}", track.id.0);
                // Sources in fragments stretch their last frames.
                let whole = pair[0].times.iter().all(|times| times.0 == 1024);
                assert!(whole || name.contains("fragmented"), "{name}");
                seams += 1;
            }
        }
    }
    assert!(seams > 20, "{seams}");
}

#[test]
fn segments_are_the_same_in_any_order() {
    let film = support::fixture("mkv-open-gop.mkv");
    let presentation = present(&film).expect("a film that plays");
    for rendition in renditions(&presentation, &film) {
        let forwards: Vec<Bytes> = presentation
            .plan()
            .segments
            .iter()
            .map(|s| made(&presentation, &rendition, s.index, &film))
            .collect();
        let again = present(&film).expect("a film that plays");
        for segment in again.plan().segments.iter().rev() {
            let index = segment.index;
            assert!(made(&again, &rendition, index, &film) == forwards[index as usize]);
        }
        assert_eq!(presentation.init(&rendition), again.init(&rendition));
    }
}

/// A rendition is a film: its tracks are those that it was made of.
#[test]
fn what_is_known_of_a_track_is_told() {
    let mut codecs = BTreeSet::new();
    for (name, film) in fixtures(&[".mp4", ".mkv", ".webm", ".mov"]) {
        let Ok(presentation) = present(&film) else { continue };
        for rendition in renditions(&presentation, &film) {
            let segments = presentation.plan().segments.iter();
            let mut whole = presentation.init(&rendition).expect("an initialization segment").to_vec();
            segments.for_each(|segment| whole.extend(made(&presentation, &rendition, segment.index, &film)));
            let whole = Bytes::from(whole);
            let Ok(Step::Done(again)) = media::open(&whole) else { panic!("{name}: it does not open") };
            let sources = rendition.tracks().filter_map(|id| presentation.movie().track(id));
            assert_eq!(again.tracks.len(), rendition.tracks().count(), "{name}");
            for (source, track) in sources.zip(&again.tracks) {
                let seen = |track: &Track| Track {
                    id: source.id,
                    codec: source.codec.clone(),
                    codec_name: String::new(),
                    name: None,
                    default: true,
                    roles: Roles::default(),
                    frame_rate: None,
                    language: source.language.clone(),
                    ..track.clone()
                };
                assert_eq!(seen(track), seen(source), "{name}");
                assert_eq!(track.codec.rfc6381(), source.codec.rfc6381(), "{name}");
                assert_eq!(record(&track.codec), record(&source.codec), "{name}");
                let language = source.language.as_deref().filter(|code| code.len() == 3);
                assert!(language.is_none() || language == track.language.as_deref(), "{name}");
                codecs.insert(track.codec_name.clone());
            }
        }
    }
    let all = ["Opus", "ac-3", "alac", "av01", "avc1", "ec-3", "fLaC", "hvc1", "mp4a", "vp09"];
    assert_eq!(codecs.iter().map(String::as_str).collect::<Vec<_>>(), all);
}

/// The payload of a codec's configuration box.
fn record(codec: &Codec) -> Bytes {
    match codec {
        Codec::H264(config) => config.record.clone(),
        Codec::Hevc(config) => config.record.clone(),
        Codec::Av1(config) => config.record.clone(),
        Codec::Vp9(config) => config.record.clone(),
        Codec::Aac(config) => config.record.clone(),
        Codec::Opus(config) => config.record.clone(),
        Codec::Flac(config) => config.record.clone(),
        Codec::Ac3(config) => config.record.clone(),
        Codec::Eac3(config) => config.record.clone(),
        Codec::Alac(config) => config.record.clone(),
        Codec::Mp3(_) | Codec::Text(_) | Codec::Unsupported { .. } => Bytes::new(),
    }
}
