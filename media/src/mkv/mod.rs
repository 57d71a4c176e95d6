//! Matroska and WebM (RFC 9559 on RFC 8794).
//!
//! ```text
//! ebml       element headers and values          layout    where things are: EBML header, SeekHead, Info
//! tracks     TrackEntry -> Track                 encoding  header stripping, zlib
//! cues       the index, and whether to trust it  start     when each track begins
//! ending      when the film ends                   scan      an index made from the clusters
//! cluster    walking blocks                      block     block headers, the three lacings
//! chapters   places with names                  tags, rates  how large each track is
//! keyframe   one by itself
//! timing     the grid of times, decoding times   samples   one span: its bytes and its samples
//! ```
//!
//! Opening reads the head of the file, the Cues wherever they are, and headers of the first blocks; of the clusters
//! no more than that, but for the case below. What a file calls a Segment is its body here: a segment is always one of
//! HLS.
//!
//! # Which index is used
//!
//! | the file has | then |
//! |---|---|
//! | Cues of the track that is cut, in order, inside the file, no more than 30 s apart and up to 30 s before the end | they are the index ([`cues`]) |
//! | no Cues, or none that can be believed; at most 30 s and 64 MiB | it is one segment |
//! | no Cues, or none that can be believed; longer, or of unknown length | `NoIndex`: a [`scan`] finds the keyframes and the end |
//! | Cues that name a picture that is no keyframe, or a block that is not there | `NoIndex` when the segment is made, then as above |
//! | good Cues, but no Duration, or one that is not within 30 s behind the last cue | the blocks behind the last cue tell the end exactly, if they are at most 32 MiB ([`ending`]); else `NoIndex` |
//! | a body that is longer than the file (it was cut short) | no Duration; Cues behind the end are left out, the rest as above |
//! | a place that is damaged | what lies between it and the next cluster is left out ([`cluster`]) |
//! | after a scan: keyframes more than two minutes apart, or a clock that goes back | refused with the reason |
//!
//! Where Cues and Duration are believed, the Duration is the end of the last segment: of all that a playlist promises,
//! only that segment's length is not proven by the index.

mod attachments;
mod block;
mod chapters;
mod cluster;
mod cues;
mod ebml;
mod encoding;
mod ending;
mod keyframe;
mod layout;
mod learn_video;
mod rates;
mod samples;
mod scan;
mod start;
mod tags;
#[cfg(test)]
mod tests;
mod timing;
mod tracks;

use crate::chapters::Chapter;
use crate::error::{Error, ErrorKind};
use crate::source::{ByteSource, Stop};
use crate::time::Time90k;
use crate::track::{Codec, Keyframe, Track, TrackId, TrackKind};
use cluster::Cluster;
use cues::Cue;
use ebml::{Element, View, id};
use encoding::Undo;
use layout::Layout;
use rates::Rate;
pub(crate) use scan::MkvScan;
use start::First;
use std::collections::BTreeSet;
use std::ops::Range;
use timing::{Clock, Step};
use tracks::Entry;

/// Nanoseconds of a tick when TimestampScale does not say.
const DEFAULT_TICK: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;
/// The longest file that is one segment when there is no index.
const SHORT: i64 = 30 * SECOND;
/// And the largest.
const SHORT_BYTES: u64 = 64 << 20;
/// How many pictures are taken to be out of order in a codec that is not understood.
const UNKNOWN_REORDER: u32 = 4;

/// What is known of a Matroska file without its clusters.
#[derive(Debug, Clone)]
pub(crate) struct MkvFile {
    tracks: Vec<Track>,
    /// For each of `tracks`.
    details: Vec<Detail>,
    /// For each of `tracks`.
    rates: Vec<Rate>,
    chapters: Vec<Chapter>,
    /// By track and time. A keyframe's `at` is an index here and 1 more; 0 stands for the first cluster.
    cues: Vec<Cue>,
    /// Why there are no cues.
    no_cues: Error,
    /// Nanoseconds of a tick (TimestampScale).
    tick: i64,
    /// Nanoseconds (Info.Duration).
    duration: Option<i64>,
    /// When the last frame ends, where that was seen in the clusters (see [`scan`] and [`ending`]).
    end: Option<Time90k>,
    /// True when the cues were made from the clusters and are all of them (see [`scan`]).
    scanned: bool,
    body: Range<u64>,
    /// Where the first cluster is, the end of the body when there is none.
    first_cluster: u64,
    /// Ticks of the first cluster.
    first_time: i64,
    /// See [`Layout::others`].
    others: Vec<u64>,
    /// Where Attachments are said to be.
    attachments: Vec<u64>,
}

/// What reading a track's frames needs.
#[derive(Debug, Clone)]
struct Detail {
    kind: TrackKind,
    clock: Clock,
    /// The codec of a track whose frames tell their length.
    varying: Option<Codec>,
    first: Option<First>,
    /// Nanoseconds.
    codec_delay: i64,
    encodings: Vec<Undo>,
    /// How long decoding runs ahead of showing.
    reorder_delay: Time90k,
}

impl MkvFile {
    /// Reads all but the clusters.
    ///
    /// # Errors
    /// `Malformed`, `Truncated` or `Limit` when it is no Matroska file or its header or Tracks cannot be read.
    /// An index that is missing or bad is told by [`MkvFile::keyframes`].
    pub(crate) fn open(src: &dyn ByteSource) -> Result<Self, Stop> {
        let layout = Layout::read(src)?;
        let mut entries = tracks::parse(&layout.tracks.element())?;
        let (tick, duration) = read_info(layout.info.as_ref().map(layout::Part::element).as_ref());
        let can_be_cut = |track: &&Track| matches!(track.kind, TrackKind::Video | TrackKind::Audio);
        let tracks = entries.iter().map(|entry| &entry.track);
        let cut: BTreeSet<u64> = tracks.filter(can_be_cut).map(|track| track.id.0).collect();
        let is_cut = |track| cut.contains(&track);
        let cues = layout.cues.and_then(|part| cues::parse(&part.element(), layout.body.start, is_cut));
        let view = View::new(src, layout.body.end);
        let (firsts, first_time) = match layout.first_cluster {
            Some(at) => {
                let firsts = start::learn(&view, at, &mut entries)?;
                learn_video::learn(&view, at, &mut entries)?;
                (firsts, first_time(&view, at)?)
            }
            None => (vec![None; entries.len()], 0),
        };
        let front = View::new(src, layout.body.end.min(layout::FIRST_READ));
        let measured = rates::measure(&front, layout.first_cluster.unwrap_or(front.end), &entries, tick)?;
        let (cues, no_cues) = match cues {
            Ok(cues) => (cues, Error::no_index("the index (Cues) has no entries for this track")),
            Err(error) if error.kind == ErrorKind::NoIndex => (Vec::new(), error),
            Err(_) => (Vec::new(), Error::no_index("the index (Cues) is damaged")),
        };
        let mut file = Self {
            tracks: Vec::with_capacity(entries.len()),
            details: Vec::with_capacity(entries.len()),
            rates: Vec::with_capacity(entries.len()),
            chapters: layout.chapters.map(|part| chapters::parse(&part.element())).unwrap_or_default(),
            cues,
            no_cues,
            tick,
            duration,
            end: None,
            scanned: false,
            first_cluster: layout.first_cluster.unwrap_or(layout.body.end),
            body: layout.body,
            first_time,
            others: layout.others,
            attachments: layout.attachments,
        };
        let sizes = layout.tags.map(|part| tags::statistics(&part.element(), src.len())).unwrap_or_default();
        let seconds = file.duration().map(Time90k::seconds);
        for ((entry, first), measured) in entries.into_iter().zip(firsts).zip(measured) {
            let size = sizes.iter().find(|size| size.uid == entry.uid).map(|size| size.bytes);
            file.rates.push(Rate::of(&entry, size, seconds, measured));
            let detail = file.detail_of(&entry, first);
            file.details.push(detail);
            file.tracks.push(entry.track);
        }
        ending::learn(&mut file, &view, layout.cut_short)?;
        Ok(file)
    }

    /// Places with names, on the presentation clock.
    pub(crate) fn chapters(&self) -> &[Chapter] {
        &self.chapters
    }

    /// The tracks in the order of the file.
    pub(crate) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Info.Duration, which some muxers count from 0, some from the first frame (see [`MkvFile::end`]); where that is
    /// missing or wrong and the last frame was seen, when that ends.
    pub(crate) fn duration(&self) -> Option<Time90k> {
        if self.end.is_some() {
            return self.end;
        }
        self.duration.map(|nanos| Time90k::from_ratio(nanos.into(), SECOND.into()))
    }

    /// When the first frame of `track` is shown, as far as it is known without the clusters.
    pub(crate) fn start(&self, track: TrackId) -> Option<Time90k> {
        let detail = self.detail(track)?;
        Some(detail.instant(self.nanos(detail.first?.ticks)))
    }

    /// When the presentation ends: one time for all tracks, for the file does not tell more.
    pub(crate) fn end(&self, track: TrackId) -> Option<Time90k> {
        if self.end.is_some() {
            return self.end;
        }
        self.end_nanos(track).map(|nanos| Time90k::from_ratio(nanos.into(), SECOND.into()))
    }

    /// Where `track` can be cut, by the index, in strictly rising order.
    ///
    /// # Errors
    /// `NoIndex` with the reason when there is no index that can be trusted; `Malformed` when there is
    /// nothing to cut.
    pub(crate) fn keyframes(&self, track: TrackId) -> Result<Vec<Keyframe>, Error> {
        let detail = self.detail(track).ok_or(Error::unsupported("the file has no such track"))?;
        self.check_clusters()?;
        let start = self.nanos(detail.first.map_or(self.first_time, |first| first.ticks));
        let begins_on_key = detail.first.is_none_or(|first| first.may_be_key);
        let beginning = Keyframe { pts: detail.instant(start), at: 0 };
        let (offset, cues) = self.cues_of(track);
        if self.scanned {
            return self.scanned_keyframes(detail, offset, cues);
        }
        let verdict = if cues.is_empty() {
            Err(self.no_cues)
        } else {
            cues::check(cues, self.tick, &(self.first_cluster..self.body.end), start, self.end_nanos(track))
        };
        if let Err(error) = verdict {
            // One segment that is the whole file needs no index.
            let length = self.end_nanos(track).map(|end| end.saturating_sub(start));
            let is_short = length.is_some_and(|length| (SECOND / 10..=SHORT).contains(&length))
                && self.body.end.saturating_sub(self.first_cluster) <= SHORT_BYTES;
            return if is_short && begins_on_key { Ok(vec![beginning]) } else { Err(error) };
        }
        let mut keyframes = Vec::with_capacity(cues.len() + 1);
        let lead = cues.first().map_or(0, |cue| self.time_of(cue).saturating_sub(start));
        if lead > 0 && begins_on_key {
            keyframes.push(beginning);
        }
        self.push_cues(&mut keyframes, detail, offset, cues);
        Ok(keyframes)
    }

    fn scanned_keyframes(&self, detail: &Detail, offset: u64, cues: &[Cue]) -> Result<Vec<Keyframe>, Error> {
        if cues.is_empty() {
            return Err(Error::unsupported("no picture or sound to start from in all of the file"));
        }
        let mut keyframes = Vec::with_capacity(cues.len());
        self.push_cues(&mut keyframes, detail, offset, cues);
        Ok(keyframes)
    }

    /// Adds the keyframes of `cues`, the first of which is number `offset` of the file's, leaving out what is not
    /// later than the one before.
    fn push_cues(&self, keyframes: &mut Vec<Keyframe>, detail: &Detail, offset: u64, cues: &[Cue]) {
        for (cue, at) in cues.iter().zip(offset + 1..) {
            let pts = detail.instant(self.time_of(cue));
            if keyframes.last().is_none_or(|last: &Keyframe| last.pts < pts) {
                keyframes.push(Keyframe { pts, at });
            }
        }
    }

    fn check_clusters(&self) -> Result<(), Error> {
        if self.first_cluster >= self.body.end {
            return Err(Error::malformed("a file without any Cluster", self.body.start));
        }
        Ok(())
    }

    /// The end in nanoseconds, where Info.Duration must do for it: it counts from 0, but some muxers count it from the first frame, and then keyframes
    /// of `track` lie behind it.
    fn end_nanos(&self, track: TrackId) -> Option<i64> {
        if let Some(end) = self.end {
            return Some(end.0.saturating_mul(100_000) / 9);
        }
        let start = self.nanos(self.first_time);
        let last = self.cues_of(track).1.last().map_or(start, |cue| self.time_of(cue));
        self.duration.map(|length| if length <= last { start.saturating_add(length) } else { length })
    }

    /// The cues of a track, and the index of the first.
    fn cues_of(&self, track: TrackId) -> (u64, &[Cue]) {
        let start = self.cues.partition_point(|cue| cue.track < track.0);
        let end = self.cues.partition_point(|cue| cue.track <= track.0);
        (start as u64, self.cues.get(start..end).unwrap_or_default())
    }

    fn detail(&self, track: TrackId) -> Option<&Detail> {
        self.tracks.iter().zip(&self.details).find(|(entry, _)| entry.id == track).map(|(_, detail)| detail)
    }

    /// Puts the grid of pictures' times where the first keyframe is, after the cues have changed.
    fn set_origins(&mut self) {
        let firsts: Vec<Option<i64>> = self
            .tracks
            .iter()
            .map(|track| self.cues_of(track.id).1.first().map(|cue| self.time_of(cue)))
            .collect();
        for (detail, first) in self.details.iter_mut().zip(firsts) {
            if detail.kind == TrackKind::Video && matches!(detail.clock.step, Step::Nanos(_)) {
                detail.clock.origin = first.or(detail.clock.origin);
            }
        }
    }

    const fn nanos(&self, ticks: i64) -> i64 {
        ticks.saturating_mul(self.tick)
    }

    const fn time_of(&self, cue: &Cue) -> i64 {
        self.nanos(cue.time)
    }

    fn detail_of(&self, entry: &Entry, first: Option<First>) -> Detail {
        let step = Step::of(&entry.track.codec, entry.default_duration);
        let begins = first.map(|first| self.nanos(first.ticks));
        let origin = match (entry.track.kind, step) {
            (TrackKind::Video, Step::Nanos(_)) => {
                self.cues_of(entry.track.id).1.first().map(|cue| self.time_of(cue)).or(begins)
            }
            (TrackKind::Audio, Step::Sound { .. } | Step::Varying { .. }) => {
                begins.map(|time| time.saturating_sub(entry.codec_delay))
            }
            _ => None,
        };
        let depth = match &entry.track.codec {
            Codec::H264(config) => config.picture.reorder_depth,
            Codec::Hevc(config) => config.reorder_depth,
            Codec::Av1(_) | Codec::Vp9(_) => 0,
            _ => UNKNOWN_REORDER,
        };
        let frame = entry.default_duration.unwrap_or_else(|| frame_nanos(entry.track.frame_rate));
        Detail {
            kind: entry.track.kind,
            clock: Clock { origin, step },
            varying: matches!(step, Step::Varying { .. }).then(|| entry.track.codec.clone()),
            first,
            codec_delay: entry.codec_delay,
            encodings: entry.encodings.clone(),
            reorder_delay: Time90k::from_ratio(i128::from(depth) * i128::from(frame), SECOND.into()),
        }
    }
}

impl Detail {
    /// The instant of what the file says is at `time` nanoseconds.
    fn instant(&self, time: i64) -> Time90k {
        self.clock.instant(time.saturating_sub(self.codec_delay))
    }
}

/// Nanoseconds of a frame, of 1/25 s when the rate is not known.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn frame_nanos(rate: Option<f64>) -> u64 {
    rate.filter(|rate| (0.1..=1000.0).contains(rate)).map_or(40_000_000, |rate| (1e9 / rate).round() as u64)
}

/// The first cluster's Timestamp in ticks, 0 when it cannot be read.
fn first_time(view: &View<'_>, at: u64) -> Result<i64, Stop> {
    match Cluster::open(view, at) {
        Ok(cluster) => Ok(cluster.time().and_then(|time| i64::try_from(time).ok()).unwrap_or(0)),
        Err(Stop::Fail(_)) => Ok(0),
        Err(need) => Err(need),
    }
}

/// TimestampScale and Duration, both in nanoseconds. What is absurd counts as missing.
fn read_info(info: Option<&Element<'_>>) -> (i64, Option<i64>) {
    let (mut tick, mut duration) = (DEFAULT_TICK, None);
    for child in info.into_iter().flat_map(Element::children).flatten() {
        match child.id {
            id::TIMESTAMP_SCALE => {
                let scale = child.uint().ok().and_then(|scale| i64::try_from(scale).ok());
                tick = scale.filter(|scale| (1..=10 * SECOND).contains(scale)).unwrap_or(DEFAULT_TICK);
            }
            id::DURATION => duration = child.float().ok(),
            _ => {}
        }
    }
    (tick, duration.and_then(|ticks| duration_nanos(ticks, tick)))
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "checked to be in range")]
fn duration_nanos(ticks: f64, tick: i64) -> Option<i64> {
    // Up to a year.
    let nanos = ticks * tick as f64;
    (nanos > 0.0 && nanos < 3.2e16).then_some(nanos as i64)
}
