//! Pairing, waiting and making room.

use super::*;

fn key(number: u8) -> EdgeKey {
    EdgeKey { trace_id: [1; 16], span_id: [number; 8] }
}

fn side(service: &str) -> Option<Side> {
    Some(Side::unseen(service))
}

fn store(max_items: usize, memory: &MemoryBudget) -> EdgeStore {
    EdgeStore::new(EdgeLimits { max_items, ttl_nanos: 10 }, memory)
}

fn nobody(edge: Edge) {
    panic!("{edge:?} must not expire");
}

#[test]
fn halves_meet_in_either_order() {
    let memory = MemoryBudget::new("test", 1 << 20);
    let mut store = store(10, &memory);
    for client_first in [true, false] {
        for half in [client_first, !client_first] {
            let update = |edge: &mut Edge| {
                if half {
                    edge.client = side("front");
                } else {
                    edge.server = side("back");
                }
            };
            let upsert = store.upsert(key(1), 0, update, nobody).unwrap();
            assert_eq!(upsert.is_new, half == client_first);
            assert_eq!(upsert.completed.is_some(), half != client_first);
            if let Some(edge) = upsert.completed {
                assert_eq!((edge.client, edge.server), (side("front"), side("back")));
            }
        }
        assert_eq!((store.len(), memory.used()), (0, 0));
    }
}

#[test]
fn edges_expire_oldest_first_and_only_after_their_time() {
    let mut store = store(10, &MemoryBudget::unlimited());
    for (number, now) in [(1, 0), (2, 5)] {
        store.upsert(key(number), now, |edge| edge.client = side("front"), nobody).unwrap();
    }
    assert_eq!(store.pop_expired(10), None);
    assert_eq!(store.pop_expired(11).map(|edge| edge.key), Some(key(1)));
    assert_eq!(store.pop_expired(11), None);
    // The other half comes too late, and begins another edge.
    let late = store.upsert(key(1), 12, |edge| edge.server = side("back"), nobody).unwrap();
    assert_eq!(late, Upsert { is_new: true, completed: None });
    assert_eq!(store.len(), 2);
}

#[test]
fn edges_that_have_ended_are_forgotten_and_others_keep_their_order() {
    let mut store = store(10_000, &MemoryBudget::unlimited());
    let key = |number: u64| EdgeKey { trace_id: [1; 16], span_id: number.to_be_bytes() };
    for number in 1..5_000 {
        store.upsert(key(number), number, |edge| edge.client = side("front"), nobody).unwrap();
        if number % 100 != 0 {
            let update = |edge: &mut Edge| edge.server = side("back");
            assert!(store.upsert(key(number), number, update, nobody).unwrap().completed.is_some());
        }
        assert!(store.order.len() <= 2 * (store.len() + 1) + ENDED_MAX);
    }
    let left = std::iter::from_fn(|| store.pop_expired(u64::MAX)).map(|edge| edge.key);
    assert!(left.eq((1..50).map(|hundred| key(hundred * 100))));
    assert_eq!((store.len(), store.order.len()), (0, 0));
}

#[test]
fn a_full_store_drops_what_is_new_unless_the_oldest_has_expired() {
    let mut store = store(1, &MemoryBudget::unlimited());
    store.upsert(key(1), 0, |edge| edge.client = side("front"), nobody).unwrap();
    let full = store.upsert(key(2), 5, |edge| edge.client = side("front"), nobody);
    assert_eq!(full, Err(StoreFull));
    // What is complete at once needs no room.
    let query = |edge: &mut Edge| {
        edge.client = side("front");
        edge.server = side("db");
    };
    assert!(store.upsert(key(3), 5, query, nobody).unwrap().completed.is_some());
    let mut made_room = None;
    let update = |edge: &mut Edge| edge.client = side("front");
    store.upsert(key(2), 11, update, |edge| made_room = Some(edge.key)).unwrap();
    assert_eq!((made_room, store.len()), (Some(key(1)), 1));
}

#[test]
fn memory_is_a_limit_too() {
    let memory = MemoryBudget::new("test", 1500);
    let mut store = store(10, &memory);
    let long = "x".repeat(300);
    assert!(store.upsert(key(1), 0, |edge| edge.client = side(&long), nobody).is_ok());
    assert_eq!(store.upsert(key(2), 0, |edge| edge.client = side(&long), nobody), Err(StoreFull));
    // An edge that grows beyond what there is goes.
    let longer = "x".repeat(1300);
    assert_eq!(store.upsert(key(1), 0, |edge| edge.client = side(&longer), nobody), Err(StoreFull));
    assert_eq!((store.len(), memory.used()), (0, 0));
}

#[test]
fn an_edge_stands_for_what_its_rarer_half_does() {
    let mut edge = Edge::new(key(1));
    for (count, expected) in
        [(None, None), (Some(4.0), Some(4.0)), (None, Some(4.0)), (Some(2.0), Some(4.0))]
    {
        edge.adjust(count);
        assert_eq!(edge.adjusted_count, expected);
    }
}
