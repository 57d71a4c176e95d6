//! Chapters: places in a film that have names.

use crate::time::Time90k;

/// The most chapters of a film that are told.
pub(crate) const MAX_CHAPTERS: usize = 4_096;
/// The most titles of one chapter.
pub(crate) const MAX_TITLES: usize = 32;

/// A chapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// When it begins, on the presentation clock.
    pub start: Time90k,
    /// When it ends, if the file says so; else it ends where the next begins.
    pub end: Option<Time90k>,
    /// Its titles, at most one in each language; none when it has no name.
    pub titles: Vec<Title>,
}

/// A chapter's title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// Language as the container has it; `None` when unknown.
    pub language: Option<String>,
    /// As the file has it: it may be empty, and hold anything.
    pub text: String,
}

/// The chapters in order of time. Of several that begin together the first is kept.
pub(crate) fn in_order(mut chapters: Vec<Chapter>) -> Vec<Chapter> {
    chapters.sort_by_key(|chapter| chapter.start);
    chapters.dedup_by_key(|chapter| chapter.start);
    chapters
}
