//! Decisions, bit for bit.

use std::collections::BTreeMap;

use spandrel_config::read_settings;

use super::decision::{Policy, Priority, Sampler};
use super::threshold::Threshold;
use super::*;
use crate::testing::{Recorder, batch, context, int, request, span, text};

fn settings(yaml: &str) -> ProbabilisticSamplerSettings {
    read_settings(yaml, ProbabilisticSamplerSettings::read).expect(yaml).0
}

fn trace_id(hex: &str) -> Vec<u8> {
    let byte = |i| u8::from_str_radix(&hex[i..i + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// Whether a trace is kept, and its trace state.
fn decide(yaml: &str, id: &str, trace_state: &str) -> (bool, Option<String>) {
    let sampler = Sampler::of(&settings(yaml));
    let decision = sampler.decide(&trace_id(id), trace_state, Priority::None);
    (decision.sampled, decision.trace_state)
}

#[test]
fn vectors() {
    let path = "../../../shared/suites/otel/vectors/sampling.json";
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: no conformance data at {path}");
        return;
    };
    let vectors: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut n_checked = 0;
    for case in vectors["probabilistic_sampler_hash_seed"]["cases"].as_array().expect("a list") {
        let id = case["trace_id"].as_str().expect("an id");
        let sampled: BTreeMap<String, bool> =
            serde_json::from_value(case["sampled"].clone()).expect("a map");
        for (percentage, sampled) in sampled {
            let seed = &case["hash_seed"];
            let yaml = format!("{{sampling_percentage: {percentage}, hash_seed: {seed}}}");
            assert_eq!(decide(&yaml, id, "").0, sampled, "{yaml} {id}");
            n_checked += 1;
        }
    }
    for case in vectors["consistent_threshold"]["cases"].as_array().expect("a list") {
        let probability = case["probability"].as_f64().expect("a number");
        let full = case["th_full_precision"].as_str().expect("digits");
        let threshold = Threshold::of_probability(probability, 14);
        assert_eq!(threshold.digits(), full, "{probability}");
        for (id, sampled) in case["sampled"].as_object().expect("a map") {
            let last = trace_id(id)[8..].try_into().map(u64::from_be_bytes).expect("8 bytes");
            let kept = threshold.keeps(last & ((1 << 56) - 1));
            assert_eq!(Some(kept), sampled.as_bool(), "{probability} {id}");
            n_checked += 1;
        }
    }
    assert!(n_checked > 150, "{n_checked}");
}

#[test]
fn trace_states() {
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let kept = |state: &str| (true, Some(state.to_owned()));
    for (yaml, before, after) in [
        ("{sampling_percentage: 50, mode: equalizing}", "", kept("ot=th:8")),
        ("{sampling_percentage: 50, mode: equalizing}", "ot=th:c;a:b,x=y", kept("ot=th:c;a:b,x=y")),
        ("{sampling_percentage: 25, mode: equalizing}", "ot=th:8", kept("ot=th:c")),
        ("{sampling_percentage: 50, mode: proportional}", "ot=th:8", kept("ot=th:c")),
        ("{sampling_percentage: 100, mode: proportional}", "", kept("ot=th:0")),
        // 3/8 of what is left of 1/2 is 3/16.
        ("{sampling_percentage: 37.5, mode: proportional}", "ot=th:8", (false, None)),
        ("{sampling_percentage: 50, mode: proportional}", "ot=rv:00000000000001", (false, None)),
        (
            "{sampling_percentage: 50, mode: proportional}",
            "ot=rv:80000000000000",
            kept("ot=rv:80000000000000;th:8"),
        ),
        // No sampler with that threshold would have kept it.
        ("{sampling_percentage: 50, mode: proportional}", "ot=th:fff", (false, None)),
        (
            "{sampling_percentage: 50, mode: proportional, fail_closed: false}",
            "ot=th:fff",
            kept("ot=th:0"),
        ),
        ("{sampling_percentage: 50, mode: proportional}", "ot=th:xyz", (false, None)),
        (
            "{sampling_percentage: 50, mode: proportional, fail_closed: false}",
            "ot=th:xyz",
            (true, None),
        ),
        // A hash is not consistent with what was sampled consistently.
        ("{sampling_percentage: 100}", "ot=th:0", (false, None)),
        ("{sampling_percentage: 100, fail_closed: false}", "ot=th:4", (true, None)),
        ("{sampling_percentage: 0}", "", (false, None)),
    ] {
        let (sampled, state) = decide(yaml, id, before);
        assert_eq!((sampled, state), after, "{yaml} {before}");
    }
    let (_, state) = decide("{sampling_percentage: 10}", id, "");
    // Bucket 141 of 16384, which is 16242 from the other end.
    let state = state.expect("kept");
    assert!(state.starts_with("ot=rv:fdc") && state.ends_with("8d;th:e668"), "{state}");
}

#[test]
fn precision_is_kept_where_it_matters() {
    for (probability, precision, digits) in [
        (0.01, 4, "fd70a"),
        (0.01, 3, "fd71"),
        (1.0 / 3.0, 3, "aab"),
        (1.0 / 3.0, 14, "aaaaaaaaaaaaac"),
        (0.999, 3, "00419"),
        (0.5, 1, "8"),
    ] {
        assert_eq!(Threshold::of_probability(probability, precision).digits(), digits);
    }
}

#[test]
fn a_missing_trace_id_is_no_randomness() {
    for (yaml, sampled) in [
        ("{sampling_percentage: 100}", false),
        ("{sampling_percentage: 100, fail_closed: false}", true),
        ("{sampling_percentage: 100, mode: equalizing}", false),
    ] {
        let sampler = Sampler::of(&settings(yaml));
        for id in [&[][..], &[0; 16]] {
            let decision = sampler.decide(id, "", Priority::None);
            assert_eq!((decision.policy, decision.sampled), (Policy::Missing, sampled), "{yaml}");
        }
    }
}

#[test]
fn mistakes() {
    for (yaml, message) in [
        ("sampling_percentage: -15.3", "must not be negative"),
        ("sampling_percentage: .000000000000001", "too small"),
        ("{sampling_percentage: 1, sampling_precision: 15}", "from 1 to 14"),
        ("{sampling_percentage: 1, mode: equalising}", "equalizing"),
    ] {
        let read = read_settings(yaml, ProbabilisticSamplerSettings::read);
        let problems = read.expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
}

#[tokio::test(start_paused = true)]
async fn priority_overrules_and_all_is_accounted_for() {
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let context = context("probabilistic_sampler");
    let account = context.account.clone();
    for percentage in [0, 100] {
        let settings =
            settings(&format!("{{sampling_percentage: {percentage}, mode: equalizing}}"));
        let consumer = Arc::clone(&consumer);
        let processor = ProbabilisticSamplerProcessor::new(settings, consumer, context.clone());
        let spans = request(
            "shop",
            vec![
                span("keep", [(PRIORITY_KEY, int(1))]),
                span("keep too", [(PRIORITY_KEY, text("0.5"))]),
                span("drop", [(PRIORITY_KEY, int(0))]),
                span("depends", [(PRIORITY_KEY, text("x"))]),
                span("depends", []),
            ],
        );
        let processor = processor.expect("built");
        let answer = processor.consume(batch(&spans)).await.expect("taken");
        assert_eq!(answer.accepted_spans, 5);
    }
    let names = next.requests().into_iter().map(|request| {
        let spans = request.resource_spans.into_iter().flat_map(|r| r.scope_spans);
        spans.flat_map(|scope| scope.spans).map(|s| (s.name, s.trace_state)).collect::<Vec<_>>()
    });
    let of = |name: &str, state: &str| (name.to_owned(), state.to_owned());
    let expected = [
        vec![of("keep", "ot=th:0"), of("keep too", "ot=th:0")],
        vec![
            of("keep", "ot=th:0"),
            of("keep too", "ot=th:0"),
            of("depends", "ot=th:0"),
            of("depends", "ot=th:0"),
        ],
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    assert_eq!(account.totals().sampled_out, 4);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handed_on_when_nothing_is_left() {
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let settings = settings("sampling_percentage: 0");
    let processor =
        ProbabilisticSamplerProcessor::new(settings, consumer, context("p")).expect("built");
    let answer = processor.consume(batch(&request("shop", vec![span("s", [])]))).await;
    assert_eq!(answer.map(|accepted| accepted.accepted_spans), Ok(1));
    assert!(next.batches.lock().is_empty());
}

/// The file says how the Collector was asked.
#[test]
fn decisions_are_those_of_the_collector() {
    let lines = std::fs::read_to_string("tests/data/probabilistic_sampler.tsv").expect("a file");
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [mode, percentage, seed, fail_closed, precision, id, state, priority, result] =
            fields[..]
        else {
            panic!("{line}");
        };
        let yaml = format!(
            "{{mode: {mode}, sampling_percentage: {percentage}, hash_seed: {seed}, \
             fail_closed: {fail_closed}, sampling_precision: {precision}}}"
        );
        let priority = match priority {
            "" => Priority::None,
            "0" => Priority::Drop,
            _ => Priority::Keep,
        };
        let decision = Sampler::of(&settings(&yaml)).decide(&trace_id(id), state, priority);
        let state = decision.trace_state.unwrap_or_else(|| state.to_owned());
        let ours = if decision.sampled { format!("kept {state}") } else { "dropped".to_owned() };
        assert_eq!(ours, result, "{line}");
    }
}
