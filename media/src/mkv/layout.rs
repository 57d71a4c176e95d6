//! Where things are in the file: the EBML header, and the Segment's children as far as the first cluster and as
//! SeekHead tells (RFC 9559 sections 4 and 5.1.1).
//!
//! ```text
//! EBML                     what kind of file
//! Segment
//!   SeekHead               where the others are
//!   Info  Tracks           before the first cluster, as a rule
//!   Cluster ...
//!   Cues                   before the clusters or, as a rule, behind them
//! ```

use super::ebml::{Children, Element, Head, MAX_HEAD, View, id};
use crate::error::Error;
use crate::source::{ByteSource, Stop};
use bytes::Bytes;
use std::ops::Range;

/// What is read at first: it holds all but the Cues of most files.
pub(super) const FIRST_READ: u64 = 64 << 10;
/// At the end of the file, more than the Cues is asked for at once when it is not more than this.
const LAST_READ: u64 = 1 << 20;
const MAX_SEEK_HEAD: u64 = 1 << 20;
const MAX_INFO: u64 = 1 << 20;
const MAX_TRACKS: u64 = 8 << 20;
const MAX_CUES: u64 = 16 << 20;
/// Of Chapters, and of Tags: what is larger is done without.
const MAX_EXTRA: u64 = 1 << 20;
/// Elements before the first cluster.
const MAX_ELEMENTS: usize = 512;
const MAX_SEEK_ENTRIES: usize = 1024;
/// Places that SeekHeads name and that are looked at; each may be far away.
const MAX_TARGETS: u32 = 32;

/// An element's payload with its place.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Where the element's header begins.
    start: u64,
    head: Head,
    bytes: Bytes,
}

impl Part {
    pub(super) fn element(&self) -> Element<'_> {
        Element { id: self.head.id, at: self.head.data, data: &self.bytes }
    }
}

/// The parts of a file that are read when it is opened.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The Segment's payload, clipped to the file.
    pub(super) body: Range<u64>,
    /// True when the file ends before the Segment does.
    pub(super) cut_short: bool,
    pub(super) info: Option<Part>,
    pub(super) tracks: Part,
    /// The Cues, or why they cannot be read.
    pub(super) cues: Result<Part, Error>,
    /// Chapters and Tags, where they cost no read of their own: before the first cluster, or behind Cues that end
    /// the file.
    pub(super) chapters: Option<Part>,
    pub(super) tags: Option<Part>,
    pub(super) first_cluster: Option<u64>,
    /// Where elements other than clusters are said to be, in order; the Cues' place is certain.
    pub(super) others: Vec<u64>,
    /// Where Attachments are, or are said to be.
    pub(super) attachments: Vec<u64>,
}

#[derive(Default)]
struct Found {
    info: Option<Part>,
    tracks: Option<Part>,
    cues: Option<Result<Part, Error>>,
    chapters: Option<Part>,
    tags: Option<Part>,
    first_cluster: Option<u64>,
    /// Attachments that were met.
    attachments: Vec<u64>,
    /// What the SeekHeads say: ID and place in the file.
    entries: Vec<(u32, u64)>,
    /// The SeekHeads that were read, and the places where none was.
    seek_heads: Vec<u64>,
    not_there: Vec<u64>,
    /// Places of SeekHead entries that were looked at.
    targets: u32,
}

impl Layout {
    pub(super) fn read(src: &dyn ByteSource) -> Result<Self, Stop> {
        let len = src.len();
        src.read(0..len.min(FIRST_READ))?;
        let file = View::new(src, len);
        let (body, cut_short) = find_body(&file)?;
        let view = View::new(src, body.end);
        let mut found = Found::default();
        found.walk_to_first_cluster(&view, &body)?;
        found.follow_seek_heads(&view, &body)?;
        found.take_extras_at_end(&view, &body)?;

        let said = found.entries.iter().filter(|(target, _)| *target == id::ATTACHMENTS).map(|(_, at)| *at);
        let mut attachments: Vec<u64> = found.attachments.iter().copied().chain(said).collect();
        attachments.sort_unstable();
        attachments.dedup();
        let mut others: Vec<u64> = found.entries.iter().map(|(_, at)| *at).collect();
        let cues = found.cues.unwrap_or(Err(Error::no_index(NO_CUES)));
        others.extend(cues.as_ref().ok().map(|cues| cues.start));
        others.sort_unstable();
        others.dedup();
        let no_tracks = Error::malformed("a Matroska file without Tracks", body.start);
        let tracks = found.tracks.ok_or(no_tracks)?;
        Ok(Self {
            body,
            cut_short,
            info: found.info,
            tracks,
            cues,
            chapters: found.chapters,
            tags: found.tags,
            first_cluster: found.first_cluster,
            others,
            attachments,
        })
    }
}

const NO_CUES: &str = "the file has no index (Cues)";

/// Reads the EBML header and finds the first Segment; true when that goes on behind the end of the file.
fn find_body(file: &View<'_>) -> Result<(Range<u64>, bool), Stop> {
    let cut_off = Error::truncated("the file ends in its first header", 0);
    let head = file.head(0, 0)?.ok_or(cut_off)?;
    if head.id != id::EBML {
        return Err(Error::malformed("not a Matroska or WebM file", 0).into());
    }
    let end = head.end()?;
    if end - head.data > 4096 {
        return Err(Error::limit("the EBML header", 0).into());
    }
    if end > file.end {
        return Err(cut_off.into());
    }
    let bytes = file.bytes(head.data..end)?;
    for child in Children::new(&bytes, head.data) {
        let child = child?;
        let fine = match child.id {
            id::DOC_TYPE => matches!(child.text().as_str(), "matroska" | "webm"),
            id::EBML_MAX_ID_LENGTH => child.uint()? <= 4,
            id::EBML_MAX_SIZE_LENGTH => child.uint()? <= 8,
            _ => true,
        };
        if !fine {
            return Err(Error::unsupported("an EBML file, but neither Matroska nor WebM").into());
        }
    }
    let mut pos = end;
    for _ in 0..MAX_BEFORE_BODY {
        let cut_off = Error::truncated("the file ends before its Segment", pos);
        let head = file.head(pos, 0)?.ok_or(cut_off)?;
        if head.id == id::BODY {
            let end = head.size.map_or(file.end, |size| head.data.saturating_add(size));
            return Ok((head.data..end.min(file.end), end > file.end));
        }
        pos = head.end()?;
    }
    Err(Error::malformed("a Matroska file without a Segment", pos).into())
}

const MAX_BEFORE_BODY: usize = 16;

impl Found {
    fn walk_to_first_cluster(&mut self, view: &View<'_>, body: &Range<u64>) -> Result<(), Stop> {
        let mut pos = body.start;
        for _ in 0..MAX_ELEMENTS {
            let Some(head) = view.head(pos, body.start)? else {
                return Ok(());
            };
            match head.id {
                id::CLUSTER => {
                    self.first_cluster = Some(pos);
                    return Ok(());
                }
                id::EBML | id::BODY => return Ok(()),
                _ => self.take(view, body, head)?,
            }
            pos = head.end()?;
        }
        Err(Error::limit("too many elements before the first cluster", pos).into())
    }

    /// Reads the element if it is one that is needed and was not read before.
    fn take(&mut self, view: &View<'_>, body: &Range<u64>, head: Head) -> Result<(), Stop> {
        match head.id {
            id::INFO if self.info.is_none() => self.info = Some(part(view, head, MAX_INFO)?),
            id::TRACKS if self.tracks.is_none() => self.tracks = Some(part(view, head, MAX_TRACKS)?),
            id::CUES if !matches!(self.cues, Some(Ok(_))) => {
                // Bad Cues are a file without an index, not a file that cannot be opened.
                self.cues = Some(match part(view, head, MAX_CUES) {
                    Ok(part) => Ok(part),
                    Err(Stop::Fail(error)) => Err(error),
                    need @ Err(Stop::Need(_)) => return need.map(|_| ()),
                });
            }
            id::ATTACHMENTS => self.attachments.push(head.at),
            id::CHAPTERS if self.chapters.is_none() => self.chapters = extra(view, head)?,
            id::TAGS if self.tags.is_none() => self.tags = extra(view, head)?,
            id::SEEK_HEAD if !self.seek_heads.contains(&head.at) => {
                self.seek_heads.push(head.at);
                match part(view, head, MAX_SEEK_HEAD) {
                    Ok(part) => self.read_seek_head(&part, body),
                    Err(Stop::Fail(_)) => {}
                    need @ Err(Stop::Need(_)) => return need.map(|_| ()),
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn read_seek_head(&mut self, part: &Part, body: &Range<u64>) {
        for seek in part.element().children().flatten() {
            if seek.id != id::SEEK || self.entries.len() >= MAX_SEEK_ENTRIES {
                continue;
            }
            let (mut target, mut position) = (None, None);
            for child in seek.children().flatten() {
                match child.id {
                    id::SEEK_ID => target = child.uint().ok().and_then(|id| u32::try_from(id).ok()),
                    id::SEEK_POSITION => position = child.uint().ok(),
                    _ => {}
                }
            }
            let at = position.and_then(|position| body.start.checked_add(position));
            // Old files list every cluster too.
            let entry = target.filter(|target| id::beside_clusters(*target)).zip(at);
            let entry = entry.filter(|entry| body.contains(&entry.1) && !self.entries.contains(entry));
            self.entries.extend(entry);
        }
    }

    /// Reads what is still missing where the SeekHeads say it is. They may be wrong, name each other or
    /// themselves: an entry counts only when the element is there, and each is looked at once.
    fn follow_seek_heads(&mut self, view: &View<'_>, body: &Range<u64>) -> Result<(), Stop> {
        let mut next = 0;
        loop {
            while let Some(&(target, at)) = self.entries.get(next) {
                next += 1;
                let wanted = match target {
                    id::INFO => self.info.is_none(),
                    id::TRACKS => self.tracks.is_none(),
                    id::CUES => !matches!(self.cues, Some(Ok(_))),
                    _ => false,
                };
                if wanted {
                    self.take_target(view, body, target, at)?;
                }
            }
            if self.info.is_some() && self.tracks.is_some() && matches!(self.cues, Some(Ok(_))) {
                return Ok(());
            }
            let mut others =
                self.entries.iter().filter(|entry| entry.0 == id::SEEK_HEAD).map(|entry| entry.1);
            let Some(at) = others.find(|at| !self.seek_heads.contains(at) && !self.not_there.contains(at))
            else {
                return Ok(());
            };
            self.take_target(view, body, id::SEEK_HEAD, at)?;
            if !self.seek_heads.contains(&at) {
                self.not_there.push(at);
            }
        }
    }

    /// Takes Chapters and Tags that follow Cues at the end of the file: these were asked for together with all that
    /// is behind them.
    fn take_extras_at_end(&mut self, view: &View<'_>, body: &Range<u64>) -> Result<(), Stop> {
        let Some(Ok(cues)) = &self.cues else { return Ok(()) };
        let start = cues.start;
        let behind_clusters = self.first_cluster.is_some_and(|cluster| start > cluster);
        if !behind_clusters || view.end.saturating_sub(start) > LAST_READ {
            return Ok(());
        }
        let behind = |entry: &&(u32, u64)| matches!(entry.0, id::CHAPTERS | id::TAGS) && entry.1 > start;
        let entries: Vec<(u32, u64)> = self.entries.iter().filter(behind).copied().collect();
        for (target, at) in entries {
            self.take_target(view, body, target, at)?;
        }
        Ok(())
    }

    fn take_target(&mut self, view: &View<'_>, body: &Range<u64>, target: u32, at: u64) -> Result<(), Stop> {
        self.targets += 1;
        if self.targets > MAX_TARGETS {
            return Ok(());
        }
        match head_at_target(view, at) {
            Ok(Some(head)) if head.id == target => match self.take(view, body, head) {
                // One that cannot be read is as good as none.
                Err(Stop::Fail(_)) => Ok(()),
                result => result,
            },
            Ok(_) | Err(Stop::Fail(_)) => Ok(()),
            Err(need) => Err(need),
        }
    }
}

/// The header at a SeekHead's target. Where it is not here, what follows is asked for as well: all the rest of
/// the file when it is little, for that is where Cues are.
fn head_at_target(view: &View<'_>, at: u64) -> Result<Option<Head>, Stop> {
    let ask = if view.end.saturating_sub(at) <= LAST_READ { LAST_READ } else { FIRST_READ };
    match view.bytes(at..at.saturating_add(MAX_HEAD).min(view.end)) {
        Ok(bytes) => Ok(Head::parse(&bytes, at)?),
        Err(Stop::Need(_)) => Err(Stop::Need(at..at.saturating_add(ask).min(view.end))),
        Err(fail) => Err(fail),
    }
}

/// A part that a film plays without: nothing when it is too large or cut off.
fn extra(view: &View<'_>, head: Head) -> Result<Option<Part>, Stop> {
    match part(view, head, MAX_EXTRA) {
        Ok(part) => Ok(Some(part)),
        Err(Stop::Fail(_)) => Ok(None),
        Err(need) => Err(need),
    }
}

fn part(view: &View<'_>, head: Head, limit: u64) -> Result<Part, Stop> {
    let end = head.end()?;
    if end - head.data > limit {
        return Err(Error::limit("an element of the file's header or index", head.at).into());
    }
    if end > view.end {
        return Err(Error::truncated("the file ends inside its header or index", head.at).into());
    }
    Ok(Part { start: head.at, head, bytes: view.bytes(head.data..end)? })
}
