//! Files without an index that can be trusted, gone through from one end to the other.

use super::writer::*;
use super::*;

use crate::mkv::ebml::id;
use crate::mkv::scan::{MOST_ASK, MkvScan};

const VIDEO: TrackId = TrackId(1);
const AUDIO: TrackId = TrackId(2);

fn kind(result: Result<impl std::fmt::Debug, Error>) -> ErrorKind {
    result.expect_err("must fail").kind
}

/// When `mkv` can be cut.
fn cuts(mkv: &MkvFile) -> Vec<Time90k> {
    mkv.keyframes(VIDEO).unwrap().iter().map(|keyframe| keyframe.pts).collect()
}

/// The samples of all spans between keyframes, each span made alone.
fn samples(mkv: &MkvFile, file: &Bytes) -> Result<Vec<Vec<Sample>>, Error> {
    samples_by_span(mkv, file, &spans(&mkv.keyframes(VIDEO)?))
}

const fn seconds(seconds: i64) -> Time90k {
    Time90k::from_seconds(seconds)
}

fn front() -> Vec<u8> {
    [info(9000.0), tracks(&[video(&[]), audio(&[])])].concat()
}

/// Goes through the whole file. What is asked for must come in order, and what lies before it is taken away.
pub(super) fn scan(file: &Bytes) -> Result<MkvFile, Error> {
    scan_counted(file).0
}

/// The result, and how many bytes were asked for.
fn scan_counted(file: &Bytes) -> (Result<MkvFile, Error>, u64) {
    let mut scan = match open(file) {
        Ok(mkv) => mkv.scan(),
        Err(error) => return (Err(error), 0),
    };
    let (mut here, mut start, mut brought) = (0..0, 0, 0);
    loop {
        let mut arrived = Arrived::new(file.len() as u64);
        arrived.insert(here.start, file.read(here.clone()).unwrap());
        match scan.step(&arrived) {
            Ok(crate::source::Step::Done(mkv)) => return (Ok(mkv), brought),
            Err(error) => return (Err(error), brought),
            Ok(crate::source::Step::Need(need)) => {
                assert!(need.start >= start && need.end - need.start <= MOST_ASK, "{need:?}");
                assert!(need.end > here.end && need.end <= file.len() as u64, "{need:?} with {here:?} here");
                assert!(scan.position() <= scan.end());
                start = need.start;
                brought += need.end - need.start.max(here.end);
                here = need;
            }
        }
    }
}

#[test]
fn a_scan_finds_what_the_cues_say() {
    let with_cues = film(40, Index::End, true);
    let expected = open(&with_cues).unwrap();
    let file = film(40, Index::None, false);
    assert_eq!(kind(open(&file).unwrap().keyframes(VIDEO)), ErrorKind::NoIndex);
    for file in [file, film(40, Index::Front, false), with_cues.clone()] {
        let scanned = scan(&file).unwrap();
        assert_eq!(cuts(&scanned), cuts(&expected));
        assert_eq!(samples(&scanned, &file).unwrap(), samples(&expected, &with_cues).unwrap());
        assert_eq!((scanned.end(VIDEO), scanned.duration()), (Some(seconds(40)), Some(seconds(40))));
    }
}

#[test]
fn a_live_recording_tells_nothing_of_itself() {
    let live = |width: u32| -> Bytes {
        let clusters: Vec<Vec<u8>> = (0..40)
            .map(|index| {
                let time = index * 1000;
                endless(id::CLUSTER, width, &[uint(id::TIMESTAMP, time), blocks_of(time).concat()].concat())
            })
            .collect();
        let info = master(id::INFO, &[uint(id::TIMESTAMP_SCALE, 1_000_000)]);
        let body = [info, tracks(&[video(&[]), audio(&[])]), clusters.concat()].concat();
        [header(), endless(id::BODY, width, &body)].concat().into()
    };
    for width in [1, 8] {
        let file = live(width);
        let mkv = open(&file).unwrap();
        assert_eq!((mkv.duration(), kind(mkv.keyframes(VIDEO))), (None, ErrorKind::NoIndex));
        let scanned = scan(&file).unwrap();
        assert_eq!((cuts(&scanned).len(), scanned.end(VIDEO)), (40, Some(seconds(40))));
        let samples = samples(&scanned, &file).unwrap();
        assert_eq!((samples[0].len(), samples[1].len()), (1000, 1875));
    }
}

/// `clusters` behind [`front`] and cues for track 1 in front of them; each is the number of a cluster, its time and,
/// where it is not the first, its block's place.
fn indexed(front: &[u8], clusters: &[Vec<u8>], points: &[(usize, u64, u64)]) -> Bytes {
    let make = |base: u64| {
        let cue = |&(index, time, relative): &(usize, u64, u64)| TestCue {
            time,
            cluster: base + clusters[..index].concat().len() as u64,
            relative: Some(relative),
        };
        cues(&points.iter().map(cue).collect::<Vec<_>>())
    };
    let base = (front.len() + make(0).len()) as u64;
    file(&[front.to_vec(), make(base), clusters.concat()])
}

#[test]
fn an_index_with_large_gaps_is_made_anew() {
    let clusters: Vec<Vec<u8>> = (0..70).map(|index| second(index * 1000)).collect();
    let front = [info(70_000.0), tracks(&[video(&[]), audio(&[])])].concat();
    let at = |index: usize| (index, index as u64 * 1000, FIRST_BLOCK);
    let sparse = indexed(&front, &clusters, &[at(0), at(31), at(60)]);
    assert_eq!(kind(open(&sparse).unwrap().keyframes(VIDEO)), ErrorKind::NoIndex);
    assert_eq!(cuts(&scan(&sparse).unwrap()).len(), 70);
    let dense_enough = indexed(&front, &clusters, &[at(0), at(30), at(60)]);
    assert_eq!(cuts(&open(&dense_enough).unwrap()).len(), 3);
    // Where there are no more keyframes the gaps are the truth.
    let no_keyframe = |time: u64| {
        let pictures: Vec<_> =
            (0..25).map(|picture| simple(1, picture * 40, false, &time.to_be_bytes())).collect();
        cluster(time, &pictures)
    };
    let clusters: Vec<Vec<u8>> = (0..70)
        .map(|index| if index % 35 == 0 { second(index * 1000) } else { no_keyframe(index * 1000) })
        .collect();
    let far = indexed(&front, &clusters, &[at(0), at(35)]);
    assert_eq!(kind(open(&far).unwrap().keyframes(VIDEO)), ErrorKind::NoIndex);
    let scanned = scan(&far).unwrap();
    assert_eq!(cuts(&scanned), [seconds(0), seconds(35)]);
    assert_eq!(samples(&scanned, &far).unwrap()[0].len(), 70 * 25);
}

#[test]
fn an_index_that_lies_is_found_out_when_a_segment_is_made() {
    let clusters: Vec<Vec<u8>> = (0..9).map(|index| second(index * 1000)).collect();
    let at = |index: usize| (index, index as u64 * 1000, FIRST_BLOCK);
    let right = indexed(&front(), &clusters, &[at(0), at(4), at(8)]);
    assert_eq!(samples(&open(&right).unwrap(), &right).unwrap()[0].len(), 225);
    let lies = [
        (4, 4120, FIRST_BLOCK), // a picture that is no keyframe
        (4, 4010, FIRST_BLOCK), // nothing at that time
        (3, 4000, FIRST_BLOCK), // another cluster
    ];
    for lie in lies {
        let file = indexed(&front(), &clusters, &[at(0), lie, at(8)]);
        let mkv = open(&file).unwrap();
        assert_eq!(kind(samples(&mkv, &file)), ErrorKind::NoIndex, "{lie:?}");
        let scanned = scan(&file).unwrap();
        assert_eq!(cuts(&scanned).len(), 9);
        assert_eq!(samples(&scanned, &file).unwrap()[0].len(), 225);
    }
    // A place that is no block is put right by the time.
    let file = indexed(&front(), &clusters, &[at(0), (4, 4000, 3), at(8)]);
    assert_eq!(samples(&open(&file).unwrap(), &file).unwrap()[0].len(), 225);
    // Out of order: known before any segment is made, and so short a film is one segment.
    let file = indexed(&front(), &clusters, &[at(0), (8, 4000, FIRST_BLOCK), (4, 8000, FIRST_BLOCK)]);
    assert_eq!(cuts(&open(&file).unwrap()).len(), 1);
}

#[test]
fn the_end_is_looked_up_when_the_duration_cannot_be_right() {
    let clusters: Vec<Vec<u8>> = (0..9).map(|index| second(index * 1000)).collect();
    let at = |index: usize| (index, index as u64 * 1000, FIRST_BLOCK);
    let points: Vec<_> = (0..9).map(at).collect();
    let with = |info: Vec<u8>| {
        let front = [info, tracks(&[video(&[]), audio(&[])])].concat();
        open(&indexed(&front, &clusters, &points)).unwrap()
    };
    // 422 frames of sound are a little longer than the pictures.
    let end = Some(Time90k::from_ratio(422 * 1024, 48_000));
    assert_eq!(with(master(id::INFO, &[])).end(VIDEO), end, "none");
    for (wrong, ticks) in [("far too long", 100_000.0), ("too short", 3000.0), ("not a number", f64::NAN)] {
        let mkv = with(info(ticks));
        assert_eq!((mkv.end(VIDEO), cuts(&mkv).len()), (end, 9), "{wrong}");
    }
    // What may be right is believed without a look.
    assert_eq!(with(info(12_500.0)).end(VIDEO), Some(Time90k(12_500 * 90)));
}

#[test]
fn of_a_file_that_was_cut_short_the_rest_is_played() {
    let whole = film(9, Index::Front, true);
    let first = usize::try_from(open(&whole).unwrap().first_cluster).unwrap();
    let cluster = (whole.len() - first) / 9;
    for end in (first..whole.len()).step_by(97) {
        let file = whole.slice(..end);
        let Ok(scanned) = scan(&file) else {
            assert!(end < first + 200, "only before the first picture");
            continue;
        };
        let mkv = open(&file).unwrap();
        assert_eq!(cuts(&mkv), cuts(&scanned), "cut at {end}");
        assert_eq!(mkv.end(VIDEO), scanned.end(VIDEO), "cut at {end}");
        assert!((end - first) / cluster <= cuts(&mkv).len() && cuts(&mkv).len() <= 9);
        let samples = samples(&mkv, &file).unwrap();
        let last = samples.iter().flatten().map(|sample| sample.pts).max().unwrap();
        assert!(last < mkv.end(VIDEO).unwrap(), "cut at {end}");
    }
    // Most have their index at the end.
    let file = film(40, Index::End, true);
    let file = file.slice(..file.len() / 2);
    let mkv = open(&file).unwrap();
    assert_eq!((kind(mkv.keyframes(VIDEO)), mkv.duration()), (ErrorKind::NoIndex, None));
    assert_eq!(cuts(&scan(&file).unwrap()).len(), 21);
}

#[test]
fn what_is_damaged_is_lost_and_the_rest_plays() {
    let whole = film(40, Index::None, false);
    let at = usize::try_from(scan(&whole).unwrap().cues[10].cluster).unwrap();
    // What is written where, how many pictures are left, and whether anything counts as lost.
    let damages: [(usize, &[u8], usize, bool); 5] = [
        (at, &[0; 40], 975, true),           // the cluster's header
        (at + 12 + 17, &[0; 60], 975, true), // its first blocks
        (at + 4, &[1, 255, 255, 255, 255, 255, 255, 255], 1000, false), // its size: unknown
        (at + 4, &[1, 0, 0, 0, 1], 1000, false), // its size: 16 MiB
        (at + 4, &[0x81, 0xe7, 0xff, 0, 0], 975, true), // its size: 1 byte
    ];
    for (at, bytes, pictures, is_lost) in damages {
        let mut file = whole.to_vec();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        let file = Bytes::from(file);
        let mut scan = open(&file).unwrap().scan();
        let Ok(crate::source::Step::Done(scanned)) = scan.step(&file) else { panic!("{bytes:?}") };
        assert_eq!(
            (cuts(&scanned).len(), scanned.end(VIDEO)),
            (pictures / 25, Some(seconds(40))),
            "{bytes:?}"
        );
        assert_eq!(is_lost, (1000..2000).contains(&scan.lost()), "{bytes:?} {}", scan.lost());
        let samples = samples(&scanned, &file).unwrap();
        assert_eq!(samples[0].len(), pictures, "{bytes:?}");
        assert!(samples[0].windows(2).all(|pair| pair[0].dts < pair[1].dts));
    }
}

#[test]
fn a_clock_that_goes_back_is_no_film() {
    let clusters: Vec<Vec<u8>> = (0..40).map(|index| second(index % 20 * 1000)).collect();
    let file = file(&[front(), clusters.concat()]);
    let error = scan(&file).unwrap_err();
    assert_eq!((error.kind, error.what.contains("several recordings")), (ErrorKind::Unsupported, true));
}

#[test]
fn sound_alone_is_cut_every_second() {
    let clusters: Vec<Vec<u8>> = (0..40)
        .map(|index| {
            let time = index * 1000;
            cluster(time, &(0..40).map(|block| simple(2, block * 25, true, b"sound")).collect::<Vec<_>>())
        })
        .collect();
    let file = file(&[info(40_000.0), tracks(&[audio(&[])]), clusters.concat()]);
    assert_eq!(kind(open(&file).unwrap().keyframes(AUDIO)), ErrorKind::NoIndex);
    let scanned = scan(&file).unwrap();
    let keyframes = scanned.keyframes(AUDIO).unwrap();
    assert_eq!(keyframes.len(), 40);
    assert!(keyframes.windows(2).all(|pair| pair[1].pts - pair[0].pts >= seconds(1) - Time90k(1000)));
    assert_eq!(samples_by_span(&scanned, &file, &spans(&keyframes)).unwrap()[0].len(), 1600);
}

#[test]
fn a_scan_that_finds_nothing_says_so() {
    let no_keyframe = cluster(0, &[simple(1, 0, false, b"P"), simple(2, 0, true, b"sound")]);
    let scanned = scan(&file(&[front(), no_keyframe.clone()])).unwrap();
    assert_eq!(kind(scanned.keyframes(VIDEO)), ErrorKind::Unsupported);
    assert_eq!(kind(scan(&file(&[front(), cluster(0, &[])]))), ErrorKind::Unsupported);
}

#[test]
fn every_byte_is_asked_for_once_and_large_pictures_not_at_all() {
    // 20 MB each, from many small pictures to few large ones.
    let film = |size: usize| {
        let count = i16::try_from(1_000_000 / size).unwrap();
        let second = |time: u64| {
            let picture = |index: i16| simple(1, index, index == 0, &vec![0; size]);
            cluster(time, &(0..count).map(picture).collect::<Vec<_>>())
        };
        let clusters: Vec<Vec<u8>> = (0..20).map(|index| second(index * 1000)).collect();
        file(&[info(20_000.0), tracks(&[video(&[])]), clusters.concat()])
    };
    for (size, most) in [(1000, 1.0), (40_000, 1.0), (250_000, 0.3)] {
        let file = film(size);
        let (scanned, asked) = scan_counted(&file);
        assert_eq!(cuts(&scanned.unwrap()).len(), 20);
        assert!(asked as f64 <= file.len() as f64 * most, "{asked} of {} bytes", file.len());
    }
}

#[test]
fn entries_are_bounded() {
    // Every picture is a keyframe: two hours of 60 a second.
    let clusters = (0..7200u64).map(|second| {
        let picture = |index: i16| simple(1, index * 16, true, b"");
        cluster(second * 1000, &(0..60).map(picture).collect::<Vec<_>>())
    });
    let file = file(&[front(), clusters.collect::<Vec<_>>().concat()]);
    let mut scan: MkvScan = open(&file).unwrap().scan();
    let Ok(crate::source::Step::Done(scanned)) = scan.step(&file) else { panic!() };
    let cuts = cuts(&scanned);
    assert!(cuts.len() <= 100_000 && cuts.len() > 20_000, "{}", cuts.len());
    assert!(cuts.windows(2).all(|pair| pair[1] - pair[0] < seconds(1)));
}

#[test]
fn the_last_picture_lasts_as_long_as_the_one_before() {
    let no_rate = master(
        id::TRACK_ENTRY,
        &[
            uint(id::TRACK_NUMBER, 1),
            uint(id::TRACK_TYPE, 1),
            text(id::CODEC_ID, "V_MPEG4/ISO/AVC"),
            element(id::CODEC_PRIVATE, AVC_CONFIG),
        ],
    );
    let end = |times: &[i16]| {
        let blocks: Vec<_> = times.iter().map(|time| simple(1, *time, *time == 0, b"picture")).collect();
        let file = file(&[info(60_000.0), tracks(std::slice::from_ref(&no_rate)), cluster(0, &blocks)]);
        scan(&file).unwrap().end(VIDEO).unwrap().0 / 90
    };
    assert_eq!(end(&[0, 120, 40, 80]), 160, "in the order of showing");
    assert_eq!(end(&[0, 50, 60]), 70);
    assert_eq!(end(&[0, 20_000]), 21_000, "a still picture");
    assert_eq!(end(&[0]), 40);
}

#[test]
fn wherever_bytes_end_nothing_before_is_asked_for_again() {
    let second = |time: u64| {
        let picture =
            |index: i16| group(1, index * 4, index > 0, &vec![0; 20 + usize::try_from(index).unwrap()]);
        cluster(time, &(0..250).map(picture).collect::<Vec<_>>())
    };
    let clusters = (0..9).map(|index| second(index * 1000)).collect::<Vec<_>>().concat();
    for shift in 0..150 {
        let file = file(&[void(shift), front(), clusters.clone()]);
        assert_eq!(cuts(&scan(&file).unwrap()).len(), 9);
    }
}
