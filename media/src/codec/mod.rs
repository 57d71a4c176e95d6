//! One codec a file: its configuration, its RFC 6381 name and what a muxer must do to its frames.

pub mod aac;
pub mod h264;
pub mod mpeg_audio;
