//! The codec of a subtitle track.

use super::Raw;
use crate::error::Error;
use crate::mkv::encoding::Undo;
use crate::track::{Codec, TextConfig, TextFormat};

impl Raw {
    /// The codec behind a subtitle track's CodecID.
    pub(super) fn text_codec(&self, of_private: &[Undo]) -> Result<Codec, Error> {
        let format = match self.codec_id.as_str() {
            "S_TEXT/UTF8" | "S_TEXT/ASCII" => TextFormat::Srt,
            "S_TEXT/ASS" | "S_ASS" => TextFormat::Ass,
            "S_TEXT/SSA" | "S_SSA" => TextFormat::Ssa,
            "S_TEXT/WEBVTT" => TextFormat::WebVtt,
            // Of the other kinds chapters are no subtitles, and metadata is no text.
            "D_WEBVTT/SUBTITLES" | "D_WEBVTT/CAPTIONS" | "D_WEBVTT/DESCRIPTIONS" => TextFormat::WebmVtt,
            name => return Err(Error::unsupported(refusal(name))),
        };
        // A header that cannot be read leaves the text readable.
        let header = self.private(of_private).unwrap_or_default();
        Ok(Codec::Text(TextConfig { format, header }))
    }
}

fn refusal(name: &str) -> &'static str {
    match name {
        "S_HDMV/PGS" => "picture subtitles (PGS) are not shown in HLS",
        "S_VOBSUB" | "S_VOBSUB/ZLIB" => "picture subtitles (VobSub) are not shown in HLS",
        "S_DVBSUB" => "picture subtitles (DVB) are not shown in HLS",
        "S_IMAGE/BMP" => "picture subtitles are not shown in HLS",
        "S_HDMV/TEXTST" => "Blu-ray text subtitles are not shown in HLS",
        "S_TEXT/USF" => "subtitles in USF are not shown in HLS",
        "S_KATE" => "Kate subtitles are not shown in HLS",
        "S_ARIBSUB" => "ARIB captions are not shown in HLS",
        "D_WEBVTT/METADATA" | "D_WEBVTT/CHAPTERS" => "metadata, not subtitles",
        _ => "this kind of subtitles is not shown in HLS",
    }
}
