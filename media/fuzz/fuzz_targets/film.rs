//! What is done with a film, whatever it is.

use bytes::Bytes;
use media::plan::{PlanOptions, plan};
use media::source::Step;
use media::{access_units, hls, ts};

/// Takes a file the whole way; what it promises about its results must hold.
pub fn play(file: Bytes) {
    let Ok(Step::Done(movie)) = media::open(&file) else { return };
    let _ = movie.duration();
    let Ok(plan) = plan(&movie, &PlanOptions::default()) else { return };
    assert!(!plan.segments.is_empty());
    assert!(plan.segments.iter().all(|segment| segment.duration().0 > 0));
    assert!(plan.segments.windows(2).all(|pair| pair[0].end == pair[1].start));
    let _ = hls::media_playlist(&plan, None);
    let _ = hls::multivariant_playlist(&movie, &plan, "media.m3u8");
    for segment in plan.segments.iter().take(3) {
        let ranges = access_units::byte_ranges(&movie, &plan, segment.index);
        match ts::segment(&movie, &plan, segment.index, &file) {
            Ok(Step::Done(made)) => {
                assert!(made.starts_with(&ts::head(&movie, &plan, segment.index)));
                assert!(made.len() % 188 == 0 && made.chunks(188).all(|packet| packet[0] == 0x47));
                let ranges = ranges.expect("a segment that is made has ranges");
                assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
            }
            Ok(Step::Need(range)) => panic!("{range:?} asked for of a file that is here"),
            Err(_) => {}
        }
    }
}
