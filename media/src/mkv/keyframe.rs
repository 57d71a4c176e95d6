//! One keyframe by itself: its block and no other.

use super::cluster::{BlockAt, Walk};
use super::ebml::View;
use super::samples::CLUSTER_HEAD;
use super::{Detail, MkvFile};
use crate::error::Error;
use crate::source::{ByteSource, Stop};
use crate::track::{Keyframe, Sample, TrackId};
use std::ops::Range;

/// What is asked for of a block before its size is known: little pictures are in it whole.
const FIRST_ASK: u64 = 64 << 10;
/// The largest picture.
const MAX_PICTURE: u64 = 64 << 20;
/// How far from the first cluster the first block of a track is looked for.
const MAX_SEARCH: u64 = 16 << 20;

impl MkvFile {
    /// What to fetch before the keyframe is read; a large one needs more.
    pub(crate) fn keyframe_ranges(&self, keyframe: &Keyframe) -> Vec<Range<u64>> {
        let clip = |range: Range<u64>| range.start.min(self.body.end)..range.end.min(self.body.end);
        let from = |at: u64| at..at.saturating_add(FIRST_ASK);
        let (head, main) = match self.cue(keyframe) {
            Ok(Some(cue)) => match cue.relative {
                Some(relative) if relative > FIRST_ASK => {
                    let head = cue.cluster..cue.cluster.saturating_add(CLUSTER_HEAD);
                    (Some(head), from(cue.cluster.saturating_add(relative)))
                }
                relative => (None, cue.cluster..from(cue.cluster.saturating_add(relative.unwrap_or(0))).end),
            },
            Ok(None) => (None, from(self.first_cluster)),
            Err(_) => return Vec::new(),
        };
        let ranges = head.into_iter().chain([main]);
        ranges.map(clip).filter(|range| !range.is_empty()).collect()
    }

    /// Reads the keyframe of `track`.
    ///
    /// # Errors
    /// `NoIndex` when the index does not name a keyframe, `Malformed` when its block is damaged, `Limit` when it is
    /// too large.
    pub(crate) fn keyframe(
        &self,
        src: &dyn ByteSource,
        track: TrackId,
        keyframe: &Keyframe,
    ) -> Result<Sample, Stop> {
        let view = View::new(src, self.body.end);
        let detail = self.detail(track).ok_or(Error::unsupported("the file has no such track"))?;
        let at = match self.cue(keyframe)? {
            Some(cue) => {
                let (cluster, block) = self.resolve(&view, cue)?;
                let element = view.head(block, block)?;
                element.map(|element| BlockAt::of(element, &cluster)).transpose()?.flatten()
            }
            None => self.first_block(&view, track)?,
        };
        let at = at.ok_or(Error::no_index("the index (Cues) names a block that is not there"))?;
        self.read_keyframe(&view, &at, track, detail)
    }

    fn first_block(&self, view: &View<'_>, track: TrackId) -> Result<Option<BlockAt>, Stop> {
        let mut walk = Walk::new(self.first_cluster);
        while let Some(block) = walk.next(view, self.first_cluster.saturating_add(MAX_SEARCH))? {
            if block.head(view, block.element.at)?.is_some_and(|head| head.track == track.0) {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    fn read_keyframe(
        &self,
        view: &View<'_>,
        at: &BlockAt,
        track: TrackId,
        detail: &Detail,
    ) -> Result<Sample, Stop> {
        let damaged = Error::malformed("a keyframe's block", at.element.at);
        if at.end.saturating_sub(at.element.at) > MAX_PICTURE {
            return Err(Error::limit("a picture of more than 64 MiB", at.element.at).into());
        }
        let block = at.read(view)?.ok_or(damaged)?;
        if !block.key {
            return Err(Error::no_index("the index (Cues) points at a picture that is no keyframe").into());
        }
        let mut frames = Vec::new();
        self.unlace(at, &block, detail, &mut MAX_PICTURE.clone(), &mut frames)?;
        frames.truncate(1);
        Ok(self.timed(track, frames, true)?.into_iter().next().ok_or(damaged)?)
    }
}
