//! Budgets and their parts: sums, limits, precedence.

use super::*;

#[test]
fn reservations_never_exceed_the_limit_and_come_back() {
    let budget = MemoryBudget::new("all", 100);
    let mut first = budget.try_reserve(60).expect("it fits");
    let mut second = budget.try_reserve(40).expect("it fits");
    let refused = second.try_grow(1).expect_err("nothing is left");
    let expected = MemoryExhausted { budget: "all", asked: 1, used: 100, limit: 100 };
    assert_eq!(refused, expected);
    assert_eq!(refused.to_string(), "all: 100 B of 100 B are used, another 1 B do not fit");
    assert!(!refused.is_permanent());
    assert!(!budget.has_room_for(1));
    first.shrink_to(50);
    assert!(budget.has_room_for(10) && !budget.has_room_for(11));
    second.try_grow(10).expect("it fits");
    assert_eq!((first.bytes(), second.bytes()), (50, 50));
    drop(first);
    let wrapping = second.try_grow(usize::MAX).expect_err("the sum must not wrap around");
    assert!(wrapping.is_permanent());
    drop(second);
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_limit_anywhere_above_refuses_and_leaves_nothing_behind() {
    let root = MemoryBudget::new("root", 100);
    let (left, right) = (root.part("left", 80), root.part("right", 80));
    let leaf = left.part("leaf", 70);
    let held = leaf.try_reserve(60).expect("it fits");
    assert_eq!([root.used(), left.used(), right.used(), leaf.used()], [60, 60, 0, 60]);
    assert_eq!(leaf.try_reserve(11).expect_err("too much for it").budget, "leaf");
    assert_eq!(left.try_reserve(21).expect_err("too much for it").budget, "left");
    assert_eq!(right.try_reserve(41).expect_err("too much for all").budget, "root");
    assert!(right.has_room_for(40) && !right.has_room_for(41));
    assert_eq!([root.used(), left.used(), right.used(), leaf.used()], [60, 60, 0, 60]);
    drop(held);
    assert_eq!([root.used(), left.used(), leaf.used()], [0, 0, 0]);
}

#[test]
fn who_leaves_room_is_refused_first() {
    let root = MemoryBudget::new("root", 100);
    let (ingest, query) = (root.part("ingest", 100), root.part_leaving("query", 50, 20));
    let one_query = query.part("one query", 30);
    let _spans = ingest.try_reserve(60).expect("it fits");
    let columns = one_query.try_reserve(20).expect("twenty bytes are left");
    let refused = one_query.try_reserve(1).expect_err("the rest is for ingest");
    assert_eq!((refused.budget, refused.limit), ("root", 80));
    ingest.try_reserve(20).expect("ingest may take the last byte");
    drop(columns);
}

#[test]
fn what_is_there_counts_even_above_the_limit() {
    let root = MemoryBudget::new("root", 100);
    let part = root.part("part", 50);
    let mut held = part.reserve_anyway(120);
    assert_eq!((root.used(), part.used()), (120, 120));
    assert!(root.try_reserve(1).is_err());
    held.set_anyway(10);
    assert_eq!((root.used(), part.used(), held.bytes()), (10, 10, 10));
    part.set_limit(5);
    assert!(part.try_reserve(1).is_err());
    part.set_limit(usize::MAX);
    part.try_reserve(90).expect("up to the limit of the root");
}
