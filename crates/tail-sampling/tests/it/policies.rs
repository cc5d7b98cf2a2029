//! Policies as tests write them: as YAML for the processor, as values for the model. And what each of them does in
//! the cases where it is easy to be wrong.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::trace::Span;

use crate::TestResult;
use crate::fixture::{
    NOW_UNIX_NANOS, Options, Site, child, request, root, text, with, with_status,
};

/// A policy.
#[derive(Debug, Clone)]
pub(crate) enum Policy {
    Always,
    Latency {
        threshold: i64,
        upper: i64,
    },
    Numeric {
        key: &'static str,
        min: i64,
        max: i64,
        invert: bool,
    },
    Text {
        key: &'static str,
        values: Vec<String>,
        regex: bool,
        invert: bool,
    },
    Boolean {
        key: &'static str,
        value: bool,
        invert: bool,
    },
    Status(Vec<&'static str>),
    Probabilistic {
        percentage: u32,
        salt: &'static str,
    },
    Limit(Limit),
    SpanCount {
        min: u64,
        max: u64,
    },
    TraceState {
        key: &'static str,
        value: &'static str,
    },
    TraceFlags,
    And(Vec<Policy>),
    Not(Box<Policy>),
    Drop(Vec<Policy>),
    /// With percentages.
    Composite {
        total: u64,
        subs: Vec<(Policy, u64)>,
    },
}

/// A token bucket; `number` tells apart those with equal limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Limit {
    pub(crate) bytes: bool,
    pub(crate) per_second: u64,
    pub(crate) burst: u64,
    pub(crate) number: u32,
}

impl Policy {
    /// In flow style, on one line.
    pub(crate) fn yaml(&self, name: &str) -> String {
        let list = |subs: &[Self]| {
            let subs = subs.iter().enumerate().map(|(i, sub)| sub.yaml(&format!("sub{i}")));
            subs.collect::<Vec<_>>().join(", ")
        };
        let (kind, body) = match self {
            Self::Always => ("always_sample", String::new()),
            Self::TraceFlags => ("trace_flags", String::new()),
            Self::Latency { threshold, upper } => {
                ("latency", format!("threshold_ms: {threshold}, upper_threshold_ms: {upper}"))
            }
            Self::Numeric { key, min, max, invert } => (
                "numeric_attribute",
                format!("key: {key}, min_value: {min}, max_value: {max}, invert_match: {invert}"),
            ),
            Self::Text { key, values, regex, invert } => {
                let values = values.join("', '");
                let regex = format!("enabled_regex_matching: {regex}");
                let body =
                    format!("key: {key}, values: ['{values}'], {regex}, invert_match: {invert}");
                ("string_attribute", body)
            }
            Self::Boolean { key, value, invert } => {
                ("boolean_attribute", format!("key: {key}, value: {value}, invert_match: {invert}"))
            }
            Self::Status(codes) => ("status_code", format!("status_codes: [{}]", codes.join(", "))),
            Self::Probabilistic { percentage, salt } => {
                ("probabilistic", format!("sampling_percentage: {percentage}, hash_salt: '{salt}'"))
            }
            Self::Limit(Limit { bytes, per_second, burst, .. }) => {
                let (kind, key) = if *bytes {
                    ("bytes_limiting", "bytes_per_second")
                } else {
                    ("rate_limiting", "spans_per_second")
                };
                (kind, format!("{key}: {per_second}, burst_capacity: {burst}"))
            }
            Self::SpanCount { min, max } => {
                ("span_count", format!("min_spans: {min}, max_spans: {max}"))
            }
            Self::TraceState { key, value } => {
                ("trace_state", format!("key: {key}, values: [{value}]"))
            }
            Self::And(subs) => ("and", format!("and_sub_policy: [{}]", list(subs))),
            Self::Drop(subs) => ("drop", format!("drop_sub_policy: [{}]", list(subs))),
            Self::Not(sub) => ("not", format!("not_sub_policy: {}", sub.yaml("sub"))),
            Self::Composite { total, subs } => {
                let shares = subs.iter().enumerate();
                let shares = shares
                    .map(|(i, (_, percent))| format!("{{policy: sub{i}, percent: {percent}}}"));
                let shares = shares.collect::<Vec<_>>().join(", ");
                let policies: Vec<Self> = subs.iter().map(|(policy, _)| policy.clone()).collect();
                let subs = list(&policies);
                let body = format!(
                    "max_total_spans_per_second: {total}, composite_sub_policy: [{subs}], \
                     rate_allocation: [{shares}]"
                );
                ("composite", body)
            }
        };
        if body.is_empty() {
            return format!("{{name: {name}, type: {kind}}}");
        }
        format!("{{name: {name}, type: {kind}, {kind}: {{{body}}}}}")
    }

    /// Whether what it says depends on what it was asked before.
    pub(crate) fn has_memory(&self) -> bool {
        match self {
            Self::Limit(_) | Self::Composite { .. } => true,
            Self::And(subs) | Self::Drop(subs) => subs.iter().any(Self::has_memory),
            Self::Not(sub) => sub.has_memory(),
            _ => false,
        }
    }

    /// Whether it may be used with `span-ingest`.
    pub(crate) fn can_judge_parts(&self) -> bool {
        match self {
            Self::Latency { upper, .. } => *upper == 0,
            Self::SpanCount { max, .. } => *max == 0,
            Self::And(subs) | Self::Drop(subs) => subs.iter().all(Self::can_judge_parts),
            Self::Not(sub) => sub.can_judge_parts(),
            policy => !policy.has_memory(),
        }
    }
}

fn leaf() -> impl Strategy<Value = Policy> {
    let key = || select(vec!["service.name", "tier", "http.status", "debug", "shard", "absent"]);
    let words = || {
        let words = ["gold", "free", "checkout", "cart", "e", "old"].map(str::to_owned).to_vec();
        subsequence(words, 1..4)
    };
    let limit = (any::<bool>(), 1_u64..40, 1_u64..60, any::<u32>());
    prop_oneof![
        1 => Just(Policy::Always),
        2 => (0_i64..5000, prop_oneof![Just(0), 1_i64..9000])
            .prop_map(|(threshold, upper)| Policy::Latency { threshold, upper }),
        2 => (key(), -1_i64..500, 1_i64..600, any::<bool>()).prop_map(|(key, min, max, invert)| {
            // 0 means that there is no bound.
            Policy::Numeric { key, min: if min == 0 { 1 } else { min }, max, invert }
        }),
        4 => (key(), words(), any::<bool>(), any::<bool>()).prop_map(
            |(key, values, regex, invert)| Policy::Text { key, values, regex, invert }
        ),
        2 => (key(), any::<bool>(), any::<bool>())
            .prop_map(|(key, value, invert)| Policy::Boolean { key, value, invert }),
        2 => subsequence(vec!["OK", "ERROR", "UNSET"], 1..3).prop_map(Policy::Status),
        2 => (0_u32..=100, select(vec!["a", "b"]))
            .prop_map(|(percentage, salt)| Policy::Probabilistic { percentage, salt }),
        1 => limit.prop_map(|(bytes, per_second, burst, number)| {
            let scale = if bytes { 100 } else { 1 };
            let (per_second, burst) = (per_second * scale, burst * scale);
            Policy::Limit(Limit { bytes, per_second, burst, number })
        }),
        1 => (0_u64..8, prop_oneof![Just(0), 1_u64..12])
            .prop_map(|(min, max)| Policy::SpanCount { min, max }),
        1 => select(vec!["x", "y"]).prop_map(|value| Policy::TraceState { key: "vendor", value }),
        1 => Just(Policy::TraceFlags),
    ]
}

fn sub() -> impl Strategy<Value = Policy> {
    prop_oneof![
        4 => leaf(),
        1 => leaf().prop_map(|policy| Policy::Not(Box::new(policy))),
        1 => prop::collection::vec(leaf(), 1..3).prop_map(Policy::And),
    ]
}

/// Any policy.
pub(crate) fn policy() -> impl Strategy<Value = Policy> {
    let subs = || prop::collection::vec(sub(), 1..4);
    prop_oneof![
        8 => leaf(),
        2 => subs().prop_map(Policy::And),
        1 => sub().prop_map(|policy| Policy::Not(Box::new(policy))),
        1 => subs().prop_map(Policy::Drop),
        1 => (1_u64..60, prop::collection::vec((sub(), 1_u64..=100), 1..4))
            .prop_map(|(total, subs)| Policy::Composite { total, subs }),
    ]
}

/// Whether a trace of these spans is sampled by one policy, given as YAML.
async fn samples(policy: &str, spans: impl IntoIterator<Item = Span>) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let yaml = format!("decision_wait: 1s\npolicies: [{policy}]");
    let site = Site::start(Options::new(&yaml, dir.path())).await;
    site.send(&request(spans)).await.unwrap();
    site.pass(Duration::from_secs(2)).await;
    site.assert_adds_up();
    !site.sink.take_spans().is_empty()
}

fn lasting(micros: u64) -> Span {
    Span { end_time_unix_nano: NOW_UNIX_NANOS + micros * 1000, ..root(1, "") }
}

/// A policy and whether it samples each of some traces of one span.
type Case<'c> = (&'c str, Vec<(Span, bool)>);

fn attribute_cases<'c>() -> Vec<Case<'c>> {
    let number = |n| with(root(1, ""), "n", Value::IntValue(n));
    let tier = |tier| with(root(1, ""), "tier", text(tier));
    let flag = |flag| with(root(1, ""), "flag", Value::BoolValue(flag));
    vec![
        (
            "{name: p, type: numeric_attribute, numeric_attribute: {key: n, min_value: 5, max_value: 7}}",
            vec![
                (number(4), false),
                (number(5), true),
                (number(7), true),
                (number(8), false),
                (with(root(1, ""), "n", text("6")), false),
                (with(root(1, ""), "n", Value::DoubleValue(6.0)), false),
                (root(1, ""), false),
            ],
        ),
        (
            "{name: p, type: numeric_attribute, numeric_attribute: {key: n, max_value: -3, invert_match: true}}",
            vec![(number(i64::MIN), false), (number(-2), true), (root(1, ""), true)],
        ),
        (
            "{name: p, type: string_attribute, string_attribute: {key: tier, values: [gold, '']}}",
            vec![
                (tier("gold"), true),
                (tier("gold "), false),
                (tier(""), false),
                (root(1, ""), false),
            ],
        ),
        (
            "{name: p, type: string_attribute, string_attribute: {key: tier, values: ['^g.l', '\\d{2}$'], enabled_regex_matching: true}}",
            vec![
                (tier("golden"), true),
                (tier("a42"), true),
                (tier("a4"), false),
                (tier("\u{664}\u{664}"), false),
            ],
        ),
        (
            "{name: p, type: string_attribute, string_attribute: {key: service.name, values: [checkout]}}",
            vec![(root(1, ""), true)],
        ),
        (
            "{name: p, type: string_attribute, string_attribute: {key: tier, values: [gold], invert_match: true}}",
            vec![(tier("gold"), false), (tier("free"), true), (root(1, ""), true)],
        ),
        (
            "{name: p, type: boolean_attribute, boolean_attribute: {key: flag, value: false}}",
            vec![
                (flag(false), true),
                (flag(true), false),
                (with(root(1, ""), "flag", text("")), false),
            ],
        ),
    ]
}

fn span_cases<'c>() -> Vec<Case<'c>> {
    let state = |state: &str| Span { trace_state: state.to_owned(), ..root(1, "") };
    vec![
        (
            "{name: p, type: latency, latency: {threshold_ms: 10}}",
            vec![(lasting(10_999), false), (lasting(11_000), true)],
        ),
        (
            "{name: p, type: latency, latency: {threshold_ms: 10, upper_threshold_ms: 20}}",
            vec![(lasting(11_000), true), (lasting(20_999), true), (lasting(21_000), false)],
        ),
        (
            "{name: p, type: status_code, status_code: {status_codes: [UNSET]}}",
            vec![
                (root(1, ""), true),
                (with_status(root(1, ""), 1), false),
                (with_status(root(1, ""), 99), false),
            ],
        ),
        (
            "{name: p, type: trace_state, trace_state: {key: vendor, values: [a, b]}}",
            vec![
                (state("x=1, vendor=b"), true),
                (state("vendor=c,vendor=a"), false),
                (state("xvendor=a"), false),
                (state(""), false),
            ],
        ),
        (
            "{name: p, type: trace_flags}",
            vec![
                (Span { flags: 0x101, ..root(1, "") }, true),
                (Span { flags: 0x302, ..root(1, "") }, false),
            ],
        ),
        (
            "{name: p, type: and, and: {and_sub_policy: [{name: s, type: not, not: {not_sub_policy: {name: t, type: trace_flags}}}]}}",
            vec![(root(1, ""), true), (Span { flags: 1, ..root(1, "") }, false)],
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn policies_at_their_edges() {
    for (policy, spans) in attribute_cases().into_iter().chain(span_cases()) {
        for (span, expected) in spans {
            assert_eq!(samples(policy, [span.clone()]).await, expected, "{policy}\n{span:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn counts_of_spans_are_inclusive() {
    let policy = "{name: p, type: span_count, span_count: {min_spans: 2, max_spans: 3}}";
    for (n_spans, expected) in [(1, false), (2, true), (3, true), (4, false)] {
        let spans = (0..n_spans).map(|_| child(1, ""));
        assert_eq!(samples(policy, spans).await, expected, "{n_spans}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drop_wins_wherever_it_stands() {
    let policies = "{name: all, type: always_sample}, {name: d, type: drop, drop: {drop_sub_policy: \
        [{name: a, type: trace_flags}, {name: b, type: status_code, status_code: {status_codes: [OK]}}]}}";
    let flagged = Span { flags: 1, ..root(1, "") };
    assert!(!samples(policies, [with_status(flagged.clone(), 1)]).await);
    assert!(samples(policies, [flagged]).await);
}

#[tokio::test(start_paused = true)]
async fn ottl_conditions_look_at_spans_and_events() -> TestResult {
    use spandrel_proto::otlp::trace::span::Event;
    let policy = r#"{name: p, type: ottl_condition, ottl_condition: {error_mode: ignore,
        span: ['attributes["tier"] == "gold"', 'span.name == "pay" and resource.attributes["service.name"] == "checkout"'],
        spanevent: ['name == "exception"']}}"#;
    let event = |name: &str| Event { name: name.to_owned(), ..Event::default() };
    let with_event = |name| Span { events: vec![event("x"), event(name)], ..root(1, "") };
    for (span, expected) in [
        (with(root(1, ""), "tier", text("gold")), true),
        (root(1, "pay"), true),
        (root(1, "play"), false),
        (with_event("exception"), true),
        (with_event("y"), false),
    ] {
        assert_eq!(samples(policy, [span.clone()]).await, expected, "{span:?}");
    }
    Ok(())
}
