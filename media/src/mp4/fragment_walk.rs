//! A walk over the boxes of a fragmented file: each `moof` is read, the media between are passed over.
//!
//! It can be left at any miss and goes on where it was.

use super::boxes::BoxHeader;
use super::fragment::{self, Defaults, TrackFragment};
use super::fragment_index::{Entry, TrackFragments};
use crate::error::{Error, ErrorKind};
use crate::source::{ByteSource, Stop};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The largest `moof` that is read: 20 minutes of film in one fragment.
const MAX_MOOF: u64 = (1 << 20) - NEXT_HEADER;
/// The header of the box behind a fragment is read with it.
const NEXT_HEADER: u64 = 16;
/// Read with a header: most fragments of a few seconds need no second read.
const HEAD: u64 = 4 << 10;
/// Where fragments are smaller than this on average, they are read together with the media between them.
const AHEAD: u64 = 64 << 10;
/// Top-level boxes of a file.
const MAX_BOXES: u32 = 4_000_000;
/// Samples of all tracks in a file.
const MAX_SAMPLES: u32 = 32_000_000;
/// How far from a track's beginning, in decode order, the picture may be that is shown first.
const REORDER_WINDOW: u64 = 32;
/// A step back in time of more than this many seconds is another recording.
const MAX_STEP_BACK: i64 = 1;

/// What the walk must know of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WalkedTrack {
    pub(super) defaults: Defaults,
    /// Ticks a second.
    pub(super) timescale: u32,
    /// Decode time at which the fragments go on, where they do not say it.
    pub(super) from: i64,
    /// Numbers of the sample entries that have the configuration that was read.
    pub(super) entries: Vec<u32>,
    /// Where `moov` ends: media of fragments lie behind.
    pub(super) media_from: u64,
}

impl WalkedTrack {
    /// Refuses a fragment that uses another configuration, or whose data cannot be where it says.
    pub(super) fn check(&self, fragment: &TrackFragment) -> Result<(), Error> {
        if !self.entries.is_empty() && !self.entries.contains(&fragment.entry) {
            return Err(Error::unsupported("the codec's configuration changes midway"));
        }
        let start = fragment.samples.iter().map(|sample| sample.range.start).min();
        match start.filter(|start| *start < self.media_from) {
            Some(start) => Err(Error::malformed("a fragment whose data lie before the index (moov)", start)),
            None => Ok(()),
        }
    }
}

/// A `moof` that was met.
#[derive(Debug)]
pub(super) struct Met {
    /// Offset of the box behind it.
    pub(super) end: u64,
    pub(super) fragments: Vec<TrackFragment>,
}

/// The box at `at`: `Continue` with a fragment, or with the end of any other box; `Break` where the file's boxes end.
pub(super) fn meet(
    src: &dyn ByteSource,
    at: u64,
    tracks: &[WalkedTrack],
) -> Result<ControlFlow<(), Met>, Stop> {
    let len = src.len();
    if at.saturating_add(8) > len {
        return Ok(ControlFlow::Break(()));
    }
    let header = match read_header(src, at) {
        Ok(header) => header,
        // Zeros or the like, where the file's writer was interrupted.
        Err(Stop::Fail(Error { kind: ErrorKind::Malformed | ErrorKind::Truncated, .. })) => {
            return Ok(ControlFlow::Break(()));
        }
        Err(stop) => return Err(stop),
    };
    if header.kind != *b"moof" {
        return Ok(ControlFlow::Continue(Met { end: header.end, fragments: Vec::new() }));
    }
    if header.end > len {
        return Ok(ControlFlow::Break(()));
    }
    if header.end - at > MAX_MOOF {
        return Err(Error::limit("a fragment's index (moof)", at).into());
    }
    src.read(at..len.min(header.end.saturating_add(NEXT_HEADER)))?;
    let moof = src.read(at..header.end)?;
    let head = usize::try_from(header.payload - at).unwrap_or(usize::MAX).min(moof.len());
    let defaults: Vec<Defaults> = tracks.iter().map(|track| track.defaults).collect();
    let fragments = fragment::parse(&moof.slice(head..), at, header.payload, len, &defaults)?;
    Ok(ControlFlow::Continue(Met { end: header.end, fragments }))
}

/// The header of the box at `at`; a miss asks for what is behind it as well.
pub(super) fn read_header(src: &dyn ByteSource, at: u64) -> Result<BoxHeader, Stop> {
    BoxHeader::read(src, at).map_err(|stop| match stop {
        Stop::Need(range) => Stop::Need(range.start..src.len().min(range.start.saturating_add(HEAD))),
        fault => fault,
    })
}

/// The walk and what it has found.
#[derive(Debug, Clone)]
pub(super) struct FragmentWalk {
    tracks: Arc<[WalkedTrack]>,
    /// Offset of the next box.
    pub(super) pos: u64,
    /// Offset of the first `moof`.
    pub(super) first: Option<u64>,
    /// How many `moof` were read.
    pub(super) fragments: u32,
    /// Bytes of them.
    pub(super) bytes: u64,
    /// What is known of each track, in their order.
    pub(super) found: Vec<TrackFragments>,
    /// Decode time at which each goes on.
    next: Vec<i64>,
    boxes: u32,
    samples_left: u32,
}

impl FragmentWalk {
    /// Begins at the box at `pos`.
    pub(super) fn new(tracks: Arc<[WalkedTrack]>, pos: u64) -> Self {
        Self {
            pos,
            first: None,
            fragments: 0,
            bytes: 0,
            found: vec![TrackFragments::default(); tracks.len()],
            next: tracks.iter().map(|track| track.from).collect(),
            boxes: 0,
            samples_left: MAX_SAMPLES,
            tracks,
        }
    }

    /// What it knows of the tracks.
    pub(super) fn tracks(&self) -> Arc<[WalkedTrack]> {
        self.tracks.clone()
    }

    /// Takes one more box; false at the end of the file. After a miss it can be called again.
    pub(super) fn advance(&mut self, src: &dyn ByteSource) -> Result<bool, Stop> {
        let ControlFlow::Continue(met) =
            meet(src, self.pos, &self.tracks).map_err(|stop| self.ahead(src, stop))?
        else {
            return Ok(false);
        };
        self.boxes += 1;
        if self.boxes > MAX_BOXES {
            return Err(Error::limit("boxes", self.pos).into());
        }
        if !met.fragments.is_empty() {
            self.take(&met.fragments)?;
            self.first.get_or_insert(self.pos);
            self.fragments += 1;
            self.bytes += met.end - self.pos;
        }
        self.pos = met.end.min(src.len());
        Ok(true)
    }

    /// Bytes of a fragment with its media, on average so far; 0 before the first.
    pub(super) fn mean(&self) -> u64 {
        let first = self.first.unwrap_or(self.pos);
        self.pos.saturating_sub(first) / u64::from(self.fragments.max(1))
    }

    fn ahead(&self, src: &dyn ByteSource, stop: Stop) -> Stop {
        match stop {
            Stop::Need(range) if (1..AHEAD).contains(&self.mean()) => {
                Stop::Need(range.start..src.len().min(range.end.max(range.start.saturating_add(AHEAD))))
            }
            stop => stop,
        }
    }

    fn take(&mut self, fragments: &[TrackFragment]) -> Result<(), Error> {
        let mut before = vec![0u32; self.tracks.len()];
        for fragment in fragments {
            let samples = u32::try_from(fragment.samples.len()).unwrap_or(u32::MAX);
            self.samples_left = self
                .samples_left
                .checked_sub(samples)
                .ok_or_else(|| Error::limit("samples in fragments", self.pos))?;
            let Some(index) = self.tracks.iter().position(|track| track.defaults.track == fragment.track)
            else {
                continue;
            };
            let parts = (
                self.tracks.get(index),
                self.found.get_mut(index),
                self.next.get_mut(index),
                before.get_mut(index),
            );
            let (Some(track), Some(found), Some(next), Some(before)) = parts else { continue };
            track.check(fragment)?;
            let base = fragment.time.unwrap_or(*next);
            found.untimed |= fragment.time.is_none();
            if found.seen.0 > 0 && base < next.saturating_sub(i64::from(track.timescale) * MAX_STEP_BACK) {
                return Err(Error::unsupported(
                    "the fragments' times run backwards: several recordings in one file",
                ));
            }
            // Flags that call everything a random access point say nothing of what lies inside a fragment.
            let tells = fragment.samples.iter().any(|sample| !sample.sync);
            for (number, sample) in
                (0u32..).zip(&fragment.samples).filter(|(_, sample)| !sample.range.is_empty())
            {
                let time = base.saturating_add(sample.after).saturating_add(i64::from(sample.offset));
                if found.seen.0 + u64::from(number) < REORDER_WINDOW {
                    found.start = Some(found.start.map_or(time, |start| start.min(time)));
                }
                found.first.get_or_insert_with(|| sample.range.clone());
                found.lowest_offset = found.lowest_offset.min(sample.offset);
                let end = time.saturating_add(i64::from(sample.duration));
                found.end = Some(found.end.map_or(end, |last| last.max(end)));
                if sample.sync && (tells || number == 0) {
                    let skip = *before + number;
                    found.push(Entry { time, at: self.pos, skip }, i64::from(track.timescale) / 4)?;
                }
            }
            *before += samples;
            *next = base.saturating_add(fragment.duration);
            found.seen.0 += u64::from(samples);
            found.seen.1 = found.seen.1.saturating_add(fragment.duration);
        }
        Ok(())
    }
}
