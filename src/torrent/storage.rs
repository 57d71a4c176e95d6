//! The folder with everybody's data: its layout, its cleaning, and who has to go when there is no room.
//!
//! ```text
//! <dir>/.torrentstream            our mark: this folder is ours to write to, while we run or our data is in it
//! <dir>/<infohash>/.torrentstream our mark: this folder is ours to delete
//! <dir>/<infohash>/00000          bytes of the torrent's first file
//! ```
//! Nothing is ever deleted that does not carry the mark.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::info_hash::InfoHash;
use crate::error::{Error, ErrorKind};

/// Name of the file that says a folder is ours.
const MARK: &str = ".torrentstream";

/// Makes the data folder, proves that it can be written to, and deletes what an earlier run has left. Blocks.
///
/// Data of an earlier run is never used again: whether it is whole is known to nobody (the engine's own resume
/// takes damaged pieces for good ones).
///
/// What it gives holds the folder: a second server that cleaned it would delete what the first one plays.
pub(super) fn prepare(dir: &Path) -> Result<File, Error> {
    let fail = |error: io::Error| {
        let text = format!("the data folder {} cannot be used", dir.display());
        Error::new(ErrorKind::Storage, text).caused_by(error)
    };
    std::fs::create_dir_all(dir).map_err(fail)?;
    let mut mark = File::create(dir.join(MARK)).map_err(fail)?;
    match mark.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let text = format!(
                "the data folder {} is used by another torrentstream; choose another with --dir",
                dir.display()
            );
            return Err(Error::new(ErrorKind::Storage, text));
        }
        // Not every network file system can lock.
        Err(TryLockError::Error(error)) => tracing::debug!(%error, "the data folder cannot be locked"),
    }
    // The one who held it before may have left between our opening and locking: what we hold is then no longer the
    // folder's mark, and somebody else can hold the next one.
    if !is_at(&mark, &dir.join(MARK)) {
        let text = format!("the data folder {} was being left; try again", dir.display());
        return Err(Error::new(ErrorKind::Storage, text));
    }
    mark.write_all(b"torrentstream keeps its data here\n").map_err(fail)?;
    for entry in std::fs::read_dir(dir).map_err(fail)?.flatten() {
        let path = entry.path();
        // A link is not followed: what it leads to is not ours.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let named = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.len() == 40 && name.parse::<InfoHash>().is_ok());
        if is_folder && named {
            match remove(&path) {
                Ok(true) => tracing::info!(folder = %path.display(), "data of an earlier run deleted"),
                Ok(false) => {}
                Err(error) => tracing::warn!(folder = %path.display(), %error, "old data cannot be deleted"),
            }
        }
    }
    Ok(mark)
}

/// True when `path` still leads to `file`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |metadata: io::Result<std::fs::Metadata>| metadata.map(|found| (found.dev(), found.ino()));
    matches!((id(file.metadata()), id(std::fs::metadata(path))), (Ok(held), Ok(found)) if held == found)
}

/// True when there is a file at `path`: which one it is cannot be asked here.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.is_file()
}

/// Gives the data folder back: takes our mark out of it when nothing else is left in it. Blocks.
///
/// `held` is what [`prepare`] gave. Its lock is kept until the mark is gone: nobody else's mark is removed.
pub(super) fn leave(dir: &Path, held: File) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        if entry?.file_name() != MARK {
            return Ok(());
        }
    }
    if is_at(&held, &dir.join(MARK)) {
        std::fs::remove_file(dir.join(MARK))?;
    }
    drop(held);
    Ok(())
}

/// Where a torrent's data is.
pub(super) fn folder(dir: &Path, info_hash: &InfoHash) -> PathBuf {
    dir.join(info_hash.to_string())
}

/// Makes a torrent's folder with its mark. Blocks.
///
/// # Errors
/// Also when a folder of this name is there already and is not ours: nothing is mixed with foreign files.
pub(super) fn create(folder: &Path) -> io::Result<()> {
    if folder.exists() && !remove(folder)? {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the folder is there and does not carry our mark",
        ));
    }
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(MARK), "torrentstream deletes this folder\n")
}

/// Deletes a torrent's folder when it carries our mark; says whether it did. Blocks.
pub(super) fn remove(folder: &Path) -> io::Result<bool> {
    if !folder.join(MARK).is_file() {
        return Ok(false);
    }
    // The mark goes last: a deletion that is cut short can be finished by the next run.
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == MARK {
            continue;
        }
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())
        } else {
            std::fs::remove_file(entry.path())
        }?;
    }
    std::fs::remove_file(folder.join(MARK))?;
    std::fs::remove_dir(folder)?;
    Ok(true)
}

/// What the policy knows of one torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    /// Bytes on disk.
    pub(super) bytes: u64,
    /// Time since it was last read, or since it was added.
    pub(super) unread: Duration,
    /// True while somebody watches it: such a torrent never goes.
    pub(super) watched: bool,
}

/// The indexes of the torrents that have to go: those nobody has watched for `keep`, and then the least recently
/// watched ones until at most `max_disk` bytes are left.
pub(super) fn victims(torrents: &[Usage], max_disk: Option<u64>, keep: Duration) -> Vec<usize> {
    let mut order: Vec<usize> = (0..torrents.len()).filter(|&index| !torrents[index].watched).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(torrents[index].unread));
    let mut left = torrents.iter().fold(0u64, |sum, torrent| sum.saturating_add(torrent.bytes));
    let mut victims = Vec::new();
    for index in order {
        let torrent = &torrents[index];
        let too_old = torrent.unread >= keep;
        // A torrent without data frees nothing.
        let too_much = torrent.bytes > 0 && max_disk.is_some_and(|limit| left > limit);
        if too_old || too_much {
            left = left.saturating_sub(torrent.bytes);
            victims.push(index);
        }
    }
    victims
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn usage(bytes: u64, unread_hours: u32, watched: bool) -> Usage {
        Usage { bytes, unread: HOUR * unread_hours, watched }
    }

    #[test]
    fn the_least_recently_watched_go_first() {
        let torrents = [usage(10, 1, false), usage(10, 3, false), usage(10, 2, false), usage(10, 9, true)];
        assert_eq!(victims(&torrents, None, HOUR * 24), [0; 0]);
        assert_eq!(victims(&torrents, Some(40), HOUR * 24), [0; 0]);
        assert_eq!(victims(&torrents, Some(39), HOUR * 24), [1]);
        assert_eq!(victims(&torrents, Some(20), HOUR * 24), [1, 2]);
        assert_eq!(victims(&torrents, Some(0), HOUR * 24), [1, 2, 0]);
    }

    #[test]
    fn what_nobody_watches_goes_in_time() {
        let torrents = [usage(10, 24, false), usage(0, 25, false), usage(10, 23, false), usage(10, 99, true)];
        assert_eq!(victims(&torrents, None, HOUR * 24), [1, 0]);
    }

    proptest! {
        #[test]
        fn a_watched_torrent_never_goes_and_the_limit_holds(
            torrents in proptest::collection::vec((0u64..100, 0u32..50, any::<bool>()), 0..20),
            limit in 0u64..500,
        ) {
            let torrents: Vec<Usage> = torrents.iter().map(|&(bytes, hours, watched)| usage(bytes, hours, watched)).collect();
            let gone = victims(&torrents, Some(limit), HOUR * 30);
            prop_assert!(gone.iter().all(|&index| !torrents[index].watched));
            let sum = |keep: &dyn Fn(usize) -> bool| -> u64 {
                torrents.iter().enumerate().filter(|(index, _)| keep(*index)).map(|(_, torrent)| torrent.bytes).sum()
            };
            let watched = sum(&|index| torrents[index].watched);
            prop_assert!(sum(&|index| !gone.contains(&index)) <= limit.max(watched));
        }
    }

    #[test]
    fn only_marked_folders_are_cleaned() {
        let dir = std::env::temp_dir().join(format!("torrentstream-storage-{}", std::process::id()));
        let hash = |digit: &str| digit.repeat(40);
        for name in [&hash("a"), &hash("b"), "holiday"] {
            std::fs::create_dir_all(dir.join(name).join("deep")).unwrap();
            std::fs::write(dir.join(name).join("deep/file"), "x").unwrap();
        }
        // Marked and named by an infohash: ours. The others lack one or the other.
        std::fs::write(dir.join(hash("a")).join(MARK), "").unwrap();
        std::fs::write(dir.join("holiday").join(MARK), "").unwrap();
        let held = prepare(&dir).unwrap();
        assert!(prepare(&dir).unwrap_err().to_string().contains("another torrentstream"));
        drop(held);
        let mut left: Vec<_> =
            std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [MARK, hash("b").as_str(), "holiday"]);
        assert!(!remove(&dir.join(hash("b"))).unwrap());
        create(&dir.join(hash("b"))).unwrap_err();
        let ours = dir.join(hash("c"));
        create(&ours).unwrap();
        create(&ours).unwrap();
        assert!(remove(&ours).unwrap());
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn the_mark_goes_with_the_last_data() {
        let dir = std::env::temp_dir().join(format!("torrentstream-leave-{}", std::process::id()));
        let held = prepare(&dir).unwrap();
        std::fs::write(dir.join("diary"), "dear").unwrap();
        leave(&dir, held).unwrap();
        assert!(dir.join(MARK).exists());
        let held = prepare(&dir).unwrap();
        std::fs::remove_file(dir.join("diary")).unwrap();
        leave(&dir, held).unwrap();
        assert!(!dir.join(MARK).exists());
        // It can be used again, and then goes.
        leave(&dir, prepare(&dir).unwrap()).unwrap();
        std::fs::remove_dir(&dir).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn another_ones_mark_is_not_ours() {
        let dir = std::env::temp_dir().join(format!("torrentstream-mark-{}", std::process::id()));
        let held = prepare(&dir).unwrap();
        std::fs::remove_file(dir.join(MARK)).unwrap();
        let other = prepare(&dir).unwrap();
        assert!(!is_at(&held, &dir.join(MARK)) && is_at(&other, &dir.join(MARK)));
        leave(&dir, held).unwrap();
        assert!(dir.join(MARK).exists());
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_a_storage_error() {
        let file = std::env::temp_dir().join(format!("torrentstream-file-{}", std::process::id()));
        std::fs::write(&file, "").unwrap();
        let error = prepare(&file.join("below")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        std::fs::remove_file(&file).unwrap();
    }
}
