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

/// True for timed text of which every sample is to be shown whatever the user wants: Apple's use of the highest bit of
/// displayFlags (QuickTime File Format, "Subtitle sample description").
pub(crate) fn is_forced(codec: &Codec) -> bool {
    match codec {
        Codec::Text(TextConfig { format: TextFormat::Tx3g, header }) => {
            header.first().is_some_and(|flags| flags & 0x80 != 0)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(kind: &[u8; 4], payload: &'static [u8]) -> Codec {
        parse(&Child { kind: *kind, payload: payload.into(), at: 0 }).codec
    }

    #[test]
    fn entries_of_text_keep_their_header() {
        let tx3g = codec(b"tx3g", b"\0\0\0\0\0\0\0\x01\x80\0\0\0rest");
        let Codec::Text(config) = &tx3g else { panic!("{tx3g:?}") };
        assert_eq!((config.format, &config.header[..]), (TextFormat::Tx3g, &b"\x80\0\0\0rest"[..]));
        assert!(is_forced(&tx3g));
        assert!(!is_forced(&codec(b"tx3g", b"\0\0\0\0\0\0\0\x01\0\0\0\0")));
        assert!(!is_forced(&codec(b"tx3g", b"\0")), "cut off");
        assert!(matches!(codec(b"wvtt", b"\0\0\0\0\0\0\0\x01"), Codec::Text(_)));
    }

    #[test]
    fn others_are_named_as_not_offered() {
        for (kind, word) in
            [(b"stpp", "TTML"), (b"c608", "CEA-608"), (b"mp4s", "VobSub"), (b"enct", "encrypted")]
        {
            let codec = codec(kind, b"");
            assert!(matches!(codec, Codec::Unsupported { reason } if reason.contains(word)), "{codec:?}");
        }
    }
}
