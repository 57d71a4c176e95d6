//! Containers, codecs, planning and muxing for HLS: bytes in, bytes out.
//!
//! This crate reads no file, opens no socket, knows no clock and logs nothing. It never panics on input.
//!
//! # How bytes travel
//!
//! ```text
//! ByteSource -> open() -> Movie -> Presentation ────────────> segment() -> ts, cmaf
//! (source)      (mp4, mkv)          tracks, plan, renditions      (access_units)
//!                                     └-> hls: playlists
//! ```
//! [`open`] reads a file's index; [`plan`] decides from it alone where segments are cut, before any
//! media byte is fetched; playlists and segments follow the same plan. Every function here is pure: the
//! same input gives the same bytes, so a segment can be made in any order, on any machine.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod access_units;
pub mod attachment;
mod bit_rate;
pub mod chapters;
pub mod cmaf;
pub mod codec;
pub mod colour;
pub mod error;
pub mod hls;
pub mod iframes;
pub mod language;
mod mkv;
pub mod movie;
mod mp4;
mod picture;
pub mod plan;
pub mod presentation;
mod reader;
pub mod rendition;
pub mod scan;
pub mod source;
pub mod text;
pub mod time;
pub mod track;
pub mod ts;

pub use error::{Error, ErrorKind};
pub use movie::open;

/// Changes whenever the bytes of a segment or playlist change for the same input: it is part of every ETag.
pub const FORMAT_VERSION: u32 = 2;
