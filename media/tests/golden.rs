//! What every fixture gives, as text that is kept in `fixtures/golden`: tracks, plan, playlists, the bytes
//! asked for, and a digest of every segment.
//!
//! The ranges asked for are the time to the first frame: a change there is a change in how a player feels.
//! `UPDATE_GOLDEN=1 cargo test -p media --test golden` writes the texts anew; when a segment's digest changes,
//! `FORMAT_VERSION` must change too.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bytes::Bytes;
use media::ErrorKind;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::source::{Arrived, ByteSource as _, Step};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// Calls `parse` until it is done, giving it exactly the bytes it asks for, and notes what it asked.
fn drive<T>(
    file: &Bytes,
    arrived: &mut Arrived,
    trace: &mut Vec<std::ops::Range<u64>>,
    parse: impl Fn(&Arrived) -> Result<Step<T>, media::Error>,
) -> Result<T, media::Error> {
    loop {
        match parse(arrived)? {
            Step::Done(value) => return Ok(value),
            Step::Need(range) => {
                assert!(!trace.contains(&range), "asked for {range:?} twice");
                arrived.insert(range.start, file.read(range.clone()).expect("inside the file"));
                trace.push(range);
                assert!(trace.len() < 64, "too many rounds");
            }
        }
    }
}

fn describe(file: &Bytes) -> String {
    let mut text = String::new();
    let mut arrived = Arrived::new(file.len() as u64);
    let mut trace = Vec::new();
    let opened = drive(file, &mut arrived, &mut trace, |src| media::open(src));
    let asked: u64 = trace.iter().map(|range| range.end - range.start).sum();
    writeln!(text, "open: {} of {} bytes in {} reads: {trace:?}", asked, file.len(), trace.len()).unwrap();
    let movie = match opened {
        Ok(movie) => movie,
        Err(error) => {
            writeln!(text, "error: {error}").unwrap();
            return text;
        }
    };
    writeln!(text, "{}, duration {:?}", movie.format, movie.duration().map(|time| time.0)).unwrap();
    for track in &movie.tracks {
        let media::track::Track { id, kind, codec_name, language, name, default, .. } = track;
        write!(text, "track {}: {kind:?} {codec_name} {language:?} {name:?} default={default}", id.0)
            .unwrap();
        write!(text, " {}x{} {:?} fps", track.width, track.height, track.frame_rate).unwrap();
        writeln!(text, " {} Hz {} ch", track.sample_rate, track.channels).unwrap();
        if let media::track::Codec::Unsupported { reason } = track.codec {
            writeln!(text, "  {reason}").unwrap();
        }
    }
    let scan = movie.scan();
    let error = match present(file, movie) {
        Ok(presentation) => {
            describe_presentation(&mut text, file, &presentation);
            return text;
        }
        Err(error) => error,
    };
    writeln!(text, "no HLS: {error}").unwrap();
    if let Some(mut scan) = scan.filter(|_| error.kind == ErrorKind::NoIndex) {
        let Step::Done(movie) = scan.step(file).unwrap() else { panic!("all is here") };
        writeln!(text, "scanned, duration {:?}", movie.duration().map(|time| time.0)).unwrap();
        describe_presentation(&mut text, file, &present(file, movie).unwrap());
    }
    text
}

/// The presentation, unless its segments show that the index does not say the truth.
fn present(file: &Bytes, movie: media::movie::Movie) -> Result<Presentation, media::Error> {
    let presentation = Presentation::new(Arc::new(movie), &PlanOptions::default())?;
    let rendition = presentation.main_rendition(None)?;
    let made = |segment: &media::plan::Segment| presentation.segment(&rendition, segment.index, file).err();
    let lie =
        presentation.plan().segments.iter().filter_map(made).find(|error| error.kind == ErrorKind::NoIndex);
    lie.map_or_else(|| Ok(presentation.clone()), Err)
}

fn describe_presentation(text: &mut String, file: &Bytes, presentation: &Presentation) {
    let rendition = presentation.main_rendition(None).unwrap();
    let options = media::hls::MultivariantOptions::default();
    text.push_str(&media::hls::multivariant_playlist(presentation, &options).unwrap());
    text.push_str(&media::hls::media_playlist(presentation, &rendition, None));
    if !presentation.movie().chapters().is_empty() {
        text.push_str(&media::hls::chapters_json(presentation));
    }
    for segment in &presentation.plan().segments {
        let index = segment.index;
        let ranges = presentation.byte_ranges(&rendition, index).unwrap();
        let mut arrived = Arrived::new(file.len() as u64);
        for range in &ranges {
            arrived.insert(range.start, file.read(range.clone()).unwrap());
        }
        let mut more = Vec::new();
        let make = |src: &Arrived| presentation.segment(&rendition, index, src);
        let bytes = match drive(file, &mut arrived, &mut more, make) {
            Ok(bytes) => bytes,
            Err(error) => {
                writeln!(text, "segment {index}: {error}").unwrap();
                continue;
            }
        };
        assert!(bytes.starts_with(&presentation.head(&rendition, index)));
        let whole = presentation.segment(&rendition, index, file).unwrap();
        assert_eq!(whole, Step::Done(bytes.clone()), "the same bytes from a whole and from a sparse file");
        let (start, end) = (segment.start.0, segment.end.0);
        writeln!(text, "segment {index}: {start}..{end}, reads {ranges:?}, then {more:?}").unwrap();
        writeln!(text, "  {} bytes, digest {:016x}", bytes.len(), digest(&bytes)).unwrap();
    }
}

/// FNV-1a: no defence, but any change shows.
fn digest(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn every_fixture_gives_what_its_golden_text_says() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut seen = 0;
    let mut wrong = Vec::new();
    let mut paths: Vec<PathBuf> =
        fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("mp4" | "mov" | "mkv" | "webm")) {
            continue;
        }
        seen += 1;
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = describe(&fs::read(&path).unwrap().into());
        let golden = fixtures().join("golden").join(format!("{name}.txt"));
        if update {
            fs::write(&golden, &text).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default() != text {
            wrong.push(format!("{name}: now\n{text}"));
        }
    }
    assert!(seen > 20, "the fixtures are missing");
    assert!(wrong.is_empty(), "differs from fixtures/golden:\n{}", wrong.join("\n"));
}
