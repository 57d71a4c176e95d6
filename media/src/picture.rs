//! Picture codecs as both containers meet them: what their configuration tells at once, what only a random access
//! point tells, and what a track gets to know from it.

use crate::codec::{
    av1::Av1Config,
    h264::AvcConfig,
    hevc::HevcConfig,
    nal::begins_with_start_code,
    picture::Picture,
    vp9::{self, FrameHeader, Vp9Config},
};
use crate::colour::Colour;
use crate::error::{Error, ErrorKind};
use crate::track::{Codec, Track};
use bytes::Bytes;

/// What is read at most of a random access point: parameter sets come first in it.
pub(crate) const MAX_HEAD: u64 = 64 << 10;

/// Why a codec that no HLS client plays is not offered.
macro_rules! unplayable {
    ($name:literal) => {
        concat!($name, " video cannot be played as HLS; /stream serves the file")
    };
}
pub(crate) use unplayable;

/// What the container's words tell of a picture codec.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) codec: Codec,
    pub(crate) picture: Option<Picture>,
    pub(crate) incomplete: Option<Incomplete>,
}

impl Found {
    fn whole(codec: Codec, picture: Picture) -> Self {
        Self { codec, picture: Some(picture), incomplete: None }
    }

    /// A codec that is not played.
    pub(crate) const fn unsupported(reason: &'static str) -> Self {
        Self { codec: Codec::Unsupported { reason }, picture: None, incomplete: None }
    }

    const fn until_learnt(incomplete: Incomplete, reason: &'static str) -> Self {
        Self { codec: Codec::Unsupported { reason }, picture: None, incomplete: Some(incomplete) }
    }

    /// H.264 with the payload of its `avcC`, or a byte stream of parameter sets; empty when there is none.
    pub(crate) fn avc(record: &Bytes) -> Self {
        let incomplete = Incomplete::Avc { record: record.clone() };
        if record.is_empty() || begins_with_start_code(record) {
            return Self::until_learnt(incomplete, "H.264 without parameter sets");
        }
        match AvcConfig::parse(record) {
            Ok(config) => {
                let picture = config.picture.picture();
                Self::whole(Codec::H264(Box::new(config)), picture)
            }
            Err(Error { kind: ErrorKind::Unsupported, what, .. }) => Self::until_learnt(incomplete, what),
            Err(_) => Self::until_learnt(incomplete, "H.264 with a damaged configuration"),
        }
    }

    /// HEVC with the payload of its `hvcC`, or a byte stream of parameter sets; empty when there is none.
    pub(crate) fn hevc(record: &Bytes) -> Self {
        let incomplete = Incomplete::Hevc { record: record.clone() };
        if record.is_empty() || begins_with_start_code(record) {
            return Self::until_learnt(incomplete, "HEVC without parameter sets");
        }
        match HevcConfig::parse(record) {
            Ok((config, sps)) => Self::whole(Codec::Hevc(Box::new(config)), sps.picture),
            Err(Error { kind: ErrorKind::Unsupported, what, .. }) => Self::until_learnt(incomplete, what),
            Err(_) => Self::until_learnt(incomplete, "HEVC with a damaged configuration"),
        }
    }

    /// AV1 with the payload of its `av1C`; empty when there is none.
    pub(crate) fn av1(record: &Bytes) -> Self {
        match Av1Config::parse(record) {
            Ok((config, header)) => Self::whole(Codec::Av1(config), header.picture),
            Err(_) => match Av1Config::of_flags(record) {
                // All that is a must; size and colour are for the first frame to tell.
                Some(config) => {
                    Self { codec: Codec::Av1(config), picture: None, incomplete: Some(Incomplete::Av1) }
                }
                None => Self::until_learnt(Incomplete::Av1, "AV1 without a sequence header"),
            },
        }
    }

    /// VP9 with the payload of its `vpcC`.
    pub(crate) fn vp9(record: &Bytes) -> Self {
        match Vp9Config::parse(record) {
            Ok((config, colour)) => {
                let picture = Picture {
                    width: 0,
                    height: 0,
                    bit_depth: config.bit_depth,
                    frame_rate: None,
                    pixel_aspect: None,
                    colour: Some(colour),
                };
                Self::whole(Codec::Vp9(config), picture)
            }
            Err(_) => Self::vp9_of_frames(None),
        }
    }

    /// VP9 of which at most the level is known, as ten times its name.
    pub(crate) const fn vp9_of_frames(level: Option<u8>) -> Self {
        Self::until_learnt(Incomplete::Vp9 { level }, "VP9 without a key frame at its beginning")
    }
}

/// A picture codec that only a random access point completes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incomplete {
    /// H.264 with an `avcC` that lacks parameter sets, or a byte stream, or nothing.
    Avc { record: Bytes },
    /// HEVC likewise.
    Hevc { record: Bytes },
    /// AV1 without a sequence header.
    Av1,
    /// VP9 without `vpcC`.
    Vp9 { level: Option<u8> },
}

/// How NAL units follow one another in a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As the codec's configuration says: with lengths in front, or the codec has no NAL units.
    AsConfigured,
    /// As a byte stream (annex B); the configuration is for lengths of four bytes.
    ByteStream,
}

impl Incomplete {
    /// Gives `track` its codec and what follows from it, out of a random access point or its beginning. `None`
    /// when that does not tell, and the track is as it was.
    pub(crate) fn complete(&self, sample: &[u8], track: &mut Track) -> Option<Framing> {
        let (codec, picture, framing) = self.learn(sample, track).ok()?;
        track.codec = codec;
        describe(track, &picture);
        Some(framing)
    }

    fn learn(&self, sample: &[u8], track: &Track) -> Result<(Codec, Picture, Framing), Error> {
        Ok(match self {
            Self::Avc { record } => {
                let lengths = || AvcConfig::learn(record, sample);
                let (config, framing) = framed(record, sample, AvcConfig::of_byte_stream, lengths)?;
                let picture = config.picture.picture();
                (Codec::H264(Box::new(config)), picture, framing)
            }
            Self::Hevc { record } => {
                let lengths = || HevcConfig::learn(record, sample);
                let ((config, sps), framing) = framed(record, sample, HevcConfig::of_byte_stream, lengths)?;
                (Codec::Hevc(Box::new(config)), sps.picture, framing)
            }
            Self::Av1 => {
                let (config, header) = Av1Config::learn(sample)?;
                (Codec::Av1(config), header.picture, Framing::AsConfigured)
            }
            Self::Vp9 { level } => {
                let header = FrameHeader::parse(sample)?;
                let picture = header.picture;
                let level =
                    level.unwrap_or_else(|| vp9::level_for(picture.width, picture.height, track.frame_rate));
                // The frame's few code points say less than a container that says something.
                let colour = track.colour.unwrap_or(Colour::UNSPECIFIED);
                let colour = colour.or(picture.colour.unwrap_or(Colour::UNSPECIFIED));
                (Codec::Vp9(Vp9Config::new(&header, level, colour)), picture, Framing::AsConfigured)
            }
        })
    }
}

/// A configuration and the framing of the samples, whichever of the two fits `sample`: a sample in a file whose
/// configuration is a byte stream, or missing, may be a byte stream itself.
fn framed<T>(
    record: &Bytes,
    sample: &[u8],
    of_byte_stream: impl Fn(&[u8]) -> Result<T, Error>,
    of_lengths: impl Fn() -> Result<T, Error>,
) -> Result<(T, Framing), Error> {
    let is_stream = begins_with_start_code(sample);
    let both = || [record, [0, 0, 1].as_slice(), sample].concat();
    if begins_with_start_code(record) {
        return match is_stream {
            true => Ok((of_byte_stream(&both())?, Framing::ByteStream)),
            false => Ok((of_byte_stream(record)?, Framing::AsConfigured)),
        };
    }
    // A length of 1, or of 256 to 511, looks like a start code.
    match of_lengths() {
        Err(_) if record.is_empty() && is_stream => Ok((of_byte_stream(sample)?, Framing::ByteStream)),
        other => Ok((other?, Framing::AsConfigured)),
    }
}

/// What the codec says of its pictures goes into the track, beside what the container said.
///
/// Of the size, the codec's word counts. Of colour it does as well, where it says something, for that is what
/// decoders show; VP9's, of few code points, does not. Of time and shape, the container's counts.
pub(crate) fn describe(track: &mut Track, picture: &Picture) {
    if picture.width > 0 && picture.height > 0 {
        (track.width, track.height) = (picture.width, picture.height);
    }
    track.frame_rate = track.frame_rate.or(picture.frame_rate);
    if track.pixel_aspect == (1, 1) {
        track.pixel_aspect = picture.pixel_aspect.unwrap_or((1, 1));
    }
    let said = track.colour.unwrap_or(Colour::UNSPECIFIED);
    let coded = picture.colour.unwrap_or(Colour::UNSPECIFIED);
    let colour = if matches!(track.codec, Codec::Vp9(_)) { said.or(coded) } else { coded.or(said) };
    track.colour = Some(colour).filter(|colour| *colour != Colour::UNSPECIFIED);
}

/// A ratio in its lowest terms; `None` when a side is 0 or longer than six digits even then.
pub(crate) fn reduced(across: u128, down: u128) -> Option<(u32, u32)> {
    let (mut common, mut rest) = (across, down);
    while rest > 0 {
        (common, rest) = (rest, common % rest);
    }
    let side = |side: u128| u32::try_from(side.checked_div(common)?).ok();
    let ratio = (side(across)?, side(down)?);
    let is_sane = |side: u32| (1..=1_000_000).contains(&side);
    (is_sane(ratio.0) && is_sane(ratio.1)).then_some(ratio)
}
