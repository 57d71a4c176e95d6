//! What is known of a track, a sample and a keyframe, whichever container they come from.

use crate::codec::{
    aac::AacConfig,
    ac3::{self, Ac3Config, Ac3Stream, Eac3Config},
    alac::AlacConfig,
    av1::Av1Config,
    dolby_vision::DolbyVision,
    flac::{self, FlacConfig},
    h264::AvcConfig,
    hevc::HevcConfig,
    mpeg_audio::MpegAudioConfig,
    opus::{self, OpusConfig},
    vp9::Vp9Config,
};
use crate::colour::Colour;
use crate::time::Time90k;
use bytes::Bytes;

/// A track's number in its file (ISO/IEC 14496-12 8.3.2 `track_ID`; Matroska `TrackNumber`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u64);

/// What a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackKind {
    /// Pictures in time (not cover art).
    Video,
    /// Sound.
    Audio,
    /// Text or pictures to lay over the video.
    Subtitle,
    /// Timecodes, metadata, cover art and all else.
    Other,
}

/// One track of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Its number in the file.
    pub id: TrackId,
    /// What it carries.
    pub kind: TrackKind,
    /// Its codec, with the configuration that a decoder needs.
    pub codec: Codec,
    /// The codec as the container names it: a sample entry's four characters or a Matroska CodecID.
    pub codec_name: String,
    /// Language as the container has it (ISO 639-2 or BCP-47); `None` when unknown or "und".
    pub language: Option<String>,
    /// Title of the track, when it has one.
    pub name: Option<String>,
    /// The file asks for this track to be played when the user has not chosen (Matroska FlagDefault, MP4
    /// track_enabled).
    pub default: bool,
    /// What else the file says of the track's purpose.
    pub roles: Roles,
    /// Picture size in pixels as coded (0 when unknown), for video.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Frames per second, when the container or the codec says so.
    pub frame_rate: Option<f64>,
    /// Width and height of a pixel relative to each other (1:1 when unknown), for video.
    pub pixel_aspect: (u32, u32),
    /// How the picture is turned for showing, for video.
    pub rotation: Rotation,
    /// What the picture's numbers mean as light, when the container or the codec says so, for video.
    pub colour: Option<Colour>,
    /// Dolby Vision metadata beside or instead of a base layer that everyone can show, for video.
    pub dolby_vision: Option<DolbyVision>,
    /// Samples of sound per second (0 when unknown), for audio.
    pub sample_rate: u32,
    /// Channels (0 when unknown), for audio.
    pub channels: u32,
}

impl Track {
    /// A track of which only this is known.
    pub fn new(id: TrackId, kind: TrackKind, codec: Codec) -> Self {
        Self {
            id,
            kind,
            codec,
            codec_name: String::new(),
            language: None,
            name: None,
            default: false,
            roles: Roles::default(),
            width: 0,
            height: 0,
            frame_rate: None,
            pixel_aspect: (1, 1),
            rotation: Rotation::default(),
            colour: None,
            dolby_vision: None,
            sample_rate: 0,
            channels: 0,
        }
    }

    /// Its name in CODECS (RFC 6381): the codec's, but Dolby Vision's where only its players show the picture.
    pub fn rfc6381(&self) -> Option<String> {
        let codec = self.codec.rfc6381()?;
        let dolby_vision = self.dolby_vision.as_ref().and_then(|config| config.rfc6381(&codec));
        Some(dolby_vision.unwrap_or(codec))
    }

    /// Its entry in SUPPLEMENTAL-CODECS (RFC 8216bis 4.4.6.2): what Dolby Vision makes of a picture that everyone
    /// can show.
    pub fn supplemental_codec(&self) -> Option<String> {
        self.dolby_vision.as_ref()?.supplemental(&self.codec.rfc6381()?, self.colour)
    }

    /// True when the name or a flag says that people talk about the film here.
    pub fn is_commentary(&self) -> bool {
        self.roles.commentary
            || self.name.as_deref().is_some_and(|name| name.to_lowercase().contains("comment"))
    }
}

/// What a track is for, as far as the file says (Matroska FlagForced and its kin, RFC 9559 5.1.4.1.6 ff.;
/// MP4 `kind`, ISO/IEC 14496-12 8.10.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the format")]
pub struct Roles {
    /// Subtitles for foreign dialogue only, to be shown even when the user wants none.
    pub forced: bool,
    /// For those who cannot hear: with sounds described.
    pub hearing_impaired: bool,
    /// For those who cannot see: with pictures described.
    pub visual_impaired: bool,
    /// Talk about the film.
    pub commentary: bool,
    /// In the language of the production.
    pub original: bool,
}

/// By how much the picture is turned clockwise for showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rotation {
    /// Not at all.
    #[default]
    None,
    /// A quarter.
    Clockwise90,
    /// Upside down.
    Half,
    /// A quarter against the clock.
    Clockwise270,
}

/// A track's codec.
#[derive(Debug, Clone, PartialEq)]
pub enum Codec {
    /// H.264 video, length-prefixed NAL units (ISO/IEC 14496-15 5).
    H264(Box<AvcConfig>),
    /// HEVC video, length-prefixed NAL units (ISO/IEC 14496-15 8).
    Hevc(Box<HevcConfig>),
    /// AV1 video.
    Av1(Av1Config),
    /// VP9 video.
    Vp9(Vp9Config),
    /// MPEG-4 AAC.
    Aac(AacConfig),
    /// MPEG-1 or MPEG-2 Layer III.
    Mp3(MpegAudioConfig),
    /// Opus.
    Opus(OpusConfig),
    /// FLAC.
    Flac(FlacConfig),
    /// AC-3 (Dolby Digital).
    Ac3(Ac3Config),
    /// E-AC-3 (Dolby Digital Plus), with or without Atmos.
    Eac3(Eac3Config),
    /// Apple Lossless.
    Alac(AlacConfig),
    /// Subtitles as text.
    Text(TextConfig),
    /// A codec that is not carried to HLS. `reason` says so to the user.
    Unsupported {
        /// Why not, as a phrase.
        reason: &'static str,
    },
}

/// Subtitles as text, with what is needed to read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextConfig {
    /// How they are written.
    pub format: TextFormat,
    /// Of ASS and SSA the script's header (CodecPrivate); of MP4's formats the sample entry's payload behind the
    /// fields that all entries have; else what CodecPrivate holds.
    pub header: Bytes,
}

/// How subtitles are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextFormat {
    /// SubRip; in Matroska a block is a cue's text (S_TEXT/UTF8).
    Srt,
    /// Advanced SubStation Alpha (S_TEXT/ASS): a block is a Dialogue line without its times.
    Ass,
    /// SubStation Alpha (S_TEXT/SSA): the same.
    Ssa,
    /// WebVTT in Matroska (S_TEXT/WEBVTT): a block is a cue's text.
    WebVtt,
    /// WebVTT in WebM (D_WEBVTT/...): a block is a cue's identifier, settings and text, a line each.
    WebmVtt,
    /// WebVTT in MP4 (`wvtt`, ISO/IEC 14496-30).
    Mp4Vtt,
    /// 3GPP timed text (`tx3g`, 3GPP TS 26.245).
    Tx3g,
}

impl Codec {
    /// True when the codec can be put into an HLS segment.
    pub const fn is_supported(&self) -> bool {
        !matches!(self, Self::Unsupported { .. })
    }

    /// True when it has a place in MPEG-TS that browsers know.
    pub fn fits_ts(&self) -> bool {
        match self {
            Self::H264(_) | Self::Mp3(_) => true,
            Self::Aac(config) => config.fits_adts(),
            _ => false,
        }
    }

    /// Its name in CODECS (RFC 6381); MP3 as hls.js and Safari know it. `None` for text and what is not played.
    pub fn rfc6381(&self) -> Option<String> {
        Some(match self {
            Self::H264(config) => config.rfc6381(),
            Self::Hevc(config) => config.rfc6381(),
            Self::Av1(config) => config.rfc6381(),
            Self::Vp9(config) => config.rfc6381(),
            Self::Aac(config) => config.rfc6381(),
            Self::Mp3(_) => "mp4a.40.34".to_owned(),
            Self::Opus(_) => "Opus".to_owned(),
            Self::Flac(_) => "fLaC".to_owned(),
            Self::Ac3(_) => "ac-3".to_owned(),
            Self::Eac3(_) => "ec-3".to_owned(),
            Self::Alac(_) => "alac".to_owned(),
            Self::Text(_) | Self::Unsupported { .. } => return None,
        })
    }
}

/// Of sound. Frames are counted on a clock of their own: [`Codec::timescale`].
impl Codec {
    /// Samples per second that a decoder puts out; `None` for what is no sound, or not played.
    pub fn sample_rate(&self) -> Option<u32> {
        match self {
            Self::Aac(config) => Some(config.output_rate),
            _ => self.timescale(),
        }
    }

    /// Channels that a decoder puts out; `None` for what is no sound, or not played.
    pub const fn channels(&self) -> Option<u32> {
        Some(match self {
            Self::Aac(config) => config.channels(),
            Self::Mp3(config) => config.channels,
            Self::Opus(config) => config.channels,
            Self::Flac(config) => config.channels,
            Self::Ac3(config) => config.channels,
            Self::Eac3(config) => config.channels,
            Self::Alac(config) => config.channels,
            _ => return None,
        })
    }

    /// Ticks per second in which the length of a frame is a whole number: the sampling rate, of AAC the core
    /// coder's. Above 0; `None` for what is no sound, or not played.
    pub fn timescale(&self) -> Option<u32> {
        let rate = match self {
            Self::Aac(config) => config.sample_rate,
            Self::Mp3(config) => config.sample_rate,
            Self::Opus(_) => OpusConfig::SAMPLE_RATE,
            Self::Flac(config) => config.sample_rate,
            Self::Ac3(config) => config.sample_rate,
            Self::Eac3(config) => config.sample_rate,
            Self::Alac(config) => config.sample_rate,
            _ => return None,
        };
        Some(rate).filter(|rate| *rate > 0)
    }

    /// Samples of sound in every frame, in ticks of [`Codec::timescale`]; the last frame of a track may be
    /// shorter. `None` where frames differ.
    pub const fn frame_samples(&self) -> Option<u32> {
        let samples = match self {
            Self::Aac(config) => config.samples_per_frame(),
            Self::Mp3(config) => config.samples_per_frame,
            Self::Flac(config) => config.block_size,
            Self::Ac3(_) => Ac3Config::SAMPLES_PER_FRAME,
            Self::Eac3(config) => config.samples_per_frame,
            Self::Alac(config) => config.samples_per_frame,
            _ => 0,
        };
        if samples > 0 { Some(samples) } else { None }
    }

    /// Samples of sound in this frame, in ticks of [`Codec::timescale`]; `None` where it does not tell.
    pub fn samples_in(&self, frame: &[u8]) -> Option<u32> {
        match self {
            Self::Opus(_) => opus::packet_samples(frame),
            Self::Flac(config) => flac::frame_samples(frame, config).or_else(|| self.frame_samples()),
            Self::Ac3(_) | Self::Eac3(_) => ac3::unit_samples(frame).or_else(|| self.frame_samples()),
            Self::Alac(config) => Some(config.frame_samples(frame)),
            _ => self.frame_samples(),
        }
    }
}

/// What only frames tell.
impl Codec {
    /// How many bytes of the first frame must be read to know the codec; `None` when the container has told all.
    pub(crate) fn needs_frame(&self) -> Option<u64> {
        match self {
            Self::Mp3(_) => Some(4),
            Self::Ac3(Ac3Config { record, .. }) | Self::Eac3(Eac3Config { record, .. }) => {
                record.is_empty().then_some(ac3::MAX_UNIT)
            }
            _ => None,
        }
    }

    /// Makes do without a first frame.
    pub(crate) fn settle(&mut self) {
        let (extended, record, rate, channels) = match &*self {
            Self::Ac3(config) => (false, &config.record, config.sample_rate, config.channels),
            Self::Eac3(config) => (true, &config.record, config.sample_rate, config.channels),
            _ => return,
        };
        if record.is_empty() {
            *self = Ac3Stream::assumed(extended, rate, channels).into();
        }
    }

    /// Takes over what the first frame of a track says of itself; one that says nothing changes nothing.
    pub(crate) fn learn_from_frame(&mut self, frame: &[u8]) {
        match self {
            Self::Mp3(_) => match MpegAudioConfig::parse(frame) {
                Some(config) if config.layer == 3 => *self = Self::Mp3(config),
                Some(config) => *self = Self::Unsupported { reason: config.refusal() },
                None => {}
            },
            Self::Opus(config) => config.first_packet = opus::packet_samples(frame).unwrap_or(0),
            Self::Ac3(_) | Self::Eac3(_) => {
                if let Some(stream) = Ac3Stream::parse(frame) {
                    *self = stream.into();
                }
            }
            _ => {}
        }
    }
}

impl From<Ac3Stream> for Codec {
    fn from(stream: Ac3Stream) -> Self {
        match stream {
            Ac3Stream::Ac3(config) => Self::Ac3(config),
            Ac3Stream::Eac3(config) => Self::Eac3(config),
        }
    }
}

/// A random access point of a track, known from the container's index alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyframe {
    /// When it is shown, on the presentation clock.
    pub pts: Time90k,
    /// Where it is, in the container's own terms: MP4, the sample's number in decode order from 0;
    /// Matroska, the index of the Cue point in the container's table of keyframes.
    pub at: u64,
}

/// The samples from one random access point up to the next cut: what one segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first sample. The first span of a presentation also takes what lies before it.
    pub start: Keyframe,
    /// The first sample that belongs to the next span; `None` for the last span, which takes all the rest.
    pub end: Option<Keyframe>,
    /// True for the first span of the presentation.
    pub first: bool,
}

/// The most samples of one track in one span: pictures of two minutes at 1,000 a second.
pub(crate) const MAX_SPAN_SAMPLES: u32 = 120_000;

/// One access unit: a coded picture, or a frame of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When it is shown, on the presentation clock. May be negative: encoder priming precedes 0.
    pub pts: Time90k,
    /// When it is decoded; strictly increasing in a track, never after `pts`. For sound the same as `pts`.
    pub dts: Time90k,
    /// How long it is shown or heard, when the container says so; of subtitles always when it does.
    pub duration: Option<Time90k>,
    /// True for a random access point.
    pub sync: bool,
    /// The bytes, as the container has them.
    pub data: Bytes,
}
