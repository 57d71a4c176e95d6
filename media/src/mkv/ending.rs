//! When the film ends, where Info.Duration does not say so or cannot be right: told by the blocks behind the last cue.

use super::cues::{Cue, MAX_GAP};
use super::ebml::View;
use super::{MkvFile, SECOND};
use crate::source::Stop;
use crate::track::TrackKind;

/// The most that is gone through behind the last cue.
const MAX_TAIL: u64 = 32 << 20;
/// Cues at the end of a file that was cut off whose pictures are not whole.
const MAX_TRIES: usize = 8;

/// Looks at the blocks behind the last cue if Info.Duration is not within a segment's length behind that. In a file
/// that was cut short, cues that point behind its end are left out.
pub(super) fn learn(file: &mut MkvFile, view: &View<'_>, cut_short: bool) -> Result<(), Stop> {
    if cut_short {
        file.duration = None;
        let end = file.body.end;
        file.cues.retain(|cue| cue.cluster.saturating_add(cue.relative.unwrap_or_default()) < end);
    }
    for _ in 0..MAX_TRIES {
        let Some(last) = last_cue(file) else {
            return Ok(());
        };
        let time = file.time_of(&last);
        let end = file.duration.and_then(|_| file.end_nanos(crate::track::TrackId(last.track)));
        let is_plausible = end.is_some_and(|end| (1..=MAX_GAP).contains(&end.saturating_sub(time)));
        if is_plausible || !(file.first_cluster..file.body.end).contains(&last.cluster) {
            return Ok(());
        }
        if view.end.saturating_sub(last.cluster) > MAX_TAIL {
            return Ok(());
        }
        let mut scan = file.scan_from(last.cluster);
        match scan.run(view) {
            Ok(()) => {}
            Err(Stop::Fail(_)) => return Ok(()),
            Err(need) => return Err(need),
        }
        let is_there = |found: &Cue| time.saturating_sub(file.time_of(found)) < SECOND;
        if scan.last_entry(last.track).is_some_and(is_there) {
            file.end = scan.last_end();
            return Ok(());
        }
        if !cut_short {
            return Ok(());
        }
        file.cues.retain(|cue| *cue != last);
    }
    Ok(())
}

/// The latest cue of a picture, or of sound where there are none of pictures.
fn last_cue(file: &MkvFile) -> Option<Cue> {
    let of_kind = |kind| {
        let tracks = file.tracks.iter().filter(move |track| track.kind == kind);
        let lasts = tracks.filter_map(|track| file.cues_of(track.id).1.last());
        lasts.max_by_key(|cue| cue.time).copied()
    };
    of_kind(TrackKind::Video).or_else(|| of_kind(TrackKind::Audio))
}
