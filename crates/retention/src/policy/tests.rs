//! Decisions of policies on small traces at given ages.

use super::test_trace::{DAY, ENDED, SECOND, failed, slow, trace};
use super::*;
use crate::PolicyFile;
use DropReason::{Expired, NotSampled, Unmatched};

/// Randomness that no sampling rule of these tests lets pass, and one that all do.
const LOW: u64 = 0;
const HIGH: u64 = 0x00ff_ffff_ffff_ffff;

fn policy(text: &str) -> Policy {
    Policy::clone(PolicyFile::parse(text).unwrap().default_policy().unwrap())
}

/// The one of the documentation.
fn example() -> Policy {
    policy(
        "
default:
  - { name: everything, match: '{}', keep: 2d }
  - { name: errors, match: '{ status = error }', keep: 30d }
  - { name: slow, match: '{ traceDuration > 5s }', keep: 30d }
  - { name: baseline, match: '{}', keep: 30d, fraction: 0.01 }
",
    )
}

fn kept(rule: usize, until_days: i64, threshold: Option<&str>) -> Decision {
    Decision::Keep {
        until_unix_nanos: ENDED + until_days * DAY,
        threshold: threshold.map(|text| Threshold::parse(text).unwrap()),
        rule: Some(rule),
    }
}

fn dropped(rule: Option<usize>, reason: DropReason) -> Decision {
    Decision::Drop { rule, reason }
}

#[test]
fn a_trace_is_kept_by_the_rule_that_keeps_it_longest() {
    let policy = example();
    let decide = |trace: &Trace, age: i64| policy.decide(trace, ENDED, ENDED + age);
    let (low, high) = (trace(LOW), trace(HIGH));

    assert_eq!(decide(&low, DAY), kept(0, 2, None));
    assert_eq!(decide(&high, DAY), kept(3, 30, None));
    assert_eq!(decide(&failed(low.clone()), DAY), kept(1, 30, None));
    assert_eq!(decide(&slow(low.clone()), DAY), kept(2, 30, None));

    assert_eq!(decide(&low, 2 * DAY - 1), kept(0, 2, None));
    assert_eq!(decide(&low, 2 * DAY), dropped(Some(3), NotSampled));
    assert_eq!(decide(&high, 2 * DAY), kept(3, 30, Some("fd70a")));
    assert_eq!(decide(&failed(low.clone()), 2 * DAY), kept(1, 30, None));
    assert_eq!(decide(&failed(high.clone()), 2 * DAY), kept(1, 30, None));

    assert_eq!(decide(&high, 30 * DAY), dropped(Some(3), Expired));
    assert_eq!(decide(&failed(high), 30 * DAY), dropped(Some(1), Expired));
}

#[test]
fn the_highest_fraction_in_force_decides() {
    let policy = policy(
        "
default:
  - { name: half, match: '{}', keep: 10d, fraction: 0.5 }
  - { name: quarter, match: '{ status = error }', keep: 5d, fraction: 0.75 }
  - { name: few, match: '{}', keep: 30d, fraction: 0.25 }
",
    );
    let at =
        |number: u64, age_days: i64| policy.decide(&trace(number), ENDED, ENDED + age_days * DAY);
    let middle = 0x00a0_0000_0000_0000;
    assert_eq!(at(middle, 1), kept(0, 10, Some("8")));
    assert_eq!(at(HIGH, 1), kept(2, 30, Some("8")));
    assert_eq!(at(middle, 10), dropped(Some(2), NotSampled));
    assert_eq!(at(HIGH, 10), kept(2, 30, Some("c")));
    let failing = failed(trace(0x0050_0000_0000_0000));
    assert_eq!(policy.decide(&failing, ENDED, ENDED + DAY), kept(1, 5, Some("4")));
}

#[test]
fn young_traces_wait() {
    let policy = policy(
        "
decision_wait: 2h
default:
  - { name: errors, match: '{ status = error }', keep: 3d }
",
    );
    let hour = 3600 * SECOND;
    let waits =
        |until: i64| Decision::Keep { until_unix_nanos: until, threshold: None, rule: None };
    let fine = trace(HIGH);
    assert_eq!(policy.decide(&fine, ENDED, ENDED - hour), waits(ENDED + 2 * hour));
    assert_eq!(policy.decide(&fine, ENDED, ENDED + 2 * hour - 1), waits(ENDED + 2 * hour));
    assert_eq!(policy.decide(&fine, ENDED, ENDED + 2 * hour), dropped(None, Unmatched));
    assert_eq!(policy.decide(&failed(fine.clone()), ENDED, ENDED), waits(ENDED + 3 * DAY));
    assert_eq!(policy.decide(&failed(fine), ENDED, ENDED + 2 * hour), kept(0, 3, None));
}

#[test]
fn no_end_is_no_end() {
    let policy = policy("default: [{ name: all, match: '{}', keep: forever }]");
    let decision = policy.decide(&trace(LOW), ENDED, i64::MAX - 1);
    let until_unix_nanos = FOREVER_NANOS;
    assert_eq!(decision, Decision::Keep { until_unix_nanos, threshold: None, rule: Some(0) });
    assert_eq!(policy.max_keep_nanos(), FOREVER_NANOS);
    assert_eq!(policy.next_deadline(ENDED, ENDED + DAY), None);
}

#[test]
fn a_filter_that_cannot_be_computed_keeps() {
    let policy = policy("default: [{ name: odd, match: '{ 1 / span.n = 1 }', keep: 2d }]");
    let mut odd = trace(LOW);
    odd.spans[0].attributes.push(spandrel_model::Attribute {
        key: "n".to_owned(),
        value: spandrel_model::AttributeValue::Int(0),
    });
    assert_eq!(policy.decide(&odd, ENDED, ENDED + DAY), kept(0, 2, None));
    assert_eq!(policy.decide(&trace(LOW), ENDED, ENDED + DAY), dropped(None, Unmatched));
}

#[test]
fn age_counts_from_the_later_of_both_times() {
    let trace = trace(LOW);
    assert_eq!(reference_unix_nanos(&trace, None), ENDED);
    assert_eq!(reference_unix_nanos(&trace, Some(ENDED - 5)), ENDED);
    // An old trace that was imported.
    assert_eq!(reference_unix_nanos(&trace, Some(ENDED + 100 * DAY)), ENDED + 100 * DAY);
    // A clock in another century.
    assert_eq!(reference_unix_nanos(&trace, Some(ENDED - 100 * DAY)), ENDED - 99 * DAY);
}

/// All deadlines of a trace, as ages.
fn deadlines(policy: &Policy) -> Vec<i64> {
    let mut ages = Vec::new();
    let mut now = i64::MIN;
    while let Some(deadline) = policy.next_deadline(ENDED, now) {
        ages.push(deadline - ENDED);
        now = deadline;
    }
    ages
}

#[test]
fn what_is_kept_changes_at_deadlines_only() {
    let hour = 3600 * SECOND;
    assert_eq!(deadlines(&example()), [2 * DAY, 30 * DAY]);
    assert_eq!(example().max_keep_nanos(), 30 * DAY);
    let sampling = policy(
        "
default:
  - { name: errors, match: '{ status = error }', keep: 5d }
  - { name: few, match: '{}', keep: 10d, fraction: 0.5 }
",
    );
    assert_eq!(deadlines(&sampling), [hour, 5 * DAY, 10 * DAY]);
    let traces = [trace(LOW), trace(HIGH), failed(trace(LOW)), slow(trace(HIGH))];
    let fate = |decision: Decision| match decision {
        Decision::Keep { threshold, .. } => Some(threshold),
        Decision::Drop { .. } => None,
    };
    for policy in [example(), sampling] {
        let mut ages = deadlines(&policy);
        ages.insert(0, 0);
        ages.push(90 * DAY);
        for (trace, between) in traces.iter().flat_map(|t| ages.windows(2).map(move |w| (t, w))) {
            let at = |age: i64| fate(policy.decide(trace, ENDED, ENDED + age));
            let [from, to] = between else { panic!("two ages") };
            for age in [from + 1, (from + to) / 2, to - 1] {
                assert_eq!(at(age), at(*from));
            }
        }
    }
}
