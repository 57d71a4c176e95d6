//! One codec a file: its configuration, its RFC 6381 name and what a muxer must do to its frames.

pub mod aac;
pub mod ac3;
pub mod alac;
pub mod av1;
pub mod dolby_vision;
pub mod flac;
pub mod h264;
pub mod hevc;
pub mod mpeg_audio;
pub mod nal;
pub mod opus;
pub mod picture;
#[cfg(test)]
pub(crate) mod testing;
pub mod vp9;
mod vui;
