//! Writing WebVTT.

use super::Cue;
use super::clock::millis;
use super::markup::{Markup, Piece, Tag};
use super::settings::{Align, Line, Percent, Settings};
use crate::time::Time90k;
use std::fmt::Write;

/// A cue with its identifier and the empty line behind it.
pub(super) fn cue(cue: &Cue, out: &mut String) {
    out.push_str(&cue.id());
    out.push('\n');
    // What is shorter than a millisecond would end where it begins.
    let start = millis(cue.start);
    let end = millis(cue.end).max(start.saturating_add(1));
    time(start, '.', out);
    out.push_str(" --> ");
    time(end, '.', out);
    settings(&cue.settings, out);
    out.push('\n');
    payload(&cue.text, out);
    out.push_str("\n\n");
}

/// `hh:mm:ss.mmm` of a time in milliseconds; what is before 0 is 0.
pub(super) fn time(millis: i64, point: char, out: &mut String) {
    let millis = millis.max(0);
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, rest) = (millis / 1000 % 60, millis % 1000);
    let _ = write!(out, "{hours:02}:{minutes:02}:{seconds:02}{point}{rest:03}");
}

/// The same of an instant.
pub(super) fn instant(time90k: Time90k, point: char, out: &mut String) {
    time(millis(time90k), point, out);
}

/// Settings, each behind a blank.
pub(super) fn settings(settings: &Settings, out: &mut String) {
    if let Some(vertical) = settings.vertical {
        let _ = write!(out, " vertical:{vertical}");
    }
    if let Some((line, side)) = settings.line {
        match line {
            Line::Number(number) => drop(write!(out, " line:{number}")),
            Line::Percent(place) => {
                out.push_str(" line:");
                percent(place, out);
            }
        }
        alignment(side, out);
    }
    if let Some((place, side)) = settings.position {
        out.push_str(" position:");
        percent(place, out);
        alignment(side, out);
    }
    if let Some(size) = settings.size {
        out.push_str(" size:");
        percent(size, out);
    }
    if let Some(align) = settings.align {
        out.push_str(match align {
            Align::Start => " align:start",
            Align::Center => " align:center",
            Align::End => " align:end",
            Align::Left => " align:left",
            Align::Right => " align:right",
        });
    }
}

fn alignment(side: Option<&str>, out: &mut String) {
    if let Some(side) = side {
        out.push(',');
        out.push_str(side);
    }
}

fn percent(Percent(hundredths): Percent, out: &mut String) {
    let _ = write!(out, "{}", hundredths / 100);
    if hundredths % 100 != 0 {
        let _ = write!(out, ".{:02}", hundredths % 100);
    }
    out.push('%');
}

/// Cue text (WebVTT 4.2.2), escaped.
pub(super) fn payload(text: &Markup, out: &mut String) {
    for piece in text.pieces() {
        match piece {
            Piece::Text(text) => escape(text, out),
            Piece::Open(tag) => open(tag, out),
            Piece::Close(name) => drop(write!(out, "</{name}>")),
        }
    }
}

fn open(tag: &Tag, out: &mut String) {
    out.push('<');
    out.push_str(tag.name());
    match tag {
        Tag::Class(classes) => {
            out.push('.');
            out.push_str(classes);
        }
        Tag::Voice(name) | Tag::Language(name) => {
            out.push(' ');
            escape(name, out);
        }
        _ => {}
    }
    out.push('>');
}

/// So that text is never taken for a tag, an entity or `-->`.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Written out, it would be seen as a blank by editors.
            '\u{200e}' => out.push_str("&lrm;"),
            '\u{200f}' => out.push_str("&rlm;"),
            c => out.push(c),
        }
    }
}
