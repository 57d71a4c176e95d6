//! Subtitles: text in, WebVTT segments out.
//!
//! ```text
//! file beside the film ── encoding ── srt, ass, webvtt ─┐
//!                                                       ├─ Document ── segment ── write: one WebVTT segment
//! track in the film ───── track ── srt, ass, tx3g, wvtt ┘
//!                     └── export: the track as a file again
//! ```
//! [`markup`] is what all of them have in common: text with bold, italics, ... that is always well nested.
//! Parsers are as lenient as players are: what makes no sense is left out, and only a file that is not text at
//! all, or beyond the limits, is an error. [`sidecar`] finds the files that belong to a film.

pub mod ass;
mod clock;
pub mod encoding;
pub mod export;
pub mod markup;
mod segment;
pub mod settings;
pub mod sidecar;
mod srt;
mod track;
mod tx3g;
mod webvtt;
mod write;
mod wvtt;

pub use export::Export;
pub use track::{track_ranges, track_segment};

use crate::error::Error;
use crate::time::Time90k;
use markup::Markup;
use settings::Settings;
use std::collections::HashMap;

/// The largest subtitle file that is read: ASS with heavy typesetting has a few MiB.
pub const MAX_FILE: usize = 16 << 20;
/// Cues of one file. A film has about 1,500.
pub const MAX_CUES: usize = 100_000;
/// How long a cue is shown that does not say how long, unless another follows.
const OPEN_END: Time90k = Time90k::from_seconds(5);

/// A text that is shown for some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// When it appears; in a [`Document`] since the beginning of the presentation.
    pub start: Time90k,
    /// When it goes; behind `start`.
    pub end: Time90k,
    /// Where it is shown.
    pub settings: Settings,
    /// What is shown.
    pub text: Markup,
}

impl Cue {
    /// A name that is the same wherever this cue is repeated, and another for every other cue: players know by it
    /// what they have already.
    pub fn id(&self) -> String {
        // FNV-1a, 64 bits.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut body = String::new();
        write::payload(&self.text, &mut body);
        write::settings(&self.settings, &mut body);
        for byte in self.end.0.to_be_bytes().into_iter().chain(body.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        format!("{}-{hash:016x}", self.start.0)
    }
}

/// How a file of subtitles is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// SubRip (.srt).
    Srt,
    /// Advanced SubStation Alpha (.ass).
    Ass,
    /// SubStation Alpha (.ssa).
    Ssa,
    /// WebVTT (.vtt).
    WebVtt,
}

impl FileFormat {
    /// The format that a file name's ending stands for.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "srt" => Self::Srt,
            "ass" => Self::Ass,
            "ssa" => Self::Ssa,
            "vtt" | "webvtt" => Self::WebVtt,
            _ => return None,
        })
    }

    /// The ending of file names, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Srt => "srt",
            Self::Ass => "ass",
            Self::Ssa => "ssa",
            Self::WebVtt => "vtt",
        }
    }

    /// The media type (RFC 6838).
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Srt => "application/x-subrip",
            Self::Ass | Self::Ssa => "text/x-ssa",
            Self::WebVtt => "text/vtt",
        }
    }

    /// What a text is, whatever its file is called.
    fn of_text(self, text: &str) -> Self {
        let head = text.trim_start();
        if head.starts_with("WEBVTT") {
            Self::WebVtt
        } else if head.get(..13).is_some_and(|head| head.eq_ignore_ascii_case("[Script Info]")) {
            if self == Self::Ssa { Self::Ssa } else { Self::Ass }
        } else {
            self
        }
    }
}

/// All subtitles of one file, or those that one segment needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    cues: Vec<Cue>,
}

impl Document {
    /// Reads a file: whichever encoding it is in, `language` (BCP-47) being a hint to find that out. Time 0 of the
    /// file is the beginning of the presentation, as players have it.
    ///
    /// # Errors
    /// `Limit` when the file is larger than [`MAX_FILE`] or has more than [`MAX_CUES`]; `Malformed` when it is no
    /// text or holds no cue.
    pub fn parse(file: &[u8], format: FileFormat, language: Option<&str>) -> Result<Self, Error> {
        if file.len() > MAX_FILE {
            return Err(Error::limit("a subtitle file of more than 16 MiB", 0));
        }
        let text = encoding::decode(file, language)?.text;
        let cues = match format.of_text(&text) {
            FileFormat::Srt => srt::parse(&text)?,
            FileFormat::Ass | FileFormat::Ssa => ass::parse(&text)?,
            FileFormat::WebVtt => webvtt::parse(&text)?,
        };
        let document = Self::new(cues);
        if document.cues.is_empty() {
            return Err(Error::malformed("no subtitles in the file", 0));
        }
        Ok(document)
    }

    /// Puts cues in order, closes those that have no end (which then lies before their start), leaves out those
    /// that show nothing, and joins those that say the same at the same time.
    pub(crate) fn new(cues: Vec<Cue>) -> Self {
        let mut this = Self::in_order(cues);
        this.join_repeated();
        this
    }

    /// The same without joining what overlaps, which would depend on how much of a track is known: only what is
    /// the same from beginning to end is left out.
    pub(crate) fn in_order(mut cues: Vec<Cue>) -> Self {
        cues.retain(|cue| !cue.text.is_blank() && cue.end != cue.start);
        cues.sort_by_key(|cue| cue.start);
        let mut next: Option<Time90k> = None;
        let mut follower = Time90k(i64::MAX);
        for cue in cues.iter_mut().rev() {
            if next.is_some_and(|next| next > cue.start) {
                follower = next.unwrap_or(follower);
            }
            if cue.end < cue.start {
                cue.end = follower.min(cue.start + OPEN_END);
            }
            next = Some(cue.start);
        }
        // What lies before the beginning is not seen.
        cues.retain(|cue| cue.end > Time90k::ZERO);
        for cue in &mut cues {
            cue.start = cue.start.max(Time90k::ZERO);
        }
        cues.sort_by_key(|cue| (cue.start, cue.end));
        let mut seen = HashMap::new();
        let mut index = 0u32;
        cues.retain(|cue| {
            index += 1;
            *seen.entry(cue.id()).or_insert(index) == index
        });
        Self { cues }
    }

    /// Joins cues that say the same in the same place and overlap or touch: typesetting repeats a line for its
    /// shadow, or for every frame of a movement.
    fn join_repeated(&mut self) {
        let mut last: HashMap<(Markup, Settings), usize> = HashMap::new();
        let mut joined: Vec<Cue> = Vec::with_capacity(self.cues.len());
        for cue in self.cues.drain(..) {
            let key = (cue.text.clone(), cue.settings.clone());
            let before = last.get(&key).and_then(|at| joined.get_mut(*at));
            if let Some(before) = before.filter(|before| before.end >= cue.start) {
                before.end = before.end.max(cue.end);
            } else {
                last.insert(key, joined.len());
                joined.push(cue);
            }
        }
        self.cues = joined;
        self.cues.sort_by_key(|cue| (cue.start, cue.end));
    }

    /// The cues, in the order in which they appear.
    pub fn cues(&self) -> &[Cue] {
        &self.cues
    }
}

/// Refuses a text with more cues than [`MAX_CUES`].
fn check_count(cues: &[Cue]) -> Result<(), Error> {
    if cues.len() >= MAX_CUES { Err(Error::limit("more than 100,000 subtitles", 0)) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
