//! Fragmented MP4 as CMAF has it (ISO/IEC 23000-19; ISO/IEC 14496-12 8.8; RFC 8216 3.3).
//!
//! A rendition has one initialization segment, made from what the file's index tells. A segment is one fragment:
//! `styp`, `moof`, `mdat`, and a pure function of the file, the tracks and its number; `timeline.rs` says when its
//! samples are decoded. All clocks are those of MPEG-TS: the presentation
//! begins at [`crate::plan::BASE`], so that subtitles are mapped alike in both formats.
//!
//! There are no edit lists. What they would hide, sound that a decoder primes itself with, lies before the
//! beginning of the presentation by its time: containers' own edits and delays are already in it. The `pre_skip`
//! of Opus stays in its configuration, from where a decoder drops it; its time is taken off likewise, so that it
//! is not heard and costs no delay.

mod boxes;
mod fragment;
mod init;
mod sample_entry;
mod size;
mod timeline;

use crate::access_units;
use crate::codec::av1;
use crate::error::Error;
use crate::movie::Movie;
use crate::plan::{Segment, SegmentPlan};
use crate::rendition::Rendition;
use crate::source::{ByteSource, Step, Stop};
use crate::time::Time90k;
use crate::track::{Codec, Sample, Track, TrackId};
use boxes::BoxWriter;
use bytes::Bytes;
use fragment::{Fragment, Run};
pub use init::init;
pub(crate) use size::estimated_size;
use timeline::{SoundClock, Times};

/// `track_ID` of the picture, the same in every rendition.
const VIDEO_ID: u32 = 1;
/// `track_ID` of the sound.
const AUDIO_ID: u32 = 2;

/// The segment's first bytes, `styp`, the same for all segments.
///
/// Its brand is `msdh` (ISO/IEC 23009-1 6.3.4.2): a media segment of whole fragments; `msix` would promise an
/// index. A segment of one track is a CMAF segment as well (`cmfs`, ISO/IEC 23000-19 7.3.3.1).
pub fn head(rendition: &Rendition) -> Bytes {
    let mut out = BoxWriter::new(size::STYP);
    write_head(&mut out, rendition);
    out.into_bytes()
}

fn write_head(out: &mut BoxWriter, rendition: &Rendition) {
    out.boxed(b"styp", |out| {
        out.put(b"msdh");
        out.u32(0);
        out.put(b"msdhiso6");
        if rendition.tracks().count() == 1 {
            out.put(b"cmfs");
        }
    });
}

/// Makes segment `index`. It begins with [`head`].
///
/// # Errors
/// What is wrong with the file's bytes; a miss is [`Step::Need`].
pub fn segment(
    movie: &Movie,
    plan: &SegmentPlan,
    rendition: &Rendition,
    index: u32,
    src: &dyn ByteSource,
) -> Result<Step<Bytes>, Error> {
    Step::of(make(movie, plan, rendition, index, src))
}

fn make(
    movie: &Movie,
    plan: &SegmentPlan,
    rendition: &Rendition,
    index: u32,
    src: &dyn ByteSource,
) -> Result<Bytes, Stop> {
    let tracks: Vec<TrackId> = rendition.tracks().collect();
    let mut lists = access_units::samples(movie, plan, &tracks, index, src)?.into_iter();
    let segment = plan.segment(index).ok_or(Error::unsupported("no segment of that number"))?;
    let mut runs = Vec::with_capacity(2);
    if let Some(track) = rendition.video.and_then(|id| movie.track(id)) {
        runs.push(pictures(plan, segment, track, lists.next().unwrap_or_default())?);
    }
    if let Some(track) = rendition.audio.and_then(|id| movie.track(id)) {
        let frames = lists.next().unwrap_or_default();
        // A track may pause for a segment; of one that is all there is its place in time is told.
        if !frames.is_empty() || runs.is_empty() {
            let first = movie.start(track.id).unwrap_or_default();
            runs.push(sound(plan, segment, track, first, frames)?);
        }
    }
    let fragment = Fragment::new(index, runs)?;
    let mut out = BoxWriter::new(size::STYP + fragment.len());
    write_head(&mut out, rendition);
    fragment.write(&mut out);
    Ok(out.into_bytes())
}

/// Makes what an I-frame playlist lists: a segment of one picture, which stands until `end`.
///
/// # Errors
/// `Limit` when the picture is too large.
pub(crate) fn picture(
    plan: &SegmentPlan,
    rendition: &Rendition,
    track: &Track,
    index: u32,
    mut picture: Sample,
    end: Time90k,
) -> Result<Bytes, Error> {
    if matches!(track.codec, Codec::Av1(_)) {
        picture.data = av1::without_delimiters(&picture.data);
    }
    // It is decoded when it is shown: nothing that is shown before it follows.
    picture.dts = picture.pts;
    let times = Times {
        start: start(plan, &picture)?,
        durations: vec![u32::try_from((end - picture.pts).0.max(1)).unwrap_or(u32::MAX)],
    };
    let run = Run::of_pictures(VIDEO_ID, vec![picture], &times)?;
    let fragment = Fragment::new(index, vec![run])?;
    let mut out = BoxWriter::new(size::STYP + fragment.len());
    write_head(&mut out, rendition);
    fragment.write(&mut out);
    Ok(out.into_bytes())
}

fn pictures(
    plan: &SegmentPlan,
    segment: &Segment,
    track: &Track,
    mut samples: Vec<Sample>,
) -> Result<Run, Error> {
    let first = samples.first().ok_or(Error::malformed("no whole picture in the segment", 0))?;
    let times = Times { start: start(plan, first)?, durations: timeline::pictures(&samples, segment.end) };
    if matches!(track.codec, Codec::Av1(_)) {
        for sample in &mut samples {
            sample.data = av1::without_delimiters(&sample.data);
        }
    }
    Run::of_pictures(VIDEO_ID, samples, &times)
}

/// What the clock of segments says when a picture is decoded.
fn start(plan: &SegmentPlan, picture: &Sample) -> Result<u64, Error> {
    u64::try_from(plan.clock(picture.dts).0)
        .map_err(|_| Error::malformed("a picture that is decoded long before the film begins", 0))
}

fn sound(
    plan: &SegmentPlan,
    segment: &Segment,
    track: &Track,
    first: Time90k,
    samples: Vec<Sample>,
) -> Result<Run, Error> {
    let clock = SoundClock::new(&track.codec, first, plan.origin())
        .ok_or(Error::unsupported("this sound cannot be carried in fragmented MP4"))?;
    let times = clock.frames(&samples, &track.codec, segment.start);
    Run::of_sound(AUDIO_ID, samples, &times)
}
