//! One `trak` box: the track as others see it, and its samples.

use super::boxes::{self, Child};
use super::edit_list::EditList;
use super::sample_entry::SampleEntry;
use super::sample_table::SampleTable;
use crate::error::Error;
use crate::picture::{self, Incomplete};
use crate::time::{Time90k, Timescale};
use crate::track::{Codec, Keyframe, Rotation, Track, TrackId, TrackKind};
use std::ops::Range;

/// How far from the end, in decode order, the picture may be that is shown last: H.264 reorders at most 16
/// frames.
const REORDER_WINDOW: u32 = 32;
/// How many samples are looked at to find the last that an edit shows.
const MAX_BEHIND_EDIT: u32 = 1_024;

/// A track's samples on the presentation clock.
#[derive(Debug)]
pub(crate) struct Mp4Track {
    table: SampleTable,
    scale: Timescale,
    edit: EditList,
    /// Samples up to the end of the edit; those behind it, in decode order, are not shown.
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
    pub(crate) fn parse(trak: &Child, movie_scale: Timescale, file_len: u64) -> Result<(Track, Self), Error> {
        Self::parse_whole(trak, movie_scale, file_len).or_else(|error| {
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
            Ok((track, Self::new(SampleTable::default(), movie_scale, EditList::default())))
        })
    }

    fn parse_whole(trak: &Child, movie_scale: Timescale, file_len: u64) -> Result<(Track, Self), Error> {
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
        let edit = edit.map(|elst| EditList::parse(&elst, movie_scale)).transpose()?.unwrap_or_default();
        let table = SampleTable::parse(&stbl, file_len)?;

        let (enabled, id) = track_header(&tkhd)?;
        let kind = handler_kind(&hdlr)?;
        let entry_index = table.sample_entry_index();
        let mut entry = SampleEntry::parse(&stsd, entry_index.unwrap_or(1), kind)?;
        if entry_index.is_none() {
            entry.codec = Codec::Unsupported { reason: "the codec's configuration changes midway" };
            entry.incomplete = None;
        }
        let frame_rate = frame_rate(&table, scale, kind);
        let kind = if entry.still && !is_film(&table, frame_rate) { TrackKind::Other } else { kind };
        let mut track = Track {
            codec_name: entry.name,
            language: language(&mdia, &mdhd),
            name: handler_name(&hdlr),
            default: enabled,
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
        let mut samples = Self::new(table, scale, edit);
        samples.incomplete = entry.incomplete;
        Ok((track, samples))
    }

    fn new(table: SampleTable, scale: Timescale, edit: EditList) -> Self {
        let decode_lead = -i64::from(table.lowest_offset().min(0));
        let mut this = Self { count: table.count(), table, scale, edit, decode_lead, incomplete: None };
        if let Some(end) = edit.end {
            this.count = this.count_until(end);
        }
        this
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

    pub(crate) const fn sample_count(&self) -> u32 {
        self.count
    }

    /// Bytes of the samples of `numbers`.
    pub(crate) fn size_of(&self, numbers: Range<u32>) -> u64 {
        self.table.size_of(numbers)
    }

    /// When the media tick `ticks` is on the presentation clock.
    fn presented(&self, ticks: i64) -> Time90k {
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
        self.samples(window).map(|sample| sample.pts).min()
    }

    pub(crate) fn end(&self) -> Option<Time90k> {
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
        let mut rising = self.table.sync_samples().take_while(|(number, _)| *number < self.count).filter_map(
            move |(number, time)| {
                let pts = self.presented(time);
                if last.is_some_and(|last| pts <= last) {
                    return None;
                }
                last = Some(pts);
                Some(Keyframe { pts, at: u64::from(number) })
            },
        );
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

/// `tkhd` (8.3.2): whether the track is enabled, and its number.
fn track_header(tkhd: &Child) -> Result<(bool, u32), Error> {
    let (version, mut reader) = tkhd.full()?;
    let enabled = tkhd.payload.get(3).is_some_and(|flags| flags & 1 == 1);
    reader.skip(if version == 1 { 16 } else { 8 })?;
    Ok((enabled, reader.u32()?))
}

/// How the matrix of `tkhd` (8.3.2) turns the picture; one that does anything else to it is passed over.
fn rotation(tkhd: &Child) -> Option<Rotation> {
    let (version, mut reader) = tkhd.full().ok()?;
    // Times, number and duration; reserved, layer, group, volume.
    reader.skip(if version == 1 { 32 } else { 20 } + 16).ok()?;
    let (a, b) = (reader.u32().ok()?, reader.u32().ok()?);
    reader.skip(4).ok()?;
    let (c, d) = (reader.u32().ok()?, reader.u32().ok()?);
    const ONE: u32 = 1 << 16;
    const MINUS: u32 = ONE.wrapping_neg();
    match (a, b, c, d) {
        (0, ONE, MINUS, 0) => Some(Rotation::Clockwise90),
        (MINUS, 0, 0, MINUS) => Some(Rotation::Half),
        (0, MINUS, ONE, 0) => Some(Rotation::Clockwise270),
        _ => None,
    }
}

/// Pictures that are each complete in itself may be a film as well: when there is one every second at least.
fn is_film(table: &SampleTable, frame_rate: Option<f64>) -> bool {
    table.count() > 1 && frame_rate.is_some_and(|rate| rate >= 1.0)
}

/// `hdlr` (8.4.3).
fn handler_kind(hdlr: &Child) -> Result<TrackKind, Error> {
    let (_, mut reader) = hdlr.full()?;
    reader.skip(4)?; // pre_defined; QuickTime: component type
    Ok(match &reader.u32()?.to_be_bytes() {
        b"vide" => TrackKind::Video,
        b"soun" => TrackKind::Audio,
        b"sbtl" | b"subt" | b"text" | b"subp" => TrackKind::Subtitle,
        _ => TrackKind::Other,
    })
}

/// The handler's name, when it is one that somebody gave: writers' default names say nothing.
fn handler_name(hdlr: &Child) -> Option<String> {
    let name = hdlr.payload.get(24..)?;
    let name = name.split(|byte| *byte == 0).find(|part| !part.is_empty())?;
    let name = std::str::from_utf8(name).ok()?.trim();
    // QuickTime counts the characters in a leading byte.
    let name = name.trim_start_matches(|c: char| c.is_control());
    let generic =
        name.is_empty() || name.to_ascii_lowercase().contains("handler") || name.starts_with("Core Media");
    (!generic && name.len() <= 256).then(|| name.to_owned())
}

/// `elng` (8.4.6), else the packed code of `mdhd` (8.4.2.3).
fn language(mdia: &Child, mdhd: &Child) -> Option<String> {
    if let Some(extended) = mdia.child(b"elng") {
        let tag = extended.payload.get(4..)?.split(|byte| *byte == 0).next()?;
        let tag = std::str::from_utf8(tag).ok()?;
        if (2..=35).contains(&tag.len()) {
            return Some(tag.to_owned());
        }
    }
    let (version, mut reader) = mdhd.full().ok()?;
    reader.skip(if version == 1 { 28 } else { 16 }).ok()?;
    let packed = reader.u16().ok()?;
    let letter = |shift: u32| u8::try_from(packed >> shift & 31).map(|code| char::from(code + 0x60));
    let code: String = [letter(10), letter(5), letter(0)].into_iter().flatten().collect();
    let valid = packed >= 0x400 && code.chars().all(|c| c.is_ascii_lowercase()) && code != "und";
    valid.then_some(code)
}

/// Average frame rate of a video track.
fn frame_rate(table: &SampleTable, scale: Timescale, kind: TrackKind) -> Option<f64> {
    let count = table.count();
    if kind != TrackKind::Video || count == 0 {
        return None;
    }
    let length = scale.to_90k(table.decode_time(count)).seconds();
    Some(f64::from(count) / length).filter(|rate| rate.is_finite() && (0.1..=1000.0).contains(rate))
}
