//! From a magnet to checked metadata.

use std::net::SocketAddr;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;

use super::engine::Engine;
use super::magnet::Magnet;
use super::metainfo::{self, Checked, MetainfoError};
use super::trackers::announce_list;
use crate::error::{Error, ErrorKind};

/// Pause between two rounds when all known peers have failed.
const RETRY: Duration = Duration::from_secs(2);
/// Peers that are handed on to the download.
const MAX_PEERS: usize = 200;

/// Asks peers for the magnet's metadata until `limit` is over, and checks it. The peers that were seen come with it.
pub(super) async fn resolve(
    engine: &Engine,
    magnet: &Magnet,
    injected: &[String],
    offline: bool,
    limit: Duration,
) -> Result<(Checked, Vec<SocketAddr>), Error> {
    // Whether the torrent is private is in the metadata that we do not have yet.
    let trackers = announce_list(&magnet.trackers, injected, false);
    if offline && trackers.is_empty() && magnet.peers.is_empty() {
        let text = "there is nobody to ask for this torrent: it names no tracker and no peer, and the server is offline";
        return Err(Error::new(ErrorKind::Stalled, text));
    }
    let link = link(magnet, &trackers);
    let end = Instant::now() + limit;
    loop {
        match tokio::time::timeout_at(end, engine.resolve(link.clone(), magnet.peers.clone())).await {
            Ok(Ok(resolved)) => {
                let checked = metainfo::check(&resolved.torrent).and_then(|checked| {
                    if checked.info_hash == magnet.info_hash {
                        Ok(checked)
                    } else {
                        Err(MetainfoError::WrongInfoHash)
                    }
                });
                let mut checked = checked
                    .map_err(|error| Error::new(ErrorKind::BadRequest, error.to_string()).caused_by(error))?;
                let mut peers = magnet.peers.clone();
                peers.extend(resolved.peers.into_iter().filter(|peer| !magnet.peers.contains(peer)));
                peers.truncate(MAX_PEERS);
                // The engine writes the link's trackers, ours among them, into what it returns.
                checked.trackers.clear();
                return Ok((checked, peers));
            }
            // A panic: the metadata is hostile, and asking again gives the same.
            Ok(Err(error)) if error.kind() == ErrorKind::Internal => return Err(error),
            // All peers that are known have failed; a seeder may start later.
            Ok(Err(error)) => tracing::debug!(error = error.chain(), "no metadata yet"),
            Err(_) => {
                let text =
                    format!("no peer has sent the torrent's metadata within {} seconds", limit.as_secs());
                return Err(Error::new(ErrorKind::Stalled, text));
            }
        }
        tokio::time::sleep_until(end.min(Instant::now() + RETRY)).await;
    }
}

/// The link the engine gets: its options' trackers are ignored for magnets, so ours are written into the link.
fn link(magnet: &Magnet, trackers: &[String]) -> String {
    let mut link = format!("magnet:?xt=urn:btih:{}", magnet.info_hash);
    for tracker in trackers {
        link.push_str("&tr=");
        link.extend(utf8_percent_encode(tracker, NON_ALPHANUMERIC));
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_gets_a_link_it_can_read() {
        let text = "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a&tr=http://a.example/x%3Fk%3D1%26l%3D2&so=0-99999999999";
        let magnet = Magnet::parse(text).unwrap();
        let trackers = announce_list(&magnet.trackers, &["udp://b.example:1/announce".into()], false);
        let link = link(&magnet, &trackers);
        assert!(!link.contains("so="));
        let read = librqbit::Magnet::parse(&link).unwrap();
        assert_eq!(read.trackers, ["http://a.example/x?k=1&l=2", "udp://b.example:1/announce"]);
        assert_eq!(read.as_id20().unwrap().as_string(), magnet.info_hash.to_string());
    }
}
