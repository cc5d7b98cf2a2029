//! Which chunks are kept: those that were read again, then those that came last.
//!
//! A chunk is on trial until it is read a second time; what is on trial goes first. So a query that reads
//! through a week once does not drive out the footers that every query needs. Chunks that were read
//! again may take four fifths of the room; beyond, the one that was not read for longest is on trial again.

use std::collections::BTreeMap;

/// A chunk: the hash of its object, and its number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ChunkKey {
    pub(super) object: u128,
    pub(super) number: u32,
}

/// Sizes and order of the chunks; knows nothing of files.
#[derive(Debug)]
pub(super) struct Lru {
    bytes_max: u64,
    chunks: BTreeMap<ChunkKey, Entry>,
    /// By the time of the last use, longest ago first.
    trial: Queue,
    proven: Queue,
    time: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    bytes: u64,
    used: u64,
    is_proven: bool,
}

#[derive(Debug, Default)]
struct Queue {
    by_use: BTreeMap<u64, ChunkKey>,
    bytes: u64,
}

impl Queue {
    fn add(&mut self, used: u64, key: ChunkKey, bytes: u64) {
        self.by_use.insert(used, key);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn remove(&mut self, entry: &Entry) {
        self.by_use.remove(&entry.used);
        self.bytes = self.bytes.saturating_sub(entry.bytes);
    }
}

impl Lru {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            chunks: BTreeMap::new(),
            trial: Queue::default(),
            proven: Queue::default(),
            time: 0,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.trial.bytes.saturating_add(self.proven.bytes)
    }

    pub(super) fn contains(&self, key: ChunkKey) -> bool {
        self.chunks.contains_key(&key)
    }

    /// Adds a chunk, or replaces it; returns those that have to go, which may be this one.
    pub(super) fn insert(&mut self, key: ChunkKey, bytes: u64) -> Vec<ChunkKey> {
        self.remove(key);
        let used = self.tick();
        self.chunks.insert(key, Entry { bytes, used, is_proven: false });
        self.trial.add(used, key, bytes);
        let mut evicted = Vec::new();
        while self.bytes() > self.bytes_max {
            let oldest = self.trial.by_use.values().next();
            let Some(&key) = oldest.or_else(|| self.proven.by_use.values().next()) else { break };
            self.remove(key);
            evicted.push(key);
        }
        evicted
    }

    /// Notes that a chunk was read.
    pub(super) fn used(&mut self, key: ChunkKey) {
        let used = self.tick();
        let Some(entry) = self.chunks.get_mut(&key) else { return };
        let queue = if entry.is_proven { &mut self.proven } else { &mut self.trial };
        queue.remove(entry);
        *entry = Entry { used, is_proven: true, ..*entry };
        self.proven.add(used, key, entry.bytes);
        while self.proven.bytes > self.bytes_max / 5 * 4 {
            let Some((_, key)) = self.proven.by_use.pop_first() else { break };
            let used = self.tick();
            let Some(entry) = self.chunks.get_mut(&key) else { break };
            self.proven.bytes = self.proven.bytes.saturating_sub(entry.bytes);
            *entry = Entry { used, is_proven: false, ..*entry };
            self.trial.add(used, key, entry.bytes);
        }
    }

    pub(super) fn remove(&mut self, key: ChunkKey) {
        let Some(entry) = self.chunks.remove(&key) else { return };
        let queue = if entry.is_proven { &mut self.proven } else { &mut self.trial };
        queue.remove(&entry);
    }

    /// Removes all chunks of an object; returns them.
    pub(super) fn remove_object(&mut self, object: u128) -> Vec<ChunkKey> {
        let all = ChunkKey { object, number: 0 }..=ChunkKey { object, number: u32::MAX };
        let keys: Vec<ChunkKey> = self.chunks.range(all).map(|(key, _)| *key).collect();
        keys.iter().for_each(|key| self.remove(*key));
        keys
    }

    fn tick(&mut self) -> u64 {
        self.time += 1;
        self.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> ChunkKey {
        ChunkKey { object: 1, number }
    }

    fn numbers(keys: &[ChunkKey]) -> Vec<u32> {
        keys.iter().map(|key| key.number).collect()
    }

    #[test]
    fn what_was_read_again_outlives_a_scan() {
        let mut lru = Lru::new(100);
        assert_eq!(lru.insert(key(0), 10), []);
        lru.used(key(0));
        let mut evicted = Vec::new();
        for number in 1..=30 {
            evicted.extend(lru.insert(key(number), 10));
        }
        assert_eq!(numbers(&evicted), (1..=21).collect::<Vec<_>>());
        assert!(lru.contains(key(0)));
        assert_eq!(lru.bytes(), 100);
    }

    #[test]
    fn proven_chunks_leave_room_for_new_ones() {
        let mut lru = Lru::new(100);
        for number in 0..10 {
            assert_eq!(lru.insert(key(number), 10), []);
            lru.used(key(number));
        }
        // Eight are proven; 0 and 1 were read longest ago and are on trial again.
        assert_eq!(numbers(&lru.insert(key(10), 10)), [0]);
        lru.used(key(10));
        assert_eq!(numbers(&lru.insert(key(11), 10)), [1]);
        assert_eq!(lru.bytes(), 100);
    }

    #[test]
    fn sizes_are_kept_through_replacement_and_removal() {
        let mut lru = Lru::new(100);
        lru.insert(key(0), 60);
        lru.insert(key(0), 40);
        assert_eq!(lru.bytes(), 40);
        let other = ChunkKey { object: 2, number: 0 };
        lru.insert(other, 30);
        lru.used(key(0));
        assert_eq!(numbers(&lru.remove_object(1)), [0]);
        assert_eq!((lru.bytes(), lru.contains(other)), (30, true));
        // What is larger than everything goes at once, with what it displaced.
        assert_eq!(lru.insert(key(5), 101), [other, key(5)]);
        assert_eq!(lru.bytes(), 0);
    }
}
