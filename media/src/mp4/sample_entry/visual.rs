//! Pictures: VisualSampleEntry and the codecs' configuration boxes in it.

use super::{SampleEntry, audio, rest};
use crate::codec::dolby_vision::DolbyVision;
use crate::colour::Colour;
use crate::error::Error;
use crate::mp4::boxes::{Child, children};
use crate::picture::{Found, reduced, unplayable};
use crate::reader::Reader;
use bytes::Bytes;

/// VisualSampleEntry (14496-12 12.1.3).
pub(super) fn parse(entry: &Child) -> Result<SampleEntry, Error> {
    let mut reader = Reader::new(&entry.payload, entry.at);
    reader.skip(8 + 16)?; // SampleEntry, pre_defined and reserved
    let width = u32::from(reader.u16()?);
    let height = u32::from(reader.u16()?);
    reader.skip(50)?;
    let boxes: Vec<Child> = children(&rest(entry, &reader), reader.at()).collect();
    let find = |kind: &[u8; 4]| boxes.iter().find(|child| child.kind == *kind);
    let record = |kind: &[u8; 4]| find(kind).map_or_else(Bytes::new, |child| child.payload.clone());
    let mut this = SampleEntry::named(entry, "");
    (this.width, this.height) = (width, height);
    let aspect = find(b"pasp").and_then(pixel_aspect);
    this.pixel_aspect = aspect.unwrap_or((1, 1));
    this.colour = boxes.iter().filter(|child| child.kind == *b"colr").find_map(colour);
    let dolby_vision = find(b"dvcC").or_else(|| find(b"dvvC")).or_else(|| find(b"dvwC"));
    this.dolby_vision = dolby_vision.and_then(|child| DolbyVision::parse(&child.payload).ok());
    this.still = matches!(&entry.kind, b"jpeg" | b"mjpa" | b"mjpb" | b"png ");
    let found = match &entry.kind {
        b"avc1" | b"avc3" | b"dva1" | b"dvav" => Found::avc(&record(b"avcC")),
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => Found::hevc(&record(b"hvcC")),
        b"av01" | b"dav1" => Found::av1(&record(b"av1C")),
        b"vp09" => Found::vp9(&record(b"vpcC")),
        b"mp4v" => Found::unsupported(find(b"esds").map_or(MPEG4, mpeg4_reason)),
        kind => Found::unsupported(reason(kind)),
    };
    (this.codec, this.picture, this.incomplete) = (found.codec, found.picture, found.incomplete);
    if let Some(picture) = &mut this.picture {
        picture.pixel_aspect = aspect.or(picture.pixel_aspect);
    }
    Ok(this)
}

/// `pasp` (12.1.4).
fn pixel_aspect(child: &Child) -> Option<(u32, u32)> {
    let mut reader = Reader::new(&child.payload, child.at);
    reduced(u128::from(reader.u32().ok()?), u128::from(reader.u32().ok()?))
}

/// `colr` (12.1.5) of code points; QuickTime's `nclc` has no range. Profiles (`prof`, `rICC`) are of no use here.
fn colour(child: &Child) -> Option<Colour> {
    let mut reader = Reader::new(&child.payload, child.at);
    let kind = reader.u32().ok()?.to_be_bytes();
    let mut point = || reader.u16().ok().and_then(|point| u8::try_from(point).ok());
    let (primaries, transfer, matrix) = (point()?, point()?, point()?);
    let full_range = match &kind {
        b"nclx" => reader.u8().is_ok_and(|flags| flags & 0x80 != 0),
        b"nclc" => false,
        _ => return None,
    };
    Some(Colour { primaries, transfer, matrix, full_range })
}

const MPEG4: &str = unplayable!("MPEG-4 Part 2 (XviD, DivX)");

/// The codec behind `mp4v`, by its object type indication (14496-1 table 5).
fn mpeg4_reason(esds: &Child) -> &'static str {
    match audio::decoder_config(esds) {
        Ok((0x60..=0x65, _)) => unplayable!("MPEG-2"),
        Ok((0x6a, _)) => unplayable!("MPEG-1"),
        Ok((0x6c, _)) => unplayable!("Motion JPEG"),
        _ => MPEG4,
    }
}

/// Why a sample entry is not played.
fn reason(kind: &[u8; 4]) -> &'static str {
    match kind {
        b"encv" | b"drmi" => "the video is encrypted",
        b"vp08" => unplayable!("VP8"),
        b"s263" | b"h263" | b"H263" => unplayable!("H.263"),
        b"m2v1" | b"mpg2" | b"hdv1" | b"hdv2" | b"hdv3" | b"xdv3" | b"mx5p" | b"mx3p" => {
            unplayable!("MPEG-2")
        }
        b"mpg1" | b"m1v1" => unplayable!("MPEG-1"),
        b"XVID" | b"DIVX" | b"DX50" | b"3IVX" => MPEG4,
        b"vc-1" | b"ovc1" | b"WVC1" => unplayable!("VC-1"),
        b"vvc1" | b"vvi1" => unplayable!("H.266 (VVC)"),
        b"evc1" => unplayable!("EVC"),
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" | b"aprn" | b"aprh" => {
            unplayable!("ProRes")
        }
        b"AVdn" | b"AVdh" => unplayable!("DNxHD"),
        b"jpeg" | b"mjpa" | b"mjpb" => unplayable!("Motion JPEG"),
        b"mjp2" => unplayable!("Motion JPEG 2000"),
        b"png " => unplayable!("PNG"),
        b"SVQ1" | b"SVQ3" => unplayable!("Sorenson"),
        b"cvid" => unplayable!("Cinepak"),
        b"rle " => unplayable!("QuickTime Animation"),
        b"dvc " | b"dvcp" | b"dvpp" | b"dv5n" | b"dv5p" | b"dvh5" | b"dvh6" => unplayable!("DV"),
        b"raw " | b"2vuy" | b"yuv2" | b"v210" | b"v308" | b"v408" | b"v410" | b"uncv" | b"r210" => {
            unplayable!("uncompressed")
        }
        _ => "this video codec cannot be played as HLS; /stream serves the file",
    }
}

#[cfg(test)]
mod tests;
