//! Segments against what others make of the same bytes: transport packets are read back by `mpeg2ts`, sources by
//! `mp4-atom` and `matroska-demuxer`. Every picture and every frame of sound must come out as it is in the file,
//! when the file says.

mod support;

use bytes::Bytes;
use media::presentation::Presentation;
use media::rendition::{Rendition, SegmentFormat};
use media::source::Step;
use media::track::{Codec, TrackId};
use mpeg2ts::es::StreamType;
use mpeg2ts::ts::{ReadTsPacket, TsPacketReader, TsPayload};
use std::collections::BTreeMap;
use support::source::{Unit, fragmented_corpus, of_lengths, other_frames, other_moov, other_samples};
use support::{fixtures, present, tells_the_truth};

const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;
/// What a segment's clock says when the presentation begins.
const BASE: i64 = 900_000;

/// All PES packets of a presentation by PID, as `mpeg2ts` reads them, with the presentation's clock.
fn read_back(
    presentation: &Presentation,
    rendition: &Rendition,
    film: &Bytes,
    name: &str,
) -> BTreeMap<u16, Vec<Unit>> {
    let plan = presentation.plan();
    let mut all: BTreeMap<u16, Vec<Unit>> = BTreeMap::new();
    for segment in &plan.segments {
        let Ok(Step::Done(made)) = presentation.segment(rendition, segment.index, film) else {
            panic!("{name}: segment {}", segment.index)
        };
        let mut reader = TsPacketReader::new(made.as_ref());
        let mut counters: BTreeMap<u16, u8> = BTreeMap::new();
        let (mut packets, mut tables, mut clock) = (0, 0, 0);
        while let Some(packet) = reader.read_ts_packet().expect("a transport packet") {
            packets += 1;
            let pid = packet.header.pid.as_u16();
            let counter = packet.header.continuity_counter.as_u8();
            let field = packet.adaptation_field;
            if let Some(pcr) = field.as_ref().and_then(|field| field.pcr) {
                assert_eq!(pid, if rendition.video.is_some() { VIDEO } else { AUDIO });
                assert!(pcr.as_u64() > clock, "{name}: the clock runs backwards");
                clock = pcr.as_u64();
            }
            match packet.payload.expect("a payload") {
                TsPayload::Pat(pat) => {
                    assert_eq!((packets, pat.table.len()), (1, 1));
                    tables += 1;
                }
                TsPayload::Pmt(pmt) => {
                    tables += 1;
                    let streams: Vec<_> =
                        pmt.es_info.iter().map(|es| (es.elementary_pid.as_u16(), es.stream_type)).collect();
                    assert_eq!(streams, expected_streams(presentation, rendition), "{name}");
                }
                TsPayload::PesStart(pes) => {
                    let ticks =
                        |time: mpeg2ts::time::Timestamp| time.as_u64() as i64 - BASE + plan.origin().0;
                    let pts = pes.header.pts.map(ticks).expect("a time");
                    let dts = pes.header.dts.map_or(pts, ticks);
                    assert!(clock / 300 <= (dts + BASE - plan.origin().0) as u64, "{name}: late");
                    let sync = field.is_some_and(|field| field.random_access_indicator);
                    let first = !counters.contains_key(&pid);
                    assert!(!first || pid == AUDIO || sync, "{name}: begins without a key frame");
                    all.entry(pid).or_default().push(Unit { pts, dts, sync, data: pes.data.to_vec() });
                    assert_eq!(counter, counters.insert(pid, counter).map_or(0, |last| (last + 1) & 15));
                }
                TsPayload::PesContinuation(data) => {
                    let last = all.get_mut(&pid).and_then(|units| units.last_mut());
                    last.expect("a beginning").data.extend_from_slice(&data);
                    assert_eq!(counters.insert(pid, counter).map(|last| (last + 1) & 15), Some(counter));
                }
                other => panic!("{name}: {other:?}"),
            }
        }
        assert_eq!(tables, 2);
        assert!(counters.values().all(|counter| *counter == 15), "{name}: the next segment begins with 0");
        assert_eq!(packets * 188, made.len());
    }
    all
}

fn expected_streams(presentation: &Presentation, rendition: &Rendition) -> Vec<(u16, StreamType)> {
    let codec = |id: TrackId| &presentation.movie().track(id).expect("a track").codec;
    let sound = rendition.audio.map(|id| match codec(id) {
        Codec::Mp3(_) => (AUDIO, StreamType::Mpeg1Audio),
        _ => (AUDIO, StreamType::AdtsAac),
    });
    rendition.video.map(|_| (VIDEO, StreamType::H264)).into_iter().chain(sound).collect()
}

/// The NAL units of a byte stream (H.264 annex B).
fn of_stream(data: &[u8]) -> Vec<Vec<u8>> {
    let mut units = Vec::new();
    let mut starts: Vec<usize> = Vec::new();
    for at in 0..data.len().saturating_sub(2) {
        if data[at..at + 3] == [0, 0, 1] {
            starts.push(at + 3);
        }
    }
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).map_or(data.len(), |next| next - 3);
        // The zero byte of a long start code belongs to what follows; a NAL unit never ends in one.
        let end = (*start..end).rev().find(|at| data[*at] != 0).map_or(*start, |at| at + 1);
        units.push(data[*start..end].to_vec());
    }
    units
}

/// Pictures are those of the source, with a delimiter in front, and parameter sets at random access points.
fn assert_pictures(made: &[Unit], source: &[Unit], name: &str) {
    let kind = |unit: &Vec<u8>| unit[0] & 31;
    assert_eq!(made.len(), source.len(), "{name}");
    for (made, source) in made.iter().zip(source) {
        assert_eq!((made.pts, made.dts, made.sync), (source.pts, source.dts, source.sync), "{name}");
        let units = of_stream(&made.data);
        assert_eq!((kind(&units[0]), units.iter().filter(|unit| kind(unit) == 9).count()), (9, 1));
        let has_sets = [7, 8].iter().all(|set| units.iter().any(|unit| kind(unit) == *set));
        assert!(has_sets || !made.sync, "{name}");
        let coded = |units: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
            units.into_iter().filter(|unit| !matches!(kind(unit), 7 | 8 | 9 | 12)).collect()
        };
        assert!(coded(units) == coded(of_lengths(&source.data)), "{name}: a picture at {}", made.pts);
    }
}

/// The frames of sound in PES packets, each with a time only where a packet begins.
fn frames(packets: &[Unit], codec: &Codec) -> Vec<(Option<i64>, Vec<u8>)> {
    let mut frames = Vec::new();
    for packet in packets {
        let (mut rest, mut pts) = (packet.data.as_slice(), Some(packet.pts));
        while !rest.is_empty() {
            let (header, length) = match codec {
                Codec::Aac(_) => {
                    assert_eq!((rest[0], rest[1] & 0xf6), (0xff, 0xf0), "an ADTS header");
                    let length = u32::from_be_bytes([0, rest[3], rest[4], rest[5]]) >> 5 & 0x1fff;
                    (if rest[1] & 1 == 1 { 7 } else { 9 }, length as usize)
                }
                _ => (0, mp3_len(rest)),
            };
            frames.push((pts.take(), rest[header..length].to_vec()));
            rest = &rest[length..];
        }
    }
    frames
}

/// The length of an MPEG-1 Layer III frame at 44.1 or 48 kHz.
fn mp3_len(frame: &[u8]) -> usize {
    const RATES: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    assert_eq!((frame[0], frame[1] & 0xfe), (0xff, 0xfa), "an MP3 header");
    let rate = [44_100, 48_000, 32_000][usize::from(frame[2] >> 2 & 3)];
    144_000 * RATES[usize::from(frame[2] >> 4)] / rate + usize::from(frame[2] >> 1 & 1)
}

/// Sound is the source's from some frame on, which is no later than where the presentation begins.
fn assert_sound(made: &[(Option<i64>, Vec<u8>)], source: &[Unit], origin: i64, tolerance: i64, name: &str) {
    let skipped = source.len().checked_sub(made.len()).expect("no more than in the source");
    assert!(source[..skipped].iter().all(|frame| frame.pts < origin), "{name}: {skipped} left out");
    for ((pts, data), source) in made.iter().zip(&source[skipped..]) {
        assert!(*data == source.data, "{name}: sound at {}", source.pts);
        assert!(pts.is_none_or(|pts| (pts - source.pts).abs() <= tolerance), "{name}: {pts:?} {source:?}");
    }
}

/// The rendition, and its picture and its sound by themselves, cut alike.
fn parts(rendition: &Rendition) -> Vec<Rendition> {
    let mut all = vec![*rendition];
    if rendition.video.is_some() && rendition.audio.is_some() {
        all.extend([Rendition { audio: None, ..*rendition }, Rendition { video: None, ..*rendition }]);
    }
    all
}

#[test]
fn mp4_samples_come_out_as_they_are() {
    let mut compared = 0;
    for (name, film) in fixtures(&[".mp4", ".mov"]).into_iter().chain(fragmented_corpus()) {
        let (Ok(presentation), Some(moov)) = (present(&film), other_moov(&film)) else { continue };
        let Ok(rendition) = presentation.main_rendition(Some(SegmentFormat::Ts)) else { continue };
        // Its last picture has 9 bytes: brought to a multiple of 16 packets, its PES header is longer than what the
        // first of them holds, which is more than the other reader understands.
        if name.ends_with("sample_fragmented_uuid.mp4") || !tells_the_truth(&presentation, &rendition, &film)
        {
            continue;
        }
        let (movie, plan) = (presentation.movie(), presentation.plan());
        println!("{name}");
        compared += 1;
        let source = |id: TrackId| {
            let trak = moov.trak.iter().find(|trak| u64::from(trak.tkhd.track_id) == id.0);
            other_samples(trak.expect("the same track"), &moov, &film)
        };
        for rendition in parts(&rendition) {
            let made = read_back(&presentation, &rendition, &film, &name);
            if let Some(id) = rendition.video {
                // An edit may begin behind the first key frames.
                let source = source(id);
                let skipped = source.len() - made[&VIDEO].len();
                assert!(source[..skipped].iter().all(|picture| picture.pts < plan.origin().0), "{name}");
                assert_pictures(&made[&VIDEO], &source[skipped..], &name);
            }
            if let Some(id) = rendition.audio {
                let frames = frames(&made[&AUDIO], &movie.track(id).expect("a track").codec);
                assert_sound(&frames, &source(id), plan.origin().0, 0, &name);
            }
        }
    }
    assert!(compared >= 12, "{compared}");
}

#[test]
fn matroska_frames_come_out_as_they_are() {
    let mut compared = 0;
    for (name, film) in fixtures(&[".mkv"]) {
        // The other reader gives compressed frames as they are stored.
        if name.contains("zlib") || name.contains("header-stripping") {
            continue;
        }
        let (Ok(presentation), Some(source)) = (present(&film), other_frames(&film)) else { continue };
        let Ok(rendition) = presentation.main_rendition(Some(SegmentFormat::Ts)) else { continue };
        if !tells_the_truth(&presentation, &rendition, &film) {
            continue;
        }
        let (movie, plan) = (presentation.movie(), presentation.plan());
        compared += 1;
        for rendition in parts(&rendition) {
            let made = read_back(&presentation, &rendition, &film, &name);
            if let Some(id) = rendition.video {
                assert_eq!(made[&VIDEO].len(), source[&id.0].len(), "{name}");
                let mut units = Vec::new();
                for (made, (time, data)) in made[&VIDEO].iter().zip(&source[&id.0]) {
                    // Decoding times are not in the file, and its times are rounded to milliseconds.
                    assert!((made.pts - time).abs() <= 91, "{name}: {} for {time}", made.pts);
                    units.push(Unit { data: data.clone(), ..made.clone() });
                }
                assert_pictures(&made[&VIDEO], &units, &name);
                assert!(units.windows(2).all(|pair| pair[0].dts < pair[1].dts), "{name}");
                assert!(units.iter().all(|unit| unit.dts <= unit.pts), "{name}");
            }
            if let Some(id) = rendition.audio {
                let frames = frames(&made[&AUDIO], &movie.track(id).expect("a track").codec);
                let source = source[&id.0].iter().map(|(time, data)| Unit {
                    pts: *time,
                    dts: *time,
                    sync: true,
                    data: data.clone(),
                });
                // Laces hold up to 8 frames here.
                assert_sound(&frames, &source.collect::<Vec<_>>(), plan.origin().0, 20_000, &name);
            }
        }
    }
    assert!(compared >= 10, "{compared}");
}
