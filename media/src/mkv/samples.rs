//! The samples of one segment.
//!
//! A file is cut by place, not by time: a span takes every block, of whichever track, that begins between the
//! block of its keyframe and the block of the next. So nothing is read twice or left out, though sound may lie
//! a little before or behind the pictures it belongs to.

use super::cluster::{Block, BlockAt, Cluster, Walk};
use super::cues::Cue;
use super::ebml::{MAX_HEAD, View, id};
use super::encoding::undo;
use super::timing::decode_times;
use super::{Detail, MkvFile, SECOND};
use crate::error::{Error, ErrorKind};
use crate::source::{ByteSource, Stop};
use crate::time::Time90k;
use crate::track::{Keyframe, MAX_SPAN_SAMPLES, Sample, Span, TrackId, TrackKind};
use bytes::Bytes;
use std::ops::Range;

/// The most bytes of one span, also of frames in it after decompression.
const MAX_SPAN: u64 = 512 << 20;
/// Frames may become this many times larger when they are decompressed (pictures become hardly larger at all),
const MAX_GROWTH: u64 = 4;
/// and this much more: subtitles do grow.
const FREE_GROWTH: u64 = 16 << 20;
/// A block nearer than this to the start of its cluster is read with the cluster's header in one piece.
const NEAR: u64 = 64 << 10;
/// Enough for a cluster's header and its Timestamp.
pub(super) const CLUSTER_HEAD: u64 = 64;
/// Enough to see that a block is the one the index means.
const BLOCK_HEAD: u64 = 48;
/// Where the index does not say where in the cluster the keyframe is, it is looked for in this much at first.
const SEARCH: u64 = 4096;

/// A frame with its time in nanoseconds, as it is stored.
pub(super) struct Frame {
    time: i64,
    /// Nanoseconds, when the file says so.
    duration: Option<i64>,
    key: bool,
    data: Bytes,
}

impl Frame {
    fn length(&self) -> Option<Time90k> {
        let instant = |nanos: i64| Time90k::from_ratio(nanos.into(), SECOND.into());
        let end = self.time.checked_add(self.duration?)?;
        Some(instant(end) - instant(self.time))
    }
}

impl MkvFile {
    /// The ranges of the file that hold a span, in order and apart: one, or the head of the first cluster and one.
    ///
    /// They reach a few bytes into the next span: those that show that it begins there.
    pub(crate) fn byte_ranges(&self, span: &Span) -> Vec<Range<u64>> {
        self.ranges(span).map(|(head, main)| head.into_iter().chain([main]).collect()).unwrap_or_default()
    }

    /// The samples of a span, in the order of the file: one list for each of `tracks`, empty for a track that is
    /// not in the file.
    ///
    /// # Errors
    /// `NoIndex` when the index does not name a keyframe, `Malformed` when clusters are damaged, `Limit` when
    /// the span is too large.
    pub(crate) fn samples(
        &self,
        src: &dyn ByteSource,
        tracks: &[TrackId],
        span: &Span,
    ) -> Result<Vec<Vec<Sample>>, Stop> {
        self.samples_as_indexed(src, tracks, span).map_err(|stop| match stop {
            // What was made from the file itself cannot be helped by making it again.
            Stop::Fail(Error { kind: ErrorKind::NoIndex, what, at }) if self.scanned => {
                Error::malformed(what, at).into()
            }
            stop => stop,
        })
    }

    fn samples_as_indexed(
        &self,
        src: &dyn ByteSource,
        tracks: &[TrackId],
        span: &Span,
    ) -> Result<Vec<Vec<Sample>>, Stop> {
        self.check_clusters()?;
        let (head, mut main) = self.ranges(span)?;
        if main.end - main.start > MAX_SPAN {
            return Err(Error::limit("more than 512 MiB between two keyframes", main.start).into());
        }
        let mut view = View::new(src, self.body.end);
        view.hold(main.clone())?;
        if let Some(head) = head {
            src.read(head)?;
        }
        let start = self.cue(&span.start)?.map(|cue| self.resolve(&view, cue)).transpose()?;
        let stop = match &span.end {
            Some(end) => match self.cue(end)? {
                Some(cue) => self.resolve(&view, cue)?.1,
                None => return Err(Error::malformed("a segment that ends where the file begins", 0).into()),
            },
            None => self.last_stop(&view, span)?,
        };
        let first = start.map_or(self.first_cluster, |(_, block)| block);
        if stop <= first {
            return Err(Error::no_index("the index (Cues) is not in the order of the file").into());
        }
        if stop > main.end {
            main.end = stop;
            if main.end - main.start > MAX_SPAN {
                return Err(Error::limit("more than 512 MiB between two keyframes", main.start).into());
            }
            view.hold(main)?;
        }
        let walk = match start {
            Some((cluster, block)) if !span.first => Walk::inside(cluster, block),
            _ => Walk::new(self.first_cluster),
        };
        let frames = self.frames(&view, walk, stop, tracks, start.map(|(_, block)| block))?;
        let lists = tracks.iter().zip(frames).map(|(track, mut frames)| {
            // A recording may begin amid a group of pictures: what precedes the first cut cannot be decoded.
            let is_picture = self.detail(*track).is_some_and(|detail| detail.kind == TrackKind::Video);
            if is_picture && span.first && start.is_some() {
                let undecodable = frames.iter().take_while(|frame| !frame.key).count();
                frames.drain(..undecodable);
            }
            self.timed(*track, frames, start.is_none())
        });
        Ok(lists.collect::<Result<_, Error>>()?)
    }

    /// The cue of a keyframe; `None` for the one that stands for the first cluster.
    pub(super) fn cue(&self, keyframe: &Keyframe) -> Result<Option<&Cue>, Error> {
        let Some(index) = keyframe.at.checked_sub(1) else {
            return Ok(None);
        };
        let cue = usize::try_from(index).ok().and_then(|index| self.cues.get(index));
        cue.map(Some).ok_or(Error::malformed("a keyframe that is not of this file", 0))
    }

    fn ranges(&self, span: &Span) -> Result<(Option<Range<u64>>, Range<u64>), Error> {
        let clip = |at: u64| at.min(self.body.end);
        let mut head = None;
        let (cluster, start) = match self.cue(&span.start)? {
            Some(cue) if !span.first => match cue.relative {
                Some(relative) if relative > NEAR => {
                    let block = clip(cue.cluster.saturating_add(5).saturating_add(relative));
                    head = Some(cue.cluster..clip(cue.cluster + CLUSTER_HEAD));
                    (cue.cluster, block)
                }
                _ => (cue.cluster, cue.cluster),
            },
            _ => (self.first_cluster, self.first_cluster),
        };
        let end = match &span.end {
            Some(end) => match self.cue(end)? {
                Some(Cue { cluster, relative: Some(relative), .. }) => {
                    cluster.saturating_add(MAX_HEAD + BLOCK_HEAD).saturating_add(*relative)
                }
                Some(Cue { cluster, .. }) => cluster.saturating_add(SEARCH),
                None => start,
            },
            None => self.behind(cluster).map_or(self.body.end, |other| other.saturating_add(MAX_HEAD)),
        };
        Ok((head, clip(start)..clip(end).max(clip(start))))
    }

    /// Where something else than a cluster is said to be behind `cluster`.
    fn behind(&self, cluster: u64) -> Option<u64> {
        self.others.iter().copied().find(|other| *other > cluster)
    }

    /// Where the last span ends: at the Cues, Tags or the like behind the last cluster, if they are there.
    fn last_stop(&self, view: &View<'_>, span: &Span) -> Result<u64, Stop> {
        let cluster = self.cue(&span.start)?.map_or(self.first_cluster, |cue| cue.cluster);
        let Some(other) = self.behind(cluster) else {
            return Ok(self.body.end);
        };
        match view.head(other, other) {
            Ok(Some(head)) if id::beside_clusters(head.id) => Ok(other),
            Ok(_) | Err(Stop::Fail(_)) => Ok(self.body.end),
            Err(need) => Err(need),
        }
    }

    /// The block that a cue means, and its cluster. Which one that is depends on the file alone, so that the span
    /// that begins there and the one that ends there agree.
    pub(super) fn resolve(&self, view: &View<'_>, cue: &Cue) -> Result<(Cluster, u64), Stop> {
        let not_there = Stop::from(Error::no_index("the index (Cues) names a block that is not there"));
        let cluster = Cluster::open(view, cue.cluster).map_err(|stop| match stop {
            Stop::Fail(Error { kind: ErrorKind::Malformed | ErrorKind::Truncated, .. }) => not_there.clone(),
            stop => stop,
        })?;
        if let Some(block) = cue.relative.and_then(|relative| cluster.head.data.checked_add(relative)) {
            match self.is_meant(view, &cluster, block, cue) {
                Ok(true) => return Ok((cluster, block)),
                Ok(false) => {}
                Err(Stop::Fail(error)) if error.kind != ErrorKind::NoIndex => {}
                Err(stop) => return Err(stop),
            }
        }
        let mut walk = Walk::inside(cluster, cluster.head.data);
        while let Some(block) = walk.next(view, cue.cluster.saturating_add(MAX_SPAN))? {
            if block.cluster != cue.cluster {
                break;
            }
            match self.matches(view, &block, cue) {
                Ok(true) => return Ok((cluster, block.element.at)),
                Ok(false) => {}
                Err(Stop::Fail(error)) if error.kind != ErrorKind::NoIndex => {}
                Err(stop) => return Err(stop),
            }
        }
        Err(not_there)
    }

    fn is_meant(&self, view: &View<'_>, cluster: &Cluster, at: u64, cue: &Cue) -> Result<bool, Stop> {
        let Some(element) = view.head(at, at)? else {
            return Ok(false);
        };
        match BlockAt::of(element, cluster)? {
            Some(block) if block.end <= view.end => self.matches(view, &block, cue),
            _ => Ok(false),
        }
    }

    /// True for a block of the cue's track at its time; muxers may round the two differently. `NoIndex` when it says of
    /// itself that it is no keyframe: so the segment that ends there finds out, too, not only the one that begins.
    fn matches(&self, view: &View<'_>, block: &BlockAt, cue: &Cue) -> Result<bool, Stop> {
        let Some(head) = block.head(view, cue.cluster)? else {
            return Ok(false);
        };
        let off = (block.ticks(&head) - i128::from(cue.time)).abs() * i128::from(self.tick);
        let is_meant = head.track == cue.track && off <= i128::from(self.tick.max(1_000_000));
        let is_picture =
            self.detail(TrackId(cue.track)).is_some_and(|detail| detail.kind == TrackKind::Video);
        if is_meant && is_picture && !block.is_group() && !head.key_flag() {
            return Err(Error::no_index(NO_KEYFRAME).into());
        }
        Ok(is_meant)
    }

    /// The frames of `tracks` on the walk up to `stop`; the block at `key` must be a keyframe.
    fn frames(
        &self,
        view: &View<'_>,
        mut walk: Walk,
        stop: u64,
        tracks: &[TrackId],
        key: Option<u64>,
    ) -> Result<Vec<Vec<Frame>>, Stop> {
        let mut lists: Vec<Vec<Frame>> = tracks.iter().map(|_| Vec::new()).collect();
        let mut budget = view.held_len().saturating_mul(MAX_GROWTH).saturating_add(FREE_GROWTH).min(MAX_SPAN);
        while let Some(block) = walk.next(view, stop)? {
            let Some(head) = undamaged(block.head(view, block.element.at))? else {
                continue;
            };
            let list = tracks.iter().zip(&mut lists).find(|(track, _)| track.0 == head.track);
            let is_cut = key == Some(block.element.at);
            if list.is_none() && !is_cut {
                continue;
            }
            let Some(block_read) = undamaged(block.read(view))? else {
                continue;
            };
            if is_cut && !block_read.key {
                return Err(Error::no_index(NO_KEYFRAME).into());
            }
            let (Some((_, list)), Some(detail)) = (list, self.detail(TrackId(head.track))) else {
                continue;
            };
            let before = list.len();
            match self.unlace(&block, &block_read, detail, &mut budget, list) {
                // One damaged block must not cost the segment: a player goes on behind it.
                Err(Error { kind: ErrorKind::Malformed | ErrorKind::Truncated, .. }) => list.truncate(before),
                result => result?,
            }
            if list.len() > MAX_SPAN_SAMPLES as usize {
                return Err(Error::limit("too many frames between two keyframes", block.element.at).into());
            }
        }
        Ok(lists)
    }

    pub(super) fn unlace(
        &self,
        at: &BlockAt,
        block: &Block,
        detail: &Detail,
        budget: &mut u64,
        list: &mut Vec<Frame>,
    ) -> Result<(), Error> {
        let out_of_range = Error::malformed("a timestamp is beyond any film", at.element.at);
        let time = at.ticks(&block.head) * i128::from(self.tick) - i128::from(detail.codec_delay);
        let time = i64::try_from(time).map_err(|_| out_of_range)?;
        let frames = block.frames()?;
        let count = i64::try_from(frames.len()).unwrap_or(i64::MAX).max(1);
        let duration = block.duration.and_then(|ticks| i64::try_from(ticks).ok()?.checked_mul(self.tick));
        let duration = duration.map(|nanos| nanos / count);
        let mut before = 0u64;
        for (index, data) in frames.into_iter().enumerate() {
            let data = undo(&detail.encodings, data, block.at, budget)?;
            if !data.is_empty() {
                let time = detail.clock.laced(time, index, before);
                let samples = detail.varying.as_ref().and_then(|codec| codec.samples_in(&data));
                before += u64::from(samples.unwrap_or(0));
                list.push(Frame { time, duration, key: block.key, data });
            }
        }
        Ok(())
    }

    /// Frames with their final times. With `must_begin_on_key` the first picture must be a keyframe.
    pub(super) fn timed(
        &self,
        track: TrackId,
        frames: Vec<Frame>,
        must_begin_on_key: bool,
    ) -> Result<Vec<Sample>, Error> {
        let Some(detail) = self.detail(track) else {
            return Ok(Vec::new());
        };
        let instants: Vec<Time90k> = frames.iter().map(|frame| detail.clock.instant(frame.time)).collect();
        if detail.kind == TrackKind::Video {
            if must_begin_on_key && frames.first().is_some_and(|frame| !frame.key) {
                return Err(Error::no_index("the file does not begin with a keyframe"));
            }
            let decoded = decode_times(&instants, detail.reorder_delay);
            let samples = frames.into_iter().zip(instants).zip(decoded);
            return Ok(samples
                .map(|((frame, pts), dts)| Sample {
                    pts,
                    dts,
                    duration: frame.length(),
                    sync: frame.key,
                    data: frame.data,
                })
                .collect());
        }
        let mut last = Time90k(i64::MIN);
        // Lines of text may begin together or be stored out of order; sound is one thing after the other.
        let in_order = detail.kind == TrackKind::Audio;
        let samples = frames.into_iter().zip(instants).map(|(frame, instant)| {
            let pts = if in_order { instant.max(last + Time90k(1)) } else { instant };
            last = pts;
            Sample { pts, dts: pts, duration: frame.length(), sync: true, data: frame.data }
        });
        Ok(samples.collect())
    }
}

/// What was read of a block; `None` where it is damaged: one block must not cost the segment.
fn undamaged<T>(read: Result<Option<T>, Stop>) -> Result<Option<T>, Stop> {
    match read {
        Err(Stop::Fail(Error { kind: ErrorKind::Malformed | ErrorKind::Truncated, .. })) => Ok(None),
        read => read,
    }
}

const NO_KEYFRAME: &str = "the index (Cues) points at a picture that is no keyframe";
