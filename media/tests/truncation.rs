//! Files that end early, and files that arrive in pieces.

mod support;

use bytes::Bytes;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::source::{Arrived, Step};
use media::{Error, ErrorKind};
use std::ops::Range;
use std::sync::Arc;
use support::{Rng, Stingy, exercise, fixture, fixtures, present};

/// The segments of a whole film.
fn segments(film: &Bytes) -> Vec<Bytes> {
    let outcome = exercise(film, usize::MAX).expect("a film that plays");
    outcome.segments.into_iter().map(|segment| segment.expect("a segment that plays")).collect()
}

/// What a film that ends after `len` bytes gives, checked against the whole one: until the end is missed, the
/// same segments, and then an error. Returns how many segments were right.
fn check_cut(film: &Bytes, len: usize, whole: &[Bytes], is_told: impl Fn(&Error) -> bool) -> usize {
    let cut = film.slice(..len);
    let outcome = match exercise(&cut, usize::MAX) {
        Ok(outcome) => outcome,
        Err(error) => {
            assert!(is_told(&error), "{len}: {error}");
            return 0;
        }
    };
    let right = outcome.segments.iter().zip(whole).take_while(|(made, whole)| made.as_ref() == Ok(whole));
    let right = right.count();
    // Behind the last right segment one may be shorter, which is the last that has anything.
    for (index, made) in outcome.segments.iter().enumerate().skip(right) {
        match made {
            Ok(made) => {
                // Less than a second of the next one joins it.
                let all = whole.get(index..whole.len().min(index + 2)).unwrap_or_default();
                let most = all.iter().map(Bytes::len).sum();
                assert!(index == right && made.len() <= most, "{len}: segment {index} has {}", made.len());
            }
            Err(error) => assert!(is_told(error), "{len}: {error}"),
        }
    }
    right
}

#[test]
fn an_mp4_that_ends_anywhere() {
    for (name, step) in [("mp4-video-only.mp4", 1), ("mp4-moov-at-end.mp4", 31), ("mp4-co64.mp4", 37)] {
        let film = fixture(name);
        let whole = segments(&film);
        let told = |error: &Error| matches!(error.kind, ErrorKind::Truncated | ErrorKind::Unsupported);
        let mut most = 0;
        for len in (0..film.len()).step_by(step) {
            let right = check_cut(&film, len, &whole, told);
            assert!(right < whole.len(), "{name}: all is there, though {len} bytes are not");
            most = most.max(right);
        }
        // With the index at the front, what is there can be played.
        assert_eq!(most > 0, name != "mp4-moov-at-end.mp4", "{name}");
    }
}

#[test]
fn a_matroska_file_that_ends_anywhere() {
    for (name, step) in [("mkv-cues-front.mkv", 7), ("mkv-ffmpeg.mkv", 31), ("mkv-unknown-size.mkv", 37)] {
        let film = fixture(name);
        let whole = segments(&film);
        let told = |error: &Error| error.kind != ErrorKind::Limit;
        let mut most = 0;
        for len in (0..film.len()).step_by(step) {
            most = most.max(check_cut(&film, len, &whole, told));
        }
        assert!(most > 0, "{name}: nothing of what is there is played");
    }
    for (name, step) in [("mkv-live.mkv", 13), ("mkv-no-cues-long.mkv", 997)] {
        let film = fixture(name);
        let whole: Vec<Bytes> =
            exercise(&film, usize::MAX).unwrap().segments.into_iter().collect::<Result<_, _>>().unwrap();
        let cuts = (0..film.len()).step_by(step);
        let most =
            cuts.map(|len| check_cut(&film, len, &whole, |error| error.kind != ErrorKind::Limit)).max();
        assert!(most >= Some(whole.len() - 1), "{name}: {most:?}");
    }
}

/// Opens and plans over a source that brings only what is asked for.
fn open_stingy(source: &mut Stingy) -> Result<Presentation, Error> {
    let movie = source.drive(|src| media::open(src))?;
    Presentation::new(Arc::new(movie), &PlanOptions::default())
}

#[test]
fn what_is_asked_for_is_enough_and_little() {
    for (name, film) in fixtures(&[".mp4", ".mov", ".mkv", ".webm"]) {
        let mut source = Stingy::new(&film);
        let opened = open_stingy(&mut source);
        assert!(source.asked.len() <= 12, "{name}: {:?}", source.asked);
        let whole = present(&film);
        let presentation = match (opened, whole) {
            (Ok(opened), Ok(whole)) => {
                assert_eq!(opened.plan(), whole.plan(), "{name}");
                opened
            }
            (opened, whole) => {
                assert_eq!(opened.err(), whole.err(), "{name}");
                continue;
            }
        };
        let rendition = presentation.main_rendition(None).unwrap();
        for segment in &presentation.plan().segments {
            let index = segment.index;
            let expected = match presentation.segment(&rendition, index, &film) {
                Ok(step) => done(step),
                Err(error) => {
                    assert_eq!((error.kind, name.as_str()), (ErrorKind::NoIndex, "mkv-lying-cues.mkv"));
                    continue;
                }
            };
            // Beginning with what opening brought, and asking as it goes.
            let rounds = source.asked.len();
            let made = source.drive(|src| presentation.segment(&rendition, index, src)).unwrap();
            assert!(source.asked.len() - rounds <= 12, "{name}, segment {index}: {:?}", source.asked);
            assert!(made == expected, "{name}, segment {index}");
            // Beginning with nothing: after the ranges that are named beforehand, nothing is missing.
            let mut fresh = Stingy::new(&film);
            let named = presentation.byte_ranges(&rendition, index).unwrap();
            named.into_iter().for_each(|range| fresh.fetch(range));
            let rounds = fresh.asked.len();
            let made = fresh.drive(|src| presentation.segment(&rendition, index, src)).unwrap();
            assert!(fresh.asked.len() - rounds <= 1, "{name}, segment {index}: {:?}", fresh.asked);
            assert!(made == expected, "{name}, segment {index}");
        }
    }
}

#[test]
fn the_pieces_in_which_bytes_arrive_make_no_difference() {
    let mut rng = Rng(7);
    for name in ["mp4-faststart.mp4", "mp4-moov-at-end.mp4", "mkv-ffmpeg.mkv", "mkv-xiph-lacing.mkv"] {
        let film = fixture(name);
        let whole = segments(&film);
        for _ in 0..5 {
            let pieces = pieces(film.len(), &mut rng);
            let mut arrived = Arrived::new(film.len() as u64);
            for piece in &pieces {
                arrived.insert(piece.start as u64, film.slice(piece.clone()));
            }
            assert_eq!(arrived.held(), film.len() as u64);
            let outcome = exercise(&arrived, usize::MAX).unwrap();
            let made: Vec<Bytes> = outcome.segments.into_iter().map(Result::unwrap).collect();
            assert!(made == whole, "{name}: {pieces:?}");
        }
    }
}

/// Cuts `len` bytes into pieces of up to 9,000, in a random order.
fn pieces(len: usize, rng: &mut Rng) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < len {
        let end = len.min(at + 1 + rng.below(9_000));
        pieces.push(at..end);
        at = end;
    }
    for last in (1..pieces.len()).rev() {
        pieces.swap(last, rng.below(last + 1));
    }
    pieces
}

fn done(step: Step<Bytes>) -> Bytes {
    match step {
        Step::Done(bytes) => bytes,
        Step::Need(range) => panic!("{range:?} asked for of a file that is here"),
    }
}
