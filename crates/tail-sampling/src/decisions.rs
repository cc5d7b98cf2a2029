//! Decisions that were taken, for spans that come late.
//!
//! Two generations of each kind: new decisions go to the young one; when it is full the old one is forgotten and the
//! young one becomes old. Whoever is asked for moves to the young one. So a cache of size `n` keeps the decisions of
//! the last `n / 2` traces at least and of `n` at most, with no list to maintain.

use std::time::Duration;

use hashbrown::HashMap;
use spandrel_retention::Threshold;

use crate::key::TraceKey;

/// A decision as late spans need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decided {
    /// The threshold that the trace passed; `None`: it was not sampled.
    pub(crate) sampled: Option<Threshold>,
    /// When, on the monotonic clock.
    pub(crate) at: Duration,
}

/// The decisions of one shard.
#[derive(Debug)]
pub(crate) struct DecisionCache {
    sampled: Generations,
    not_sampled: Generations,
}

#[derive(Debug)]
struct Generations {
    young: HashMap<TraceKey, Decided>,
    old: HashMap<TraceKey, Decided>,
    young_max: usize,
}

impl DecisionCache {
    /// For so many decisions of each kind.
    pub(crate) fn new(sampled_max: usize, not_sampled_max: usize) -> Self {
        Self {
            sampled: Generations::new(sampled_max),
            not_sampled: Generations::new(not_sampled_max),
        }
    }

    pub(crate) fn insert(&mut self, key: TraceKey, decided: Decided) {
        let cache =
            if decided.sampled.is_some() { &mut self.sampled } else { &mut self.not_sampled };
        cache.insert(key, decided);
    }

    pub(crate) fn get(&mut self, key: &TraceKey) -> Option<Decided> {
        self.sampled.get(key).or_else(|| self.not_sampled.get(key))
    }
}

impl Generations {
    fn new(size: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_max: (size / 2).max(1) }
    }

    fn insert(&mut self, key: TraceKey, decided: Decided) {
        if self.young.len() >= self.young_max {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, decided);
    }

    fn get(&mut self, key: &TraceKey) -> Option<Decided> {
        if let Some(decided) = self.young.get(key) {
            return Some(*decided);
        }
        let decided = self.old.remove(key)?;
        self.insert(*key, decided);
        Some(decided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u128) -> TraceKey {
        TraceKey { id, tenant: 0 }
    }

    #[test]
    fn the_latest_are_kept_and_the_rest_is_bounded() {
        let mut cache = DecisionCache::new(10, 4);
        let sampled = Decided { sampled: Some(Threshold::ALL), at: Duration::ZERO };
        let not_sampled = Decided { sampled: None, at: Duration::ZERO };
        for id in 0..100 {
            cache.insert(key(id), sampled);
            cache.insert(key(1000 + id), not_sampled);
            let sizes = [&cache.sampled, &cache.not_sampled].map(|g| g.young.len() + g.old.len());
            assert!(sizes[0] <= 10 && sizes[1] <= 4, "{sizes:?}");
        }
        for id in 95..100 {
            assert_eq!(cache.get(&key(id)), Some(sampled));
        }
        assert_eq!(cache.get(&key(1099)), Some(not_sampled));
        assert_eq!([cache.get(&key(0)), cache.get(&key(1000))], [None; 2]);
    }

    #[test]
    fn whoever_is_asked_for_stays() {
        let mut cache = DecisionCache::new(4, 4);
        let decided = Decided { sampled: None, at: Duration::from_secs(1) };
        cache.insert(key(7), decided);
        for id in 100..200 {
            cache.insert(key(id), decided);
            assert_eq!(cache.get(&key(7)), Some(decided), "{id}");
        }
    }
}
