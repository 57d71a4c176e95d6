//! Any bytes as a Matroska file: index, plan, playlists and the first segments.
#![no_main]

#[path = "film.rs"]
mod film;

use libfuzzer_sys::fuzz_target;

/// An EBML header and the beginning of a Segment of unknown size.
const HEAD: &[u8] = b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska\x18\x53\x80\x67\xff";

fuzz_target!(|data: &[u8]| {
    if data.starts_with(&HEAD[..4]) {
        film::play(data.to_vec().into());
    } else {
        film::play([HEAD, data].concat().into());
    }
});
