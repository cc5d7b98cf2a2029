//! Consistent hashing, position for position as the Collector does it from 0.157 on.
//!
//! Other instances, of the Collector too, must send a trace to the same backend; so the positions are part of the
//! contract: CRC-32 (IEEE) of the endpoint and one byte that counts, modulo 131071; 200 for each endpoint. A position
//! that is taken stays with the first endpoint in the list. Up to 0.156 it was 36000 and 100.

/// Positions on the ring.
const POSITIONS: u32 = 131_071;
/// Positions of each endpoint.
const POINTS: u8 = 200;

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

fn items(endpoints: &[String], points: u8, positions: u32) -> Vec<(u32, usize)> {
    let mut items = Vec::with_capacity(endpoints.len() * usize::from(points));
    for (index, endpoint) in endpoints.iter().enumerate() {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(endpoint.as_bytes());
        items.extend((0..points).map(|point| {
            let mut hasher = hasher.clone();
            hasher.update(&[point]);
            (hasher.finalize() % positions, index)
        }));
    }
    // Stable, so that of equal positions the first endpoint comes first.
    items.sort_by_key(|(position, _)| *position);
    items.dedup_by_key(|(position, _)| *position);
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Upstream's own numbers, for its old size of the ring and five points.
    #[test]
    fn positions_are_those_of_the_collector() {
        let two = items(&endpoints(&["endpoint-1", "endpoint-2"]), 5, 36_000);
        let expected = [
            (1401, 0),
            (4175, 0),
            (10240, 1),
            (14133, 0),
            (15002, 1),
            (17836, 0),
            (21263, 1),
            (21667, 0),
            (26806, 1),
            (27020, 1),
        ];
        assert_eq!(two, expected);
        let twice = items(&endpoints(&["endpoint-1", "endpoint-1"]), 5, 36_000);
        assert_eq!(twice, [(1401, 0), (4175, 0), (14133, 0), (17836, 0), (21667, 0)]);
    }

    /// Upstream's own choices, which hold for the ring of before 0.157.
    #[test]
    fn keys_have_the_owners_that_they_have_in_the_collector() {
        let endpoints = endpoints(&["endpoint-1", "endpoint-2"]);
        let ring = Ring { items: items(&endpoints, 100, 36_000), endpoints };
        for (key, owner) in [
            (&[1, 2, 0, 0][..], 0),
            (&[128, 128, 0, 0], 1),
            (b"ad-service-7", 0),
            (b"get-recommendations-1", 1),
        ] {
            assert_eq!(ring.at(crc32fast::hash(key) % 36_000), Some(owner), "{key:?}");
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
