//! Walking clusters, block by block (RFC 9559 sections 5.1.3 and 7).
//!
//! ```text
//! Cluster
//!   Timestamp              of all that follows
//!   SimpleBlock            a frame, or several laced
//!   BlockGroup
//!     Block                the same without a keyframe flag
//!     BlockDuration        always there for subtitles
//!     ReferenceBlock       there when it is no keyframe
//! ```

use super::block::{BlockHead, MAX_BLOCK_HEAD};
use super::ebml::{Children, Element, Head, View, id};
use crate::error::{Error, ErrorKind};
use crate::source::Stop;
use bytes::Bytes;
use std::ops::Range;

/// Elements that one walk looks at: half a minute of a hundred tracks has fewer.
const MAX_STEPS: u32 = 500_000;
/// Elements that may precede a cluster's Timestamp, or a group's Block.
const MAX_BEFORE: u32 = 32;

/// An open cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cluster {
    pub(super) head: Head,
    /// Its Timestamp in ticks, once it was seen.
    time: Option<u64>,
}

impl Cluster {
    /// Opens the cluster at `at`, its Timestamp included.
    pub(super) fn open(view: &View<'_>, at: u64) -> Result<Self, Stop> {
        let no_cluster = Error::no_index("the index (Cues) points at something that is no cluster");
        let head = view.head(at, at)?.ok_or(no_cluster)?;
        if head.id != id::CLUSTER {
            return Err(no_cluster.into());
        }
        let mut pos = head.data;
        for _ in 0..MAX_BEFORE {
            let Some(child) = view.head(pos, at)? else { break };
            match child.id {
                id::TIMESTAMP => return Ok(Self { head, time: Some(timestamp(view, &child)?) }),
                id::SIMPLE_BLOCK | id::BLOCK_GROUP | id::CLUSTER => break,
                _ => pos = child.end()?,
            }
        }
        Err(Error::malformed("a cluster without a Timestamp", at).into())
    }

    /// Its Timestamp in ticks.
    pub(super) const fn time(&self) -> Option<u64> {
        self.time
    }

    /// Where it ends, when its size is known.
    pub(super) fn end(&self) -> Option<u64> {
        self.head.end().ok()
    }
}

fn timestamp(view: &View<'_>, head: &Head) -> Result<u64, Stop> {
    let bytes = view.bytes(head.data..head.end()?.min(head.data.saturating_add(9)))?;
    Ok(Element { id: head.id, at: head.data, data: &bytes }.uint()?)
}

/// A SimpleBlock or BlockGroup in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockAt {
    pub(super) element: Head,
    /// Where the element ends.
    pub(super) end: u64,
    /// Where its cluster begins.
    pub(super) cluster: u64,
    /// Bytes from the cluster's payload to the element.
    pub(super) relative: u64,
    /// Its cluster's Timestamp in ticks.
    cluster_time: u64,
}

impl BlockAt {
    /// The block whose element has the header `element`, in `cluster`; `None` when it is no block.
    pub(super) fn of(element: Head, cluster: &Cluster) -> Result<Option<Self>, Error> {
        if !matches!(element.id, id::SIMPLE_BLOCK | id::BLOCK_GROUP) {
            return Ok(None);
        }
        let end = element.end()?;
        if cluster.end().is_some_and(|cluster_end| end > cluster_end) {
            return Err(Error::malformed("a block reaches past the end of its cluster", element.at));
        }
        let no_time = Error::malformed("a block before its cluster's Timestamp", element.at);
        let cluster_time = cluster.time.ok_or(no_time)?;
        let relative = element.at.saturating_sub(cluster.head.data);
        Ok(Some(Self { element, end, cluster: cluster.head.at, relative, cluster_time }))
    }

    /// True for a BlockGroup.
    pub(super) const fn is_group(&self) -> bool {
        self.element.id == id::BLOCK_GROUP
    }

    /// Ticks of the file's clock.
    pub(super) fn ticks(&self, head: &BlockHead) -> i128 {
        i128::from(self.cluster_time) + i128::from(head.time)
    }

    /// The block's header alone; `None` for a group without a block. `from` is where the walk began.
    pub(super) fn head(&self, view: &View<'_>, from: u64) -> Result<Option<BlockHead>, Stop> {
        Ok(self.inner(view, from)?.map(|(_, head)| head))
    }

    /// Where the block's bytes are, header included, and its header.
    pub(super) fn inner(&self, view: &View<'_>, from: u64) -> Result<Option<(Range<u64>, BlockHead)>, Stop> {
        let (data, end) = if self.element.id == id::SIMPLE_BLOCK {
            (self.element.data, self.end)
        } else {
            let Some(block) = self.block_in_group(view, from)? else {
                return Ok(None);
            };
            (block.data, block.end()?.min(self.end))
        };
        let bytes = view.walk_bytes(data..data.saturating_add(MAX_BLOCK_HEAD).min(end), from)?;
        Ok(Some((data..end, BlockHead::parse(&bytes, data)?)))
    }

    fn block_in_group(&self, view: &View<'_>, from: u64) -> Result<Option<Head>, Stop> {
        let mut pos = self.element.data;
        for _ in 0..MAX_BEFORE {
            if pos >= self.end {
                break;
            }
            let Some(child) = view.head(pos, from)? else { break };
            let end = child.end()?;
            if child.id == id::BLOCK {
                return Ok((end <= self.end).then_some(child));
            }
            pos = end;
        }
        Ok(None)
    }

    /// The whole block; `None` for a group without one.
    pub(super) fn read(&self, view: &View<'_>) -> Result<Option<Block>, Stop> {
        let bytes = view.bytes(self.element.data..self.end)?;
        if self.element.id == id::SIMPLE_BLOCK {
            let head = BlockHead::parse(&bytes, self.element.data)?;
            return Ok(Some(Block {
                head,
                key: head.key_flag(),
                duration: None,
                at: self.element.data,
                bytes,
            }));
        }
        let mut block = None;
        let (mut key, mut duration) = (true, None);
        for child in Children::new(&bytes, self.element.data) {
            let child = child?;
            match child.id {
                id::BLOCK if block.is_none() => block = Some((child.at, bytes.slice_ref(child.data))),
                id::REFERENCE_BLOCK => key = false,
                id::BLOCK_DURATION => duration = child.uint().ok(),
                _ => {}
            }
        }
        let Some((at, bytes)) = block else {
            return Ok(None);
        };
        Ok(Some(Block { head: BlockHead::parse(&bytes, at)?, key, duration, at, bytes }))
    }
}

/// A block with its bytes.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) head: BlockHead,
    /// True for a keyframe.
    pub(super) key: bool,
    /// Ticks that all its frames together last (BlockDuration), when the file says so.
    pub(super) duration: Option<u64>,
    /// Where the block's header begins in the file.
    pub(super) at: u64,
    bytes: Bytes,
}

impl Block {
    /// Its frames as they are stored.
    pub(super) fn frames(&self) -> Result<Vec<Bytes>, Error> {
        self.head.frames(&self.bytes, self.at)
    }
}

/// A walk over the blocks of one cluster after another.
///
/// Where the file is damaged it goes on at the next cluster; what lies between is lost. It can be taken up again after
/// a miss: nothing before [`Walk::pos`] is looked at twice.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    from: u64,
    pos: u64,
    cluster: Option<Cluster>,
    /// Where the search for the next cluster began.
    damage: Option<u64>,
    lost: u64,
    steps: u32,
}

impl Walk {
    /// Begins at `pos`, where an element beside clusters, or a cluster, begins.
    pub(super) const fn new(pos: u64) -> Self {
        Self { from: pos, pos, cluster: None, damage: None, lost: 0, steps: 0 }
    }

    /// Begins at `pos`, where an element inside `cluster` begins.
    pub(super) const fn inside(cluster: Cluster, pos: u64) -> Self {
        Self { cluster: Some(cluster), ..Self::new(pos) }
    }

    /// Where it began.
    pub(super) const fn from(&self) -> u64 {
        self.from
    }

    /// Where the next element begins.
    pub(super) const fn pos(&self) -> u64 {
        self.pos
    }

    /// Bytes of damage that were passed over to reach a cluster behind them.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    /// Lets the walk go on for as long again as one may.
    pub(super) const fn rest(&mut self) {
        self.steps = 0;
    }

    /// The next block that begins before `stop`; `None` at `stop`, at the end of the Segment, and where the file
    /// was cut off.
    pub(super) fn next(&mut self, view: &View<'_>, stop: u64) -> Result<Option<BlockAt>, Stop> {
        loop {
            if self.damage.is_some() && !self.find_cluster(view, stop)? {
                return Ok(None);
            }
            match self.next_here(view, stop) {
                Err(Stop::Fail(Error { kind: ErrorKind::Malformed | ErrorKind::Truncated, .. })) => {
                    self.cluster = None;
                    self.damage = Some(self.pos);
                    self.pos = self.pos.saturating_add(1);
                }
                result => return result,
            }
        }
    }

    fn next_here(&mut self, view: &View<'_>, stop: u64) -> Result<Option<BlockAt>, Stop> {
        loop {
            if self.cluster.is_some_and(|cluster| cluster.end().is_some_and(|end| self.pos >= end)) {
                self.cluster = None;
            }
            if self.pos >= stop {
                return Ok(None);
            }
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Err(Error::limit("too many elements between two keyframes", self.pos).into());
            }
            let Some(head) = view.head(self.pos, self.from)? else {
                return Ok(None);
            };
            let Some(cluster) = &mut self.cluster else {
                match head.id {
                    id::CLUSTER => {
                        self.cluster = Some(Cluster { head, time: None });
                        self.pos = head.data;
                    }
                    // The next Segment of a file that has several.
                    id::EBML | id::BODY => return Ok(None),
                    _ => self.pos = end_beside_clusters(&head, view)?,
                }
                continue;
            };
            let ends_here =
                matches!(head.id, id::CLUSTER | id::EBML | id::BODY) || id::beside_clusters(head.id);
            // A cluster that seems to be in another is the next one: the first one's size is wrong.
            if ends_here && (cluster.head.size.is_none() || head.id == id::CLUSTER) {
                self.cluster = None;
                continue;
            }
            let end = head.end()?;
            if end > cluster.end().unwrap_or(view.end).min(view.end) {
                let what = "an element reaches past the end of its cluster";
                return Err(Error::malformed(what, head.at).into());
            }
            if head.id == id::TIMESTAMP {
                cluster.time = Some(timestamp(view, &head)?);
            } else if let Some(block) = BlockAt::of(head, cluster)? {
                self.pos = block.end;
                return Ok(Some(block));
            }
            self.pos = end;
        }
    }

    /// Looks for the next cluster before `stop`; `false` when there is none.
    fn find_cluster(&mut self, view: &View<'_>, stop: u64) -> Result<bool, Stop> {
        let end = view.end.min(stop);
        while self.pos < end {
            let window = self.pos..self.pos.saturating_add(SEARCH_WINDOW).min(end);
            let bytes = view.bytes(window.clone())?;
            let is_last = window.end == end;
            let starts = bytes.windows(CLUSTER_ID.len()).enumerate();
            let mut starts = starts.filter(|(_, id)| *id == CLUSTER_ID).map(|(at, _)| at);
            let found = starts.find(|at| {
                let rest = bytes.get(*at..).unwrap_or_default();
                // What is too near to the window's end is looked at in the next one.
                (rest.len() >= CLUSTER_START || is_last) && is_cluster(rest)
            });
            if let Some(at) = found {
                self.pos = window.start.saturating_add(at as u64);
                self.lost = self.lost.saturating_add(self.pos - self.damage.take().unwrap_or(self.pos));
                return Ok(true);
            }
            let overlap = if is_last { 0 } else { CLUSTER_START as u64 - 1 };
            self.pos = window.end - overlap;
        }
        Ok(false)
    }
}

/// Where an element that is no cluster ends.
fn end_beside_clusters(head: &Head, view: &View<'_>) -> Result<u64, Error> {
    let end = head.end()?;
    let is_known = id::beside_clusters(head.id) || id::anywhere(head.id);
    if matches!(head.id, id::SIMPLE_BLOCK | id::BLOCK_GROUP) || (!is_known && end > view.end) {
        return Err(Error::malformed("no cluster where one must be", head.at));
    }
    Ok(end)
}

/// Bytes that are searched for a cluster at once.
const SEARCH_WINDOW: u64 = 64 << 10;
const CLUSTER_ID: [u8; 4] = id::CLUSTER.to_be_bytes();
/// The longest start of a cluster that tells it from other bytes: its header, a CRC-32 and the Timestamp's header.
const CLUSTER_START: usize = 12 + 6 + 2;
/// No cluster is larger.
const MAX_CLUSTER: u64 = 4 << 30;

/// True when `bytes`, which begin with a cluster's ID, go on as a cluster does: with a size, a CRC-32 perhaps, and the
/// Timestamp.
fn is_cluster(bytes: &[u8]) -> bool {
    let Ok(Some(head)) = Head::parse(bytes, 0) else {
        return false;
    };
    let rest = usize::try_from(head.data).ok().and_then(|data| bytes.get(data..)).unwrap_or_default();
    let rest = match rest {
        [0xbf, 0x84, _, _, _, _, rest @ ..] => rest,
        rest => rest,
    };
    let has_time =
        matches!(rest, [0xe7, size, ..] if (0x81..=0x88).contains(size) || *size == 0x01 || *size == 0x40);
    head.size.is_none_or(|size| size <= MAX_CLUSTER) && has_time
}
