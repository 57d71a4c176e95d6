//! What the tests, the benchmarks and the fuzz targets of this crate share: the fixtures, numbers by chance
//! that are the same in every run, the whole way of a file through the crate, and writers of files.

#![expect(dead_code, reason = "each test binary uses a part of it")]
#![expect(clippy::cast_possible_truncation, reason = "films made here are small")]

pub(crate) mod mkv;
pub(crate) mod mp4;
pub(crate) mod source;

use bytes::Bytes;
use media::movie::Movie;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::rendition::{Rendition, SegmentFormat};
use media::source::{Arrived, ByteSource, Step, Stop};
use media::{Error, ErrorKind, hls};
use std::cell::RefCell;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// The films beside the crate whose names end in one of `endings`, in order of their names.
pub(crate) fn fixtures(endings: &[&str]) -> Vec<(String, Bytes)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut found: Vec<(String, Bytes)> = std::fs::read_dir(folder)
        .expect("the folder of the fixtures")
        .map(|entry| entry.expect("an entry of a folder"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .filter(|(name, _)| endings.iter().any(|ending| name.ends_with(ending)))
        .map(|(name, path)| (name, std::fs::read(path).expect("a fixture").into()))
        .collect();
    assert!(!found.is_empty(), "no fixtures");
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Films by others, where they lie beside the repository: those of at most `largest` bytes. Prints that there are
/// none.
#[expect(clippy::print_stdout, reason = "a test says what it skips")]
pub(crate) fn corpus(largest: u64) -> Vec<(String, Bytes)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let Ok(index) = std::fs::read_to_string(root.join("INDEX.tsv")) else {
        println!("skipped: no corpus at {}", root.display());
        return Vec::new();
    };
    let paths = index.lines().skip(1).filter_map(|line| line.split('\t').next());
    let small = |path: &&str| root.join(path).metadata().is_ok_and(|about| about.len() <= largest);
    let read = |path: &str| Some((path.to_owned(), std::fs::read(root.join(path)).ok()?.into()));
    paths.filter(small).filter_map(read).collect()
}

/// The fixture of that name.
pub(crate) fn fixture(name: &str) -> Bytes {
    let mut all = fixtures(&[name]);
    all.remove(all.iter().position(|(found, _)| found == name).expect("the fixture")).1
}

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Rng(pub u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is above 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// What a file gave on its way through the crate.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How many segments the plan has.
    pub(crate) planned: usize,
    /// The first segments, as many as were asked for.
    pub(crate) segments: Vec<Result<Bytes, Error>>,
}

/// Takes a file that is wholly here through all public functions: its index, the plan, the playlists, and at
/// most `most` segments with the ranges that they are said to need. Where its index is of no use, the file is scanned.
pub(crate) fn exercise(src: &dyn ByteSource, most: usize) -> Result<Outcome, Error> {
    let movie = done(media::open(src)?);
    let mut scan = movie.scan();
    let outcome = exercise_movie(movie, src, most);
    let is_useless = |error: &Error| error.kind == ErrorKind::NoIndex;
    let fails = match &outcome {
        Ok(outcome) => outcome.segments.iter().any(|made| made.as_ref().is_err_and(is_useless)),
        Err(error) => is_useless(error),
    };
    let Some(scan) = scan.as_mut().filter(|_| fails) else {
        return outcome;
    };
    let movie = done(scan.step(src)?);
    assert!(scan.position() <= scan.len() && scan.lost() <= scan.len());
    let outcome = exercise_movie(movie, src, most);
    let error =
        outcome.as_ref().map_or_else(Some, |made| made.segments.iter().find_map(|made| made.as_ref().err()));
    assert!(!error.is_some_and(is_useless), "a scan that leads to the next");
    outcome
}

fn exercise_movie(movie: Movie, src: &dyn ByteSource, most: usize) -> Result<Outcome, Error> {
    let _ = movie.duration();
    let film = Presentation::new(Arc::new(movie), &PlanOptions::default())?;
    let plan = film.plan();
    assert!(!plan.segments.is_empty(), "a plan has at least one segment");
    assert!(plan.segments.iter().all(|segment| segment.duration().0 > 0));
    let rendition = film.main_rendition(None)?;
    playlists(&film, &rendition);
    let mut segments = Vec::new();
    for index in 0..plan.segments.len().min(most) as u32 {
        let ranges = film.byte_ranges(&rendition, index);
        let made = film.segment(&rendition, index, src).map(done);
        if let (Ok(ranges), Ok(_)) = (&ranges, &made) {
            assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start), "{ranges:?}");
            assert!(ranges.last().is_none_or(|range| range.end <= src.len()), "{ranges:?}");
        }
        segments.push(made);
        for track in film.subtitles() {
            let ranges = film.subtitle_ranges(track.id, index);
            let made = film.subtitle_segment(track.id, index, src).map(done);
            if let Ok(made) = made {
                assert!(ranges.is_ok() && made.starts_with(b"WEBVTT\n"), "{ranges:?}");
            }
        }
    }
    Ok(Outcome { planned: plan.segments.len(), segments })
}

/// All that is written about a film before any of its media is read.
fn playlists(film: &Presentation, rendition: &Rendition) {
    let _ = hls::media_playlist(film, rendition, None);
    for format in [None, Some(SegmentFormat::Ts), Some(SegmentFormat::Fmp4)] {
        let options = hls::MultivariantOptions { format, iframes: true, sidecars: &[] };
        if let Ok(text) = hls::multivariant_playlist(film, &options) {
            assert!(m3u8_rs::parse_master_playlist(text.as_bytes()).is_ok(), "{text}");
        }
    }
    let _ = hls::chapters_json(film);
    assert!(hls::chapters_vtt(film).starts_with("WEBVTT\n"));
}

fn done<T>(step: Step<T>) -> T {
    match step {
        Step::Done(value) => value,
        Step::Need(range) => panic!("{range:?} asked for of a file that is here"),
    }
}

/// A file that brings what is asked for, and not a byte more.
pub(crate) struct Stingy {
    file: Bytes,
    arrived: Arrived,
    /// What was asked for, in order.
    pub(crate) asked: Vec<Range<u64>>,
}

impl Stingy {
    pub(crate) fn new(file: &Bytes) -> Self {
        Self { file: file.clone(), arrived: Arrived::new(file.len() as u64), asked: Vec::new() }
    }

    /// Fetches `range`; what is already here must not be asked for again.
    pub(crate) fn fetch(&mut self, range: Range<u64>) {
        let missing = self.arrived.missing(&range).expect("bytes that are here are asked for again");
        let bytes = self.file.slice(missing.start as usize..missing.end as usize);
        self.arrived.insert(missing.start, bytes);
        self.asked.push(range);
    }

    /// Calls `step` until it needs nothing more.
    pub(crate) fn drive<T>(
        &mut self,
        mut step: impl FnMut(&dyn ByteSource) -> Result<Step<T>, Error>,
    ) -> Result<T, Error> {
        loop {
            match step(&self.arrived)? {
                Step::Done(value) => return Ok(value),
                Step::Need(range) => self.fetch(range),
            }
            assert!(self.asked.len() < 10_000, "an endless list of needs: {:?}", &self.asked[..20]);
        }
    }
}

/// A file that counts what is read of it.
pub(crate) struct Counted<'a> {
    pub(crate) inner: &'a dyn ByteSource,
    /// Reads, and bytes of them.
    pub(crate) reads: RefCell<(u64, u64)>,
}

impl ByteSource for Counted<'_> {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, Stop> {
        let mut reads = self.reads.borrow_mut();
        *reads = (reads.0 + 1, reads.1 + range.end.saturating_sub(range.start));
        self.inner.read(range)
    }
}

/// Opens and plans a file that is wholly here.
pub(crate) fn present(file: &dyn ByteSource) -> Result<Presentation, Error> {
    Presentation::new(Arc::new(done(media::open(file)?)), &PlanOptions::default())
}

/// False when a segment shows that the index lies: such films are scanned first.
pub(crate) fn tells_the_truth(film: &Presentation, rendition: &Rendition, src: &dyn ByteSource) -> bool {
    let lie =
        |index| matches!(film.segment(rendition, index, src), Err(Error { kind: ErrorKind::NoIndex, .. }));
    !film.plan().segments.iter().any(|segment| lie(segment.index))
}
