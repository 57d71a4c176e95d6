//! What of a file's HLS presentation is made of media: segments and the like, each named by what it is a
//! pure function of.

use media::rendition::Rendition;

/// A part of a presentation that is made from the file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Segment of that number of a rendition.
    Segment(Rendition, u32),
}

impl Piece {
    /// The piece that a player asks for after this one; `None` when that is not worth making beforehand.
    pub(super) fn next(self) -> Option<Self> {
        match self {
            Self::Segment(rendition, index) => Some(Self::Segment(rendition, index.checked_add(1)?)),
        }
    }
}
