//! How torrents are fetched and kept.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of [`Torrents`](super::Torrents).
#[derive(Debug, Clone)]
pub struct TorrentOptions {
    /// Where the data goes: one folder a torrent, named by its infohash. Made when it is not there.
    pub dir: PathBuf,
    /// No DHT, local discovery or port forwarding, and peers only over loopback unless `listen` says otherwise:
    /// only what a magnet or .torrent names.
    pub offline: bool,
    /// Trackers to add to every torrent that is not private, resolved by [`trackers::load`](super::trackers::load).
    pub trackers: Vec<String>,
    /// Most bytes on disk over all torrents; none means no limit.
    pub max_disk: Option<u64>,
    /// A torrent that was not watched for this long goes, with its data.
    pub keep: Duration,
    /// A torrent that was not read for this long drops its peers until it is read again.
    pub idle_timeout: Duration,
    /// How long peers are asked for a magnet's metadata.
    pub metadata_timeout: Duration,
    /// A read fails when no byte of its torrent came for this long, and when none of what it waits for came for five
    /// times as long although others did. At most a year counts.
    pub stall_timeout: Duration,
    /// Where peers reach us; by default any free port, on all addresses (on loopback when offline).
    pub listen: Option<SocketAddr>,
}

impl Default for TorrentOptions {
    fn default() -> Self {
        Self {
            dir: std::env::temp_dir().join("torrentstream"),
            offline: false,
            trackers: Vec::new(),
            max_disk: None,
            keep: Duration::from_secs(24 * 3600),
            idle_timeout: Duration::from_secs(30 * 60),
            metadata_timeout: Duration::from_secs(120),
            stall_timeout: Duration::from_secs(60),
            listen: None,
        }
    }
}
