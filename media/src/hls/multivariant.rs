//! The multivariant playlist (RFC 8216 4.3.4, where it is called the master playlist).
//!
//! Which variants there are and in which order is told in `sounds.rs`; they differ only in the sound that goes with
//! the picture.

use super::attributes::Tag;
use super::bandwidth::Bandwidth;
use super::media_tags::{MediaTag, write_group};
use super::names::Resource;
use super::picture;
use super::sounds::{Group, groups, needs_silent_variant};
use crate::error::Error;
use crate::iframes::IFrame;
use crate::language;
use crate::presentation::Presentation;
use crate::rendition::{Rendition, SegmentFormat, SubtitleId};
use crate::track::{Codec, Track, TrackKind};

/// What the server asks of a multivariant playlist.
#[derive(Debug, Clone, Copy, Default)]
pub struct MultivariantOptions<'a> {
    /// How segments are to be packed; `None` for [`Presentation::format`].
    pub format: Option<SegmentFormat>,
    /// Lists the key pictures, too.
    pub iframes: bool,
    /// Subtitles in files beside the film.
    pub sidecars: &'a [SidecarSubtitle],
}

/// Subtitles in a file beside the film.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SidecarSubtitle {
    /// The file's number, see [`SubtitleId::File`].
    pub file: u32,
    /// Language as a code, a BCP-47 tag, or not known.
    pub language: Option<String>,
    /// A title to show, if there is a better one than the language.
    pub name: Option<String>,
    /// For foreign dialogue only.
    pub forced: bool,
    /// For those who cannot hear.
    pub hearing_impaired: bool,
    /// To be shown when the user has not chosen; counts when no subtitles of the film itself are.
    pub default: bool,
}

/// GROUP-ID of all subtitles.
const SUBTITLES: &str = "subtitles";

/// One EXT-X-STREAM-INF.
struct Variant<'a> {
    /// What its URI plays.
    rendition: Rendition,
    /// The sounds that go with it.
    group: Option<&'a Group<'a>>,
    /// Of several variants the ones that play sound come before one that does not (RFC 8216bis 4.4.6.2 SCORE).
    score: Option<u32>,
}

/// The variants and renditions of a presentation, see [`MultivariantOptions`].
///
/// # Errors
/// `Unsupported` when the picture, or of a presentation without picture all sound, does not fit into the format;
/// `Limit` when there are too many key pictures to list.
pub fn multivariant_playlist(
    presentation: &Presentation,
    options: &MultivariantOptions<'_>,
) -> Result<String, Error> {
    let format = options.format.unwrap_or_else(|| presentation.format());
    let fits = |sound: &&Track| format == SegmentFormat::Fmp4 || sound.codec.fits_ts();
    let sounds: Vec<&Track> = presentation.audio().filter(fits).collect();
    let groups = groups(&sounds, presentation.default_audio(), format);
    let variants = variants(presentation, &groups, format);
    for variant in &variants {
        presentation.check(&variant.rendition)?;
    }
    if variants.is_empty() {
        return Err(Error::unsupported("no sound of the file fits into this container"));
    }

    let version = if format == SegmentFormat::Ts { 3 } else { 7 };
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    if !presentation.movie().chapters().is_empty() {
        let uri = Resource::ChaptersJson.name(presentation);
        let tag = Tag::new("EXT-X-SESSION-DATA").quoted("DATA-ID", "com.apple.hls.chapters");
        text.push_str(&tag.quoted("URI", &uri).line());
    }
    for variant in &variants {
        if let Some(group) = variant.group {
            write_group(&mut text, sound_tags(presentation, &variant.rendition, group));
        }
    }
    let subtitles = subtitle_tags(presentation, options.sidecars);
    let has_subtitles = !subtitles.is_empty();
    write_group(&mut text, subtitles);
    for variant in &variants {
        text.push_str(&stream_inf(presentation, variant, has_subtitles));
        text.push_str(&Resource::Media(variant.rendition).name(presentation));
        text.push('\n');
    }
    if let (true, Some(video)) = (options.iframes, presentation.video()) {
        text.push_str(&iframe_stream_inf(presentation, video, format)?);
    }
    Ok(text)
}

/// The variants in the order of the playlist.
fn variants<'a>(
    presentation: &Presentation,
    groups: &'a [Group<'a>],
    format: SegmentFormat,
) -> Vec<Variant<'a>> {
    let video = presentation.video().map(|track| track.id);
    // Players want sound in the segments of a variant that has no picture, and in MPEG-TS beside the picture;
    // fragmented MP4 has all apart.
    let muxed = video.is_none() || format == SegmentFormat::Ts;
    let needs_silent = video.is_some() && needs_silent_variant(groups);
    let mut variants: Vec<Variant<'_>> = groups
        .iter()
        .map(|group| {
            let audio = group.first().filter(|_| muxed).map(|track| track.id);
            // One sound that is in the segments anyway needs no choice.
            let group = (!muxed || group.sounds.len() > 1).then_some(group);
            Variant { rendition: Rendition { video, audio, format }, group, score: needs_silent.then_some(2) }
        })
        .collect();
    if video.is_some() && (needs_silent || groups.is_empty()) {
        let rendition = Rendition { video, audio: None, format };
        variants.push(Variant { rendition, group: None, score: needs_silent.then_some(1) });
    }
    variants
}

/// The sounds of a group; what is in the variant's own segments has no URI.
fn sound_tags(presentation: &Presentation, variant: &Rendition, group: &Group<'_>) -> Vec<MediaTag> {
    let tag = |sound: &&Track| {
        let rendition = Rendition { video: None, audio: Some(sound.id), format: variant.format };
        let in_variant = variant.audio == Some(sound.id);
        MediaTag {
            kind: "AUDIO",
            group: group.id,
            default: group.default == Some(sound.id),
            forced: false,
            uri: (!in_variant).then(|| Resource::Media(rendition).name(presentation)),
            ..MediaTag::of_track(sound)
        }
    };
    group.sounds.iter().map(tag).collect()
}

/// All subtitles that can be shown, those of the film first.
fn subtitle_tags(presentation: &Presentation, sidecars: &[SidecarSubtitle]) -> Vec<MediaTag> {
    let tracks = presentation.movie().tracks.iter();
    let of_film: Vec<&Track> = tracks
        .filter(|track| track.kind == TrackKind::Subtitle && matches!(track.codec, Codec::Text(_)))
        .collect();
    // Matroska's flag is set when it is not written, so where all are flagged none is meant.
    let all_flagged = of_film.len() > 1 && of_film.iter().all(|track| track.default);
    let uri = |id| Some(Resource::Subtitles(id).name(presentation));
    let embedded = of_film.iter().map(|track| MediaTag {
        kind: "SUBTITLES",
        group: SUBTITLES,
        default: track.default && !all_flagged,
        channels: None,
        uri: uri(SubtitleId::Track(track.id)),
        ..MediaTag::of_track(track)
    });
    let beside = sidecars.iter().map(|sidecar| MediaTag {
        kind: "SUBTITLES",
        group: SUBTITLES,
        language: sidecar.language.as_deref().and_then(language::to_bcp47),
        title: sidecar.name.clone(),
        default: sidecar.default,
        forced: sidecar.forced,
        hearing_impaired: sidecar.hearing_impaired,
        uri: uri(SubtitleId::File(sidecar.file)),
        ..MediaTag::default()
    });
    embedded.chain(beside).collect()
}

fn stream_inf(presentation: &Presentation, variant: &Variant<'_>, subtitles: bool) -> String {
    let bandwidth = bandwidth(presentation, variant);
    let mut tag = Tag::new("EXT-X-STREAM-INF")
        .plain("BANDWIDTH", bandwidth.peak())
        .plain("AVERAGE-BANDWIDTH", bandwidth.average());
    if let Some(score) = variant.score {
        tag = tag.plain("SCORE", score);
    }
    tag = tag.quoted("CODECS", &codecs(presentation, variant).join(","));
    if let Some(video) = variant.rendition.video.and_then(|id| presentation.movie().track(id)) {
        tag = picture::write_attributes(tag, video, true);
    }
    tag = tag.maybe_quoted("AUDIO", variant.group.map(|group| group.id));
    tag = tag.maybe_quoted("SUBTITLES", subtitles.then_some(SUBTITLES));
    // RFC 8216 4.3.4.2: there are none in the picture that anybody should look for.
    tag.plain("CLOSED-CAPTIONS", "NONE").line()
}

/// All that a player must have to play the variant with any of its sounds, each codec once.
fn codecs(presentation: &Presentation, variant: &Variant<'_>) -> Vec<String> {
    let own = variant.rendition.tracks().filter_map(|id| presentation.movie().track(id));
    let others = variant.group.into_iter().flat_map(|group| group.sounds.iter().copied());
    let mut codecs = Vec::new();
    for codec in own.chain(others).filter_map(Track::rfc6381) {
        if !codecs.contains(&codec) {
            codecs.push(codec);
        }
    }
    codecs
}

/// The most that any renditions of the variant have that can be played together (RFC 8216 4.3.4.2). Text is too
/// little to count.
fn bandwidth(presentation: &Presentation, variant: &Variant<'_>) -> Bandwidth {
    let Rendition { video, audio, format } = variant.rendition;
    let own = Bandwidth::of(presentation, &variant.rendition);
    let others = variant.group.into_iter().flat_map(|group| group.sounds.iter());
    let others = others.filter(|sound| audio != Some(sound.id));
    let sound = |id| Rendition { video: None, audio: Some(id), format };
    let largest = others
        .map(|other| Bandwidth::of(presentation, &sound(other.id)))
        .fold(Bandwidth::default(), Bandwidth::max);
    // Other sound is fetched beside the picture, but instead of a variant of sound only.
    if video.is_some() { own + largest } else { own.max(largest) }
}

fn iframe_stream_inf(
    presentation: &Presentation,
    video: &Track,
    format: SegmentFormat,
) -> Result<String, Error> {
    let rendition = Rendition { video: Some(video.id), audio: None, format };
    let bandwidth = Bandwidth::of_iframes(presentation, &rendition, &IFrame::all(presentation)?);
    let tag = Tag::new("EXT-X-I-FRAME-STREAM-INF")
        .plain("BANDWIDTH", bandwidth.peak())
        .plain("AVERAGE-BANDWIDTH", bandwidth.average())
        .maybe_quoted("CODECS", video.rfc6381().as_deref());
    let tag = picture::write_attributes(tag, video, false);
    Ok(tag.quoted("URI", &Resource::IFrames(rendition).name(presentation)).line())
}
