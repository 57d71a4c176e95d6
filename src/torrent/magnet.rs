//! Magnet links (BEP 9): `magnet:?xt=urn:btih:<infohash>&dn=<name>&tr=<tracker>&x.pe=<peer>`.
//!
//! Ours and not the engine's, because the engine's parser expands `so=0-18446744073709551615` into a list.

use std::net::SocketAddr;

use percent_encoding::percent_decode_str;

use super::info_hash::InfoHash;

/// Longest link that is read, in bytes. Real ones stay below 8 KiB.
const MAX_LENGTH: usize = 64 * 1024;
/// Trackers kept; more would only be a burden to the announcer.
const MAX_TRACKERS: usize = 100;
/// Peers kept.
const MAX_PEERS: usize = 200;
/// Longest tracker URL that is kept, in bytes.
const MAX_TRACKER_LENGTH: usize = 2048;
/// Longest name that is kept, in characters.
const MAX_NAME_LENGTH: usize = 512;

/// A magnet link, checked. `so` (files to select) is ignored: files are fetched as they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Magnet {
    /// `xt=urn:btih:`
    pub info_hash: InfoHash,
    /// `dn`: a name to show until the metadata is there.
    pub name: Option<String>,
    /// `tr`, those with a scheme that trackers have, each once, in the order of the link.
    pub trackers: Vec<String>,
    /// `x.pe` with an IP address and a port; host names are ignored.
    pub peers: Vec<SocketAddr>,
}

/// Why a text is not a magnet link that we can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MagnetError {
    /// It does not begin with `magnet:?`.
    #[error("a magnet link begins with \"magnet:?\"")]
    Scheme,
    /// It is longer than any honest link.
    #[error("the magnet link is longer than 64 KiB")]
    TooLong,
    /// There is no `xt=urn:btih:`.
    #[error("the magnet link names no torrent (no xt=urn:btih:)")]
    NoInfoHash,
    /// There is only a BitTorrent v2 hash.
    #[error("the magnet link names only a BitTorrent v2 torrent (urn:btmh:), which is not supported")]
    OnlyV2,
    /// The infohash is neither hex nor base32.
    #[error("the magnet link's infohash has neither 40 hex nor 32 base32 digits")]
    BadInfoHash,
}

impl Magnet {
    /// Reads a magnet link; blanks around it are ignored, and so are parameters nobody knows.
    ///
    /// # Errors
    /// [`MagnetError`], when the link cannot be used.
    pub fn parse(text: &str) -> Result<Self, MagnetError> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(MagnetError::TooLong);
        }
        let scheme = text.get(..8).ok_or(MagnetError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("magnet:?") {
            return Err(MagnetError::Scheme);
        }
        let mut found = None;
        let mut v2 = false;
        let mut name = None;
        let mut trackers: Vec<String> = Vec::new();
        let mut peers: Vec<SocketAddr> = Vec::new();
        // A link that was pasted out of HTML has its ampersands written out.
        let query = text[8..].replace("&amp;", "&");
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // "tr.1" and "xt.2" number what is repeated.
            let key = key.to_ascii_lowercase();
            let value = decode(value);
            match key.split('.').next().unwrap_or("") {
                "xt" => match strip_prefix(&value, "urn:btih:") {
                    Some(hash) if found.is_none() => {
                        found = Some(hash.parse().map_err(|_| MagnetError::BadInfoHash)?);
                    }
                    Some(_) => {}
                    None => v2 |= strip_prefix(&value, "urn:btmh:").is_some(),
                },
                "dn" if name.is_none() && !value.trim().is_empty() => {
                    name = Some(value.trim().chars().take(MAX_NAME_LENGTH).collect());
                }
                "tr" if trackers.len() < MAX_TRACKERS && is_tracker(&value) && !trackers.contains(&value) => {
                    trackers.push(value);
                }
                "x" if key == "x.pe" && peers.len() < MAX_PEERS => {
                    if let Ok(peer) = value.parse::<SocketAddr>()
                        && peer.port() != 0
                        && !peers.contains(&peer)
                    {
                        peers.push(peer);
                    }
                }
                _ => {}
            }
        }
        match found {
            Some(info_hash) => Ok(Self { info_hash, name, trackers, peers }),
            None if v2 => Err(MagnetError::OnlyV2),
            None => Err(MagnetError::NoInfoHash),
        }
    }

    /// Takes over the name, trackers and peers that are only in `other`, a link to the same torrent, within the bounds
    /// of one link; true when there is somebody new to ask.
    pub(super) fn merge(&mut self, other: Self) -> bool {
        if self.name.is_none() {
            self.name = other.name;
        }
        let before = (self.trackers.len(), self.peers.len());
        append(&mut self.trackers, other.trackers, MAX_TRACKERS);
        append(&mut self.peers, other.peers, MAX_PEERS);
        before != (self.trackers.len(), self.peers.len())
    }
}

fn append<T: PartialEq>(list: &mut Vec<T>, more: Vec<T>, most: usize) {
    for item in more {
        if list.len() < most && !list.contains(&item) {
            list.push(item);
        }
    }
}

impl From<InfoHash> for Magnet {
    fn from(info_hash: InfoHash) -> Self {
        Self { info_hash, name: None, trackers: Vec::new(), peers: Vec::new() }
    }
}

/// True for a URL that can be a tracker's: of a scheme trackers have, with a host, of sane length.
pub(super) fn is_tracker(text: &str) -> bool {
    text.len() <= MAX_TRACKER_LENGTH
        && url::Url::parse(text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "udp") && url.has_host())
}

/// Form decoding: `+` is a blank, `%xx` a byte, and what is not UTF-8 is replaced.
fn decode(value: &str) -> String {
    percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a";

    #[test]
    fn reads_everything_that_is_used() {
        let magnet = Magnet::parse(&format!(
            " magnet:?xt=urn:btih:{}&dn=A+%28small%29+film&tr=udp%3A%2F%2Ft.example%3A80%2Fannounce&tr.2=http://u.example/a\
             &tr=wss://not.example&x.pe=192.0.2.1:6881&x.pe=[2001:db8::1]:7000&x.pe=host.example:1&ws=http://w.example/ ",
            HEX.to_uppercase()
        ))
        .unwrap();
        assert_eq!(magnet.info_hash.to_string(), HEX);
        assert_eq!(magnet.name.as_deref(), Some("A (small) film"));
        assert_eq!(magnet.trackers, ["udp://t.example:80/announce", "http://u.example/a"]);
        assert_eq!(magnet.peers, ["192.0.2.1:6881".parse().unwrap(), "[2001:db8::1]:7000".parse().unwrap()]);
    }

    #[test]
    fn base32_and_escaped_ampersands() {
        let base32 = data_encoding::BASE32.encode(&HEX.parse::<InfoHash>().unwrap().bytes());
        let magnet = Magnet::parse(&format!("MAGNET:?dn=x&amp;XT=URN:BTIH:{base32}")).unwrap();
        assert_eq!((magnet.info_hash.to_string().as_str(), magnet.name.as_deref()), (HEX, Some("x")));
    }

    #[test]
    fn a_hybrid_link_is_taken_by_its_first_hash() {
        let magnet = Magnet::parse(&format!("magnet:?xt=urn:btmh:1220aa&xt=urn:btih:{HEX}")).unwrap();
        assert_eq!(magnet.info_hash.to_string(), HEX);
    }

    #[test]
    fn says_what_is_wrong() {
        let long = format!("magnet:?xt=urn:btih:{HEX}&dn={}", "x".repeat(MAX_LENGTH));
        for (text, error) in [
            ("", MagnetError::Scheme),
            ("http://example.org/", MagnetError::Scheme),
            ("magnet:?", MagnetError::NoInfoHash),
            ("magnet:?xt=urn:sha1:ABC", MagnetError::NoInfoHash),
            ("magnet:?xt=urn:btih:123", MagnetError::BadInfoHash),
            ("magnet:?xt=urn:btmh:1220aa", MagnetError::OnlyV2),
            (&long, MagnetError::TooLong),
        ] {
            assert_eq!(Magnet::parse(text), Err(error), "{}", &text[..text.len().min(60)]);
        }
    }

    #[test]
    fn what_a_second_link_adds_is_taken() {
        let link = |rest: &str| Magnet::parse(&format!("magnet:?xt=urn:btih:{HEX}{rest}")).unwrap();
        let mut magnet = link("");
        let other = link("&dn=Film&tr=udp://a.example:1/a&x.pe=192.0.2.1:6881");
        assert!(magnet.merge(other.clone()));
        assert_eq!(magnet, other);
        assert!(!magnet.merge(link("&dn=Other&tr=udp://a.example:1/a")));
        assert_eq!(magnet, other);
        let many = |from: usize| {
            (from..from + 80).map(|i| format!("&tr=udp://t{i}.example:1/a")).collect::<String>()
        };
        assert!(
            magnet.merge(link(&many(0))) && magnet.merge(link(&many(80))) && !magnet.merge(link(&many(160)))
        );
        assert_eq!(magnet.trackers.len(), MAX_TRACKERS);
    }

    #[test]
    fn a_huge_selection_costs_nothing_and_counts_are_bounded() {
        let mut text = format!("magnet:?xt=urn:btih:{HEX}&so=0-18446744073709551615");
        for i in 0..1000 {
            text.push_str(&format!("&tr=udp://t{i}.example:1/a&x.pe=192.0.2.{}:{}", i % 250, i + 1));
        }
        let magnet = Magnet::parse(&text).unwrap();
        assert_eq!((magnet.trackers.len(), magnet.peers.len()), (MAX_TRACKERS, MAX_PEERS));
    }

    proptest! {
        #[test]
        fn survives_any_text(text in "\\PC{0,200}") {
            let _ = Magnet::parse(&text);
            let _ = Magnet::parse(&format!("magnet:?{text}"));
        }

        #[test]
        fn survives_any_parameters(
            pairs in proptest::collection::vec(("(xt|tr|dn|x\\.pe|so|[a-z.]{0,4})", "[ -~é%+&:]{0,40}"), 0..20),
        ) {
            let query: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let magnet = Magnet::parse(&format!("magnet:?xt=urn:btih:{HEX}&{}", query.join("&")));
            // The first hash counts, so nothing that follows can spoil the link.
            prop_assert_eq!(magnet.unwrap().info_hash.to_string(), HEX);
        }
    }
}
