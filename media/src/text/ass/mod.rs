//! Advanced SubStation Alpha and SubStation Alpha, reduced to what WebVTT can say: italics, bold, underlines, and
//! roughly where text is. Drawings, karaoke, colours, fonts and movement are left out.
//!
//! ```text
//! [Script Info]     PlayResX, PlayResY: the picture that places are meant for
//! [V4+ Styles]      Format: Name, ..., Bold, ..., Alignment, ...       Style: ...
//! [Events]          Format: Layer, Start, End, Style, ..., Text        Dialogue: ...    Comment: ...
//! ```

pub(super) mod overrides;

use super::clock::{self, Fraction};
use super::markup::{Builder, Markup, Style};
use super::settings::{Align, Line, Percent, Settings};
use super::srt::lines;
use super::{Cue, check_count};
use crate::error::Error;
use overrides::Action;
use std::collections::HashMap;

/// Styles of one script.
const MAX_STYLES: usize = 10_000;
/// Names in a Format line.
const MAX_FIELDS: usize = 64;
/// How high a line of text is, in hundredths of a percent of the picture.
const LINE_HEIGHT: u16 = 533;

/// What the lines of a script are read by: its header.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// The picture's size that places are meant for.
    width: f64,
    height: f64,
    /// By name, in lower case; of several of one name the last.
    styles: HashMap<String, (Style, u8)>,
    events: Vec<String>,
    /// True in SubStation Alpha, whose alignments are counted otherwise.
    old: bool,
}

/// A dialogue line's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dialogue<'a> {
    style: &'a str,
    text: &'a str,
}

impl Default for Script {
    fn default() -> Self {
        const EVENTS: &str = "layer,start,end,style,name,marginl,marginr,marginv,effect,text";
        Self {
            // What programs take when the script does not say.
            width: 384.0,
            height: 288.0,
            styles: HashMap::new(),
            events: EVENTS.split(',').map(str::to_owned).collect(),
            old: false,
        }
    }
}

/// The cues of a file.
pub(super) fn parse(text: &str) -> Result<Vec<Cue>, Error> {
    let mut script = Script::default();
    let mut cues = Vec::new();
    script.read(text, |script, event| {
        check_count(&cues)?;
        cues.extend(script.event(event));
        Ok(())
    })?;
    Ok(cues)
}

/// The number pad's key of an alignment of SubStation Alpha.
fn key_of_ssa(alignment: u8) -> Option<u8> {
    let column = alignment & 3;
    let row = match alignment & 12 {
        0 => 0,
        4 => 6,
        8 => 3,
        _ => return None,
    };
    (column > 0).then_some(column + row)
}

/// The fields of a line, by the names of the Format line; the last takes all the rest.
fn fields<'a>(names: &'a [String], line: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let values = line.splitn(names.len().max(1), ',').map(str::trim);
    names.iter().map(String::as_str).zip(values)
}

fn names(line: &str) -> Vec<String> {
    line.split(',').take(MAX_FIELDS).map(|name| name.trim().to_ascii_lowercase()).collect()
}

impl Script {
    /// The header of a track in Matroska: a script without events.
    pub(super) fn of_header(header: &str) -> Self {
        let mut script = Self::default();
        // Without events there is nothing to fail.
        let _ = script.read(header, |_, _| Ok(()));
        script
    }

    /// Reads a script, and calls `on_event` with what follows `Dialogue:`.
    fn read(
        &mut self,
        text: &str,
        mut on_event: impl FnMut(&Self, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut section = String::new();
        let mut style_names = Vec::new();
        for line in lines(text) {
            let line = line.trim_start().trim_start_matches('\u{feff}');
            if let Some(name) = line.strip_prefix('[') {
                section = name.split(']').next().unwrap_or_default().trim().to_ascii_lowercase();
                self.old |= section == "v4 styles";
                continue;
            }
            let Some((key, value)) = line.split_once(':') else { continue };
            match (section.as_str(), key.trim().to_ascii_lowercase().as_str()) {
                ("script info", "playresx") => self.width = size(value).unwrap_or(self.width),
                ("script info", "playresy") => self.height = size(value).unwrap_or(self.height),
                ("v4 styles" | "v4+ styles" | "v4++ styles", "format") => style_names = names(value),
                ("v4 styles" | "v4+ styles" | "v4++ styles", "style") => self.read_style(&style_names, value),
                ("events", "format") => self.events = names(value),
                ("events", "dialogue") => on_event(self, value)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_style(&mut self, names: &[String], line: &str) {
        if self.styles.len() >= MAX_STYLES {
            return;
        }
        let (mut style_name, mut style, mut key) = (String::new(), Style::default(), 2);
        for (name, value) in fields(names, line) {
            let on = || value.parse::<i32>().is_ok_and(|number| number != 0);
            match name {
                "name" => style_name = name_of(value),
                "bold" => style.bold = on(),
                "italic" => style.italic = on(),
                "underline" => style.underline = on(),
                "alignment" => {
                    let number = value.parse::<u8>().ok();
                    let number = if self.old { number.and_then(key_of_ssa) } else { number };
                    key = number.filter(|key| (1..=9).contains(key)).unwrap_or(2);
                }
                _ => {}
            }
        }
        self.styles.insert(style_name, (style, key));
    }

    /// The cue of an event: what follows `Dialogue:`.
    fn event(&self, line: &str) -> Option<Cue> {
        let (mut start, mut end) = (None, None);
        let mut dialogue = Dialogue { style: "Default", text: "" };
        for (name, value) in fields(&self.events, line) {
            match name {
                "start" => start = clock::parse(value, Fraction::Decimal),
                "end" => end = clock::parse(value, Fraction::Decimal),
                "style" => dialogue.style = value,
                "text" => dialogue.text = value,
                _ => {}
            }
        }
        let (settings, text) = self.reduce(dialogue);
        Some(Cue { start: start?, end: end?, settings, text })
    }

    /// A block of Matroska: `ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text` (RFC 9559's codec
    /// specifications, S_TEXT/ASS).
    pub(super) fn block(&self, block: &str) -> (Settings, Markup) {
        let mut parts = block.splitn(9, ',');
        let style = parts.nth(2).unwrap_or_default();
        let text = parts.nth(5).unwrap_or_default();
        self.reduce(Dialogue { style, text })
    }

    fn style(&self, name: &str) -> (Style, u8) {
        let found = self.styles.get(&name_of(name)).or_else(|| self.styles.get("default"));
        found.copied().unwrap_or_else(|| (Style::default(), 2))
    }

    /// Text and place of a line.
    fn reduce(&self, line: Dialogue<'_>) -> (Settings, Markup) {
        let (of_style, mut key) = self.style(line.style);
        let mut style = of_style;
        let (mut place, mut has_key, mut drawing) = (None, false, false);
        let mut builder = Builder::default();
        let mut closes = true;
        let mut rest = line.text;
        while !rest.is_empty() && !builder.is_full() {
            let inside = rest.strip_prefix('{').filter(|_| closes);
            let block = inside.and_then(|inside| inside.split_once('}'));
            // Looked for once only: a long line of open braces would take for ever.
            closes &= inside.is_none() || block.is_some();
            let Some((inside, behind)) = block else {
                // Up to the next block; a brace that nothing closes is text.
                let from = usize::from(rest.starts_with('{'));
                let end = rest.get(from..).and_then(|text| text.find('{')).map_or(rest.len(), |at| at + from);
                let (text, behind) = rest.split_at(end);
                if !drawing {
                    builder.style(style);
                    plain(text, &mut builder);
                }
                rest = behind;
                continue;
            };
            for action in overrides::parse(inside) {
                match action {
                    Action::Italic(on) => style.italic = on.unwrap_or(of_style.italic),
                    Action::Bold(on) => style.bold = on.unwrap_or(of_style.bold),
                    Action::Underline(on) => style.underline = on.unwrap_or(of_style.underline),
                    // The first counts.
                    Action::Key(number) if !has_key => (key, has_key) = (number, true),
                    Action::Place(x, y) => place = place.or(Some((x, y))),
                    Action::Reset => style = of_style,
                    Action::Drawing(on) => drawing = on,
                    Action::Key(_) => {}
                }
            }
            rest = behind;
        }
        let text = builder.finish();
        let settings = place.and_then(|place| self.settings_at(place, key, text.lines()));
        (settings.unwrap_or_else(|| Settings::at_key(key)), text)
    }

    /// Roughly where a line is that says its place: the point is that of its box which `key` names.
    fn settings_at(&self, (x, y): (f64, f64), key: u8, lines: usize) -> Option<Settings> {
        let (x, y) = (Percent::of(x, self.width)?, Percent::of(y, self.height)?);
        let height = LINE_HEIGHT.saturating_mul(u16::try_from(lines).unwrap_or(u16::MAX));
        let above = match key {
            1..=3 => height,
            4..=6 => height / 2,
            _ => 0,
        };
        let lowest = 10_000_u16.saturating_sub(height);
        let top = Percent(y.0.saturating_sub(above).min(lowest));
        Some(Settings {
            line: Some((Line::Percent(top), None)),
            position: Some((x, None)),
            align: match key % 3 {
                1 => Some(Align::Start),
                0 => Some(Align::End),
                _ => None,
            },
            ..Settings::default()
        })
    }
}

/// A style's name as it is compared: scripts put stars before names.
fn name_of(name: &str) -> String {
    name.trim().trim_start_matches('*').to_ascii_lowercase()
}

fn size(value: &str) -> Option<f64> {
    value.trim().parse().ok().filter(|size| (1.0..=100_000.0).contains(size))
}

/// Text outside of blocks: `\N` and `\n` end a line, `\h` is a blank that does not break.
fn plain(text: &str, builder: &mut Builder) {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        builder.text(before);
        let escaped = match from.as_bytes().get(1) {
            Some(b'N' | b'n') => Some("\n"),
            Some(b'h') => Some("\u{a0}"),
            _ => None,
        };
        builder.text(escaped.unwrap_or("\\"));
        rest = from.get(if escaped.is_some() { 2 } else { 1 }..).unwrap_or_default();
    }
    builder.text(rest);
}
