//! What of a file's HLS presentation is made of media: segments and the like, each named by what it is a
//! pure function of.

use super::FileKey;
use media::hls::Resource;
use media::rendition::{Rendition, SubtitleId};
use media::track::TrackId;

/// Which track of which file, and whether by the file's own index or by one that was made by going through it.
pub(super) type TrackKey = (FileKey, bool, TrackId);

/// A part of a presentation that is made from the file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Piece {
    /// A rendition's initialization segment.
    Init(Rendition),
    /// Segment of that number of a rendition.
    Segment(Rendition, u32),
    /// Segment of that number of subtitles.
    Subtitle(SubtitleId, u32),
    /// Key picture of that number.
    IFrame(Rendition, u32),
}

/// Players fetch pictures and sound side by side, each in its own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Pictures, with their sound or without.
    Picture,
    /// Sound by itself.
    Sound,
}

impl Piece {
    /// The piece that `resource` is; `None` when it is a text of the presentation.
    pub(super) const fn of(resource: &Resource) -> Option<Self> {
        Some(match *resource {
            Resource::Init(rendition) => Self::Init(rendition),
            Resource::Segment(rendition, index) => Self::Segment(rendition, index),
            Resource::SubtitleSegment(id, index) => Self::Subtitle(id, index),
            Resource::IFrame(rendition, index) => Self::IFrame(rendition, index),
            Resource::Multivariant
            | Resource::Media(_)
            | Resource::Subtitles(_)
            | Resource::IFrames(_)
            | Resource::ChaptersJson
            | Resource::ChaptersVtt => return None,
        })
    }

    /// The order in which a player asks for such pieces; `None` when it asks in none that could be foreseen.
    pub(super) const fn lane(self) -> Option<Lane> {
        match self {
            Self::Segment(rendition, _) if rendition.video.is_some() => Some(Lane::Picture),
            Self::Segment(..) => Some(Lane::Sound),
            Self::Init(_) | Self::Subtitle(..) | Self::IFrame(..) => None,
        }
    }

    /// The piece that a player asks for after this one; `None` when that is not known.
    pub(super) fn next(self) -> Option<Self> {
        match self {
            Self::Segment(rendition, index) => Some(Self::Segment(rendition, index.checked_add(1)?)),
            Self::Init(_) | Self::Subtitle(..) | Self::IFrame(..) => None,
        }
    }
}
