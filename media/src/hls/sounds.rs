//! Which sounds are offered together: groups of EXT-X-MEDIA (RFC 8216 4.3.4.1.1).
//!
//! A player drops a variant when it lacks one of the codecs that its CODECS lists, so there is a group for each
//! family of codecs, and a variant for each group. The rules:
//!
//! 1. In MPEG-TS all sounds share one group: they are AAC or MP3, which everyone plays.
//! 2. In fragmented MP4 a family's group holds its sounds, and those AAC ones that say what no sound of the family
//!    says (another language, the commentary): whoever plays the family plays AAC too, and so finds all there is.
//! 3. First come groups that hold the film's default sound or one that stands for it (the same language, not a
//!    commentary); among them, those that more browsers play. So the player that starts with the first variant
//!    that it can play starts with the right words.
//! 4. When no group of rule 3 is of a family that browsers play, one variant more, the last, has no sound at all:
//!    hls.js, which would otherwise give up, then shows the picture at least.

use crate::rendition::SegmentFormat;
use crate::track::{Codec, Track, TrackId};

/// Codecs that a player has, or has not, together. In order of how many browsers play them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Aac,
    Opus,
    Flac,
    Mp3,
    Alac,
    Ac3,
    Eac3,
}

impl Family {
    const ALL: [Self; 7] = [Self::Aac, Self::Opus, Self::Flac, Self::Mp3, Self::Alac, Self::Ac3, Self::Eac3];

    const fn of(codec: &Codec) -> Option<Self> {
        Some(match codec {
            Codec::Aac(_) => Self::Aac,
            Codec::Opus(_) => Self::Opus,
            Codec::Flac(_) => Self::Flac,
            Codec::Mp3(_) => Self::Mp3,
            Codec::Alac(_) => Self::Alac,
            Codec::Ac3(_) => Self::Ac3,
            Codec::Eac3(_) => Self::Eac3,
            _ => return None,
        })
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Aac => "aac",
            Self::Opus => "opus",
            Self::Flac => "flac",
            Self::Mp3 => "mp3",
            Self::Alac => "alac",
            Self::Ac3 => "ac3",
            Self::Eac3 => "eac3",
        }
    }

    /// True when Chromium and Firefox play it in fragmented MP4 everywhere (Chromium does not play MP3 there).
    const fn plays_in_browsers(self) -> bool {
        matches!(self, Self::Aac | Self::Opus | Self::Flac)
    }
}

/// Sounds of which a player plays one.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// GROUP-ID.
    pub(super) id: &'static str,
    /// At least one, in the order of the file.
    pub(super) sounds: Vec<&'a Track>,
    /// What is played when the user has not chosen: the film's default sound, or one that stands for it.
    pub(super) default: Option<TrackId>,
    plays_in_browsers: bool,
}

impl<'a> Group<'a> {
    /// What is played at first: the default, else what a user would most likely want.
    pub(super) fn first(&self) -> Option<&'a Track> {
        let chosen = self.sounds.iter().find(|sound| Some(sound.id) == self.default);
        let plain = self.sounds.iter().find(|sound| !is_special(sound));
        chosen.or(plain).or_else(|| self.sounds.first()).copied()
    }
}

/// True for sound that only those want who ask for it.
fn is_special(sound: &Track) -> bool {
    sound.is_commentary() || sound.roles.visual_impaired
}

/// True when `a` and `b` say the same: their languages do not differ, and both or neither are something special.
fn say_the_same(a: &Track, b: &Track) -> bool {
    let other_language = a.language.is_some() && b.language.is_some() && a.language != b.language;
    !other_language
        && a.is_commentary() == b.is_commentary()
        && a.roles.visual_impaired == b.roles.visual_impaired
}

/// The groups in the order of their variants, by the rules above. `main` is the film's default sound.
pub(super) fn groups<'a>(
    sounds: &[&'a Track],
    main: Option<&Track>,
    format: SegmentFormat,
) -> Vec<Group<'a>> {
    let with = |id, sounds: Vec<&'a Track>, plays_in_browsers| {
        let default = main.and_then(|main| default_of(&sounds, main));
        Group { id, sounds, default, plays_in_browsers }
    };
    if format == SegmentFormat::Ts {
        let sounds = sounds.to_vec();
        return if sounds.is_empty() { Vec::new() } else { vec![with("audio", sounds, true)] };
    }
    let family = |sound: &Track| Family::of(&sound.codec);
    let mut groups = Vec::new();
    for wanted in Family::ALL {
        let own: Vec<&Track> = sounds.iter().copied().filter(|sound| family(sound) == Some(wanted)).collect();
        if own.is_empty() {
            continue;
        }
        let belongs = |sound: &&'a Track| {
            let adds = || !own.iter().any(|other| say_the_same(other, sound));
            family(sound) == Some(wanted) || (family(sound) == Some(Family::Aac) && adds())
        };
        let members = sounds.iter().copied().filter(belongs).collect();
        groups.push(with(wanted.id(), members, wanted.plays_in_browsers()));
    }
    // Stable: the order of families stays inside of both parts.
    groups.sort_by_key(|group| group.default.is_none());
    groups
}

fn default_of(sounds: &[&Track], main: &Track) -> Option<TrackId> {
    let same = sounds.iter().find(|sound| sound.id == main.id);
    let other = || sounds.iter().find(|sound| say_the_same(sound, main));
    same.or_else(other).map(|sound| sound.id)
}

/// Rule 4: whether a variant without sound is needed.
pub(super) fn needs_silent_variant(groups: &[Group<'_>]) -> bool {
    !groups.is_empty() && !groups.iter().any(|group| group.default.is_some() && group.plays_in_browsers)
}
