//! Containers, codecs, planning and muxing for HLS: bytes in, bytes out.
//!
//! This crate reads no file, opens no socket, knows no clock and logs nothing. It never panics on input.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod codec;
pub mod error;
pub(crate) mod mkv;
mod reader;
pub mod source;
pub mod time;
pub mod track;
