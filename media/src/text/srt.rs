//! SubRip, which has no specification: read as players read it.
//!
//! ```text
//! 1
//! 00:00:01,000 --> 00:00:02,500  X1:40 X2:600 Y1:20 Y2:50
//! {\an8}<i>Text</i> with <font color="#ff0000">tags</font>
//! ```

use super::ass::overrides::{self, Action};
use super::clock::{self, Fraction};
use super::markup::{Builder, Markup, Tag};
use super::settings::Settings;
use super::{Cue, check_count};
use crate::error::Error;

/// Longer tags are text.
const MAX_TAG: usize = 256;

/// The cues of a file. A cue's text is all between its line of times and the next: numbers may be wrong or
/// missing, and so may the empty lines.
pub(super) fn parse(text: &str) -> Result<Vec<Cue>, Error> {
    let lines: Vec<&str> = lines(text).collect();
    let times: Vec<_> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((at, clock::parse_line(line, Fraction::Millis)?)))
        .collect();
    let is_number = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
    };
    let before_first = lines.get(..times.first().map_or(0, |(at, _)| *at)).unwrap_or_default();
    let is_numbered = before_first.iter().rev().find(|line| !line.trim().is_empty()).is_some_and(is_number);
    let mut cues = Vec::new();
    for (index, (at, (start, end, _))) in times.iter().enumerate() {
        check_count(&cues)?;
        let next = times.get(index + 1).map(|(at, _)| *at);
        let mut body = lines.get(at + 1..next.unwrap_or(lines.len())).unwrap_or_default();
        body = trim_end(body);
        if let Some((number, rest)) = body.split_last().filter(|(last, _)| is_numbered && is_number(last)) {
            // The number of the next cue; at the end of the file one without a cue.
            let is_alone = rest.last().is_none_or(|line| line.trim().is_empty());
            if next.is_some() || (is_alone && !number.is_empty() && !rest.is_empty()) {
                body = trim_end(rest);
            }
        }
        let (settings, text) = styled(body);
        cues.push(Cue { start: *start, end: *end, settings, text });
    }
    Ok(cues)
}

/// Lines that end in LF, CR LF or CR.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

fn trim_end<'a, 'b>(mut lines: &'a [&'b str]) -> &'a [&'b str] {
    while let Some((last, rest)) = lines.split_last() {
        if !last.trim().is_empty() {
            break;
        }
        lines = rest;
    }
    lines
}

/// The text of one cue, as a block of Matroska has it.
pub(super) fn block(text: &str) -> (Settings, Markup) {
    let lines: Vec<&str> = lines(text).collect();
    styled(&lines)
}

fn styled(lines: &[&str]) -> (Settings, Markup) {
    let mut reader = TextReader::default();
    for line in lines {
        if reader.builder.is_full() {
            break;
        }
        reader.read(line.trim_end());
        reader.builder.text("\n");
    }
    (reader.key.map(Settings::at_key).unwrap_or_default(), reader.builder.finish())
}

#[derive(Default)]
struct TextReader {
    builder: Builder,
    key: Option<u8>,
}

impl TextReader {
    fn read(&mut self, mut rest: &str) {
        while let Some(at) = rest.find(['<', '{', '&', '\\']).filter(|_| !self.builder.is_full()) {
            let (before, from) = rest.split_at(at);
            self.builder.text(before);
            let used = match from.bytes().next() {
                Some(b'<') => self.tag(from),
                Some(b'{') => self.braces(from),
                Some(b'&') => entity(from).map(|(c, used)| {
                    self.builder.text(c);
                    used
                }),
                _ => self.escape(from),
            };
            // What is none of these is text.
            let used = used.unwrap_or_else(|| {
                self.builder.text(from.get(..1).unwrap_or_default());
                1
            });
            rest = from.get(used..).unwrap_or_default();
        }
        self.builder.text(rest);
    }

    /// A tag of HTML. Known ones count, and those that only colour are left out; all else is text.
    fn tag(&mut self, from: &str) -> Option<usize> {
        let end = near(from, b'>')?;
        let inside = from.get(1..end)?.trim();
        let (closing, inside) =
            inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside.trim()));
        let name_end = inside.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inside.len());
        let name = inside.get(..name_end)?.to_ascii_lowercase();
        let tag = match name.as_str() {
            "i" | "em" | "cite" => Some(Tag::Italic),
            "b" | "strong" => Some(Tag::Bold),
            "u" => Some(Tag::Underline),
            "br" => {
                self.builder.text("\n");
                None
            }
            "font" | "span" | "p" | "s" | "strike" | "div" | "c" | "v" | "ruby" | "rt" | "rp" | "lang" => {
                None
            }
            _ => return None,
        };
        match tag {
            Some(tag) if closing => self.builder.close(tag.name()),
            Some(tag) => self.builder.open(tag),
            None => {}
        }
        Some(end + 1)
    }

    /// Overrides of ASS (`{\an8}`) and codes of MicroDVD (`{y:i}`), which other programs leave in SubRip.
    fn braces(&mut self, from: &str) -> Option<usize> {
        let end = near(from, b'}')?;
        let inside = from.get(1..end)?;
        if inside.trim_start().starts_with('\\') {
            for action in overrides::parse(inside) {
                match action {
                    Action::Key(key) => self.key = self.key.or(Some(key)),
                    Action::Italic(on) => self.switch(Tag::Italic, on),
                    Action::Bold(on) => self.switch(Tag::Bold, on),
                    Action::Underline(on) => self.switch(Tag::Underline, on),
                    _ => {}
                }
            }
            return Some(end + 1);
        }
        let mut code = inside.bytes();
        let is_microdvd =
            code.next().is_some_and(|byte| byte.is_ascii_alphabetic()) && code.next() == Some(b':');
        is_microdvd.then_some(end + 1)
    }

    fn switch(&mut self, tag: Tag, on: Option<bool>) {
        if on.unwrap_or(false) { self.builder.open(tag) } else { self.builder.close(tag.name()) }
    }

    /// `\N` and `\h` of ASS.
    fn escape(&mut self, from: &str) -> Option<usize> {
        match from.as_bytes().get(1) {
            Some(b'N') => self.builder.text("\n"),
            Some(b'h') => self.builder.text("\u{a0}"),
            _ => return None,
        }
        Some(2)
    }
}

/// Where the end of a tag is, if it is near enough.
fn near(from: &str, end: u8) -> Option<usize> {
    from.bytes().take(MAX_TAG).position(|byte| byte == end)
}

/// An entity that `from` begins with, and its length.
pub(super) fn entity(from: &str) -> Option<(&'static str, usize)> {
    const ENTITIES: [(&str, &str); 7] = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", "\u{a0}"),
        ("&lrm;", "\u{200e}"),
        ("&rlm;", "\u{200f}"),
        ("&quot;", "\""),
    ];
    let (name, c) = ENTITIES.iter().find(|(name, _)| from.starts_with(name))?;
    Some((c, name.len()))
}
