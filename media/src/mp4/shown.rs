//! Samples of subtitle tracks by the time that they are shown: a text that began earlier is still there.

use super::Mp4File;
use super::span::{MERGE_GAP, merge};
use super::track::IndexedSample;
use crate::error::Error;
use crate::source::{ByteSource, Stop};
use crate::time::Time90k;
use crate::track::{Sample, TrackId};
use std::ops::Range;

/// Texts of one segment, and their bytes.
const MAX_TEXTS: usize = 50_000;
const MAX_BYTES: u64 = 16 << 20;

impl Mp4File {
    /// True when samples may lie in fragments, which tell their times themselves.
    pub(crate) const fn is_fragmented(&self) -> bool {
        self.fragments.is_some()
    }

    /// The samples of `track` that are shown at some time of `times`, as the index knows them.
    fn shown(&self, track: TrackId, times: &Range<Time90k>) -> Result<Vec<IndexedSample>, Error> {
        let table = self.table(track)?;
        let first = table.first_sample_from(times.start).saturating_sub(1);
        let end = table.first_sample_from(times.end);
        let is_shown = |sample: &IndexedSample| {
            !sample.range.is_empty()
                && (sample.pts >= times.start || sample.pts + sample.duration > times.start)
        };
        let shown: Vec<IndexedSample> =
            table.samples(first..end.max(first)).filter(is_shown).take(MAX_TEXTS + 1).collect();
        let bytes = shown.iter().map(|sample| sample.range.end - sample.range.start);
        if shown.len() > MAX_TEXTS || bytes.fold(0, u64::saturating_add) > MAX_BYTES {
            return Err(Error::limit("subtitles of one segment", 0));
        }
        Ok(shown)
    }

    /// The file's bytes of those samples, sorted, disjoint, small gaps included.
    pub(crate) fn ranges_shown(
        &self,
        track: TrackId,
        times: &Range<Time90k>,
    ) -> Result<Vec<Range<u64>>, Error> {
        let ranges = self.shown(track, times)?.into_iter().map(|sample| sample.range).collect();
        let merged = merge(ranges, MERGE_GAP);
        if merged.last().is_some_and(|last| last.end > self.file_len) {
            return Err(Error::truncated("the index names bytes past the end of the file", self.file_len));
        }
        Ok(merged)
    }

    /// Those samples.
    pub(crate) fn samples_shown(
        &self,
        src: &dyn ByteSource,
        track: TrackId,
        times: &Range<Time90k>,
    ) -> Result<Vec<Sample>, Stop> {
        for range in self.ranges_shown(track, times)? {
            src.read(range)?;
        }
        let samples = self.shown(track, times)?.into_iter().map(|sample| {
            let (pts, duration) = (sample.pts, Some(sample.duration));
            Ok(Sample { pts, dts: pts, duration, sync: true, data: src.read(sample.range)? })
        });
        samples.collect()
    }
}
