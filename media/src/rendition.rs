//! What one media playlist plays: which tracks, packed how.

use crate::track::TrackId;

/// How segments are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SegmentFormat {
    /// MPEG-TS (RFC 8216 3.2).
    Ts,
    /// Fragmented MP4 (RFC 8216 3.3), as CMAF writes it.
    Fmp4,
}

impl SegmentFormat {
    /// The ending of a segment's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ts => "ts",
            Self::Fmp4 => "m4s",
        }
    }
}

/// Tracks of a file that share a media playlist and its segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rendition {
    /// The picture, if there is one.
    pub video: Option<TrackId>,
    /// The sound, if there is one.
    pub audio: Option<TrackId>,
    /// How segments are packed.
    pub format: SegmentFormat,
}

impl Rendition {
    /// Its tracks, the picture first.
    pub fn tracks(&self) -> impl Iterator<Item = TrackId> + use<> {
        [self.video, self.audio].into_iter().flatten()
    }
}

/// Which subtitles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubtitleId {
    /// A track of the film.
    Track(TrackId),
    /// A file beside it, by its number among those that lie together with the film.
    File(u32),
}
