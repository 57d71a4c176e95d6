//! Any bytes as codec configurations, and as frames.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media::codec::aac::AacConfig;
use media::codec::h264::{AvcConfig, Sps, annex_b, nal_units};
use media::codec::mpeg_audio::MpegAudioConfig;

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 5 {
        0 => {
            let _ = Sps::parse(data);
        }
        1 => {
            if let Ok(config) = AacConfig::parse(data) {
                assert!(config.channels() > 0 && config.rfc6381().starts_with("mp4a.40."));
                assert!(config.adts_header(data.len()).is_none_or(|header| header.len() == 7));
            }
        }
        2 => {
            let config = MpegAudioConfig::parse(data);
            assert!(config.is_none_or(|config| config.sample_rate > 0 && config.samples_per_frame > 0));
        }
        3 => {
            // A length, the configuration of that length, and a frame.
            let Some((len, rest)) = data.split_first() else { return };
            let (record, frame) = rest.split_at(rest.len().min(usize::from(*len)));
            let Ok(config) = AvcConfig::parse(&Bytes::copy_from_slice(record)) else { return };
            let held: usize = nal_units(frame, config.length_size).map(<[u8]>::len).sum();
            assert!(held <= frame.len());
            for sync in [false, true] {
                let mut out = Vec::new();
                annex_b(&config, frame, sync, &mut out);
                assert!(out.first().is_some_and(|start| start.starts_with(&[0, 0, 0, 1, 9])));
            }
        }
        _ => {}
    }
});
