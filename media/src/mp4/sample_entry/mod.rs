//! Sample entries (ISO/IEC 14496-12 8.5.2, 14496-14 5.6, 14496-15 5.4.2; QuickTime sound descriptions).

mod audio;
mod text;
mod visual;

pub(crate) use text::is_forced;

use super::boxes::{Child, children};
use crate::codec::{dolby_vision::DolbyVision, picture::Picture};
use crate::colour::Colour;
use crate::error::Error;
use crate::picture::Incomplete;
use crate::reader::Reader;
use crate::track::{Codec, TrackKind};
use bytes::Bytes;

/// What a sample entry says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SampleEntry {
    pub(crate) name: String,
    pub(crate) codec: Codec,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u32,
    /// A still picture (cover art), whatever the track calls itself.
    pub(crate) still: bool,
    /// Width and height of a pixel relative to each other (`pasp`, 14496-12 12.1.4).
    pub(crate) pixel_aspect: (u32, u32),
    /// `colr` (12.1.5), or what the codec says.
    pub(crate) colour: Option<Colour>,
    pub(crate) dolby_vision: Option<DolbyVision>,
    /// What the first sample must tell of a picture codec.
    pub(crate) incomplete: Option<Incomplete>,
    /// What the picture codec's configuration says.
    pub(crate) picture: Option<Picture>,
}

impl SampleEntry {
    /// The entry of number `index`, from 1, of `stsd`.
    pub(crate) fn parse(stsd: &Child, index: u32, kind: TrackKind) -> Result<Self, Error> {
        let (version, mut reader) = stsd.full()?;
        reader.skip(4)?; // entry_count: the boxes themselves tell
        let entries = stsd.payload.slice_ref(reader.remaining());
        let entry = usize::try_from(index)
            .ok()
            .and_then(|index| index.checked_sub(1))
            .and_then(|index| children(&entries, reader.at()).nth(index))
            .ok_or_else(|| Error::malformed("no sample entry (stsd)", stsd.at))?;
        match kind {
            TrackKind::Video => visual::parse(&entry),
            TrackKind::Audio => audio::parse(&entry, version),
            TrackKind::Subtitle => Ok(text::parse(&entry)),
            TrackKind::Other => Ok(Self::named(&entry, "not played in HLS yet")),
        }
    }

    fn named(entry: &Child, reason: &'static str) -> Self {
        Self {
            name: String::from_utf8_lossy(&entry.kind).trim_end().to_owned(),
            codec: Codec::Unsupported { reason },
            width: 0,
            height: 0,
            sample_rate: 0,
            channels: 0,
            still: false,
            pixel_aspect: (1, 1),
            colour: None,
            dolby_vision: None,
            incomplete: None,
            picture: None,
        }
    }
}

/// The boxes behind the fixed fields of an entry.
fn rest(entry: &Child, reader: &Reader<'_>) -> Bytes {
    entry.payload.slice_ref(reader.remaining())
}
