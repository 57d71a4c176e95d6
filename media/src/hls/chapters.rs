//! Chapters for players: as JSON, which Apple's players read ("Providing JavaScript Object Notation (JSON)
//! chapters" in its HLS documentation), and as a WebVTT file for `<track kind=chapters>`.

use super::attributes::one_line;
use crate::chapters::Chapter;
use crate::language;
use crate::presentation::Presentation;
use crate::time::Time90k;
use std::fmt::Write as _;

/// A chapter as a player sees it: times since the playlist's beginning, at least one title.
struct Entry {
    start: Time90k,
    end: Time90k,
    /// BCP-47 and the text.
    titles: Vec<(String, String)>,
}

/// The chapters as JSON: an array of objects with `chapter`, `start-time`, `duration` (seconds) and `titles`.
pub fn chapters_json(presentation: &Presentation) -> String {
    let mut text = String::from("[");
    for (number, entry) in (1u32..).zip(entries(presentation)) {
        let (start, duration) = (entry.start.seconds(), (entry.end - entry.start).seconds());
        text.push_str(if number == 1 { "\n" } else { ",\n" });
        // Writing to a String cannot fail.
        let _ = write!(text, "{{\"chapter\":{number},\"start-time\":{start:.3},\"duration\":{duration:.3},");
        text.push_str("\"titles\":[");
        for (at, (language, title)) in entry.titles.iter().enumerate() {
            text.push_str(if at == 0 { "{\"language\":" } else { ",{\"language\":" });
            write_json(&mut text, language);
            text.push_str(",\"title\":");
            write_json(&mut text, title);
            text.push('}');
        }
        text.push_str("]}");
    }
    text.push_str("\n]\n");
    text
}

/// The chapters as WebVTT, each with its first title.
pub fn chapters_vtt(presentation: &Presentation) -> String {
    let mut text = String::from("WEBVTT\n");
    for (number, entry) in (1u32..).zip(entries(presentation)) {
        let title = entry.titles.first().map_or("", |title| title.1.as_str());
        let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let (start, end) = (timestamp(entry.start), timestamp(entry.end));
        let _ = write!(text, "\n{number}\n{start} --> {end}\n{title}\n");
    }
    text
}

/// The chapters that lie in what is played, each ending where the next begins at the latest.
fn entries(presentation: &Presentation) -> Vec<Entry> {
    let (origin, length) = (presentation.plan().origin(), presentation.plan().duration());
    let chapters = presentation.movie().chapters();
    let since = |time: Time90k| (time - origin).max(Time90k::ZERO).min(length);
    let ends = chapters.iter().skip(1).map(|next| next.start).chain([origin + length]);
    let entry = |(chapter, next): (&Chapter, Time90k)| Entry {
        start: since(chapter.start),
        end: since(chapter.end.map_or(next, |end| end.min(next))),
        titles: titles(chapter),
    };
    let entries = chapters.iter().zip(ends).map(entry).filter(|entry| entry.start < entry.end);
    let named = |(number, mut entry): (u32, Entry)| {
        if entry.titles.is_empty() {
            entry.titles.push(("en".to_owned(), format!("Chapter {number}")));
        }
        entry
    };
    (1u32..).zip(entries).map(named).collect()
}

/// One title in each language, none that is empty.
fn titles(chapter: &Chapter) -> Vec<(String, String)> {
    let mut titles: Vec<(String, String)> = Vec::new();
    for title in &chapter.titles {
        let language =
            title.language.as_deref().and_then(language::to_bcp47).unwrap_or_else(|| "und".to_owned());
        let text = one_line(&title.text);
        if !text.is_empty() && titles.iter().all(|other| other.0 != language) {
            titles.push((language, text));
        }
    }
    titles
}

/// `hh:mm:ss.mmm`, rounded down so that no two chapters overlap.
fn timestamp(time: Time90k) -> String {
    let millis = time.0.max(0) / 90;
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A JSON string (RFC 8259 7).
fn write_json(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            // The last two end a line in JavaScript.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
