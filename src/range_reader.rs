//! The seam between torrents and playback: a file of known length that is read by ranges.

use bytes::Bytes;
use futures::future::BoxFuture;
use std::ops::Range;

use crate::error::Error;

/// A file of which any range can be read; reading may wait for a swarm.
///
/// Cancellation is dropping: a read whose future is dropped gives up its claim on the swarm.
pub trait RangeReader: Send + Sync + 'static {
    /// Length of the file in bytes.
    fn len(&self) -> u64;

    /// True for a file of no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of `range`, as soon as they are all here.
    ///
    /// # Errors
    /// `NotFound` when the file has been removed, `Stalled` when no byte came for longer than the configured
    /// limit, `Cancelled` at shutdown, `BadRequest` when the range reaches past the end.
    fn read(&self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, Error>>;

    /// True when all bytes of `range` are here, so that a read of it waits for nobody.
    fn has(&self, range: Range<u64>) -> bool;

    /// Asks for the bytes after `position` to be fetched ahead, until the next call or until the reader is
    /// dropped: a wish, not a promise.
    fn prefer(&self, position: u64);
}
