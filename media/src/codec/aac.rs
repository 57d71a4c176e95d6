//! MPEG-4 AAC and xHE-AAC: AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) and ADTS headers (1.A.2.2).

use crate::error::Error;
use crate::reader::BitReader;
use bytes::Bytes;

/// The most that UsacChannelConfig may say; real layouts have up to 24.
const MAX_CHANNELS: u32 = 64;
/// Sampling frequencies by index (ISO/IEC 14496-3 table 1.18).
const SAMPLE_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// More of them, which only USAC knows, from index 15 on; 0 is reserved (ISO/IEC 23003-3 table 67).
const USAC_RATES: [u32; 16] = [
    57_600, 51_200, 40_000, 38_400, 34_150, 28_800, 25_600, 20_000, 19_200, 17_075, 14_400, 12_800, 9_600, 0,
    0, 0,
];
/// xHE-AAC (table 1.17).
const USAC: u32 = 42;
/// Low delay, and enhanced low delay.
const LD: u32 = 23;
const ELD: u32 = 39;

/// What an AudioSpecificConfig says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AacConfig {
    /// The AudioSpecificConfig itself, for an `esds` box.
    pub record: Bytes,
    /// Audio object type of the core coder: 1 Main, 2 LC, 3 SSR, 4 LTP, 17 error resilient LC, 23 LD, 39 ELD,
    /// 42 USAC (table 1.17).
    pub object_type: u8,
    /// Samples per second of the core coder, which count its frames; spectral band replication doubles it in the
    /// decoder.
    pub sample_rate: u32,
    /// Samples per second that a decoder puts out.
    pub output_rate: u32,
    /// Table 1.19; 0 where a program config element tells the channels.
    pub channel_configuration: u8,
    /// Object type to name in a playlist: 2 LC, 5 HE-AAC, 29 HE-AAC v2, 42 xHE-AAC.
    pub signaled_type: u8,
    channels: u32,
    samples_per_frame: u32,
}

impl AacConfig {
    /// Reads an AudioSpecificConfig.
    ///
    /// # Errors
    /// `Unsupported` for kinds of MPEG-4 audio that no HLS client plays, `Malformed` and `Truncated` for what is
    /// damaged.
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
        let by_table = channels_of(channel_configuration);
        let mut this = Self {
            record: Bytes::copy_from_slice(config),
            object_type: u8::try_from(object_type).unwrap_or(0),
            sample_rate,
            output_rate,
            channel_configuration: u8::try_from(channel_configuration).unwrap_or(0),
            signaled_type: 0,
            channels: by_table.unwrap_or(0),
            samples_per_frame: 1024,
        };
        match object_type {
            USAC => this.read_usac(&mut bits)?,
            ELD => this.read_eld(&mut bits)?,
            1..=4 | 17 | LD => {
                this.read_general(&mut bits)?;
                // Backward compatible signalling: an extension after the core's configuration (1.6.6.1).
                let extension = if signaled_type == 2 { sync_extension(&mut bits) } else { Ok(None) };
                if let Ok(Some((kind, rate))) = extension {
                    signaled_type = kind;
                    this.output_rate = rate;
                }
            }
            _ => return Err(Error::unsupported("this kind of MPEG-4 audio is not played in HLS")),
        }
        if this.channels == 0 {
            return Err(Error::malformed("an AAC configuration without channels", 0));
        }
        if signaled_type == 29 && this.channels == 1 {
            this.channels = 2; // parametric stereo
        }
        this.signaled_type = u8::try_from(signaled_type).unwrap_or(2);
        Ok(this)
    }

    /// The configuration of a track that only names its object type, frequency and channels, as Matroska's old
    /// `A_AAC/MPEG4/LC` does. With `replicated` its spectral band replication puts out twice the frequency.
    ///
    /// # Errors
    /// As [`AacConfig::parse`]; `Unsupported` for a number of channels without a layout of its own.
    pub fn synthesize(
        object_type: u8,
        sample_rate: u32,
        channels: u32,
        replicated: bool,
    ) -> Result<Self, Error> {
        let configuration = match channels {
            8 => 7,
            count @ 1..=6 => u64::from(count),
            7 => 11,
            _ => return Err(Error::unsupported("AAC in a channel layout that the file does not tell")),
        };
        // A number and its width: an index of the table, or 15 and the frequency itself.
        let frequency = |rate: u32| match SAMPLE_RATES.iter().position(|known| *known == rate) {
            Some(index) => (index as u64, 4),
            None => (15 << 24 | u64::from(rate & 0xff_ffff), 28),
        };
        let core = (u64::from(object_type & 31), 5);
        let (replication, output) = ((5, 5), frequency(sample_rate.saturating_mul(2)));
        let explicit = [replication, frequency(sample_rate), (configuration, 4), output, core, (0, 3)];
        let plain = [core, frequency(sample_rate), (configuration, 4), (0, 3)];
        let fields: &[(u64, u32)] = if replicated { &explicit } else { &plain };
        let (value, width) = fields.iter().fold((0u128, 0), |(all, used), (field, width)| {
            (all << width | u128::from(*field), used + width)
        });
        let bytes = (value << (128 - width)).to_be_bytes();
        Self::parse(bytes.get(..width.div_ceil(8) as usize).unwrap_or(&bytes))
    }

    /// GASpecificConfig (4.4.1), and what follows it for the error resilient types (1.6.2.1).
    fn read_general(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        let is_short = bits.flag()?; // frameLengthFlag
        self.samples_per_frame = match (u32::from(self.object_type), is_short) {
            (LD, false) => 512,
            (LD, true) => 480,
            (_, false) => 1024,
            (_, true) => 960,
        };
        if bits.flag()? {
            bits.skip(14)?; // coreCoderDelay
        }
        let has_extension = bits.flag()?;
        if self.channel_configuration == 0 {
            self.channels = program_channels(bits)?;
        }
        if matches!(self.object_type, 17 | 23) {
            if has_extension {
                bits.skip(3)?; // resilience tools
                bits.skip(1)?; // extensionFlag3
            }
            refuse_protection(bits)?;
        }
        Ok(())
    }

    /// ELDSpecificConfig (4.4.1, table 4.180) and its epConfig.
    fn read_eld(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        self.samples_per_frame = if bits.flag()? { 480 } else { 512 };
        bits.skip(3)?; // resilience tools
        let is_replicated = bits.flag()?;
        if is_replicated {
            let is_doubled = bits.flag()?; // ldSbrSamplingRate
            self.output_rate = self.sample_rate << u32::from(is_doubled);
        }
        // epConfig lies behind SBR headers and extensions of various lengths; no file with one is known.
        Ok(())
    }

    /// UsacConfig (ISO/IEC 23003-3 5.2, table 15), as far as the decoder's setup. Frames are counted on the clock of
    /// what comes out.
    fn read_usac(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        let rate = match bits.bits(5)? {
            31 => bits.bits(24)?,
            index @ 0..=12 => SAMPLE_RATES.get(index as usize).copied().unwrap_or(0),
            index => {
                index.checked_sub(15).and_then(|index| USAC_RATES.get(index as usize).copied()).unwrap_or(0)
            }
        };
        if rate == 0 {
            return Err(Error::malformed("the sampling frequency of xHE-AAC", 0));
        }
        (self.sample_rate, self.output_rate) = (rate, rate);
        self.samples_per_frame = match bits.bits(3)? {
            0 => 768,
            1 => 1024,
            2 | 3 => 2048,
            4 => 4096,
            _ => return Err(Error::malformed("the frame length of xHE-AAC", 0)),
        };
        self.channels = match bits.bits(5)? {
            0 => match bits.bits(5)? {
                31 => match bits.bits(8)? {
                    255 => 31 + 255 + bits.bits(16)?,
                    more => 31 + more,
                },
                count => count,
            },
            count @ 1..=6 => count,
            7 | 12 => 8,
            8 => 2,
            9 => 3,
            10 => 4,
            11 => 7,
            13 => 24,
            _ => return Err(Error::malformed("the channels of xHE-AAC", 0)),
        };
        if self.channels > MAX_CHANNELS {
            return Err(Error::limit("channels of AAC", 0));
        }
        Ok(())
    }

    /// Channels that a decoder puts out.
    pub const fn channels(&self) -> u32 {
        self.channels
    }

    /// Samples of a frame on the clock of `sample_rate`.
    pub const fn samples_per_frame(&self) -> u32 {
        self.samples_per_frame
    }

    /// True when an ADTS header can say all of it: not other object types, frames of another length, channels kept in a
    /// program config element, or a frequency outside the table.
    pub fn fits_adts(&self) -> bool {
        matches!(self.object_type, 1..=4)
            && matches!(self.channel_configuration, 1..=7)
            && self.samples_per_frame == 1024
            && SAMPLE_RATES.contains(&self.sample_rate)
    }

    /// RFC 6381 name, for example `mp4a.40.2`.
    pub fn rfc6381(&self) -> String {
        format!("mp4a.40.{}", self.signaled_type)
    }

    /// The ADTS header of a frame of `frame_len` bytes; `None` when the frame is too long for its 13 bits, or where
    /// [`AacConfig::fits_adts`] is false.
    ///
    /// The core coder is named, never SBR: decoders find that by themselves (14496-3 1.6.5.2).
    pub fn adts_header(&self, frame_len: usize) -> Option<[u8; 7]> {
        if !self.fits_adts() {
            return None;
        }
        let length = u32::try_from(frame_len.checked_add(7)?).ok().filter(|length| *length < 1 << 13)?;
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
    let rate = match bits.bits(4)? {
        15 => Some(bits.bits(24)?).filter(|rate| *rate > 0),
        index => SAMPLE_RATES.get(index as usize).copied(),
    };
    rate.ok_or(Error::malformed("reserved AAC sampling frequency", 0))
}

/// Channels by channelConfiguration (table 1.19); `None` where they are told elsewhere, or reserved.
const fn channels_of(configuration: u32) -> Option<u32> {
    match configuration {
        count @ 1..=6 => Some(count),
        7 | 12 | 14 => Some(8),
        11 => Some(7),
        13 => Some(24),
        _ => None,
    }
}

/// The channels of a program_config_element (4.4.1.1).
fn program_channels(bits: &mut BitReader<'_>) -> Result<u32, Error> {
    bits.skip(4 + 2 + 4)?; // instance, profile, frequency
    let speakers = bits.bits(4)? + bits.bits(4)? + bits.bits(4)?; // front, side, back
    let low_frequency = bits.bits(2)?;
    let (data, coupling) = (bits.bits(3)?, bits.bits(4)?);
    for width in [4, 4, 3] {
        // a mono, a stereo, and a matrix mixdown
        if bits.flag()? {
            bits.skip(width)?;
        }
    }
    let mut channels = low_frequency;
    for _ in 0..speakers {
        channels += if bits.flag()? { 2 } else { 1 };
        bits.skip(4)?;
    }
    bits.skip(4 * low_frequency + 4 * data + 5 * coupling)?;
    bits.align();
    let comment = bits.bits(8)?;
    bits.skip(8 * comment)?;
    Ok(channels)
}

/// epConfig: of the error protections only those that leave a frame as it is.
fn refuse_protection(bits: &mut BitReader<'_>) -> Result<(), Error> {
    match bits.bits(2)? {
        0 | 1 => Ok(()),
        _ => Err(Error::unsupported("AAC with error protection is not played in HLS")),
    }
}

/// The SBR and PS extension at the end of an AudioSpecificConfig, if there is one: the object type to signal and the
/// sampling rate that comes out.
fn sync_extension(bits: &mut BitReader<'_>) -> Result<Option<(u32, u32)>, Error> {
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
    use proptest::prelude::*;

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
    fn parametric_stereo_is_two_channels() {
        // 29 index 7 (22050) channels 1, output index 4, core 2
        let explicit = AacConfig::parse(&[0xeb, 0x8a, 0x08, 0x00]).unwrap();
        assert_eq!((explicit.signaled_type, explicit.channels(), explicit.output_rate), (29, 2, 44_100));
        assert_eq!(explicit.adts_header(1).map(|header| header[3] >> 6), Some(1), "ADTS names the core");
        // LC 22050 mono, 0x2b7, SBR, 44100, 0x548, PS
        let hidden = AacConfig::parse(&[0x13, 0x88, 0x56, 0xe5, 0xa5, 0x48, 0x80]).unwrap();
        assert_eq!((hidden.signaled_type, hidden.channels(), hidden.output_rate), (29, 2, 44_100));
    }

    #[test]
    fn what_adts_cannot_carry_is_for_fragmented_mp4() {
        let short = AacConfig::parse(&[0x11, 0x94]).unwrap();
        assert_eq!((short.samples_per_frame(), short.fits_adts()), (960, false));
        assert_eq!(short.adts_header(100), None);
        // ffmpeg's 5.1(side) with a program config element and its comment "Lavc"
        let element = AacConfig::parse(&[
            0x11, 0x80, 0x04, 0xc4, 0x44, 0x00, 0x20, 0x00, 0xc4, 0x0c, 0x4c, 0x61, 0x76, 0x63,
        ]);
        assert!(element.is_err(), "a comment longer than the bytes");
        // LC 22,000 Hz by number, stereo: 00010 1111 24 bits 0010 000
        let odd = AacConfig::synthesize(2, 22_000, 2, false).unwrap();
        assert_eq!((odd.sample_rate, odd.channels(), odd.fits_adts()), (22_000, 2, false));
        // LD 48 kHz mono: 10111 0011 0001 0 0 0 00
        let low_delay = AacConfig::parse(&[0xb9, 0x88, 0x00]).unwrap();
        assert_eq!((low_delay.rfc6381().as_str(), low_delay.samples_per_frame()), ("mp4a.40.23", 512));
        // ELD 44.1 kHz mono, 512 samples: 11111 000111 0100 0001 0 000 0
        let enhanced = AacConfig::parse(&[0xf8, 0xe8, 0x20, 0x00]).unwrap();
        assert_eq!((enhanced.rfc6381().as_str(), enhanced.samples_per_frame()), ("mp4a.40.39", 512));
        assert!(!enhanced.fits_adts());
        for refused in [&[][..], &[0x11], &[0x11, 0x80], &[0x17, 0x10], &[0x31, 0x90]] {
            assert!(AacConfig::parse(refused).is_err(), "{refused:x?}");
        }
    }

    #[test]
    fn xhe_aac() {
        // 11111 001010 0011 0010 | 00011 001 00010 (48 kHz, 1024, stereo)
        let config = AacConfig::parse(&[0xf9, 0x46, 0x43, 0x22, 0x00]).unwrap();
        assert_eq!((config.rfc6381().as_str(), config.fits_adts()), ("mp4a.40.42", false));
        assert_eq!((config.sample_rate, config.samples_per_frame(), config.channels()), (48_000, 1024, 2));
        // 2048 samples, one channel, 28,800 Hz (index 20)
        let config = AacConfig::parse(&[0xf9, 0x46, 0x54, 0x61, 0x00]).unwrap();
        assert_eq!((config.sample_rate, config.samples_per_frame(), config.channels()), (28_800, 2048, 1));
        assert!(AacConfig::parse(&[0xf9, 0x46, 0x40]).is_err());
    }

    #[test]
    fn configurations_made_from_names() {
        assert_eq!(AacConfig::synthesize(2, 48_000, 2, false).unwrap().record[..], [0x11, 0x90]);
        let replicated = AacConfig::synthesize(2, 22_050, 2, true).unwrap();
        assert_eq!(replicated.record[..], [0x2b, 0x92, 0x08, 0x00][..replicated.record.len()]);
        assert_eq!((replicated.sample_rate, replicated.output_rate), (22_050, 44_100));
        assert!(AacConfig::synthesize(2, 48_000, 9, false).is_err());
        for channels in 1..=8 {
            assert_eq!(AacConfig::synthesize(2, 44_100, channels, false).unwrap().channels(), channels);
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(config) = AacConfig::parse(&bytes) {
                prop_assert!(config.sample_rate > 0 && config.channels() > 0);
                prop_assert_eq!(config.adts_header(100).is_some(), config.fits_adts());
            }
        }
    }
}
