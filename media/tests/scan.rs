//! Files gone through from one end to the other: what a scan finds is what a good index says.
//!
//! Of the fixtures and, where it is there, the corpus. `--nocapture` prints what becomes of each file.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use bytes::Bytes;
use media::movie::Movie;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::source::{Arrived, ByteSource as _, Step};
use media::{Error, ErrorKind, scan};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::fixture;

/// What a client of a torrent brings at once.
const BLOCK: u64 = 64 << 10;

fn opened(file: &Bytes) -> Result<Movie, Error> {
    match media::open(file)? {
        Step::Done(movie) => Ok(movie),
        Step::Need(range) => panic!("{range:?} asked for of a file that is here"),
    }
}

/// Scans as a server does: whole blocks are brought, each at most once, and dropped when they are passed. Returns how
/// many bytes were brought.
fn scanned(file: &Bytes, movie: &Movie) -> Option<(Result<Movie, Error>, u64)> {
    let mut scan = movie.scan()?;
    let (mut blocks, mut brought, mut last) = (Vec::new(), 0, 0);
    loop {
        let mut arrived = Arrived::new(file.len() as u64);
        for (start, data) in &blocks {
            arrived.insert(*start, Bytes::clone(data));
        }
        match scan.step(&arrived) {
            Err(error) => return Some((Err(error), brought)),
            Ok(Step::Done(movie)) => return Some((Ok(movie), brought)),
            Ok(Step::Need(need)) => {
                assert!(last <= need.start && need.end - need.start <= scan::MAX_ASK, "{need:?}");
                assert!(scan.position() <= scan.len() && scan.len() <= file.len() as u64);
                last = need.start;
                blocks.retain(|(start, data)| start + data.len() as u64 > need.start);
                let missing = arrived.missing(&need).expect("what is here is not asked for");
                let mut start = missing.start / BLOCK * BLOCK;
                while start < missing.end {
                    let end = (start + BLOCK).min(file.len() as u64);
                    if blocks.iter().all(|(other, _)| *other != start) {
                        brought += end - start;
                        blocks.push((start, file.read(start..end).unwrap()));
                    }
                    start = end;
                }
            }
        }
    }
}

fn present(movie: Movie) -> Result<Presentation, Error> {
    Presentation::new(Arc::new(movie), &PlanOptions::default())
}

/// All segments of the presentation's main rendition.
fn segments(presentation: &Presentation, file: &Bytes) -> Result<Vec<Bytes>, Error> {
    let rendition = presentation.main_rendition(None)?;
    let make = |segment: &media::plan::Segment| match presentation.segment(&rendition, segment.index, file)? {
        Step::Done(bytes) => Ok(bytes),
        Step::Need(range) => panic!("{range:?} asked for of a file that is here"),
    };
    presentation.plan().segments.iter().map(make).collect()
}

/// The films below `folder`.
fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let is_film = |ending: &std::ffi::OsStr| {
            ["mkv", "webm", "mka", "mk3d", "mp4", "mov"].iter().any(|known| ending == *known)
        };
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(is_film) {
            found.push(path);
        }
    }
}

#[test]
fn a_scan_finds_what_a_good_index_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let corpus =
        std::env::var_os("TORRENTSTREAM_CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    let mut paths = Vec::new();
    files_below(&root.join("fixtures"), &mut paths);
    let fixtures = paths.len();
    files_below(&corpus, &mut paths);
    if paths.len() == fixtures {
        println!("no corpus in {}: only the fixtures are scanned", corpus.display());
    }
    paths.sort();
    let mut compared = 0;
    for path in &paths {
        let name = path.file_name().unwrap().to_string_lossy();
        let file = Bytes::from(std::fs::read(path).unwrap());
        let Ok(movie) = opened(&file) else {
            println!("{name}: not opened");
            continue;
        };
        let Some((result, brought)) = scanned(&file, &movie) else { continue };
        assert!(brought <= file.len() as u64, "{name}: {brought} of {} bytes", file.len());
        let by_index = present(movie);
        let by_scan = result.and_then(present);
        match (&by_index, &by_scan) {
            (Ok(by_index), Ok(by_scan)) => {
                let (one, other) = (by_index.plan(), by_scan.plan());
                let end = |plan: &media::plan::SegmentPlan| plan.segments.last().unwrap().end.seconds();
                println!(
                    "{name}: {} segments by index to {:.3}, {} by scan to {:.3}",
                    one.segments.len(),
                    end(one),
                    other.segments.len(),
                    end(other)
                );
                // A short file without an index is one segment; some indexes begin late.
                if one.segments.len() == other.segments.len() {
                    match (segments(by_index, &file), segments(by_scan, &file)) {
                        (Ok(made), Ok(others)) => {
                            // Duration is rounded, and the last segment ends where the film does.
                            let same_end = end(one).to_bits() == end(other).to_bits();
                            let count = if same_end { made.len() } else { made.len() - 1 };
                            assert!(made[..count] == others[..count], "{name}: segments differ");
                        }
                        (one, other) => println!("  {:?} {:?}", one.map(|_| ()), other.map(|_| ())),
                    }
                    compared += 1;
                }
            }
            (Err(error), Ok(by_scan)) => {
                println!("{name}: {error}; {} segments by scan", by_scan.plan().segments.len());
                assert_eq!(error.kind, ErrorKind::NoIndex, "{name}");
                let made = segments(by_scan, &file);
                println!("  {:?}", made.map(|segments| segments.len()));
            }
            (Ok(_), Err(error)) => println!("{name}: plays by its index, but not by scan: {error}"),
            (Err(error), Err(scan)) => println!("{name}: {error}; scan: {scan}"),
        }
    }
    assert!(compared >= 15, "{compared} compared");
}

#[test]
fn a_live_recording_plays_after_a_scan() {
    let file = fixture("mkv-live.mkv");
    let movie = opened(&file).unwrap();
    assert_eq!(present(opened(&file).unwrap()).unwrap_err().kind, ErrorKind::NoIndex);
    let (movie, _) = scanned(&file, &movie).unwrap();
    let presentation = present(movie.unwrap()).unwrap();
    assert!((5.9..6.2).contains(&presentation.plan().duration().seconds()));
    assert!(segments(&presentation, &file).unwrap().iter().all(|segment| !segment.is_empty()));
}

#[test]
fn an_index_that_lies_is_replaced() {
    let file = fixture("mkv-lying-cues.mkv");
    let by_index = present(opened(&file).unwrap()).unwrap();
    assert_eq!(segments(&by_index, &file).unwrap_err().kind, ErrorKind::NoIndex);
    let (movie, _) = scanned(&file, by_index.movie()).unwrap();
    let by_scan = present(movie.unwrap()).unwrap();
    // It is this film with other Cues.
    let honest = fixture("mkv-ffmpeg.mkv");
    let expected = present(opened(&honest).unwrap()).unwrap();
    assert_eq!(segments(&by_scan, &file).unwrap(), segments(&expected, &honest).unwrap());
}

#[test]
fn films_that_were_cut_short_play_as_far_as_they_go() {
    let file = fixture("mkv-cut-short.mkv");
    let movie = opened(&file).unwrap();
    assert_eq!(present(opened(&file).unwrap()).unwrap_err().kind, ErrorKind::NoIndex);
    let by_scan = present(scanned(&file, &movie).unwrap().0.unwrap()).unwrap();
    let by_index = fixture("mkv-cut-short-cues-front.mkv");
    let by_index = present(opened(&by_index).unwrap()).unwrap();
    for presentation in [by_scan, by_index] {
        let seconds = presentation.plan().duration().seconds();
        assert!((7.0..11.0).contains(&seconds), "{seconds}");
    }
}

#[test]
fn an_mp4_without_fragments_has_nothing_to_scan() {
    assert!(opened(&fixture("mp4-faststart.mp4")).unwrap().scan().is_none());
}
