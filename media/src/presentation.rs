//! What a client is offered of a movie: which tracks, in which renditions, cut by one plan.

use crate::access_units;
use crate::cmaf;
use crate::error::Error;
use crate::movie::Movie;
use crate::plan::{PlanOptions, Segment, SegmentPlan, plan};
use crate::rendition::{Rendition, SegmentFormat};
use crate::source::{ByteSource, Step};
use crate::text;
use crate::track::{Codec, Track, TrackId, TrackKind};
use crate::ts;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// A movie with its plan. It never changes, and everything that is made from it is a pure function of it.
#[derive(Debug, Clone)]
pub struct Presentation {
    movie: Arc<Movie>,
    plan: SegmentPlan,
    video: Option<TrackId>,
    audio: Vec<TrackId>,
    default_audio: Option<TrackId>,
}

impl Presentation {
    /// Chooses the tracks that are offered and plans the cuts.
    ///
    /// # Errors
    /// `Unsupported` with a reason for the user when the file cannot be streamed as HLS.
    pub fn new(movie: Arc<Movie>, options: &PlanOptions) -> Result<Self, Error> {
        let video = picture(&movie.tracks)?;
        let audio: Vec<&Track> = playable(&movie.tracks, TrackKind::Audio).collect();
        let default_audio = default_sound(&movie.tracks);
        if let (None, None, Some(reason)) = (video, default_audio, refusal(&movie.tracks, TrackKind::Audio)) {
            return Err(Error::unsupported(reason));
        }
        let cut =
            video.or(default_audio).ok_or(Error::unsupported("neither picture nor sound in the file"))?;
        let audio: Vec<TrackId> = audio.into_iter().map(|track| track.id).collect();
        let (cut, video, default_audio) =
            (cut.id, video.map(|track| track.id), default_audio.map(|track| track.id));
        let plan = plan(&movie, cut, &audio, options)?;
        Ok(Self { plan, video, audio, default_audio, movie })
    }

    /// The file.
    pub fn movie(&self) -> &Movie {
        &self.movie
    }

    /// The cuts, which all renditions share.
    pub const fn plan(&self) -> &SegmentPlan {
        &self.plan
    }

    /// The picture track that is played; `None` in a presentation of sound only.
    pub fn video(&self) -> Option<&Track> {
        self.movie.track(self.video?)
    }

    /// The sound tracks that are offered, in the order of the file.
    pub fn audio(&self) -> impl Iterator<Item = &Track> {
        self.audio.iter().filter_map(|id| self.movie.track(*id))
    }

    /// The sound that is played when the user has not chosen.
    pub fn default_audio(&self) -> Option<&Track> {
        self.movie.track(self.default_audio?)
    }

    /// Why the film has no sound here although the file has some.
    pub fn silence(&self) -> Option<&'static str> {
        if self.default_audio.is_some() { None } else { refusal(&self.movie.tracks, TrackKind::Audio) }
    }

    /// How the multivariant playlist packs segments unless a client asks otherwise: MPEG-TS where all that is
    /// offered has a place in it, else fragmented MP4.
    pub fn format(&self) -> SegmentFormat {
        let fits = self.video().into_iter().chain(self.audio()).all(|track| track.codec.fits_ts());
        if fits { SegmentFormat::Ts } else { SegmentFormat::Fmp4 }
    }

    /// The picture with the default sound, for clients that know one media playlist only. Without `format` it
    /// is the one that both fit into.
    ///
    /// # Errors
    /// `Unsupported` when they do not fit into `format`.
    pub fn main_rendition(&self, format: Option<SegmentFormat>) -> Result<Rendition, Error> {
        let fits = self.video().into_iter().chain(self.default_audio()).all(|track| track.codec.fits_ts());
        let format = format.unwrap_or(if fits { SegmentFormat::Ts } else { SegmentFormat::Fmp4 });
        let rendition = Rendition { video: self.video, audio: self.default_audio, format };
        self.check(&rendition)?;
        Ok(rendition)
    }

    /// Checks that `rendition` is one of this presentation.
    ///
    /// # Errors
    /// `Unsupported` when it names no track, one that is not offered, or one that does not fit into its format.
    pub fn check(&self, rendition: &Rendition) -> Result<(), Error> {
        let is_offered = rendition.video.is_none_or(|id| self.video == Some(id))
            && rendition.audio.is_none_or(|id| self.audio.contains(&id));
        if !is_offered || rendition.tracks().next().is_none() {
            return Err(Error::unsupported("no such rendition"));
        }
        let mut tracks = rendition.tracks().filter_map(|id| self.movie.track(id));
        if rendition.format == SegmentFormat::Ts && !tracks.all(|track| track.codec.fits_ts()) {
            return Err(Error::unsupported(
                "this codec cannot be carried in MPEG-TS; ask for ?container=fmp4",
            ));
        }
        Ok(())
    }

    /// The bytes of the file that segment `index` of `rendition` is made of, sorted and disjoint.
    ///
    /// # Errors
    /// As [`access_units::byte_ranges`].
    pub fn byte_ranges(&self, rendition: &Rendition, index: u32) -> Result<Vec<Range<u64>>, Error> {
        let tracks: Vec<TrackId> = rendition.tracks().collect();
        access_units::byte_ranges(&self.movie, &self.plan, &tracks, index)
    }

    /// The initialization segment of `rendition` (EXT-X-MAP, RFC 8216 4.3.2.5), known from the index alone.
    ///
    /// # Errors
    /// `Unsupported` for a rendition in MPEG-TS, which has none, and for one that [`Presentation::check`] refuses.
    pub fn init(&self, rendition: &Rendition) -> Result<Bytes, Error> {
        self.check(rendition)?;
        match rendition.format {
            SegmentFormat::Ts => Err(Error::unsupported("MPEG-TS has no initialization segment")),
            SegmentFormat::Fmp4 => cmaf::init(&self.movie, rendition),
        }
    }

    /// The first bytes of segment `index`, which are known before any media byte has arrived.
    pub fn head(&self, rendition: &Rendition, index: u32) -> Bytes {
        match rendition.format {
            SegmentFormat::Ts => ts::head(&self.movie, rendition, index),
            SegmentFormat::Fmp4 => cmaf::head(rendition),
        }
    }

    /// Makes segment `index` of `rendition`. It begins with [`Presentation::head`].
    ///
    /// # Errors
    /// What is wrong with the file's bytes; a miss is [`Step::Need`].
    pub fn segment(
        &self,
        rendition: &Rendition,
        index: u32,
        src: &dyn ByteSource,
    ) -> Result<Step<Bytes>, Error> {
        match rendition.format {
            SegmentFormat::Ts => ts::segment(&self.movie, &self.plan, rendition, index, src),
            SegmentFormat::Fmp4 => cmaf::segment(&self.movie, &self.plan, rendition, index, src),
        }
    }

    /// The subtitle tracks that are offered, in the order of the file.
    pub fn subtitles(&self) -> impl Iterator<Item = &Track> {
        playable(&self.movie.tracks, TrackKind::Subtitle)
    }

    /// The bytes of the file that segment `index` of a subtitle track is made of, sorted and disjoint.
    ///
    /// # Errors
    /// As [`text::track_ranges`].
    pub fn subtitle_ranges(&self, track: TrackId, index: u32) -> Result<Vec<Range<u64>>, Error> {
        text::track_ranges(&self.movie, &self.plan, track, index)
    }

    /// Makes segment `index` of a subtitle track, as WebVTT.
    ///
    /// # Errors
    /// As [`text::track_segment`].
    pub fn subtitle_segment(
        &self,
        track: TrackId,
        index: u32,
        src: &dyn ByteSource,
    ) -> Result<Step<Bytes>, Error> {
        text::track_segment(&self.movie, &self.plan, track, index, src)
    }

    /// About how many bytes a segment has.
    pub(crate) fn estimated_size(&self, rendition: &Rendition, segment: &Segment) -> f64 {
        match rendition.format {
            SegmentFormat::Ts => ts::estimated_size(&self.movie, &self.plan, rendition, segment),
            SegmentFormat::Fmp4 => cmaf::estimated_size(&self.movie, &self.plan, rendition, segment),
        }
    }
}

/// The tracks of `kind` that can be put into HLS.
fn playable(tracks: &[Track], kind: TrackKind) -> impl Iterator<Item = &Track> {
    tracks.iter().filter(move |track| track.kind == kind && track.codec.is_supported())
}

/// Why no track of `kind` can be played; `None` when one can, or there is none.
fn refusal(tracks: &[Track], kind: TrackKind) -> Option<&'static str> {
    if playable(tracks, kind).next().is_some() {
        return None;
    }
    tracks.iter().filter(|track| track.kind == kind).find_map(|track| match track.codec {
        Codec::Unsupported { reason } => Some(reason),
        _ => None,
    })
}

/// The picture to play: the first that the file marks as default, else the first that can be played.
fn picture(tracks: &[Track]) -> Result<Option<&Track>, Error> {
    if let Some(reason) = refusal(tracks, TrackKind::Video) {
        return Err(Error::unsupported(reason));
    }
    let mut default = playable(tracks, TrackKind::Video).filter(|track| track.default);
    Ok(default.next().or_else(|| playable(tracks, TrackKind::Video).next()))
}

/// The sound to play when the user has not chosen: the file's choice, and where that cannot be played, one that
/// says the same in another form before one in another language or about the film.
fn default_sound(tracks: &[Track]) -> Option<&Track> {
    let mut of_kind = tracks.iter().filter(|track| track.kind == TrackKind::Audio);
    let main = of_kind.clone().find(|track| track.default).or_else(|| of_kind.next())?;
    let says_the_same = |track: &&Track| {
        let other_language =
            main.language.is_some() && track.language.is_some() && main.language != track.language;
        !other_language && (!track.is_commentary() || main.is_commentary())
    };
    let candidates = || playable(tracks, TrackKind::Audio);
    candidates()
        .find(|track| track.id == main.id)
        .or_else(|| candidates().filter(|track| track.default).find(says_the_same))
        .or_else(|| candidates().find(says_the_same))
        .or_else(|| candidates().find(|track| !track.is_commentary()))
        .or_else(|| candidates().next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::mpeg_audio::MpegAudioConfig;

    #[test]
    fn another_track_stands_in_for_sound_that_cannot_be_played() {
        let track = |id, playable, default, language: Option<&str>, name: Option<&str>| {
            let codec = match playable {
                true => Codec::Mp3(MpegAudioConfig::layer3(48_000, 2)),
                false => Codec::Unsupported { reason: "DTS" },
            };
            Track {
                language: language.map(str::to_owned),
                name: name.map(str::to_owned),
                default,
                ..Track::new(TrackId(id), TrackKind::Audio, codec)
            }
        };
        let chosen = |tracks: &[Track]| default_sound(tracks).map(|track| track.id.0);
        let dts = track(1, false, true, Some("eng"), None);
        let commentary = track(4, true, false, Some("eng"), Some("Director's Commentary"));
        let french = track(3, true, false, Some("fre"), None);
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(std::slice::from_ref(&dts)), None);
        assert_eq!(refusal(std::slice::from_ref(&dts), TrackKind::Audio), Some("DTS"));
        assert_eq!(chosen(&[dts.clone(), track(2, true, false, Some("eng"), None)]), Some(2));
        assert_eq!(chosen(&[dts.clone(), track(2, true, false, None, Some("Stereo"))]), Some(2));
        assert_eq!(chosen(&[dts.clone(), commentary.clone(), french.clone()]), Some(3));
        assert_eq!(chosen(&[dts, commentary]), Some(4));
        let both = [track(1, true, false, Some("eng"), None), track(2, true, true, Some("fre"), None)];
        assert_eq!(chosen(&both), Some(2), "the file's choice");
    }
}
