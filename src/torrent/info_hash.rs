//! The SHA-1 infohash that names a torrent (BEP 3), and its two spellings in magnet links (BEP 9).

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};

/// The 20 bytes that name a torrent. Shown as 40 lower-case hex digits; read as hex or base32 in any case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InfoHash([u8; 20]);

/// The text is neither 40 hex digits nor 32 base32 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an infohash has 40 hex or 32 base32 digits")]
pub struct InfoHashError;

impl InfoHash {
    /// The infohash of these 20 bytes.
    pub const fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The 20 bytes.
    pub const fn bytes(&self) -> [u8; 20] {
        self.0
    }
}

impl FromStr for InfoHash {
    type Err = InfoHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = match text.len() {
            40 => HEXLOWER_PERMISSIVE.decode(text.as_bytes()),
            32 => BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()),
            _ => return Err(InfoHashError),
        };
        bytes.ok().and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(InfoHashError)
    }
}

impl fmt::Display for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_both_spellings_in_any_case() {
        let hex = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a";
        let hash: InfoHash = hex.parse().unwrap();
        assert_eq!(hash.to_string(), hex);
        assert_eq!(hex.to_uppercase().parse(), Ok(hash));
        let base32 = data_encoding::BASE32.encode(&hash.bytes());
        assert_eq!(base32.parse(), Ok(hash));
        assert_eq!(base32.to_lowercase().parse(), Ok(hash));
    }

    #[test]
    fn refuses_what_is_neither() {
        for text in ["", "c12f", &"g".repeat(40), &"1".repeat(32), &"é".repeat(20), &"é".repeat(16)] {
            assert_eq!(text.parse::<InfoHash>(), Err(InfoHashError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read(bytes: [u8; 20]) {
            let hash = InfoHash::new(bytes);
            prop_assert_eq!(hash.to_string().parse(), Ok(hash));
        }

        #[test]
        fn survives_any_text(text in "\\PC{0,50}") {
            let _ = text.parse::<InfoHash>();
        }
    }
}
