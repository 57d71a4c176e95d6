//! Playlists as text (RFC 8216), and the names of the files that they list.

mod media;
mod multivariant;
mod names;
#[cfg(test)]
mod tests;

pub use media::{iframe_playlist, media_playlist, subtitle_playlist};
pub use multivariant::multivariant_playlist;
pub use names::{MAIN, MULTIVARIANT, Resource, resource};
