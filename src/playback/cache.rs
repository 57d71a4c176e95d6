//! Finished segments, least recently used out first, bounded in bytes.

use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A cache of byte strings that never holds more than its limit.
#[derive(Debug)]
pub(super) struct Cache<K> {
    limit: u64,
    held: u64,
    clock: u64,
    entries: HashMap<K, (u64, Bytes)>,
    by_age: BTreeMap<u64, K>,
}

impl<K: Copy + Eq + Hash> Cache<K> {
    /// An empty cache for `limit` bytes; 0 keeps nothing.
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, held: 0, clock: 0, entries: HashMap::new(), by_age: BTreeMap::new() }
    }

    /// True when nothing will ever be kept.
    pub(super) const fn is_off(&self) -> bool {
        self.limit == 0
    }

    /// What is kept under `key`, which thereby becomes the youngest.
    pub(super) fn get(&mut self, key: &K) -> Option<Bytes> {
        let (age, data) = self.entries.get_mut(key)?;
        self.by_age.remove(age);
        self.clock += 1;
        *age = self.clock;
        self.by_age.insert(self.clock, *key);
        Some(data.clone())
    }

    /// True when `key` is kept; its age stays.
    pub(super) fn contains(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// Keeps `data`, for which older entries go. What alone is larger than the limit is not kept.
    pub(super) fn insert(&mut self, key: K, data: Bytes) {
        self.remove(&key);
        let size = data.len() as u64;
        if size > self.limit {
            return;
        }
        while self.held + size > self.limit {
            let Some((_, oldest)) = self.by_age.pop_first() else { break };
            self.remove(&oldest);
        }
        self.clock += 1;
        self.held += size;
        self.by_age.insert(self.clock, key);
        self.entries.insert(key, (self.clock, data));
    }

    /// Drops every entry whose key answers true.
    pub(super) fn remove_where(&mut self, which: impl Fn(&K) -> bool) {
        let keys: Vec<K> = self.entries.keys().filter(|key| which(key)).copied().collect();
        for key in keys {
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &K) {
        if let Some((age, data)) = self.entries.remove(key) {
            self.by_age.remove(&age);
            self.held -= data.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut cache = Cache::new(10);
        cache.insert(1, Bytes::from_static(b"aaaa"));
        cache.insert(2, Bytes::from_static(b"bbbb"));
        assert!(cache.get(&1).is_some());
        cache.insert(3, Bytes::from_static(b"cccc"));
        assert!(cache.contains(&1) && !cache.contains(&2) && cache.contains(&3));
        cache.insert(4, Bytes::from_static(b"more than ten bytes"));
        assert!(!cache.contains(&4) && cache.contains(&1));
        cache.remove_where(|key| *key == 1);
        assert!(!cache.contains(&1));
        assert_eq!(cache.held, 4);
    }

    proptest! {
        #[test]
        fn the_limit_holds(limit in 0_u64..100, steps in prop::collection::vec((0_u8..20, 0_usize..60), 0..200)) {
            let mut cache = Cache::new(limit);
            for (key, size) in steps {
                cache.insert(key, Bytes::from(vec![0; size]));
                cache.get(&(key / 2));
                prop_assert!(cache.held <= limit);
                prop_assert_eq!(cache.held, cache.entries.values().map(|(_, data)| data.len() as u64).sum::<u64>());
                prop_assert_eq!(cache.entries.len(), cache.by_age.len());
            }
        }
    }
}
