//! Opus: the identification header (RFC 7845 5.1), the `dOps` box (Encapsulation of Opus in ISO Base Media File
//! Format 4.3.2) and how long a packet is (RFC 6716 3).

use crate::error::Error;
use crate::reader::Reader;
use bytes::Bytes;

/// What an Opus stream's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpusConfig {
    /// The payload of the `dOps` box.
    pub record: Bytes,
    /// Channels that a decoder puts out.
    pub channels: u32,
    /// Samples (of 48 kHz) that a decoder must drop at the beginning.
    pub pre_skip: u32,
    /// Samples (of 48 kHz) in the file's first packet, 0 where it was not looked at. Others may differ.
    pub first_packet: u32,
}

/// A packet holds at most 120 ms (RFC 6716 3.2.5).
const MAX_PACKET: u32 = 5_760;

impl OpusConfig {
    /// Samples per second of every Opus clock, whatever was encoded.
    pub const SAMPLE_RATE: u32 = 48_000;

    /// Reads an identification header, "OpusHead" included, as Matroska's CodecPrivate holds it.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when it is damaged, `Unsupported` for channel mappings other than those of
    /// RFC 7845.
    pub fn parse_head(head: &[u8]) -> Result<Self, Error> {
        let fields = head
            .strip_prefix(b"OpusHead")
            .ok_or(Error::malformed("an Opus header (OpusHead) that is none", 0))?;
        let mut reader = Reader::new(fields, 0);
        // The upper four bits are the version that matters.
        if reader.u8()? >> 4 != 0 {
            return Err(Error::unsupported("an Opus header of another version"));
        }
        let channels = reader.u8()?;
        let pre_skip = reader.u16()?.swap_bytes();
        let input_rate = reader.u32()?.swap_bytes();
        let gain = reader.u16()?.swap_bytes();
        let mapping = Mapping::parse(&mut reader, channels)?;
        Ok(Self::new(channels, pre_skip, input_rate, gain, &mapping))
    }

    /// Reads the payload of a `dOps` box.
    ///
    /// # Errors
    /// As [`OpusConfig::parse_head`].
    pub fn parse_dops(payload: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(payload, 0);
        if reader.u8()? != 0 {
            return Err(Error::unsupported("an Opus configuration (dOps) of another version"));
        }
        let channels = reader.u8()?;
        let (pre_skip, input_rate, gain) = (reader.u16()?, reader.u32()?, reader.u16()?);
        let mapping = Mapping::parse(&mut reader, channels)?;
        Ok(Self::new(channels, pre_skip, input_rate, gain, &mapping))
    }

    /// Of a stream in one or two channels whose header is missing.
    ///
    /// # Errors
    /// `Unsupported` for more channels: their order is not known.
    pub fn without_head(channels: u32, pre_skip: u16) -> Result<Self, Error> {
        let unknown = Error::unsupported("Opus without its header");
        let channels = u8::try_from(channels).ok().filter(|count| matches!(count, 1 | 2)).ok_or(unknown)?;
        Ok(Self::new(channels, pre_skip, Self::SAMPLE_RATE, 0, &Mapping { family: 0, table: &[] }))
    }

    fn new(channels: u8, pre_skip: u16, input_rate: u32, gain: u16, mapping: &Mapping<'_>) -> Self {
        let mut record = vec![0, channels];
        record.extend_from_slice(&pre_skip.to_be_bytes());
        record.extend_from_slice(&input_rate.to_be_bytes());
        record.extend_from_slice(&gain.to_be_bytes());
        record.push(mapping.family);
        record.extend_from_slice(mapping.table);
        Self { record: record.into(), channels: channels.into(), pre_skip: pre_skip.into(), first_packet: 0 }
    }
}

/// Which coded channel goes where (RFC 7845 5.1.1); the same bytes in both forms of the header.
struct Mapping<'a> {
    family: u8,
    /// Stream count, coupled count and a byte for each channel; empty for family 0.
    table: &'a [u8],
}

impl<'a> Mapping<'a> {
    fn parse(reader: &mut Reader<'a>, channels: u8) -> Result<Self, Error> {
        let family = reader.u8()?;
        let most = match family {
            0 => 2,
            1 => 8,
            255 => 255,
            _ => return Err(Error::unsupported("Opus in a channel mapping that is not played in HLS")),
        };
        if channels == 0 || channels > most {
            return Err(Error::malformed("the number of channels in an Opus header", reader.at()));
        }
        if family == 0 {
            return Ok(Self { family, table: &[] });
        }
        let table = reader.take(2 + usize::from(channels))?;
        let damaged = Error::malformed("the channel mapping in an Opus header", reader.at());
        let [streams, coupled, of_channels @ ..] = table else { return Err(damaged) };
        let coded = u16::from(*streams) + u16::from(*coupled);
        let fits = |channel: &u8| *channel == 255 || u16::from(*channel) < coded;
        if *streams == 0 || coupled > streams || coded > 255 || !of_channels.iter().all(fits) {
            return Err(damaged);
        }
        Ok(Self { family, table })
    }
}

/// Samples (of 48 kHz) in a packet, by its first bytes (RFC 6716 3.1, 3.2); `None` when it is no packet.
///
/// Also of a packet of several streams: all have the same length (RFC 7845 3).
pub fn packet_samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let config = toc >> 3;
    let frame = match (config, config & 3) {
        (0..=11, 3) => 2_880,
        (0..=11, size) => 480 << size,
        (12..=15, size) => 480 << (size & 1),
        (_, size) => 120u32 << size,
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(*packet.get(1)? & 0x3f),
    };
    Some(frame * frames).filter(|samples| (1..=MAX_PACKET).contains(samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Stereo by libopus.
    const HEAD: &[u8] = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
    /// 5.1, family 1.
    const SURROUND: &[u8] = b"OpusHead\x01\x06\x38\x01\x80\xbb\0\0\0\0\x01\x04\x02\x00\x04\x01\x02\x03\x05";

    #[test]
    fn a_head_becomes_a_box_and_the_box_says_the_same() {
        for (head, channels) in [(HEAD, 2), (SURROUND, 6)] {
            let config = OpusConfig::parse_head(head).unwrap();
            assert_eq!((config.channels, config.pre_skip), (channels, 312));
            assert_eq!(config.record[..11], [0, head[9], 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, head[18]]);
            assert_eq!(config.record[11..], head[19..]);
            assert_eq!(OpusConfig::parse_dops(&config.record), Ok(config));
        }
        let made = OpusConfig::without_head(2, 312).unwrap();
        assert_eq!(made, OpusConfig::parse_head(HEAD).unwrap());
        assert!(OpusConfig::without_head(6, 312).is_err());
    }

    #[test]
    fn damaged_heads_are_refused() {
        for head in [HEAD, SURROUND] {
            for end in 0..head.len() {
                assert!(OpusConfig::parse_head(&head[..end]).is_err());
            }
        }
        let change = |at: usize, to: u8| {
            let mut head = SURROUND.to_vec();
            head[at] = to;
            OpusConfig::parse_head(&head)
        };
        assert!(change(8, 0x0f).is_ok(), "a minor version");
        assert!(change(8, 0x10).is_err());
        assert!(change(9, 0).is_err() && change(9, 9).is_err());
        assert!(change(18, 2).is_err() && change(18, 0).is_err());
        assert!(change(19, 0).is_err() && change(20, 5).is_err());
        assert!(change(21, 6).is_err() && change(21, 255).is_ok());
    }

    #[test]
    fn packets_tell_their_length() {
        // RFC 6716 table 2: SILK 10, 20, 40, 60 ms; hybrid 10, 20; CELT 2.5, 5, 10, 20
        let silk = [480, 960, 1920, 2880];
        let celt = [120, 240, 480, 960];
        for config in 0..32u8 {
            let expected = match config {
                0..=11 => silk[usize::from(config % 4)],
                12..=15 => silk[usize::from(config % 2)],
                _ => celt[usize::from(config % 4)],
            };
            assert_eq!(packet_samples(&[config << 3]), Some(expected), "configuration {config}");
            assert_eq!(packet_samples(&[config << 3 | 1]), Some(2 * expected));
            assert_eq!(packet_samples(&[config << 3 | 3, 0x82]), Some(2 * expected));
        }
        assert_eq!(packet_samples(&[]), None);
        assert_eq!(packet_samples(&[3]), None);
        assert_eq!(packet_samples(&[3, 0]), None);
        assert_eq!(packet_samples(&[3 << 3 | 3, 3]), None, "180 ms");
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = packet_samples(&bytes);
            let _ = OpusConfig::parse_dops(&bytes);
            let head = [b"OpusHead", &bytes[..]].concat();
            if let Ok(config) = OpusConfig::parse_head(&head) {
                prop_assert_eq!(OpusConfig::parse_dops(&config.record), Ok(config));
            }
        }
    }
}
