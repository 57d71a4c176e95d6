//! Fragmented MP4 with an index that lies, with none, cut short, or changed; and films whose index needs more than
//! is done here: each plays as it should or says why not.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::cast_possible_truncation, reason = "films made here are small")]

mod support;

use bytes::Bytes;
use media::ErrorKind;
use media::movie::Movie;
use media::presentation::Presentation;
use media::source::Step;
use media::track::Codec;
use support::mp4::{AVC_CONFIG, Track, boxed, counted, master, moov, table};
use support::{Stingy, exercise, fixture, present};

const FRAGMENTED: [&str; 5] = [
    "mp4-fragmented.mp4",
    "mp4-fragmented-sidx.mp4",
    "mp4-fragmented-separate.mp4",
    "mp4-fragmented-hybrid.mp4",
    "mp4-fragmented-every-frame.mp4",
];

/// Every segment, which must all be made.
fn segments(film: &Bytes) -> Vec<Bytes> {
    let outcome = exercise(film, usize::MAX).unwrap();
    outcome.segments.into_iter().map(|segment| segment.unwrap()).collect()
}

fn opened(film: &Bytes) -> Result<Movie, media::Error> {
    media::open(film).map(|step| match step {
        Step::Done(movie) => movie,
        Step::Need(range) => panic!("{range:?} asked for of a film that is here"),
    })
}

/// The top-level boxes: kind, offset, length.
fn boxes(film: &[u8]) -> Vec<([u8; 4], usize, usize)> {
    let (mut at, mut found) = (0, Vec::new());
    while at + 8 <= film.len() {
        let len = u32::from_be_bytes(film[at..at + 4].try_into().unwrap()) as usize;
        found.push((film[at + 4..at + 8].try_into().unwrap(), at, len));
        at += len;
    }
    found
}

fn find(film: &[u8], kind: &[u8; 4]) -> (usize, usize) {
    let (_, at, len) = boxes(film).into_iter().find(|(found, ..)| found == kind).unwrap();
    (at, len)
}

/// `film` without its boxes of that kind, each replaced by as much free space.
fn without(film: &Bytes, kind: &[u8; 4]) -> Bytes {
    let mut changed = film.to_vec();
    for (found, at, _) in boxes(film) {
        if found == *kind {
            changed[at + 4..at + 8].copy_from_slice(b"free");
        }
    }
    changed.into()
}

/// `film` with `value` added to the 32-bit number at `at`.
fn changed(film: &Bytes, at: usize, value: u32) -> Bytes {
    let mut changed = film.to_vec();
    let number = u32::from_be_bytes(film[at..at + 4].try_into().unwrap()).wrapping_add(value);
    changed[at..at + 4].copy_from_slice(&number.to_be_bytes());
    changed.into()
}

/// The number of reads that `open` needs.
fn reads(film: &Bytes) -> usize {
    let mut source = Stingy::new(film);
    source.drive(|src| media::open(src)).unwrap();
    source.asked.len()
}

#[test]
fn each_index_gives_the_same_segments() {
    let film = fixture("mp4-fragmented-sidx.mp4");
    let by_sidx = segments(&film);
    assert_eq!(by_sidx.len(), 2);
    let without_sidx = without(&film, b"sidx");
    let without_both = without(&without_sidx, b"mfra");
    assert!(segments(&without_sidx) == by_sidx, "by mfra");
    assert!(segments(&without_both) == by_sidx, "by a walk");
    let presented = |film: &Bytes| present(film).unwrap().plan().clone();
    let ends =
        |film: &Bytes| presented(film).segments.iter().map(|segment| segment.end.0).collect::<Vec<_>>();
    assert_eq!(ends(&film), [547_500, 1_087_500]);
    assert_eq!(ends(&without_sidx), ends(&film));
    assert_eq!(ends(&without_both), ends(&film));
    assert!(reads(&film) <= 8 && reads(&without_sidx) <= 10);
}

#[test]
fn an_index_that_lies_is_not_followed() {
    let film = fixture("mp4-fragmented-sidx.mp4");
    let expected = segments(&film);
    let (sidx, _) = find(&film, b"sidx");
    let reference = |number: usize| sidx + 8 + 32 + number * 12;
    // What the first fragments show at once: another index is taken.
    assert!(segments(&changed(&film, reference(0) + 4, 1)) == expected, "a duration");
    assert!(segments(&changed(&film, reference(0), 1)) == expected, "a length");
    assert!(segments(&changed(&film, reference(5), 0u32.wrapping_sub(64))) == expected, "not the whole file");
    // What only a segment shows: it is not made, and a scan mends it.
    let late = changed(&film, reference(2) + 4, 1);
    let presentation = present(&late).unwrap();
    let rendition = presentation.main_rendition(None).unwrap();
    assert!(presentation.segment(&rendition, 0, &late).is_ok());
    let kind = presentation.segment(&rendition, 1, &late).err().map(|error| error.kind);
    assert_eq!(kind, Some(ErrorKind::NoIndex));
    assert!(segments(&late) == expected, "after a scan");

    let film = without(&film, b"sidx");
    let (mfra, _) = find(&film, b"mfra");
    let entry = |number: usize| mfra + 8 + 24 + number * 19;
    assert_eq!(&film[entry(0) + 8..entry(0) + 16], &1470u64.to_be_bytes(), "where the first fragment is");
    for number in [1, 5] {
        let lying = changed(&film, entry(number) + 4, 90);
        assert!(segments(&lying) == expected, "entry {number}");
    }
}

#[test]
fn a_film_that_ends_anywhere_plays_what_is_whole() {
    for name in FRAGMENTED {
        let film = fixture(name);
        let whole = segments(&film);
        let mut most = 0;
        for len in (0..film.len()).step_by(199) {
            let cut = film.slice(..len);
            let Ok(outcome) = exercise(&cut, usize::MAX) else { continue };
            assert_eq!(outcome.planned, outcome.segments.len());
            // The last may be shorter; all are made.
            let made: Vec<Bytes> = outcome.segments.into_iter().map(|segment| segment.unwrap()).collect();
            let right = made.iter().zip(&whole).take_while(|(made, whole)| made == whole).count();
            assert!(right + 1 >= made.len(), "{name}, {len}: {right} of {} are right", made.len());
            most = most.max(made.len());
        }
        assert_eq!(most, whole.len(), "{name}");
    }
    // The same where the index is all in front.
    let film = fixture("mp4-faststart.mp4");
    let whole = present(&film).unwrap().plan().duration().seconds();
    let mut last = 0.0;
    for len in [15_000, 30_000, 45_000, 60_000] {
        let cut = present(&film.slice(..len)).unwrap();
        let rendition = cut.main_rendition(None).unwrap();
        for segment in &cut.plan().segments {
            assert!(cut.segment(&rendition, segment.index, &film.slice(..len)).is_ok(), "{len}");
        }
        let seconds = cut.plan().duration().seconds();
        assert!(seconds > last + 1.0 && seconds < whole, "{len}: {seconds}");
        last = seconds;
    }
}

#[test]
fn a_track_that_the_end_cuts_off_is_named() {
    // All pictures, then all sound.
    let noise = vec![0x65; 1000];
    let film = |len: usize| -> Bytes {
        let tables = |at: u32, delta: u32| {
            [
                counted(b"stts", 2, &[10, delta]),
                table(b"stsz", &[50, 10]),
                counted(b"stsc", 3, &[1, 10, 1]),
                counted(b"stco", 1, &[at]),
            ]
        };
        let made = support::mp4::file(
            |base| {
                moov(&[
                    Track::video(1, 10, AVC_CONFIG).with(&tables(base, 1)).build(),
                    Track::audio(2, 10).with(&tables(base + 500, 1)).build(),
                ])
            },
            &noise,
        );
        made.slice(..made.len() - len)
    };
    let is_played =
        |movie: &Movie| movie.tracks.iter().map(|track| track.codec.is_supported()).collect::<Vec<_>>();
    assert_eq!(is_played(&opened(&film(0)).unwrap()), [true, true]);
    let partly = opened(&film(260)).unwrap();
    assert_eq!(is_played(&partly), [true, true]);
    assert!(partly.duration().unwrap().seconds() <= 0.5, "both end together: {:?}", partly.duration());
    let silent = opened(&film(500)).unwrap();
    assert_eq!(is_played(&silent), [true, false]);
    let Codec::Unsupported { reason } = silent.tracks[1].codec else { panic!("a reason") };
    assert!(reason.contains("incomplete"), "{reason}");
}

#[test]
fn recordings_one_behind_the_other_are_refused() {
    let film = without(&fixture("mp4-fragmented-separate.mp4"), b"mfra");
    let (moof, _) = find(&film, b"moof");
    let both: Bytes = [&film[..], &film[moof..]].concat().into();
    let error = exercise(&both, 9).unwrap_err();
    assert!(error.to_string().contains("backwards"), "{error}");
}

#[test]
fn what_is_no_film_says_so() {
    let reason = |film: Vec<u8>| exercise(&Bytes::from(film), 9).unwrap_err().to_string();
    let film = fixture("mp4-fragmented.mp4");
    let (moof, _) = find(&film, b"moof");
    assert!(reason(film[..moof].to_vec()).contains("only the header"));
    assert!(reason(film[moof..].to_vec()).contains("piece of a stream"));
    let reference = master(b"moov", &[boxed(b"rmra", &[])]);
    assert!(reason([boxed(b"ftyp", b"qt  \0\0\0\0qt  "), reference].concat()).contains("reference movie"));
    let at_end = fixture("mp4-moov-at-end.mp4");
    for len in [60_000, at_end.len() - 100] {
        let text = reason(at_end[..len].to_vec());
        assert!(text.contains("incomplete") && text.contains("/stream"), "{text}");
    }
}

#[test]
fn a_free_box_of_no_size_is_passed_over() {
    let film = fixture("mp4-moov-at-end.mp4");
    let (mdat, _) = find(&film, b"mdat");
    let expected = segments(&film);
    // The room in front of the media is one such box already.
    let free = film[..mdat].windows(8).position(|head| head == b"\0\0\0\x08free").unwrap();
    assert!(segments(&changed(&film, free, 0u32.wrapping_sub(8))) == expected);
}

/// A film of one track with this `stsd` and `stsc`, in two chunks.
fn two_chunks(stsd: Vec<u8>, second_entry: u32) -> Bytes {
    support::mp4::file(
        |base| {
            let mut track = Track::video(1, 10, AVC_CONFIG).with(&[
                counted(b"stts", 2, &[20, 1]),
                table(b"stsz", &[50, 20]),
                counted(b"stsc", 3, &[1, 10, 1, 2, 10, second_entry]),
                counted(b"stco", 1, &[base, base + 500]),
            ]);
            track.stsd = stsd.clone();
            moov(&[track.build()])
        },
        &[0x65; 1000],
    )
}

#[test]
fn sample_entries_that_say_the_same_are_one() {
    let entry = |config: &[u8], reference: u8| {
        let mut entry = vec![0; 78];
        entry[7] = reference;
        entry[24..28].copy_from_slice(&[0x07, 0x80, 0x04, 0x38]);
        entry.extend(boxed(b"avcC", config));
        boxed(b"avc1", &entry)
    };
    let stsd = |entries: &[Vec<u8>]| {
        let count = (entries.len() as u32).to_be_bytes();
        boxed(b"stsd", &[&[0; 4], count.as_slice(), &entries.concat()].concat())
    };
    let codec = |film: &Bytes| opened(film).unwrap().tracks[0].codec.clone();
    let same = two_chunks(stsd(&[entry(AVC_CONFIG, 1), entry(AVC_CONFIG, 1)]), 2);
    assert!(codec(&same).is_supported());
    let mut other = AVC_CONFIG.to_vec();
    *other.last_mut().unwrap() ^= 0x40;
    let differs = two_chunks(stsd(&[entry(AVC_CONFIG, 1), entry(&other, 1)]), 2);
    assert_eq!(codec(&differs), Codec::Unsupported { reason: "the codec's configuration changes midway" });
    let unused = two_chunks(stsd(&[entry(AVC_CONFIG, 1), entry(&other, 1)]), 1);
    assert!(codec(&unused).is_supported());
}

#[test]
fn media_in_other_files_are_refused() {
    let film = fixture("mp4-video-only.mp4");
    let url = film
        .windows(12)
        .position(|bytes| bytes == b"url \0\0\0\x01\0\0\0\x18")
        .or_else(|| film.windows(8).position(|bytes| bytes == b"url \0\0\0\x01"));
    let flag = url.unwrap() + 7;
    let mut elsewhere = film.to_vec();
    elsewhere[flag] = 0;
    // The flag alone is forgotten by some writers.
    assert!(opened(&elsewhere.clone().into()).unwrap().tracks[0].codec.is_supported());
    let named = fixture_with_location(&film);
    assert_eq!(
        opened(&named).unwrap().tracks[0].codec,
        Codec::Unsupported { reason: "the track's data are in another file" }
    );
}

/// `film` whose data reference names a place; `moov` grows, which only shifts the media behind it.
fn fixture_with_location(film: &Bytes) -> Bytes {
    let mut out = film.to_vec();
    let location = b"http://x/\0";
    let url = film.windows(8).position(|bytes| bytes == b"url \0\0\0\x01").unwrap();
    out[url + 7] = 0;
    out.splice(url + 8..url + 8, location.iter().copied());
    for kind in [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref", b"url "] {
        let at = film.windows(4).position(|bytes| bytes == kind).unwrap() - 4;
        let len = u32::from_be_bytes(out[at..at + 4].try_into().unwrap()) + location.len() as u32;
        out[at..at + 4].copy_from_slice(&len.to_be_bytes());
    }
    out.into()
}

#[test]
fn a_presentation_is_made_of_every_fragmented_fixture() {
    for name in FRAGMENTED {
        let film = fixture(name);
        let made: Result<Presentation, _> = present(&film);
        let is_scanned = name == "mp4-fragmented-every-frame.mp4";
        assert_eq!(made.err().map(|error| error.kind), is_scanned.then_some(ErrorKind::NoIndex), "{name}");
        assert!(!segments(&film).is_empty(), "{name}");
    }
}
