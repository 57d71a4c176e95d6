//! The initialization segment: `ftyp` and a `moov` without samples (ISO/IEC 14496-12 4.3, 8.2 ff.; RFC 8216 3.3).

use super::boxes::BoxWriter;
use super::fragment::SYNC;
use super::sample_entry;
use super::timeline::timescale;
use super::{AUDIO_ID, VIDEO_ID};
use crate::error::Error;
use crate::movie::Movie;
use crate::rendition::Rendition;
use crate::track::{Rotation, Track};
use bytes::Bytes;

/// 1 in 16.16 fixed point.
const ONE: u32 = 0x0001_0000;
/// 1 in 2.30 fixed point, the last number of a matrix.
const MATRIX_ONE: u32 = 0x4000_0000;
const MINUS_ONE: u32 = ONE.wrapping_neg();

/// A track with its number in the rendition.
struct Numbered<'a> {
    id: u32,
    track: &'a Track,
    timescale: u32,
}

/// The initialization segment of `rendition`.
///
/// # Errors
/// `Unsupported` when a track has no place in MP4.
pub fn init(movie: &Movie, rendition: &Rendition) -> Result<Bytes, Error> {
    let tracks = [(VIDEO_ID, rendition.video), (AUDIO_ID, rendition.audio)];
    let tracks = tracks.into_iter().filter_map(|(id, track)| Some((id, movie.track(track?)?)));
    let tracks = tracks.map(|(id, track)| {
        let timescale = timescale(&track.codec)
            .ok_or(Error::unsupported("this codec cannot be carried in fragmented MP4"))?;
        Ok(Numbered { id, track, timescale })
    });
    Ok(of_tracks(&tracks.collect::<Result<Vec<_>, Error>>()?))
}

fn of_tracks(tracks: &[Numbered<'_>]) -> Bytes {
    let mut out = BoxWriter::new(2048);
    write_ftyp(&mut out, tracks);
    out.boxed(b"moov", |out| {
        write_mvhd(out);
        for track in tracks {
            write_trak(out, track);
        }
        out.boxed(b"mvex", |out| {
            for track in tracks {
                // The first sample entry, and defaults that every fragment overrides, but for sound's flags.
                out.full(b"trex", 0, 0, |out| {
                    let flags = if track.id == AUDIO_ID { SYNC } else { 0 };
                    [track.id, 1, 0, 0, flags].into_iter().for_each(|field| out.u32(field));
                });
            }
        });
    });
    out.into_bytes()
}

/// `iso6` is the first brand with `default-base-is-moof` and `tfdt` (14496-12 annex E.8); HLS asks for it or a
/// later one. A CMAF header (`cmfc`) has one track.
fn write_ftyp(out: &mut BoxWriter, tracks: &[Numbered<'_>]) {
    out.boxed(b"ftyp", |out| {
        out.put(b"iso6");
        out.u32(0);
        out.put(b"iso6mp41");
        if tracks.len() == 1 {
            out.put(b"cmfc");
        }
        if tracks.iter().any(|track| sample_entry::told_dolby_vision(track.track).is_some()) {
            out.put(b"dby1");
        }
    });
}

fn write_mvhd(out: &mut BoxWriter) {
    out.full(b"mvhd", 0, 0, |out| {
        out.zeros(8); // creation and modification time
        out.u32(1000);
        out.u32(0); // duration
        out.u32(ONE); // rate
        out.u16(0x0100); // volume
        out.zeros(10);
        write_matrix(out, [ONE, 0, 0, ONE], [0, 0]);
        out.zeros(24);
        out.u32(AUDIO_ID + 1); // next_track_ID
    });
}

/// `[a, b, c, d]` turn and `[x, y]` move (8.2.2.3 `matrix`).
fn write_matrix(out: &mut BoxWriter, [a, b, c, d]: [u32; 4], [x, y]: [u32; 2]) {
    [a, b, 0, c, d, 0, x, y, MATRIX_ONE].into_iter().for_each(|number| out.u32(number));
}

fn write_trak(out: &mut BoxWriter, numbered: &Numbered<'_>) {
    let Numbered { id, track, timescale } = *numbered;
    let is_video = id == VIDEO_ID;
    out.boxed(b"trak", |out| {
        write_tkhd(out, id, track);
        out.boxed(b"mdia", |out| {
            let (code, tag) = language(track);
            out.full(b"mdhd", 0, 0, |out| {
                out.zeros(8);
                out.u32(timescale);
                out.u32(0);
                out.u16(code);
                out.u16(0);
            });
            out.full(b"hdlr", 0, 0, |out| {
                out.u32(0);
                out.put(if is_video { b"vide" } else { b"soun" });
                out.zeros(12);
                out.put(if is_video { b"Video\0" } else { b"Sound\0" });
            });
            if let Some(tag) = tag {
                out.full(b"elng", 0, 0, |out| {
                    out.put(tag.as_bytes());
                    out.u8(0);
                });
            }
            out.boxed(b"minf", |out| write_minf(out, track, timescale, is_video));
        });
    });
}

/// Track header (8.3.2): enabled, in the movie.
fn write_tkhd(out: &mut BoxWriter, id: u32, track: &Track) {
    let (width, height) = if id == VIDEO_ID { shown_size(track) } else { (0, 0) };
    out.full(b"tkhd", 0, 3, |out| {
        out.zeros(8);
        out.u32(id);
        out.zeros(4);
        out.u32(0); // duration
        out.zeros(8);
        out.u16(0); // layer
        out.u16(0); // alternate_group
        out.u16(if id == VIDEO_ID { 0 } else { 0x0100 }); // volume
        out.u16(0);
        // A turn is around the top left corner; what it takes out of the picture's place is moved back.
        match track.rotation {
            Rotation::None => write_matrix(out, [ONE, 0, 0, ONE], [0, 0]),
            Rotation::Clockwise90 => write_matrix(out, [0, ONE, MINUS_ONE, 0], [height, 0]),
            Rotation::Half => write_matrix(out, [MINUS_ONE, 0, 0, MINUS_ONE], [width, height]),
            Rotation::Clockwise270 => write_matrix(out, [0, MINUS_ONE, ONE, 0], [0, width]),
        }
        out.u32(width);
        out.u32(height);
    });
}

/// Size of the picture with square pixels, in 16.16 fixed point: the width follows the pixels' aspect.
fn shown_size(track: &Track) -> (u32, u32) {
    let (x, y) = track.pixel_aspect;
    let (x, y) = if x == 0 || y == 0 { (1, 1) } else { (u64::from(x), u64::from(y)) };
    let fixed = |pixels: u64| u32::try_from(pixels.min(0xffff) << 16).unwrap_or(u32::MAX);
    (fixed(u64::from(track.width).saturating_mul(x) / y), fixed(u64::from(track.height)))
}

/// `mdhd` knows three letters of ISO 639-2 (8.4.2.3); other tags get an `elng` (8.4.6).
fn language(track: &Track) -> (u16, Option<&str>) {
    let pack = |code: &[u8; 3]| code.iter().fold(0, |packed, letter| packed << 5 | u16::from(letter & 0x1f));
    let Some(tag) = track.language.as_deref() else { return (pack(b"und"), None) };
    match <&[u8; 3]>::try_from(tag.as_bytes()) {
        Ok(code) if code.iter().all(u8::is_ascii_lowercase) => (pack(code), None),
        // A tag has no NUL and no need for more.
        _ if tag.len() > 64 || tag.bytes().any(|byte| byte == 0) => (pack(b"und"), None),
        _ => (pack(b"und"), Some(tag)),
    }
}

fn write_minf(out: &mut BoxWriter, track: &Track, timescale: u32, is_video: bool) {
    if is_video {
        out.full(b"vmhd", 0, 1, |out| out.zeros(8));
    } else {
        out.full(b"smhd", 0, 0, |out| out.zeros(4));
    }
    out.boxed(b"dinf", |out| {
        out.full(b"dref", 0, 0, |out| {
            out.u32(1);
            out.full(b"url ", 0, 1, |_| {}); // in this file
        });
    });
    out.boxed(b"stbl", |out| {
        out.full(b"stsd", 0, 0, |out| {
            out.u32(1);
            sample_entry::write(out, track, timescale);
        });
        out.full(b"stts", 0, 0, |out| out.u32(0));
        out.full(b"stsc", 0, 0, |out| out.u32(0));
        out.full(b"stsz", 0, 0, |out| out.zeros(8));
        out.full(b"stco", 0, 0, |out| out.u32(0));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::dolby_vision::DolbyVision;
    use crate::colour::Colour;
    use crate::source::Step;
    use crate::track::TrackKind;

    fn opened(file: &Bytes) -> Movie {
        match crate::open(file) {
            Ok(Step::Done(movie)) => movie,
            other => panic!("{other:?}"),
        }
    }

    /// The picture of a film in HEVC, which tells its colours itself.
    fn picture() -> Track {
        picture_of(include_bytes!("../../../fixtures/mkv-hevc10-hdr.mkv"))
    }

    fn picture_of(file: &'static [u8]) -> Track {
        let movie = opened(&Bytes::from_static(file));
        movie.tracks.into_iter().find(|track| track.kind == TrackKind::Video).unwrap()
    }

    fn written(track: &Track) -> Bytes {
        of_tracks(&[Numbered { id: VIDEO_ID, track, timescale: 90_000 }])
    }

    fn holds(file: &Bytes, kind: &[u8; 4]) -> bool {
        file.windows(4).any(|window| window == kind)
    }

    #[test]
    fn how_a_picture_is_shown_is_read_back() {
        let turns = [Rotation::None, Rotation::Clockwise90, Rotation::Half, Rotation::Clockwise270];
        let colours = [
            None,
            Some(Colour { primaries: 9, transfer: 18, matrix: 9, full_range: false }),
            Some(Colour { primaries: 1, transfer: 13, matrix: 6, full_range: true }),
        ];
        for (rotation, pixel_aspect) in turns.into_iter().zip([(1, 1), (4, 3), (8, 9), (1, 1)]) {
            for colour in colours {
                // A picture that does not tell its colours itself.
                let plain = picture_of(include_bytes!("../../../fixtures/mp4-open-gop.mp4"));
                let track = Track { rotation, pixel_aspect, colour, ..plain };
                let again = opened(&written(&track)).tracks.remove(0);
                assert_eq!((again.rotation, again.pixel_aspect), (rotation, pixel_aspect));
                assert!(colour.is_none() || again.colour == colour, "{:?}", again.colour);
                assert_eq!((again.width, again.height), (track.width, track.height));
            }
        }
    }

    #[test]
    fn the_place_of_a_turned_picture_is_where_it_was() {
        let track = Track { rotation: Rotation::Clockwise90, pixel_aspect: (2, 1), ..picture() };
        let (width, height) = (track.width * 2, track.height);
        let file = written(&track);
        let at = file.windows(4).position(|window| window == b"tkhd").unwrap();
        let words: Vec<u32> = file[at + 44..at + 88]
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes(word.try_into().unwrap()))
            .collect();
        // The top left corner moves to the top right one, which is as far to the right as the picture was high.
        assert_eq!(words[..9], [0, ONE, 0, MINUS_ONE, 0, 0, height << 16, 0, MATRIX_ONE]);
        assert_eq!(words[9..], [width << 16, height << 16]);
    }

    #[test]
    fn dolby_vision_is_named_where_a_player_can_use_it() {
        let of = |profile, compatibility| {
            let record = Bytes::from(vec![1, 0, profile << 1, 0x35, compatibility << 4, 0, 0, 0]);
            let vision = DolbyVision { record, profile, level: 6, compatibility };
            written(&Track { dolby_vision: Some(vision), ..picture() })
        };
        let named =
            |file: &Bytes| [b"hvc1", b"dvh1", b"dvcC", b"dvvC", b"dby1"].map(|kind| holds(file, kind));
        assert_eq!(named(&of(5, 0)), [false, true, true, false, true]);
        assert_eq!(named(&of(8, 1)), [true, false, false, true, true]);
        assert_eq!(named(&of(7, 6)), [true, false, false, false, false], "two layers in one track");
        assert_eq!(named(&written(&picture())), [true, false, false, false, false]);
        assert_eq!(opened(&of(8, 1)).tracks[0].dolby_vision.as_ref().map(|vision| vision.profile), Some(8));
    }

    #[test]
    fn languages_of_three_letters_and_longer_tags() {
        let told = |language: &str| {
            let file = written(&Track { language: Some(language.to_owned()), ..picture() });
            (opened(&file).tracks.remove(0).language, holds(&file, b"elng"))
        };
        assert_eq!(told("fre"), (Some("fre".to_owned()), false));
        assert_eq!(told("pt-BR"), (Some("pt-BR".to_owned()), true));
        assert_eq!(told("de"), (Some("de".to_owned()), true));
        assert!(!told(&"x".repeat(65)).1);
    }

    #[test]
    fn nothing_lasts_and_no_sample_is_told() {
        let file = written(&picture());
        let tables = [b"stts", b"stsc", b"stsz", b"stco"];
        for table in tables {
            let at = file.windows(4).position(|window| window == table).unwrap();
            assert!(file[at + 4..at + 12].iter().all(|byte| *byte == 0));
        }
        assert_eq!(file[4..12], *b"ftypiso6");
        assert!(holds(&file, b"cmfc") && !holds(&file, b"edts"));
    }
}
