//! Attribute lists (RFC 8216 4.2): what a tag says behind its colon.

use std::fmt::{Display, Write as _};

/// The most characters of a text that comes from the file.
const MAX_TEXT: usize = 200;

/// A tag with its attributes, one line of a playlist.
pub(super) struct Tag {
    line: String,
    empty: bool,
}

impl Tag {
    pub(super) fn new(name: &str) -> Self {
        Self { line: format!("#{name}:"), empty: true }
    }

    /// An attribute whose value is a number, a resolution or a word.
    pub(super) fn plain(mut self, name: &str, value: impl Display) -> Self {
        self.begin(name);
        // Writing to a String cannot fail.
        let _ = write!(self.line, "{value}");
        self
    }

    /// An attribute whose value is a quoted string; what cannot be in one is replaced, see [`clean`].
    pub(super) fn quoted(mut self, name: &str, value: &str) -> Self {
        self.begin(name);
        let _ = write!(self.line, "\"{}\"", clean(value));
        self
    }

    /// The same, when there is a value.
    pub(super) fn maybe_quoted(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.quoted(name, value),
            None => self,
        }
    }

    /// YES or NO.
    pub(super) fn flag(self, name: &str, value: bool) -> Self {
        self.plain(name, if value { "YES" } else { "NO" })
    }

    /// The line, with its end.
    pub(super) fn line(mut self) -> String {
        self.line.push('\n');
        self.line
    }

    fn begin(&mut self, name: &str) {
        if !std::mem::take(&mut self.empty) {
            self.line.push(',');
        }
        let _ = write!(self.line, "{name}=");
    }
}

/// `text` as it can stand in a quoted string: in one line, and without quotation marks (RFC 8216 4.2).
pub(super) fn clean(text: &str) -> String {
    one_line(text).replace('"', "'")
}

/// `text` as it can be shown in one line: no control character (RFC 8216 4.1 forbids them in a playlist), no white
/// space but single blanks, and not endless.
pub(super) fn one_line(text: &str) -> String {
    let bad = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    let plain: String = text.chars().map(|c| if bad(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let short: String = words.join(" ").chars().take(MAX_TEXT).collect();
    short.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_of_attributes() {
        let tag = Tag::new("EXT-X-MEDIA").plain("TYPE", "AUDIO").quoted("NAME", "The \"big\"\r\n one\u{0}");
        let line = tag.flag("DEFAULT", true).maybe_quoted("URI", None).line();
        assert_eq!(line, "#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"The 'big' one\",DEFAULT=YES\n");
    }

    proptest! {
        #[test]
        fn no_text_breaks_out(text in any::<String>()) {
            let clean = clean(&text);
            prop_assert!(!clean.contains('"') && !clean.chars().any(char::is_control));
            prop_assert!(clean.chars().count() <= MAX_TEXT);
            prop_assert_eq!(super::clean(&clean), clean.clone());
        }
    }
}
