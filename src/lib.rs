//! The server's library; see `README.md` for the architecture.

pub mod config;
pub mod container;
pub mod error;
pub mod http;
pub mod local;
pub mod playback;
pub mod range_reader;
pub mod report;
pub mod torrent;
