//! Chapters (RFC 9559 section 5.1.7).
//!
//! Of several editions one is taken: the default one, before that any that plays the file from front to back.
//! An ordered edition puts parts of this and other files into an order of its own, which is not followed: its
//! chapters that lie in this file are told where they are. Chapters inside of chapters are left out.

use super::ebml::{Element, id};
use crate::chapters::{Chapter, MAX_CHAPTERS, MAX_TITLES, Title, in_order};
use crate::time::Time90k;

/// Editions that are looked at.
const MAX_EDITIONS: usize = 64;

/// The chapters of a Chapters element; what is damaged is left out.
pub(super) fn parse(chapters: &Element<'_>) -> Vec<Chapter> {
    let editions = chapters.children().flatten().filter(|child| child.id == id::EDITION_ENTRY);
    let best = editions
        .take(MAX_EDITIONS)
        .map(|edition| (rank(&edition), edition))
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map_or_else(Vec::new, |(_, edition)| in_order(of_edition(&edition)))
}

/// How well an edition suits: not hidden, not ordered, default; of equals the first.
fn rank(edition: &Element<'_>) -> (bool, bool, bool) {
    let flag = |wanted| {
        let mut children = edition.children().flatten();
        children.any(|child| child.id == wanted && child.uint().is_ok_and(|value| value != 0))
    };
    (!flag(id::EDITION_FLAG_HIDDEN), !flag(id::EDITION_FLAG_ORDERED), flag(id::EDITION_FLAG_DEFAULT))
}

fn of_edition(edition: &Element<'_>) -> Vec<Chapter> {
    let found = atoms(edition);
    // One chapter around all others is the film.
    match edition.children().flatten().filter(|child| child.id == id::CHAPTER_ATOM).collect::<Vec<_>>() {
        only if only.len() == 1 => {
            let inside: Vec<Chapter> = only.iter().flat_map(atoms).collect();
            if inside.is_empty() { found } else { inside }
        }
        _ => found,
    }
}

fn atoms(parent: &Element<'_>) -> Vec<Chapter> {
    let atoms = parent.children().flatten().filter(|child| child.id == id::CHAPTER_ATOM);
    atoms.take(MAX_CHAPTERS).filter_map(|atom| chapter(&atom)).collect()
}

/// `None` when it is not to be shown, lies in another file, or has no beginning.
fn chapter(atom: &Element<'_>) -> Option<Chapter> {
    let (mut start, mut end, mut titles) = (None, None, Vec::new());
    for child in atom.children().flatten() {
        match child.id {
            id::CHAPTER_TIME_START => start = child.uint().ok().map(instant),
            id::CHAPTER_TIME_END => end = child.uint().ok().map(instant),
            id::CHAPTER_FLAG_HIDDEN if child.uint().ok()? != 0 => return None,
            id::CHAPTER_FLAG_ENABLED if child.uint().ok()? == 0 => return None,
            id::CHAPTER_SEGMENT_UUID => return None,
            id::CHAPTER_DISPLAY if titles.len() < MAX_TITLES => titles.extend(title(&child)),
            _ => {}
        }
    }
    let start = start?;
    Some(Chapter { start, end: end.filter(|end| *end > start), titles })
}

fn title(display: &Element<'_>) -> Option<Title> {
    let (mut text, mut language, mut bcp47) = (None, None, None);
    for child in display.children().flatten() {
        match child.id {
            id::CHAP_STRING => text = Some(child.text()),
            id::CHAP_LANGUAGE if language.is_none() => language = Some(child.text()),
            id::CHAP_LANGUAGE_BCP47 if bcp47.is_none() => bcp47 = Some(child.text()),
            _ => {}
        }
    }
    // RFC 9559 5.1.7.1.4.11: the default is "eng".
    let language = bcp47.or(language).unwrap_or_else(|| "eng".to_owned());
    let language = Some(language).filter(|language| !matches!(language.as_str(), "" | "und"));
    Some(Title { language, text: text? })
}

/// Chapter times are nanoseconds whatever the TimestampScale is.
fn instant(nanos: u64) -> Time90k {
    Time90k::from_ratio(i128::from(nanos), 1_000_000_000)
}
