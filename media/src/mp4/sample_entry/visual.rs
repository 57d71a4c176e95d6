//! Pictures: VisualSampleEntry and the codecs' configuration boxes in it.

use super::{SampleEntry, rest};
use crate::codec::h264::AvcConfig;
use crate::error::{Error, ErrorKind};
use crate::mp4::boxes::{Child, children};
use crate::reader::Reader;
use crate::track::Codec;

/// VisualSampleEntry (14496-12 12.1.3).
pub(super) fn parse(entry: &Child) -> Result<SampleEntry, Error> {
    let mut reader = Reader::new(&entry.payload, entry.at);
    reader.skip(8 + 16)?; // SampleEntry, pre_defined and reserved
    let width = u32::from(reader.u16()?);
    let height = u32::from(reader.u16()?);
    reader.skip(50)?;
    let boxes: Vec<Child> = children(&rest(entry, &reader), reader.at()).collect();
    let find = |kind: &[u8; 4]| boxes.iter().find(|child| child.kind == *kind);
    let mut this = SampleEntry::named(entry, "this video codec is not played in HLS yet");
    (this.width, this.height) = (width, height);
    this.codec = match &entry.kind {
        b"avc1" | b"avc3" => match find(b"avcC").map(|config| AvcConfig::parse(&config.payload)) {
            Some(Ok(config)) => {
                (this.width, this.height) = (config.picture.width, config.picture.height);
                Codec::H264(Box::new(config))
            }
            Some(Err(error)) if error.kind == ErrorKind::Unsupported => {
                Codec::Unsupported { reason: error.what }
            }
            Some(Err(_)) => Codec::Unsupported { reason: "H.264 with a damaged configuration (avcC)" },
            None => Codec::Unsupported { reason: "H.264 without its configuration (avcC)" },
        },
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => {
            Codec::Unsupported { reason: "HEVC video is not played in HLS yet" }
        }
        b"av01" | b"dav1" => Codec::Unsupported { reason: "AV1 video is not played in HLS yet" },
        b"vp08" | b"vp09" => Codec::Unsupported { reason: "VP8 and VP9 video is not played in HLS yet" },
        b"encv" => Codec::Unsupported { reason: "the video is encrypted" },
        b"jpeg" | b"mjpa" | b"mjpb" | b"png " => {
            this.still = true;
            Codec::Unsupported { reason: "a still picture" }
        }
        _ => return Ok(this),
    };
    Ok(this)
}
