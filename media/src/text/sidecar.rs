//! Finding the subtitle files that belong to a film, by their paths alone.
//!
//! ```text
//! Film.mkv   Film.srt   Film.en.forced.srt     next to it, beginning like it
//!            Subs/Film.en.srt                  in a folder of subtitles
//!            Subs/Film/2_English.srt           in a folder of its own there
//!            Subs/English/Film.srt             in a folder of a language
//!            S01E02.en.srt                     of the same episode
//! ```
//! Where there is one film only, every subtitle file is taken to be of it.

mod label;

use super::FileFormat;
use label::Label;

/// Other films that are compared with.
const MAX_VIDEOS: usize = 4_096;
/// Files of one film that are offered.
const MAX_FILES: usize = 256;

/// A subtitle file of a film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// Its place in the list of all paths.
    pub index: usize,
    /// How it is written, by its name.
    pub format: FileFormat,
    /// Its language (BCP-47), when the name tells.
    pub language: Option<String>,
    /// What to call it; no two of a film are called the same.
    pub name: String,
    /// For foreign dialogue only.
    pub forced: bool,
    /// For those who cannot hear.
    pub hearing_impaired: bool,
    /// To be shown when the user has not chosen.
    pub default: bool,
}

/// The subtitle files among `paths` that belong to the film at `video`, in the order of `paths`. Folders are
/// separated by `/`.
pub fn find(video: &str, paths: &[&str]) -> Vec<Sidecar> {
    let film = Path::of(video);
    let videos = paths.iter().map(|path| Path::of(path)).filter(Path::is_film);
    let videos: Vec<Path<'_>> = videos.take(MAX_VIDEOS).collect();
    let is_only = videos.iter().all(|other| other.path == film.path);
    let mut found: Vec<Sidecar> = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let Some(format) = FileFormat::of_name(path) else { continue };
        let Some(label) = belongs(&Path::of(path), &film, &videos, is_only) else { continue };
        if found.len() >= MAX_FILES {
            break;
        }
        let name = unique(label.name(), &found);
        let Label { language, forced, hearing_impaired, default, .. } = label;
        found.push(Sidecar { index, format, language, name, forced, hearing_impaired, default });
    }
    found
}

/// `name`, with a number behind it when it is taken.
fn unique(name: String, taken: &[Sidecar]) -> String {
    let is_free = |name: &String| taken.iter().all(|other| other.name != *name);
    if is_free(&name) {
        return name;
    }
    let mut numbered = (2..=MAX_FILES + 1).map(|number| format!("{name} {number}"));
    numbered.find(is_free).unwrap_or(name)
}

/// What the file's name says when it belongs to `film`.
fn belongs(file: &Path<'_>, film: &Path<'_>, videos: &[Path<'_>], is_only: bool) -> Option<Label> {
    let place = Place::of(file, film)?;
    if place.is_own {
        return Some(Label::strict(file.stem));
    }
    let of_folder = |label: Label| label.or_language_of(place.folder);
    if let Some(rest) = rest_behind(file.stem, film.stem).filter(|_| place.is_near) {
        // "Film 2.srt" begins like "Film.mkv", but there is "Film 2.mkv".
        let is_others = videos
            .iter()
            .any(|other| other.stem.len() > film.stem.len() && rest_behind(file.stem, other.stem).is_some());
        return (!is_others).then(|| of_folder(Label::strict(rest)));
    }
    let same_episode = place.is_near && film.episode().is_some() && file.episode() == film.episode();
    (same_episode || is_only).then(|| of_folder(Label::loose(file.stem, film.stem)))
}

/// A path, taken apart.
#[derive(Debug, Clone, Copy)]
struct Path<'a> {
    path: &'a str,
    folder: &'a str,
    /// The file's name without its ending.
    stem: &'a str,
    extension: &'a str,
}

impl<'a> Path<'a> {
    fn of(path: &'a str) -> Self {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        Self { path, folder, stem, extension }
    }

    /// True for a video that is not just a sample.
    fn is_film(&self) -> bool {
        const VIDEOS: [&str; 18] = [
            "mkv", "mp4", "m4v", "avi", "mov", "webm", "ts", "m2ts", "mts", "wmv", "mpg", "mpeg", "flv",
            "ogv", "ogm", "divx", "vob", "rmvb",
        ];
        let is_video = VIDEOS.iter().any(|video| self.extension.eq_ignore_ascii_case(video));
        let mut words = self.path.split(|c: char| !c.is_ascii_alphanumeric());
        is_video && !words.any(|word| word.eq_ignore_ascii_case("sample"))
    }

    /// Season and episode: `S01E02` or `1x02`.
    fn episode(&self) -> Option<(u32, u32)> {
        let number = |digits: &str| digits.parse().ok().filter(|_| (1..=4).contains(&digits.len()));
        let words = self.stem.split(|c: char| !c.is_ascii_alphanumeric());
        words.into_iter().find_map(|word| {
            let word = word.to_ascii_lowercase();
            let (season, rest) = match word.strip_prefix('s') {
                Some(word) => word.split_once('e')?,
                None => word.split_once('x').filter(|(season, _)| season.len() <= 2)?,
            };
            // Of a double episode the first counts.
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            Some((number(season)?, number(rest.get(..digits)?)?))
        })
    }
}

/// Where a file is, seen from the film.
struct Place<'a> {
    /// In a folder that has the film's name: everything there is of this film.
    is_own: bool,
    /// In the film's folder, or in one of subtitles beside it.
    is_near: bool,
    /// The innermost folder, when it is not the film's.
    folder: &'a str,
}

impl<'a> Place<'a> {
    /// `None` for files of which nothing can be said but by chance.
    fn of(file: &Path<'a>, film: &Path<'_>) -> Option<Self> {
        let here = |is_near| Self { is_own: false, is_near, folder: "" };
        if file.folder == film.folder {
            return Some(here(true));
        }
        // Beside the film, or one folder up, as series have it.
        let parent = film.folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        let below =
            below(file.folder, film.folder).or_else(|| below_folder_of_subtitles(file.folder, parent));
        let Some(below) = below else { return Some(here(false)) };
        let (first, rest) = below.split_once('/').unwrap_or((below, ""));
        if !is_folder_of_subtitles(first) {
            return Some(here(false));
        }
        let innermost = rest.rsplit('/').next().unwrap_or_default();
        let is_own = !innermost.is_empty() && innermost.eq_ignore_ascii_case(film.stem);
        let is_near = innermost.is_empty() || label::is_language(innermost);
        Some(Self { is_own, is_near: is_near || is_own, folder: innermost })
    }
}

/// The part of `folder` that is below `base`.
fn below<'a>(folder: &'a str, base: &str) -> Option<&'a str> {
    if base.is_empty() { Some(folder) } else { folder.strip_prefix(base)?.strip_prefix('/') }
}

fn below_folder_of_subtitles<'a>(folder: &'a str, base: &str) -> Option<&'a str> {
    below(folder, base).filter(|below| below.split('/').next().is_some_and(is_folder_of_subtitles))
}

fn is_folder_of_subtitles(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    [
        "subs",
        "sub",
        "subtitles",
        "subtitle",
        "srt",
        "captions",
        "legendas",
        "subtitulos",
        "sous-titres",
        "untertitel",
    ]
    .contains(&name)
}

/// What follows `stem` in `name`, when that begins with it and does not just go on with the same word.
fn rest_behind<'a>(name: &'a str, stem: &str) -> Option<&'a str> {
    let mut rest = name.chars();
    for wanted in stem.chars() {
        if !rest.next()?.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    let rest = rest.as_str();
    rest.chars().next().is_none_or(|c| !c.is_alphanumeric()).then_some(rest)
}

#[cfg(test)]
mod tests;
