//! Which samples a span holds, and where they lie.
//!
//! The track that was cut is divided at its own random access points: by number in the sample table, by place in
//! fragments. The others are divided by time: a sample belongs to the span in which it begins. In fragments
//! that is done at the edge of a fragment of theirs where one is near, so that no fragment is read twice for the sake
//! of a frame; and by place alone in a track of which no index tells where its fragments are.

use super::fragment::TrackFragment;
use super::fragment_walk::meet;
use super::fragmented::Fragments;
use super::track::{IndexedSample, Mp4Track};
use super::{Mp4File, PRIMING};
use crate::error::Error;
use crate::source::{ByteSource, Stop};
use crate::time::Time90k;
use crate::track::{Keyframe, MAX_SPAN_SAMPLES, Sample, Span, TrackId};
use std::ops::{ControlFlow, Range};

/// Bytes of one segment.
const MAX_SEGMENT: u64 = 512 << 20;
/// How many samples may lie on the same bytes, on average.
const MAX_SHARING: u64 = 4;
/// Ranges closer than this are fetched as one: a request costs more than the bytes between.
pub(super) const MERGE_GAP: u64 = 64 << 10;
/// An edge of a fragment no further than this from a cut is where sound is divided.
const NEAR: Time90k = Time90k(45_000);

/// Where a track is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Before a sample of the table.
    Sample(u32),
    /// In the fragments.
    Fragment(Place),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Offset of a fragment, or of what is in front of it.
    at: u64,
    within: Within,
}

/// Where, from a fragment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Behind so many samples of the track in that fragment.
    Skip(u32),
    /// Before the first sample that is shown then or later.
    Time(Time90k),
}

/// The samples of one track in a span.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Selection {
    /// Of the table.
    numbers: Range<u32>,
    /// Of the fragments.
    window: Option<Window>,
}

/// A stretch of fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    from: Place,
    /// `None`: up to the end.
    to: Option<Place>,
    /// No fragment that begins here or behind is needed.
    until: u64,
}

impl Mp4Track {
    fn cut_of(&self, keyframe: Keyframe) -> Result<Cut, Error> {
        let Some(entry) = keyframe.at.checked_sub(u64::from(self.sample_count())) else {
            return Ok(Cut::Sample(u32::try_from(keyframe.at).unwrap_or(u32::MAX)));
        };
        let entry = usize::try_from(entry).ok().and_then(|entry| self.fragments().entries.get(entry));
        match entry {
            Some(entry) => Ok(Cut::Fragment(Place { at: entry.at, within: Within::Skip(entry.skip) })),
            None => Err(Error::malformed("a keyframe that is not of this file", 0)),
        }
    }

    /// Where the track is divided at `time`, when another track is at `cut`.
    fn cut_at(&self, time: Time90k, cut: Cut, fragments: Option<&Fragments>) -> Cut {
        let in_table = self.table_end().is_some_and(|end| time < end);
        let Some(fragments) = fragments.filter(|_| !in_table) else {
            return Cut::Sample(self.first_sample_from(time));
        };
        let ticks = self.ticks_at(time);
        let place = match self.fragments().nearest(ticks) {
            Some(near) if self.is_near(near.time, time) => match cut {
                // Nothing of this track lies between: so the bytes of the span end where the other track's do.
                Cut::Fragment(place)
                    if (place.within, near.skip) == (Within::Skip(0), 0)
                        && !self.fragments().untimed
                        && self.fragments().first_from(place.at) == Some(near.at) =>
                {
                    place
                }
                _ => Place { at: near.at, within: Within::Skip(near.skip) },
            },
            Some(_) => {
                let at = self.fragments().containing(ticks).map_or(fragments.first, |entry| entry.at);
                Place { at, within: Within::Time(time) }
            }
            None => match cut {
                Cut::Fragment(place) => place,
                Cut::Sample(_) => Place { at: fragments.first, within: Within::Skip(0) },
            },
        };
        Cut::Fragment(place)
    }

    fn is_near(&self, ticks: i64, time: Time90k) -> bool {
        let distance = self.presented(ticks) - time;
        (-NEAR.0..=NEAR.0).contains(&distance.0)
    }

    /// What lies between two cuts.
    fn between(
        &self,
        start: Cut,
        end: Option<Cut>,
        fragments: Option<&Fragments>,
    ) -> Result<Selection, Error> {
        let count = self.sample_count();
        let numbers_end = match end {
            Some(Cut::Sample(number)) => number.min(count),
            _ => count,
        };
        let numbers = match start {
            Cut::Sample(number) => number.min(numbers_end)..numbers_end,
            Cut::Fragment(_) => count..count,
        };
        if numbers.len() > MAX_SPAN_SAMPLES as usize {
            return Err(Error::limit("samples of one segment", 0));
        }
        let to = match end {
            Some(Cut::Sample(_)) => return Ok(Selection { numbers, window: None }),
            Some(Cut::Fragment(place)) => Some(place),
            None => None,
        };
        let window = fragments.map(|fragments| {
            let from = match start {
                Cut::Fragment(place) => place,
                Cut::Sample(_) => Place { at: fragments.first, within: Within::Skip(0) },
            };
            let until = match to {
                Some(Place { at, within: Within::Skip(0) }) => at,
                Some(place) => {
                    self.fragments().first_from(place.at.saturating_add(1)).unwrap_or(fragments.stop)
                }
                None => fragments.stop,
            };
            Window { from, to, until: until.max(from.at) }
        });
        Ok(Selection { numbers, window })
    }

    /// The samples of the track in a window, which are read from the fragments themselves.
    fn samples_of(
        &self,
        src: &dyn ByteSource,
        window: Window,
        fragments: &Fragments,
    ) -> Result<Vec<IndexedSample>, Stop> {
        let walked = fragments.walked.iter().find(|walked| walked.defaults.track == self.number());
        let Some(walked) = walked else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let mut next = (window.from.at <= fragments.first).then_some(walked.from);
        let mut at = window.from.at;
        while at < window.until {
            let ControlFlow::Continue(met) = meet(src, at, &fragments.walked)? else { break };
            let mut number = 0u32;
            for fragment in met.fragments {
                if fragment.track != walked.defaults.track {
                    continue;
                }
                walked.check(&fragment)?;
                let base = self.base_of(&fragment, at, next).ok_or_else(|| fragments.lie())?;
                next = Some(base.saturating_add(fragment.duration));
                for sample in fragment.samples {
                    let sample = self.fragment_sample(base, sample);
                    if window.holds(at, number, sample.pts) && !sample.range.is_empty() {
                        found.push(sample);
                    }
                    number = number.saturating_add(1);
                }
                if found.len() > MAX_SPAN_SAMPLES as usize {
                    return Err(Error::limit("samples of one segment", at).into());
                }
            }
            at = met.end;
        }
        Ok(found)
    }

    /// When the first sample of a fragment is decoded: as it says, else where the one before ended, else as its
    /// entry says.
    fn base_of(&self, fragment: &TrackFragment, at: u64, next: Option<i64>) -> Option<i64> {
        let by_entry = || {
            let entries = &self.fragments().entries;
            let entry = entries.get(entries.partition_point(|entry| entry.at < at))?;
            let entered = fragment.samples.get(usize::try_from(entry.skip).ok()?)?;
            let dts = entry.time.saturating_sub(i64::from(entered.offset));
            (entry.at == at).then(|| dts.saturating_sub(entered.after))
        };
        fragment.time.or(next).or_else(by_entry)
    }
}

impl Window {
    /// True when it holds the sample `number` of the fragment at `at`, which is shown at `pts`.
    fn holds(&self, at: u64, number: u32, pts: Time90k) -> bool {
        let is_behind = |place: Place| match place.within {
            Within::Skip(skip) => (at, number) >= (place.at, skip),
            Within::Time(time) => pts >= time,
        };
        is_behind(self.from) && !self.to.is_some_and(is_behind)
    }
}

impl Mp4File {
    /// Which samples of each of `tracks` the span holds.
    fn select(&self, cut: TrackId, tracks: &[TrackId], span: &Span) -> Result<Vec<Selection>, Error> {
        let fragments = self.fragments.as_ref();
        let cut_track = self.table(cut)?;
        let cut_start = cut_track.cut_of(span.start)?;
        let cut_end = span.end.map(|end| cut_track.cut_of(end)).transpose()?;
        let mut selections = Vec::with_capacity(tracks.len());
        for id in tracks {
            let table = self.table(*id)?;
            let (start, end) = if *id == cut {
                (cut_start, cut_end)
            } else {
                let end = span.end.zip(cut_end).map(|(end, cut)| table.cut_at(end.pts, cut, fragments));
                let start = match span.first {
                    true => table.beginning(span.start.pts.min(Time90k::ZERO) - PRIMING, fragments),
                    false => table.cut_at(span.start.pts, cut_start, fragments),
                };
                (start, end)
            };
            selections.push(table.between(start, end, fragments)?);
        }
        Ok(selections)
    }

    /// The file's bytes that the span needs, sorted, disjoint, small gaps included.
    pub(crate) fn byte_ranges(
        &self,
        cut: TrackId,
        tracks: &[TrackId],
        span: &Span,
    ) -> Result<Vec<Range<u64>>, Error> {
        let mut ranges = Vec::new();
        let mut bytes = 0u64;
        for (id, selection) in tracks.iter().zip(self.select(cut, tracks, span)?) {
            let table = self.table(*id)?;
            bytes = bytes.saturating_add(table.size_of(selection.numbers.clone()));
            let samples = table.samples(selection.numbers).map(|sample| sample.range);
            ranges.extend(samples.filter(|range| !range.is_empty()));
            ranges.extend(selection.window.map(|window| window.from.at..window.until));
        }
        ranges.retain(|range| !range.is_empty());
        self.checked(ranges, bytes)
    }

    /// Merges ranges, which hold `bytes` of samples; refuses those that are too large or outside the file.
    fn checked(&self, ranges: Vec<Range<u64>>, bytes: u64) -> Result<Vec<Range<u64>>, Error> {
        let merged = merge(ranges, MERGE_GAP);
        if merged.last().is_some_and(|last| last.end > self.file_len) {
            return Err(Error::truncated("the index names bytes past the end of the file", self.file_len));
        }
        let held = merged.iter().map(|range| range.end - range.start).sum::<u64>();
        if held.max(bytes) > MAX_SEGMENT {
            return Err(Error::limit("bytes of one segment", 0));
        }
        // A few equal samples may share their bytes; a small file whose every sample is all of it is a bomb.
        if bytes > held.saturating_mul(MAX_SHARING) {
            return Err(Error::limit("samples that share their bytes", 0));
        }
        Ok(merged)
    }

    /// The size of each sample of `track` in the span; `None` where only its fragments tell.
    pub(crate) fn sizes(&self, cut: TrackId, track: TrackId, span: &Span) -> Option<Vec<u64>> {
        let selection = self.select(cut, &[track], span).ok()?.into_iter().next()?;
        if selection.window.is_some() {
            return None;
        }
        let samples = self.table(track).ok()?.samples(selection.numbers);
        Some(samples.map(|sample| sample.range.end - sample.range.start).collect())
    }

    /// The samples of the span, one list for each of `tracks`.
    pub(crate) fn samples(
        &self,
        src: &dyn ByteSource,
        cut: TrackId,
        tracks: &[TrackId],
        span: &Span,
    ) -> Result<Vec<Vec<Sample>>, Stop> {
        for range in self.byte_ranges(cut, tracks, span)? {
            src.read(range)?;
        }
        let mut lists = Vec::with_capacity(tracks.len());
        for (id, selection) in tracks.iter().zip(self.select(cut, tracks, span)?) {
            let table = self.table(*id)?;
            let listed = table.samples(selection.numbers.clone()).filter(|sample| !sample.range.is_empty());
            let mut list: Vec<IndexedSample> = listed.collect();
            if let (Some(window), Some(fragments)) = (selection.window, &self.fragments) {
                list.extend(table.samples_of(src, window, fragments)?);
                let is_entered = *id == cut && table.cut_of(span.start)? == Cut::Fragment(window.from);
                if is_entered && !is_entry(&list, span.start) {
                    return Err(fragments.lie().into());
                }
            }
            lists.push(list);
        }
        if self.fragments.is_some() {
            let ranges: Vec<_> = lists.iter().flatten().map(|sample| sample.range.clone()).collect();
            let bytes = ranges.iter().map(|range| range.end - range.start).fold(0, u64::saturating_add);
            for range in self.checked(ranges, bytes)? {
                src.read(range)?;
            }
        }
        lists.into_iter().map(|list| timed(src, list)).collect()
    }
}

impl Mp4Track {
    /// Where the first span begins for a track that is not the one that was cut: with what is shown from `time` on.
    fn beginning(&self, time: Time90k, fragments: Option<&Fragments>) -> Cut {
        match fragments {
            Some(fragments) if self.sample_count() == 0 => {
                Cut::Fragment(Place { at: fragments.first, within: Within::Time(time) })
            }
            _ => Cut::Sample(self.first_sample_from(time)),
        }
    }
}

/// True when what is there is what the index promised: a random access point at that time.
fn is_entry(list: &[IndexedSample], promised: Keyframe) -> bool {
    list.first().is_some_and(|first| {
        // Some indexes tell the time of the first picture that is shown, which may not be the first decoded.
        let earliest = list.iter().map(|sample| sample.pts).min();
        first.sync && (first.pts == promised.pts || earliest == Some(promised.pts))
    })
}

/// Reads the bytes of samples, and gives them decode times as a multiplex needs them: rising, never behind the time
/// of presentation.
fn timed(src: &dyn ByteSource, mut list: Vec<IndexedSample>) -> Result<Vec<Sample>, Stop> {
    // The index may not have told how far composition offsets go below 0.
    let mut limit = Time90k(i64::MAX);
    for sample in list.iter_mut().rev() {
        limit = limit.min(sample.pts);
        sample.dts = sample.dts.min(limit);
    }
    let mut samples: Vec<Sample> = Vec::with_capacity(list.len());
    for sample in list {
        // Two samples decoded in the same tick occur in real files; a multiplex has no such thing.
        let dts = samples.last().map_or(sample.dts, |last| sample.dts.max(last.dts + Time90k(1)));
        let data = src.read(sample.range)?;
        let (pts, duration) = (sample.pts.max(dts), Some(sample.duration));
        samples.push(Sample { pts, dts, duration, sync: sample.sync, data });
    }
    Ok(samples)
}

/// Sorts ranges and joins those that overlap or lie less than `gap` apart.
pub(super) fn merge(mut ranges: Vec<Range<u64>>, gap: u64) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(gap) => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn ranges_merge_over_small_gaps_only() {
        let merged = merge(vec![50..60, 0..10, 10..20, 25..30, 5..8], 5);
        assert_eq!(merged, [0..30, 50..60]);
    }
}
