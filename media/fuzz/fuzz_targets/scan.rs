//! Any bytes as a Matroska file that is gone through from one end to the other: what is asked for, the plan and the
//! first segments.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media::ErrorKind;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::scan::{MAX_ASK, Scan};
use media::source::{Arrived, ByteSource, Step};
use std::sync::Arc;

/// An EBML header and the beginning of a Segment of unknown size.
const HEAD: &[u8] = b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska\x18\x53\x80\x67\xff";

/// Brings what is asked for and drops what lies before it, so that nothing can be asked for twice.
fn run(mut scan: Scan, file: &Bytes) -> Option<media::movie::Movie> {
    let mut here = 0..0;
    loop {
        let mut arrived = Arrived::new(file.len() as u64);
        arrived.insert(here.start, file.read(here.clone()).expect("inside the file"));
        assert!(
            scan.position() <= scan.len() && scan.lost() <= scan.len() && scan.len() <= file.len() as u64
        );
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
    let file: Bytes =
        if data.starts_with(&HEAD[..4]) { data.to_vec().into() } else { [HEAD, data].concat().into() };
    let Ok(Step::Done(movie)) = media::open(&file) else { return };
    let Some(movie) = movie.scan().and_then(|scan| run(scan, &file)) else { return };
    let presentation = match Presentation::new(Arc::new(movie), &PlanOptions::default()) {
        Ok(presentation) => presentation,
        Err(error) => {
            assert!(error.kind != ErrorKind::NoIndex, "a scan that leads to the next");
            return;
        }
    };
    let plan = presentation.plan();
    assert!(plan.segments.iter().all(|segment| segment.duration().0 > 0));
    assert!(plan.segments.windows(2).all(|pair| pair[0].end == pair[1].start));
    let Ok(rendition) = presentation.main_rendition(None) else { return };
    for segment in plan.segments.iter().take(3) {
        match presentation.segment(&rendition, segment.index, &file) {
            Ok(Step::Need(range)) => panic!("{range:?} asked for of a file that is here"),
            Err(error) => assert!(error.kind != ErrorKind::NoIndex, "a scan that leads to the next"),
            Ok(Step::Done(_)) => {}
        }
    }
});
