//! The codec of a picture track.

use super::Raw;
use crate::codec::h264::AvcConfig;
use crate::error::Error;
use crate::mkv::encoding::Undo;
use crate::track::Codec;

impl Raw {
    /// The codec behind a video track's CodecID.
    pub(super) fn video_codec(&self, of_private: &[Undo]) -> Result<Codec, Error> {
        match self.codec_id.as_str() {
            "V_MPEG4/ISO/AVC" => self.avc(of_private),
            _ => Err(Error::unsupported("this video codec is not played in HLS yet")),
        }
    }

    fn avc(&self, of_private: &[Undo]) -> Result<Codec, Error> {
        let private = self.private(of_private)?;
        if private.is_empty() {
            return Err(Error::unsupported("H.264 without parameter sets in the header"));
        }
        if private.starts_with(&[0, 0, 1]) || private.starts_with(&[0, 0, 0, 1]) {
            return Err(Error::unsupported(
                "H.264 stored as a byte stream (Annex B) is not supported in Matroska",
            ));
        }
        Ok(Codec::H264(Box::new(AvcConfig::parse(&private)?)))
    }
}
