//! Files inside a film: fonts for its subtitles, cover art.

use std::ops::Range;

/// A file inside a film, which lies there as it is: its bytes can be had by range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, without folders.
    pub name: String,
    /// Its media type as the film has it, which may be empty or an old name ("application/x-truetype-font").
    pub media_type: String,
    /// Where its bytes are in the film's file.
    pub range: Range<u64>,
}
