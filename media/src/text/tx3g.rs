//! 3GPP timed text (3GPP TS 26.245) and QuickTime's `text`.
//!
//! ```text
//! u16 length   text in UTF-8, or UTF-16 behind a byte order mark   boxes: styl, tbox, ...
//! ```

use super::markup::{Builder, Markup, Style};
use crate::reader::Reader;

/// Style runs of one sample.
const MAX_RUNS: u16 = 1_000;
/// Boxes behind the text.
const MAX_BOXES: u32 = 32;

/// The style of text without style runs: the face flags of the sample entry's default style (5.16). `header` is the
/// entry's payload behind the fields that all sample entries have.
pub(super) fn default_style(header: &[u8]) -> Style {
    // displayFlags, two justifications, background colour, box, startChar, endChar, font
    header.get(24).map_or_else(Style::default, |face| style_of(*face))
}

const fn style_of(face: u8) -> Style {
    Style { bold: face & 1 != 0, italic: face & 2 != 0, underline: face & 4 != 0 }
}

/// The text of a sample; an empty one ends what the sample before it shows.
pub(super) fn sample(sample: &[u8], default: Style) -> Markup {
    let mut reader = Reader::new(sample, 0);
    let text = reader.u16().ok().and_then(|length| {
        let rest = reader.remaining();
        // A length beyond the sample: as much as is there.
        reader.take(usize::from(length).min(rest.len())).ok()
    });
    let text = decode(text.unwrap_or_default());
    let runs = style_runs(&mut reader);
    let mut runs = runs.iter().peekable();
    let mut builder = Builder::default();
    for (at, c) in text.chars().enumerate() {
        if builder.is_full() {
            break;
        }
        // They are in order, and do not overlap (5.17.1.1).
        while runs.next_if(|run| usize::from(run.end) <= at).is_some() {}
        let run = runs.peek().filter(|run| usize::from(run.start) <= at);
        builder.style(run.map_or(default, |run| run.style));
        let mut buffer = [0; 4];
        // Old files separate lines by CR.
        builder.text(if c == '\r' { "\n" } else { c.encode_utf8(&mut buffer) });
    }
    builder.finish()
}

fn decode(text: &[u8]) -> String {
    match text {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        _ => String::from_utf8_lossy(text).into_owned(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> =
        bytes.chunks_exact(2).filter_map(|pair| Some(unit(pair.try_into().ok()?))).collect();
    String::from_utf16_lossy(&units)
}

struct Run {
    start: u16,
    end: u16,
    style: Style,
}

/// The runs of the `styl` box (5.17.1.1), in characters; none when it is damaged.
fn style_runs(reader: &mut Reader<'_>) -> Vec<Run> {
    for _ in 0..MAX_BOXES {
        let Ok(size) = reader.u32() else { break };
        let (Ok(kind), Some(payload)) = (reader.u32(), size.checked_sub(8)) else { break };
        let Ok(payload) = reader.take(usize::try_from(payload).unwrap_or(usize::MAX)) else { break };
        if kind == u32::from_be_bytes(*b"styl") {
            return runs_of(payload).unwrap_or_default();
        }
    }
    Vec::new()
}

fn runs_of(payload: &[u8]) -> Option<Vec<Run>> {
    let mut reader = Reader::new(payload, 0);
    let count = reader.u16().ok()?.min(MAX_RUNS);
    let mut runs = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let (start, end) = (reader.u16().ok()?, reader.u16().ok()?);
        reader.skip(2).ok()?;
        let face = reader.u8().ok()?;
        reader.skip(5).ok()?;
        runs.push(Run { start, end, style: style_of(face) });
    }
    Some(runs)
}
