//! What clients are told about a torrent.

/// What a client is told about a torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Peers are asked for the metadata.
    GettingMetadata,
    /// Some of it is not here; it is fetched as it is read.
    Downloading,
    /// All of it is here, and peers are connected.
    Seeding,
    /// All of it is here.
    Completed,
    /// It cannot go on; adding it once more tries again.
    Failed {
        /// Why, in a sentence for the user.
        reason: String,
    },
}

/// Figures of one torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Bytes that are here and whose hash is right.
    pub bytes_completed: u64,
    /// Bytes that came from peers since it was added.
    pub bytes_fetched: u64,
    /// Bytes per second from peers, of the last few seconds.
    pub download_bytes_per_second: u64,
    /// Bytes per second to peers, of the last few seconds.
    pub upload_bytes_per_second: u64,
    /// Peers that are connected.
    pub peers: u32,
    /// Bytes its data takes on disk, in whole pieces.
    pub bytes_on_disk: u64,
}

/// How much of one file is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileProgress {
    /// Bytes of the file that are here.
    pub completed_bytes: u64,
    /// Length of the file in bytes.
    pub length: u64,
    /// Pieces that are here of those that hold any of the file.
    pub completed_pieces: usize,
    /// Pieces that hold any of the file.
    pub total_pieces: usize,
}
