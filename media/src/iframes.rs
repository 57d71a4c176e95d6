//! Key pictures by themselves, for players that show them while the user looks for a place.
//!
//! There is one for each random access point that the file's index names. Each is a file of its own, so that the
//! playlist can be written before any picture's size is known.

use crate::error::Error;
use crate::presentation::Presentation;
use crate::time::Time90k;
use crate::track::Keyframe;

/// A key picture of a presentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IFrame {
    /// Where it is.
    pub(crate) keyframe: Keyframe,
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
            }
            found.push(Self { keyframe, start, end });
        }
        Ok(found)
    }
}
