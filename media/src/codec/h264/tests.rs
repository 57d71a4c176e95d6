#![expect(clippy::cast_possible_truncation, reason = "small numbers")]

use super::*;
use crate::codec::testing::hex;
use crate::colour::{Colour, VideoRange};
use proptest::prelude::*;

/// x264, High@4.0, 1920x1080, 24 fps, B-frames (reorder 2).
const SPS_1080P: &[u8] = &[
    0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00,
    0x04, 0x00, 0x00, 0x03, 0x00, 0xc0, 0x3c, 0x60, 0xc6, 0x58,
];

#[test]
fn sps_of_x264() {
    let sps = Sps::parse(SPS_1080P).unwrap();
    assert_eq!((sps.width, sps.height, sps.reorder_depth), (1920, 1080, 2));
    assert_eq!(sps.frame_rate, Some(24.0));
}

#[test]
fn every_truncation_of_an_sps_is_survived() {
    for end in 0..SPS_1080P.len() {
        let _ = Sps::parse(&SPS_1080P[..end]);
    }
}

#[test]
fn configuration_record() {
    let mut record = vec![1, 0x64, 0, 0x28, 0xff, 0xe1, 0, SPS_1080P.len() as u8];
    record.extend_from_slice(SPS_1080P);
    record.extend_from_slice(&[1, 0, 2, 0x68, 0xee]);
    let config = AvcConfig::parse(&record.clone().into()).unwrap();
    assert_eq!((config.length_size, config.sps.len(), config.pps.len()), (4, 1, 1));
    assert_eq!(config.rfc6381(), "avc1.640028");
    for end in 0..record.len() {
        assert!(AvcConfig::parse(&Bytes::copy_from_slice(&record[..end])).is_err());
    }
}

/// x264, High 10@1.2, 320x180, HLG.
const AVC_10: &str =
    "016e000cffe1001c676e000ca6cb40a0cfcf80b509120940000003004000000c83c50aa801000468ce0fc8fdfafa00";

#[test]
fn ten_bits_and_high_dynamic_range() {
    let config = AvcConfig::parse(&hex(AVC_10).into()).unwrap();
    let picture = config.picture.picture();
    assert_eq!((picture.width, picture.height, picture.bit_depth), (320, 180, 10));
    assert_eq!((picture.pixel_aspect, picture.frame_rate), (Some((1, 1)), Some(25.0)));
    let colour = picture.colour.unwrap();
    assert_eq!(colour, Colour { primaries: 9, transfer: 18, matrix: 9, full_range: false });
    assert_eq!(colour.video_range(), VideoRange::Hlg);
}

/// A sample with lengths of `size` bytes.
fn sample(units: &[&[u8]], size: usize) -> Vec<u8> {
    units.iter().flat_map(|unit| [&(unit.len() as u32).to_be_bytes()[4 - size..], unit].concat()).collect()
}

#[test]
fn a_record_is_made_out_of_a_key_frame() {
    let whole = AvcConfig::parse(&hex(AVC_10).into()).unwrap();
    let units: [&[u8]; 4] = [&[9, 0xf0], &whole.sps[0], &whole.pps[0], &[0x65, 1, 2]];
    let without_sets = |size: u8| vec![1, 0x6e, 0, 0x0c, 0xfc | (size - 1), 0xe0, 0];
    assert_eq!(AvcConfig::parse(&without_sets(4).into()), Err(WITHOUT_SETS));
    assert_eq!(AvcConfig::learn(&without_sets(4), &sample(&units, 4)).unwrap(), whole);
    assert_eq!(AvcConfig::learn(&[], &sample(&units, 4)).unwrap(), whole);
    for size in [1, 2, 3] {
        let learnt = AvcConfig::learn(&without_sets(size), &sample(&units, size.into())).unwrap();
        assert_eq!(learnt.length_size, size);
        assert_eq!((&learnt.sps, &learnt.pps), (&whole.sps, &whole.pps));
    }
    let stream: Vec<u8> = units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect();
    assert_eq!(AvcConfig::of_byte_stream(&stream).unwrap(), whole);
    assert_eq!(AvcConfig::learn(&[], &sample(&units[3..], 4)), Err(WITHOUT_SETS));
}

proptest! {
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Sps::parse(&data);
        let _ = AvcConfig::parse(&data.clone().into());
        let _ = AvcConfig::learn(&[], &data);
        if let Ok(config) = AvcConfig::of_byte_stream(&data) {
            prop_assert!(AvcConfig::parse(&config.record).is_ok());
        }
    }

    #[test]
    fn a_damaged_sps(at in 0usize..28, bits in 1u8..) {
        let mut record = hex(AVC_10);
        record[at] ^= bits;
        let _ = AvcConfig::parse(&record.into());
    }
}
