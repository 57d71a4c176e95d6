//! Any bytes as subtitles: files of each format, samples of tracks, names of files.
#![no_main]

#[path = "../../tests/support/webvtt.rs"]
#[expect(dead_code, reason = "the tests read more of a cue")]
mod webvtt;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media::language;
use media::plan::{Segment, SegmentPlan};
use media::source::Step;
use media::text::{Document, Export, FileFormat, encoding, sidecar, track_segment};
use media::time::Time90k;
use media::track::{Keyframe, Span, TrackId};

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 16 {
        0 => document(data, FileFormat::Srt),
        1 => document(data, FileFormat::Ass),
        2 => document(data, FileFormat::Ssa),
        3 => document(data, FileFormat::WebVtt),
        4 => {
            let _ = encoding::decode(data, None);
        }
        5 => names(&String::from_utf8_lossy(data)),
        6 => mkv("S_TEXT/UTF8", data),
        7 | 8 => mkv("S_TEXT/ASS", data),
        9 => mkv("S_TEXT/WEBVTT", data),
        10 => mkv("D_WEBVTT/SUBTITLES", data),
        11 => mkv("S_TEXT/SSA", data),
        12 | 13 => mp4(b"tx3g", data),
        14 => mp4(b"wvtt", data),
        _ => attachments(data),
    }
});

fn document(data: &[u8], format: FileFormat) {
    let Ok(document) = Document::parse(data, format, Some("pl")) else { return };
    assert!(document.cues().iter().all(|cue| cue.start < cue.end));
    let plan = plan(Time90k(i64::MAX));
    webvtt::segment(&document.segment(&plan, 0)).expect("a sound segment");
}

fn names(text: &str) {
    for line in text.lines().take(8) {
        let _ = language::from_name(line);
        if let Some(tag) = language::to_bcp47(line) {
            assert_eq!(language::to_bcp47(&tag).as_deref(), Some(tag.as_str()));
        }
    }
    let paths: Vec<&str> = text.lines().take(64).collect();
    let found = sidecar::find(paths.first().copied().unwrap_or_default(), &paths);
    assert!(found.iter().all(|file| file.index < paths.len() && !file.name.is_empty()));
}

/// One segment that is the whole film.
fn plan(end: Time90k) -> SegmentPlan {
    let span = Span { start: Keyframe { pts: Time90k::ZERO, at: 0 }, end: None, first: true };
    SegmentPlan { cut: TrackId(1), segments: vec![Segment { index: 0, start: Time90k::ZERO, end, span }] }
}

fn film(file: Vec<u8>) {
    let file = Bytes::from(file);
    let Ok(Step::Done(movie)) = media::open(&file) else { return };
    let plan = plan(Time90k::from_seconds(3600));
    match track_segment(&movie, &plan, TrackId(1), 0, &file) {
        Ok(Step::Done(made)) => {
            webvtt::segment(std::str::from_utf8(&made).expect("UTF-8")).expect("a sound segment");
        }
        Ok(Step::Need(range)) => panic!("{range:?} asked for of a file that is here"),
        Err(_) => return,
    }
    let mut export = Export::new(&movie, TrackId(1)).expect("a track that has segments");
    if export.add(&movie, &plan, 0, &file) == Ok(Step::Done(())) {
        let text = export.file().expect("a file");
        let text = std::str::from_utf8(&text).expect("UTF-8");
        if export.format() == FileFormat::WebVtt {
            webvtt::file(text).expect("a sound file");
        }
    }
}

fn element(id: &[u8], payload: &[u8]) -> Vec<u8> {
    [id, &(payload.len() as u64 | 1 << 56).to_be_bytes(), payload].concat()
}

fn matroska(children: &[Vec<u8>]) -> Vec<u8> {
    let header = element(b"\x1a\x45\xdf\xa3", &element(b"\x42\x82", b"matroska"));
    [header, element(b"\x18\x53\x80\x67", &children.concat())].concat()
}

/// A header of the length that the first byte tells, and blocks that are divided by a byte of 0xff.
fn mkv(codec: &str, data: &[u8]) {
    let (len, rest) = data.split_first().map_or((0, data), |(len, rest)| (usize::from(*len), rest));
    let (private, blocks) = rest.split_at(rest.len().min(len));
    let entry = [
        element(b"\xd7", &[1]),
        element(b"\x83", &[17]),
        element(b"\x86", codec.as_bytes()),
        element(b"\x63\xa2", private),
    ];
    let tracks = element(b"\x16\x54\xae\x6b", &element(b"\xae", &entry.concat()));
    let block = |(at, text): (usize, &[u8])| {
        let head = [0x81, at as u8 % 3, at as u8, 0];
        element(b"\xa0", &[element(b"\xa1", &[&head[..], text].concat()), element(b"\x9b", &[at as u8])].concat())
    };
    let blocks: Vec<u8> = blocks.split(|byte| *byte == 0xff).take(16).enumerate().flat_map(block).collect();
    let cluster = element(b"\x1f\x43\xb6\x75", &[element(b"\xe7", &[1]), blocks].concat());
    film(matroska(&[tracks, cluster]));
}

/// Attachments, as they are.
fn attachments(data: &[u8]) {
    let tracks = element(b"\x16\x54\xae\x6b", &element(b"\xae", &element(b"\xd7", &[1])));
    let file = Bytes::from(matroska(&[tracks, element(b"\x19\x41\xa4\x69", data)]));
    let Ok(Step::Done(movie)) = media::open(&file) else { return };
    let Ok(Step::Done(found)) = movie.attachments(&file) else { panic!("the file is here") };
    assert!(found.iter().all(|attached| attached.range.end <= file.len() as u64));
}

fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32 + 8).to_be_bytes()[..], kind, payload].concat()
}

fn table(kind: &[u8; 4], words: &[u32]) -> Vec<u8> {
    let words: Vec<u8> = [0].iter().chain(words).flat_map(|word| word.to_be_bytes()).collect();
    boxed(kind, &words)
}

/// A sample entry of the length that the first byte tells, and one sample.
fn mp4(kind: &[u8; 4], data: &[u8]) {
    let (len, rest) = data.split_first().map_or((0, data), |(len, rest)| (usize::from(*len), rest));
    let (entry, sample) = rest.split_at(rest.len().min(len));
    let entry = boxed(kind, &[&[0, 0, 0, 0, 0, 0, 0, 1], entry].concat());
    let stsd = boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], entry.as_slice()].concat());
    let moov = |at: usize| {
        let stbl = [
            stsd.clone(),
            table(b"stts", &[1, 1, 1000]),
            table(b"stsz", &[0, 1, sample.len() as u32]),
            table(b"stsc", &[1, 1, 1, 1]),
            table(b"stco", &[1, at as u32]),
        ];
        let minf = boxed(b"minf", &boxed(b"stbl", &stbl.concat()));
        let header = |at: usize, value: u32, len: usize| {
            let mut bytes = vec![0; len];
            bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
            bytes
        };
        let hdlr = header(8, u32::from_be_bytes(*b"sbtl"), 25);
        let mdia = [boxed(b"mdhd", &header(12, 1000, 24)), boxed(b"hdlr", &hdlr), minf].concat();
        let trak = [boxed(b"tkhd", &header(12, 1, 84)), boxed(b"mdia", &mdia)].concat();
        boxed(b"moov", &[boxed(b"mvhd", &header(12, 1000, 100)), boxed(b"trak", &trak)].concat())
    };
    let ftyp = boxed(b"ftyp", b"isom\0\0\0\0");
    let at = ftyp.len() + moov(0).len() + 8;
    film([ftyp, moov(at), boxed(b"mdat", sample)].concat());
}
