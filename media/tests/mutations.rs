//! Files with bytes changed, cut off, copied and left out: whatever is done to a film, the answer is a result
//! or an error, soon and without much memory. The changes are the same in every run.
#![expect(clippy::cast_possible_truncation, reason = "films made here are small")]

mod support;

use bytes::Bytes;
use peak_alloc::PeakAlloc;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use support::{Rng, exercise, fixtures};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const CASES: u64 = 10_000;
/// Beyond the file itself. The tests of this binary run at once and share the measure.
const MOST_MEMORY: usize = 64 << 20;
/// Of the processor's time, not the clock's: other work on the machine does not count.
const MOST_TIME: Duration = Duration::from_secs(1);
/// What never comes back is told after this long.
const HANG: Duration = Duration::from_secs(120);
const OUTER: usize = 4 << 10;
const EDGE: usize = 64 << 10;

/// A film changed in 1 to 6 bytes, or cut off, or with a piece copied over another, or without a piece.
///
/// Half of the changes are in the first or last 4 KiB, the others in the first or last 64 KiB: there the
/// structures are.
fn mutate(film: &[u8], rng: &mut Rng) -> Bytes {
    let mut file = film.to_vec();
    let edge = if rng.below(2) == 0 { OUTER } else { EDGE }.min(file.len());
    let tail = rng.below(2) == 0;
    let len = file.len();
    let place = |rng: &mut Rng| {
        let offset = rng.below(edge);
        if tail { len - 1 - offset } else { offset }
    };
    match rng.below(10) {
        0 => file.truncate(place(rng)),
        1 => {
            let (from, to) = (place(rng), place(rng));
            let count = (1 + rng.below(64)).min(len - from.max(to));
            file.copy_within(from..from + count, to);
        }
        2 => {
            let from = place(rng);
            file.drain(from..len.min(from + 1 + rng.below(64)));
        }
        _ => {
            for _ in 0..=rng.below(6) {
                let at = place(rng);
                // The values at the borders of what a field can hold do more harm than others.
                file[at] = match rng.below(4) {
                    0 => [0, 1, 0x7f, 0x80, 0xff][rng.below(5)],
                    1 => file[at] ^ 1 << rng.below(8),
                    _ => rng.next() as u8,
                };
            }
        }
    }
    file.into()
}

/// Processor time of this thread, where the system tells it.
fn thread_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Runs [`CASES`] changes of the films with those endings; which one is at work is told through `now`.
fn run(endings: &[&str], now: &mpsc::Sender<String>) {
    let films = fixtures(endings);
    let films: Vec<_> = films.into_iter().filter(|(_, film)| film.len() < 1 << 20).collect();
    let (mut opened, mut made) = (0, 0);
    for case in 0..CASES {
        let (name, film) = &films[case as usize % films.len()];
        let file = mutate(film, &mut Rng(case));
        now.send(format!("case {case}, of {name}")).expect("somebody listens");
        let (clock, used) = (Instant::now(), thread_time());
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        if let Ok(outcome) = exercise(&file, 3) {
            opened += 1;
            made += outcome.segments.iter().filter(|segment| segment.is_ok()).count();
        }
        let peak = MEMORY.peak_usage().saturating_sub(before);
        assert!(peak < MOST_MEMORY, "case {case}, of {name}: {peak} bytes of memory");
        if clock.elapsed() > MOST_TIME {
            let busy = thread_time().zip(used).map(|(now, before)| now - before);
            assert!(busy.is_none_or(|busy| busy < MOST_TIME), "case {case}, of {name}: {busy:?}");
        }
    }
    // Else the changes would break every file at its first byte, and show nothing.
    assert!(opened > CASES / 4 && made as u64 > CASES / 4, "{opened} planned, {made} segments");
    assert!(opened < CASES, "no change did any harm");
}

/// Runs the changes with somebody who notices when one of them never ends.
fn watched(endings: &'static [&'static str]) {
    let (sender, receiver) = mpsc::channel();
    let worker = std::thread::spawn(move || run(endings, &sender));
    let mut last = String::new();
    loop {
        match receiver.recv_timeout(HANG) {
            Ok(case) => last = case,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("{last} does not end"),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    assert!(worker.join().is_ok(), "{last} panics");
}

#[test]
fn no_change_of_an_mp4_does_harm() {
    watched(&[".mp4", ".mov"]);
}

#[test]
fn no_change_of_a_matroska_file_does_harm() {
    watched(&[".mkv", ".webm"]);
}
