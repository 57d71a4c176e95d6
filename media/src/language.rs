//! Languages: codes as containers and file names have them, tags as HLS wants them (BCP-47, RFC 5646), names.

mod table;

use table::{LANGUAGES, Language, VARIANTS};

/// Longer tags are no languages of films.
const MAX_TAG: usize = 35;
/// Longer names are sentences.
const MAX_NAME: usize = 64;

/// The BCP-47 tag of a language that is given as ISO 639-1, 639-2 (/B or /T), 639-3 or BCP-47: the shortest
/// code, in the usual case ("ger" -> "de", "pt_br" -> "pt-BR", "ENG-us" -> "en-US"). Codes that are well-formed
/// but not known are kept. `None` for what is no tag, and for codes that say nothing ("und", "mis", "qaa").
pub fn to_bcp47(code: &str) -> Option<String> {
    let code = code.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if code.len() > MAX_TAG {
        return None;
    }
    let mut parts = code.split(['-', '_']);
    let primary = parts.next()?.to_ascii_lowercase();
    if !matches!(primary.len(), 2 | 3) || !primary.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let reserved = primary.len() == 3 && ("qaa"..="qtz").contains(&primary.as_str());
    if reserved || matches!(primary.as_str(), "und" | "mis" | "unk") {
        return None;
    }
    if let Some(tag) = alias(&primary) {
        return Some(tag.to_owned());
    }
    let mut tag = by_code(&primary).map_or(primary.as_str(), |language| language.tag).to_owned();
    let mut extension = false;
    for part in parts {
        if !(1..=8).contains(&part.len()) || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        tag.push('-');
        let alphabetic = part.bytes().all(|byte| byte.is_ascii_alphabetic());
        match part.len() {
            2 if alphabetic && !extension => tag.push_str(&part.to_ascii_uppercase()),
            4 if alphabetic && !extension => {
                let lower = part.to_ascii_lowercase();
                let (first, rest) = lower.split_at(1);
                tag.push_str(&first.to_ascii_uppercase());
                tag.push_str(rest);
            }
            // What follows a single letter is in lower case (RFC 5646 2.1.1).
            length => {
                extension |= length == 1;
                tag.push_str(&part.to_ascii_lowercase());
            }
        }
    }
    Some(tag)
}

/// The tag of a code that file names use although no standard has it, or had it long ago.
fn alias(code: &str) -> Option<&'static str> {
    Some(match code {
        "pob" => "pt-BR",
        "chs" => "zh-Hans",
        "cht" => "zh-Hant",
        "iw" => "he",
        "in" => "id",
        "ji" => "yi",
        "mo" => "ro",
        "jp" => "ja",
        "cz" => "cs",
        _ => return None,
    })
}

/// The tag of a code that is in use: [`to_bcp47`] for text that may as well be no language at all, such as a
/// part of a file name.
pub fn from_known_code(code: &str) -> Option<String> {
    let primary = code.split(['-', '_']).next()?.to_ascii_lowercase();
    let known = by_code(&primary).is_some() || alias(&primary).is_some();
    if known { to_bcp47(code) } else { None }
}

/// The BCP-47 tag of a language that is given by its name, in English or in itself ("Brazilian Portuguese",
/// "Español (Latinoamérica)", "日本語"). Case, accents and punctuation do not matter.
pub fn from_name(name: &str) -> Option<&'static str> {
    if name.chars().count() > MAX_NAME {
        return None;
    }
    let name = fold(name);
    let is_named = |english: &str, others: &str| {
        fold(english) == name || others.split(',').any(|other| !other.is_empty() && other == name)
    };
    let variant = VARIANTS.iter().find(|(_, english, others)| is_named(english, others));
    let language = || LANGUAGES.iter().find(|language| is_named(language.english, language.others));
    variant.map(|(tag, ..)| *tag).or_else(|| language().map(|language| language.tag))
}

/// The English name of a language that is given by a code or tag ("de" -> "German", "pt-BR" -> "Portuguese
/// (Brazil)"); where place or script have no name here, that of the language alone.
pub fn display_name(code: &str) -> Option<&'static str> {
    let tag = to_bcp47(code)?;
    if let Some((_, english, _)) = VARIANTS.iter().find(|(variant, ..)| *variant == tag) {
        return Some(english);
    }
    by_code(tag.split('-').next()?).map(|language| language.english)
}

fn by_code(code: &str) -> Option<&'static Language> {
    let is_it =
        |language: &&Language| [language.tag, language.terminology, language.bibliographic].contains(&code);
    if code.is_empty() { None } else { LANGUAGES.iter().find(is_it) }
}

/// Lower case, without accents, all that is no letter or digit as one space.
fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        let c = match c {
            '\u{300}'..='\u{36f}' => continue,
            'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
            'ç' | 'ć' | 'č' => 'c',
            'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
            'ì'..='ï' | 'ī' | 'ı' => 'i',
            'ñ' | 'ń' | 'ň' => 'n',
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
            'ý' | 'ÿ' => 'y',
            'š' | 'ś' | 'ş' | 'ș' => 's',
            'ž' | 'ź' | 'ż' => 'z',
            'ř' => 'r',
            'ğ' => 'g',
            // Vietnamese.
            '\u{1ea0}'..='\u{1eb7}' => 'a',
            '\u{1eb8}'..='\u{1ec7}' => 'e',
            '\u{1ec8}'..='\u{1ecb}' => 'i',
            '\u{1ecc}'..='\u{1ee3}' | 'ơ' => 'o',
            '\u{1ee4}'..='\u{1ef1}' | 'ư' => 'u',
            'đ' => 'd',
            'й' => 'и',
            'ї' => 'і',
            'ё' => 'е',
            'ά' => 'α',
            c => c,
        };
        // Vowel signs of Indic scripts count as letters here, which `is_alphanumeric` alone does not say of all.
        if c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace() && !is_bracket(c)) {
            folded.push(c);
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

const fn is_bracket(c: char) -> bool {
    matches!(c, '（' | '）' | '【' | '】' | '\u{2010}'..='\u{2027}' | '\u{3000}'..='\u{3003}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag(code: &str) -> Option<String> {
        to_bcp47(code)
    }

    #[test]
    fn codes_become_the_shortest_tag() {
        for (code, wanted) in [
            ("eng", "en"),
            ("ger", "de"),
            ("deu", "de"),
            ("fre", "fr"),
            ("fra", "fr"),
            ("chi", "zh"),
            ("scr", "hr"),
            ("en", "en"),
            ("EN-us", "en-US"),
            ("eng-GB", "en-GB"),
            ("pt_br", "pt-BR"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("fil", "fil"),
            ("nan", "nan"),
            ("bfi", "bfi"),
            ("de-CH-1996", "de-CH-1996"),
            ("en-x-AA", "en-x-aa"),
            ("pob", "pt-BR"),
            ("iw", "he"),
        ] {
            assert_eq!(tag(code).as_deref(), Some(wanted), "{code}");
        }
        for code in ["", "und", "mis", "qaa", "qtz", "e", "1a", "english", "en-", "en--US", "en-ä", "```"] {
            assert_eq!(tag(code), None, "{code}");
        }
    }

    #[test]
    fn names_in_english_and_their_own() {
        for (name, wanted) in [
            ("English", "en"),
            ("ENGLISH", "en"),
            ("Español", "es"),
            ("Espan\u{303}ol", "es"),
            ("Español (Latinoamérica)", "es-419"),
            ("Português (Brasil)", "pt-BR"),
            ("Brazilian Portuguese", "pt-BR"),
            ("Portuguese (Brazil)", "pt-BR"),
            ("Português", "pt"),
            ("Français", "fr"),
            ("Русский", "ru"),
            ("Українська", "uk"),
            ("Ελληνικά", "el"),
            ("日本語", "ja"),
            ("简体中文", "zh-Hans"),
            ("Chinese (Traditional)", "zh-Hant"),
            ("हिन्दी", "hi"),
            ("தமிழ்", "ta"),
            ("ไทย", "th"),
            ("Tiếng Việt", "vi"),
            ("Türkçe", "tr"),
            ("Čeština", "cs"),
            ("Norwegian Bokmål", "nb"),
            ("Māori", "mi"),
            ("العربية", "ar"),
            ("עברית", "he"),
            ("한국어", "ko"),
        ] {
            assert_eq!(from_name(name), Some(wanted), "{name}");
        }
        for name in ["", "Commentary", "SDH", "1080p", &"a".repeat(1000)] {
            assert_eq!(from_name(name), None, "{name}");
        }
    }

    #[test]
    fn names_are_told() {
        assert_eq!(display_name("ger"), Some("German"));
        assert_eq!(display_name("pt-BR"), Some("Portuguese (Brazil)"));
        assert_eq!(display_name("de-AT"), Some("German"));
        assert_eq!(display_name("und"), None);
        assert_eq!(display_name("bfi"), None);
    }

    #[test]
    fn the_table_is_sound() {
        for (at, language) in LANGUAGES.iter().enumerate() {
            assert_eq!(tag(language.tag).as_deref(), Some(language.tag));
            assert_eq!(tag(language.terminology).as_deref(), Some(language.tag));
            assert_eq!(from_name(language.english), Some(language.tag));
            for other in language.others.split(',').filter(|other| !other.is_empty()) {
                assert_eq!(fold(other), other, "not folded");
            }
            for other in LANGUAGES.iter().skip(at + 1) {
                assert_ne!(language.tag, other.tag);
                assert_ne!(language.terminology, other.terminology);
            }
        }
        for (tag, english, others) in VARIANTS {
            assert_eq!(to_bcp47(tag).as_deref(), Some(*tag));
            assert_eq!(from_name(english), Some(*tag));
            others.split(',').for_each(|other| assert_eq!(fold(other), other, "not folded"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_tag_or_none(text in "\\PC{0,40}") {
            if let Some(tag) = to_bcp47(&text) {
                prop_assert_eq!(to_bcp47(&tag), Some(tag.clone()), "stable");
                prop_assert!(tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
            }
            let _ = from_name(&text);
        }
    }
}
