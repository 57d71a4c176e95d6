//! Sample entries (ISO/IEC 14496-12 8.5.2, 12.1.3, 12.2.3): a track's codec and its configuration.

use super::boxes::BoxWriter;
use crate::codec::dolby_vision::DolbyVision;
use crate::track::{Codec, Track};

/// Writes the track's sample entry; nothing for a codec that has none.
pub(super) fn write(out: &mut BoxWriter, track: &Track, rate: u32) {
    match &track.codec {
        Codec::H264(config) => write_visual(out, b"avc1", track, (b"avcC", &config.record)),
        Codec::Hevc(config) => {
            let kind = if is_dolby_only(track) { b"dvh1" } else { b"hvc1" };
            write_visual(out, kind, track, (b"hvcC", &config.record));
        }
        Codec::Av1(config) => {
            let kind = if is_dolby_only(track) { b"dav1" } else { b"av01" };
            write_visual(out, kind, track, (b"av1C", &config.record));
        }
        Codec::Vp9(config) => write_visual(out, b"vp09", track, (b"vpcC", &config.record)),
        Codec::Aac(config) => {
            // Audio ISO/IEC 14496-3 (14496-1 table 5)
            let channels = config.channels();
            write_audio(out, b"mp4a", channels, 16, rate, |out| write_esds(out, 0x40, &config.record));
        }
        Codec::Mp3(config) => {
            // Audio ISO/IEC 11172-3, or 13818-3 for its lower rates
            let kind = if config.sample_rate >= 32_000 { 0x6b } else { 0x69 };
            write_audio(out, b"mp4a", config.channels, 16, rate, |out| write_esds(out, kind, &[]));
        }
        Codec::Opus(config) => {
            write_audio(out, b"Opus", config.channels, 16, rate, |out| put(out, b"dOps", &config.record));
        }
        Codec::Flac(config) => {
            let (channels, bits) = (config.channels, config.bits);
            write_audio(out, b"fLaC", channels, bits, rate, |out| put(out, b"dfLa", &config.record));
        }
        Codec::Ac3(config) => {
            write_audio(out, b"ac-3", config.channels, 16, rate, |out| put(out, b"dac3", &config.record));
        }
        Codec::Eac3(config) => {
            write_audio(out, b"ec-3", config.channels, 16, rate, |out| put(out, b"dec3", &config.record));
        }
        Codec::Alac(config) => {
            let (channels, bits) = (config.channels, config.bits);
            write_audio(out, b"alac", channels, bits, rate, |out| put(out, b"alac", &config.record));
        }
        Codec::Text(_) | Codec::Unsupported { .. } => {}
    }
}

fn put(out: &mut BoxWriter, kind: &[u8; 4], payload: &[u8]) {
    out.boxed(kind, |out| out.put(payload));
}

/// The Dolby Vision configuration to tell. A track of two layers (profiles 4 and 7) is told as its base layer
/// alone: MP4 has the other in a track of its own, which is not here.
pub(super) fn told_dolby_vision(track: &Track) -> Option<&DolbyVision> {
    track.dolby_vision.as_ref().filter(|config| !matches!(config.profile, 4 | 7))
}

/// True when only a decoder of Dolby Vision shows the right colours: there is no cross compatibility.
fn is_dolby_only(track: &Track) -> bool {
    told_dolby_vision(track).is_some_and(|config| !config.is_cross_compatible())
}

/// VisualSampleEntry (12.1.3).
fn write_visual(out: &mut BoxWriter, kind: &[u8; 4], track: &Track, (name, record): (&[u8; 4], &[u8])) {
    let pixels = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
    out.boxed(kind, |out| {
        out.zeros(6);
        out.u16(1); // data_reference_index
        out.zeros(16);
        out.u16(pixels(track.width));
        out.u16(pixels(track.height));
        out.u32(0x0048_0000); // 72 dpi, as always
        out.u32(0x0048_0000);
        out.zeros(4);
        out.u16(1); // frame_count
        out.zeros(32); // compressorname
        out.u16(0x0018); // depth
        out.u16(u16::MAX); // pre_defined
        put(out, name, record);
        if let Some(config) = told_dolby_vision(track) {
            put(out, if config.profile <= 7 { b"dvcC" } else { b"dvvC" }, &config.record);
        }
        if let Some(colour) = track.colour {
            out.boxed(b"colr", |out| {
                out.put(b"nclx");
                out.u16(u16::from(colour.primaries));
                out.u16(u16::from(colour.transfer));
                out.u16(u16::from(colour.matrix));
                out.u8(u8::from(colour.full_range) << 7);
            });
        }
        let (x, y) = track.pixel_aspect;
        if x != 0 && y != 0 {
            out.boxed(b"pasp", |out| {
                out.u32(x);
                out.u32(y);
            });
        }
    });
}

/// AudioSampleEntry (12.2.3).
fn write_audio(
    out: &mut BoxWriter,
    kind: &[u8; 4],
    channels: u32,
    bits: u32,
    rate: u32,
    config: impl FnOnce(&mut BoxWriter),
) {
    let small = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    out.boxed(kind, |out| {
        out.zeros(6);
        out.u16(1); // data_reference_index
        out.zeros(8);
        out.u16(small(channels));
        out.u16(small(bits));
        out.zeros(4);
        out.u32(fixed_rate(rate));
        config(out);
    });
}

/// The rate in 16.16 fixed point; one that does not fit is told by its greatest whole part that does
/// (Encapsulation of FLAC in ISO Base Media File Format 3.3.1).
fn fixed_rate(rate: u32) -> u32 {
    let fits = (1..=16).map_while(|part| rate.checked_div(part).map(|told| (part, told)));
    let mut fits = fits.filter(|(part, told)| told * part == rate && *told <= 0xffff);
    fits.next().map_or(0, |(_, told)| told << 16)
}

/// The elementary stream descriptor (ISO/IEC 14496-1 7.2.6.5, 14496-14 5.6.1) of a stream of MPEG sound.
fn write_esds(out: &mut BoxWriter, object_type: u8, config: &[u8]) {
    /// Bytes of a descriptor's tag and length.
    const HEAD: usize = 5;
    let config_len = if config.is_empty() { 0 } else { HEAD + config.len() };
    let decoder_len = 13 + config_len;
    out.full(b"esds", 0, 0, |out| {
        descriptor(out, 3, 3 + HEAD + decoder_len + HEAD + 1);
        out.u16(0); // ES_ID, which the track's number stands for
        out.u8(0);
        descriptor(out, 4, decoder_len);
        out.u8(object_type);
        out.u8(0x15); // an audio stream, downwards
        out.zeros(3 + 4 + 4); // buffer and bit rates: not told
        if !config.is_empty() {
            descriptor(out, 5, config.len());
            out.put(config);
        }
        descriptor(out, 6, 1);
        out.u8(2); // SLConfig: as MP4 has it
    });
}

/// A descriptor's tag and length, in the four bytes that most writers use.
fn descriptor(out: &mut BoxWriter, tag: u8, len: usize) {
    out.u8(tag);
    let len = u32::try_from(len).unwrap_or_default();
    for shift in [21, 14, 7, 0] {
        let more = if shift > 0 { 0x80 } else { 0 };
        let [.., bits] = (len >> shift & 0x7f).to_be_bytes();
        out.u8(bits | more);
    }
}
