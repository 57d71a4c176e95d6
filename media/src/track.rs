//! What is known of a track, a sample and a keyframe, whichever container they come from.

use crate::codec::{aac::AacConfig, h264::AvcConfig, mpeg_audio::MpegAudioConfig};
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
    /// Picture size in pixels as coded (0 when unknown), for video.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Frames per second, when the container or the codec says so.
    pub frame_rate: Option<f64>,
    /// Samples of sound per second (0 when unknown), for audio.
    pub sample_rate: u32,
    /// Channels (0 when unknown), for audio.
    pub channels: u32,
}

/// A track's codec.
#[derive(Debug, Clone, PartialEq)]
pub enum Codec {
    /// H.264 video, length-prefixed NAL units (ISO/IEC 14496-15 5).
    H264(Box<AvcConfig>),
    /// MPEG-4 AAC.
    Aac(AacConfig),
    /// MPEG-1 or MPEG-2 Layer III.
    Mp3(MpegAudioConfig),
    /// A codec that is not carried to HLS. `reason` says so to the user.
    Unsupported {
        /// Why not, as a phrase.
        reason: &'static str,
    },
}

impl Codec {
    /// True when the codec can be put into an HLS segment.
    pub const fn is_supported(&self) -> bool {
        !matches!(self, Self::Unsupported { .. })
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
    /// True for a random access point.
    pub sync: bool,
    /// The bytes, as the container has them.
    pub data: Bytes,
}
