//! The codec of a sound track.

use super::{Raw, whole};
use crate::codec::{aac::AacConfig, mpeg_audio::MpegAudioConfig};
use crate::error::Error;
use crate::mkv::encoding::Undo;
use crate::track::Codec;

impl Raw {
    /// The codec behind an audio track's CodecID.
    pub(super) fn audio_codec(&self, of_private: &[Undo]) -> Result<Codec, Error> {
        match self.codec_id.as_str() {
            name if name == "A_AAC" || name.starts_with("A_AAC/") => self.aac(of_private),
            "A_MPEG/L3" => Ok(Codec::Mp3(MpegAudioConfig::layer3(whole(self.sample_rate), self.channels))),
            _ => Err(Error::unsupported("this audio codec is not played in HLS yet")),
        }
    }

    fn aac(&self, of_private: &[Undo]) -> Result<Codec, Error> {
        let private = self.private(of_private)?;
        if !private.is_empty() {
            return Ok(Codec::Aac(AacConfig::parse(&private)?));
        }
        // Old files say it in the CodecID: A_AAC/MPEG4/LC/SBR. As an AudioSpecificConfig that is the object type,
        // "the frequency follows" (15), the frequency and the channels.
        let object_type = if self.codec_id.contains("/MAIN") {
            1
        } else if self.codec_id.contains("/SSR") {
            3
        } else if self.codec_id.contains("/LTP") {
            4
        } else {
            2
        };
        let channels = match self.channels {
            8 => 7,
            count @ 1..=6 => u64::from(count),
            _ => {
                return Err(Error::unsupported(
                    "AAC with a channel layout of its own cannot be carried in ADTS",
                ));
            }
        };
        let rate = u64::from(whole(self.sample_rate) & 0xff_ffff);
        let bits: u64 = object_type << 59 | 15 << 55 | rate << 31 | channels << 27;
        let mut config = AacConfig::parse(&bits.to_be_bytes())?;
        if self.codec_id.ends_with("/SBR") {
            config.signaled_type = 5;
            config.output_rate = config.sample_rate * 2;
        }
        Ok(Codec::Aac(config))
    }
}
