//! The settings: what is accepted, what is refused, and with which words.

use std::time::Duration;

use spandrel_config::read_settings;
use spandrel_tail_sampling::TailSamplingSettings;
use spandrel_tail_sampling::settings::{PolicyKind, SamplingStrategy, SpillSettings};

use crate::fixture::settings;

/// The problems, or else the warnings.
fn findings(yaml: &str) -> Result<Vec<String>, Vec<String>> {
    match read_settings(yaml, TailSamplingSettings::read) {
        Ok((_, warnings)) => Ok(warnings.iter().map(ToString::to_string).collect()),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

fn assert_refused(yaml: &str, words: &[&str]) {
    let found = findings(yaml).expect_err(yaml);
    let text = found.join("\n");
    assert!(words.iter().all(|word| text.contains(word)), "{yaml}\n{text}");
}

fn assert_warns(yaml: &str, words: &[&str]) {
    let found = findings(yaml).unwrap_or_else(|problems| panic!("{yaml}\n{problems:?}"));
    let text = found.join("\n");
    assert!(words.iter().all(|word| text.contains(word)), "{yaml}\n{text}");
}

#[test]
fn defaults_are_those_of_the_collector() {
    let read = settings("policies: [{name: a, type: always_sample}]");
    assert_eq!(read.decision_wait, Duration::from_secs(30));
    assert_eq!(read.decision_wait_after_root_received, Duration::ZERO);
    assert_eq!((read.num_traces, read.num_shards, read.memory_limit_mib), (None, None, None));
    assert_eq!(read.sampling_strategy, SamplingStrategy::TraceComplete);
    assert_eq!((read.spill, read.use_tracestate, read.sample_on_first_match), (None, false, false));
    let read = settings("spill:\npolicies: [{name: a, type: always_sample}]");
    assert_eq!(read.spill, Some(SpillSettings { directory: None, max_size_mib: 4096 }));
    let limit = "policies: [{name: a, type: rate_limiting, rate_limiting: {spans_per_second: 10}}]";
    let PolicyKind::RateLimiting(limit) = settings(limit).policies[0].kind else { panic!() };
    assert_eq!((limit.per_second, limit.burst_capacity), (10, 20));
}

/// The README of the Collector has this example, and the Collector refuses it as well.
#[test]
fn settings_under_the_key_of_another_type_are_refused() {
    let policy = "{name: team_a, type: boolean_attribute, string_attribute: {key: app.do_not_sample, value: true}}";
    let words = ["type: boolean_attribute", "`string_attribute: {key, value}`", "rename the key"];
    assert_refused(&format!("policies: [{policy}]"), &words);
    let drop =
        format!("policies: [{{name: d, type: drop, drop: {{drop_sub_policy: [{policy}]}}}}]");
    assert_refused(&drop, &words);
}

#[test]
fn mistakes_are_named() {
    let one = |policy: &str| format!("policies: [{{name: p, {policy}}}]");
    let cases: [(String, &[&str]); 16] = [
        (one("type: probabilistc"), &["probabilistc", "did you mean `probabilistic`?"]),
        (one("type: latency"), &["needs its settings under `latency:`"]),
        (one("type: latency, latency: {threshold: 5}"), &["threshold"]),
        (one("type: status_code, status_code: {}"), &["status_codes"]),
        (
            one("type: status_code, status_code: {status_codes: [error]}"),
            &["`error`", "OK, ERROR, UNSET"],
        ),
        (
            one(
                "type: string_attribute, string_attribute: {key: a, values: ['('], enabled_regex_matching: true}",
            ),
            &["`(`"],
        ),
        (one("type: trace_state, trace_state: {key: a}"), &["values"]),
        (one("type: and, and: {}"), &["and_sub_policy", "at least one"]),
        (one("type: not, not: {}"), &["not_sub_policy"]),
        (
            one("type: and, and: {and_sub_policy: [{name: q, type: drop, drop: {}}]}"),
            &["`drop` cannot stand below"],
        ),
        (one("type: ottl_condition, ottl_condition: {}"), &["`span` or `spanevent`"]),
        ("policies: [{type: always_sample}]".to_owned(), &["name"]),
        (
            "policies: [{name: a, type: always_sample}, {name: a, type: trace_flags}]".to_owned(),
            &["two policies", "`a`"],
        ),
        ("num_shards: 257".to_owned(), &["num_shards", "1 to 256"]),
        ("sampling_strategy: spans".to_owned(), &["`spans`", "trace-complete"]),
        ("decision_wayt: 3s".to_owned(), &["decision_wayt"]),
    ];
    for (yaml, words) in cases {
        assert_refused(&yaml, words);
    }
}

#[test]
fn parts_cannot_be_judged_by_what_needs_whole_traces() {
    let with =
        |policy: &str| format!("sampling_strategy: span-ingest\npolicies: [{{name: p, {policy}}}]");
    for (policy, word) in [
        ("type: rate_limiting, rate_limiting: {spans_per_second: 5}", "rate_limiting"),
        ("type: bytes_limiting, bytes_limiting: {bytes_per_second: 5}", "bytes_limiting"),
        ("type: latency, latency: {threshold_ms: 1, upper_threshold_ms: 5}", "upper_threshold_ms"),
        (
            "type: and, and: {and_sub_policy: [{name: s, type: span_count, span_count: {max_spans: 5}}]}",
            "max_spans",
        ),
    ] {
        assert_refused(&with(policy), &["policy `p`", word, "span-ingest"]);
    }
    assert!(findings(&with("type: latency, latency: {threshold_ms: 1}")).is_ok());
}

#[test]
fn what_has_no_effect_is_said() {
    let composite = "policies: [{name: c, type: composite, composite: {max_total_spans_per_second: 100, \
        policy_order: [b, a], rate_allocation: [{policy: a, percent: 50}], \
        composite_sub_policy: [{name: a, type: always_sample}, {name: b, type: trace_flags}]}}]";
    assert_warns(composite, &["policy_order", "not followed", "`b` has no share"]);
    assert_warns("decision_wait: 1s", &["without policies no trace is sampled"]);
    assert_warns(
        "tail_storage: redis\npolicies: [{name: a, type: always_sample}]",
        &["tail_storage", "spill"],
    );
    let both = "policies: [{name: a, type: trace_flags, latency: {threshold_ms: 4}}]";
    assert_warns(both, &["latency", "is not read"]);
}
