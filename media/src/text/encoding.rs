//! Which characters the bytes of a subtitle file mean: files say it seldom, and are in whatever their makers'
//! computers had.

use crate::error::Error;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_874, WINDOWS_1250,
    WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257,
    WINDOWS_1258,
};

/// How much is looked at to guess.
const SAMPLE: usize = 1 << 20;
/// How much is looked at letter by letter.
const LETTERS: usize = 64 << 10;
/// How much is looked at for UTF-16 without a mark.
const HEAD: usize = 4096;
/// So many right sequences of UTF-8 for a wrong one: the file is damaged, not in another encoding.
const DAMAGE: usize = 20;

/// A text, and the encoding it was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a byte order mark.
    pub text: String,
    /// The encoding's name (WHATWG Encoding Standard), for example `windows-1250`.
    pub encoding: &'static str,
}

/// Decodes a file. `language` (BCP-47) decides where several encodings make sense.
///
/// # Errors
/// `Malformed` when it is no text.
pub fn decode(file: &[u8], language: Option<&str>) -> Result<Decoded, Error> {
    let (encoding, bytes) = match Encoding::for_bom(file) {
        Some((encoding, mark)) => (encoding, file.get(mark..).unwrap_or_default()),
        None => (guess(file, language)?, file),
    };
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Ok(Decoded { text: text.into_owned(), encoding: encoding.name() })
}

/// Decodes a few words, which are too short to guess from: UTF-8, or else what is usual for the language.
pub(super) fn decode_words(bytes: &[u8], language: Option<&str>) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) if is_damaged_utf8(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Err(_) => usual(language).decode_without_bom_handling(bytes).0.into_owned(),
    }
}

fn guess(file: &[u8], language: Option<&str>) -> Result<&'static Encoding, Error> {
    if std::str::from_utf8(file).is_ok() && !file.contains(&0) || is_damaged_utf8(file) {
        return Ok(UTF_8);
    }
    let head = file.get(..HEAD).unwrap_or(file);
    if let Some(encoding) = utf16(head) {
        return Ok(encoding);
    }
    // A few zeros are damage; many are no text at all.
    if head.iter().filter(|byte| **byte == 0).count() > head.len() / 64 {
        return Err(Error::malformed("the subtitle file is not text", 0));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(file.get(..SAMPLE).unwrap_or(file), true);
    let guess = detector.guess(language.and_then(domain), Utf8Detection::Deny);
    let is_baltic = guess == WINDOWS_1250 && is_baltic(file.get(..LETTERS).unwrap_or(file));
    Ok(if is_baltic { WINDOWS_1257 } else { guess })
}

/// The letters, besides those of English, of languages that windows-1250 is for, and of those that windows-1257 is.
const CENTRAL: [&str; 7] =
    ["ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "âăîşţ", "äöüß"];
const BALTIC: [&str; 3] = ["ąčęėįšųūž", "āčēģīķļņšūž", "äõöšüž"];

/// True for text in windows-1257 that looks like windows-1250 letter by letter: as that it would need the letters of
/// several languages, as this those of one.
fn is_baltic(file: &[u8]) -> bool {
    share_of_one_language(file, WINDOWS_1250, &CENTRAL) < 85
        && share_of_one_language(file, WINDOWS_1257, &BALTIC) >= 97
}

/// How many of a hundred letters beyond ASCII are of the one language that has most of them.
fn share_of_one_language(file: &[u8], encoding: &'static Encoding, alphabets: &[&str]) -> usize {
    let (text, _) = encoding.decode_without_bom_handling(file);
    let letters: Vec<char> =
        text.chars().filter(|c| !c.is_ascii() && c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    let shares = alphabets.iter().map(|alphabet| letters.iter().filter(|c| alphabet.contains(**c)).count());
    shares.max().unwrap_or(0) * 100 / letters.len().max(1)
}

/// True for UTF-8 with a few wrong bytes.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut right, mut wrong) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    right > wrong.saturating_mul(DAMAGE) && wrong > 0
}

/// UTF-16 without a mark: subtitles are full of digits and line ends, of which one byte is 0, always the same one.
fn utf16(head: &[u8]) -> Option<&'static Encoding> {
    let (mut even, mut odd) = (0usize, 0usize);
    for pair in head.chunks_exact(2) {
        even += usize::from(pair.first() == Some(&0));
        odd += usize::from(pair.last() == Some(&0));
    }
    let pairs = head.len() / 2;
    let many = |zeros: usize| pairs >= 4 && zeros > pairs / 8;
    let few = |zeros: usize| zeros <= pairs / 64;
    if many(odd) && few(even) {
        Some(UTF_16LE)
    } else if many(even) && few(odd) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// The top-level domain where a language is at home: by that the detector knows which encodings are likely.
fn domain(language: &str) -> Option<&'static [u8]> {
    let mut parts = language.split('-');
    let primary = parts.next()?;
    let is_traditional = parts.any(|part| matches!(part, "Hant" | "TW" | "HK" | "MO"));
    Some(match primary {
        "zh" | "cmn" | "yue" | "nan" if is_traditional || primary == "yue" => b"tw",
        "zh" | "cmn" => b"cn",
        "ja" => b"jp",
        "ko" => b"kr",
        "el" => b"gr",
        "he" | "yi" => b"il",
        "ar" => b"eg",
        "fa" => b"ir",
        "ur" => b"pk",
        "vi" => b"vn",
        "cs" => b"cz",
        "sl" => b"si",
        "sr" => b"rs",
        "uk" => b"ua",
        "be" => b"by",
        "et" => b"ee",
        "sv" => b"se",
        "da" => b"dk",
        "nb" | "nn" | "no" => b"no",
        "sq" => b"al",
        "bs" => b"ba",
        "kk" => b"kz",
        "en" => b"com",
        "pl" => b"pl",
        "sk" => b"sk",
        "hu" => b"hu",
        "hr" => b"hr",
        "ro" => b"ro",
        "ru" => b"ru",
        "bg" => b"bg",
        "mk" => b"mk",
        "tr" => b"tr",
        "az" => b"az",
        "lt" => b"lt",
        "lv" => b"lv",
        "th" => b"th",
        "fr" => b"fr",
        "de" => b"de",
        "es" => b"es",
        "it" => b"it",
        "pt" => b"pt",
        "nl" => b"nl",
        "fi" => b"fi",
        "is" => b"is",
        _ => return None,
    })
}

/// The encoding that Windows has for a language.
fn usual(language: Option<&str>) -> &'static Encoding {
    let language = language.unwrap_or_default();
    match domain(language).unwrap_or_default() {
        b"tw" => BIG5,
        b"cn" => GBK,
        b"jp" => SHIFT_JIS,
        b"kr" => EUC_KR,
        b"gr" => WINDOWS_1253,
        b"il" => WINDOWS_1255,
        b"eg" | b"ir" | b"pk" => WINDOWS_1256,
        b"vn" => WINDOWS_1258,
        b"th" => WINDOWS_874,
        b"tr" | b"az" => WINDOWS_1254,
        b"lt" | b"lv" | b"ee" => WINDOWS_1257,
        b"ru" | b"ua" | b"by" | b"bg" | b"mk" | b"rs" | b"kz" => WINDOWS_1251,
        b"pl" | b"cz" | b"sk" | b"hu" | b"hr" | b"si" | b"ro" | b"ba" | b"al" => WINDOWS_1250,
        _ => WINDOWS_1252,
    }
}
