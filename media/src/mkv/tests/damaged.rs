//! Damaged and hostile files.

use super::writer::*;
use super::*;
use crate::mkv::ebml::id;
use proptest::prelude::*;

#[test]
fn hostile_sizes_end_in_errors() {
    let huge = |id: u32| [element_id(id), 0x01ff_ffff_ffff_fffeu64.to_be_bytes().to_vec()].concat();
    assert!(open(&file(&[huge(id::TRACKS)])).is_err());
    assert!(open(&file(&[huge(id::CUES), tracks(&[])])).is_err());
    assert!(open(&[header(), huge(id::EBML)].concat().into()).is_err());
    assert!(open(&Bytes::new()).is_err());
    assert!(open(&Bytes::from_static(b"RIFF....AVI ")).is_err());
    let many = tracks(
        &(0..600)
            .map(|number| master(id::TRACK_ENTRY, &[uint(id::TRACK_NUMBER, number + 1)]))
            .collect::<Vec<_>>(),
    );
    assert_eq!(open(&file(&[many, second(0)])).unwrap_err().kind, ErrorKind::Limit);
}

/// Opens, plans and reads everything; what comes out does not matter here, that it comes does.
fn exercise(file: &Bytes) {
    let Ok(mkv) = open(file) else { return };
    exercise_index(file, &mkv);
    if let Ok(scanned) = scans::scan(file) {
        exercise_index(file, &scanned);
    }
}

fn exercise_index(file: &Bytes, mkv: &MkvFile) {
    let ids: Vec<TrackId> = mkv.tracks().iter().map(|track| track.id).collect();
    for id in &ids {
        let keyframes = mkv.keyframes(*id).unwrap_or_default();
        assert!(keyframes.windows(2).all(|pair| pair[0].pts < pair[1].pts));
        for span in spans(&keyframes).iter().chain([&WHOLE]) {
            let _ = mkv.size_of(*id, &ids, span);
            if let Ok(sample) = drive(file, |src| mkv.keyframe(src, *id, &span.start)).0 {
                assert!(sample.sync && sample.data.len() <= file.len());
            }
            if let Ok(lists) = drive(file, |src| mkv.samples(src, &ids, span)).0 {
                for list in lists {
                    assert!(list.iter().all(|sample| sample.dts <= sample.pts));
                    assert!(list.iter().all(|sample| sample.data.len() <= file.len()));
                }
            }
        }
    }
}

#[test]
fn every_truncation_has_a_clear_result() {
    for file in [film(2, Index::End, true), film(2, Index::Front, false)] {
        for end in 0..file.len() {
            exercise(&file.slice(..end));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn no_change_makes_it_panic(
        front in any::<bool>(),
        relative in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = film(2, if front { Index::Front } else { Index::End }, relative).to_vec();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        exercise(&file.into());
    }
}
