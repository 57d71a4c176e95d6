//! The server's library; see `README.md` for the architecture.

pub mod error;
pub mod http;
pub mod playback;
pub mod range_reader;
pub mod torrent;
