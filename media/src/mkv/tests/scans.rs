//! Files without an index that can be trusted, gone through from one end to the other.

use super::writer::*;
use super::*;

const VIDEO: TrackId = TrackId(1);

/// Goes through the whole file. What is asked for must come in order, and what lies before it is taken away.
fn scan(file: &Bytes) -> Result<MkvFile, Error> {
    scan_counted(file).0
}

/// The result, and how many bytes were asked for.
fn scan_counted(file: &Bytes) -> (Result<MkvFile, Error>, u64) {
    let mut scan = match open(file) {
        Ok(mkv) => mkv.scan(),
        Err(error) => return (Err(error), 0),
    };
    let (mut here, mut start, mut brought) = (0..0, 0, 0);
    loop {
        let mut arrived = Arrived::new(file.len() as u64);
        arrived.insert(here.start, file.read(here.clone()).unwrap());
        match scan.step(&arrived) {
            Ok(crate::source::Step::Done(mkv)) => return (Ok(mkv), brought),
            Err(error) => return (Err(error), brought),
            Ok(crate::source::Step::Need(need)) => {
                assert!(need.start >= start && need.end - need.start <= crate::scan::MAX_ASK, "{need:?}");
                assert!(need.end > here.end && need.end <= file.len() as u64, "{need:?} with {here:?} here");
                assert!(scan.position() <= scan.end());
                start = need.start;
                brought += need.end - need.start.max(here.end);
                here = need;
            }
        }
    }
}

#[test]
fn a_scan_finds_what_the_cues_say() {
    for relative in [true, false] {
        let with_cues = open(&film(40, Index::End, relative)).unwrap();
        let file = film(40, Index::None, false);
        assert_eq!(open(&file).unwrap().keyframes(VIDEO).unwrap_err().kind, ErrorKind::NoIndex);
        let scanned = scan(&file).unwrap();
        let times = |mkv: &MkvFile| -> Vec<Time90k> {
            mkv.keyframes(VIDEO).unwrap().iter().map(|keyframe| keyframe.pts).collect()
        };
        assert_eq!(times(&scanned), times(&with_cues));
        let expected = samples_by_span(&with_cues, &film(40, Index::End, relative), &[WHOLE]).unwrap();
        let spans = spans(&scanned.keyframes(VIDEO).unwrap());
        assert_eq!(samples_by_span(&scanned, &file, &spans).unwrap(), expected);
        assert_eq!(scanned.end(VIDEO), Some(Time90k::from_seconds(40)));
    }
}
