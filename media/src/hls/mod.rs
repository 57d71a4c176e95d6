//! Playlists as text (RFC 8216), and the names of the files that they list.

mod attributes;
mod bandwidth;
mod chapters;
mod media;
mod media_tags;
mod multivariant;
mod names;
mod picture;
mod sounds;
#[cfg(test)]
mod tests;

pub use chapters::{chapters_json, chapters_vtt};
pub use media::{iframe_playlist, media_playlist, subtitle_playlist};
pub use multivariant::{MultivariantOptions, SidecarSubtitle, multivariant_playlist};
pub use names::{MAIN, MULTIVARIANT, Resource, resource};
