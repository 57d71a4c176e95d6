//! Checks .torrent bytes before the engine sees them.
//!
//! The engine divides by a piece length of zero, adds up file lengths without looking for overflow, and never
//! compares the number of piece hashes with the length; all this is refused here. A file's name never becomes a
//! path on our disk (see `store`), but names that could not be files are refused as well: they are not honest.

use std::cell::LazyCell;
use std::collections::HashSet;

use bytes::Bytes;
use sha1::{Digest, Sha1};

use super::bencode::{self, BencodeError, Dictionary, Value};
use super::info_hash::InfoHash;
use super::magnet::is_tracker;

/// Largest .torrent or metadata that is read, in bytes: the engine's own limit.
pub(super) const MAX_TORRENT: usize = 32 << 20;
/// Piece lengths that are believed. Real ones go from 16 KiB to 64 MiB; small torrents use less.
const PIECE_LENGTH: std::ops::RangeInclusive<i64> = 1 << 10..=128 << 20;
/// Largest torrent in bytes (8 TiB): the engine keeps one bit for each 16 KiB of it, 64 MiB in all.
const MAX_TOTAL: u64 = 8 << 40;
const MAX_FILES: usize = 100_000;
/// Longest name and longest path in bytes, and the deepest folder.
const MAX_NAME: usize = 1024;
const MAX_PATH: usize = 4096;
const MAX_FOLDERS: usize = 32;
const MAX_TRACKERS: usize = 100;

/// What is in a torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The torrent's name: of its only file, or of the folder around its files.
    pub name: String,
    /// Length of all files together, in bytes; at least 1.
    pub total_length: u64,
    /// Length of a piece in bytes, 1 KiB to 128 MiB; the last piece may be shorter.
    pub piece_length: u32,
    /// True when peers may come only from the torrent's own tracker (BEP 27).
    pub private: bool,
    /// The files in the torrent's order, padding included; at least one.
    pub files: Vec<FileEntry>,
}

/// One file of a torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its path, joined with `/`: beginning with the torrent's name where the torrent has a folder.
    pub path: String,
    /// Its length in bytes.
    pub length: u64,
    /// Where it begins in the torrent, in bytes.
    pub offset: u64,
    /// True for a filler between files (BEP 47): zeros that nobody wants to see.
    pub padding: bool,
}

/// File name endings of what browsers and players take for a video.
const VIDEO: [&str; 30] = [
    "mp4", "m4v", "mkv", "mk3d", "webm", "mov", "qt", "avi", "divx", "ts", "m2ts", "mts", "trp", "mpg",
    "mpeg", "mpe", "m1v", "m2v", "mod", "vob", "wmv", "asf", "flv", "f4v", "3gp", "3g2", "ogv", "ogm", "rm",
    "rmvb",
];

/// True for a path that ends like a video's, in any case.
pub fn is_video(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| VIDEO.iter().any(|video| ending.eq_ignore_ascii_case(video)))
}

impl Metadata {
    /// Index of the largest video, judged by the file names' endings in any case.
    pub fn largest_video(&self) -> Option<usize> {
        let videos = self.files.iter().enumerate().filter(|(_, file)| !file.padding && is_video(&file.path));
        // Of equal ones the first, hence the reversed index.
        videos.max_by_key(|&(index, file)| (file.length, std::cmp::Reverse(index))).map(|(index, _)| index)
    }

    /// Number of pieces.
    pub(super) fn pieces(&self) -> u32 {
        u32::try_from(self.total_length.div_ceil(u64::from(self.piece_length))).unwrap_or(u32::MAX)
    }
}

/// A torrent that has passed all checks.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) info_hash: InfoHash,
    pub(super) metadata: Metadata,
    /// The torrent's own trackers, in its order; empty when the bytes are metadata only.
    pub(super) trackers: Vec<String>,
    /// The `info` dictionary as it is written.
    info: Bytes,
}

impl Checked {
    /// A .torrent with nothing but the `info` dictionary: what is not in it cannot confuse the engine, and its
    /// trackers are told apart from ours.
    pub(super) fn bare_torrent(&self) -> Bytes {
        [b"d4:info", &self.info[..], b"e"].concat().into()
    }
}

/// Why a torrent is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetainfoError {
    /// Larger than 32 MiB.
    #[error("the torrent file is larger than 32 MiB")]
    TooLarge,
    /// Not bencode.
    #[error("this is no torrent file")]
    Bencode(#[source] BencodeProblem),
    /// A key is missing or of the wrong type.
    #[error("the torrent has no valid \"{0}\"")]
    Key(&'static str),
    /// A key occurs twice.
    #[error("the torrent's info has a key twice")]
    RepeatedKey,
    /// BitTorrent v2 without v1's piece hashes.
    #[error("this is a BitTorrent v2 torrent without v1 piece hashes, which is not supported")]
    OnlyV2,
    /// Zero, tiny or huge pieces.
    #[error("the torrent's piece length is not between 1 KiB and 128 MiB")]
    PieceLength,
    /// No bytes, or more than any torrent has.
    #[error("the torrent's total length is zero or beyond 8 TiB")]
    TotalLength,
    /// The number of hashes is not that of the pieces.
    #[error("the torrent's piece hashes do not fit its length")]
    PieceCount,
    /// Too many files.
    #[error("the torrent has more than 100000 files")]
    TooManyFiles,
    /// A name that cannot be a file's.
    #[error("the torrent has a file with a bad name")]
    BadPath,
    /// The same file twice, or a file that is also a folder.
    #[error("two of the torrent's files have the same path")]
    PathClash,
    /// The metadata is not that of the infohash.
    #[error("the metadata does not match the infohash")]
    WrongInfoHash,
}

/// What is wrong with the bencode, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct BencodeProblem(BencodeError);

/// Checks a .torrent file, or metadata wrapped like one.
pub(super) fn check(bytes: &Bytes) -> Result<Checked, MetainfoError> {
    if bytes.len() > MAX_TORRENT {
        return Err(MetainfoError::TooLarge);
    }
    let document = bencode::parse(bytes).map_err(|error| MetainfoError::Bencode(BencodeProblem(error)))?;
    let outer = document.dictionary().ok_or(MetainfoError::Key("info"))?;
    let info = outer.get("info").and_then(Value::dictionary).ok_or(MetainfoError::Key("info"))?;
    let raw = outer.raw("info").ok_or(MetainfoError::Key("info"))?;
    if info.has_repeated_keys() || outer.has_repeated_keys() {
        return Err(MetainfoError::RepeatedKey);
    }
    // Names that are not UTF-8 are rare, and only then somebody has to guess.
    let encoding = LazyCell::new(|| {
        librqbit::torrent_from_bytes(bytes).ok().map(|torrent| torrent.info.data.detect_encoding())
    });
    let text = |name: &[u8]| match std::str::from_utf8(name) {
        Ok(name) => name.to_owned(),
        Err(_) => match &*encoding {
            Some(encoding) => encoding.decode(name).0.into_owned(),
            None => String::from_utf8_lossy(name).into_owned(),
        },
    };
    Ok(Checked {
        info_hash: InfoHash::new(Sha1::digest(raw).into()),
        metadata: check_info(info, &text)?,
        trackers: trackers(outer),
        info: bytes.slice_ref(raw),
    })
}

fn check_info(info: &Dictionary<'_>, text: &dyn Fn(&[u8]) -> String) -> Result<Metadata, MetainfoError> {
    let Some(pieces) = info.get("pieces") else {
        let v2 = info.get("file tree").is_some() || info.get("meta version").is_some();
        return Err(if v2 { MetainfoError::OnlyV2 } else { MetainfoError::Key("pieces") });
    };
    let pieces = pieces.bytes().ok_or(MetainfoError::Key("pieces"))?;
    let piece_length =
        info.get("piece length").and_then(Value::integer).ok_or(MetainfoError::Key("piece length"))?;
    if !PIECE_LENGTH.contains(&piece_length) {
        return Err(MetainfoError::PieceLength);
    }
    let piece_length = u32::try_from(piece_length).map_err(|_| MetainfoError::PieceLength)?;
    let name = utf8_or(info, "name");
    let (name, files) = match (info.get("length"), info.get("files")) {
        (Some(length), None) => {
            // The engine's name for a torrent without one.
            let name = name.filter(|name| !name.is_empty()).unwrap_or(b"torrent-content");
            check_name(name)?;
            let name = text(name);
            let file = FileEntry { path: name.clone(), length: whole(length)?, offset: 0, padding: false };
            (name, vec![file])
        }
        (None, Some(files)) => {
            let files = files.list().filter(|files| !files.is_empty()).ok_or(MetainfoError::Key("files"))?;
            // Only shown, never a path: a slash in it (AC/DC) is no reason to refuse the torrent.
            let name = text(name.unwrap_or(b"")).replace(['/', '\\', '\0'], "_");
            let name = name.chars().take(MAX_NAME).collect::<String>();
            let files = check_files(&name, files, text)?;
            (name, files)
        }
        _ => return Err(MetainfoError::Key("length")),
    };
    let total_length = files.last().map_or(0, |file| file.offset + file.length);
    if total_length == 0 {
        return Err(MetainfoError::TotalLength);
    }
    let metadata = Metadata {
        name,
        total_length,
        piece_length,
        private: info.get("private").and_then(Value::integer) == Some(1),
        files,
    };
    if pieces.len() as u64 != total_length.div_ceil(u64::from(piece_length)).saturating_mul(20) {
        return Err(MetainfoError::PieceCount);
    }
    Ok(metadata)
}

fn check_files(
    name: &str,
    list: &[Value<'_>],
    text: &dyn Fn(&[u8]) -> String,
) -> Result<Vec<FileEntry>, MetainfoError> {
    if list.len() > MAX_FILES {
        return Err(MetainfoError::TooManyFiles);
    }
    let mut files = Vec::with_capacity(list.len());
    let mut paths: Vec<Vec<&[u8]>> = Vec::with_capacity(list.len());
    let mut offset = 0u64;
    for file in list {
        let file = file.dictionary().ok_or(MetainfoError::Key("files"))?;
        let length = whole(file.get("length").ok_or(MetainfoError::Key("length"))?)?;
        let path = file.get("path.utf-8").and_then(components).filter(|path| path.iter().all(is_utf8));
        let path =
            path.or_else(|| file.get("path").and_then(components)).ok_or(MetainfoError::Key("path"))?;
        if path.is_empty()
            || path.len() > MAX_FOLDERS
            || path.iter().map(|name| name.len() + 1).sum::<usize>() > MAX_PATH
        {
            return Err(MetainfoError::BadPath);
        }
        path.iter().try_for_each(|name| check_name(name))?;
        let padding = file.get("attr").and_then(Value::bytes).is_some_and(|attr| attr.contains(&b'p'));
        let names = (!name.is_empty()).then(|| name.to_owned()).into_iter();
        let joined = names.chain(path.iter().map(|name| text(name))).collect::<Vec<_>>().join("/");
        files.push(FileEntry { path: joined, length, offset, padding });
        offset =
            offset.checked_add(length).filter(|&end| end <= MAX_TOTAL).ok_or(MetainfoError::TotalLength)?;
        // Fillers of the same length share a name, and are no files.
        if !padding {
            paths.push(path);
        }
    }
    check_clashes(&paths)?;
    Ok(files)
}

/// No path twice, and no path that is also a folder of another one.
fn check_clashes(paths: &[Vec<&[u8]>]) -> Result<(), MetainfoError> {
    let mut files: HashSet<&[&[u8]]> = HashSet::with_capacity(paths.len());
    let mut folders: HashSet<&[&[u8]]> = HashSet::new();
    for path in paths {
        if !files.insert(path) {
            return Err(MetainfoError::PathClash);
        }
        for end in (1..path.len()).rev() {
            // The folders above a known folder are known.
            if !folders.insert(&path[..end]) {
                break;
            }
        }
    }
    if files.iter().any(|file| folders.contains(file)) { Err(MetainfoError::PathClash) } else { Ok(()) }
}

fn check_name(name: &[u8]) -> Result<(), MetainfoError> {
    let bad = name.is_empty()
        || name.len() > MAX_NAME
        || name == b"."
        || name == b".."
        || name.iter().any(|byte| matches!(byte, b'/' | b'\\' | 0));
    if bad { Err(MetainfoError::BadPath) } else { Ok(()) }
}

/// A length in bytes, never negative and within the largest torrent.
fn whole(value: &Value<'_>) -> Result<u64, MetainfoError> {
    let length = value.integer().ok_or(MetainfoError::Key("length"))?;
    u64::try_from(length).ok().filter(|&length| length <= MAX_TOTAL).ok_or(MetainfoError::TotalLength)
}

fn components<'a>(value: &Value<'a>) -> Option<Vec<&'a [u8]>> {
    value.list()?.iter().map(Value::bytes).collect()
}

/// `key.utf-8` where it is what it says, else `key`.
fn utf8_or<'a>(info: &Dictionary<'a>, key: &str) -> Option<&'a [u8]> {
    let utf8 = info.get(&format!("{key}.utf-8")).and_then(Value::bytes).filter(is_utf8);
    utf8.or_else(|| info.get(key).and_then(Value::bytes))
}

fn is_utf8(name: &&[u8]) -> bool {
    std::str::from_utf8(name).is_ok()
}

/// `announce-list` where it has one (BEP 12), else `announce`: only URLs of trackers, each once.
fn trackers(outer: &Dictionary<'_>) -> Vec<String> {
    let listed = outer.get("announce-list").and_then(Value::list).unwrap_or(&[]);
    let listed = listed.iter().filter_map(Value::list).flatten().filter_map(Value::bytes);
    let single = outer.get("announce").and_then(Value::bytes);
    let mut trackers: Vec<String> = Vec::new();
    for url in listed.chain(single).filter_map(|url| std::str::from_utf8(url).ok()) {
        if trackers.len() < MAX_TRACKERS && is_tracker(url) && !trackers.iter().any(|known| known == url) {
            trackers.push(url.to_owned());
        }
    }
    trackers
}

#[cfg(test)]
#[path = "metainfo_tests.rs"]
mod tests;
