//! A tree of boxes behind the index of a fragmented MP4: index, plan, segments, and a scan.
//!
//! The input is a list of steps, so that the sizes of boxes are always right: 0 closes the box that is open; any other
//! number opens one of a kind, and the kinds that hold no boxes are followed by a length (16 bits) and their payload.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media::ErrorKind;
use media::movie::Movie;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::scan::{MAX_ASK, Scan};
use media::source::{Arrived, ByteSource, Step};
use std::sync::Arc;

/// `ftyp` and `moov` of a film with H.264 and AAC in fragments.
const HEAD: &[u8] = include_bytes!("../fragments.head");
/// The kinds that hold boxes come first.
const KINDS: [&[u8; 4]; 13] = [
    b"moof", b"traf", b"mfra", b"tfhd", b"tfdt", b"trun", b"sidx", b"tfra", b"mfro", b"mdat", b"uuid", b"styp", b"free",
];
const MASTERS: usize = 3;
const MAX_DEPTH: usize = 8;

fn film(mut steps: &[u8]) -> Bytes {
    let mut open: Vec<(usize, Vec<u8>)> = vec![(usize::MAX, HEAD.to_vec())];
    let close = |open: &mut Vec<(usize, Vec<u8>)>| {
        let (kind, payload) = open.pop().expect("a box");
        let parent = &mut open.last_mut().expect("a parent").1;
        parent.extend((payload.len() as u32 + 8).to_be_bytes());
        parent.extend(KINDS[kind]);
        parent.extend(payload);
    };
    while let Some((step, rest)) = steps.split_first() {
        steps = rest;
        let kind = usize::from(*step).wrapping_sub(1) % KINDS.len();
        if *step == 0 {
            if open.len() > 1 {
                close(&mut open);
            }
        } else if kind < MASTERS {
            if open.len() < MAX_DEPTH {
                open.push((kind, Vec::new()));
            }
        } else {
            let Some((length, rest)) = steps.split_first_chunk::<2>() else { break };
            let (payload, rest) = rest.split_at(rest.len().min(u16::from_be_bytes(*length).into()));
            steps = rest;
            open.push((kind, payload.to_vec()));
            close(&mut open);
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop().expect("the film").1.into()
}

/// Plans a movie and makes its first segments; `is_known`: after a scan, nothing sends to the next.
fn present(movie: Movie, file: &Bytes, is_known: bool) {
    let check = |error: media::Error| assert!(!is_known || error.kind != ErrorKind::NoIndex, "a scan that leads to the next");
    let presentation = match Presentation::new(Arc::new(movie), &PlanOptions::default()) {
        Ok(presentation) => presentation,
        Err(error) => return check(error),
    };
    let plan = presentation.plan();
    assert!(plan.segments.iter().all(|segment| segment.duration().0 > 0));
    assert!(plan.segments.windows(2).all(|pair| pair[0].end == pair[1].start));
    let Ok(rendition) = presentation.main_rendition(None) else { return };
    for segment in plan.segments.iter().take(3) {
        let ranges = presentation.byte_ranges(&rendition, segment.index);
        match presentation.segment(&rendition, segment.index, file) {
            Ok(Step::Need(range)) => panic!("{range:?} asked for of a file that is here"),
            Err(error) => check(error),
            Ok(Step::Done(_)) => {
                let ranges = ranges.expect("a segment that is made has ranges");
                assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
            }
        }
    }
}

/// Brings what is asked for and drops what lies before it.
fn run(mut scan: Scan, file: &Bytes) -> Option<Movie> {
    let mut here = 0..0;
    loop {
        let mut arrived = Arrived::new(file.len() as u64);
        arrived.insert(here.start, file.read(here.clone()).expect("inside the file"));
        assert!(scan.position() <= scan.len() && scan.len() <= file.len() as u64);
        match scan.step(&arrived) {
            Ok(Step::Done(movie)) => return Some(movie),
            Err(error) => {
                assert!(error.kind != ErrorKind::NoIndex);
                return None;
            }
            Ok(Step::Need(need)) => {
                assert!(need.start >= here.start && need.end > here.end && need.end <= file.len() as u64);
                assert!(need.end - need.start <= MAX_ASK);
                here = need;
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let file = film(data);
    let Ok(Step::Done(movie)) = media::open(&file) else { return };
    let scan = movie.scan();
    present(movie, &file, false);
    if let Some(movie) = scan.and_then(|scan| run(scan, &file)) {
        present(movie, &file, true);
    }
});
