//! Key pictures by themselves, for players that show them while the user looks for a place.
//!
//! There is one for each random access point that the file's index names. Each is a file of its own, so that the
//! playlist can be written before any picture's size is known.

use crate::cmaf;
use crate::error::Error;
use crate::presentation::Presentation;
use crate::rendition::{Rendition, SegmentFormat};
use crate::source::{ByteSource, Step};
use crate::time::Time90k;
use crate::track::{Keyframe, Sample, TrackId};
use crate::ts;
use bytes::Bytes;
use std::ops::Range;

/// A key picture of a presentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IFrame {
    /// Where it is, and the one behind it.
    keyframe: Keyframe,
    next: Option<Keyframe>,
    /// From when on it stands for the film, on the presentation clock: when it is shown; of the first one when the
    /// presentation begins.
    pub start: Time90k,
    /// When the next one is shown; of the last one when the presentation ends.
    pub end: Time90k,
}

/// A picture a second for two days.
const MAX_IFRAMES: usize = 200_000;

impl IFrame {
    /// All of `presentation`, in order; none when it has no picture.
    ///
    /// # Errors
    /// `Limit` when they are too many.
    pub fn all(presentation: &Presentation) -> Result<Vec<Self>, Error> {
        let Some(video) = presentation.video() else { return Ok(Vec::new()) };
        let plan = presentation.plan();
        let end = plan.origin() + plan.duration();
        let mut found: Vec<Self> = Vec::new();
        let keyframes = presentation.movie().keyframes(video.id)?;
        for keyframe in keyframes.take_while(|keyframe| keyframe.pts < end) {
            if found.len() >= MAX_IFRAMES {
                return Err(Error::limit("key pictures", 0));
            }
            let start = if found.is_empty() { plan.origin() } else { keyframe.pts };
            if let Some(last) = found.last_mut() {
                last.end = start;
                last.next = Some(keyframe);
            }
            found.push(Self { keyframe, next: None, start, end });
        }
        Ok(found)
    }

    /// How long it stands.
    pub fn duration(&self) -> Time90k {
        self.end - self.start
    }

    /// EXT-X-TARGETDURATION of a playlist of `frames`, in seconds.
    pub fn target_duration(frames: &[Self]) -> u32 {
        let longest = frames.iter().map(Self::duration).max().unwrap_or_default();
        u32::try_from((longest.0 + 45_000) / 90_000).unwrap_or(u32::MAX).max(1)
    }

    /// About how many bytes the file of it has.
    pub(crate) fn estimated_size(&self, presentation: &Presentation, rendition: &Rendition) -> f64 {
        let (movie, plan) = (presentation.movie(), presentation.plan());
        let told = movie.keyframe_size(plan.cut, &self.keyframe, self.next);
        let picture = told.map_or_else(|| usual_size(presentation, rendition, self), to_float);
        match rendition.format {
            // 184 of 188 bytes of a packet; the tables, and half of what brings the stream to 16 packets.
            SegmentFormat::Ts => (picture + 40.0) * 188.0 / 184.0 + 10.0 * 188.0,
            SegmentFormat::Fmp4 => picture + 130.0,
        }
    }
}

/// A key picture has about so many times the bytes of the pictures around it.
const KEY_TO_OTHERS: f64 = 6.0;
/// What is taken for the rate of a film that does not tell.
const USUAL_FRAME_RATE: f64 = 25.0;

/// A key picture's bytes where the index does not tell: from those of its segment.
fn usual_size(presentation: &Presentation, rendition: &Rendition, frame: &IFrame) -> f64 {
    let plan = presentation.plan();
    let Some(segment) = plan.segment(plan.segment_at(frame.start - plan.origin())) else { return 0.0 };
    let rate = presentation.video().and_then(|video| video.frame_rate).unwrap_or(USUAL_FRAME_RATE);
    let bytes = presentation.estimated_size(rendition, segment) / segment.duration().seconds().max(1e-3);
    let pictures = (frame.duration().seconds() * rate).max(1.0);
    bytes * frame.duration().seconds() * KEY_TO_OTHERS / (KEY_TO_OTHERS + pictures - 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
const fn to_float(value: u64) -> f64 {
    value as f64
}

impl Presentation {
    /// The bytes of the file to fetch for key picture `index`; a large one may turn out to need more.
    ///
    /// # Errors
    /// `Unsupported` when there is no key picture of that number, or `rendition` is not the picture by itself.
    pub fn iframe_ranges(&self, rendition: &Rendition, index: u32) -> Result<Vec<Range<u64>>, Error> {
        let (video, frame) = self.find_iframe(rendition, index)?;
        self.movie().keyframe_ranges(video, &frame.keyframe, frame.next)
    }

    /// Makes key picture `index` as the I-frame playlist of `rendition` lists it: one picture, by itself.
    ///
    /// # Errors
    /// As [`Presentation::iframe_ranges`], and what is wrong with the file's bytes; a miss is [`Step::Need`].
    pub fn iframe(
        &self,
        rendition: &Rendition,
        index: u32,
        src: &dyn ByteSource,
    ) -> Result<Step<Bytes>, Error> {
        let (video, frame) = self.find_iframe(rendition, index)?;
        let picture = match Step::of(self.movie().keyframe(src, video, &frame.keyframe, frame.next))? {
            Step::Done(picture) => picture,
            Step::Need(range) => return Ok(Step::Need(range)),
        };
        // Shown as soon as it is decoded: nothing before it has to be waited for.
        let picture = Sample { dts: picture.pts, ..picture };
        match rendition.format {
            SegmentFormat::Ts => ts::picture(self.movie(), self.plan(), rendition, index, picture),
            SegmentFormat::Fmp4 => {
                let track = self.movie().track(video).ok_or(Error::unsupported("no such track"))?;
                cmaf::picture(self.plan(), rendition, track, index, picture, frame.end)
            }
        }
        .map(Step::Done)
    }

    fn find_iframe(&self, rendition: &Rendition, index: u32) -> Result<(TrackId, IFrame), Error> {
        self.check(rendition)?;
        let Rendition { video: Some(video), audio: None, .. } = *rendition else {
            return Err(Error::unsupported("key pictures are of the picture alone"));
        };
        let frame = usize::try_from(index).ok().and_then(|index| IFrame::all(self).ok()?.get(index).copied());
        Ok((video, frame.ok_or(Error::unsupported("no key picture of that number"))?))
    }
}
