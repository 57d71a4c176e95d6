use super::*;
use crate::codec::testing::{BitWriter, hex};
use crate::colour::Colour;
use proptest::prelude::*;

/// SVT-AV1: Main, 320x180, 10 bits, PQ.
const PQ: &str = "81004c000a0e000000043cfecc02f85091009040";
/// libaom: High, 320x180, 4:4:4.
const HIGH: &str = "812000000a0a200000043cfeccdaf902";
/// The first bytes of a key frame of libaom, Main, 320x180, and the record that ffmpeg made of it.
const FRAME: &str = "0a0b000000043cfeccdaf9004032912a10008400020820880000dd4ac9ea66ca21a9";
const RECORD: &str = "81000c000a0b000000043cfeccdaf90040";

fn bytes(digits: &str) -> Bytes {
    hex(digits).into()
}

#[test]
fn records_of_encoders() {
    let (config, header) = Av1Config::parse(&bytes(PQ)).unwrap();
    assert_eq!((config.record.as_ref(), config.bit_depth), (hex(PQ).as_slice(), 10));
    assert_eq!((header.picture.width, header.picture.height, header.profile), (320, 180, 0));
    let pq = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false };
    assert_eq!(header.picture.colour, Some(pq));
    assert_eq!(config.rfc6381(), "av01.0.00M.10");
    let (config, header) = Av1Config::parse(&bytes(HIGH)).unwrap();
    assert_eq!((header.profile, header.subsampling, header.monochrome), (1, (false, false), false));
    assert_eq!(config.rfc6381(), "av01.1.00M.08");
}

#[test]
fn a_record_is_made_out_of_a_key_frame() {
    let (learnt, header) = Av1Config::learn(&hex(FRAME)).unwrap();
    assert_eq!(learnt.record, bytes(RECORD), "the same as ffmpeg's");
    assert_eq!(Av1Config::parse(&learnt.record).unwrap(), (learnt.clone(), header));
    // With a delimiter in front, and in an OBU without a size.
    assert_eq!(Av1Config::learn(&[&[0x12, 0], hex(FRAME).as_slice()].concat()).unwrap().0, learnt);
    let without_size = [&[0x08], &hex(FRAME)[2..13]].concat();
    assert_eq!(Av1Config::learn(&without_size).unwrap().0, learnt);
    for whole in [PQ, HIGH] {
        assert_eq!(Av1Config::learn(&hex(whole)[4..]).unwrap().0.record[..4], hex(whole)[..4]);
    }
}

#[test]
fn a_record_without_a_sequence_header_has_flags() {
    let flags = bytes("81 08 6c 00");
    assert_eq!(Av1Config::parse(&flags).unwrap_err().kind, crate::ErrorKind::Unsupported);
    let config = Av1Config::of_flags(&flags).unwrap();
    assert_eq!((config.bit_depth, config.rfc6381().as_str()), (12, "av01.0.08M.12"));
    assert_eq!(Av1Config::of_flags(&bytes("01084c00")), None);
    assert_eq!(Av1Config::of_flags(&bytes("8108")), None);
}

#[test]
fn everything_optional_in_a_sequence_header() {
    let mut bits = BitWriter::default();
    bits.bits(3, 2).bits(2, 0); // Professional
    bits.bits(1, 1).bits(32, 1001).bits(32, 60_000).bits(1, 1).bits(3, 0b010); // two ticks a picture
    bits.bits(1, 1).bits(5, 9).bits(32, 1).bits(10, 0); // decoder model, delays of 10 bits
    bits.bits(1, 1).bits(5, 1); // initial delays, two operating points
    bits.bits(12, 0).bits(5, 13).bits(1, 1).bits(1, 1).bits(21, 0).bits(1, 1).bits(4, 3);
    bits.bits(12, 0).bits(5, 4).bits(1, 0).bits(1, 0);
    bits.bits(4, 10).bits(4, 10).bits(11, 1919).bits(11, 1079);
    bits.bits(1, 1).bits(7, 0).bits(3, 0); // frame ids
    bits.bits(4, 0).bits(1, 1).bits(2, 0).bits(1, 0).bits(1, 1).bits(1, 0).bits(1, 1).bits(3, 6);
    bits.bits(3, 0);
    bits.bits(2, 3).bits(1, 0).bits(1, 1).bits(24, 0x09_1209).bits(1, 1).bits(2, 0b11).bits(2, 2).bits(1, 0);
    let header = SequenceHeader::parse(&bits.bytes()).unwrap();
    assert_eq!((header.profile, header.level, header.tier), (2, 13, true));
    assert_eq!((header.picture.width, header.picture.height, header.picture.bit_depth), (1920, 1080, 12));
    assert_eq!(header.picture.frame_rate, Some(30_000.0 / 1001.0));
    let hlg = Colour { primaries: 9, transfer: 18, matrix: 9, full_range: true };
    assert_eq!((header.picture.colour, header.chroma_position), (Some(hlg), 2));
    let whole = bits.bytes();
    for end in 0..whole.len() - 1 {
        assert!(SequenceHeader::parse(&whole[..end]).is_err(), "at {end}");
    }
}

#[test]
fn temporal_delimiters_are_dropped() {
    let frame = bytes(FRAME);
    assert_eq!(without_delimiters(&frame), frame);
    let delimited: Bytes = [&[0x12, 0], frame.as_ref()].concat().into();
    let rest = without_delimiters(&delimited);
    assert_eq!(rest, frame);
    assert_eq!(rest.as_ptr(), delimited[2..].as_ptr(), "no copy");
    // A delimiter amid, and a last OBU without a size; bytes that are none stay.
    let amid: Bytes = [&hex(FRAME)[..13], &[0x12, 0], &[0x30, 7, 7]].concat().into();
    assert_eq!(without_delimiters(&amid), [&hex(FRAME)[..13], &[0x30, 7, 7]].concat());
    let damaged: Bytes = [&[0x12, 0], &hex(FRAME)[..13], &[0x12, 0, 0x32, 0xff, 0x7f, 1]].concat().into();
    assert_eq!(without_delimiters(&damaged), [&hex(FRAME)[..13], &[0x32, 0xff, 0x7f, 1]].concat());
    assert_eq!(without_delimiters(&Bytes::new()), Bytes::new());
}

#[test]
fn every_truncation_is_survived() {
    for record in [PQ, HIGH, RECORD] {
        for end in 0..hex(record).len() {
            assert!(Av1Config::parse(&bytes(record).slice(..end)).is_err());
        }
    }
    for end in 0..hex(FRAME).len() {
        let _ = Av1Config::learn(&hex(FRAME)[..end]);
        let _ = without_delimiters(&bytes(FRAME).slice(..end));
    }
}

proptest! {
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = SequenceHeader::parse(&data);
        let _ = Av1Config::parse(&data.clone().into());
        let _ = Av1Config::learn(&data);
        prop_assert!(without_delimiters(&data.clone().into()).len() <= data.len());
    }

    #[test]
    fn what_is_learnt_is_read_again(at in 0usize..13, bits in 1u8..) {
        let mut frame = hex(FRAME);
        frame[at] ^= bits;
        if let Ok((config, header)) = Av1Config::learn(&frame) {
            prop_assert_eq!(Av1Config::parse(&config.record).unwrap(), (config, header));
        }
    }
}
