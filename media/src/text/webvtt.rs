//! Reading WebVTT (W3C, 2019-04-04; section 6): files, blocks of Matroska, and cue text as MP4 has it.
//!
//! Styles and regions are left out: a segment of HLS has no place for them that players know.

use super::clock::{self, Fraction};
use super::markup::{Builder, Markup, Tag};
use super::settings::Settings;
use super::srt::{entity, lines};
use super::{Cue, check_count};
use crate::error::Error;
use crate::language::to_bcp47;

/// Longer tags are left out with all that follows.
const MAX_TAG: usize = 1024;

/// The cues of a file. A missing header is forgiven.
pub(super) fn parse(text: &str) -> Result<Vec<Cue>, Error> {
    let mut cues = Vec::new();
    let mut lines = lines(text).peekable();
    while let Some(line) = lines.next() {
        // Whatever has no times is a header, an identifier, a NOTE, a STYLE or a REGION.
        let Some((start, end, settings)) = clock::parse_line(line, Fraction::Decimal) else { continue };
        check_count(&cues)?;
        let mut body = String::new();
        while let Some(line) = lines.next_if(|line| !line.is_empty() && !line.contains("-->")) {
            body.push_str(line);
            body.push('\n');
        }
        cues.push(Cue { start, end, settings: Settings::parse(settings), text: cue_text(&body) });
    }
    Ok(cues)
}

/// Cue text with its tags (6.4). Tags of time, which only karaoke has, are left out.
pub(super) fn cue_text(text: &str) -> Markup {
    let mut builder = Builder::default();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']).filter(|_| !builder.is_full()) {
        let (before, from) = rest.split_at(at);
        builder.text(before);
        if from.starts_with('&') {
            let (c, used) = entity(from).unwrap_or(("&", 1));
            builder.text(c);
            rest = from.get(used..).unwrap_or_default();
            continue;
        }
        let inside = from.get(1..).unwrap_or_default();
        // A tag that nothing ends goes to the end of the text, by the specification.
        let end = inside.find('>').unwrap_or(inside.len());
        let tag = inside.get(..end).unwrap_or_default();
        if tag.len() <= MAX_TAG {
            apply(&mut builder, tag);
        }
        rest = inside.get(end + 1..).unwrap_or_default();
    }
    builder.text(rest);
    builder.finish()
}

/// A tag without its angle brackets.
fn apply(builder: &mut Builder, tag: &str) {
    if let Some(name) = tag.strip_prefix('/') {
        return builder.close(name.trim());
    }
    let (head, annotation) = tag.split_once([' ', '\t', '\n']).unwrap_or((tag, ""));
    let (name, classes) = head.split_once('.').unwrap_or((head, ""));
    let annotation = unescape(annotation);
    builder.open(match name {
        "b" => Tag::Bold,
        "i" => Tag::Italic,
        "u" => Tag::Underline,
        "ruby" => Tag::Ruby,
        "rt" => Tag::RubyText,
        "c" => match classes_of(classes) {
            Some(classes) => Tag::Class(classes),
            None => return,
        },
        "v" if !annotation.is_empty() => Tag::Voice(annotation),
        "lang" => match to_bcp47(&annotation) {
            Some(tag) => Tag::Language(tag),
            None => return,
        },
        _ => return,
    });
}

/// Class names joined by dots, `None` when there is none that can be one.
fn classes_of(text: &str) -> Option<String> {
    let is_name = |class: &&str| {
        !class.is_empty() && class.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    let classes: Vec<&str> = text.split('.').filter(is_name).collect();
    // With its own end the tag would hold "-->", which is not allowed in text.
    let classes = classes.join(".").trim_end_matches(['-', '.']).to_owned();
    (!classes.is_empty()).then_some(classes)
}

/// An annotation: one line, entities replaced.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (replaced, used) = entity(rest).map_or_else(|| (None, c.len_utf8()), |(c, used)| (Some(c), used));
        match replaced {
            Some(replaced) => out.push_str(replaced),
            None if c.is_whitespace() || c.is_control() => out.push(' '),
            None => out.push(c),
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    // As with classes.
    words.trim_end_matches(['-', ' ']).to_owned()
}

/// A block of WebM's `D_WEBVTT/...` (WebM container guidelines, "WebVTT"): identifier, settings, then text.
pub(super) fn webm_block(block: &str) -> (Settings, Markup) {
    let mut parts = block.splitn(3, '\n');
    let (_identifier, settings, text) = (parts.next(), parts.next(), parts.next());
    (Settings::parse(settings.unwrap_or_default()), cue_text(text.unwrap_or_default()))
}
