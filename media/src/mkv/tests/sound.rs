//! Sound: what tracks say, what frames say, and the clock that they make.

use super::made::short;
use super::writer::*;
use super::*;
use crate::codec::ac3::Ac3Stream;
use crate::mkv::ebml::id;
use crate::track::Roles;
use std::path::Path;

/// The clips that `fixtures/sound/make` makes, in both containers.
const CLIPS: [&str; 13] = [
    "aac-stereo",
    "aac-2.1",
    "opus-stereo",
    "opus-5.1",
    "opus-60ms",
    "flac",
    "ac3-5.1",
    "ac3-mono",
    "eac3-5.1",
    "eac3-stereo",
    "alac",
    "mp3",
    "mp2",
];

fn clip(name: &str) -> Bytes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/sound");
    std::fs::read(folder.join(name)).expect("a clip").into()
}

/// Each frame begins where the one before it ends, to the tick, by what frames say of themselves.
#[test]
fn frames_are_on_the_grid_of_their_lengths() {
    for name in CLIPS {
        let file = clip(&format!("{name}.mkv"));
        let mkv = open(&file).unwrap();
        let codec = &mkv.tracks()[0].codec;
        let Some(rate) = codec.timescale() else { continue };
        let samples = samples_by_span(&mkv, &file, &[WHOLE]).unwrap().remove(0);
        assert!(samples.len() >= 3, "{name}");
        let start = mkv.details[0].clock.origin.unwrap();
        let mut elapsed = 0;
        for sample in &samples {
            let exact = i128::from(start) * i128::from(rate) + i128::from(elapsed) * i128::from(SECOND);
            let exact = Time90k::from_ratio(exact, i128::from(SECOND) * i128::from(rate));
            assert_eq!(sample.pts, exact, "{name} after {elapsed} samples");
            elapsed += codec.samples_in(&sample.data).unwrap();
        }
    }
}

/// A Matroska file of one sound track with these children of its TrackEntry and blocks of it.
fn of_sound(codec: &str, more: &[Vec<u8>], blocks: &[Vec<u8>]) -> MkvFile {
    open(&file_of_sound(codec, more, blocks)).unwrap()
}

fn file_of_sound(codec: &str, more: &[Vec<u8>], blocks: &[Vec<u8>]) -> Bytes {
    let mut entry = vec![uint(id::TRACK_NUMBER, 2), uint(id::TRACK_TYPE, 2), text(id::CODEC_ID, codec)];
    entry.extend_from_slice(more);
    short(tracks(&[master(id::TRACK_ENTRY, &entry)]), &[cluster(0, blocks)])
}

fn audio_element(rate: f64, channels: u64) -> Vec<u8> {
    master(id::AUDIO, &[float(id::SAMPLING_FREQUENCY, rate), uint(id::CHANNELS, channels)])
}

#[test]
fn refusals_name_the_codec() {
    let named = [
        ("A_DTS", "DTS "),
        ("A_DTS/LOSSLESS", "DTS-HD"),
        ("A_TRUEHD", "TrueHD"),
        ("A_VORBIS", "Vorbis"),
        ("A_PCM/INT/LIT", "PCM"),
        ("A_PCM/FLOAT/IEEE", "PCM"),
        ("A_MPEG/L2", "MP2"),
        ("A_ATRAC/AT1", "ATRAC"),
        ("A_REAL/COOK", "RealAudio"),
        ("A_QUICKTIME/QDM2", "QDesign"),
        ("A_WHATEVER", "this audio codec"),
    ];
    for (id, name) in named {
        let mkv = of_sound(id, &[], &[simple(2, 0, true, &[0])]);
        let track = &mkv.tracks()[0];
        assert!(
            matches!(track.codec, Codec::Unsupported { reason } if reason.starts_with(name)
                || reason.contains(name) && reason.ends_with("is not played in HLS yet")),
            "{id}: {:?}",
            track.codec
        );
        assert_eq!((track.kind, track.codec_name.as_str()), (TrackKind::Audio, id));
    }
}

#[test]
fn windows_formats_are_understood() {
    let format = |tag: u16, rest: &[u8]| {
        let mut format = tag.to_le_bytes().to_vec();
        format.resize(18, 0);
        format.extend_from_slice(rest);
        element(id::CODEC_PRIVATE, &format)
    };
    let codec = |tag, rest: &[u8]| {
        let mkv = of_sound("A_MS/ACM", &[format(tag, rest), audio_element(48_000.0, 2)], &[]);
        mkv.tracks()[0].codec.clone()
    };
    assert!(matches!(codec(0x55, &[]), Codec::Mp3(_)));
    assert!(matches!(codec(0x2000, &[]), Codec::Ac3(_)));
    assert!(matches!(codec(0xff, &[0x11, 0x90]), Codec::Aac(_)));
    assert_eq!(codec(0x161, &[]), Codec::Unsupported { reason: "WMA sound is not played in HLS yet" });
}

#[test]
fn ac3_goes_by_its_frames() {
    let ac3 = clip("ac3-5.1.mkv");
    let frame = {
        let mkv = open(&ac3).unwrap();
        samples_by_span(&mkv, &ac3, &[WHOLE]).unwrap().remove(0).remove(0).data
    };
    let audio = audio_element(44_100.0, 2);
    // It says E-AC-3 in stereo.
    let mkv = of_sound("A_EAC3", std::slice::from_ref(&audio), &[simple(2, 0, true, &frame)]);
    let track = &mkv.tracks()[0];
    assert!(matches!(&track.codec, Codec::Ac3(config) if config.channels == 6));
    assert_eq!((track.sample_rate, track.channels), (48_000, 6));
    // Behind a picture of 2 MiB.
    let picture = simple(1, 0, true, &vec![0; 2 << 20]);
    let mkv = of_sound("A_AC3", &[], &[picture, simple(2, 0, true, &frame)]);
    assert!(matches!(&mkv.tracks()[0].codec, Codec::Ac3(config) if config.channels == 6));
    // No frame can be read: as far as the header tells.
    let mkv = of_sound("A_EAC3", &[audio], &[simple(2, 0, true, b"damaged")]);
    assert_eq!(mkv.tracks()[0].codec, Ac3Stream::assumed(true, 44_100, 2).into());
}

#[test]
fn laced_packets_of_different_lengths_follow_each_other() {
    // 20, 2.5 and 60 ms in one block, then 20 ms; the timestamps are rounded down.
    let lace = [0x82, 0, 0, 0x82, 2, 2, 3, 0xf8, 1, 0xe0, 1, 2, 0x18, 1];
    let next = simple(2, 82, true, &[0xf8, 1]);
    let file = file_of_sound(
        "A_OPUS",
        &[audio_element(48_000.0, 2), uint(id::CODEC_DELAY, 6_500_000)],
        &[element(id::SIMPLE_BLOCK, &lace), next],
    );
    let mkv = open(&file).unwrap();
    assert!(matches!(&mkv.tracks()[0].codec, Codec::Opus(config) if config.pre_skip == 312));
    let samples = samples_by_span(&mkv, &file, &[WHOLE]).unwrap().remove(0);
    let tenths: Vec<i64> = samples.iter().map(|sample| (sample.pts.0 + 585) / 9).collect();
    assert_eq!(
        tenths,
        [0, 200, 225, 820],
        "tenths of a millisecond; the last is off the grid and as it is told"
    );
}

#[test]
fn flags_become_roles() {
    let roles = |flags: &[u32]| {
        let flags: Vec<_> = flags.iter().map(|flag| uint(*flag, 1)).collect();
        of_sound("A_AC3", &flags, &[]).tracks()[0].roles
    };
    assert_eq!(roles(&[]), Roles::default());
    assert_eq!(roles(&[id::FLAG_FORCED]), Roles { forced: true, ..Roles::default() });
    assert_eq!(
        roles(&[id::FLAG_HEARING_IMPAIRED, id::FLAG_ORIGINAL, id::FLAG_COMMENTARY]),
        Roles { hearing_impaired: true, original: true, commentary: true, ..Roles::default() }
    );
    let described = Roles { visual_impaired: true, ..Roles::default() };
    assert_eq!(roles(&[id::FLAG_VISUAL_IMPAIRED]), described);
    assert_eq!(roles(&[id::FLAG_TEXT_DESCRIPTIONS]), described);
    let mkv = of_sound("A_AC3", &[uint(id::FLAG_COMMENTARY, 0)], &[]);
    assert_eq!(mkv.tracks()[0].roles, Roles::default());
}
