use super::*;
use proptest::prelude::*;

/// A frame of the header `head` and zeros up to its length.
fn padded(head: &[u8]) -> Vec<u8> {
    let len = SyncFrame::parse(head).unwrap().len;
    let mut frame = head.to_vec();
    frame.resize(len, 0);
    frame
}

fn ac3(stream: Option<Ac3Stream>) -> Ac3Config {
    match stream {
        Some(Ac3Stream::Ac3(config)) => config,
        other => panic!("{other:?}"),
    }
}

fn eac3(stream: Option<Ac3Stream>) -> Eac3Config {
    match stream {
        Some(Ac3Stream::Eac3(config)) => config,
        other => panic!("{other:?}"),
    }
}

// Heads of frames by ffmpeg's encoders, and the boxes that its muxer writes for them.
const AC3_5_1: &[u8] = b"\x0b\x77\x1e\x8b\x1c\x40\xeb\xf8\x40\x3e\xff\x74\xfe\x1e\x10\x80\x83\xf8\x78\x7f";
const AC3_MONO_44: &[u8] =
    b"\x0b\x77\xc6\x72\x48\x40\x2f\x84\x2b\x51\x87\x7b\x87\x5d\xfb\xe7\xd5\xdf\x3e\x7e";
const EAC3_5_1: &[u8] = b"\x0b\x77\x01\xff\x3f\x87\xc0\x00\x20\x80\x20\x00\x20\x04\x00\x03\xa8\x1f\x65\x7e";
const EAC3_STEREO_44: &[u8] =
    b"\x0b\x77\x00\xcf\x74\x87\xc0\x00\x20\xfc\x21\x08\x31\x20\x11\x06\x06\x06\x01\x81";

#[test]
fn frames_become_the_boxes_of_another_writer() {
    let surround = ac3(Ac3Stream::parse(&padded(AC3_5_1)));
    assert_eq!(surround.record[..], [0x10, 0x3d, 0xc0]);
    assert_eq!((surround.sample_rate, surround.channels, surround.bit_rate), (48_000, 6, 384_000));
    assert_eq!(padded(AC3_5_1).len(), 1536);
    let mono = ac3(Ac3Stream::parse(&padded(AC3_MONO_44)));
    assert_eq!(mono.record[..], [0x50, 0x08, 0x80]);
    assert_eq!((mono.sample_rate, mono.channels, mono.bit_rate), (44_100, 1, 64_000));
    assert_eq!(padded(AC3_MONO_44).len(), 278);
    for config in [surround, mono] {
        assert_eq!(Ac3Config::parse(&config.record), Ok(config));
    }

    let surround = eac3(Ac3Stream::parse(&padded(EAC3_5_1)));
    assert_eq!(surround.record[..], [0x08, 0x00, 0x20, 0x0f, 0x00]);
    assert_eq!((surround.sample_rate, surround.channels, surround.samples_per_frame), (48_000, 6, 1536));
    let stereo = eac3(Ac3Stream::parse(&padded(EAC3_STEREO_44)));
    assert_eq!((stereo.sample_rate, stereo.channels, stereo.joc_complexity), (44_100, 2, 0));
    assert_eq!(stereo.record[..], [0x03, 0x00, 0x60, 0x04, 0x00]);
    for config in [surround, stereo] {
        assert_eq!(Eac3Config::parse(&config.record), Ok(config));
    }
}

/// A frame of E-AC-3 by its fields, each a number and its width, padded to `len` bytes.
fn made(fields: &[(u32, u32)], len: usize) -> Vec<u8> {
    let mut bits = BitWriter::default();
    for (value, width) in fields {
        bits.put(*value, *width);
    }
    let mut frame = bits.bytes;
    assert!(frame.len() <= len);
    frame.resize(len, 0);
    frame
}

/// The fields up to `dialnorm` and `compr` of a frame of 64 bytes at 48 kHz.
fn head_of(kind: u32, id: u32, blocks: u32, acmod: u32, lfe: u32) -> Vec<(u32, u32)> {
    vec![
        (0x0b77, 16),
        (kind, 2),
        (id, 3),
        (31, 11),
        (0, 2),
        (blocks, 2),
        (acmod, 3),
        (lfe, 1),
        (16, 5),
        (31, 5),
        (0, 1),
    ]
}

/// 5.1 with objects: no mixing, information or conversion, then `addbsi` of two bytes.
fn with_objects() -> Vec<u8> {
    let mut fields = head_of(0, 0, 3, 7, 1);
    fields.extend([(0, 1), (0, 1), (1, 1), (1, 6), (1, 8), (16, 8)]);
    made(&fields, 64)
}

/// The rear channels of 7.1: chanmap Ls, Rs, Lrs/Rrs.
fn dependent() -> Vec<u8> {
    let mut fields = head_of(1, 0, 3, 6, 0);
    fields.extend([(1, 1), (0b0001_1010_0000_0000, 16), (0, 3)]);
    made(&fields, 64)
}

#[test]
fn objects_are_told() {
    let config = eac3(Ac3Stream::parse(&with_objects()));
    assert_eq!((config.channels, config.joc_complexity), (6, 16));
    // 64 bytes in 1536 samples: 16 kbit/s
    assert_eq!(config.record[..], [0x00, 0x80, 0x20, 0x0f, 0x00, 0x01, 0x10]);
    assert_eq!(Eac3Config::parse(&config.record).as_ref(), Ok(&config));
    // mixing metadata of all kinds before it
    let mixing =
        [(1, 1), (0, 2), (0, 6), (0, 6), (1, 1), (9, 5), (1, 1), (0, 6), (0, 1), (3, 2), (0, 5), (0, 16)];
    let mut fields = head_of(0, 0, 3, 7, 1);
    fields.extend(mixing);
    fields.extend([(1, 1), (1, 1), (3, 5), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1)]);
    fields.extend([(1, 1), (5, 3), (0, 2), (0, 2), (1, 1), (0, 8), (0, 1)]);
    fields.extend([(1, 1), (1, 6), (1, 8), (11, 8)]);
    let config = eac3(Ac3Stream::parse(&made(&fields, 64)));
    assert_eq!(config.joc_complexity, 11);
    assert_eq!(config.record[2..4], [0x20, 0x5f], "bsid 16; bsmod 5, acmod 7 and lfe");
}

#[test]
fn a_dependent_substream_adds_its_channels() {
    let unit = [with_objects(), dependent()].concat();
    let config = eac3(Ac3Stream::parse(&unit));
    assert_eq!((config.channels, config.samples_per_frame, config.joc_complexity), (8, 1536, 16));
    // one dependent substream with Lrs/Rrs (bit 1 of chan_loc)
    assert_eq!(config.record[..], [0x01, 0x00, 0x20, 0x0f, 0x02, 0x02, 0x01, 0x10]);
    assert_eq!(Eac3Config::parse(&config.record).as_ref(), Ok(&config));
    assert_eq!(unit_samples(&unit), Some(1536));
    assert_eq!(Ac3Stream::parse(&dependent()), None, "nothing to depend on");
    // A core of AC-3 with more channels beside it, as Blu-ray discs have it.
    let config = eac3(Ac3Stream::parse(&[padded(AC3_5_1), dependent()].concat()));
    assert_eq!((config.channels, config.record[2] >> 1 & 31), (8, 8));
}

#[test]
fn a_unit_of_several_frames_and_programs() {
    let mut fields = head_of(0, 0, 0, 2, 0);
    fields.extend([(0, 1), (0, 1), (0, 1), (0, 1)]);
    let short = made(&fields, 64);
    let unit = short.repeat(6);
    let config = eac3(Ac3Stream::parse(&unit));
    assert_eq!((config.samples_per_frame, config.channels), (1536, 2));
    assert_eq!(unit_samples(&unit), Some(1536));
    assert_eq!(unit_samples(&short), Some(256));
    let second = made(&head_of(0, 1, 3, 1, 0), 64);
    let config = eac3(Ac3Stream::parse(&[with_objects(), second].concat()));
    assert_eq!((config.channels, config.record[1] & 7, config.record.len()), (6, 1, 2 + 3 + 3 + 2));
    assert_eq!(Eac3Config::parse(&config.record), Ok(config));
}

#[test]
fn channels_by_place() {
    // L C R and what replaces them count for nothing
    assert_eq!(locations_of(0b1111_1000_0000_0000), 0);
    assert_eq!(locations_of(1 << 10), 1, "Lc/Rc");
    assert_eq!(locations_of(1 << 3), 1 << 7, "Cvh");
    assert_eq!(locations_of(1 << 1), 1 << 8, "LFE2");
    assert_eq!(channels_at(0x1ff), 14);
}

#[test]
fn what_is_assumed_can_be_read() {
    for channels in 0..10 {
        for rate in [48_000, 44_100, 32_000, 7] {
            let config = ac3(Some(Ac3Stream::assumed(false, rate, channels)));
            assert_eq!(Ac3Config::parse(&config.record).as_ref(), Ok(&config));
            assert_eq!(config.channels, if channels == 0 { 2 } else { channels.min(6) });
            let config = eac3(Some(Ac3Stream::assumed(true, rate, channels)));
            assert_eq!(Eac3Config::parse(&config.record).as_ref(), Ok(&config));
        }
    }
}

#[test]
fn every_truncation_is_survived() {
    let unit = [with_objects(), dependent()].concat();
    for end in 0..unit.len() {
        let config = Ac3Stream::parse(&unit[..end]);
        assert_eq!(config.is_some(), end >= 6, "{end}");
    }
    for end in 0..2 {
        assert!(Ac3Config::parse(&[0x10, 0x3d, 0xc0][..end]).is_err());
    }
    let record = eac3(Ac3Stream::parse(&unit)).record;
    for end in 0..6 {
        assert!(Eac3Config::parse(&record[..end]).is_err(), "{end}");
    }
    assert!(Ac3Config::parse(&[0xff; 3]).is_err(), "a reserved frequency");
    assert!(Ac3Config::parse(&[0x20, 0x3d, 0xc0]).is_err(), "bsid 16");
    assert!(Eac3Config::parse(&[0xff; 16]).is_err());
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = Ac3Config::parse(&bytes);
        if let Ok(config) = Eac3Config::parse(&bytes) {
            prop_assert_eq!(Eac3Config::parse(&config.record), Ok(config));
        }
        let unit = [b"\x0b\x77", &bytes[..]].concat();
        if let Some(stream) = Ac3Stream::parse(&unit) {
            let (read, samples) = match &stream {
                Ac3Stream::Ac3(config) => (Ac3Config::parse(&config.record).map(Ac3Stream::Ac3), 1536),
                Ac3Stream::Eac3(config) => {
                    (Eac3Config::parse(&config.record).map(Ac3Stream::Eac3), config.samples_per_frame)
                }
            };
            prop_assert!(samples > 0 && samples % 256 == 0);
            // Frequencies below 32 kHz of E-AC-3 have no code in the box.
            if let Ok(Ac3Stream::Ac3(_)) = read {
                prop_assert_eq!(read, Ok(stream));
            }
        }
    }
}
