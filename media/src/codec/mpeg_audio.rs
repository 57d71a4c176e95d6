//! MPEG audio layers I to III: the frame header (ISO/IEC 11172-3 2.4.1.3, 13818-3 2.4.1.3).

/// What a frame header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MpegAudioConfig {
    /// Layer, 1 to 3.
    pub layer: u8,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels, 1 or 2.
    pub channels: u32,
    /// Samples in one frame.
    pub samples_per_frame: u32,
}

impl MpegAudioConfig {
    /// Reads the header at the start of `frame`; `None` when there is none.
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let [sync, kind, rates, mode, ..] = *frame else {
            return None;
        };
        if sync != 0xff || kind & 0xe0 != 0xe0 || rates >> 4 == 15 {
            return None;
        }
        let version = kind >> 3 & 3; // 0: 2.5 (an extension of 13818-3), 2: MPEG-2, 3: MPEG-1
        let layer = match kind >> 1 & 3 {
            0 => return None,
            code => 4 - code,
        };
        let base: u32 = match rates >> 2 & 3 {
            0 => 44_100,
            1 => 48_000,
            2 => 32_000,
            _ => return None,
        };
        let (sample_rate, samples_per_frame) = match (version, layer) {
            (3, 1) => (base, 384),
            (3, _) => (base, 1152),
            (2, 3) => (base / 2, 576),
            (2, 1) => (base / 2, 384),
            (2, _) => (base / 2, 1152),
            (0, 3) => (base / 4, 576),
            (0, 1) => (base / 4, 384),
            (0, _) => (base / 4, 1152),
            _ => return None,
        };
        Some(Self { layer, sample_rate, channels: if mode >> 6 == 3 { 1 } else { 2 }, samples_per_frame })
    }

    /// Why it is not played when its layer is not III.
    pub(crate) const fn refusal(&self) -> &'static str {
        match self.layer {
            1 => "MP1 sound is not played in HLS yet",
            _ => "MP2 sound is not played in HLS yet",
        }
    }

    /// A Layer III track whose frames have not been seen: the frame length by its sampling rate
    /// (1152 samples from 32 kHz on, 576 below).
    pub const fn layer3(sample_rate: u32, channels: u32) -> Self {
        let samples_per_frame = if sample_rate >= 32_000 { 1152 } else { 576 };
        Self { layer: 3, sample_rate, channels, samples_per_frame }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let mpeg1 = MpegAudioConfig::parse(&[0xff, 0xfb, 0x90, 0x64]).unwrap();
        assert_eq!(mpeg1, MpegAudioConfig::layer3(44_100, 2));
        let mpeg2 = MpegAudioConfig::parse(&[0xff, 0xf3, 0x84, 0xc4]).unwrap();
        assert_eq!(mpeg2, MpegAudioConfig::layer3(24_000, 1));
        assert_eq!(MpegAudioConfig::parse(&[0xff, 0xfd, 0x90, 0x64]).unwrap().layer, 2);
        assert_eq!(MpegAudioConfig::parse(&[0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(MpegAudioConfig::parse(&[0xff]), None);
    }
}
