//! Any bytes as configurations and frames of sound. What is read must be consistent, and what is written must be
//! read back as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media::codec::aac::AacConfig;
use media::codec::ac3::{Ac3Config, Ac3Stream, Eac3Config, unit_samples};
use media::codec::alac::AlacConfig;
use media::codec::flac::FlacConfig;
use media::codec::mpeg_audio::MpegAudioConfig;
use media::codec::opus::OpusConfig;
use media::track::Codec;

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    // A length, a configuration of that length, and a frame.
    let (len, rest) = data.split_first().unwrap_or((&0, &[]));
    let (record, frame) = rest.split_at(rest.len().min(usize::from(*len)));
    match kind % 8 {
        0 => check(AacConfig::parse(record).ok().map(Codec::Aac), frame),
        1 => {
            let [rate @ .., channels, object_type, replicated] = record else { return };
            let rate = rate.iter().take(4).fold(0, |rate, byte| rate << 8 | u32::from(*byte));
            let made = AacConfig::synthesize(*object_type, rate, u32::from(*channels), replicated & 1 == 1);
            if let Ok(config) = made {
                assert_eq!(AacConfig::parse(&config.record).as_ref(), Ok(&config));
                check(Some(Codec::Aac(config)), frame);
            }
        }
        2 => {
            if let Ok(config) = OpusConfig::parse_head(record) {
                assert_eq!(OpusConfig::parse_dops(&config.record).as_ref(), Ok(&config));
                check(Some(Codec::Opus(config)), frame);
            }
            check(OpusConfig::parse_dops(record).ok().map(Codec::Opus), frame);
        }
        3 => {
            if let Ok(config) = FlacConfig::parse_private(record) {
                assert_eq!(FlacConfig::parse_dfla(&config.record).as_ref(), Ok(&config));
                check(Some(Codec::Flac(config)), frame);
            }
            check(FlacConfig::parse_dfla(record).ok().map(Codec::Flac), frame);
        }
        4 => {
            if let Ok(config) = AlacConfig::parse_cookie(record) {
                assert_eq!(AlacConfig::parse_box(&config.record).as_ref(), Ok(&config));
                check(Some(Codec::Alac(config)), frame);
            }
            check(AlacConfig::parse_box(record).ok().map(Codec::Alac), frame);
        }
        5 => {
            check(Ac3Config::parse(record).ok().map(Codec::Ac3), frame);
            if let Ok(config) = Eac3Config::parse(record) {
                assert_eq!(Eac3Config::parse(&config.record).as_ref(), Ok(&config));
                check(Some(Codec::Eac3(config)), frame);
            }
        }
        6 => {
            let stream = Ac3Stream::parse(data);
            if let Some(Ac3Stream::Ac3(config)) = &stream {
                assert_eq!(Ac3Config::parse(&config.record).as_ref(), Ok(config));
            }
            if let Some(Ac3Stream::Eac3(config)) = &stream {
                assert!(config.samples_per_frame % 256 == 0);
                // The box has no codes for 24, 22.05 and 16 kHz.
                if let Ok(read) = Eac3Config::parse(&config.record) {
                    assert_eq!((read.channels, read.joc_complexity), (config.channels, config.joc_complexity));
                    assert_eq!(read.record, config.record);
                }
            }
            assert!(unit_samples(data).is_none_or(|samples| samples > 0 && samples % 256 == 0));
            check(stream.map(Codec::from), data);
        }
        _ => check(MpegAudioConfig::parse(data).map(Codec::Mp3), data),
    }
});

/// What every codec of sound must say of itself and of a frame.
fn check(codec: Option<Codec>, frame: &[u8]) {
    let Some(codec) = codec else { return };
    assert!(codec.channels().is_some_and(|channels| channels > 0), "{codec:?}");
    assert!(codec.timescale().is_some() && codec.sample_rate().is_some(), "{codec:?}");
    assert!(codec.rfc6381().is_some() && codec.frame_samples() != Some(0));
    assert!(codec.samples_in(frame).is_none_or(|samples| samples > 0), "{codec:?}");
    if let Codec::Aac(config) = &codec {
        assert_eq!(config.adts_header(frame.len()).is_some(), config.fits_adts() && frame.len() < (1 << 13) - 7);
    }
}
