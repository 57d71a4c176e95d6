//! Sound: AudioSampleEntry, QuickTime's sound descriptions, and the codecs' configuration boxes in them.

use super::{SampleEntry, rest};
use crate::codec::{
    aac::AacConfig,
    ac3::{Ac3Config, Ac3Stream, Eac3Config},
    alac::AlacConfig,
    flac::FlacConfig,
    mpeg_audio::MpegAudioConfig,
    opus::OpusConfig,
};
use crate::error::{Error, ErrorKind};
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
    // QuickTime keeps the codec's boxes inside a wave box.
    let boxes: Vec<Child> = children(&rest(entry, &reader), reader.at()).collect();
    let find = |kind: &[u8; 4]| {
        let inside = || boxes.iter().filter(|child| child.kind == *b"wave").find_map(|wave| wave.child(kind));
        boxes.iter().find(|child| child.kind == *kind).cloned().or_else(inside)
    };
    this.codec = codec_of(&this, entry.kind, find).unwrap_or_else(|error| {
        let reason = match error.kind {
            ErrorKind::Unsupported => error.what,
            _ => "sound whose configuration is damaged",
        };
        Codec::Unsupported { reason }
    });
    if let (Some(rate), Some(channels)) = (this.codec.sample_rate(), this.codec.channels()) {
        (this.sample_rate, this.channels) = (rate, channels);
    }
    Ok(this)
}

/// The codec behind a sample entry of `kind`; `find` finds the boxes in it.
fn codec_of(
    entry: &SampleEntry,
    kind: [u8; 4],
    find: impl Fn(&[u8; 4]) -> Option<Child>,
) -> Result<Codec, Error> {
    let need = |kind, reason| find(kind).ok_or_else(|| Error::unsupported(reason));
    Ok(match &kind {
        b"mp4a" => {
            let esds = need(b"esds", "MPEG-4 audio without its configuration (esds)")?;
            let (kind, config) = decoder_config(&esds)?;
            mpeg4_audio(entry, kind, config)?
        }
        b"Opus" => {
            let record = need(b"dOps", "Opus without its configuration (dOps)")?;
            Codec::Opus(OpusConfig::parse_dops(&record.payload)?)
        }
        b"fLaC" => {
            let record = need(b"dfLa", "FLAC without its configuration (dfLa)")?;
            Codec::Flac(FlacConfig::parse_dfla(&record.payload)?)
        }
        b"alac" => {
            let record = need(b"alac", "ALAC without its configuration (alac)")?;
            Codec::Alac(AlacConfig::parse_box(&record.payload)?)
        }
        // A box that is missing or damaged is made from the first frame.
        b"ac-3" | b"sac3" => match find(b"dac3").map(|record| Ac3Config::parse(&record.payload)) {
            Some(Ok(config)) => Codec::Ac3(config),
            _ => unseen_ac3(entry, false),
        },
        b"ec-3" => match find(b"dec3").map(|record| Eac3Config::parse(&record.payload)) {
            Some(Ok(config)) => Codec::Eac3(config),
            _ => unseen_ac3(entry, true),
        },
        // The second is a format tag of WAVEFORMATEX in QuickTime's way.
        b".mp3" | b"ms\0\x55" => Codec::Mp3(MpegAudioConfig::layer3(entry.sample_rate, entry.channels)),
        kind => return Err(Error::unsupported(refusal(kind))),
    })
}

/// AC-3 of which nothing but its name is known until [`Codec::learn_from_frame`].
fn unseen_ac3(entry: &SampleEntry, extended: bool) -> Codec {
    let mut codec = Ac3Stream::assumed(extended, entry.sample_rate, entry.channels).into();
    if let Codec::Ac3(Ac3Config { record, .. }) | Codec::Eac3(Eac3Config { record, .. }) = &mut codec {
        record.clear();
    }
    codec
}

/// Why the sound of an entry of that name is not played.
const fn refusal(kind: &[u8; 4]) -> &'static str {
    match kind {
        b"dtsc" | b"DTS " => "DTS sound is not played in HLS yet",
        b"dtsh" | b"dtsl" => "DTS-HD sound is not played in HLS yet",
        b"dtse" => "DTS Express sound is not played in HLS yet",
        b"dtsx" | b"dtsy" => "DTS:X sound is not played in HLS yet",
        b"mlpa" => "Dolby TrueHD sound is not played in HLS yet",
        b"ac-4" => "AC-4 sound is not played in HLS yet",
        b"mha1" | b"mha2" | b"mhm1" | b"mhm2" => "MPEG-H sound is not played in HLS yet",
        b"iamf" => "IAMF sound is not played in HLS yet",
        b"samr" | b"sawb" | b"sawp" => "AMR sound is not played in HLS yet",
        b"sowt" | b"twos" | b"lpcm" | b"raw " | b"NONE" | b"in24" | b"in32" | b"fl32" | b"fl64" | b"ipcm"
        | b"fpcm" | b"s16l" | b"ms\0\x01" | b"ms\0\x03" => "PCM sound is not played in HLS yet",
        b"alaw" | b"ulaw" | b"ms\0\x06" | b"ms\0\x07" => "G.711 sound is not played in HLS yet",
        b"ima4" | b"ms\0\x02" | b"ms\0\x11" => "ADPCM sound is not played in HLS yet",
        b"MAC3" | b"MAC6" => "MACE sound is not played in HLS yet",
        b"QDM2" | b"QDMC" => "QDesign sound is not played in HLS yet",
        b"Qclp" | b"sqcp" => "QCELP sound is not played in HLS yet",
        b"sevc" => "EVRC sound is not played in HLS yet",
        b"agsm" | b"ms\0\x31" => "GSM sound is not played in HLS yet",
        b"wma " | b"owma" | b"ms\x01\x60" | b"ms\x01\x61" | b"ms\x01\x62" => {
            "WMA sound is not played in HLS yet"
        }
        b"spex" => "Speex sound is not played in HLS yet",
        b"vorb" => "Vorbis sound is not played in HLS yet",
        b".mp2" | b"ms\0\x50" => "MP2 sound is not played in HLS yet",
        b"enca" => "the sound is encrypted",
        _ => "this audio codec is not played in HLS yet",
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
fn float_rate(bits: u64) -> u32 {
    f64::from_bits(bits) as u32
}

/// The codec behind `mp4a`, by its object type indication (14496-1 table 5 and the registration authority's list).
fn mpeg4_audio(entry: &SampleEntry, kind: u8, config: Option<&[u8]>) -> Result<Codec, Error> {
    let reason = match kind {
        0x40 | 0x66..=0x68 => {
            let config = config.ok_or(Error::unsupported("AAC without its configuration"))?;
            return Ok(Codec::Aac(AacConfig::parse(config)?));
        }
        // The layer is learnt from the first frame.
        0x69 | 0x6b => return Ok(Codec::Mp3(MpegAudioConfig::layer3(entry.sample_rate, entry.channels))),
        0xa5 => return Ok(unseen_ac3(entry, false)),
        0xa6 => return Ok(unseen_ac3(entry, true)),
        0xa9 => "DTS sound is not played in HLS yet",
        0xaa..=0xac => "DTS-HD sound is not played in HLS yet",
        0xae => "AC-4 sound is not played in HLS yet",
        0xdd => "Vorbis sound is not played in HLS yet",
        0xe1 => "QCELP sound is not played in HLS yet",
        _ => "this audio codec is not played in HLS yet",
    };
    Err(Error::unsupported(reason))
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

    const COOKIE: &[u8] = &[
        0, 0, 0, 0, 0, 0, 0x10, 0, 0, 16, 40, 10, 14, 2, 0, 0xff, 0, 0, 0x40, 0x08, 0, 0x17, 0x70, 0, 0, 0,
        0xac, 0x44,
    ];
    const DOPS: &[u8] = &[0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0];
    const DFLA: &[u8] = &[
        0, 0, 0, 0, 0x80, 0, 0, 34, 0x10, 0, 0x10, 0, 0, 0, 0x0f, 0, 0, 0x0f, 0x0a, 0xc4, 0x42, 0xf0, 0, 0,
        0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    const DAC3: &[u8] = &[0x10, 0x3d, 0xc0];
    const DEC3: &[u8] = &[0x14, 0, 0x20, 0x0f, 0, 1, 0x10];

    #[test]
    fn each_codec_has_its_box() {
        for (kind, box_kind, body, (rate, channels)) in [
            (b"alac", b"alac", COOKIE, (44_100, 2)),
            (b"Opus", b"dOps", DOPS, (48_000, 2)),
            (b"fLaC", b"dfLa", DFLA, (44_100, 2)),
            (b"ac-3", b"dac3", DAC3, (48_000, 6)),
            (b"ec-3", b"dec3", DEC3, (48_000, 6)),
        ] {
            let iso = parse(&entry(kind, with_box(audio_fields(0, 0), box_kind, body)), 0).unwrap();
            let record = match &iso.codec {
                Codec::Alac(config) => &config.record,
                Codec::Opus(config) => &config.record,
                Codec::Flac(config) => &config.record,
                Codec::Ac3(config) => &config.record,
                Codec::Eac3(config) => &config.record,
                other => panic!("{other:?}"),
            };
            assert_eq!(&record[..], body);
            assert_eq!((iso.sample_rate, iso.channels), (rate, channels));
            let format = with_box(Vec::new(), b"frma", kind);
            let wave = with_box(format, box_kind, body);
            let quicktime = with_box(audio_fields(1, 16), b"wave", &wave);
            assert_eq!(parse(&entry(kind, quicktime), 0).unwrap(), iso);
            for end in 0..body.len() {
                let cut =
                    parse(&entry(kind, with_box(audio_fields(0, 0), box_kind, &body[..end])), 0).unwrap();
                assert!(cut.codec.needs_frame().is_some() || cut.codec != iso.codec, "{kind:?} {end}");
            }
            let whole = with_box(audio_fields(0, 0), box_kind, body);
            for end in 0..whole.len() {
                let _ = parse(&entry(kind, whole[..end].to_vec()), 0);
            }
        }
    }

    #[test]
    fn ac3_without_its_box_waits_for_a_frame() {
        let mut esds = ESDS.to_vec();
        let cases = [
            (b"ac-3", Vec::new()),
            (b"ec-3", Vec::new()),
            (b"mp4a", {
                esds[14] = 0xa5;
                with_box(Vec::new(), b"esds", &esds)
            }),
        ];
        for (kind, boxes) in cases {
            let payload = [audio_fields(0, 0), boxes].concat();
            let mut codec = parse(&entry(kind, payload), 0).unwrap().codec;
            assert!(codec.needs_frame().is_some(), "{kind:?} {codec:?}");
            codec.settle();
            assert!(codec.needs_frame().is_none() && codec.channels() == Some(2));
        }
    }

    #[test]
    fn refusals_name_the_codec() {
        for (kind, name) in [
            (b"dtsc", "DTS "),
            (b"mlpa", "TrueHD"),
            (b"samr", "AMR"),
            (b"sowt", "PCM"),
            (b"ima4", "ADPCM"),
            (b"QDM2", "QDesign"),
            (b"ac-4", "AC-4"),
            (b"mhm1", "MPEG-H"),
            (b"iamf", "IAMF"),
            (b"ms\0\x55", "no refusal"),
            (b"Opus", "dOps"),
            (b"xxxx", "this audio codec"),
        ] {
            let codec = parse(&entry(kind, audio_fields(0, 0)), 0).unwrap().codec;
            let told = match codec {
                Codec::Unsupported { reason } => reason,
                _ => "no refusal",
            };
            assert!(told.contains(name), "{kind:?}: {told}");
        }
    }

    #[test]
    fn every_truncation_of_esds_is_survived() {
        for end in 0..ESDS.len() {
            let _ = decoder_config(&entry(b"esds", ESDS[..end].to_vec()));
        }
    }
}
