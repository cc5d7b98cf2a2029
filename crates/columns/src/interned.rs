//! Resources and scopes: few, repeated in every request, so decoded once and shared by number.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

const HASHER: FixedState = FixedState::with_seed(0x5245_534f);

/// Distinct values, found again by the exact bytes that they were decoded from.
#[derive(Debug, Clone)]
pub struct Interned<T> {
    values: Vec<Arc<T>>,
    sources: Vec<Box<[u8]>>,
    index: HashTable<u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { values: Vec::new(), sources: Vec::new(), index: HashTable::new() }
    }
}

impl<T> Interned<T> {
    /// All values by number. Some may be used by no row.
    pub fn values(&self) -> &[Arc<T>] {
        &self.values
    }

    /// The number of the value that was decoded from `source` before.
    pub fn find(&self, source: &[u8]) -> Option<u32> {
        let hash = HASHER.hash_one(source);
        self.index.find(hash, |&i| &*self.sources[i as usize] == source).copied()
    }

    /// Adds the value decoded from `source`, unless it is known, and returns its number.
    pub fn insert(&mut self, source: &[u8], value: Arc<T>) -> u32 {
        if let Some(number) = self.find(source) {
            return number;
        }
        let number = self.values.len() as u32;
        self.values.push(value);
        self.sources.push(source.into());
        let sources = &self.sources;
        let hash = |&i: &u32| HASHER.hash_one(&*sources[i as usize]);
        self.index.insert_unique(hash(&number), number, hash);
        number
    }

    /// Adds all values of another set; element `i` of the result is the number here of its value `i`.
    pub(crate) fn append(&mut self, other: &Self) -> Vec<u32> {
        let pairs = other.sources.iter().zip(&other.values);
        pairs.map(|(source, value)| self.insert(source, Arc::clone(value))).collect()
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.sources.iter().map(|source| 4 * source.len() + 64).sum()
    }
}
