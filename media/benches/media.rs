//! How fast files are opened and segments made: `cargo bench -p media`.
//!
//! Machines differ, so each figure that matters is also printed as a ratio to something that any machine does
//! (copying the same bytes, another parser on the same index), both measured in turns.
#![expect(clippy::cast_possible_truncation, reason = "films made here are small")]

#[path = "../tests/support/mod.rs"]
mod support;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use media::hls;
use media::plan::PlanOptions;
use media::presentation::Presentation;
use media::rendition::SegmentFormat;
use media::source::{Arrived, ByteSource, Step, Stop};
use mp4_atom::{Decode, Moov};
use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::mp4::Film;
use support::{mkv, present};

const TWO_HOURS: u32 = 7_200;
/// 24 pictures of 40 KB a second are 8 Mbit/s: the 6 s of a segment are 6 MB.
const PICTURE: u32 = 40_000;

/// A file of two hours of which the index is here.
fn index_of(head: Vec<u8>, len: u64) -> Arrived {
    let mut file = Arrived::new(len);
    file.insert(0, head.into());
    file
}

fn made(film: &Presentation, format: SegmentFormat, index: u32, src: &dyn ByteSource) -> Bytes {
    let rendition = film.main_rendition(Some(format)).expect("H.264 and AAC");
    match film.segment(&rendition, index, src) {
        Ok(Step::Done(segment)) => segment,
        other => panic!("{other:?}"),
    }
}

/// Runs both in turns and prints their medians, the bytes per second that they stand for, and their ratio.
#[expect(clippy::print_stdout, reason = "a benchmark's result")]
fn compare(what: &str, bytes: usize, mut ours: impl FnMut(), other: &str, mut theirs: impl FnMut()) {
    const ROUNDS: usize = 51;
    let time = |run: &mut dyn FnMut()| {
        let clock = Instant::now();
        run();
        clock.elapsed()
    };
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        first.push(time(&mut ours));
        second.push(time(&mut theirs));
    }
    first.sort_unstable();
    second.sort_unstable();
    let (first, second): (Duration, Duration) = (first[ROUNDS / 2], second[ROUNDS / 2]);
    let speed = |time: Duration| bytes as f64 / time.as_secs_f64() / 1e6;
    println!(
        "{what}: {first:?} ({:.0} MB/s); {other}: {second:?} ({:.0} MB/s); ratio {:.2}",
        speed(first),
        speed(second),
        second.as_secs_f64() / first.as_secs_f64()
    );
}

fn opening(c: &mut Criterion) {
    let film = Film { seconds: TWO_HOURS, picture: PICTURE };
    let head = film.head();
    let index = index_of(head.clone(), 7 << 30);
    assert_eq!(present(&index).expect("a film that plays").plan().segments.len(), 1200);
    let moov = film.moov(1 << 24);
    let atom = || {
        let moov = Moov::decode(&mut black_box(moov.as_slice())).expect("another reader");
        assert_eq!(moov.trak.len(), 2);
        black_box(moov);
    };
    let ours = || drop(black_box(present(black_box(&index))));
    compare("open and plan an MP4 of 2 h", moov.len(), ours, "mp4-atom decodes its moov", atom);
    c.bench_function("mp4_2h/open_and_plan", |b| b.iter(|| present(black_box(&index))));
    c.bench_function("mp4_2h/mp4_atom_decodes_moov", |b| b.iter(atom));

    let mut index = index_of(mkv::long_film(u64::from(TWO_HOURS), 7 << 30), 7 << 30);
    // The last cluster that the index names, at which it is seen whether the index may be trusted.
    while let Ok(Step::Need(range)) = media::open(&index) {
        let time = mkv::uint(mkv::TIMESTAMP, u64::from(TWO_HOURS - 2) * 1000);
        let picture = mkv::block(1, 0, 0x80, &[0, 0, 0, 1, 0x65]);
        let rest = mkv::element(0xEC, &vec![0; (range.end - range.start) as usize]);
        let cluster = mkv::element(mkv::CLUSTER, &[time, picture, rest].concat());
        index.insert(range.start, cluster.into());
    }
    let film = present(&index).expect("a film that plays");
    assert_eq!(film.plan().segments.len(), 1200);
    c.bench_function("mkv_2h/open_and_plan", |b| b.iter(|| present(black_box(&index))));
    c.bench_function("mkv_2h/multivariant_playlist", |b| {
        b.iter(|| hls::multivariant_playlist(&film, &hls::MultivariantOptions::default()));
    });
}

fn playlists(c: &mut Criterion) {
    let index = index_of(Film { seconds: TWO_HOURS, picture: PICTURE }.head(), 7 << 30);
    let film = present(&index).expect("a film that plays");
    let rendition = film.main_rendition(None).expect("H.264 and AAC");
    c.bench_function("mp4_2h/media_playlist", |b| b.iter(|| hls::media_playlist(&film, &rendition, None)));
    c.bench_function("mp4_2h/multivariant_playlist", |b| {
        b.iter(|| hls::multivariant_playlist(&film, &hls::MultivariantOptions::default()));
    });
    c.bench_function("mp4_2h/byte_ranges", |b| b.iter(|| film.byte_ranges(&rendition, 600)));
}

fn muxing(c: &mut Criterion) {
    let file = Film { seconds: 6, picture: PICTURE }.file();
    let film = present(&file).expect("a film that plays");
    for format in [SegmentFormat::Ts, SegmentFormat::Fmp4] {
        let name = format.extension();
        let segment = made(&film, format, 0, &file);
        let ours = || drop(black_box(made(&film, format, 0, black_box(&file))));
        let copy = || drop(black_box(Vec::from(black_box(segment.as_ref()))));
        compare(&format!("make a .{name} segment in memory"), segment.len(), ours, "copy its bytes", copy);

        let mut group = c.benchmark_group(format!("{name}_segment_in_memory"));
        group.throughput(Throughput::Bytes(segment.len() as u64));
        group.bench_function("make", |b| b.iter(|| made(&film, format, 0, black_box(&file))));
        group.bench_function("copy", |b| b.iter(|| Vec::from(black_box(segment.as_ref()))));
        group.finish();
    }
    let ts = || drop(black_box(made(&film, SegmentFormat::Ts, 0, black_box(&file))));
    let fragment = || drop(black_box(made(&film, SegmentFormat::Fmp4, 0, black_box(&file))));
    compare("make a fragment", file.len(), fragment, "the same as MPEG-TS", ts);
}

/// A local file; every read brings the bytes anew.
struct Local(File);

impl Local {
    fn bytes(&self, range: Range<u64>) -> std::io::Result<Bytes> {
        let mut bytes = Vec::with_capacity((range.end - range.start) as usize);
        let mut file = &self.0;
        file.seek(SeekFrom::Start(range.start))?;
        file.take(range.end - range.start).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }
}

impl ByteSource for Local {
    fn len(&self) -> u64 {
        self.0.metadata().expect("a file").len()
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, Stop> {
        Ok(self.bytes(range).expect("a file"))
    }
}

fn from_a_file(c: &mut Criterion) {
    let path = std::env::temp_dir().join(format!("media-bench-{}.mp4", std::process::id()));
    std::fs::write(&path, Film { seconds: 52, picture: PICTURE }.file()).expect("room for 50 MB");
    let local = Local(File::open(&path).expect("the file"));
    std::fs::remove_file(&path).expect("the file");
    let Ok(Step::Done(movie)) = media::open(&local) else { panic!("a film that opens") };
    let film = Presentation::new(Arc::new(movie), &PlanOptions::default()).expect("a film that plays");
    let rendition = film.main_rendition(None).expect("H.264 and AAC");
    let mut next = (0..film.plan().segments.len() as u32).cycle();
    let mut one = || {
        let index = next.next().unwrap_or(0);
        let mut arrived = Arrived::new(local.len());
        for range in film.byte_ranges(&rendition, index).expect("ranges") {
            arrived.insert(range.start, local.bytes(range).expect("bytes"));
        }
        made(&film, SegmentFormat::Ts, index, &arrived)
    };
    let len = one().len();
    let mut group = c.benchmark_group("segment_from_a_file");
    group.throughput(Throughput::Bytes(len as u64));
    group.bench_function("read_and_make", |b| b.iter(&mut one));
    group.finish();
}

criterion_group!(benches, opening, playlists, muxing, from_a_file);
criterion_main!(benches);
