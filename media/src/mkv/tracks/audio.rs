//! The codec of a sound track.

use super::{Raw, whole};
use crate::codec::{
    aac::AacConfig, ac3::Ac3Stream, alac::AlacConfig, flac::FlacConfig, mpeg_audio::MpegAudioConfig,
    opus::OpusConfig,
};
use crate::error::Error;
use crate::mkv::encoding::Undo;
use crate::track::Codec;

/// The beginnings of CodecIDs that are not played, and why. The first that fits counts.
const REFUSED: &[(&str, &str)] = &[
    ("A_DTS/LOSSLESS", "DTS-HD sound is not played in HLS yet"),
    ("A_DTS/EXPRESS", "DTS Express sound is not played in HLS yet"),
    ("A_DTS", "DTS sound is not played in HLS yet"),
    ("A_TRUEHD", "Dolby TrueHD sound is not played in HLS yet"),
    ("A_MLP", "MLP sound is not played in HLS yet"),
    ("A_VORBIS", "Vorbis sound is not played in HLS yet"),
    ("A_PCM/", "PCM sound is not played in HLS yet"),
    ("A_MPEG/L2", "MP2 sound is not played in HLS yet"),
    ("A_MPEG/L1", "MP1 sound is not played in HLS yet"),
    ("A_ATRAC", "ATRAC sound is not played in HLS yet"),
    ("A_MPC", "Musepack sound is not played in HLS yet"),
    ("A_SPEEX", "Speex sound is not played in HLS yet"),
    ("A_TTA", "TTA sound is not played in HLS yet"),
    ("A_WAVPACK", "WavPack sound is not played in HLS yet"),
    ("A_REAL/ATRC", "ATRAC sound is not played in HLS yet"),
    ("A_REAL/", "RealAudio sound is not played in HLS yet"),
    ("A_QUICKTIME/QDM", "QDesign sound is not played in HLS yet"),
    ("A_QUICKTIME", "this kind of QuickTime sound is not played in HLS yet"),
    ("A_AMR", "AMR sound is not played in HLS yet"),
    ("A_AC4", "AC-4 sound is not played in HLS yet"),
    ("A_IAMF", "IAMF sound is not played in HLS yet"),
    ("A_ADPCM", "ADPCM sound is not played in HLS yet"),
];

/// Bytes of a WAVEFORMATEX in front of what belongs to the codec.
const WAVE_FORMAT: usize = 18;

impl Raw {
    /// The codec behind an audio track's CodecID.
    pub(super) fn audio_codec(&self, of_private: &[Undo]) -> Result<Codec, Error> {
        let private = || self.private(of_private);
        match self.codec_id.as_str() {
            name if name == "A_AAC" || name.starts_with("A_AAC/") => self.aac(&private()?),
            "A_MPEG/L3" => Ok(self.mp3()),
            name if name == "A_OPUS" || name.starts_with("A_OPUS/") => self.opus(&private()?),
            "A_FLAC" => Ok(Codec::Flac(FlacConfig::parse_private(&private()?)?)),
            "A_ALAC" => Ok(Codec::Alac(AlacConfig::parse_cookie(&private()?)?)),
            name if name == "A_AC3" || name.starts_with("A_AC3/") => Ok(self.ac3(false)),
            "A_EAC3" => Ok(self.ac3(true)),
            "A_MS/ACM" => self.wave(&private()?),
            name => {
                let refused = REFUSED.iter().find(|(start, _)| name.starts_with(start));
                let reason =
                    refused.map_or("this audio codec is not played in HLS yet", |(_, reason)| reason);
                Err(Error::unsupported(reason))
            }
        }
    }

    fn aac(&self, private: &[u8]) -> Result<Codec, Error> {
        if !private.is_empty() {
            return Ok(Codec::Aac(AacConfig::parse(private)?));
        }
        // Old files say it in the CodecID: A_AAC/MPEG4/LC/SBR.
        let object_type = if self.codec_id.contains("/MAIN") {
            1
        } else if self.codec_id.contains("/SSR") {
            3
        } else if self.codec_id.contains("/LTP") {
            4
        } else {
            2
        };
        let replicated = self.codec_id.ends_with("/SBR");
        let config = AacConfig::synthesize(object_type, whole(self.sample_rate), self.channels, replicated)?;
        Ok(Codec::Aac(config))
    }

    /// What the frames say is learnt from the first of them.
    fn mp3(&self) -> Codec {
        Codec::Mp3(MpegAudioConfig::layer3(whole(self.sample_rate), self.channels))
    }

    /// As [`Raw::mp3`]: there is no CodecPrivate.
    fn ac3(&self, extended: bool) -> Codec {
        Ac3Stream::assumed(extended, whole(self.sample_rate), self.channels).into()
    }

    fn opus(&self, private: &[u8]) -> Result<Codec, Error> {
        if private.is_empty() {
            // CodecDelay is the same in nanoseconds.
            let pre_skip = (u128::from(self.codec_delay) * 48_000 + 500_000_000) / 1_000_000_000;
            let pre_skip = u16::try_from(pre_skip).unwrap_or(0);
            return Ok(Codec::Opus(OpusConfig::without_head(self.channels, pre_skip)?));
        }
        Ok(Codec::Opus(OpusConfig::parse_head(private)?))
    }

    /// Sound named by a WAVEFORMATEX, as in AVI: its format tag (RFC 2361).
    fn wave(&self, format: &[u8]) -> Result<Codec, Error> {
        let tag = match format {
            [low, high, ..] => u16::from_le_bytes([*low, *high]),
            _ => return Err(Error::unsupported("sound without its format (WAVEFORMATEX)")),
        };
        let reason = match tag {
            0x0055 => return Ok(self.mp3()),
            0x00ff => return self.aac(format.get(WAVE_FORMAT..).unwrap_or_default()),
            0x2000 => return Ok(self.ac3(false)),
            0x2001 => "DTS sound is not played in HLS yet",
            0x0001 | 0x0003 | 0xfffe => "PCM sound is not played in HLS yet",
            0x0002 | 0x0011 => "ADPCM sound is not played in HLS yet",
            0x0050 => "MP2 sound is not played in HLS yet",
            0x0160..=0x0163 => "WMA sound is not played in HLS yet",
            0x0270 => "ATRAC sound is not played in HLS yet",
            _ => "this audio codec is not played in HLS yet",
        };
        Err(Error::unsupported(reason))
    }
}
