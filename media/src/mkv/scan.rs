//! An index made by going through all clusters, for files that have none that can be trusted.
//!
//! Only headers are read: of elements, and of blocks. What is in the blocks is passed over; where it reaches beyond
//! what is here, the next bytes asked for are those behind it. What comes out has the form of Cues, each with the
//! place of its block, so that everything behind the index works as with the file's own.

use super::block::{BlockHead, MAX_BLOCK_HEAD};
use super::cluster::{BlockAt, Walk};
use super::cues::Cue;
use super::ebml::{Element, Head, View, id};
use super::{Detail, MkvFile, SECOND, Step as Frames};
use crate::error::Error;
use crate::source::{ByteSource, Step, Stop};
use crate::time::Time90k;
use crate::track::{Codec, Track, TrackKind};
use std::ops::Range;

/// What is asked for behind a jump (more than is ever looked at in one piece), and the most that is asked for at once.
const LEAST_ASK: u64 = 64 << 10;
pub(super) const MOST_ASK: u64 = 1 << 20;
/// How much of a frame is looked at: frames of sound say at their beginning how long they are.
const FRAME_START: u64 = 24;
/// Entries of one track. Where there are more, every other is forgotten until they are fewer.
const MAX_ENTRIES: usize = 100_000;
/// Sound can be cut at every frame, but is not.
const SOUND_DISTANCE: i64 = SECOND;
/// A last frame whose length nothing tells lasts as long as the one shown before it, but not longer than this,
const MAX_GUESS: i64 = SECOND;
/// and this long when it is the only one.
const LONE_FRAME: i64 = SECOND / 25;
/// Keyframes that are this much before the one in front of them are of another clock.
const MAX_BACKWARDS: i64 = SECOND;

/// A walk through all clusters of a file.
#[derive(Debug, Clone)]
pub(crate) struct MkvScan {
    file: MkvFile,
    walk: Walk,
    /// The block that the walk has passed and that is not wholly seen.
    block: Option<BlockScan>,
    tracks: Vec<TrackScan>,
    /// The last range that was asked for.
    asked: Range<u64>,
}

impl MkvFile {
    /// Begins to go through the clusters.
    pub(crate) fn scan(&self) -> MkvScan {
        self.scan_from(self.first_cluster)
    }

    /// Begins at the cluster at `from`.
    pub(super) fn scan_from(&self, from: u64) -> MkvScan {
        let has = |kind| self.tracks.iter().any(|track| track.kind == kind && track.codec.is_supported());
        let cut = if has(TrackKind::Video) { TrackKind::Video } else { TrackKind::Audio };
        let tracks = self.tracks.iter().map(|track| TrackScan {
            number: track.id.0,
            is_cut: track.kind == cut,
            counts: matches!(track.kind, TrackKind::Video | TrackKind::Audio) && track.codec.is_supported(),
            distance: if cut == TrackKind::Audio { SOUND_DISTANCE } else { 1 },
            entries: Vec::new(),
            end: None,
            endless: [None; 2],
        });
        MkvScan {
            walk: Walk::new(from),
            block: None,
            tracks: tracks.collect(),
            asked: 0..0,
            file: self.clone(),
        }
    }
}

impl MkvScan {
    /// See [`Scan::step`](crate::scan::Scan::step).
    pub(crate) fn step(&mut self, src: &dyn ByteSource) -> Result<Step<MkvFile>, Error> {
        let view = View::new(src, self.file.body.end);
        match self.run(&view) {
            Ok(()) => self.finish().map(Step::Done),
            Err(Stop::Need(_)) => Ok(Step::Need(self.ask(view.end))),
            Err(Stop::Fail(error)) => Err(error),
        }
    }

    /// See [`Scan::position`](crate::scan::Scan::position).
    pub(crate) fn position(&self) -> u64 {
        let pos = self.block.as_ref().map_or_else(|| self.walk.pos(), |block| block.pos);
        pos.min(self.end())
    }

    /// See [`Scan::len`](crate::scan::Scan::len).
    pub(crate) const fn end(&self) -> u64 {
        self.file.body.end
    }

    /// See [`Scan::lost`](crate::scan::Scan::lost).
    pub(crate) const fn lost(&self) -> u64 {
        self.walk.lost()
    }

    /// What to ask for where bytes are missing: from the header on that is looked at, for it is looked at again.
    /// Twice as much as before where the walk goes on there, and little again where it has jumped.
    fn ask(&mut self, end: u64) -> Range<u64> {
        let (start, before) = (self.position(), self.asked.end - self.asked.start);
        let goes_on = start <= self.asked.end;
        let len = if goes_on { (before * 2).clamp(LEAST_ASK, MOST_ASK) } else { LEAST_ASK };
        self.asked = start..start.saturating_add(len).min(end);
        self.asked.clone()
    }

    /// Goes on to the end of `view`.
    pub(super) fn run(&mut self, view: &View<'_>) -> Result<(), Stop> {
        loop {
            if self.block.is_none() {
                self.walk.rest();
                let Some(at) = self.walk.next(view, view.end)? else {
                    return Ok(());
                };
                self.block = Some(BlockScan::new(at));
            }
            if let Some(block) = &mut self.block {
                block.read(view, self.walk.from())?;
            }
            let block = self.block.take();
            if let Some(seen) = block.as_ref().and_then(|block| block.seen(&self.file)) {
                self.take(&seen)?;
            }
        }
    }

    fn take(&mut self, seen: &Seen<'_>) -> Result<(), Error> {
        let tracks = self.tracks.iter_mut().zip(self.file.tracks.iter().zip(&self.file.details));
        let mut tracks = tracks.filter(|(track, _)| track.number == seen.cue.track);
        let Some((track, (known, detail))) = tracks.next() else {
            return Ok(());
        };
        if !track.counts && !track.is_cut {
            return Ok(());
        }
        let time = self.file.time_of(&seen.cue);
        match length(seen, known, detail, self.file.tick) {
            Some(length) => track.see_end(time.saturating_add(length)),
            None => track.see_endless(time),
        }
        if track.is_cut && (seen.key || detail.kind == TrackKind::Audio) {
            track.enter(seen.cue, self.file.tick)?;
        }
        Ok(())
    }

    /// When the last frame that was seen ends.
    pub(super) fn last_end(&self) -> Option<Time90k> {
        let tracks = self.tracks.iter().zip(&self.file.details).filter(|(track, _)| track.counts);
        tracks.filter_map(|(track, detail)| Some(detail.instant(track.last_end()?))).max()
    }

    /// The last keyframe of `track` that was seen.
    pub(super) fn last_entry(&self, track: u64) -> Option<&Cue> {
        self.tracks.iter().find(|entry| entry.number == track)?.entries.last()
    }

    fn finish(&self) -> Result<MkvFile, Error> {
        let nothing = Error::unsupported("no picture or sound that could be played in all of the file");
        let end = self.last_end().ok_or(nothing)?;
        let mut cues: Vec<Cue> = self.tracks.iter().flat_map(|track| track.entries.iter().copied()).collect();
        cues.sort_by_key(|cue| (cue.track, cue.time));
        let mut file = MkvFile { cues, end: Some(end), scanned: true, ..self.file.clone() };
        file.set_origins();
        Ok(file)
    }
}

/// Nanoseconds that the frames of a block last: as the file says, as the frame itself says where the last of a track
/// may be shorter than the others, or as frames of the track do.
fn length(seen: &Seen<'_>, track: &Track, detail: &Detail, tick: i64) -> Option<i64> {
    let said = seen.ticks.and_then(|ticks| ticks.checked_mul(tick)).filter(|length| *length > 0);
    if said.is_some() {
        return said;
    }
    let tells = matches!(track.codec, Codec::Opus(_) | Codec::Flac(_));
    let is_plain = seen.frames == 1 && detail.encodings.is_empty();
    let samples = if tells && is_plain { track.codec.samples_in(seen.start) } else { None };
    match (detail.clock.step, samples) {
        (Frames::Sound { rate, .. } | Frames::Varying { rate, .. }, Some(samples)) if rate > 0 => {
            Some(i64::from(samples).saturating_mul(SECOND) / i64::from(rate))
        }
        (Frames::Unknown | Frames::Varying { usual: 0, .. }, _) => None,
        (Frames::Varying { usual, .. }, _) => {
            Some(detail.clock.laced(0, 0, u64::from(usual).saturating_mul(seen.frames as u64)))
        }
        _ => Some(detail.clock.laced(0, seen.frames, 0)),
    }
}

/// What is known of one track so far.
#[derive(Debug, Clone)]
struct TrackScan {
    number: u64,
    /// The file may be cut at it.
    is_cut: bool,
    /// The presentation does not end before it.
    counts: bool,
    /// Entries are at least this far apart, in nanoseconds.
    distance: i64,
    entries: Vec<Cue>,
    /// When the last of the frames ends whose length is known, in nanoseconds.
    end: Option<i64>,
    /// When the last of the others begins, and the last but one.
    endless: [Option<i64>; 2],
}

impl TrackScan {
    fn see_end(&mut self, time: i64) {
        self.end = self.end.max(Some(time));
    }

    /// Frames are not stored in the order in which they are shown.
    fn see_endless(&mut self, time: i64) {
        let [last, before] = self.endless;
        if last < Some(time) {
            self.endless = [Some(time), last];
        } else if last > Some(time) && before < Some(time) {
            self.endless = [last, Some(time)];
        }
    }

    fn last_end(&self) -> Option<i64> {
        let [last, before] = self.endless;
        let gap = last.zip(before).map_or(LONE_FRAME, |(last, before)| last.saturating_sub(before));
        self.end.max(last.map(|last| last.saturating_add(gap.min(MAX_GUESS))))
    }

    /// Enters a keyframe unless it is too near to the last.
    fn enter(&mut self, cue: Cue, tick: i64) -> Result<(), Error> {
        if let Some(last) = self.entries.last() {
            let since = cue.time.saturating_sub(last.time).saturating_mul(tick);
            if since < -MAX_BACKWARDS {
                return Err(Error::unsupported(
                    "the file's clock goes back: it is several recordings in one",
                ));
            }
            if since < self.distance {
                return Ok(());
            }
        }
        if self.entries.len() >= MAX_ENTRIES {
            self.distance = self.distance.saturating_mul(2).max(SECOND / 4);
            self.thin(tick);
        }
        self.entries.push(cue);
        Ok(())
    }

    fn thin(&mut self, tick: i64) {
        let (distance, mut last) = (self.distance, None);
        self.entries.retain(|cue| {
            let far = last.is_none_or(|last| cue.time.saturating_sub(last).saturating_mul(tick) >= distance);
            if far {
                last = Some(cue.time);
            }
            far
        });
    }
}

/// What the headers of one block say.
struct Seen<'a> {
    cue: Cue,
    /// The first bytes behind the block's header.
    start: &'a [u8],
    key: bool,
    frames: usize,
    /// BlockDuration.
    ticks: Option<i64>,
}

/// A block on its way through the scan. What was read is kept, for the bytes before may be gone.
#[derive(Debug, Clone)]
struct BlockScan {
    at: BlockAt,
    /// The next child of a group.
    pos: u64,
    head: Option<BlockHead>,
    /// What follows the header.
    start: Vec<u8>,
    key: bool,
    ticks: Option<i64>,
}

impl BlockScan {
    const fn new(at: BlockAt) -> Self {
        Self { at, pos: at.element.data, head: None, start: Vec::new(), key: true, ticks: None }
    }

    /// Reads the headers. What is damaged counts as not there.
    fn read(&mut self, view: &View<'_>, from: u64) -> Result<(), Stop> {
        if !self.at.is_group() {
            return self.read_head(view, from, self.at.element.data, self.at.end);
        }
        while self.pos < self.at.end {
            let child = match view.head(self.pos, from) {
                Ok(Some(child)) => child,
                Ok(None) | Err(Stop::Fail(_)) => break,
                Err(need) => return Err(need),
            };
            let Some(end) = child.end().ok().filter(|end| *end <= self.at.end) else {
                break;
            };
            match child.id {
                id::BLOCK if self.head.is_none() => self.read_head(view, from, child.data, end)?,
                id::REFERENCE_BLOCK => self.key = false,
                id::BLOCK_DURATION => self.ticks = duration(view, from, &child, end)?,
                _ => {}
            }
            self.pos = end;
        }
        Ok(())
    }

    fn read_head(&mut self, view: &View<'_>, from: u64, data: u64, end: u64) -> Result<(), Stop> {
        let bytes =
            view.walk_bytes(data..data.saturating_add(MAX_BLOCK_HEAD + FRAME_START).min(end), from)?;
        if let Ok(head) = BlockHead::parse(&bytes, data) {
            self.head = Some(head);
            self.start = bytes.get(head.len()..).unwrap_or_default().to_vec();
            self.key = if self.at.is_group() { self.key } else { head.key_flag() };
        }
        Ok(())
    }

    /// What was seen; `None` when there is no block, or its time is beyond any film.
    fn seen(&self, file: &MkvFile) -> Option<Seen<'_>> {
        let head = self.head?;
        let more = self.start.first().filter(|_| head.is_laced());
        let frames = more.map_or(1, |more| usize::from(*more) + 1);
        let time = i64::try_from(self.at.ticks(&head)).ok()?;
        time.checked_mul(file.tick)?;
        let cue = Cue { track: head.track, time, cluster: self.at.cluster, relative: Some(self.at.relative) };
        Some(Seen { cue, start: &self.start, key: self.key, frames, ticks: self.ticks })
    }
}

fn duration(view: &View<'_>, from: u64, child: &Head, end: u64) -> Result<Option<i64>, Stop> {
    if end - child.data > 8 {
        return Ok(None);
    }
    let bytes = view.walk_bytes(child.data..end, from)?;
    let value = Element { id: child.id, at: child.data, data: &bytes }.uint();
    Ok(value.ok().and_then(|ticks| i64::try_from(ticks).ok()))
}
