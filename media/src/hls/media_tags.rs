//! EXT-X-MEDIA: how a sound or subtitles are named to the user and chosen for him (RFC 8216 4.3.4.1).

use super::attributes::{Tag, clean};
use crate::language;
use crate::track::{Codec, Track};
use std::collections::HashSet;

/// Apple's authoring specification asks for a language with every rendition (8.10); this is the tag of none.
const UNKNOWN: &str = "und";

/// What one EXT-X-MEDIA says.
#[derive(Debug, Clone, Default)]
pub(super) struct MediaTag {
    /// TYPE.
    pub(super) kind: &'static str,
    /// GROUP-ID.
    pub(super) group: &'static str,
    /// BCP-47.
    pub(super) language: Option<String>,
    /// The title that the file gives.
    pub(super) title: Option<String>,
    pub(super) default: bool,
    pub(super) forced: bool,
    pub(super) hearing_impaired: bool,
    pub(super) visual_impaired: bool,
    pub(super) commentary: bool,
    /// CHANNELS.
    pub(super) channels: Option<String>,
    /// `None` for sound that is in the variant's own segments.
    pub(super) uri: Option<String>,
}

impl MediaTag {
    /// What `track` itself tells.
    pub(super) fn of_track(track: &Track) -> Self {
        Self {
            language: track.language.as_deref().and_then(language::to_bcp47),
            title: track.name.clone(),
            forced: track.roles.forced,
            hearing_impaired: track.roles.hearing_impaired,
            visual_impaired: track.roles.visual_impaired,
            commentary: track.is_commentary(),
            channels: channels(track),
            ..Self::default()
        }
    }

    /// The name where nobody has an equal one: the title, else the language and what is special.
    fn plain_name(&self) -> String {
        let title = self.title.as_deref().map(clean).filter(|title| !title.is_empty());
        title.unwrap_or_else(|| {
            let nameless = if self.kind == "AUDIO" { "Audio" } else { "Subtitles" };
            let language = self.language_name().unwrap_or_else(|| nameless.to_owned());
            let special = [
                (self.commentary, "commentary"),
                (self.visual_impaired, "audio description"),
                (self.forced, "forced"),
                (self.hearing_impaired, "SDH"),
            ];
            match special.iter().find(|(is_so, _)| *is_so) {
                Some((_, what)) => format!("{language} ({what})"),
                None => language,
            }
        })
    }

    fn language_name(&self) -> Option<String> {
        let tag = self.language.as_deref()?;
        Some(language::display_name(tag).map_or_else(|| tag.to_owned(), str::to_owned))
    }

    /// CHARACTERISTICS (RFC 8216 4.3.4.1; Apple's authoring specification 4.5, 4.6).
    fn characteristics(&self) -> Option<&'static str> {
        if self.kind == "AUDIO" {
            return self.visual_impaired.then_some("public.accessibility.describes-video");
        }
        self.hearing_impaired.then_some(
            "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound",
        )
    }

    fn line(&self, name: &str, autoselect: bool) -> String {
        let tag = Tag::new("EXT-X-MEDIA").plain("TYPE", self.kind).quoted("GROUP-ID", self.group);
        let tag = tag.quoted("NAME", name).quoted("LANGUAGE", self.language.as_deref().unwrap_or(UNKNOWN));
        let tag = tag.flag("DEFAULT", self.default).flag("AUTOSELECT", autoselect);
        let tag = if self.kind == "SUBTITLES" { tag.flag("FORCED", self.forced) } else { tag };
        let tag = tag.maybe_quoted("CHARACTERISTICS", self.characteristics());
        tag.maybe_quoted("CHANNELS", self.channels.as_deref()).maybe_quoted("URI", self.uri.as_deref()).line()
    }
}

/// CHANNELS: how many, and with objects of a Dolby Atmos mix how many of those (RFC 8216bis 4.4.6.1).
fn channels(track: &Track) -> Option<String> {
    match &track.codec {
        Codec::Eac3(config) if config.joc_complexity > 0 => Some(format!("{}/JOC", config.joc_complexity)),
        _ => (track.channels > 0).then(|| track.channels.to_string()),
    }
}

/// The lines of one group. Names are told apart, at most one is the default, and among those that a player may
/// choose by itself no two are alike in all that it chooses by (RFC 8216 4.3.4.1.1).
pub(super) fn write_group(text: &mut String, mut tags: Vec<MediaTag>) {
    let mut defaults = tags.iter_mut().filter(|tag| tag.default);
    defaults.next();
    defaults.for_each(|tag| tag.default = false);

    let key = |tag: &MediaTag| (tag.language.clone(), tag.forced, tag.characteristics());
    let mut chosen_by: HashSet<_> = tags.iter().filter(|tag| tag.default).map(key).collect();
    let mut names = HashSet::new();
    for tag in &tags {
        let is_first = !tag.default && !tag.commentary && chosen_by.insert(key(tag));
        let name = unique(tag, &names);
        text.push_str(&tag.line(&name, tag.default || is_first));
        names.insert(name);
    }
}

/// The tag's name, with its language or a number where another has the same.
fn unique(tag: &MediaTag, taken: &HashSet<String>) -> String {
    let plain = tag.plain_name();
    let with_language = tag.language_name().map(|language| format!("{plain} ({language})"));
    let numbered = (2..).map(|number: u32| format!("{plain} ({number})"));
    let candidates = std::iter::once(plain.clone()).chain(with_language).chain(numbered);
    // As it will be written: a long name may lose what tells it apart.
    let short = |name: String| if clean(&name) == name { name } else { shorten(&name) };
    candidates.map(short).find(|name| !taken.contains(name)).unwrap_or(plain)
}

/// Keeps the end of a name that is too long for one line, for that is what tells it apart.
fn shorten(name: &str) -> String {
    let (front, end) = name.rsplit_once(" (").unwrap_or((name, ""));
    let front: String = front.chars().take(100).collect();
    let end: String = end.chars().take(60).collect();
    clean(&format!("{front} ({end}"))
}
