//! What a path names: a torrent by its infohash, a file by its number or `auto`.

use super::App;
use crate::error::{Error, ErrorKind};
use crate::playback::{FileKey, Film, Folder, Playback};
use crate::range_reader::RangeReader;
use crate::torrent::{FileEntry, InfoHash, Metadata, State, Torrent};
use std::sync::Arc;
use std::time::Duration;

/// A file of a torrent whose metadata is known.
pub(super) struct Found {
    pub(super) torrent: Arc<Torrent>,
    pub(super) metadata: Arc<Metadata>,
    pub(super) index: usize,
}

/// The torrent that `text` names.
///
/// # Errors
/// `NotFound` when there is none; also when the text is no infohash.
pub(super) fn torrent(app: &App, text: &str) -> Result<Arc<Torrent>, Error> {
    text.parse::<InfoHash>().ok().and_then(|id| app.torrents.get(&id)).ok_or_else(no_torrent)
}

pub(super) fn no_torrent() -> Error {
    Error::new(ErrorKind::NotFound, "Torrent not found")
}

/// Which file of a torrent is meant, before the metadata is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The largest video.
    Auto,
    /// By number, from 0.
    Number(usize),
}

impl Which {
    /// Reads a path's `{idx}`.
    ///
    /// # Errors
    /// `BadRequest` when it is neither a number nor `auto`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        let invalid = || Error::new(ErrorKind::BadRequest, "Invalid file index");
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        text.parse().map(Self::Number).map_err(|_| invalid())
    }

    /// The file's number.
    ///
    /// # Errors
    /// `BadRequest` when there is no such file, `NotFound` when there is no video to choose.
    pub(super) fn of(self, metadata: &Metadata) -> Result<usize, Error> {
        match self {
            Self::Auto => metadata
                .largest_video()
                .ok_or_else(|| Error::new(ErrorKind::NotFound, "No video file found in the torrent")),
            Self::Number(index) if index < metadata.files.len() => Ok(index),
            Self::Number(_) => Err(Error::new(ErrorKind::BadRequest, "File index out of range")),
        }
    }
}

/// The file that `{ih}/{idx}` names; waits for the metadata up to `limit`.
///
/// # Errors
/// `NotFound`, `BadRequest`, and `Stalled` when the metadata is not there in time.
pub(super) async fn file(app: &App, info_hash: &str, index: &str, limit: Duration) -> Result<Found, Error> {
    let torrent = torrent(app, info_hash)?;
    let which = Which::parse(index)?;
    let metadata = metadata(&torrent, limit).await?;
    let index = which.of(&metadata)?;
    Ok(Found { torrent, metadata, index })
}

/// The metadata, waited for up to `limit`.
///
/// # Errors
/// `Stalled` when it is not there in time, or why it will never be.
pub(super) async fn metadata(torrent: &Torrent, limit: Duration) -> Result<Arc<Metadata>, Error> {
    torrent.wait_for_metadata(limit).await.map_err(|error| match error.kind() {
        // When it has failed, why is what the client should hear.
        ErrorKind::Stalled if !matches!(torrent.state(), State::Failed { .. }) => {
            Error::new(ErrorKind::Stalled, "Timed out waiting for torrent metadata").caused_by(error)
        }
        _ => error,
    })
}

impl Found {
    /// Name, length and place of the file.
    pub(super) fn entry(&self) -> Result<&FileEntry, Error> {
        let missing = || Error::new(ErrorKind::Internal, "a file has no entry");
        self.metadata.files.get(self.index).ok_or_else(missing)
    }

    /// The file's playback, open from now on.
    pub(super) fn playback(&self, app: &App) -> Result<Arc<Playback>, Error> {
        let number = u32::try_from(self.index);
        let index = number.map_err(|_| Error::new(ErrorKind::BadRequest, "File index out of range"))?;
        let key = FileKey { id: self.torrent.info_hash().bytes(), index };
        app.playbacks.open(key, || {
            let (torrent, metadata) = (Arc::clone(&self.torrent), Arc::clone(&self.metadata));
            let folder: Box<dyn Folder> = Box::new(TorrentFolder { torrent, metadata });
            Ok(Film { file: self.torrent.file(self.index)?, folder: Some(folder) })
        })
    }
}

/// The files of a torrent, among which a film lies.
struct TorrentFolder {
    torrent: Arc<Torrent>,
    metadata: Arc<Metadata>,
}

impl Folder for TorrentFolder {
    fn paths(&self) -> Vec<String> {
        // What only fills up a piece is no file, but has its number.
        let path = |file: &FileEntry| if file.padding { String::new() } else { file.path.clone() };
        self.metadata.files.iter().map(path).collect()
    }

    fn open(&self, index: u32) -> Result<Arc<dyn RangeReader>, Error> {
        let index = usize::try_from(index);
        self.torrent.file(index.map_err(|_| Error::new(ErrorKind::NotFound, "No such file"))?)
    }
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes() {
        assert_eq!(Which::parse("0").ok(), Some(Which::Number(0)));
        assert_eq!(Which::parse("Auto").ok(), Some(Which::Auto));
        for wrong in ["", "-1", "+1", "1.5", "x", "99999999999999999999999"] {
            assert!(Which::parse(wrong).is_err(), "{wrong}");
        }
    }
}
