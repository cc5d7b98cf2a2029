//! Consistent hashing, position for position as the Collector does it from 0.157 on.
//!
//! Other instances, of the Collector too, must send a trace to the same backend; so the positions are part of the
//! contract: CRC-32 (IEEE) of the endpoint and of four bytes that count, lowest first, modulo 131071; 200 for each
//! endpoint. One that is taken gives way to the next that is free, of ten. Up to 0.156 it was another ring.

use std::collections::BTreeMap;

/// Positions on the ring.
const POSITIONS: u32 = 131_071;
/// Positions of each endpoint.
const POINTS: u32 = 200;
/// How many positions are tried for a point, its own included.
const PROBES_MAX: u32 = 10;

/// Endpoints on a ring.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ring {
    /// Position and index of the endpoint, by position.
    items: Vec<(u32, usize)>,
    pub(super) endpoints: Vec<String>,
}

impl Ring {
    /// The ring of these endpoints, in their order.
    pub(super) fn new(endpoints: Vec<String>) -> Self {
        let items = items(&endpoints, POINTS, POSITIONS);
        Self { items, endpoints }
    }

    /// The index of the endpoint that owns `key`; `None` when there are no endpoints.
    pub(super) fn owner(&self, key: &[u8]) -> Option<usize> {
        self.at(crc32fast::hash(key) % POSITIONS)
    }

    /// The owner of the first taken position from `position` on, around the ring.
    fn at(&self, position: u32) -> Option<usize> {
        let next = self.items.partition_point(|(taken, _)| *taken < position);
        self.items.get(next).or_else(|| self.items.first()).map(|(_, owner)| *owner)
    }
}

fn items(endpoints: &[String], points: u32, positions: u32) -> Vec<(u32, usize)> {
    let mut wanted = Vec::with_capacity(endpoints.len() * points as usize);
    for (index, endpoint) in endpoints.iter().enumerate() {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(endpoint.as_bytes());
        wanted.extend((0..points).map(|point| {
            let mut hasher = hasher.clone();
            hasher.update(&point.to_le_bytes());
            let hash = hasher.finalize();
            (hash % positions, hash, endpoint, index)
        }));
    }
    // By position, hash and endpoint, so that the order of the endpoints does not matter.
    wanted.sort_unstable();
    let mut items = BTreeMap::new();
    for (position, _, _, owner) in wanted {
        let mut free = (0..PROBES_MAX).map(|step| (position + step) % positions);
        if let Some(free) = free.find(|position| !items.contains_key(position)) {
            items.insert(free, owner);
        }
    }
    items.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// What `consistent_hashing.go` of the Collector's loadbalancingexporter v0.158.0 makes of some endpoints: how many
    /// positions there are and a sum over them, the first, and who owns some keys.
    #[test]
    fn positions_and_owners_are_those_of_the_collector() {
        let vectors = std::fs::read_to_string("tests/data/ring.jsonl").unwrap();
        for line in vectors.lines() {
            let vector: serde_json::Value = serde_json::from_str(line).unwrap();
            let texts = |value: &serde_json::Value| serde_json::from_value(value.clone()).unwrap();
            let ring = Ring::new(texts(&vector["endpoints"]));
            let name = |owner: usize| ring.endpoints[owner].as_str();
            assert_eq!(ring.items.len() as u64, vector["n"].as_u64().unwrap());
            let numbered = (1_u64..).zip(&ring.items);
            let sum: u64 = numbered.map(|(i, (position, _))| i * u64::from(*position)).sum();
            assert_eq!(sum, vector["sum"].as_u64().unwrap());
            for (item, expected) in ring.items.iter().zip(vector["first"].as_array().unwrap()) {
                assert_eq!(serde_json::json!([item.0, name(item.1)]), *expected);
            }
            for (key, owner) in vector["owners"].as_object().unwrap() {
                let bytes =
                    (0..key.len()).step_by(2).map(|i| u8::from_str_radix(&key[i..i + 2], 16));
                let key: Vec<u8> = bytes.collect::<Result<_, _>>().unwrap();
                assert_eq!(ring.owner(&key).map(name), owner.as_str(), "{key:?}");
            }
        }
    }

    #[test]
    fn the_next_position_owns_and_the_first_follows_the_last() {
        let positions = [14, 25, 33, 47, 56, 121, 134, 158, 240, 270, 350];
        let items = positions.iter().enumerate().map(|(index, position)| (*position, index));
        let ring = Ring { items: items.collect(), endpoints: Vec::new() };
        for (asked, found) in [(85, 121), (14, 14), (351, 14), (270, 270), (271, 350)] {
            assert_eq!(ring.at(asked).map(|index| positions[index]), Some(found));
        }
        assert_eq!(Ring::default().owner(b"x"), None);
    }

    #[test]
    fn a_new_endpoint_takes_from_all_and_leaves_the_rest() {
        let three = Ring::new(endpoints(&["a:4317", "b:4317", "c:4317"]));
        let four = Ring::new(endpoints(&["a:4317", "b:4317", "c:4317", "d:4317"]));
        let mut counts = [0; 4];
        for key in 0..20_000_u32 {
            let (before, after) = (three.owner(&key.to_be_bytes()), four.owner(&key.to_be_bytes()));
            let after = after.unwrap();
            assert!(after == 3 || Some(after) == before, "only the new one gets keys");
            counts[after] += 1;
        }
        assert!(counts.iter().all(|count| (3_000..8_000).contains(count)), "{counts:?}");
    }
}
