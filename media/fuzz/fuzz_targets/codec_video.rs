//! Any bytes as configurations and key frames of pictures. What is read must be consistent, and what is written must
//! be read back as the same.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use media::codec::av1::{Av1Config, SequenceHeader, without_delimiters};
use media::codec::dolby_vision::DolbyVision;
use media::codec::h264::{self, AvcConfig};
use media::codec::hevc::{self, HevcConfig};
use media::codec::nal::{byte_stream_units, length_prefixed, nal_units};
use media::codec::picture::Picture;
use media::codec::vp9::{FrameHeader, Vp9Config, level_for, level_in_features};
use media::colour::Colour;

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    // A length, a configuration of that length, and a sample.
    let (len, rest) = data.split_first().unwrap_or((&0, &[]));
    let (record, sample) = rest.split_at(rest.len().min(usize::from(*len)));
    match kind % 9 {
        0 => {
            if let Ok(sps) = h264::Sps::parse(data) {
                check(&sps.picture());
                assert!(sps.reorder_depth <= 16);
            }
        }
        1 => {
            for config in
                [AvcConfig::learn(record, sample), AvcConfig::of_byte_stream(data)].into_iter().flatten()
            {
                assert_eq!(AvcConfig::parse(&config.record).as_ref(), Ok(&config));
                assert!(config.rfc6381().starts_with("avc1."));
            }
        }
        2 => {
            if let Ok(sps) = hevc::Sps::parse(data) {
                check(&sps.picture);
                assert!(sps.reorder_depth <= 15 && (1..=7).contains(&sps.temporal_layers));
            }
        }
        3 => {
            let record = Bytes::copy_from_slice(record);
            let parsed = [HevcConfig::parse(&record), HevcConfig::learn(&record, sample)];
            for (config, sps) in parsed.into_iter().flatten() {
                check_hevc(config, sps);
            }
        }
        4 => {
            if let Ok((config, sps)) = HevcConfig::of_byte_stream(data) {
                check_hevc(config, sps);
            }
        }
        5 => {
            if let Ok(header) = SequenceHeader::parse(data) {
                check(&header.picture);
            }
            if let Ok((config, header)) = Av1Config::learn(data) {
                assert_eq!(Av1Config::parse(&config.record), Ok((config.clone(), header)));
                assert_eq!(Av1Config::of_flags(&config.record).as_ref(), Some(&config));
                assert!(config.rfc6381().starts_with("av01."));
            }
            let sample = Bytes::copy_from_slice(data);
            let without = without_delimiters(&sample);
            assert!(without.len() <= sample.len());
            assert_eq!(without_delimiters(&without), without);
        }
        6 => {
            if let Ok(header) = FrameHeader::parse(data) {
                check(&header.picture);
                let colour = header.picture.colour.unwrap_or(Colour::UNSPECIFIED);
                let level = level_for(header.picture.width, header.picture.height, None);
                let config = Vp9Config::new(&header, level, colour);
                assert_eq!(Vp9Config::parse(&config.record), Ok((config, colour)));
            }
            let _ = Vp9Config::parse(&Bytes::copy_from_slice(data));
            assert!(level_in_features(data).is_none_or(|level| (10..=62).contains(&level)));
        }
        7 => {
            let Ok(config) = DolbyVision::parse(data) else { return };
            assert_eq!(DolbyVision::parse(&config.record).as_ref(), Ok(&config));
            let names = ["hvc1.2.4.L153.B0", "av01.0.08M.10", "vp09.02.40.10", ""];
            for name in names {
                assert!(config.rfc6381(name).is_none() || config.supplemental(name, None).is_none());
            }
        }
        _ => {
            let prefixed = length_prefixed(data);
            assert!(nal_units(&prefixed, 4).eq(byte_stream_units(data)));
        }
    }
});

fn check(picture: &Picture) {
    assert!((1..=65_536).contains(&picture.width) && (1..=65_536).contains(&picture.height));
    assert!((8..=15).contains(&picture.bit_depth));
    assert!(picture.frame_rate.is_none_or(|rate| rate > 0.0));
    assert!(picture.pixel_aspect.is_none_or(|(across, down)| across > 0 && down > 0));
}

fn check_hevc(config: HevcConfig, sps: hevc::Sps) {
    check(&sps.picture);
    assert!(config.rfc6381().starts_with("hvc1."));
    assert_eq!(HevcConfig::parse(&config.record), Ok((config, sps)));
}
