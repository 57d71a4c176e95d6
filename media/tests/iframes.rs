//! Key pictures by themselves: each is one picture, the right one, made of no more bytes than its own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use media::ErrorKind;
use media::hls::{self, Resource, resource};
use media::presentation::Presentation;
use media::rendition::{Rendition, SegmentFormat};
use media::source::Step;
use support::{Stingy, fixtures, present};

/// The payload of all packets of the picture's stream, and how many begin a PES packet.
fn picture_of(segment: &[u8]) -> (Vec<u8>, usize) {
    let (mut payload, mut begins) = (Vec::new(), 0);
    for packet in segment.chunks(188) {
        assert_eq!(packet[0], 0x47);
        let pid = u16::from_be_bytes([packet[1] & 31, packet[2]]);
        if pid != 0x100 {
            continue;
        }
        begins += usize::from(packet[1] & 0x40 != 0);
        let skip = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
        payload.extend(&packet[skip..]);
    }
    (payload, begins)
}

fn pts(pes: &[u8]) -> i64 {
    let at = |index: usize| i64::from(pes[index]);
    (at(9) >> 1 & 7) << 30 | at(10) << 22 | (at(11) >> 1) << 15 | at(12) << 7 | at(13) >> 1
}

fn pictures(film: &Presentation) -> Option<Rendition> {
    let video = film.video().filter(|track| track.codec.fits_ts())?;
    Some(Rendition { video: Some(video.id), audio: None, format: SegmentFormat::Ts })
}

#[test]
fn each_is_one_picture_made_of_its_own_bytes() {
    let mut seen = 0;
    for (name, file) in fixtures(&[".mp4", ".mov", ".mkv"]) {
        let Ok(film) = present(&file) else { continue };
        let Some(rendition) = pictures(&film) else { continue };
        let text = hls::iframe_playlist(&film, &rendition).unwrap();
        let (_, playlist) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
        assert!(playlist.i_frames_only && playlist.end_list, "{name}");
        let sum: f64 = playlist.segments.iter().map(|segment| f64::from(segment.duration)).sum();
        assert!((sum - film.plan().duration().seconds()).abs() < 1e-3, "{name}: {sum}");
        let mut shown = film.plan().origin().seconds();
        for segment in &playlist.segments {
            assert!(f64::from(segment.duration).round() <= playlist.target_duration as f64, "{name}");
            let Some(Resource::IFrame(found, index)) = resource(&film, &segment.uri, None) else {
                panic!("{name}: {}", segment.uri)
            };
            assert_eq!(found, rendition);
            let whole = match film.iframe(&rendition, index, &file) {
                // An index that lies is found out when it is used.
                Err(error) if error.kind == ErrorKind::NoIndex => break,
                whole => whole.unwrap(),
            };
            let mut stingy = Stingy::new(&file);
            for range in film.iframe_ranges(&rendition, index).unwrap() {
                stingy.fetch(range);
            }
            let made = stingy.drive(|src| film.iframe(&rendition, index, src)).unwrap();
            assert_eq!(whole, Step::Done(made.clone()), "{name} {index}");
            assert!(stingy.asked.len() <= 3, "{name} {index}: {:?}", stingy.asked);
            let (pes, begins) = picture_of(&made);
            assert_eq!(begins, 1, "{name} {index}");
            assert!(
                pes.windows(4).any(|bytes| bytes[..3] == [0, 0, 1] && bytes[3] & 31 == 7),
                "{name}: no SPS"
            );
            // The first stands from the beginning; all others from when they are shown.
            let time = (pts(&pes) - 900_000) as f64 / 90_000.0 + film.plan().origin().seconds();
            assert!(index == 0 || (time - shown).abs() < 1e-3, "{name} {index}: {time}, not {shown}");
            shown += f64::from(segment.duration);
            seen += 1;
        }
        let behind = u32::try_from(playlist.segments.len()).unwrap();
        assert!(film.iframe(&rendition, behind, &file).is_err());
    }
    assert!(seen > 100, "only {seen} pictures");
}

/// The payload of the first box at `path`.
fn boxed<'a>(mut bytes: &'a [u8], path: &[&[u8; 4]]) -> &'a [u8] {
    let mut left = path.iter();
    let mut wanted = left.next();
    while let Some(kind) = wanted {
        let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
        if &bytes[4..8] == *kind {
            bytes = &bytes[8..size];
            wanted = left.next();
        } else {
            bytes = &bytes[size..];
        }
    }
    bytes
}

#[test]
fn in_fragmented_mp4_each_is_a_fragment_of_one_sample() {
    let mut seen = 0;
    for (name, file) in fixtures(&[".mp4", ".mov", ".mkv", ".webm"]) {
        let Ok(film) = present(&file) else { continue };
        let Some(video) = film.video() else { continue };
        let rendition = Rendition { video: Some(video.id), audio: None, format: SegmentFormat::Fmp4 };
        let text = hls::iframe_playlist(&film, &rendition).unwrap();
        let (_, playlist) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
        let init = playlist.segments[0].map.as_ref().unwrap();
        assert_eq!(resource(&film, &init.uri, None), Some(Resource::Init(rendition)), "{name}");
        let mut shown = 0.0;
        for (index, segment) in (0u32..).zip(&playlist.segments) {
            let made = match film.iframe(&rendition, index, &file) {
                Err(error) if error.kind == ErrorKind::NoIndex => break,
                Ok(Step::Done(made)) => made,
                other => panic!("{name}: {other:?}"),
            };
            let run = boxed(&made, &[b"moof", b"traf", b"trun"]);
            let word = |at: usize| u32::from_be_bytes(run[at..at + 4].try_into().unwrap());
            assert_eq!(word(4), 1, "{name}: one sample");
            let (duration, size, flags, offset) = (word(12), word(16), word(20), word(24));
            assert_eq!((flags, offset), (0x0200_0000, 0), "{name}: a sync sample, shown when it is decoded");
            assert_eq!(boxed(&made, &[b"mdat"]).len(), size as usize);
            let tfdt = boxed(&made, &[b"moof", b"traf", b"tfdt"]);
            let time = u64::from_be_bytes(tfdt[4..12].try_into().unwrap()) as f64 / 90_000.0 - 10.0;
            assert!(index == 0 || (time - shown).abs() < 1e-3, "{name} {index}: {time}, not {shown}");
            shown += f64::from(segment.duration);
            assert!((time + f64::from(duration) / 90_000.0 - shown).abs() < 1e-3, "{name} {index}");
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} pictures");
}
