//! MPEG-4 AAC: AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) and ADTS headers (1.A.2.2).

use crate::error::Error;
use crate::reader::BitReader;
use bytes::Bytes;

/// Sampling frequencies by index (ISO/IEC 14496-3 table 1.18).
const SAMPLE_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// What an AudioSpecificConfig says, as far as ADTS and a playlist need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AacConfig {
    /// The AudioSpecificConfig itself, for an `esds` box.
    pub record: Bytes,
    /// Audio object type of the core coder: 1 Main, 2 LC, 3 SSR, 4 LTP (table 1.17).
    pub object_type: u8,
    /// Samples per second of the core coder; spectral band replication doubles it in the decoder.
    pub sample_rate: u32,
    /// Samples per second that a decoder puts out.
    pub output_rate: u32,
    /// 1 to 7 (table 1.19).
    pub channel_configuration: u8,
    /// Object type to name in a playlist: 2 LC, 5 HE-AAC, 29 HE-AAC v2.
    pub signaled_type: u8,
}

impl AacConfig {
    /// Samples of the core coder in one frame.
    pub const SAMPLES_PER_FRAME: u32 = 1024;

    /// Reads an AudioSpecificConfig.
    ///
    /// # Errors
    /// `Unsupported` for what ADTS cannot carry: other object types, frames of 960 samples, a channel
    /// configuration kept in a program config element, a sampling frequency outside the table.
    pub fn parse(config: &[u8]) -> Result<Self, Error> {
        let mut bits = BitReader::new(config);
        let mut object_type = object_type_of(&mut bits)?;
        let mut signaled_type = object_type;
        let sample_rate = sample_rate_of(&mut bits)?;
        let mut output_rate = sample_rate;
        let channel_configuration = bits.bits(4)?;
        if matches!(object_type, 5 | 29) {
            output_rate = sample_rate_of(&mut bits)?;
            object_type = object_type_of(&mut bits)?;
        }
        if !matches!(object_type, 1..=4) {
            return Err(Error::unsupported("this kind of AAC (object type) cannot be carried in ADTS"));
        }
        let frame_length_960 = bits.flag()?;
        if frame_length_960 {
            return Err(Error::unsupported("AAC with frames of 960 samples cannot be carried in ADTS"));
        }
        if !SAMPLE_RATES.contains(&sample_rate) {
            return Err(Error::unsupported("this AAC sampling frequency cannot be carried in ADTS"));
        }
        let Ok(channel_configuration @ 1..=7) = u8::try_from(channel_configuration) else {
            return Err(Error::unsupported("AAC with a channel layout of its own cannot be carried in ADTS"));
        };
        if signaled_type == object_type && sample_rate <= 24_000 {
            // Backward compatible signalling: an extension after the core's configuration (1.6.6.1).
            if let Ok(Some((kind, rate))) = sync_extension(&mut bits) {
                signaled_type = kind;
                output_rate = rate;
            }
        }
        Ok(Self {
            record: Bytes::copy_from_slice(config),
            object_type: u8::try_from(object_type).unwrap_or(2),
            sample_rate,
            output_rate,
            channel_configuration,
            signaled_type: u8::try_from(signaled_type).unwrap_or(2),
        })
    }

    /// Channels of the core coder.
    pub const fn channels(&self) -> u32 {
        match self.channel_configuration {
            7 => 8,
            count => count as u32,
        }
    }

    /// True when an ADTS header can say all of it.
    pub const fn fits_adts(&self) -> bool {
        matches!(self.channel_configuration, 1..=7)
    }

    /// RFC 6381 name, for example `mp4a.40.2`.
    pub fn rfc6381(&self) -> String {
        format!("mp4a.40.{}", self.signaled_type)
    }

    /// The ADTS header of a frame of `frame_len` bytes; `None` when the frame is too long for its 13 bits.
    ///
    /// The core coder is named, never SBR: decoders find that by themselves (14496-3 1.6.5.2).
    pub fn adts_header(&self, frame_len: usize) -> Option<[u8; 7]> {
        let length = u32::try_from(frame_len + 7).ok().filter(|length| *length < 1 << 13)?;
        let frequency = SAMPLE_RATES.iter().position(|rate| *rate == self.sample_rate)?;
        let frequency = u32::try_from(frequency).ok()?;
        let channels = u32::from(self.channel_configuration);
        // syncword, ID 0, layer 0, protection_absent 1
        let head = [0xff, 0xf1];
        let profile = u32::from(self.object_type - 1);
        // profile 2, frequency 4, private 1, channels 3, original/home/copyright 4, length 13, fullness 11,
        // blocks 2; a fullness of all ones means a variable rate
        let bits: u64 = u64::from(profile) << 38
            | u64::from(frequency) << 34
            | u64::from(channels) << 30
            | u64::from(length) << 13
            | 0x7ff << 2;
        let bits = bits.to_be_bytes();
        Some([head[0], head[1], bits[3], bits[4], bits[5], bits[6], bits[7]])
    }
}

fn object_type_of(bits: &mut BitReader<'_>) -> Result<u32, Error> {
    Ok(match bits.bits(5)? {
        31 => 32 + bits.bits(6)?,
        kind => kind,
    })
}

fn sample_rate_of(bits: &mut BitReader<'_>) -> Result<u32, Error> {
    match bits.bits(4)? {
        15 => bits.bits(24),
        index => SAMPLE_RATES
            .get(index as usize)
            .copied()
            .ok_or(Error::malformed("reserved AAC sampling frequency index", 0)),
    }
}

/// The SBR and PS extension behind a GASpecificConfig, if there is one: the object type to signal and the
/// sampling rate that comes out.
fn sync_extension(bits: &mut BitReader<'_>) -> Result<Option<(u32, u32)>, Error> {
    let depends_on_core_coder = bits.flag()?;
    if depends_on_core_coder {
        bits.skip(14)?;
    }
    bits.flag()?; // extensionFlag
    if bits.bits(11)? != 0x2b7 || object_type_of(bits)? != 5 || !bits.flag()? {
        return Ok(None);
    }
    let rate = sample_rate_of(bits)?;
    let parametric_stereo = bits.bits(11) == Ok(0x548) && bits.flag() == Ok(true);
    Ok(Some((if parametric_stereo { 29 } else { 5 }, rate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lc_stereo_48k() {
        // object type 2 (00010), index 3 (0011), channels 2 (0010), GASpecificConfig 000
        let config = AacConfig::parse(&[0x11, 0x90]).unwrap();
        assert_eq!((config.object_type, config.sample_rate, config.channel_configuration), (2, 48_000, 2));
        assert_eq!(config.rfc6381(), "mp4a.40.2");
        // 100 bytes: length 107 = 0x6b
        assert_eq!(config.adts_header(100), Some([0xff, 0xf1, 0x4c, 0x80, 0x0d, 0x7f, 0xfc]));
        assert_eq!(config.adts_header(8185), None);
    }

    #[test]
    fn sbr_explicit_and_backward_compatible() {
        // 5 (00101) index 7 (0111: 22050) channels 2 (0010) ext index 4 (0100) core 2 (00010) 000
        let explicit = AacConfig::parse(&[0x2b, 0x92, 0x08, 0x00]).unwrap();
        assert_eq!((explicit.object_type, explicit.signaled_type), (2, 5));
        assert_eq!((explicit.sample_rate, explicit.output_rate), (22_050, 44_100));
        // LC 22050 stereo, then 0x2b7, SBR, flag, 44100
        let hidden = AacConfig::parse(&[0x13, 0x90, 0x56, 0xe5, 0xa0]).unwrap();
        assert_eq!((hidden.signaled_type, hidden.output_rate), (5, 44_100));
        assert_eq!(hidden.rfc6381(), "mp4a.40.5");
    }

    #[test]
    fn what_adts_cannot_carry_is_refused() {
        assert!(AacConfig::parse(&[]).is_err());
        assert!(AacConfig::parse(&[0x11, 0x80]).is_err()); // channels 0: a program config element
        assert!(AacConfig::parse(&[0x11, 0x94]).is_err()); // 960 samples
        assert!(AacConfig::parse(&[0xf9, 0x46, 0x40]).is_err()); // xHE-AAC (42)
    }
}
