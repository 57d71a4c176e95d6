//! How many bits a second of a track has, where the file's index does not tell.

use crate::track::{Codec, Track, TrackKind};

/// Bits per second that the codec's header tells.
pub(crate) fn constant_bits(codec: &Codec) -> Option<f64> {
    match codec {
        Codec::Ac3(config) => (config.bit_rate > 0).then(|| f64::from(config.bit_rate)),
        Codec::Eac3(config) => eac3_bits(&config.record),
        _ => None,
    }
}

/// Bits per second that are usual.
pub(crate) fn usual_bits(track: &Track) -> f64 {
    let channels = f64::from(track.channels.clamp(1, 16));
    let raw = |bits: f64| f64::from(track.sample_rate.max(8_000)) * channels * bits;
    match &track.codec {
        Codec::Ac3(_) | Codec::Eac3(_) => channels * 75_000.0,
        Codec::Aac(_) | Codec::Mp3(_) => channels * 64_000.0,
        Codec::Opus(_) => channels * 52_000.0,
        Codec::Flac(config) => raw(f64::from(config.bits)) * 0.55,
        Codec::Alac(config) => raw(f64::from(config.bits)) * 0.6,
        Codec::Text(_) => 200.0,
        _ => match track.codec_name.as_str() {
            name if name.starts_with("A_PCM") => raw(16.0),
            name if name.starts_with("A_DTS") => 1_509_000.0,
            "A_TRUEHD" | "A_MLP" => raw(24.0) * 0.45,
            "S_HDMV/PGS" => 30_000.0,
            "S_VOBSUB" => 8_000.0,
            _ if track.kind == TrackKind::Audio => channels * 64_000.0,
            _ => 0.0,
        },
    }
}

/// `data_rate` of a `dec3` box, in kbit/s (ETSI TS 102 366 F.6.2.1).
fn eac3_bits(record: &[u8]) -> Option<f64> {
    let [high, low] = *record.first_chunk()?;
    let kilobits = u16::from_be_bytes([high, low]) >> 3;
    (kilobits > 0).then(|| f64::from(kilobits) * 1_000.0)
}
