//! How much of the disk all torrents use together.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// A sum of bytes with a limit.
#[derive(Debug)]
pub(super) struct Gauge {
    used: AtomicU64,
    limit: Option<u64>,
    over: Notify,
}

impl Gauge {
    pub(super) const fn new(limit: Option<u64>) -> Self {
        Self { used: AtomicU64::new(0), limit, over: Notify::const_new() }
    }

    pub(super) fn add(&self, bytes: u64) {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if self.limit.is_some_and(|limit| used > limit) {
            self.over.notify_one();
        }
    }

    pub(super) fn subtract(&self, bytes: u64) {
        // Only what was added is ever subtracted.
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) const fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Resolves once the sum has passed the limit since the last time.
    pub(super) async fn passed(&self) {
        self.over.notified().await;
    }
}
