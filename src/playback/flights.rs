//! Single flight: however many ask for one thing, it is made once.
//!
//! The work belongs to those who wait for it. It is polled by them, nothing is spawned, and when the last
//! one goes the work is dropped, down to its claims on the swarm.

use crate::error::Error;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

type Work<T> = BoxFuture<'static, Result<T, Arc<Error>>>;

/// A result that is on its way; dropping the last clone cancels the work.
pub(super) type Flight<T> = Shared<Work<T>>;

/// The works that are under way, by key.
pub(super) struct Flights<K, T>(Arc<Mutex<Table<K, T>>>);

struct Table<K, T> {
    next_number: u64,
    running: HashMap<K, (u64, WeakShared<Work<T>>)>,
}

impl<K, T> Flights<K, T>
where
    K: Copy + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Table { next_number: 0, running: HashMap::new() })))
    }

    /// Joins the work for `key`, or starts the one that `make` gives.
    pub(super) fn join<F>(&self, key: K, make: impl FnOnce() -> F) -> Flight<T>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = table.running.get(&key).and_then(|(_, weak)| weak.upgrade()) {
            return flight;
        }
        let number = table.next_number;
        table.next_number += 1;
        let entry = Entry { table: Arc::clone(&self.0), key, number };
        let work = make();
        let flight = async move {
            let _entry = entry; // leaves the table when the work is done or dropped
            work.await.map_err(Arc::new)
        }
        .boxed()
        .shared();
        if let Some(weak) = flight.downgrade() {
            table.running.insert(key, (number, weak));
        }
        flight
    }

    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).running.len()
    }
}

/// Takes its line out of the table, unless a later work has taken the key over.
struct Entry<K: Eq + Hash, T> {
    table: Arc<Mutex<Table<K, T>>>,
    key: K,
    number: u64,
}

impl<K: Eq + Hash, T> Drop for Entry<K, T> {
    fn drop(&mut self) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.running.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            table.running.remove(&self.key);
        }
    }
}

/// An error of one's own from one that is shared: the same kind and text, the causes as text.
pub(super) fn own(error: &Error) -> Error {
    let message = error.to_string();
    let chain = error.chain();
    let cause = chain.strip_prefix(&message).and_then(|rest| rest.strip_prefix(": ")).map(str::to_owned);
    let mut copy = Error::new(error.kind(), message);
    if let Some(progress) = error.progress() {
        copy = copy.with_progress(progress);
    }
    match cause {
        Some(cause) => copy.caused_by(cause),
        None => copy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use bytes::Bytes;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::time::{sleep, timeout};

    #[tokio::test(start_paused = true)]
    async fn many_ask_and_it_is_made_once() {
        let flights = Flights::new();
        let made = Arc::new(AtomicUsize::new(0));
        let ask = || {
            let made = Arc::clone(&made);
            flights.join(7, || async move {
                made.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
                Ok(Bytes::from_static(b"x"))
            })
        };
        let all = futures::future::join_all((0..10).map(|_| ask())).await;
        assert!(all.iter().all(|one| matches!(one, Ok(data) if data == "x")));
        assert_eq!(made.load(Ordering::Relaxed), 1);
        assert_eq!(flights.running(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_may_go_and_the_last_one_takes_the_work_along() {
        struct Tell(Arc<AtomicUsize>);
        impl Drop for Tell {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let flights = Flights::new();
        let dropped = Arc::new(AtomicUsize::new(0));
        let tell = Tell(Arc::clone(&dropped));
        let first = flights.join(1, || async move {
            let _tell = tell;
            sleep(Duration::from_secs(10)).await;
            Ok(Bytes::new())
        });
        let second = flights.join(1, || async { Err(Error::new(ErrorKind::Internal, "made twice")) });
        // The first one polls and goes; the second is woken all the same.
        assert!(timeout(Duration::from_secs(1), first).await.is_err());
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        assert!(timeout(Duration::from_secs(1), second).await.is_err());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        assert_eq!(flights.running(), 0);
        let again = flights.join(1, || async { Ok(Bytes::from_static(b"again")) });
        assert!(matches!(again.await, Ok(data) if data == "again"));
    }

    #[test]
    fn a_copy_keeps_kind_text_and_causes() {
        let error = Error::new(ErrorKind::Storage, "disk full")
            .caused_by(Error::new(ErrorKind::Internal, "write").caused_by("os error 28"));
        let copy = own(&error);
        assert_eq!(copy.kind(), ErrorKind::Storage);
        assert_eq!(copy.to_string(), "disk full");
        assert_eq!(copy.chain(), error.chain());
    }
}
