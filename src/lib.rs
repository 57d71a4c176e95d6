//! The server's library; see `README.md` for the architecture.

pub mod config;
pub mod error;
pub mod local;
pub mod range_reader;
pub mod torrent;
pub mod report;
