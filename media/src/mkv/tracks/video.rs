//! What a picture track says of itself: the Video element and the codec (RFC 9559 5.1.4.1.28, Matroska Codec
//! Specifications 6.2).

use super::{Entry, Raw};
use crate::codec::{dolby_vision::DolbyVision, vp9};
use crate::colour::Colour;
use crate::error::Error;
use crate::mkv::ebml::{Element, id};
use crate::mkv::encoding::Undo;
use crate::picture::{Found, reduced, unplayable};
use crate::track::{Rotation, TrackKind};

/// The Video element.
#[derive(Debug, Clone, Default)]
pub(super) struct Video {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Pixels cut away at the left and right, and at the top and bottom.
    crop: (u32, u32),
    display: (u64, u64),
    display_unit: u64,
    /// Two pictures in one (StereoMode).
    stereo: bool,
    pub(super) rotation: Rotation,
    pub(super) colour: Option<Colour>,
}

impl Video {
    pub(super) fn parse(video: &Element<'_>) -> Result<Self, Error> {
        let mut this = Self::default();
        for child in video.children() {
            let child = child?;
            let pixels = |child: &Element<'_>| child.uint().map(|size| u32::try_from(size).unwrap_or(0));
            match child.id {
                id::PIXEL_WIDTH => this.width = pixels(&child)?,
                id::PIXEL_HEIGHT => this.height = pixels(&child)?,
                id::PIXEL_CROP_LEFT | id::PIXEL_CROP_RIGHT => {
                    this.crop.0 = this.crop.0.saturating_add(pixels(&child)?);
                }
                id::PIXEL_CROP_TOP | id::PIXEL_CROP_BOTTOM => {
                    this.crop.1 = this.crop.1.saturating_add(pixels(&child)?);
                }
                id::DISPLAY_WIDTH => this.display.0 = child.uint()?,
                id::DISPLAY_HEIGHT => this.display.1 = child.uint()?,
                id::STEREO_MODE => this.stereo = child.uint()? != 0,
                id::DISPLAY_UNIT => this.display_unit = child.uint()?,
                // What is wrong in these costs no more than themselves.
                id::COLOUR => this.colour = colour(&child).ok(),
                id::PROJECTION => this.rotation = rotation(&child).unwrap_or_default(),
                _ => {}
            }
        }
        Ok(this)
    }

    /// Width and height of a pixel, from the size at which the picture is to be shown; square when that is the
    /// size in pixels but for rounding. `None` when it is not said, or said of one of two pictures side by side.
    pub(super) fn pixel_aspect(&self) -> Option<(u32, u32)> {
        if self.stereo {
            return None;
        }
        let width = u64::from(self.width.checked_sub(self.crop.0)?);
        let height = u64::from(self.height.checked_sub(self.crop.1)?);
        let (across, down) = self.display;
        let is_sane = |side: u64| (1..=0xffff_ffff).contains(&side);
        // 4 is "unknown"; pixels, centimetres, inches and ratios are all relative to each other.
        if self.display_unit > 3 || ![width, height, across, down].into_iter().all(is_sane) {
            return None;
        }
        let (across, down) = (u128::from(across) * u128::from(height), u128::from(down) * u128::from(width));
        // Less than a pixel from square in all of the width, or the height.
        let off = across.abs_diff(down);
        if off * u128::from(width) <= down || off * u128::from(height) <= down {
            return Some((1, 1));
        }
        reduced(across, down)
    }
}

/// The Colour element; its code points are those of ISO/IEC 23091-2.
fn colour(element: &Element<'_>) -> Result<Colour, Error> {
    let mut colour = Colour::UNSPECIFIED;
    for child in element.children() {
        let child = child?;
        let point = |child: &Element<'_>| child.uint().map(|point| u8::try_from(point).unwrap_or(2));
        match child.id {
            id::MATRIX_COEFFICIENTS => colour.matrix = point(&child)?,
            id::TRANSFER_CHARACTERISTICS => colour.transfer = point(&child)?,
            id::PRIMARIES => colour.primaries = point(&child)?,
            id::RANGE => colour.full_range = child.uint()? == 2,
            _ => {}
        }
    }
    Ok(colour)
}

/// ProjectionPoseRoll of a flat picture: degrees against the clock. Other turns than quarters are passed over.
fn rotation(projection: &Element<'_>) -> Option<Rotation> {
    let (mut kind, mut roll) = (0, 0.0);
    for child in projection.children() {
        let child = child.ok()?;
        match child.id {
            id::PROJECTION_TYPE => kind = child.uint().ok()?,
            id::PROJECTION_POSE_ROLL => roll = child.float().ok()?,
            _ => {}
        }
    }
    let turns = |degrees: f64| (roll - degrees).abs() < 0.01;
    match kind {
        0 if turns(90.0) || turns(-270.0) => Some(Rotation::Clockwise270),
        0 if turns(180.0) || turns(-180.0) => Some(Rotation::Half),
        0 if turns(-90.0) || turns(270.0) => Some(Rotation::Clockwise90),
        _ => None,
    }
}

/// A BlockAdditionMapping that describes Dolby Vision (Matroska Block Additional Mappings, "dvcC" and "dvvC").
pub(super) fn dolby_vision(mapping: &Element<'_>) -> Option<DolbyVision> {
    let (mut kind, mut data) = (0, None);
    for child in mapping.children() {
        let child = child.ok()?;
        match child.id {
            id::BLOCK_ADD_ID_TYPE => kind = child.uint().ok()?,
            id::BLOCK_ADD_ID_EXTRA_DATA => data = Some(child.data),
            _ => {}
        }
    }
    // The types are the names of the boxes.
    let kind = u32::try_from(kind).ok()?.to_be_bytes();
    matches!(&kind, b"dvcC" | b"dvvC" | b"dvwC").then(|| DolbyVision::parse(data?).ok()).flatten()
}

impl Raw {
    /// The codec behind a video track's CodecID.
    pub(super) fn video_codec(&self, of_private: &[Undo]) -> Found {
        let private = match self.private(of_private) {
            Ok(private) => private,
            Err(error) => return Found::unsupported(error.what),
        };
        match self.codec_id.as_str() {
            "V_MPEG4/ISO/AVC" => Found::avc(&private),
            "V_MPEGH/ISO/HEVC" => Found::hevc(&private),
            "V_AV1" => Found::av1(&private),
            "V_VP9" => Found::vp9_of_frames(vp9::level_in_features(&private)),
            "V_MS/VFW/FOURCC" => Found::unsupported(video_for_windows(private.get(16..20))),
            name => Found::unsupported(reason(name)),
        }
    }
}

/// Why a codec of Video for Windows is not played, by the four letters in its BITMAPINFOHEADER.
fn video_for_windows(letters: Option<&[u8]>) -> &'static str {
    let letters = letters.unwrap_or_default().to_ascii_uppercase();
    match letters.as_slice() {
        b"XVID" | b"DIVX" | b"DX50" | b"MP4V" | b"FMP4" | b"3IV2" | b"M4S2" => MPEG4,
        b"DIV3" | b"DIV4" | b"MP43" | b"MP42" | b"MPG4" => unplayable!("MPEG-4 of Microsoft (DivX 3)"),
        b"WMV1" | b"WMV2" | b"WMV3" | b"WVC1" | b"WMVA" => unplayable!("Windows Media (VC-1)"),
        b"MJPG" => unplayable!("Motion JPEG"),
        b"MPG1" => unplayable!("MPEG-1"),
        b"MPG2" => unplayable!("MPEG-2"),
        b"VP80" => unplayable!("VP8"),
        // Their times are those of decoding: when a picture is shown is not in the file.
        b"H264" | b"X264" | b"AVC1" | b"DAVC" => {
            "H.264 stored for Video for Windows lacks presentation times; /stream serves the file"
        }
        _ => unplayable!("Video for Windows"),
    }
}

const MPEG4: &str = unplayable!("MPEG-4 Part 2 (XviD, DivX)");

/// Why a codec is not played, by its CodecID.
fn reason(codec_id: &str) -> &'static str {
    match codec_id {
        "V_VP8" => unplayable!("VP8"),
        "V_MPEG4/ISO/SP" | "V_MPEG4/ISO/ASP" | "V_MPEG4/ISO/AP" => MPEG4,
        "V_MPEG4/MS/V3" => unplayable!("MPEG-4 of Microsoft (DivX 3)"),
        "V_MPEG1" => unplayable!("MPEG-1"),
        "V_MPEG2" => unplayable!("MPEG-2"),
        "V_MPEGI/ISO/VVC" => unplayable!("H.266 (VVC)"),
        "V_THEORA" => unplayable!("Theora"),
        "V_PRORES" => unplayable!("ProRes"),
        "V_AVS2" | "V_AVS3" => unplayable!("AVS"),
        "V_MJPEG" => unplayable!("Motion JPEG"),
        "V_PNG" => unplayable!("PNG"),
        "V_FFV1" => unplayable!("FFV1"),
        "V_UNCOMPRESSED" => unplayable!("uncompressed"),
        "V_QUICKTIME" => unplayable!("QuickTime"),
        name if name.starts_with("V_REAL/") => unplayable!("RealVideo"),
        _ => "this video codec cannot be played as HLS; /stream serves the file",
    }
}

/// Pictures that are each complete in itself are cover art when they lie beside a film.
pub(super) fn set_stills_aside(entries: &mut [Entry]) {
    let is_still = |entry: &Entry| matches!(entry.track.codec_name.as_str(), "V_MJPEG" | "V_PNG");
    let is_video = |entry: &Entry| entry.track.kind == TrackKind::Video;
    if entries.iter().any(|entry| is_video(entry) && !is_still(entry)) {
        for still in entries.iter_mut().filter(|entry| is_video(entry) && is_still(entry)) {
            still.track.kind = TrackKind::Other;
        }
    }
}
