//! Honest and hostile torrents.

use super::*;
use proptest::prelude::*;

/// A torrent of one file with `pieces` hashes.
fn single(piece_length: i64, length: i64, pieces: usize) -> Bytes {
    let hashes = "h".repeat(pieces * 20);
    let info = format!(
        "d6:lengthi{length}e4:name5:a.mp412:piece lengthi{piece_length}e6:pieces{}:{hashes}e",
        pieces * 20
    );
    format!("d8:announce21:udp://t.example:80/an4:info{info}e").into()
}

/// A torrent of files of one byte with these paths; `p` before a path makes it padding.
fn multi(paths: &[&[&str]]) -> Bytes {
    let mut files = String::new();
    for path in paths {
        let (attr, path) = if path[0] == "p" { ("4:attr1:p", &path[1..]) } else { ("", *path) };
        let path: String = path.iter().map(|name| format!("{}:{name}", name.len())).collect();
        files.push_str(&format!("d{attr}6:lengthi1e4:pathl{path}ee"));
    }
    let hash = "h".repeat(20);
    format!("d4:infod5:filesl{files}e4:name4:Film12:piece lengthi16384e6:pieces20:{hash}ee").into()
}

fn fails(bytes: &Bytes) -> MetainfoError {
    check(bytes).unwrap_err()
}

#[test]
fn an_honest_file() {
    let checked = check(&single(16384, 40_000, 3)).unwrap();
    assert_eq!(checked.trackers, ["udp://t.example:80/an"]);
    let metadata = &checked.metadata;
    assert_eq!((metadata.name.as_str(), metadata.total_length, metadata.pieces()), ("a.mp4", 40_000, 3));
    assert_eq!(metadata.files[0].path, "a.mp4");
    assert!(!metadata.private);
    // What is handed on has the same infohash and no trackers.
    let bare = check(&checked.bare_torrent()).unwrap();
    assert_eq!((bare.info_hash, bare.trackers.len()), (checked.info_hash, 0));
}

#[test]
fn honest_folders() {
    let metadata = check(&multi(&[&["x.txt"], &["sub", "a.mkv"], &["p", "pad", "1"], &["p", "pad", "1"]]))
        .unwrap()
        .metadata;
    let paths: Vec<&str> = metadata.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["Film/x.txt", "Film/sub/a.mkv", "Film/pad/1", "Film/pad/1"]);
    assert_eq!(metadata.files[2].offset, 2);
    assert!(metadata.files[2].padding);
    assert_eq!(metadata.largest_video(), Some(1));
}

#[test]
fn the_largest_video_is_the_first_of_equals_and_no_sample_text() {
    let metadata = check(&multi(&[&["a.nfo"], &["b.MP4"], &["c.mkv"]])).unwrap().metadata;
    assert_eq!(metadata.largest_video(), Some(1));
    assert_eq!(check(&multi(&[&["a.nfo"], &["mkv"]])).unwrap().metadata.largest_video(), None);
}

#[test]
fn piece_lengths_that_lie() {
    for piece_length in [0, -1, 1, 1023, i64::MAX, 256 << 20] {
        assert_eq!(fails(&single(piece_length, 40_000, 3)), MetainfoError::PieceLength, "{piece_length}");
    }
}

#[test]
fn hashes_that_do_not_fit() {
    for pieces in [0, 2, 4] {
        assert_eq!(fails(&single(16384, 40_000, pieces)), MetainfoError::PieceCount, "{pieces}");
    }
    assert_eq!(fails(&single(1024, 3_000_000_000, 1)), MetainfoError::PieceCount);
}

#[test]
fn lengths_that_lie() {
    for length in [0, -5, i64::MAX] {
        assert_eq!(fails(&single(16384, length, 1)), MetainfoError::TotalLength, "{length}");
    }
    let two = format!("d6:lengthi{0}e4:pathl1:aeed6:lengthi{0}e4:pathl1:bee", 5u64 << 40);
    let bytes =
        format!("d4:infod5:filesl{two}e4:name1:n12:piece lengthi16384e6:pieces20:{}ee", "h".repeat(20));
    assert_eq!(fails(&bytes.into()), MetainfoError::TotalLength);
}

#[test]
fn names_that_are_none() {
    let long = "n".repeat(MAX_NAME + 1);
    for name in ["..", ".", "", "a/b", "a\\b", "a\0b", &long] {
        assert_eq!(fails(&multi(&[&[name]])), MetainfoError::BadPath, "{name:?}");
        assert_eq!(fails(&multi(&[&["x", name, "y"]])), MetainfoError::BadPath, "{name:?}");
    }
    assert_eq!(fails(&multi(&[&["x"; MAX_FOLDERS + 1]])), MetainfoError::BadPath);
}

#[test]
fn paths_that_clash() {
    assert_eq!(fails(&multi(&[&["a"], &["a"]])), MetainfoError::PathClash);
    assert_eq!(fails(&multi(&[&["a"], &["a", "b"]])), MetainfoError::PathClash);
    assert_eq!(fails(&multi(&[&["x", "a", "b", "c"], &["x", "a"]])), MetainfoError::PathClash);
    assert!(check(&multi(&[&["x", "a"], &["x", "b"], &["x", "c", "d"]])).is_ok());
}

#[test]
fn what_is_no_v1_torrent() {
    assert_eq!(
        fails(&Bytes::from_static(b"d4:infod9:file treede12:meta versioni2eee")),
        MetainfoError::OnlyV2
    );
    assert_eq!(fails(&Bytes::from_static(b"d4:infod4:name1:aee")), MetainfoError::Key("pieces"));
    assert_eq!(fails(&Bytes::from_static(b"de")), MetainfoError::Key("info"));
    assert!(matches!(fails(&Bytes::from_static(b"<html>")), MetainfoError::Bencode(_)));
    assert!(matches!(fails(&vec![b'l'; 1 << 20].into()), MetainfoError::Bencode(_)));
    assert_eq!(fails(&vec![b'l'; MAX_TORRENT + 1].into()), MetainfoError::TooLarge);
    let twice = Bytes::from_static(b"d4:infod4:name1:a4:name1:b6:pieces0:ee");
    assert_eq!(fails(&twice), MetainfoError::RepeatedKey);
}

#[test]
fn privacy_and_tracker_lists() {
    let bytes = format!(
        "d8:announce10:udp://a:1/13:announce-listll10:udp://b:1/10:udp://b:1/el4:oops9:wss://c/x10:udp://a:1/ee4:infod\
         6:lengthi5e4:name1:a12:piece lengthi1024e6:pieces20:{}7:privatei1eee",
        "h".repeat(20)
    );
    let checked = check(&bytes.into()).unwrap();
    assert!(checked.metadata.private);
    assert_eq!(checked.trackers, ["udp://b:1/", "udp://a:1/"]);
}

#[test]
fn old_encodings_are_guessed() {
    // "Война и мир.avi" in windows-1251.
    let name = b"\xc2\xee\xe9\xed\xe0 \xe8 \xec\xe8\xf0.avi";
    let head = format!("d4:infod6:lengthi5e4:name{}:", name.len());
    let tail = format!("12:piece lengthi1024e6:pieces20:{}ee", "h".repeat(20));
    let bytes = [head.as_bytes(), name, tail.as_bytes()].concat();
    assert_eq!(check(&bytes.into()).unwrap().metadata.name, "Война и мир.avi");
}

proptest! {
    #[test]
    fn survives_mutations(
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        length in any::<proptest::sample::Index>(),
    ) {
        let mut bytes = multi(&[&["x.txt"], &["sub", "a.mkv"]]).to_vec();
        for (index, byte) in cuts {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        bytes.truncate(length.index(bytes.len()) + 1);
        if let Ok(checked) = check(&bytes.into()) {
            let last = checked.metadata.files.last().unwrap();
            prop_assert_eq!(last.offset + last.length, checked.metadata.total_length);
        }
    }
}
