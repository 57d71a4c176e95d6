use super::*;
use crate::codec::testing::{BitWriter, hex};
use proptest::prelude::*;

/// The first bytes of key frames of libvpx: 320x180, BT.709; 4:4:4; 10 bits, whose record ffmpeg made beside.
const PROFILE_0: &str = "824983424013f00b360638241c184a000ce05fcd";
const PROFILE_1: &str = "a249834200027e0166c0c7048383094001e85fcd";
const PROFILE_2: &str = "924983420009f8059b031c120e0c2c0005d05fc9";
const RECORD_2: &str = "01000000020ba20202020000";

#[test]
fn key_frames_of_libvpx() {
    let parse = |digits| FrameHeader::parse(&hex(digits)).unwrap();
    let size = |header: &FrameHeader| (header.profile, header.picture.width, header.picture.height);
    let zero = parse(PROFILE_0);
    assert_eq!((size(&zero), zero.picture.bit_depth, zero.subsampling), ((0, 320, 180), 8, (true, true)));
    let bt709 = Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false };
    assert_eq!(zero.picture.colour, Some(bt709));
    let one = parse(PROFILE_1);
    assert_eq!((size(&one), one.picture.bit_depth, one.subsampling), ((1, 320, 180), 8, (false, false)));
    let two = parse(PROFILE_2);
    assert_eq!((size(&two), two.picture.bit_depth, two.subsampling), ((2, 320, 180), 10, (true, true)));
    let level = level_for(320, 180, Some(25.0));
    let made = Vp9Config::new(&two, level, two.picture.colour.unwrap());
    assert_eq!(made.record, hex(RECORD_2), "the same as ffmpeg's");
    assert_eq!(made.rfc6381(), "vp09.02.11.10");
    assert_eq!(Vp9Config::parse(&made.record), Ok((made, Colour::UNSPECIFIED)));
}

#[test]
fn rgb_and_full_range() {
    let header = |write: &dyn Fn(&mut BitWriter)| {
        let mut bits = BitWriter::default();
        bits.bits(2, 2);
        write(&mut bits);
        FrameHeader::parse(&bits.bytes())
    };
    let rgb = header(&|bits| {
        bits.bits(2, 0b10).bits(2, 0).bits(2, 0b10).bits(24, 0x49_8342).bits(3, 7).bits(1, 0);
        bits.bits(16, 15).bits(16, 7);
    });
    let rgb = rgb.unwrap();
    assert_eq!((rgb.profile, rgb.subsampling, rgb.picture.width), (1, (false, false), 16));
    assert_eq!(
        rgb.picture.colour.unwrap(),
        Colour { primaries: 1, transfer: 13, matrix: 0, full_range: true }
    );
    let twelve = header(&|bits| {
        bits.bits(2, 0b01).bits(2, 0).bits(2, 0b10).bits(24, 0x49_8342).bits(1, 1).bits(3, 5).bits(1, 1);
        bits.bits(16, 15).bits(16, 7);
    });
    let twelve = twelve.unwrap().picture;
    assert_eq!((twelve.bit_depth, twelve.colour.unwrap().full_range), (12, true));
    let inter = header(&|bits| {
        bits.bits(2, 0).bits(1, 0).bits(1, 1).bits(2, 2).bits(24, 0x49_8342);
    });
    assert_eq!(inter.unwrap_err().kind, crate::ErrorKind::Unsupported);
}

#[test]
fn levels() {
    assert_eq!(level_for(1920, 1080, Some(24_000.0 / 1001.0)), 40);
    assert_eq!(level_for(1920, 1080, Some(60.0)), 41);
    assert_eq!(level_for(3840, 2160, Some(30.0)), 50);
    assert_eq!(level_for(3840, 2160, Some(60.0)), 51);
    assert_eq!(level_for(1280, 720, None), 31);
    assert_eq!(level_for(64, 64, Some(f64::NAN)), 10);
    assert_eq!(level_for(u32::MAX, u32::MAX, Some(f64::INFINITY)), 62);
    assert_eq!(level_in_features(&[1, 1, 0, 2, 1, 31, 3, 1, 8, 4, 1, 1]), Some(31));
    assert_eq!(level_in_features(&[1, 1, 0, 2, 1, 99]), None);
    assert_eq!(level_in_features(&[1, 9, 0]), None);
}

#[test]
fn every_truncation_is_survived() {
    for frame in [PROFILE_0, PROFILE_1, PROFILE_2].map(hex) {
        for end in 0..frame.len() {
            assert_eq!(FrameHeader::parse(&frame[..end]).is_ok(), end >= 9, "at {end}");
        }
    }
    for end in 0..12 {
        assert!(Vp9Config::parse(&hex(RECORD_2)[..end].to_vec().into()).is_err());
    }
    assert!(Vp9Config::parse(&hex("00000000 020ba202 02020000").into()).is_err(), "the draft's");
}

proptest! {
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = Vp9Config::parse(&data.clone().into());
        let _ = level_in_features(&data);
        if let Ok(header) = FrameHeader::parse(&data) {
            let made = Vp9Config::new(&header, 10, header.picture.colour.unwrap());
            prop_assert_eq!(Vp9Config::parse(&made.record).unwrap().0, made);
        }
    }
}
