//! Cues: where keyframes are said to be (RFC 9559 section 5.1.5), and whether to believe it.
//!
//! Nothing in the format makes a cue a keyframe, makes cues complete or their order sure. A playlist made of
//! wrong cuts is worse than none, so the cues of the track that is cut must look like a whole index here, and
//! each is checked against the file when its segment is made.

use super::ebml::{Element, id};
use crate::error::Error;
use std::ops::Range;

/// A day of two tracks with a cue every half second has 350,000.
const MAX_CUES: usize = 400_000;
/// The longest segment, so also the longest distance between two keyframes: 30 s.
pub(super) const MAX_GAP: i64 = 30_000_000_000;

/// One place of one track that the index names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) track: u64,
    /// Ticks of the file's clock.
    pub(super) time: i64,
    /// Where its cluster begins in the file.
    pub(super) cluster: u64,
    /// Bytes from the cluster's payload to the block.
    pub(super) relative: Option<u64>,
}

/// The cues of the tracks that `wanted` names, by track and time; of several at one time the first.
pub(super) fn parse(cues: &Element<'_>, body: u64, wanted: impl Fn(u64) -> bool) -> Result<Vec<Cue>, Error> {
    let mut found = Vec::new();
    let mut points = 0usize;
    for point in cues.children() {
        let point = point?;
        if point.id != id::CUE_POINT {
            continue;
        }
        let mut time = None;
        let first = found.len();
        for child in point.children() {
            let child = child?;
            match child.id {
                id::CUE_TIME => time = Some(i64::try_from(child.uint()?).unwrap_or(i64::MAX)),
                id::CUE_TRACK_POSITIONS => {
                    points += 1;
                    if points > MAX_CUES {
                        return Err(Error::limit("the index (Cues) has too many entries", child.at));
                    }
                    found.extend(position(&child, body)?.filter(|cue| wanted(cue.track)));
                }
                _ => {}
            }
        }
        let Some(time) = time else {
            found.truncate(first);
            continue;
        };
        for cue in found.iter_mut().skip(first) {
            cue.time = time;
        }
    }
    found.sort_by_key(|cue| (cue.track, cue.time));
    found.dedup_by_key(|cue| (cue.track, cue.time));
    Ok(found)
}

fn position(element: &Element<'_>, body: u64) -> Result<Option<Cue>, Error> {
    let (mut track, mut cluster, mut relative) = (None, None, None);
    for child in element.children() {
        let child = child?;
        match child.id {
            id::CUE_TRACK => track = Some(child.uint()?),
            id::CUE_CLUSTER_POSITION => cluster = body.checked_add(child.uint()?),
            id::CUE_RELATIVE_POSITION => relative = Some(child.uint()?),
            _ => {}
        }
    }
    let (Some(track), Some(cluster)) = (track, cluster) else {
        return Ok(None);
    };
    Ok(Some(Cue { track, time: 0, cluster, relative }))
}

/// Refuses cues, all of one track in order of time, that are no whole index.
///
/// `clusters` is from the first cluster to the end of the file, `start` when the track begins, `end` when
/// the film ends; `tick` and all times in nanoseconds.
pub(super) fn check(
    cues: &[Cue],
    tick: i64,
    clusters: &Range<u64>,
    start: i64,
    end: Option<i64>,
) -> Result<(), Error> {
    let time = |cue: &Cue| cue.time.checked_mul(tick);
    let mut last = start;
    let mut place = (0, 0);
    for cue in cues {
        let block = cue.cluster.saturating_add(cue.relative.unwrap_or_default());
        let inside = clusters.contains(&cue.cluster) && clusters.contains(&block);
        let Some(time) = time(cue).filter(|_| inside) else {
            return Err(Error::no_index("the index (Cues) points outside of the file"));
        };
        if time.saturating_sub(last) > MAX_GAP {
            return Err(Error::no_index("the index (Cues) has gaps of more than 30 seconds"));
        }
        let here = (cue.cluster, cue.relative.unwrap_or_default());
        if here.0 < place.0 || (here.0 == place.0 && cue.relative.is_some() && here.1 < place.1) {
            return Err(Error::no_index("the index (Cues) is not in the order of the file"));
        }
        (last, place) = (time, here);
    }
    let Some(end) = end else {
        return Err(Error::no_index("the file does not tell how long it is"));
    };
    if end <= last {
        return Err(Error::no_index("the file says that it ends before its last picture begins"));
    }
    if end.saturating_sub(last) > MAX_GAP {
        return Err(Error::no_index("the index (Cues) ends more than 30 seconds before the film does"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn cues(times_and_clusters: &[(i64, u64)]) -> Vec<Cue> {
        let cue = |&(time, cluster)| Cue { track: 1, time, cluster, relative: None };
        times_and_clusters.iter().map(cue).collect()
    }

    fn verdict(cues: &[Cue], duration: i64) -> Option<&'static str> {
        check(cues, 1_000_000, &(100..10_000), 0, Some(duration * SECOND)).err().map(|error| error.what)
    }

    #[test]
    fn a_whole_index_is_believed() {
        let good = cues(&[(0, 100), (5_000, 200), (35_000, 200), (40_000, 9_000)]);
        assert_eq!(verdict(&good, 70), None);
        assert!(verdict(&good, 71).unwrap().contains("before the film"));
    }

    #[test]
    fn others_are_not() {
        assert!(verdict(&cues(&[(0, 100), (2000, 200)]), 2).unwrap().contains("before its last picture"));
        assert!(check(&cues(&[(0, 100)]), 1, &(100..200), 0, None).unwrap_err().what.contains("how long"));
        assert!(verdict(&cues(&[(0, 99)]), 1).unwrap().contains("outside"));
        assert!(verdict(&cues(&[(0, 100), (1, 10_000)]), 1).unwrap().contains("outside"));
        assert!(verdict(&cues(&[(i64::MAX, 100)]), 1).unwrap().contains("outside"));
        assert!(verdict(&cues(&[(0, 100), (30_001, 200)]), 1).unwrap().contains("gaps"));
        assert!(verdict(&cues(&[(0, 200), (1, 100)]), 1).unwrap().contains("order"));
        let mut same = cues(&[(0, 200), (1, 200)]);
        same[0].relative = Some(50);
        same[1].relative = Some(40);
        assert!(verdict(&same, 1).unwrap().contains("order"));
    }
}
