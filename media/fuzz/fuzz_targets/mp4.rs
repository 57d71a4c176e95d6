//! Any bytes as an MP4 file: index, plan, playlists and the first segments.
#![no_main]

#[path = "film.rs"]
mod film;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // `ftyp` in front, so that no input is lost on the way to the parser.
    if data.get(4..8).is_some_and(|kind| kind == b"ftyp") {
        film::play(data.to_vec().into());
    } else {
        film::play([b"\0\0\0\x08ftyp".as_slice(), data].concat().into());
    }
});
