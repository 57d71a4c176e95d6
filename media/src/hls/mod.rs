//! Playlists as text (RFC 8216).

mod media;
mod multivariant;

pub use media::media_playlist;
pub use multivariant::multivariant_playlist;

/// The name of segment `index` in its playlist, for example `segment007.ts`.
pub fn segment_name(index: u32) -> String {
    format!("segment{index:03}.ts")
}

/// The number in a segment's name; `None` for any other name.
pub fn parse_segment_name(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("segment")?.strip_suffix(".ts")?;
    let canonical = digits.len() >= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    canonical.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_names_round_trip() {
        for index in [0, 7, 999, 1000, u32::MAX] {
            assert_eq!(parse_segment_name(&segment_name(index)), Some(index));
        }
        for name in ["segment.ts", "segment1.ts", "segment001.m4s", "segment0x1.ts", "segment99999999999.ts"]
        {
            assert_eq!(parse_segment_name(name), None, "{name}");
        }
    }
}
