//! What the name of a subtitle file says besides whose it is.

use crate::language;

/// Words of a name that are looked at.
const MAX_WORDS: usize = 64;
/// Words of a language's name: "Português do Brasil".
const MAX_NAME: usize = 3;

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Label {
    pub(super) language: Option<String>,
    pub(super) forced: bool,
    pub(super) hearing_impaired: bool,
    pub(super) default: bool,
    /// The words that say none of these.
    pub(super) rest: String,
}

impl Label {
    /// Of words that are there to say it: what follows the film's name.
    pub(super) fn strict(words: &str) -> Self {
        Self::of(&split(words), true)
    }

    /// Of a name that may say anything; what it has in common with the film's name is no label.
    pub(super) fn loose(name: &str, film: &str) -> Self {
        let (words, film) = (split(name), split(film));
        let mut common = words.iter().zip(&film).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
        // "English.srt" of "English.Patient.mkv" is a label all the same.
        if words.len() == 1 {
            common = 0;
        }
        Self::of(words.get(common..).unwrap_or_default(), false)
    }

    fn of(words: &[&str], is_strict: bool) -> Self {
        let mut this = Self::default();
        // "hi" is Hindi where no other language is named, else "hearing impaired".
        let mut hi = false;
        let mut rest: Vec<&str> = Vec::new();
        for word in words.iter().take(MAX_WORDS) {
            match word.to_ascii_lowercase().as_str() {
                "forced" | "foreign" => this.forced = true,
                "sdh" | "cc" | "hoh" | "captions" => this.hearing_impaired = true,
                "default" => this.default = true,
                "hi" => hi = true,
                _ => rest.push(word),
            }
        }
        let joined = rest.join(" ").to_lowercase();
        for phrase in ["hearing impaired", "hard of hearing"] {
            this.hearing_impaired |= joined.contains(phrase);
        }
        if let Some((language, used)) = language_of(&rest, is_strict) {
            this.language = Some(language);
            this.hearing_impaired |= hi;
            rest.drain(used);
        } else if hi {
            this.language = Some("hi".to_owned());
        }
        this.rest = rest.join(" ");
        this
    }

    /// With the language that a folder's name tells, when there is no other.
    pub(super) fn or_language_of(mut self, folder: &str) -> Self {
        self.language = self.language.or_else(|| whole(folder));
        self
    }

    /// What to call the file.
    pub(super) fn name(&self) -> String {
        let language = self.language.as_deref().map(|tag| language::display_name(tag).unwrap_or(tag));
        let is_telling = self.rest.chars().any(char::is_alphabetic);
        let mut name = match language {
            Some(language) => language.to_owned(),
            None if is_telling && self.rest.chars().count() <= 60 => self.rest.clone(),
            None => "Subtitles".to_owned(),
        };
        if self.forced {
            name.push_str(" (forced)");
        }
        if self.hearing_impaired {
            name.push_str(" (SDH)");
        }
        name
    }
}

/// True for a folder that is called like a language.
pub(super) fn is_language(name: &str) -> bool {
    whole(name).is_some()
}

fn whole(name: &str) -> Option<String> {
    language::from_name(name).map(str::to_owned).or_else(|| language::from_known_code(name))
}

fn split(name: &str) -> Vec<&str> {
    let is_gap =
        |c: char| c.is_whitespace() || matches!(c, '.' | '_' | '[' | ']' | '(' | ')' | '{' | '}' | ',' | '+');
    name.split(is_gap).map(|word| word.trim_matches('-')).filter(|word| !word.is_empty()).collect()
}

/// The language that the last of `words` name, and which words those are. Codes of two or three letters are words
/// of titles as well ("it", "no"), so in a loose name they count at the end, or behind a number at the beginning.
fn language_of(words: &[&str], is_strict: bool) -> Option<(String, std::ops::Range<usize>)> {
    for length in (1..=MAX_NAME.min(words.len())).rev() {
        for (start, window) in words.windows(length).enumerate().rev() {
            // A word alone may be a part of the title: "Italian Job".
            if let Some(tag) = language::from_name(&window.join(" ")) {
                return Some((tag.to_owned(), start..start + length));
            }
        }
    }
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let starts_numbered = words.first().is_some_and(|first| is_number(first));
    for (at, word) in words.iter().enumerate().rev() {
        let is_placed = at + 1 == words.len() || (at == 1 && starts_numbered);
        if !is_strict && !is_placed {
            continue;
        }
        // Behind a hyphen, too: "Film-eng".
        let code = language::from_known_code(word)
            .or_else(|| word.rsplit('-').next().filter(|last| last.len() < word.len()).and_then(whole));
        if let Some(tag) = code {
            return Some((tag, at..at + 1));
        }
    }
    None
}
