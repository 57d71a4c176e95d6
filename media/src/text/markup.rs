//! Text with styles, always well nested: what every format is reduced to and WebVTT is written from.

/// Characters of one cue; a screen full of text has about 2,000.
const MAX_CHARS: usize = 8_192;
/// Tags inside one another.
const MAX_DEPTH: usize = 16;
/// Tags of one cue.
const MAX_PIECES: usize = 4_096;

/// A tag of WebVTT cue text (WebVTT 4.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tag {
    /// `<b>`
    Bold,
    /// `<i>`
    Italic,
    /// `<u>`
    Underline,
    /// `<ruby>`
    Ruby,
    /// `<rt>`, the text above.
    RubyText,
    /// `<c.a.b>` with its classes joined by dots.
    Class(String),
    /// `<v Name>`
    Voice(String),
    /// `<lang tag>`
    Language(String),
}

impl Tag {
    /// Its name in WebVTT.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Bold => "b",
            Self::Italic => "i",
            Self::Underline => "u",
            Self::Ruby => "ruby",
            Self::RubyText => "rt",
            Self::Class(_) => "c",
            Self::Voice(_) => "v",
            Self::Language(_) => "lang",
        }
    }
}

/// A part of a [`Markup`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Characters and line breaks, not escaped.
    Text(String),
    /// From here on.
    Open(Tag),
    /// The end of the innermost open tag, by its name.
    Close(&'static str),
}

/// Text with styles. No line of it is empty, every tag is closed, and it holds no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Markup {
    pieces: Vec<Piece>,
}

impl Markup {
    /// Its parts, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// True when there is nothing to be seen.
    pub fn is_blank(&self) -> bool {
        self.plain().trim().is_empty()
    }

    /// The characters without styles.
    pub fn plain(&self) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.pieces.iter().filter_map(text).collect()
    }

    /// How many lines it has.
    pub fn lines(&self) -> usize {
        self.plain().split('\n').count()
    }
}

/// How characters look in formats that say so at every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Style {
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
}

/// Makes a [`Markup`].
#[derive(Debug, Default)]
pub(super) struct Builder {
    pieces: Vec<Piece>,
    open: Vec<Tag>,
    chars: usize,
    line_break: bool,
}

impl Builder {
    /// Adds characters. Line breaks at the beginning, at the end and behind one another are left out.
    pub(super) fn text(&mut self, text: &str) {
        for c in text.chars() {
            self.char(c);
        }
    }

    fn char(&mut self, c: char) {
        match c {
            '\n' => self.line_break = self.chars > 0,
            '\t' => self.visible(' '),
            // U+2028 and U+2029 are line breaks to some players, and a byte order mark is none amid text.
            '\u{2028}' | '\u{2029}' => self.line_break = self.chars > 0,
            '\u{feff}' => {}
            c if c.is_control() => {}
            c => self.visible(c),
        }
    }

    fn visible(&mut self, c: char) {
        if self.chars >= MAX_CHARS {
            return;
        }
        self.chars += 1;
        if !matches!(self.pieces.last(), Some(Piece::Text(_))) {
            self.pieces.push(Piece::Text(String::new()));
        }
        if let Some(Piece::Text(last)) = self.pieces.last_mut() {
            if self.line_break {
                last.push('\n');
                self.line_break = false;
            }
            last.push(c);
        }
    }

    /// True when nothing more is taken: the rest of the text need not be read.
    pub(super) const fn is_full(&self) -> bool {
        self.chars >= MAX_CHARS || self.pieces.len() >= MAX_PIECES
    }

    /// Begins `tag`; one that is open already, or beyond the limits, changes nothing.
    pub(super) fn open(&mut self, tag: Tag) {
        let again = self.open.contains(&tag);
        // `rt` is allowed in `ruby` only (WebVTT 4.2.2).
        let misplaced = tag == Tag::RubyText && !self.open.contains(&Tag::Ruby);
        if again || misplaced || self.open.len() >= MAX_DEPTH || self.pieces.len() >= MAX_PIECES {
            return;
        }
        self.pieces.push(Piece::Open(tag.clone()));
        self.open.push(tag);
    }

    /// Ends the innermost tag of that name; what was opened inside of it goes on behind it.
    pub(super) fn close(&mut self, name: &str) {
        let Some(at) = self.open.iter().rposition(|tag| tag.name() == name) else {
            return;
        };
        let mut inner = self.open.split_off(at);
        for tag in inner.iter().rev() {
            self.end_tag(tag.name());
        }
        if !inner.is_empty() {
            inner.remove(0);
        }
        inner.into_iter().for_each(|tag| self.open(tag));
    }

    fn end_tag(&mut self, name: &'static str) {
        // A tag around nothing is none.
        if matches!(self.pieces.last(), Some(Piece::Open(_))) {
            self.pieces.pop();
        } else {
            self.pieces.push(Piece::Close(name));
        }
    }

    /// What follows looks like `style`.
    pub(super) fn style(&mut self, style: Style) {
        let wanted =
            [(Tag::Bold, style.bold), (Tag::Italic, style.italic), (Tag::Underline, style.underline)];
        for (tag, on) in wanted {
            if on { self.open(tag) } else { self.close(tag.name()) }
        }
    }

    /// The result, all tags closed.
    pub(super) fn finish(mut self) -> Markup {
        while let Some(tag) = self.open.pop() {
            self.end_tag(tag.name());
        }
        Markup { pieces: self.pieces }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(markup: &Markup) -> String {
        let mut out = String::new();
        crate::text::write::payload(markup, &mut out);
        out
    }

    #[test]
    fn overlapping_tags_nest() {
        let mut builder = Builder::default();
        builder.open(Tag::Italic);
        builder.text("a");
        builder.open(Tag::Bold);
        builder.text("b");
        builder.close("i");
        builder.text("c");
        assert_eq!(shown(&builder.finish()), "<i>a<b>b</b></i><b>c</b>");
    }

    #[test]
    fn no_empty_lines_or_tags() {
        let mut builder = Builder::default();
        builder.text("\n\na\r\n\u{0}\n");
        builder.open(Tag::Italic);
        builder.text("\n");
        builder.close("i");
        builder.text("b\n");
        let markup = builder.finish();
        assert_eq!(shown(&markup), "a\nb");
        assert_eq!(markup.lines(), 2);
    }

    #[test]
    fn styles_change() {
        let mut builder = Builder::default();
        builder.style(Style { bold: true, italic: true, underline: false });
        builder.text("a");
        builder.style(Style { bold: false, italic: true, underline: false });
        builder.text("b");
        assert_eq!(shown(&builder.finish()), "<b><i>a</i></b><i>b</i>");
    }

    proptest! {
        #[test]
        fn always_well_nested(steps in proptest::collection::vec((0u8..9, "\\PC{0,4}|\n|\r\n|\u{0}"), 0..60)) {
            let mut builder = Builder::default();
            for (kind, text) in &steps {
                match kind {
                    0 => builder.open(Tag::Bold),
                    1 => builder.open(Tag::Italic),
                    2 => builder.close("b"),
                    3 => builder.close("i"),
                    4 => builder.open(Tag::Ruby),
                    5 => builder.open(Tag::RubyText),
                    6 => builder.close("ruby"),
                    _ => builder.text(text),
                }
            }
            let markup = builder.finish();
            let mut open = Vec::new();
            for piece in markup.pieces() {
                match piece {
                    Piece::Open(tag) => open.push(tag.name()),
                    Piece::Close(name) => prop_assert_eq!(open.pop(), Some(*name)),
                    Piece::Text(text) => prop_assert!(!text.is_empty()),
                }
            }
            prop_assert!(open.is_empty());
            prop_assert!(!shown(&markup).contains("\n\n"));
        }
    }
}
