//! A film that arrives as it is asked for gives what the whole film gives, in few rounds, and nothing is asked
//! for twice.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media::Error;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::source::{Arrived, ByteSource, Step};
use std::sync::Arc;

/// Calls `step` until it needs nothing more.
fn drive<T>(
    file: &Bytes,
    arrived: &mut Arrived,
    mut step: impl FnMut(&dyn ByteSource) -> Result<Step<T>, Error>,
) -> Result<T, Error> {
    for _ in 0..10_000 {
        match step(arrived)? {
            Step::Done(value) => return Ok(value),
            Step::Need(range) => {
                let missing = arrived.missing(&range).expect("bytes that are here are asked for again");
                arrived.insert(missing.start, file.slice(missing.start as usize..missing.end as usize));
            }
        }
    }
    panic!("an endless list of needs");
}

fuzz_target!(|data: &[u8]| {
    let file = Bytes::copy_from_slice(data);
    let mut arrived = Arrived::new(data.len() as u64);
    let movie = drive(&file, &mut arrived, |src| media::open(src));
    let whole = media::open(&file);
    let movie = match (movie, whole) {
        (Ok(movie), Ok(Step::Done(_))) => movie,
        (Err(error), Err(whole)) => {
            assert_eq!(error, whole);
            return;
        }
        _ => panic!("in pieces and whole differ"),
    };
    let Ok(film) = Presentation::new(Arc::new(movie), &PlanOptions::default()) else { return };
    let rendition = film.main_rendition(None).expect("a presentation has a main rendition");
    for segment in film.plan().segments.iter().take(2) {
        let made = drive(&file, &mut arrived, |src| film.segment(&rendition, segment.index, src));
        let whole = film.segment(&rendition, segment.index, &file);
        assert!(whole.map(Step::Done) == made.map(|made| Step::Done(Step::Done(made))));
    }
});
