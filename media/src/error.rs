//! What can be wrong with a media file.

use std::fmt;

/// Why a file, or a part of it, cannot be used.
///
/// Cheap and comparable: it carries no text of the input, only a fixed description and the byte offset
/// where the fault was seen, so that it can be found with a hex editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// What sort of fault it is.
    pub kind: ErrorKind,
    /// What was being read, and what was wrong with it.
    pub what: &'static str,
    /// Byte offset in the file, 0 where the fault has no place (for example a missing index).
    pub at: u64,
}

/// The sort of an [`Error`]; callers decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes break the format's rules.
    Malformed,
    /// The bytes may be right, but need something that is not implemented or not possible in HLS.
    Unsupported,
    /// A value is beyond what this crate is willing to hold in memory or to walk through.
    Limit,
    /// The file ends before the structure does.
    Truncated,
    /// The index is missing, or does not say the truth: only the whole file tells where it can be cut.
    NoIndex,
}

impl Error {
    /// The bytes at `at` break the format's rules.
    pub const fn malformed(what: &'static str, at: u64) -> Self {
        Self { kind: ErrorKind::Malformed, what, at }
    }
    /// The file needs something that cannot be done here.
    pub const fn unsupported(what: &'static str) -> Self {
        Self { kind: ErrorKind::Unsupported, what, at: 0 }
    }
    /// The index is missing or cannot be trusted.
    pub const fn no_index(what: &'static str) -> Self {
        Self { kind: ErrorKind::NoIndex, what, at: 0 }
    }
    /// A value is beyond the limits of this crate.
    pub const fn limit(what: &'static str, at: u64) -> Self {
        Self { kind: ErrorKind::Limit, what, at }
    }
    /// The file ends before the structure at `at` does.
    pub const fn truncated(what: &'static str, at: u64) -> Self {
        Self { kind: ErrorKind::Truncated, what, at }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ErrorKind::Malformed => "malformed",
            ErrorKind::Unsupported | ErrorKind::NoIndex => return f.write_str(self.what),
            ErrorKind::Limit => "beyond limits",
            ErrorKind::Truncated => "cut short",
        };
        write!(f, "{kind}: {}", self.what)?;
        if self.at > 0 {
            write!(f, " (at byte {})", self.at)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
