//! A few things that are costly to make, the least recently used out first.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Keeps the last few values.
pub(super) struct Shelf<K, V> {
    places: usize,
    /// The youngest last.
    kept: Mutex<VecDeque<(K, V)>>,
}

impl<K: Copy + Eq, V: Clone> Shelf<K, V> {
    /// For `places` values.
    pub(super) const fn new(places: usize) -> Self {
        Self { places, kept: Mutex::new(VecDeque::new()) }
    }

    /// What is kept under `key`, or else what `make` gives.
    pub(super) fn get_or_try<E>(&self, key: K, make: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(other, _)| *other == key);
        let value = match at.and_then(|at| kept.remove(at)) {
            Some((_, value)) => value,
            None => make()?,
        };
        kept.push_back((key, value.clone()));
        while kept.len() > self.places {
            kept.pop_front();
        }
        drop(kept);
        Ok(value)
    }

    /// What is kept under `key`.
    pub(super) fn get(&self, key: K) -> Option<V> {
        self.get_or_try(key, || Err(())).ok()
    }

    /// Keeps `value`.
    pub(super) fn put(&self, key: K, value: V) {
        let _ = self.get_or_try::<()>(key, || Ok(value));
    }

    /// Drops every value whose key answers true.
    pub(super) fn forget(&self, which: impl Fn(&K) -> bool) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).retain(|(key, _)| !which(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let shelf = Shelf::new(2);
        shelf.put(1, "one");
        shelf.put(2, "two");
        assert_eq!(shelf.get(1), Some("one"));
        shelf.put(3, "three");
        assert_eq!((shelf.get(1), shelf.get(2), shelf.get(3)), (Some("one"), None, Some("three")));
        assert_eq!(shelf.get_or_try::<()>(3, || Ok("another")), Ok("three"));
        shelf.forget(|key| *key == 3);
        assert_eq!(shelf.get(3), None);
    }
}
