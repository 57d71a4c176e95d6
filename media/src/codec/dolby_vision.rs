//! Dolby Vision configuration (Dolby Vision Streams Within the ISO Base Media File Format 3.2).

use crate::colour::Colour;
use crate::error::Error;
use bytes::Bytes;

/// Bytes of a record; what some writers add is left out.
const LEN: usize = 24;

/// A DOVIDecoderConfigurationRecord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DolbyVision {
    /// The record, for a `dvcC` (profiles up to 7) or `dvvC` (8 and up) box.
    pub record: Bytes,
    /// `dv_profile`.
    pub profile: u8,
    /// `dv_level`.
    pub level: u8,
    /// `dv_bl_signal_compatibility_id`: 0 none, 1 HDR10, 2 SDR, 4 HLG, 6 HDR10 of a Blu-ray disc.
    pub compatibility: u8,
}

impl DolbyVision {
    /// Reads the payload of a `dvcC`, `dvvC` or `dvwC` box, or BlockAddIDExtraData of Matroska.
    ///
    /// # Errors
    /// `Truncated` when it is cut off, `Malformed` when it is of an unknown version.
    pub fn parse(record: &[u8]) -> Result<Self, Error> {
        let Some([major, _, high, low, ids]) = record.first_chunk() else {
            return Err(Error::truncated("Dolby Vision configuration", 0));
        };
        if !(1..=3).contains(major) {
            return Err(Error::malformed("Dolby Vision configuration of an unknown version", 0));
        }
        let mut whole = record.get(..LEN.min(record.len())).unwrap_or_default().to_vec();
        whole.resize(LEN, 0);
        Ok(Self {
            record: whole.into(),
            profile: high >> 1,
            level: (high & 1) << 5 | low >> 3,
            compatibility: ids >> 4,
        })
    }

    /// True when players that know nothing of Dolby Vision show the picture with right colours: always but with
    /// profile 5, and 10 where it names no compatibility. Profiles 4 and 7 have their enhancement in a second
    /// layer, which such players drop.
    pub const fn is_cross_compatible(&self) -> bool {
        !matches!((self.profile, self.compatibility), (5, _) | (10, 0))
    }

    /// The stream's name in CODECS when others cannot show it, for example `dvh1.05.06` (Dolby Vision Streams
    /// Within the HTTP Live Streaming Format 4.2). `codec` is the name of the codec below: its first four letters
    /// decide. `None` when that name is right.
    pub fn rfc6381(&self, codec: &str) -> Option<String> {
        let entry = entry_of(codec).filter(|_| !self.is_cross_compatible())?;
        Some(format!("{entry}.{:02}.{:02}", self.profile, self.level))
    }

    /// The entry in SUPPLEMENTAL-CODECS (RFC 8216bis 4.4.6.2), for example `dvh1.08.06/db1p`: the stream and the
    /// brand that tells what others see. `codec` is the name of the codec below, `colour` what its picture means.
    /// `None` for what has no such brand.
    pub fn supplemental(&self, codec: &str, colour: Option<Colour>) -> Option<String> {
        let entry = entry_of(codec)?;
        let brand = match (self.profile, self.compatibility) {
            (8 | 10, 1) => "db1p",
            (8..=10, 2) => "db2g",
            // HLG that calls itself SDR, for old receivers, has another name.
            (8 | 10, 4) if colour.is_some_and(|colour| colour.transfer == 14) => "db4g",
            (8 | 10, 4) => "db4h",
            _ => return None,
        };
        Some(format!("{entry}.{:02}.{:02}/{brand}", self.profile, self.level))
    }
}

/// The sample entry of Dolby Vision over a codec with its parameter sets in the entry.
fn entry_of(codec: &str) -> Option<&'static str> {
    match codec.get(..4)? {
        "hvc1" | "hev1" => Some("dvh1"),
        "av01" => Some("dav1"),
        "avc1" | "avc3" => Some("dva1"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(profile: u8, level: u8, compatibility: u8) -> Vec<u8> {
        let mut record = vec![1, 0, profile << 1 | level >> 5, level << 3 | 5, compatibility << 4];
        record.resize(24, 0);
        record
    }

    #[test]
    fn names_by_what_lies_below() {
        let name = |profile, compatibility, transfer, codec: &str| {
            let colour = Colour { transfer, ..Colour::UNSPECIFIED };
            DolbyVision::parse(&record(profile, 6, compatibility)).unwrap().supplemental(codec, Some(colour))
        };
        assert_eq!(name(8, 1, 16, "hvc1.2.4.L153.B0").as_deref(), Some("dvh1.08.06/db1p"));
        assert_eq!(name(8, 2, 1, "hvc1.2.4.L153.B0").as_deref(), Some("dvh1.08.06/db2g"));
        assert_eq!(name(8, 4, 18, "hvc1.2.4.L153.B0").as_deref(), Some("dvh1.08.06/db4h"));
        assert_eq!(name(8, 4, 14, "hvc1.2.4.L153.B0").as_deref(), Some("dvh1.08.06/db4g"));
        assert_eq!(name(10, 1, 16, "av01.0.08M.10").as_deref(), Some("dav1.10.06/db1p"));
        assert_eq!(name(9, 2, 1, "avc1.640028").as_deref(), Some("dva1.09.06/db2g"));
        assert_eq!(name(7, 6, 16, "hvc1.2.4.L153.B0"), None);
        assert_eq!(name(5, 0, 2, "hvc1.2.4.L153.B0"), None);
        assert_eq!(name(8, 1, 16, "vp09.02.40.10"), None);
    }

    #[test]
    fn a_profile_that_only_dolby_vision_shows() {
        let five = DolbyVision::parse(&record(5, 6, 0)).unwrap();
        assert!(!five.is_cross_compatible());
        assert_eq!(five.rfc6381("hvc1.2.4.L153.B0").as_deref(), Some("dvh1.05.06"));
        let eight = DolbyVision::parse(&record(8, 33, 1)).unwrap();
        assert!(eight.is_cross_compatible());
        assert_eq!((eight.level, eight.rfc6381("hvc1.2.4.L153.B0")), (33, None));
    }

    #[test]
    fn records_of_other_lengths() {
        let whole = record(8, 6, 1);
        for end in 0..5 {
            assert!(DolbyVision::parse(&whole[..end]).is_err());
        }
        let parsed = DolbyVision::parse(&whole).unwrap();
        assert_eq!(DolbyVision::parse(&whole[..5]).unwrap(), parsed);
        assert_eq!(DolbyVision::parse(&[whole.as_slice(), &[9; 8]].concat()).unwrap(), parsed);
        assert!(DolbyVision::parse(&[0; 24]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(parsed) = DolbyVision::parse(&data) {
                prop_assert_eq!(parsed.record.len(), 24);
                let _ = parsed.supplemental("hvc1.1", None);
            }
        }
    }
}
