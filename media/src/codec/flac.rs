//! FLAC: metadata blocks and frame headers (RFC 9639 8, 9.1) and the `dfLa` box (Encapsulation of FLAC in ISO Base
//! Media File Format 3.3.2).

use crate::error::Error;
use crate::reader::{BitReader, Reader};
use bytes::Bytes;

/// What a FLAC stream's STREAMINFO says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlacConfig {
    /// The whole payload of the `dfLa` box, its version and flags included: STREAMINFO only, marked as the last.
    pub record: Bytes,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels, 1 to 8.
    pub channels: u32,
    /// Bits of a sample.
    pub bits: u32,
    /// Samples in a block, 0 when blocks differ.
    pub block_size: u32,
}

/// Bytes of a STREAMINFO block.
const STREAMINFO: usize = 34;
/// The block type of STREAMINFO is 0; the highest bit marks the last block (RFC 9639 8.1).
const BLOCK_TYPE: u8 = 0x7f;

impl FlacConfig {
    /// Reads the stream marker and metadata blocks, as Matroska's CodecPrivate holds them. A STREAMINFO alone, as
    /// some writers store it, is taken as well.
    ///
    /// # Errors
    /// `Malformed` or `Truncated` when STREAMINFO is not the first block or is damaged.
    pub fn parse_private(private: &[u8]) -> Result<Self, Error> {
        match private.strip_prefix(b"fLaC") {
            Some(blocks) => Self::parse_blocks(blocks),
            None if private.len() == STREAMINFO => Self::parse_stream_info(private),
            None => Err(Error::malformed("FLAC without its stream marker (fLaC)", 0)),
        }
    }

    /// Reads the payload of a `dfLa` box, its version and flags included.
    ///
    /// # Errors
    /// As [`FlacConfig::parse_private`]; `Unsupported` for another version.
    pub fn parse_dfla(payload: &[u8]) -> Result<Self, Error> {
        match payload.split_at_checked(4) {
            Some(([0, ..], blocks)) => Self::parse_blocks(blocks),
            Some(_) => Err(Error::unsupported("a FLAC configuration (dfLa) of another version")),
            None => Err(Error::truncated("a FLAC configuration (dfLa)", 0)),
        }
    }

    fn parse_blocks(blocks: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(blocks, 0);
        let header = reader.u32()?.to_be_bytes();
        let [kind, length @ ..] = header;
        if kind & BLOCK_TYPE != 0 || length != [0, 0, 34] {
            return Err(Error::malformed("FLAC metadata that does not begin with STREAMINFO", 0));
        }
        Self::parse_stream_info(reader.take(STREAMINFO)?)
    }

    /// STREAMINFO (RFC 9639 8.2).
    fn parse_stream_info(info: &[u8]) -> Result<Self, Error> {
        let mut bits = BitReader::new(info);
        let (shortest, longest) = (bits.bits(16)?, bits.bits(16)?);
        bits.skip(48)?; // the smallest and the largest frame in bytes
        let sample_rate = bits.bits(20)?;
        let channels = bits.bits(3)? + 1;
        let depth = bits.bits(5)? + 1;
        if sample_rate == 0 || shortest < 16 || longest < shortest || depth < 4 {
            return Err(Error::malformed("FLAC's STREAMINFO", 0));
        }
        let mut record = vec![0, 0, 0, 0, 0x80, 0, 0, 34];
        record.extend_from_slice(info);
        Ok(Self {
            record: record.into(),
            sample_rate,
            channels,
            bits: depth,
            block_size: if shortest == longest { shortest } else { 0 },
        })
    }
}

/// Samples in a frame, by its header (RFC 9639 9.1); `None` when it is no frame of that stream.
pub fn frame_samples(frame: &[u8], config: &FlacConfig) -> Option<u32> {
    let samples = header_samples(frame).ok()??;
    // Only the last frame of a stream with one block size is shorter.
    (config.block_size == 0 || samples <= config.block_size).then_some(samples)
}

fn header_samples(frame: &[u8]) -> Result<Option<u32>, Error> {
    let mut reader = Reader::new(frame, 0);
    // 15 bits of sync code, one for the blocking strategy
    if reader.u16()? & 0xfffe != 0xfff8 {
        return Ok(None);
    }
    let block_size = reader.u8()? >> 4;
    reader.skip(1)?; // channels and bits
    // The number of the frame or sample, coded like a character in UTF-8 of up to 7 bytes.
    let ones = reader.u8()?.leading_ones();
    let more = match ones {
        0 => 0,
        2..=7 => ones - 1,
        _ => return Ok(None),
    };
    reader.skip(more as usize)?;
    Ok(match block_size {
        1 => Some(192),
        code @ 2..=5 => Some(144 << code),
        6 => Some(u32::from(reader.u8()?) + 1),
        7 => Some(u32::from(reader.u16()?) + 1),
        code @ 8..=15 => Some(1 << code),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of RFC 9639 appendix D.1: one channel pair of 16 bits at 44.1 kHz, a block of 4096.
    const INFO: [u8; 42] = [
        0x66, 0x4c, 0x61, 0x43, 0x80, 0x00, 0x00, 0x22, 0x10, 0x00, 0x10, 0x00, 0x00, 0x00, 0x0f, 0x00, 0x00,
        0x0f, 0x0a, 0xc4, 0x42, 0xf0, 0x00, 0x00, 0x00, 0x01, 0x3e, 0x84, 0xb4, 0x18, 0x07, 0xdc, 0x69, 0x03,
        0x07, 0x58, 0x6a, 0x3d, 0xad, 0x1a, 0x2e, 0x0f,
    ];

    #[test]
    fn the_first_example_of_the_specification() {
        let config = FlacConfig::parse_private(&INFO).unwrap();
        assert_eq!((config.sample_rate, config.channels, config.bits), (44_100, 2, 16));
        assert_eq!(config.block_size, 4096);
        assert_eq!(config.record[..4], [0; 4]);
        assert_eq!(config.record[4..], INFO[4..]);
        assert_eq!(FlacConfig::parse_dfla(&config.record).as_ref(), Ok(&config));
        assert_eq!(FlacConfig::parse_private(&INFO[8..]).as_ref(), Ok(&config), "STREAMINFO alone");
        // Its only frame: block size 0 + 1 (an 8-bit number follows)
        let frame = [0xff, 0xf8, 0x69, 0x18, 0x00, 0x00, 0xbf, 0x03, 0x58, 0xfd];
        assert_eq!(frame_samples(&frame, &config), Some(1));
        for end in 0..6 {
            assert_eq!(frame_samples(&frame[..end], &config), None);
        }
    }

    #[test]
    fn other_blocks_are_left_out() {
        let mut private = INFO.to_vec();
        private[4] = 0;
        private.extend_from_slice(b"\x84\0\0\x08\0\0\0\0\0\0\0\0");
        assert_eq!(FlacConfig::parse_private(&private), FlacConfig::parse_private(&INFO));
    }

    #[test]
    fn all_block_sizes() {
        let mut config = FlacConfig::parse_private(&INFO).unwrap();
        config.block_size = 0;
        let of = |code: u8, number: &[u8]| {
            let frame = [&[0xff, 0xf9, code << 4 | 9, 0x18], number, &[1, 2]].concat();
            frame_samples(&frame, &config)
        };
        let sizes: Vec<_> = (0..16).map(|code| of(code, &[0]).unwrap_or(0)).collect();
        let expected =
            [0, 192, 576, 1152, 2304, 4608, 2, 259, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768];
        assert_eq!(sizes, expected);
        assert_eq!(of(7, &[0xfe, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]), Some(259));
        assert_eq!(of(7, &[0x80]), None);
        config.block_size = 4096;
        assert_eq!(frame_samples(&[0xff, 0xf8, 0xd9, 0x18, 0, 0], &config), None, "longer than the stream's");
    }

    #[test]
    fn damaged_headers_are_refused() {
        for end in 0..INFO.len() {
            assert!(end == 34 || FlacConfig::parse_private(&INFO[..end]).is_err());
        }
        for (at, to) in [(4, 0x84), (7, 35), (8, 0xff), (18, 0)] {
            let mut info = INFO;
            info[at] = to;
            if at == 18 {
                info[19] = 0;
                info[20] = 0x02;
            }
            assert!(FlacConfig::parse_private(&info).is_err(), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let config = FlacConfig::parse_private(&INFO).unwrap();
            let _ = frame_samples(&bytes, &config);
            let _ = FlacConfig::parse_dfla(&bytes);
            if let Ok(config) = FlacConfig::parse_private(&[&INFO[..8], &bytes].concat()) {
                prop_assert!(config.sample_rate > 0 && config.channels <= 8);
            }
        }
    }
}
