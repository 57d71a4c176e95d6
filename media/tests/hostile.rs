//! Files made to do harm: each field that could cost time or memory says the worst it can. The answer must be
//! an error or a result, at once and without much memory.
#![expect(clippy::cast_possible_truncation, reason = "films made here are small")]

mod support;

use bytes::Bytes;
use media::source::{Arrived, ByteSource};
use peak_alloc::PeakAlloc;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use support::mkv::{self, CLUSTER, CUES, TIMESTAMP};
use support::mp4::{self, AVC_CONFIG, Track, boxed, counted, table};
use support::{Outcome, exercise};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;
/// The measure is of the whole process, so one test runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Beyond three times the file itself.
const MOST_MEMORY: usize = 64 << 20;
/// A guard against work that grows with what a file says instead of with its length, which takes minutes:
/// so the clock of a busy machine is good enough.
const MOST_TIME: Duration = Duration::from_secs(20);

fn survive(name: &str, file: impl Into<Bytes>) -> Result<Outcome, media::Error> {
    survive_source(name, &file.into())
}

fn survive_source(name: &str, file: &dyn ByteSource) -> Result<Outcome, media::Error> {
    MEMORY.reset_peak_usage();
    let (before, clock) = (MEMORY.current_usage(), Instant::now());
    let outcome = exercise(file, 3);
    let peak = MEMORY.peak_usage().saturating_sub(before);
    let time = clock.elapsed();
    assert!(peak < MOST_MEMORY + 3 * file.len() as usize, "{name}: {peak} bytes of memory");
    assert!(time < MOST_TIME, "{name}: {time:?}");
    outcome
}

/// One second of 24 pictures of 100 bytes each in one chunk at `offset`.
fn tables(offset: u32) -> Vec<Vec<u8>> {
    vec![
        counted(b"stts", 2, &[24, 512]),
        table(b"stsz", &[100, 24]),
        counted(b"stsc", 3, &[1, 24, 1]),
        counted(b"stco", 1, &[offset]),
    ]
}

const MEDIA: &[u8] = &[0; 2400];

/// A film of one video track whose tables are the usual ones, with `changes` in place of those of their kinds.
fn changed(changes: &[Vec<u8>]) -> Bytes {
    let kind = |table: &[u8]| table[4..8].to_vec();
    mp4::file(
        |offset| {
            let usual = tables(offset).into_iter();
            let kept = usual.filter(|table| changes.iter().all(|change| kind(change) != kind(table)));
            let tables: Vec<_> = kept.chain(changes.iter().cloned()).collect();
            mp4::moov(&[Track::video(1, 12_288, AVC_CONFIG).with(&tables).build()])
        },
        MEDIA,
    )
}

#[test]
fn the_film_that_is_changed_here_is_a_good_one() {
    let _alone = alone();
    let outcome = survive("unchanged", changed(&[])).unwrap();
    assert!(outcome.segments[0].is_ok());
}

#[test]
fn mp4_sample_tables_that_lie() {
    let _alone = alone();
    let max = u32::MAX;
    let lies: &[(&str, Vec<Vec<u8>>)] = &[
        (
            "2^32 samples of one byte in one chunk",
            vec![table(b"stsz", &[1, max]), counted(b"stsc", 3, &[1, max, 1])],
        ),
        ("2^32 samples of the largest size", vec![table(b"stsz", &[max, max])]),
        ("a table of 2^32 sizes that is not there", vec![table(b"stsz", &[0, max])]),
        ("chunks of no samples", vec![counted(b"stsc", 3, &[1, 0, 1])]),
        ("chunks out of order", vec![counted(b"stsc", 3, &[9, 1, 1, 1, 1, 1])]),
        ("chunk numbers at the end", vec![counted(b"stsc", 3, &[1, 1, 1, max, max, max])]),
        ("2^32 times of 0", vec![counted(b"stts", 2, &[max, 0])]),
        ("2^32 times of 2^31", vec![counted(b"stts", 2, &[max, 1 << 31])]),
        ("2^32 times of 2^31 - 1", vec![counted(b"stts", 2, &[max, (1 << 31) - 1])]),
        ("many runs of 2^32 times", vec![counted(b"stts", 2, &[max; 200_000])]),
        ("no times", vec![counted(b"stts", 2, &[])]),
        ("the lowest composition offset", vec![counted(b"ctts", 2, &[12, 1 << 31, 12, 0])]),
        ("the highest composition offset", vec![counted(b"ctts", 2, &[24, max >> 1])]),
        ("offsets up and down", vec![counted(b"ctts", 2, &[1, max >> 1, 1, 1 << 31].repeat(12))]),
        ("sync samples beyond the end", vec![counted(b"stss", 1, &[1, 25, max])]),
        ("sync samples that fall", vec![counted(b"stss", 1, &[9, 8, 7])]),
        ("a sync sample 0", vec![counted(b"stss", 1, &[0, 1])]),
        ("chunks at the end of all", vec![counted(b"stco", 1, &[max])]),
        ("64-bit chunks at the end of all", vec![counted(b"co64", 2, &[max, max])]),
    ];
    for (name, changes) in lies {
        let _ = survive(name, changed(changes));
    }
}

#[test]
fn mp4_eight_million_samples() {
    let _alone = alone();
    let file = changed(&[
        counted(b"stts", 2, &[u32::MAX, 600]),
        table(b"stsz", &[1, 7_900_000]),
        counted(b"stsc", 3, &[1, 7_900_000, 1]),
    ]);
    // The samples could be in a file of that length, of which only the index is here.
    let mut source = Arrived::new(8_000_000);
    source.insert(0, [file.as_ref(), &vec![0; 8_000_000 - file.len()]].concat().into());
    let outcome = survive_source("all in one chunk", &source).unwrap();
    assert!(outcome.planned > 50_000);

    let (bits, count) = (4, 7_900_000);
    let mut compact = table(b"stz2", &[bits, count]);
    compact.resize(20 + count as usize / 2, 0x11);
    let length = compact.len() as u32;
    compact[..4].copy_from_slice(&length.to_be_bytes());
    let stbl = [
        compact,
        counted(b"stts", 2, &[count, 600]),
        counted(b"stsc", 3, &[1, count, 1]),
        counted(b"stco", 1, &[0]),
    ];
    let film = |_| mp4::moov(&[Track::video(1, 12_288, AVC_CONFIG).with(&stbl).build()]);
    let _ = survive("sizes of four bits in one chunk", mp4::file(film, MEDIA));
}

#[test]
fn mp4_an_edit_that_shows_the_first_of_eight_million_samples() {
    let _alone = alone();
    let count = 7_900_000;
    let sizes: Vec<u32> = [0, count].into_iter().chain((0..count).map(|_| 0)).collect();
    for offsets in [vec![], vec![1, 1 << 31, count - 1, 5]] {
        let film = |offset| {
            let mut track = Track::video(1, 12_288, AVC_CONFIG).with(&[
                counted(b"stts", 2, &[count, 600]),
                counted(b"ctts", 2, &offsets),
                table(b"stsz", &sizes),
                counted(b"stsc", 3, &[1, count, 1]),
                counted(b"stco", 1, &[offset]),
                counted(b"stss", 1, &(1..=count).collect::<Vec<_>>()),
            ]);
            track.edit = Some(table(b"elst", &[1, 1000, 0, 1 << 16]));
            mp4::moov(&[track.build()])
        };
        let _ = survive("an edit of one second", mp4::file(film, MEDIA));
    }
}

#[test]
fn mp4_samples_that_share_their_bytes() {
    let _alone = alone();
    let media = vec![0; 1 << 20];
    let film = |offset: u32| {
        let track = Track::video(1, 12_288, AVC_CONFIG).with(&[
            counted(b"stts", 2, &[100_000, 1]),
            table(b"stsz", &[1 << 20, 100_000]),
            counted(b"stsc", 3, &[1, 1, 1]),
            counted(b"stco", 1, &vec![offset; 100_000]),
        ]);
        mp4::moov(&[track.build()])
    };
    let _ = survive("samples of 1 MiB on each other", mp4::file(film, &media));
}

#[test]
fn mp4_times_that_lie() {
    let _alone = alone();
    for scale in [0, 1, u32::MAX] {
        for movie_scale in [0, 1, u32::MAX] {
            let film = |offset| {
                let mut track = Track::video(1, scale, AVC_CONFIG).with(&tables(offset));
                let elst = [0x0100_0000, 1, u32::MAX, u32::MAX, 0x8000_0000, 0, 0x1_0000];
                track.edit = Some(boxed(b"elst", &elst.map(u32::to_be_bytes).concat()));
                mp4::moov_at(movie_scale, &[track.build()])
            };
            let _ = survive("timescales at the borders", mp4::file(film, MEDIA));
        }
    }
    for (duration, time) in [(0, i64::MIN), (u64::MAX, -1), (0, i64::MAX), (0, -2)] {
        let mut elst = vec![1, 0, 0, 0, 0, 0, 0, 2];
        for _ in 0..2 {
            elst.extend(duration.to_be_bytes());
            elst.extend(time.to_be_bytes());
            elst.extend([0, 1, 0, 0]);
        }
        let film = |offset| {
            let mut track = Track::video(1, 12_288, AVC_CONFIG).with(&tables(offset));
            track.edit = Some(boxed(b"elst", &elst));
            mp4::moov(&[track.build()])
        };
        let _ = survive("edits at the borders", mp4::file(film, MEDIA));
    }
}

#[test]
fn mp4_boxes_that_lie() {
    let _alone = alone();
    let ftyp = boxed(b"ftyp", b"isom\0\0\0\0");
    let endless = boxed(b"moov", &[[0, 0, 0, 0].as_slice(), b"trak"].concat());
    assert!(survive("a child of size 0", [ftyp.clone(), endless].concat()).is_err());
    for size in [0u64, 15, 16, 1 << 40, u64::MAX] {
        let mut large = [[0, 0, 0, 1].as_slice(), b"moov", &size.to_be_bytes()].concat();
        large.extend([0; 64]);
        assert!(survive("a 64-bit size", [ftyp.clone(), large].concat()).is_err());
    }
    let tiny: Vec<u8> = boxed(b"free", &[]).repeat(2_000_000);
    assert!(survive("2,000,000 boxes before the index", [ftyp.clone(), tiny.clone()].concat()).is_err());
    assert!(survive("2,000,000 boxes in the index", [ftyp.clone(), boxed(b"moov", &tiny)].concat()).is_err());
    let traks = |count: u32| -> Vec<Vec<u8>> {
        (0..count).map(|id| Track::video(id % 7, 12_288, AVC_CONFIG).with(&tables(0)).build()).collect()
    };
    assert!(survive("5,000 tracks", [ftyp.clone(), mp4::moov(&traks(5_000))].concat()).is_err());
    let _ = survive("500 tracks of 7 numbers", [ftyp.clone(), mp4::moov(&traks(500))].concat());
    // Lengths add up as box is put into box: 8,000 deep is 32 KB.
    for kind in [b"moov", b"trak", b"mdia", b"stbl", b"edts", b"wave"] {
        let mut nested = boxed(kind, &[]);
        for _ in 0..8_000 {
            nested = boxed(kind, &nested);
        }
        assert!(survive("boxes in boxes", [ftyp.clone(), boxed(b"moov", &nested)].concat()).is_err());
    }
}

#[test]
fn h264_that_grows() {
    let _alone = alone();
    let mut config = AVC_CONFIG[..35].to_vec();
    config.push(60);
    for _ in 0..60 {
        config.extend([0xff, 0xff]);
        config.extend([0x68; 0xffff]);
    }
    let film = |config: Vec<u8>, length: u32, media: Vec<u8>| {
        let count = media.len() as u32 / length;
        mp4::file(
            move |offset| {
                let track = Track::video(1, 12_288, &config).with(&[
                    counted(b"stts", 2, &[count, 1]),
                    table(b"stsz", &[length, count]),
                    counted(b"stsc", 3, &[1, count, 1]),
                    counted(b"stco", 1, &[offset]),
                ]);
                mp4::moov(&[track.build()])
            },
            &media,
        )
    };
    let _ = survive("4 MB of parameter sets with each picture", film(config, 1, vec![0; 100_000]));
    let mut config = AVC_CONFIG[..35].to_vec();
    config.extend([1, 0x3f, 0]);
    config.extend([0x68; 0x3f00]);
    let outcome = survive("16 KB of them", film(config.clone(), 1, vec![0; 100_000])).unwrap();
    assert!(outcome.segments[0].is_err());
    let mut config = AVC_CONFIG.to_vec();
    config[4] = 0xfc; // lengths of one byte
    let _ = survive("8 million units of one byte", film(config, 16 << 20, [1, 0x41].repeat(8 << 20)));
}

/// Four seconds: two clusters with a picture and a frame of sound each, and Cues for both.
fn matroska(info: Vec<u8>, zlib: bool, blocks: &[Vec<u8>]) -> Vec<u8> {
    let start = [info, mkv::tracks(zlib)].concat();
    let first = mkv::cluster(0, blocks);
    let second = mkv::cluster(2000, blocks);
    let places = [start.len() as u64, (start.len() + first.len()) as u64];
    let cues = [mkv::cue(0, places[0], None), mkv::cue(2000, places[1], None)];
    mkv::file(&[start, first, second, mkv::master(CUES, &cues)])
}

fn blocks() -> Vec<Vec<u8>> {
    vec![mkv::block(1, 0, 0x80, &[0, 0, 0, 1, 0x65]), mkv::block(2, 0, 0x80, &[0x21])]
}

#[test]
fn matroska_times_that_lie() {
    let _alone = alone();
    // Without a SeekHead the Cues are not found, but so short a file is one segment.
    let good = survive("a good file", matroska(mkv::info(1_000_000, 4000.0), false, &blocks())).unwrap();
    assert!(good.segments[0].is_ok());
    for scale in [0, 1, 1_000_000, 1 << 62, 1 << 63, u64::MAX] {
        for duration in
            [0.0, -1.0, 4000.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE]
        {
            let _ = survive("scale and duration", matroska(mkv::info(scale, duration), false, &blocks()));
        }
    }
    for time in [u64::MAX, i64::MAX as u64, 1 << 62] {
        let file = mkv::file(&[mkv::info(1_000_000, 1.0), mkv::tracks(false), mkv::cluster(time, &blocks())]);
        let _ = survive("a cluster at the end of time", file);
    }
}

#[test]
fn matroska_places_that_lie() {
    let _alone = alone();
    let parts = [mkv::info(1_000_000, 4000.0), mkv::tracks(false), mkv::cluster(0, &blocks())].concat();
    let to_itself = mkv::seek_head(&[(mkv::SEEK_HEAD, 0); 64]);
    let _ = survive("a SeekHead that names itself", mkv::file(&[to_itself, parts.clone()]));
    let everywhere: Vec<(u32, u64)> = (0..50_000).map(|at| (mkv::SEEK_HEAD, at)).collect();
    let _ = survive("a SeekHead that names all", mkv::file(&[mkv::seek_head(&everywhere), parts.clone()]));
    let ring: Vec<Vec<u8>> = (1..=64).map(|next| mkv::seek_head(&[(mkv::SEEK_HEAD, next * 37)])).collect();
    let _ = survive("SeekHeads that name each other", mkv::file(&[ring.concat(), parts.clone()]));

    let all_endless = [
        mkv::header(),
        mkv::endless(mkv::BODY, &[]),
        mkv::endless(mkv::INFO, &[]),
        mkv::endless(mkv::TRACKS, &mkv::tracks(false)),
        mkv::endless(CLUSTER, &mkv::endless(TIMESTAMP, &blocks().concat())),
    ];
    assert!(survive("unknown sizes everywhere", all_endless.concat()).is_err());
    let clusters = mkv::endless(CLUSTER, &mkv::uint(TIMESTAMP, 0)).repeat(300_000);
    let _ = survive("300,000 clusters of unknown size", mkv::file(&[parts.clone(), clusters]));
    let voids = [0xec, 0x80].repeat(4 << 20);
    let _ = survive("4 million Voids behind the cluster", mkv::file(&[parts.clone(), voids.clone()]));
    let _ = survive("4 million Voids before it", mkv::file(&[voids.clone(), parts.clone()]));
    let inside = mkv::cluster(0, &[voids]);
    let start = [mkv::info(1_000_000, 1e3), mkv::tracks(false)].concat();
    let cues = mkv::master(CUES, &[mkv::cue(0, (start.len() + 400) as u64, Some(1 << 40))]);
    let _ = survive("4 million Voids in it", mkv::file(&[start.clone(), cues, inside]));
    for size in [0, 1 << 40, (1 << 56) - 2] {
        for id in [mkv::INFO, mkv::TRACKS, CUES, CLUSTER, mkv::SEEK_HEAD] {
            let part = mkv::claiming(id, size, &start);
            let _ = survive("a size that lies", mkv::file(&[start.clone(), part, parts.clone()]));
        }
    }
}

#[test]
fn matroska_with_a_million_cues() {
    let _alone = alone();
    let start = [mkv::info(1_000_000, 6e5), mkv::tracks(false)].concat();
    for count in [390_000u64, 1_000_000] {
        let cues: Vec<u8> = (0..count).flat_map(|n| mkv::cue(n * 600_000 / count, 15 << 20, None)).collect();
        let cues = mkv::element(CUES, &cues);
        let file = mkv::file(&[start.clone(), cues, mkv::cluster(0, &blocks())]);
        let _ = survive("cues", file);
    }
}

#[test]
fn matroska_frames_that_grow() {
    let _alone = alone();
    let bomb = |size: usize| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&vec![0; size]).unwrap();
        encoder.finish().unwrap()
    };
    for size in [1 << 20, 15 << 20, 64 << 20] {
        let bombs = vec![mkv::block(1, 0, 0x80, &bomb(size)); 40];
        let _ = survive("a zlib bomb", matroska(mkv::info(1_000_000, 4000.0), true, &bombs));
        let bombs = vec![mkv::block(2, 0, 0x80, &bomb(size)); 40];
        let _ = survive("in the sound", matroska(mkv::info(1_000_000, 4000.0), true, &bombs));
    }
    for flags in [0x82, 0x84, 0x86] {
        for count in [0u8, 1, 255] {
            for fill in [0u8, 1, 0x81, 0xbf, 0xff] {
                let lace = [vec![count], vec![fill; 255]].concat();
                let laces = vec![mkv::block(2, 0, flags, &lace); 2_000];
                let film = [vec![mkv::block(1, 0, 0x80, &[0, 0, 0, 1, 0x65])], laces].concat();
                let _ = survive("laces", matroska(mkv::info(1_000_000, 4000.0), false, &film));
            }
        }
    }
    let many = vec![mkv::block(1, 0, 0x80, &[0x65]); 100_000];
    let _ = survive("200,000 pictures of a byte", matroska(mkv::info(1_000_000, 4000.0), false, &many));
}
