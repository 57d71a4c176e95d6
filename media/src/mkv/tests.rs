//! The reader against files that are made here, and against another reader on real files.

mod damaged;
mod files;
mod made;
mod scans;
mod sound;
mod video;
mod writer;

use super::*;
use crate::source::Arrived;
use crate::track::{Sample, Span};
use bytes::Bytes;

/// Calls `step` until it needs nothing more; each time all that it asked for is brought, and not a byte more.
/// What was asked for comes back with the result.
fn drive<T>(
    file: &Bytes,
    mut step: impl FnMut(&dyn ByteSource) -> Result<T, Stop>,
) -> (Result<T, Error>, Vec<Range<u64>>) {
    let mut arrived = Arrived::new(file.len() as u64);
    let mut asked = Vec::new();
    loop {
        match step(&arrived) {
            Ok(value) => return (Ok(value), asked),
            Err(Stop::Fail(error)) => return (Err(error), asked),
            Err(Stop::Need(need)) => {
                let missing = arrived.missing(&need).expect("what is here is not asked for again");
                arrived
                    .insert(missing.start, file.read(missing).expect("nothing is asked for beyond the end"));
                asked.push(need);
                assert!(asked.len() < 1000, "too many rounds: {:?}", &asked[..10]);
            }
        }
    }
}

fn open(file: &Bytes) -> Result<MkvFile, Error> {
    drive(file, |src| MkvFile::open(src)).0
}

/// The spans of a presentation that is cut at all of `keyframes`.
fn spans(keyframes: &[Keyframe]) -> Vec<Span> {
    let ends = keyframes.iter().skip(1).copied().map(Some).chain([None]);
    keyframes
        .iter()
        .zip(ends)
        .enumerate()
        .map(|(index, (start, end))| Span { start: *start, end, first: index == 0 })
        .collect()
}

/// The whole file in one span.
const WHOLE: Span = Span { start: Keyframe { pts: Time90k::ZERO, at: 0 }, end: None, first: true };

/// All samples of all tracks, span by span, each span read alone.
fn samples_by_span(mkv: &MkvFile, file: &Bytes, spans: &[Span]) -> Result<Vec<Vec<Sample>>, Error> {
    let ids: Vec<TrackId> = mkv.tracks().iter().map(|track| track.id).collect();
    let mut all: Vec<Vec<Sample>> = vec![Vec::new(); ids.len()];
    for span in spans {
        let (lists, asked) = drive(file, |src| mkv.samples(src, &ids, span));
        assert!(asked.len() <= 3, "{asked:?}");
        for (all, list) in all.iter_mut().zip(lists?) {
            all.extend(list);
        }
    }
    Ok(all)
}
