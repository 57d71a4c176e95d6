//! WebVTT in MP4 (ISO/IEC 14496-30 6): a sample is boxes, one `vttc` for each cue that is shown while it lasts.
//!
//! ```text
//! vttc   iden  sttg  payl      a cue: its identifier, settings, text
//! vtte                         nothing is shown
//! vtta                         a NOTE
//! ```

use super::markup::Markup;
use super::settings::Settings;
use super::webvtt::cue_text;
use crate::reader::Reader;

/// Boxes in one another box.
const MAX_BOXES: usize = 256;

/// The cues of a sample.
pub(super) fn sample(sample: &[u8]) -> Vec<(Settings, Markup)> {
    let cues = boxes(sample).into_iter().filter(|(kind, _)| kind == b"vttc");
    cues.map(|(_, cue)| {
        let (mut settings, mut text) = (Settings::default(), Markup::default());
        for (kind, payload) in boxes(cue) {
            let payload = || String::from_utf8_lossy(payload);
            match &kind {
                b"sttg" => settings = Settings::parse(&payload()),
                b"payl" => text = cue_text(&payload()),
                _ => {}
            }
        }
        (settings, text)
    })
    .collect()
}

/// The boxes in `data`, up to the first that is none.
pub(super) fn boxes(data: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut reader = Reader::new(data, 0);
    let mut found = Vec::new();
    while found.len() < MAX_BOXES {
        let Some(next) = next_box(&mut reader) else { break };
        found.push(next);
    }
    found
}

fn next_box<'a>(reader: &mut Reader<'a>) -> Option<([u8; 4], &'a [u8])> {
    let size = reader.u32().ok()?;
    let kind = reader.u32().ok()?.to_be_bytes();
    let payload = usize::try_from(size.checked_sub(8)?).ok()?;
    Some((kind, reader.take(payload).ok()?))
}
