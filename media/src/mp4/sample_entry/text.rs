//! Subtitles: 3GPP timed text (3GPP TS 26.245 5.16), QuickTime text, WebVTT (ISO/IEC 14496-30 6).

use super::SampleEntry;
use crate::mp4::boxes::Child;
use crate::track::{Codec, TextConfig, TextFormat};

/// The fields that all sample entries have (14496-12 8.5.2.2).
const COMMON: usize = 8;

/// A text entry; `header` is what follows the common fields.
pub(super) fn parse(entry: &Child) -> SampleEntry {
    let reason = match &entry.kind {
        b"stpp" | b"sbtt" | b"dfxp" => "subtitles in TTML are not shown in HLS",
        b"c608" | b"c708" => "closed captions (CEA-608/708) are not shown in HLS",
        b"mp4s" | b"subp" => "picture subtitles (VobSub) are not shown in HLS",
        b"enct" => "the subtitles are encrypted",
        _ => "this kind of subtitles is not shown in HLS",
    };
    let mut this = SampleEntry::named(entry, reason);
    let (format, header) = match &entry.kind {
        b"tx3g" => (TextFormat::Tx3g, entry.payload.slice(COMMON.min(entry.payload.len())..)),
        // Its description is another one, of which nothing is needed.
        b"text" => (TextFormat::Tx3g, bytes::Bytes::new()),
        b"wvtt" => (TextFormat::Mp4Vtt, entry.payload.slice(COMMON.min(entry.payload.len())..)),
        _ => return this,
    };
    this.codec = Codec::Text(TextConfig { format, header });
    this
}
