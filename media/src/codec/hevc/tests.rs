#![expect(clippy::cast_possible_truncation, reason = "small numbers")]

use super::*;
use crate::codec::testing::{BitWriter, hex};
use crate::colour::Colour;
use proptest::prelude::*;

/// What x265 (3.5) wrote: header of the record, VPS, SPS, PPS.
struct Encoded {
    header: &'static str,
    vps: &'static str,
    sps: &'static str,
    pps: &'static str,
}

/// Main@2, 320x180 with 4 rows cut away, 25 a second, three B-frames in a row.
const MAIN: Encoded = Encoded {
    header: "0101600000009000000000003cf000fcfdf8f800000f",
    vps: "40010c01ffff01600000030090000003000003003c959409",
    sps: "42010101600000030090000003000003003ca00a080c1f3e595952930bc05a020000030002000003003210",
    pps: "4401c073c189",
};

/// Main 10@2, PQ, pixels of 4:3.
const MAIN_10: Encoded = Encoded {
    header: "0102200000009000000000003cf000fcfdfafa00000f",
    vps: "40010c01ffff02200000030090000003000003003c959009",
    sps: "42010102200000030090000003000003003ca00a080c1f3b6595912930bc39a84880482000000300200000030321",
    pps: "4401c073c189",
};

/// 4:2:2 with 10 bits and default scaling lists.
const RANGE_EXTENSIONS: Encoded = Encoded {
    header: "0104080000009d08000000003cf000fcfefafa00000f",
    vps: "40010c01ffff0408000003009d0800000300003c95940921",
    sps: "4201010408000003009d0800000300003cb00a080c1f1ad965654a4e1780b4040000030004000003006420",
    pps: "4401c073c189",
};

/// Two temporal layers, 1280x720, 30000/1001 a second, HRD parameters.
const LAYERED: Encoded = Encoded {
    header: "0101600000009000000000005df000fcfdf8f800000f",
    vps: "40010c01ffff01600000030090000003000003005d959809",
    sps: "42010101600000030090000003000003005da00280802d165959a4932bc05a02000007d20000ea60c0292cdc0005b8d8000b71b1a2",
    pps: "4401c172b46240",
};

const ALL: [&Encoded; 4] = [&MAIN, &MAIN_10, &RANGE_EXTENSIONS, &LAYERED];

impl Encoded {
    fn units(&self) -> [Vec<u8>; 3] {
        [hex(self.vps), hex(self.sps), hex(self.pps)]
    }

    /// The record with arrays that are `complete`, of those `units` that are wanted.
    fn record(&self, complete: bool, wanted: [bool; 3]) -> Bytes {
        let mut record = hex(self.header);
        let units = self.units();
        record.push(wanted.iter().filter(|wanted| **wanted).count() as u8);
        for (kind, unit) in
            [32, 33, 34].iter().zip(units).zip(wanted).filter_map(|(unit, wanted)| wanted.then_some(unit))
        {
            record.extend([u8::from(complete) << 7 | kind, 0, 1, 0, unit.len() as u8]);
            record.extend(unit);
        }
        record.into()
    }

    /// A key frame that brings its parameter sets.
    fn sample(&self) -> Vec<u8> {
        let units = self.units();
        let delimiter = vec![0x46, 1, 0x50];
        let slice = vec![0x28, 1, 0xaf, 0x11];
        let units = [delimiter].into_iter().chain(units).chain([slice]);
        units.flat_map(|unit| [&(unit.len() as u32).to_be_bytes(), unit.as_slice()].concat()).collect()
    }
}

#[test]
fn sequence_parameter_sets_of_x265() {
    let parse = |encoded: &Encoded| Sps::parse(&hex(encoded.sps)).unwrap();
    let size = |sps: &Sps| (sps.picture.width, sps.picture.height, sps.picture.bit_depth, sps.chroma_format);
    let main = parse(&MAIN);
    assert_eq!((size(&main), main.reorder_depth), ((320, 180, 8, 1), 2));
    assert_eq!(main.picture.frame_rate, Some(25.0));
    assert_eq!(main.picture.pixel_aspect, Some((1, 1)));
    let main_10 = parse(&MAIN_10);
    assert_eq!(size(&main_10), (320, 180, 10, 1));
    assert_eq!(main_10.picture.pixel_aspect, Some((4, 3)));
    let pq = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false };
    assert_eq!(main_10.picture.colour, Some(pq));
    assert_eq!(size(&parse(&RANGE_EXTENSIONS)), (320, 180, 10, 2));
    assert_eq!(parse(&RANGE_EXTENSIONS).picture.frame_rate, Some(25.0));
    let layered = parse(&LAYERED);
    assert_eq!(size(&layered), (1280, 720, 8, 1));
    assert_eq!(layered.picture.frame_rate, Some(30_000.0 / 1001.0));
}

#[test]
fn records_say_the_same_as_their_parameter_sets() {
    for encoded in ALL {
        let record = encoded.record(true, [true; 3]);
        let (config, sps) = HevcConfig::parse(&record).unwrap();
        assert_eq!(config.record, record, "nothing to complete");
        assert_eq!(record[1..13], sps.profile_tier_level);
        assert_eq!((config.length_size, config.reorder_depth), (4, sps.reorder_depth));
        assert_eq!(config.bit_depth, sps.picture.bit_depth);
    }
    let name = |encoded: &Encoded| HevcConfig::parse(&encoded.record(true, [true; 3])).unwrap().0.rfc6381();
    assert_eq!(name(&MAIN), "hvc1.1.6.L60.90");
    assert_eq!(name(&MAIN_10), "hvc1.2.4.L60.90");
    assert_eq!(name(&RANGE_EXTENSIONS), "hvc1.4.10.L60.9D.8");
}

#[test]
fn records_are_completed_out_of_a_key_frame() {
    for encoded in ALL {
        let whole = HevcConfig::parse(&encoded.record(true, [true; 3])).unwrap();
        assert_eq!(HevcConfig::parse(&encoded.record(false, [true; 3])).unwrap(), whole);
        let sample = encoded.sample();
        for missing in 0..8u8 {
            let wanted = [0, 1, 2].map(|kind| missing >> kind & 1 == 0);
            let partial = encoded.record(false, wanted);
            assert_eq!(HevcConfig::parse(&partial).is_ok(), missing == 0);
            assert_eq!(HevcConfig::learn(&partial, &sample).unwrap(), whole, "without {missing:03b}");
        }
        let stream: Vec<u8> =
            encoded.units().iter().flat_map(|unit| [&[0, 0, 1], unit.as_slice()].concat()).collect();
        for learnt in [HevcConfig::learn(&Bytes::new(), &sample), HevcConfig::of_byte_stream(&stream)] {
            let (learnt, sps) = learnt.unwrap();
            assert_eq!((sps, learnt.rfc6381()), (whole.1, whole.0.rfc6381()));
            // All but what only a record knows: segmentation and parallelism.
            assert_eq!(learnt.record[..13], whole.0.record[..13]);
            assert_eq!(learnt.record[16..], whole.0.record[16..]);
        }
        let slices_only = HevcConfig::learn(&encoded.record(false, [false; 3]), &[0, 0, 0, 2, 0x28, 1]);
        assert_eq!(slices_only.unwrap_err().kind, crate::ErrorKind::Unsupported);
    }
}

#[test]
fn sets_of_other_layers_do_not_count() {
    let [vps, sps, pps] = MAIN.units();
    let mut other = sps.clone();
    (other[0], other[1]) = (0x42, 0x09); // nuh_layer_id 1
    let units: Vec<u8> = [vps, other, pps]
        .iter()
        .flat_map(|unit| [&(unit.len() as u32).to_be_bytes(), unit.as_slice()].concat())
        .collect();
    assert!(HevcConfig::learn(&Bytes::new(), &units).is_err());
}

/// An SPS whose reference picture sets are as given, and whose VUI tells BT.2020 and PQ.
fn with_reference_sets(write: impl Fn(&mut BitWriter)) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.bits(8, 0x01); // VPS 0, one layer, nested
    bits.bits(32, 0x0160_0000).bits(32, 0xb000_0000).bits(32, 0x0000_005d); // profile, tier, level
    bits.ue(0).ue(1).ue(64).ue(64).bits(1, 0); // SPS 0, 4:2:0, 64x64, no window
    bits.ue(0).ue(0).ue(4).bits(1, 1).ue(4).ue(2).ue(0); // 8 bits, order of 8 bits, reorder depth 2
    bits.ue(0).ue(0).ue(0).ue(0).ue(0).ue(0).bits(1, 0).bits(2, 0).bits(1, 0); // blocks, no lists, no PCM
    write(&mut bits);
    bits.bits(1, 0).bits(2, 0).bits(1, 1); // no long-term references; VUI
    bits.bits(1, 0).bits(1, 0).bits(1, 1).bits(3, 5).bits(1, 1).bits(1, 1);
    bits.bits(8, 9).bits(8, 16).bits(8, 9).bits(1, 0).bits(4, 0).bits(1, 0).bits(8, 0x80);
    let mut nal = vec![0x42, 1];
    let mut zeros = 0;
    for byte in bits.bytes() {
        if zeros >= 2 && byte <= 3 {
            nal.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        nal.push(byte);
    }
    nal
}

#[test]
fn reference_picture_sets_that_refer_to_one_another() {
    let sps = with_reference_sets(|bits| {
        bits.ue(3);
        // {-1, -3 | +2}
        bits.ue(2).ue(1).ue(0).bits(1, 1).ue(1).bits(1, 1).ue(1).bits(1, 1);
        // From that, one sooner: -2, -4, not +1, and -1.
        bits.bits(1, 1).bits(1, 1).ue(0).bits(1, 1).bits(1, 1).bits(2, 0b00).bits(1, 1);
        // {-1, -2, -4} one later: what becomes 0 is none of them; -1, -3 (not used now, but later), and +1.
        bits.bits(1, 1).bits(1, 0).ue(0).bits(1, 1).bits(1, 1).bits(2, 0b01).bits(1, 1);
    });
    let parsed = Sps::parse(&sps).unwrap();
    let pq = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: true };
    assert_eq!((parsed.picture.colour, parsed.reorder_depth), (Some(pq), 2));
    // A set behind it has as many flags as the last has pictures.
    let sps = with_reference_sets(|bits| {
        bits.ue(3);
        bits.ue(1).ue(0).ue(0).bits(1, 1); // {-1}
        bits.bits(1, 1).bits(1, 0).ue(0).bits(1, 1).bits(1, 1); // one later: 0 falls away, {+1} stays
        bits.bits(1, 1).bits(1, 0).ue(0).bits(1, 1).bits(1, 1); // so two flags here: {+2, +1}
    });
    assert_eq!(Sps::parse(&sps).unwrap().picture.colour, Some(pq));
}

#[test]
fn faults_behind_the_size_cost_only_what_follows() {
    let sps = with_reference_sets(|bits| {
        bits.ue(65);
    });
    let parsed = Sps::parse(&sps).unwrap();
    assert_eq!((parsed.picture.width, parsed.picture.colour), (64, None));
}

#[test]
fn every_truncation_is_survived() {
    for encoded in ALL {
        let record = encoded.record(true, [true; 3]);
        for end in 0..record.len() {
            assert!(HevcConfig::parse(&record.slice(..end)).is_err(), "at {end}");
            let _ = HevcConfig::learn(&record.slice(..end), &encoded.sample());
        }
        let sps = hex(encoded.sps);
        for end in 0..sps.len() {
            let _ = Sps::parse(&sps[..end]);
        }
        let sample = encoded.sample();
        for end in 0..sample.len() {
            let _ = HevcConfig::learn(&Bytes::new(), &sample[..end]);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Sps::parse(&data);
        let _ = HevcConfig::parse(&data.clone().into());
        let _ = HevcConfig::learn(&Bytes::new(), &data);
        let _ = HevcConfig::of_byte_stream(&data);
    }

    #[test]
    fn a_damaged_record(at in 0usize..100, bits in 1u8..) {
        let mut record = MAIN_10.record(true, [true; 3]).to_vec();
        let at = at % record.len();
        record[at] ^= bits;
        if let Ok((config, _)) = HevcConfig::parse(&record.into()) {
            // What was read once is read again.
            prop_assert_eq!(HevcConfig::parse(&config.record).unwrap().0, config);
        }
    }
}
