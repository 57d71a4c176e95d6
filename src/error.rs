//! What can go wrong in the server, and of what kind it is. `http` alone turns kinds into status codes.

use std::error::Error as StdError;

/// An error with a text for the user and, where there is one, the cause below it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    progress: Option<f64>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of an [`Error`]: what the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is wrong; asking again will not help.
    BadRequest,
    /// There is no such torrent, file or segment.
    NotFound,
    /// The file cannot be streamed in the way that was asked for.
    Unsupported,
    /// Not now: metadata or pieces are still on their way. Asking again may help.
    Stalled,
    /// Not now: the file's index is being made, for which all of it is read.
    Indexing,
    /// The server is shutting down, or the torrent was removed meanwhile.
    Cancelled,
    /// The machine is at fault: disk full, folder read-only.
    Storage,
    /// A fault of ours.
    Internal,
}

impl Error {
    /// An error of `kind` that tells the user `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), progress: None, source: None }
    }

    /// The same with the cause below it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same, telling how much of what is waited for is done, from 0 to 1.
    #[must_use]
    pub const fn with_progress(mut self, progress: f64) -> Self {
        self.progress = Some(progress);
        self
    }

    /// How much of what is waited for is done, from 0 to 1, where that is known.
    pub const fn progress(&self) -> Option<f64> {
        self.progress
    }

    /// What the caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message and the messages of all causes, joined with ": ", for the log.
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut source = self.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}
