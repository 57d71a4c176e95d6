//! Sound: AudioSampleEntry, QuickTime's sound descriptions, and the codecs' configuration boxes in them.

use super::{SampleEntry, rest};
use crate::codec::{aac::AacConfig, mpeg_audio::MpegAudioConfig};
use crate::error::Error;
use crate::mp4::boxes::{Child, children};
use crate::reader::Reader;
use crate::track::Codec;

/// AudioSampleEntry (14496-12 12.2.3) and QuickTime's sound descriptions of version 1 and 2.
pub(super) fn parse(entry: &Child, stsd_version: u8) -> Result<SampleEntry, Error> {
    let mut reader = Reader::new(&entry.payload, entry.at);
    reader.skip(8)?; // SampleEntry
    let version = reader.u16()?;
    reader.skip(6)?;
    let mut channels = u32::from(reader.u16()?);
    reader.skip(6)?; // sample size, compression id, packet size
    let mut sample_rate = reader.u32()? >> 16;
    // Version 1 in a version 1 stsd is ISO's own, which adds nothing here.
    match (stsd_version, version) {
        (0, 1) => reader.skip(16)?,
        (_, 2) => {
            reader.skip(4)?;
            sample_rate = float_rate(reader.u64()?);
            channels = reader.u32()?;
            reader.skip(20)?;
        }
        _ => {}
    }
    let mut this = SampleEntry::named(entry, "this audio codec is not played in HLS yet");
    (this.sample_rate, this.channels) = (sample_rate, channels);
    this.codec = match &entry.kind {
        b"mp4a" => {
            // QuickTime keeps esds inside a wave box.
            let boxes = rest(entry, &reader);
            let esds = children(&boxes, reader.at()).find_map(|child| match &child.kind {
                b"esds" => Some(child),
                b"wave" => child.child(b"esds"),
                _ => None,
            });
            match esds.as_ref().map(decoder_config) {
                Some(Ok((kind, config))) => mpeg4_audio(&mut this, kind, config),
                Some(Err(error)) => Codec::Unsupported { reason: error.what },
                None => Codec::Unsupported { reason: "MPEG-4 audio without its configuration (esds)" },
            }
        }
        b".mp3" => Codec::Mp3(MpegAudioConfig::layer3(sample_rate, channels)),
        b"ac-3" => Codec::Unsupported { reason: "AC-3 sound is not played in HLS yet" },
        b"ec-3" => Codec::Unsupported { reason: "E-AC-3 sound is not played in HLS yet" },
        b"enca" => Codec::Unsupported { reason: "the sound is encrypted" },
        _ => return Ok(this),
    };
    Ok(this)
}
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
fn float_rate(bits: u64) -> u32 {
    f64::from_bits(bits) as u32
}

/// The codec behind `mp4a`, by its object type indication (14496-1 table 5).
fn mpeg4_audio(entry: &mut SampleEntry, kind: u8, config: Option<&[u8]>) -> Codec {
    match (kind, config) {
        (0x40 | 0x66..=0x68, Some(config)) => match AacConfig::parse(config) {
            Ok(aac) => {
                (entry.sample_rate, entry.channels) = (aac.output_rate, aac.channels());
                Codec::Aac(aac)
            }
            Err(error) => Codec::Unsupported { reason: error.what },
        },
        (0x40 | 0x66..=0x68, None) => Codec::Unsupported { reason: "AAC without its configuration" },
        (0x69 | 0x6b, _) => Codec::Mp3(MpegAudioConfig::layer3(entry.sample_rate, entry.channels)),
        (0xa5, _) => Codec::Unsupported { reason: "AC-3 sound is not played in HLS yet" },
        (0xa6, _) => Codec::Unsupported { reason: "E-AC-3 sound is not played in HLS yet" },
        (0xa9..=0xac, _) => Codec::Unsupported { reason: "DTS sound is not played in HLS yet" },
        _ => Codec::Unsupported { reason: "this audio codec is not played in HLS yet" },
    }
}

/// The object type indication and DecoderSpecificInfo in `esds` (14496-1 7.2.6).
pub(super) fn decoder_config(esds: &Child) -> Result<(u8, Option<&[u8]>), Error> {
    let (_, mut reader) = esds.full()?;
    let mut es = descriptor(&mut reader, 3)?;
    es.skip(2)?; // ES_ID
    let flags = es.u8()?;
    if flags & 0x80 != 0 {
        es.skip(2)?; // dependsOn_ES_ID
    }
    if flags & 0x40 != 0 {
        let length = usize::from(es.u8()?);
        es.skip(length)?; // URL
    }
    if flags & 0x20 != 0 {
        es.skip(2)?; // OCR_ES_Id
    }
    let mut decoder = descriptor(&mut es, 4)?;
    let kind = decoder.u8()?;
    decoder.skip(12)?; // stream type, buffer size, bit rates
    let specific = descriptor(&mut decoder, 5).ok().map(|reader| reader.remaining());
    Ok((kind, specific))
}

/// The descriptor of `tag` that comes next (14496-1 8.3.3): its body. A length past the end is cut.
fn descriptor<'a>(reader: &mut Reader<'a>, tag: u8) -> Result<Reader<'a>, Error> {
    if reader.u8()? != tag {
        return Err(Error::malformed("an MPEG-4 descriptor (esds)", reader.at()));
    }
    let mut length = 0usize;
    for _ in 0..4 {
        let byte = reader.u8()?;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let at = reader.at();
    Ok(Reader::new(reader.take(length.min(reader.remaining().len()))?, at))
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;

    fn entry(kind: &[u8; 4], payload: Vec<u8>) -> Child {
        Child { kind: *kind, payload: payload.into(), at: 0 }
    }

    /// An esds with AAC-LC 48 kHz stereo.
    const ESDS: &[u8] = &[
        0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 0x19, 0, 1, 0, 4, 0x11, 0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        5, 2, 0x11, 0x90, 6, 1, 2,
    ];

    fn with_box(mut payload: Vec<u8>, kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        payload.extend_from_slice(&(body.len() as u32 + 8).to_be_bytes());
        payload.extend_from_slice(kind);
        payload.extend_from_slice(body);
        payload
    }

    fn audio_fields(version: u8, extra: usize) -> Vec<u8> {
        let mut fields = vec![0; 28 + extra];
        fields[9] = version;
        fields[17] = 2;
        fields[24..26].copy_from_slice(&48_000u16.to_be_bytes());
        fields
    }

    #[test]
    fn aac_in_iso_and_in_quicktime_entries() {
        let iso = parse(&entry(b"mp4a", with_box(audio_fields(0, 0), b"esds", ESDS)), 0).unwrap();
        assert!(matches!(&iso.codec, Codec::Aac(config) if config.sample_rate == 48_000));
        let wave = with_box(Vec::new(), b"esds", ESDS);
        let quicktime = with_box(audio_fields(1, 16), b"wave", &wave);
        let quicktime = parse(&entry(b"mp4a", quicktime), 0).unwrap();
        assert_eq!(quicktime, iso);
        let iso_v1 = with_box(audio_fields(1, 0), b"esds", ESDS);
        assert_eq!(parse(&entry(b"mp4a", iso_v1), 1).unwrap(), iso);
    }

    #[test]
    fn every_truncation_of_esds_is_survived() {
        for end in 0..ESDS.len() {
            let _ = decoder_config(&entry(b"esds", ESDS[..end].to_vec()));
        }
    }
}
