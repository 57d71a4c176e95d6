//! Where a track can be entered in the fragments of a file (ISO/IEC 14496-12 8.8), and between what places and
//! times it lies there.
//!
//! Whether the entries come from a segment index (`sidx`), from the random access table (`mfra`) or from a walk
//! over the fragments: what they lead to is read from the fragments themselves when a segment is made.

use crate::error::Error;
use std::ops::Range;

/// Entries of one track: eleven days, if there is one every 5 s.
const MAX_ENTRIES: usize = 200_000;

/// A sample from which decoding can begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// When it is shown, in ticks of the track.
    pub(super) time: i64,
    /// Offset of its fragment, or of what is in front of that (`styp`, `sidx`).
    pub(super) at: u64,
    /// How many samples of its track are before it in its fragment.
    pub(super) skip: u32,
}

/// What is known of a track's samples in fragments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TrackFragments {
    /// In order: times and places rise.
    pub(super) entries: Vec<Entry>,
    /// When the first sample is shown, in ticks of the track.
    pub(super) start: Option<i64>,
    /// When the last one ends.
    pub(super) end: Option<i64>,
    /// The lowest composition offset that was seen, at most 0.
    pub(super) lowest_offset: i32,
    /// The bytes of the first sample.
    pub(super) first: Option<Range<u64>>,
    /// True when a fragment was seen that does not say when it is decoded.
    pub(super) untimed: bool,
    /// How many samples were seen, and how many ticks they last.
    pub(super) seen: (u64, i64),
}

impl TrackFragments {
    /// Adds an entry; one that does not lie behind the last, or nearer to it than `gap` ticks, is left out.
    pub(super) fn push(&mut self, entry: Entry, gap: i64) -> Result<(), Error> {
        let fits = self.entries.last().is_none_or(|last| {
            entry.time > last.time
                && entry.time.saturating_sub(last.time) >= gap
                && (entry.at, entry.skip) > (last.at, last.skip)
        });
        if fits {
            if self.entries.len() >= MAX_ENTRIES {
                return Err(Error::limit("fragments", entry.at));
            }
            self.entries.push(entry);
        }
        Ok(())
    }

    /// The last entry at or before `time`.
    pub(super) fn containing(&self, time: i64) -> Option<&Entry> {
        let behind = self.entries.partition_point(|entry| entry.time <= time);
        self.entries.get(behind.checked_sub(1)?)
    }

    /// The entry nearest to `time`.
    pub(super) fn nearest(&self, time: i64) -> Option<&Entry> {
        let behind = self.entries.partition_point(|entry| entry.time <= time);
        let next = self.entries.get(behind);
        let distance = |entry: &&Entry| entry.time.abs_diff(time);
        self.containing(time).into_iter().chain(next).min_by_key(distance)
    }

    /// The offset of the first fragment with an entry at or behind `at`.
    pub(super) fn first_from(&self, at: u64) -> Option<u64> {
        let behind = self.entries.partition_point(|entry| entry.at < at);
        self.entries.get(behind).map(|entry| entry.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_rise_and_are_found_by_time_and_place() {
        let mut track = TrackFragments::default();
        for (time, at, skip) in
            [(0, 10, 0), (5, 20, 0), (100, 20, 0), (100, 20, 4), (90, 30, 0), (200, 15, 0), (200, 40, 0)]
        {
            track.push(Entry { time, at, skip }, 10).unwrap();
        }
        let kept: Vec<_> = track.entries.iter().map(|entry| (entry.time, entry.at, entry.skip)).collect();
        assert_eq!(kept, [(0, 10, 0), (100, 20, 0), (200, 40, 0)]);
        let time = |entry: Option<&Entry>| entry.map(|entry| entry.time);
        assert_eq!((time(track.containing(-1)), time(track.containing(100))), (None, Some(100)));
        assert_eq!((time(track.containing(199)), time(track.nearest(160))), (Some(100), Some(200)));
        assert_eq!((time(track.nearest(140)), time(track.nearest(-9))), (Some(100), Some(0)));
        assert_eq!(
            (track.first_from(20), track.first_from(21), track.first_from(41)),
            (Some(20), Some(40), None)
        );
    }
}
