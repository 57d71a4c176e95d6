//! A file in memory that arrives slowly, for tests.

use crate::error::{Error, ErrorKind};
use crate::range_reader::RangeReader;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

/// A file in memory; every read takes `delay` and is written down.
pub(crate) struct FakeFile {
    bytes: Bytes,
    delay: Mutex<Duration>,
    failing: Mutex<Option<ErrorKind>>,
    reads: Mutex<Vec<Range<u64>>>,
    dropped: Mutex<usize>,
    preferred: Mutex<Vec<u64>>,
    /// From this byte on nothing is here.
    here: Mutex<u64>,
}

impl FakeFile {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self {
            here: Mutex::new(bytes.len() as u64),
            bytes,
            delay: Mutex::new(Duration::ZERO),
            failing: Mutex::new(None),
            reads: Mutex::new(Vec::new()),
            dropped: Mutex::new(0),
            preferred: Mutex::new(Vec::new()),
        }
    }

    /// A file of `len` bytes that do not repeat with a power of two.
    pub(crate) fn counting(len: u32) -> Self {
        Self::new((0..len).map(|at| (at % 251) as u8).collect::<Vec<u8>>().into())
    }

    pub(crate) fn delayed(self, delay: Duration) -> Self {
        self.set_delay(delay);
        self
    }

    pub(crate) fn set_delay(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    /// From now on every read fails so, after the delay.
    pub(crate) fn fail(&self, kind: Option<ErrorKind>) {
        *self.failing.lock().unwrap() = kind;
    }

    /// Only the bytes before `position` are said to be here; all can be read nevertheless.
    pub(crate) fn only_before(&self, position: u64) {
        *self.here.lock().unwrap() = position;
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The ranges read so far, in order.
    pub(crate) fn reads(&self) -> Vec<Range<u64>> {
        self.reads.lock().unwrap().clone()
    }

    /// How many reads were dropped before they ended.
    pub(crate) fn dropped(&self) -> usize {
        *self.dropped.lock().unwrap()
    }

    /// The positions that were preferred, in order.
    pub(crate) fn preferred(&self) -> Vec<u64> {
        self.preferred.lock().unwrap().clone()
    }
}

struct OnDrop<'a>(Option<&'a Mutex<usize>>);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0 {
            *count.lock().unwrap() += 1;
        }
    }
}

impl RangeReader for FakeFile {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, Error>> {
        async move {
            self.reads.lock().unwrap().push(range.clone());
            let delay = *self.delay.lock().unwrap();
            let mut guard = OnDrop(Some(&self.dropped));
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            guard.0 = None;
            if let Some(kind) = *self.failing.lock().unwrap() {
                return Err(Error::new(kind, "failing as the test wants"));
            }
            Ok(self.bytes.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()))
        }
        .boxed()
    }

    fn has(&self, range: Range<u64>) -> bool {
        range.end <= *self.here.lock().unwrap()
    }

    fn prefer(&self, position: u64) {
        self.preferred.lock().unwrap().push(position);
    }
}
