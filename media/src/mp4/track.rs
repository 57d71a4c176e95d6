//! One `trak` box: the track as others see it, and its samples.

use super::boxes::{self, Child};
use super::edit_list::EditList;
use super::fragment::{Defaults, FragmentSample};
use super::fragment_index::TrackFragments;
use super::fragment_walk::WalkedTrack;
use super::roles;
use super::sample_entry::{SampleEntry, is_forced};
use super::sample_table::SampleTable;
use super::track_header::{
    MAX_ENTRIES, handler_kind, handler_name, is_elsewhere, language, rotation, same_entries, track_header,
};
use crate::error::Error;
use crate::picture::{self, Incomplete};
use crate::time::{Time90k, Timescale};
use crate::track::{Codec, Keyframe, Track, TrackId, TrackKind};
use std::ops::Range;

/// How far from the end, in decode order, the picture may be that is shown last: H.264 reorders at most 16
/// frames.
const REORDER_WINDOW: u32 = 32;
/// How many samples are looked at to find the last that an edit shows.
const MAX_BEHIND_EDIT: u32 = 1_024;

/// What holds for all tracks of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileFacts<'a> {
    pub(super) movie_scale: Timescale,
    pub(super) file_len: u64,
    /// What holds for samples in fragments (`trex`), when there may be any (`mvex`).
    pub(super) defaults: Option<&'a [Defaults]>,
}

/// A track's samples on the presentation clock: those of the sample table, and behind them those in fragments.
#[derive(Debug, Clone)]
pub(crate) struct Mp4Track {
    table: SampleTable,
    /// What is known of the samples in fragments.
    fragments: TrackFragments,
    /// What holds for them.
    defaults: Defaults,
    /// Numbers of the sample entries that have the track's configuration.
    entries: Vec<u32>,
    scale: Timescale,
    edit: EditList,
    /// Samples of the table up to the end of the edit, or of the file; those behind it, in decode order, are not
    /// shown.
    count: u32,
    /// Ticks by which decoding is moved ahead, so that no sample is decoded after it is shown: QuickTime and
    /// `ctts` version 1 know negative composition offsets (ISO/IEC 14496-12 8.6.1.3).
    decode_lead: i64,
    /// What the first sample must tell of a picture codec.
    pub(super) incomplete: Option<Incomplete>,
}

/// A sample as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexedSample {
    pub(crate) pts: Time90k,
    pub(crate) dts: Time90k,
    pub(crate) duration: Time90k,
    pub(crate) sync: bool,
    pub(crate) range: Range<u64>,
}

impl Mp4Track {
    /// Reads a track. One whose samples or codec cannot be read is still named, so that a film whose sound is
    /// damaged is not played in silence as if it had none.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when not even its number and kind can be read.
    pub(super) fn parse(trak: &Child, facts: FileFacts<'_>) -> Result<(Track, Self), Error> {
        Self::parse_whole(trak, facts).or_else(|error| {
            let (tkhd, hdlr) =
                (trak.child(b"tkhd"), trak.child(b"mdia").and_then(|mdia| mdia.child(b"hdlr")));
            let (Some(tkhd), Some(hdlr)) = (tkhd, hdlr) else { return Err(error) };
            let (default, id) = track_header(&tkhd)?;
            let codec = Codec::Unsupported { reason: error.what };
            let track = Track {
                name: handler_name(&hdlr),
                default,
                ..Track::new(TrackId(u64::from(id)), handler_kind(&hdlr)?, codec)
            };
            let unread = Defaults::of(id);
            Ok((
                track,
                Self::new(SampleTable::default(), facts.movie_scale, EditList::default(), unread, Vec::new()),
            ))
        })
    }

    fn parse_whole(trak: &Child, facts: FileFacts<'_>) -> Result<(Track, Self), Error> {
        let missing = |what| move || Error::malformed(what, trak.at);
        let tkhd = trak.child(b"tkhd").ok_or_else(missing("a track without header (tkhd)"))?;
        let mdia = trak.child(b"mdia").ok_or_else(missing("a track without media (mdia)"))?;
        let mdhd = mdia.child(b"mdhd").ok_or_else(missing("a track without media header (mdhd)"))?;
        let hdlr = mdia.child(b"hdlr").ok_or_else(missing("a track without handler (hdlr)"))?;
        let minf = mdia.child(b"minf").ok_or_else(missing("a track without media information (minf)"))?;
        let stbl = minf.child(b"stbl").ok_or_else(missing("a track without sample table (stbl)"))?;
        let stsd = stbl.child(b"stsd").ok_or_else(missing("a track without sample entries (stsd)"))?;

        let scale = boxes::full_header_timescale(&mdhd)?;
        let scale = Timescale::new(scale).ok_or_else(missing("a track with a timescale of 0"))?;
        let edit = trak.child(b"edts").and_then(|edts| edts.child(b"elst"));
        let edit = edit.map(|elst| EditList::parse(&elst, facts.movie_scale, scale)).transpose()?;
        let mut edit = edit.unwrap_or_default();
        if facts.defaults.is_some() {
            edit.end = None; // a writer that fragments does not know the end
        }
        let table = SampleTable::parse(&stbl, facts.file_len)?;

        let (enabled, id) = track_header(&tkhd)?;
        let kind = handler_kind(&hdlr)?;
        let defaults = facts.defaults.unwrap_or_default().iter().find(|defaults| defaults.track == id);
        let defaults = defaults.copied().unwrap_or_else(|| Defaults::of(id));
        let used = table.sample_entries(MAX_ENTRIES);
        let main = used.first().copied().unwrap_or_else(|| defaults.entry.max(1));
        let mut entry = SampleEntry::parse(&stsd, main, kind)?;
        let same = same_entries(&stsd, kind, &entry);
        let refusal = if used.iter().any(|number| *number != main && !same.contains(number)) {
            Some("the codec's configuration changes midway")
        } else if edit.is_beyond {
            Some("the edit list cuts pieces out of the middle of the film")
        } else if is_elsewhere(&minf, &stsd, main) {
            Some("the track's data are in another file")
        } else {
            None
        };
        if let Some(reason) = refusal {
            (entry.codec, entry.incomplete) = (Codec::Unsupported { reason }, None);
        }
        let frame_rate = frame_rate(&table, scale, kind);
        let kind = if entry.still && !is_film(&table, frame_rate) { TrackKind::Other } else { kind };
        let mut roles = roles::of_track(trak);
        roles.forced |= is_forced(&entry.codec);
        let mut track = Track {
            codec_name: entry.name,
            language: language(&mdia, &mdhd),
            name: handler_name(&hdlr),
            default: enabled,
            roles,
            width: entry.width,
            height: entry.height,
            frame_rate,
            pixel_aspect: entry.pixel_aspect,
            rotation: rotation(&tkhd).unwrap_or_default(),
            colour: entry.colour,
            dolby_vision: entry.dolby_vision,
            sample_rate: entry.sample_rate,
            channels: entry.channels,
            ..Track::new(TrackId(u64::from(id)), kind, entry.codec)
        };
        if let Some(picture) = &entry.picture {
            picture::describe(&mut track, picture);
        }
        let mut samples = Self::new(table, scale, edit, defaults, same);
        samples.incomplete = entry.incomplete;
        Ok((track, samples))
    }

    fn new(
        table: SampleTable,
        scale: Timescale,
        edit: EditList,
        defaults: Defaults,
        entries: Vec<u32>,
    ) -> Self {
        let decode_lead = -i64::from(table.lowest_offset().min(0));
        let fragments = TrackFragments::default();
        let mut this = Self {
            count: table.count(),
            table,
            fragments,
            defaults,
            entries,
            scale,
            edit,
            decode_lead,
            incomplete: None,
        };
        if let Some(end) = edit.end {
            this.count = this.count_until(end);
        }
        this
    }

    /// The track's number, as fragments name it.
    pub(super) const fn number(&self) -> u32 {
        self.defaults.track
    }

    /// What a walk over the fragments behind `media_from` must know of the track.
    pub(super) fn walked(&self, media_from: u64) -> WalkedTrack {
        WalkedTrack {
            defaults: self.defaults,
            timescale: self.scale.per_second(),
            from: self.table.decode_time(self.table.count()),
            entries: self.entries.clone(),
            media_from,
        }
    }

    pub(super) fn set_fragments(&mut self, fragments: TrackFragments) {
        self.decode_lead = self.decode_lead.max(-i64::from(fragments.lowest_offset.min(0)));
        self.fragments = fragments;
    }

    /// Average frame rate of what was seen of the fragments.
    pub(super) fn fragments_rate(&self) -> Option<f64> {
        let (samples, ticks) = self.fragments.seen;
        frames_per_second(u32::try_from(samples).ok()?, self.scale.to_90k(ticks))
    }

    pub(super) const fn fragments(&self) -> &TrackFragments {
        &self.fragments
    }

    /// Leaves out the samples of the table that reach past the end of the file, and those behind them.
    pub(super) fn cut_off_at(&mut self, file_len: u64) -> bool {
        let beyond = self.table.first_beyond(file_len);
        let is_cut = beyond < self.count;
        self.count = self.count.min(beyond);
        is_cut
    }

    /// Leaves out the samples of the table that are not shown before `end`.
    pub(super) fn end_at(&mut self, end: Time90k) {
        self.count = self.count_until(end).min(self.count);
    }

    /// The bytes of the first sample.
    pub(super) fn first_sample(&self) -> Option<Range<u64>> {
        let listed = self.table.samples(0..1.min(self.count)).next().map(|sample| sample.range);
        listed.or_else(|| self.fragments.first.clone())
    }

    /// How many samples are left without those at the end of decoding that are shown only from `end` on:
    /// nothing else can need them.
    fn count_until(&self, end: Time90k) -> u32 {
        // No sample from here on is shown before the end, whatever its offset; so one more look at the few that
        // are reordered around it is enough, and a track of millions of samples costs no more.
        let lowest = i64::from(self.table.lowest_offset());
        let surely_late = self.first_sample_where(|dts| self.presented(dts.saturating_add(lowest)) >= end);
        let shown = |number: &u32| {
            let mut samples = self.table.samples(*number..*number + 1);
            samples.any(|sample| self.presented(sample.dts.saturating_add(i64::from(sample.offset))) < end)
        };
        let looks = surely_late.saturating_sub(MAX_BEHIND_EDIT)..surely_late;
        looks.clone().rev().find(shown).map_or(looks.start, |last| last + 1)
    }

    /// Where each sample is, and its duration in ticks of the track.
    #[cfg(test)]
    pub(super) fn sound_samples(&self) -> Vec<(Range<u64>, u32)> {
        self.table.samples(0..self.count).map(|sample| (sample.range, sample.duration)).collect()
    }

    #[cfg(test)]
    pub(super) const fn timescale(&self) -> Timescale {
        self.scale
    }

    pub(crate) const fn sample_count(&self) -> u32 {
        self.count
    }

    /// Bytes of the samples of `numbers`.
    pub(crate) fn size_of(&self, numbers: Range<u32>) -> u64 {
        self.table.size_of(numbers)
    }

    /// The tick of the track's own clock at or before `time` of the presentation clock.
    pub(super) fn ticks_at(&self, time: Time90k) -> i64 {
        let scale = i128::from(self.scale.per_second());
        let ticks = i128::from((time - self.edit.delay).0).saturating_mul(scale).div_euclid(90_000);
        i64::try_from(ticks).unwrap_or(i64::MAX).saturating_add(self.edit.media_time)
    }

    /// When the samples of the table end, in decode order; `None` without any.
    pub(super) fn table_end(&self) -> Option<Time90k> {
        (self.count > 0).then(|| self.presented(self.table.decode_time(self.count)))
    }

    /// A sample of a fragment, of which `base` is the decode time of the first in its `traf`.
    pub(super) fn fragment_sample(&self, base: i64, sample: FragmentSample) -> IndexedSample {
        let dts = base.saturating_add(sample.after);
        IndexedSample {
            pts: self.presented(dts.saturating_add(i64::from(sample.offset))),
            dts: self.presented(dts.saturating_sub(self.decode_lead)),
            duration: self.scale.to_90k(i64::from(sample.duration)),
            sync: sample.sync,
            range: sample.range,
        }
    }

    /// When the media tick `ticks` is on the presentation clock.
    pub(super) fn presented(&self, ticks: i64) -> Time90k {
        self.scale.to_90k(ticks.saturating_sub(self.edit.media_time)) + self.edit.delay
    }

    pub(crate) fn samples(&self, numbers: Range<u32>) -> impl Iterator<Item = IndexedSample> + '_ {
        self.table.samples(numbers).map(|sample| IndexedSample {
            pts: self.presented(sample.dts.saturating_add(i64::from(sample.offset))),
            dts: self.presented(sample.dts.saturating_sub(self.decode_lead)),
            duration: self.scale.to_90k(i64::from(sample.duration)),
            sync: sample.sync,
            range: sample.range,
        })
    }

    pub(crate) fn start(&self) -> Option<Time90k> {
        let window = 0..REORDER_WINDOW.min(self.sample_count());
        let listed = self.samples(window).map(|sample| sample.pts).min();
        listed.or_else(|| self.fragments.start.map(|start| self.presented(start)))
    }

    pub(crate) fn end(&self) -> Option<Time90k> {
        if let Some(end) = self.fragments.end {
            return Some(self.presented(end));
        }
        let count = self.sample_count();
        let window = count.saturating_sub(REORDER_WINDOW)..count;
        let ends = self.table.samples(window).map(|sample| {
            self.presented(
                sample
                    .dts
                    .saturating_add(i64::from(sample.offset))
                    .saturating_add(i64::from(sample.duration)),
            )
        });
        ends.max()
    }

    /// Sync samples whose presentation times rise. Those before the edit's start stay in only as far as the
    /// last of them, from which decoding must begin.
    pub(crate) fn keyframes(&self) -> impl Iterator<Item = Keyframe> + use<'_> {
        let mut last = None;
        let listed = self.table.sync_samples().take_while(|(number, _)| *number < self.count);
        let listed = listed.map(|(number, time)| (u64::from(number), time));
        let entries = (u64::from(self.count)..).zip(self.fragments.entries.iter().map(|entry| entry.time));
        let mut rising = listed.chain(entries).filter_map(move |(at, time)| {
            let pts = self.presented(time);
            if last.is_some_and(|last| pts <= last) {
                return None;
            }
            last = Some(pts);
            Some(Keyframe { pts, at })
        });
        let mut next = rising.next();
        std::iter::from_fn(move || {
            let mut this = next?;
            next = rising.next();
            while let Some(later) = next.filter(|later| later.pts <= self.edit.delay) {
                this = later;
                next = rising.next();
            }
            Some(this)
        })
    }

    /// The first sample, in decode order, that is shown at `time` or later, for tracks that are not reordered.
    pub(crate) fn first_sample_from(&self, time: Time90k) -> u32 {
        self.first_sample_where(|dts| self.presented(dts) >= time)
    }

    /// The first sample whose decode time is so; all behind it must be so too.
    fn first_sample_where(&self, is_so: impl Fn(i64) -> bool) -> u32 {
        let (mut low, mut high) = (0, self.sample_count());
        while low < high {
            let middle = low + (high - low) / 2;
            if is_so(self.table.decode_time(middle)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

/// Pictures that are each complete in itself may be a film as well: when there is one every second at least.
fn is_film(table: &SampleTable, frame_rate: Option<f64>) -> bool {
    table.count() > 1 && frame_rate.is_some_and(|rate| rate >= 1.0)
}

/// Average frame rate of a video track.
fn frame_rate(table: &SampleTable, scale: Timescale, kind: TrackKind) -> Option<f64> {
    let count = table.count();
    if kind != TrackKind::Video || count == 0 {
        return None;
    }
    frames_per_second(count, scale.to_90k(table.decode_time(count)))
}

fn frames_per_second(count: u32, length: Time90k) -> Option<f64> {
    let rate = f64::from(count) / length.seconds();
    Some(rate).filter(|rate| rate.is_finite() && (0.1..=1000.0).contains(rate))
}
