//! A seeder inside the process: for the demo, which needs no network, and for tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use librqbit::limits::LimitsConfig;
use librqbit::storage::{BoxStorageFactory, StorageFactory, StorageFactoryExt, TorrentStorage};
use librqbit::{
    AddTorrent, AddTorrentOptions, ConnectionOptions, ListenerOptions, ManagedTorrentShared,
    PeerConnectionOptions, Session, SessionOptions, TorrentMetadata,
};
use sha1::{Digest, Sha1};

use super::info_hash::InfoHash;
use crate::error::{Error, ErrorKind};

/// What to seed, out of memory.
#[derive(Debug, Clone)]
pub struct Content {
    /// The torrent's name.
    pub name: String,
    /// The files: path below the torrent's folder, joined with `/`, and bytes. One file without a path (an empty
    /// one) makes a torrent of a single file, named like the torrent.
    pub files: Vec<(String, Bytes)>,
    /// Length of a piece in bytes, 1 KiB or more.
    pub piece_length: u32,
    /// Sets the private flag (BEP 27).
    pub private: bool,
    /// Trackers that the .torrent and the magnet name.
    pub trackers: Vec<String>,
    /// Most bytes per second that are sent, all peers together.
    pub upload_limit: Option<NonZeroU32>,
}

impl Content {
    /// One file, in pieces of 64 KiB, sent as fast as can be.
    pub fn single(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self {
            name: name.into(),
            files: vec![(String::new(), bytes.into())],
            piece_length: 64 << 10,
            private: false,
            trackers: Vec::new(),
            upload_limit: None,
        }
    }

    /// The .torrent of this content, and its infohash.
    pub fn torrent(&self) -> (InfoHash, Bytes) {
        let mut info = Vec::from(*b"d");
        if let [(path, bytes)] = &self.files[..]
            && path.is_empty()
        {
            info.extend(format!("6:lengthi{}e", bytes.len()).bytes());
        } else {
            info.extend(b"5:filesl");
            for (path, bytes) in &self.files {
                info.extend(format!("d6:lengthi{}e4:pathl", bytes.len()).bytes());
                path.split('/').for_each(|name| string(&mut info, name.as_bytes()));
                info.extend(b"ee");
            }
            info.extend(b"e");
        }
        info.extend(b"4:name");
        string(&mut info, self.name.as_bytes());
        info.extend(format!("12:piece lengthi{}e6:pieces", self.piece_length).bytes());
        string(&mut info, &self.hashes());
        if self.private {
            info.extend(b"7:privatei1e");
        }
        info.extend(b"e");
        let mut torrent = Vec::from(*b"d");
        if !self.trackers.is_empty() {
            torrent.extend(b"13:announce-listl");
            for tracker in &self.trackers {
                torrent.extend(b"l");
                string(&mut torrent, tracker.as_bytes());
                torrent.extend(b"e");
            }
            torrent.extend(b"e");
        }
        torrent.extend(b"4:info");
        torrent.extend(&info);
        torrent.extend(b"e");
        (InfoHash::new(Sha1::digest(&info).into()), torrent.into())
    }

    /// The pieces' hashes; pieces run across the files.
    fn hashes(&self) -> Vec<u8> {
        let length = self.piece_length.max(1) as usize;
        let mut hashes = Vec::new();
        let mut hasher = Sha1::new();
        let mut filled = 0;
        for (_, bytes) in &self.files {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let part;
                (part, rest) = rest.split_at(rest.len().min(length - filled));
                hasher.update(part);
                filled += part.len();
                if filled == length {
                    hashes.extend(hasher.finalize_reset());
                    filled = 0;
                }
            }
        }
        if filled > 0 {
            hashes.extend(hasher.finalize());
        }
        hashes
    }
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(format!("{}:", bytes.len()).bytes());
    out.extend(bytes);
}

/// Seeds until it is dropped, on loopback and to whoever dials it only.
pub struct Seeder {
    session: Arc<Session>,
    info_hash: InfoHash,
    torrent: Bytes,
    address: SocketAddr,
    trackers: Vec<String>,
}

/// Starts to seed `content` on a free port of 127.0.0.1.
///
/// # Errors
/// `Internal` when the engine does not take it: no bytes, a bad name, no free port.
pub async fn seed(content: Content) -> Result<Seeder, Error> {
    let fail =
        |error: anyhow::Error| Error::new(ErrorKind::Internal, "the seeder cannot start").caused_by(error);
    super::tls::install();
    let (info_hash, torrent) = content.torrent();
    let options = SessionOptions {
        dht: None,
        disable_trackers: true,
        disable_local_service_discovery: true,
        listen: Some(ListenerOptions {
            listen_addr: (Ipv4Addr::LOCALHOST, 0).into(),
            ipv4_only: true,
            ..Default::default()
        }),
        connect: Some(ConnectionOptions {
            // Its default of 10 s would hang up on a paused player.
            peer_opts: Some(PeerConnectionOptions {
                read_write_timeout: Some(Duration::from_secs(300)),
                ..Default::default()
            }),
            ..Default::default()
        }),
        runtime_worker_threads: Some(64),
        ratelimits: LimitsConfig { upload_bps: content.upload_limit, ..Default::default() },
        ..Default::default()
    };
    let session = Session::new_with_opts(std::env::temp_dir(), options).await.map_err(fail)?;
    let files: Arc<[Bytes]> = content.files.iter().map(|(_, bytes)| bytes.clone()).collect();
    let add = AddTorrentOptions {
        overwrite: true,
        // Nothing is written there: the bytes are served out of memory.
        output_folder: Some(std::env::temp_dir().to_string_lossy().into_owned()),
        storage_factory: Some(Memory(files).boxed()),
        ..Default::default()
    };
    let added =
        session.add_torrent(AddTorrent::from_bytes(torrent.clone()), Some(add)).await.map_err(fail)?;
    if let Some(handle) = added.into_handle() {
        handle.wait_until_initialized().await.map_err(fail)?;
    }
    let address = session.listen_addr().ok_or_else(|| fail(anyhow::anyhow!("no listener")))?;
    tracing::debug!(%info_hash, %address, "seeding");
    Ok(Seeder { session, info_hash, torrent, address, trackers: content.trackers })
}

impl Seeder {
    /// Infohash of what is seeded.
    pub const fn info_hash(&self) -> InfoHash {
        self.info_hash
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A magnet that names the seeder as a peer (`x.pe`).
    pub fn magnet(&self) -> String {
        let mut magnet = format!("magnet:?xt=urn:btih:{}&x.pe={}", self.info_hash, self.address);
        for tracker in &self.trackers {
            magnet.push_str("&tr=");
            magnet.extend(percent_encoding::utf8_percent_encode(tracker, percent_encoding::NON_ALPHANUMERIC));
        }
        magnet
    }

    /// The .torrent file.
    pub fn torrent(&self) -> Bytes {
        self.torrent.clone()
    }

    /// Stops at once; connections are closed.
    pub async fn stop(self) {
        self.session.stop().await;
    }
}

/// The seeder's storage: bytes that are there and never change.
#[derive(Debug, Clone)]
struct Memory(Arc<[Bytes]>);

impl StorageFactory for Memory {
    type Storage = Self;

    fn create(&self, _: &ManagedTorrentShared, _: &TorrentMetadata) -> anyhow::Result<Self> {
        Ok(self.clone())
    }

    fn clone_box(&self) -> BoxStorageFactory {
        self.clone().boxed()
    }
}

impl TorrentStorage for Memory {
    fn init(&mut self, _: &ManagedTorrentShared, _: &TorrentMetadata) -> anyhow::Result<()> {
        Ok(())
    }

    fn pread_exact(&self, file: usize, offset: u64, buffer: &mut [u8]) -> anyhow::Result<()> {
        let start = usize::try_from(offset)?;
        let end = start.checked_add(buffer.len());
        let bytes = self.0.get(file).zip(end).and_then(|(bytes, end)| bytes.get(start..end));
        buffer.copy_from_slice(bytes.ok_or_else(|| anyhow::anyhow!("past the end"))?);
        Ok(())
    }

    fn pwrite_all(&self, _: usize, _: u64, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("the seeder's bytes do not change")
    }

    fn remove_file(&self, _: usize, _: &Path) -> anyhow::Result<()> {
        Ok(())
    }

    fn remove_directory_if_empty(&self, _: &Path) -> anyhow::Result<()> {
        Ok(())
    }

    fn ensure_file_length(&self, _: usize, _: u64) -> anyhow::Result<()> {
        Ok(())
    }

    fn take(&self) -> anyhow::Result<Box<dyn TorrentStorage>> {
        Ok(Box::new(self.clone()))
    }
}
