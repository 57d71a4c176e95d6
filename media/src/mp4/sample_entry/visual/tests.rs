#![expect(clippy::cast_possible_truncation, reason = "small numbers")]

use super::*;
use crate::codec::testing::hex;
use crate::track::Codec;

/// A box.
fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32 + 8).to_be_bytes(), kind.as_slice(), payload].concat()
}

/// A VisualSampleEntry of 640x360 that holds `boxes`.
fn entry(kind: &[u8; 4], boxes: &[Vec<u8>]) -> Child {
    let mut payload = vec![0; 78];
    payload[24..28].copy_from_slice(&[2, 128, 1, 104]);
    payload.extend(boxes.concat());
    Child { kind: *kind, payload: payload.into(), at: 0 }
}

/// x265, Main 10, 320x180, PQ, pixels of 4:3.
fn hvcc() -> Vec<u8> {
    const RECORD: &str = concat!(
        "0102200000009000000000003cf000fcfdfafa00000f 03",
        "20 0001 0018 40010c01ffff02200000030090000003000003003c959009",
        "21 0001 002e 42010102200000030090000003000003003ca00a080c1f3b6595912930bc39a84880482000000300200000030321",
        "22 0001 0006 4401c073c189",
    );
    boxed(b"hvcC", &hex(RECORD))
}

fn av1c() -> Vec<u8> {
    boxed(b"av1C", &hex("81004c000a0e000000043cfecc02f85091009040"))
}

#[test]
fn every_entry_of_a_codec_is_one_codec() {
    for kind in [b"hvc1", b"hev1", b"dvh1", b"dvhe"] {
        let parsed = parse(&entry(kind, &[hvcc()])).unwrap();
        let Codec::Hevc(config) = &parsed.codec else { panic!("{:?}", parsed.codec) };
        assert_eq!((config.rfc6381().as_str(), config.bit_depth), ("hvc1.2.4.L60.90", 10));
        let picture = parsed.picture.unwrap();
        assert_eq!((picture.width, picture.height, picture.pixel_aspect), (320, 180, Some((4, 3))));
    }
    for kind in [b"av01", b"dav1"] {
        assert!(matches!(parse(&entry(kind, &[av1c()])).unwrap().codec, Codec::Av1(_)));
    }
    let vpcc = boxed(b"vpcC", &hex("01000000020ba20910090000"));
    let parsed = parse(&entry(b"vp09", &[vpcc])).unwrap();
    assert!(matches!(&parsed.codec, Codec::Vp9(config) if config.rfc6381() == "vp09.02.11.10"));
    assert_eq!(parsed.picture.unwrap().colour.unwrap().transfer, 16);
}

#[test]
fn what_lacks_its_configuration_is_learnt_from_frames() {
    for kind in [b"avc1", b"avc3", b"hvc1", b"hev1", b"av01", b"vp09"] {
        let parsed = parse(&entry(kind, &[])).unwrap();
        assert!(parsed.incomplete.is_some() && !parsed.codec.is_supported(), "{kind:?}");
    }
    // av1C without a sequence header is enough to play.
    let flags = boxed(b"av1C", &[0x81, 8, 0x4c, 0]);
    let parsed = parse(&entry(b"av01", &[flags])).unwrap();
    assert!(parsed.incomplete.is_some() && parsed.codec.is_supported());
}

#[test]
fn colour_shape_and_dolby_vision() {
    let boxes = [
        hvcc(),
        boxed(b"colr", b"prof...."),
        boxed(b"colr", b"nclx\0\x09\0\x12\0\x09\x80"),
        boxed(b"pasp", &hex("00010000 00010000")),
        boxed(b"dvvC", &hex("0100 10 35 40 00")),
    ];
    let parsed = parse(&entry(b"hvc1", &boxes)).unwrap();
    let hlg = Colour { primaries: 9, transfer: 18, matrix: 9, full_range: true };
    assert_eq!(parsed.colour, Some(hlg));
    assert_eq!(parsed.picture.unwrap().pixel_aspect, Some((1, 1)), "the box, not the stream");
    let dolby_vision = parsed.dolby_vision.unwrap();
    assert_eq!((dolby_vision.profile, dolby_vision.level, dolby_vision.compatibility), (8, 6, 4));
    let quicktime = boxed(b"colr", b"nclc\0\x01\0\x01\0\x06");
    let parsed = parse(&entry(b"avc1", &[quicktime, boxed(b"pasp", &hex("00000028 00000021"))])).unwrap();
    let expected = Colour { primaries: 1, transfer: 1, matrix: 6, full_range: false };
    assert_eq!((parsed.colour, parsed.pixel_aspect), (Some(expected), (40, 33)));
    let nonsense = boxed(b"pasp", &hex("00000000 00000021"));
    assert_eq!(parse(&entry(b"avc1", &[nonsense])).unwrap().pixel_aspect, (1, 1));
}

#[test]
fn what_is_not_played_is_named() {
    let why = |kind: &[u8; 4], boxes: &[Vec<u8>]| match parse(&entry(kind, boxes)).unwrap().codec {
        Codec::Unsupported { reason } => reason,
        playable => panic!("{playable:?}"),
    };
    let esds = |kind: u8| {
        let mut payload = vec![0, 0, 0, 0, 3, 18, 0, 1, 0, 4, 13, kind];
        payload.resize(24, 0);
        boxed(b"esds", &payload)
    };
    assert!(why(b"vp08", &[]).contains("VP8"));
    assert!(why(b"apch", &[]).contains("ProRes"));
    assert!(why(b"vvc1", &[]).contains("VVC"));
    assert!(why(b"encv", &[hvcc()]).contains("encrypted"));
    assert!(why(b"mp4v", &[esds(0x20)]).contains("MPEG-4"));
    assert!(why(b"mp4v", &[esds(0x61)]).contains("MPEG-2"));
    assert!(why(b"mp4v", &[esds(0x6a)]).contains("MPEG-1"));
    assert!(why(b"mp4v", &[]).contains("MPEG-4"));
    assert!(why(b"abcd", &[]).contains("/stream"));
    assert!(parse(&entry(b"jpeg", &[])).unwrap().still);
}

#[test]
fn every_truncation_is_survived() {
    let whole = entry(b"hev1", &[boxed(b"colr", b"nclx\0\x09\0\x12\0\x09\x80"), hvcc()]);
    for end in 0..whole.payload.len() {
        let cut = Child { payload: whole.payload.slice(..end), ..whole.clone() };
        assert_eq!(parse(&cut).is_ok(), end >= 78);
    }
}
