//! What `open` learns of the fragments behind `moov`: the best index that the file has of them.
//!
//! 1. `sidx`, where it covers all of the file's fragments;
//! 2. `mfra` at the end of the file;
//! 3. a walk over the fragments, where they are few.
//!
//! Both tables are trusted only when they agree with the first fragments, and `mfra` with the last one too: what they
//! say of the others is checked when a segment is made. Where nothing of that is there, only a walk over the
//! whole file (a scan) tells where it can be cut.

use super::fragment_index::{Entry, TrackFragments};
use super::fragment_walk::{FragmentWalk, WalkedTrack, meet, read_header};
use super::random_access;
use super::segment_index::TrackPieces;
use crate::error::{Error, ErrorKind};
use crate::source::{ByteSource, Stop};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Boxes between `moov` and the first fragment, and in search of a piece's `moof`.
const MAX_BOXES_AHEAD: usize = 1_024;
const MAX_SIDX_BOXES: usize = 64;
/// How far a walk goes when a film is opened.
const MAX_FRAGMENTS: u32 = 48;
const MAX_BYTES: u64 = 1 << 20;
/// Fragments that tell how large they are in this file, and when each track begins.
const FIRST_FRAGMENTS: u32 = 4;

const NO_INDEX: Error =
    Error::no_index("the file has no index of its fragments: only all of it tells where it can be cut");

/// The fragments of a file.
#[derive(Debug, Clone)]
pub(super) struct Fragments {
    /// In the order of the tracks.
    pub(super) walked: Arc<[WalkedTrack]>,
    /// Offset of the first `moof`.
    pub(super) first: u64,
    /// Offset up to which fragments are known: they end there, or the file is cut short.
    pub(super) stop: u64,
    /// True when all of them were walked over: then the index says what they say.
    pub(super) is_walked: bool,
    /// Why they cannot be planned; else the index is complete.
    pub(super) fault: Option<Error>,
}

impl Fragments {
    /// The index says what is not so.
    pub(super) const fn lie(&self) -> Error {
        match self.is_walked {
            true => Error::unsupported("the fragments do not say when they are shown"),
            false => Error::no_index("the index names a place in the film where it cannot be entered"),
        }
    }
}

/// The fragments with what is known of each track, in their order.
pub(super) type Found = (Fragments, Vec<TrackFragments>);

/// A film's tracks as they are looked for in the fragments.
pub(super) struct Search {
    pub(super) walked: Arc<[WalkedTrack]>,
    /// Tracks whose beginning must be known, in their order.
    pub(super) audible: Vec<bool>,
    /// Tracks that may be cut at, in their order: an index without them is of no use.
    pub(super) cut: Vec<bool>,
}

impl Search {
    /// Looks behind `moov`, which ends at `from`; `None` when there are no fragments.
    pub(super) fn run(&self, src: &dyn ByteSource, from: u64) -> Result<Option<Found>, Stop> {
        let Some((first, indexes)) = boxes_ahead(src, from)? else { return Ok(None) };
        let mut walk = FragmentWalk::new(self.walked.clone(), first);
        let mut more = true;
        while more && walk.fragments < MAX_FRAGMENTS && walk.bytes < MAX_BYTES && !self.all_began(&walk) {
            more = match walk.advance(src) {
                Err(Stop::Fail(error)) => return Ok(Some(self.refuse(first, walk, error))),
                other => other?,
            };
        }
        if let Some(found) = self.by_segment_index(src, &walk, &indexes)? {
            return Ok(Some(found));
        }
        if let Some(found) = self.by_random_access(src, &walk)? {
            return Ok(Some(found));
        }
        while more {
            let rest = src.len().saturating_sub(walk.pos);
            let is_known = walk.fragments >= FIRST_FRAGMENTS;
            let too_many = is_known && rest / walk.mean().max(1) > u64::from(MAX_FRAGMENTS);
            if too_many || walk.fragments >= MAX_FRAGMENTS || walk.bytes >= MAX_BYTES {
                return Ok(Some(self.refuse(first, walk, NO_INDEX)));
            }
            more = match walk.advance(src) {
                Err(Stop::Fail(error)) => return Ok(Some(self.refuse(first, walk, error))),
                other => other?,
            };
        }
        Ok(Some(whole(&walk)))
    }

    fn all_began(&self, walk: &FragmentWalk) -> bool {
        let mut pairs = self.audible.iter().zip(&walk.found);
        pairs.all(|(audible, found)| !audible || found.first.is_some())
    }

    fn refuse(&self, first: u64, walk: FragmentWalk, fault: Error) -> Found {
        let walked = self.walked.clone();
        // An end that is not the file's would be shown as the film's.
        let tracks = walk.found.into_iter().map(|track| TrackFragments { end: None, ..track }).collect();
        (Fragments { walked, first, stop: walk.pos, is_walked: false, fault: Some(fault) }, tracks)
    }

    /// True when every track that is cut at has entries.
    fn is_enough(&self, tracks: &[TrackFragments]) -> bool {
        self.cut.iter().zip(tracks).all(|(cut, track)| !cut || !track.entries.is_empty())
    }

    /// The index that `sidx` gives, where it covers the file and is true.
    fn by_segment_index(
        &self,
        src: &dyn ByteSource,
        walk: &FragmentWalk,
        indexes: &[u64],
    ) -> Result<Option<Found>, Stop> {
        let mut all = Vec::new();
        for at in indexes {
            match TrackPieces::read(src, *at) {
                Ok(pieces) => all.push(pieces),
                Err(Stop::Fail(_)) => return Ok(None),
                Err(need) => return Err(need),
            }
        }
        let first = walk.first.unwrap_or(walk.pos);
        let pieces = || all.iter().flat_map(|track| &track.pieces);
        let (Some(start), Some(end)) =
            (pieces().map(|piece| piece.at).min(), pieces().map(|piece| piece.end).max())
        else {
            return Ok(None);
        };
        if start > first || !only_other_boxes(src, end)? {
            return Ok(None);
        }
        let mut tracks = bare(&walk.found);
        let mut stop = end.min(src.len());
        for own in &all {
            let Some(index) = self.walked.iter().position(|track| track.defaults.track == own.track) else {
                continue;
            };
            let (Some(walked), Some(track)) = (self.walked.get(index), tracks.get_mut(index)) else {
                continue;
            };
            // Rounded to another clock, times would be off by more and more.
            if own.timescale != walked.timescale || !track.entries.is_empty() {
                return Ok(None);
            }
            let whole = own.pieces.iter().take_while(|piece| piece.end <= src.len()).count();
            for piece in own.pieces.iter().take(whole).filter(|piece| piece.sync) {
                track.push(Entry { time: piece.time, at: piece.at, skip: 0 }, 0)?;
            }
            track.end = own
                .pieces
                .get(..whole)
                .and_then(|whole| whole.last())
                .map(|last| last.time.saturating_add(last.duration));
            if let Some(cut_off) = own.pieces.get(whole) {
                stop = stop.min(cut_off.at);
            }
            if !self.is_true(src, index, track, &[0, 1])? {
                return Ok(None);
            }
        }
        if !self.is_enough(&tracks) {
            return Ok(None);
        }
        let walked = self.walked.clone();
        Ok(Some((Fragments { walked, first, stop, is_walked: false, fault: None }, tracks)))
    }

    /// The index that `mfra` gives, where it is true.
    fn by_random_access(&self, src: &dyn ByteSource, walk: &FragmentWalk) -> Result<Option<Found>, Stop> {
        let Some((stop, all)) = random_access::read(src)? else { return Ok(None) };
        let first = walk.first.unwrap_or(walk.pos);
        let mut tracks = bare(&walk.found);
        for own in &all {
            let index = self.walked.iter().position(|track| track.defaults.track == own.track);
            let Some((index, track)) = index.and_then(|index| Some((index, tracks.get_mut(index)?))) else {
                continue;
            };
            for point in own.points.iter().filter(|point| point.at >= first && point.at < stop) {
                track.push(*point, 0)?;
            }
            let last = track.entries.len().saturating_sub(1);
            if !self.is_true(src, index, track, &[0, 1, last])? {
                return Ok(None);
            }
        }
        if !self.is_enough(&tracks) {
            return Ok(None);
        }
        // The table does not say when the last fragments end: they do.
        let last = self.cut.iter().zip(&tracks).filter(|(cut, _)| **cut);
        let last = last.filter_map(|(_, track)| track.entries.last().map(|entry| entry.at)).min();
        let mut tail = FragmentWalk::new(self.walked.clone(), last.unwrap_or(first));
        while tail.pos < stop {
            if tail.fragments >= MAX_FRAGMENTS || tail.bytes >= MAX_BYTES {
                return Ok(None);
            }
            match tail.advance(src) {
                Ok(true) => {}
                Ok(false) | Err(Stop::Fail(_)) => return Ok(None),
                Err(need) => return Err(need),
            }
        }
        for (track, found) in tracks.iter_mut().zip(&tail.found) {
            track.end = found.end;
            track.lowest_offset = track.lowest_offset.min(found.lowest_offset);
        }
        let walked = self.walked.clone();
        Ok(Some((Fragments { walked, first, stop, is_walked: false, fault: None }, tracks)))
    }

    /// True when the entries of those numbers are random access points at the time they say. Some writers count
    /// before an edit list, others after it: the first entry tells, and all are moved to the media's own time.
    fn is_true(
        &self,
        src: &dyn ByteSource,
        index: usize,
        track: &mut TrackFragments,
        numbers: &[usize],
    ) -> Result<bool, Stop> {
        for (turn, number) in numbers.iter().enumerate() {
            let Some(entry) = track.entries.get(*number).copied() else { continue };
            let Some(seen) = self.look(src, index, &entry)? else { return Ok(false) };
            track.lowest_offset = track.lowest_offset.min(seen.lowest_offset);
            if !seen.sync {
                return Ok(false);
            }
            if entry.time == seen.time || entry.time == seen.earliest {
                continue;
            }
            if turn > 0 {
                return Ok(false);
            }
            let shift = seen.time.saturating_sub(entry.time);
            track.end = track.end.map(|end| end.saturating_add(shift));
            for entry in &mut track.entries {
                entry.time = entry.time.saturating_add(shift);
            }
        }
        Ok(true)
    }

    /// The first fragment of a track at or behind an entry.
    fn look(&self, src: &dyn ByteSource, index: usize, entry: &Entry) -> Result<Option<Look>, Stop> {
        let Some(walked) = self.walked.get(index) else { return Ok(None) };
        let mut at = entry.at;
        for _ in 0..MAX_FRAGMENTS {
            let met = match meet(src, at, &self.walked) {
                Ok(ControlFlow::Continue(met)) => met,
                Ok(ControlFlow::Break(())) | Err(Stop::Fail(_)) => return Ok(None),
                Err(need) => return Err(need),
            };
            let mut own = met.fragments.iter().filter(|fragment| fragment.track == walked.defaults.track);
            if let Some(fragment) = own.find(|fragment| !fragment.samples.is_empty()) {
                let Some(base) = fragment.time else { return Ok(None) };
                let times = fragment
                    .samples
                    .iter()
                    .map(|sample| base.saturating_add(sample.after).saturating_add(i64::from(sample.offset)));
                let (Some(time), Some(earliest)) = (times.clone().next(), times.min()) else {
                    return Ok(None);
                };
                let sync = fragment.samples.first().is_some_and(|sample| sample.sync);
                let lowest_offset =
                    fragment.samples.iter().map(|sample| sample.offset).min().unwrap_or(0).min(0);
                return Ok(Some(Look { sync, time, earliest, lowest_offset }));
            }
            at = met.end;
        }
        Ok(None)
    }
}

/// What a fragment begins with.
struct Look {
    sync: bool,
    /// When its first sample in decode order is shown.
    time: i64,
    /// When its first sample in order of presentation is.
    earliest: i64,
    lowest_offset: i32,
}

/// The index of a film of which all fragments were walked over.
pub(super) fn whole(walk: &FragmentWalk) -> Found {
    let first = walk.first.unwrap_or(walk.pos);
    let fragments = Fragments { walked: walk.tracks(), first, stop: walk.pos, is_walked: true, fault: None };
    (fragments, walk.found.clone())
}

/// What the first fragments tell that no table does.
fn bare(found: &[TrackFragments]) -> Vec<TrackFragments> {
    found.iter().map(|track| TrackFragments { entries: Vec::new(), end: None, ..track.clone() }).collect()
}

/// The first `moof` at or behind `at`, and the segment indexes before it.
fn boxes_ahead(src: &dyn ByteSource, mut at: u64) -> Result<Option<(u64, Vec<u64>)>, Stop> {
    let mut indexes = Vec::new();
    for _ in 0..MAX_BOXES_AHEAD {
        if at.saturating_add(8) > src.len() {
            return Ok(None);
        }
        let header = match read_header(src, at) {
            Ok(header) => header,
            Err(Stop::Fail(Error { kind: ErrorKind::Malformed | ErrorKind::Truncated, .. })) => {
                return Ok(None);
            }
            Err(stop) => return Err(stop),
        };
        match &header.kind {
            b"moof" => return Ok(Some((at, indexes))),
            b"sidx" if indexes.len() < MAX_SIDX_BOXES => indexes.push(at),
            _ => {}
        }
        at = header.end;
    }
    Ok(None)
}

/// True when nothing is behind `at` that could be a part of the film.
fn only_other_boxes(src: &dyn ByteSource, mut at: u64) -> Result<bool, Stop> {
    for _ in 0..8 {
        if at.saturating_add(8) > src.len() {
            return Ok(true);
        }
        let header = match read_header(src, at) {
            Ok(header) => header,
            Err(Stop::Fail(_)) => return Ok(true),
            Err(need) => return Err(need),
        };
        if matches!(&header.kind, b"moof" | b"sidx" | b"styp" | b"moov" | b"mdat" | b"ftyp") {
            return Ok(false);
        }
        at = header.end;
    }
    Ok(false)
}
