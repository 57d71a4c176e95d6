//! The server's library; see `README.md` for the architecture.

pub mod error;
pub mod range_reader;
pub mod playback;
