//! Walking clusters, block by block (RFC 9559 sections 5.1.3 and 7).
//!
//! ```text
//! Cluster
//!   Timestamp              of all that follows
//!   SimpleBlock            a frame, or several laced
//!   BlockGroup
//!     Block                the same without a keyframe flag
//!     ReferenceBlock       there when it is no keyframe
//! ```

use super::block::{BlockHead, MAX_BLOCK_HEAD};
use super::ebml::{Children, Element, Head, View, id};
use crate::error::Error;
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
        let no_cluster = Error::unsupported("the index (Cues) points at something that is no cluster");
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
        Ok(Some(Self { element, end, cluster: cluster.head.at, cluster_time }))
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
            return Ok(Some(Block { head, key: head.key_flag(), at: self.element.data, bytes }));
        }
        let mut block = None;
        let mut key = true;
        for child in Children::new(&bytes, self.element.data) {
            let child = child?;
            match child.id {
                id::BLOCK if block.is_none() => block = Some((child.at, bytes.slice_ref(child.data))),
                id::REFERENCE_BLOCK => key = false,
                _ => {}
            }
        }
        let Some((at, bytes)) = block else {
            return Ok(None);
        };
        Ok(Some(Block { head: BlockHead::parse(&bytes, at)?, key, at, bytes }))
    }
}

/// A block with its bytes.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) head: BlockHead,
    /// True for a keyframe.
    pub(super) key: bool,
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
#[derive(Debug, Clone)]
pub(super) struct Walk {
    from: u64,
    pos: u64,
    cluster: Option<Cluster>,
    steps: u32,
}

impl Walk {
    /// Begins at `pos`, where an element beside clusters, or a cluster, begins.
    pub(super) const fn new(pos: u64) -> Self {
        Self { from: pos, pos, cluster: None, steps: 0 }
    }

    /// Begins at `pos`, where an element inside `cluster` begins.
    pub(super) const fn inside(cluster: Cluster, pos: u64) -> Self {
        Self { from: pos, pos, cluster: Some(cluster), steps: 0 }
    }

    /// True where no cluster is open.
    pub(super) const fn is_between_clusters(&self) -> bool {
        self.cluster.is_none()
    }

    /// The next block that begins before `stop`; `None` at `stop`, at the end of the Segment, and where the file
    /// was cut off.
    pub(super) fn next(&mut self, view: &View<'_>, stop: u64) -> Result<Option<BlockAt>, Stop> {
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
                    _ => self.pos = head.end()?,
                }
                continue;
            };
            let ends_here =
                matches!(head.id, id::CLUSTER | id::EBML | id::BODY) || id::beside_clusters(head.id);
            if ends_here && cluster.head.size.is_none() {
                self.cluster = None;
                continue;
            }
            if head.id == id::TIMESTAMP {
                if head.end()? > view.end {
                    return Ok(None);
                }
                cluster.time = Some(timestamp(view, &head)?);
            } else if let Some(block) = BlockAt::of(head, cluster)? {
                if block.end > view.end {
                    return Ok(None);
                }
                self.pos = block.end;
                return Ok(Some(block));
            }
            self.pos = head.end()?;
        }
    }
}
