//! Thresholds in `tracestate`: the sub-keys `th` and `rv` of OpenTelemetry's entry `ot`.
//!
//! Other vendors' entries are kept as they are and in their order; the changed entry moves to the front, as
//! the W3C wants it. When the text would get longer than allowed, long entries go first, then those on the
//! right. Texts come from senders: what cannot be read counts as absent.

use std::borrow::Cow;

use spandrel_model::Trace;

use crate::{Randomness, Threshold};

/// The key of OpenTelemetry's entry.
const KEY: &str = "ot";
/// Characters of a whole tracestate that everybody must pass on.
const STATE_CHARS_MAX: usize = 512;
/// Entries of a tracestate.
const ENTRIES_MAX: usize = 32;
/// Entries longer than this are the first to go.
const LONG_ENTRY_CHARS: usize = 128;
/// Characters of the value of an entry.
const VALUE_CHARS_MAX: usize = 256;

/// The entries of a tracestate, without blanks around them.
fn entries(trace_state: &str) -> impl Iterator<Item = &str> {
    trace_state.split(',').map(|entry| entry.trim_matches([' ', '\t'])).filter(|e| !e.is_empty())
}

/// The value of an entry if it is OpenTelemetry's.
fn own_value(entry: &str) -> Option<&str> {
    entry.strip_prefix(KEY)?.strip_prefix('=')
}

/// The sub-keys of OpenTelemetry's entry with their values, as `key:value`.
fn pairs(trace_state: &str) -> impl Iterator<Item = &str> {
    let value = entries(trace_state).find_map(own_value);
    value.into_iter().flat_map(|value| value.split(';')).filter(|pair| !pair.is_empty())
}

fn pair_value<'a>(trace_state: &'a str, key: &str) -> Option<&'a str> {
    pairs(trace_state).find_map(|pair| pair.strip_prefix(key)?.strip_prefix(':'))
}

/// The threshold with which the span was sampled so far; `None` when it does not say.
pub fn threshold_of(trace_state: &str) -> Option<Threshold> {
    pair_value(trace_state, "th").and_then(Threshold::parse)
}

/// How many spans this one stands for: 1 when its tracestate does not say.
pub fn weight(trace_state: &str) -> f64 {
    threshold_of(trace_state).map_or(1.0, Threshold::weight)
}

/// What decides about the trace: the explicit value of the first span that has one, else the trace id.
pub fn trace_randomness(trace: &Trace) -> Randomness {
    let explicit = |state: &str| pair_value(state, "rv").and_then(Randomness::parse);
    let mut spans = trace.spans.iter();
    let found = spans.find_map(|span| explicit(&span.trace_state));
    found.unwrap_or_else(|| Randomness::of_trace_id(trace.trace_id))
}

/// The tracestate of a span that `threshold` has sampled as well.
///
/// Whoever sampled before and whoever samples now looked at the same randomness, so the trace passed both
/// exactly because it passed the higher threshold, and that one is recorded. A threshold that this
/// randomness could not have passed says nothing true about the trace and is replaced.
pub fn with_threshold(
    trace_state: &str,
    threshold: Threshold,
    randomness: Randomness,
) -> Cow<'_, str> {
    let before = threshold_of(trace_state).filter(|before| before.samples(randomness));
    if threshold == Threshold::ALL || before.is_some_and(|before| before >= threshold) {
        return Cow::Borrowed(trace_state);
    }
    let own = own_entry(trace_state, threshold);
    let others: Vec<&str> = entries(trace_state).filter(|e| own_value(e).is_none()).collect();
    Cow::Owned(join(&own, others))
}

/// Records the threshold on every span of a trace that it sampled.
pub fn record_threshold(trace: &mut Trace, threshold: Threshold) {
    let randomness = trace_randomness(trace);
    for span in &mut trace.spans {
        if let Cow::Owned(changed) = with_threshold(&span.trace_state, threshold, randomness) {
            span.trace_state = changed;
        }
    }
}

/// A tracestate as it was before any threshold was recorded, in one form: OpenTelemetry's entry first, no blanks. Spans
/// that differ in nothing else are copies of each other, of which some were sampled.
pub fn without_threshold(trace_state: &str) -> String {
    let is_other = |pair: &&str| pair.split(':').next() != Some("th");
    let own: Vec<&str> = pairs(trace_state).filter(is_other).collect();
    let own = (!own.is_empty()).then(|| format!("{KEY}={}", own.join(";")));
    let others = entries(trace_state).filter(|entry| own_value(entry).is_none());
    let all: Vec<&str> = own.as_deref().into_iter().chain(others).collect();
    all.join(",")
}

/// OpenTelemetry's entry with another threshold. `th` and `rv` belong together and come first.
fn own_entry(trace_state: &str, threshold: Threshold) -> String {
    let mut entry = format!("{KEY}=th:{threshold}");
    let is = |key: &'static str| move |pair: &&str| pair.split(':').next() == Some(key);
    let randomness = pairs(trace_state).filter(is("rv")).take(1);
    let others = pairs(trace_state).filter(|pair| !is("th")(pair) && !is("rv")(pair));
    for pair in randomness.chain(others) {
        if entry.len() + 1 + pair.len() > KEY.len() + 1 + VALUE_CHARS_MAX {
            break;
        }
        entry.push(';');
        entry.push_str(pair);
    }
    entry
}

/// Our entry and as many of the others as are allowed.
fn join(own: &str, mut others: Vec<&str>) -> String {
    others.truncate(ENTRIES_MAX - 1);
    let too_long = |others: &[&str]| {
        let chars: usize = others.iter().map(|entry| 1 + entry.chars().count()).sum();
        own.len() + chars > STATE_CHARS_MAX
    };
    while too_long(&others) {
        let long = others.iter().rposition(|entry| entry.chars().count() > LONG_ENTRY_CHARS);
        // Too long means that there is an entry.
        others.remove(long.unwrap_or(others.len().saturating_sub(1)));
    }
    others.iter().fold(own.to_owned(), |state, entry| state + "," + entry)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spandrel_model::TraceId;

    use super::*;

    fn threshold(text: &str) -> Threshold {
        Threshold::parse(text).unwrap()
    }

    /// With a randomness that every threshold samples.
    fn recorded(state: &str, text: &str) -> String {
        let randomness = Randomness::parse("ffffffffffffff").unwrap();
        with_threshold(state, threshold(text), randomness).into_owned()
    }

    #[test]
    fn the_threshold_is_recorded_beside_what_is_there() {
        assert_eq!(recorded("", "fd70a"), "ot=th:fd70a");
        assert_eq!(recorded("a=1,b=2", "8"), "ot=th:8,a=1,b=2");
        assert_eq!(recorded("a=1 , ot=x:y;rv:0123456789abcd,,b=2", "8"), {
            "ot=th:8;rv:0123456789abcd;x:y,a=1,b=2"
        });
        assert_eq!(recorded("ot=th:zz;th:8", "c"), "ot=th:c");
        assert_eq!(recorded("a=1", "0"), "a=1");
        assert_eq!(recorded("nonsense", "8"), "ot=th:8,nonsense");
    }

    #[test]
    fn the_higher_threshold_counts() {
        assert_eq!(recorded("a=1,ot=th:c", "8"), "a=1,ot=th:c");
        assert_eq!(recorded("a=1,ot=th:8", "c"), "ot=th:c,a=1");
        assert_eq!(recorded("a=1,ot=th:8", "8"), "a=1,ot=th:8");
    }

    #[test]
    fn a_threshold_that_the_trace_cannot_have_passed_is_replaced() {
        let randomness = Randomness::parse("90000000000000").unwrap();
        assert_eq!(with_threshold("ot=th:c", threshold("8"), randomness), "ot=th:8");
    }

    #[test]
    fn a_recorded_threshold_can_be_looked_past() {
        for state in ["", "a=1,b=2", "ot=rv:0123456789abcd;x:y,a=1", "a=1 , ot=th:4;x:y", "ot=th:8"]
        {
            let sampled = recorded(state, "c");
            assert_ne!(sampled, state);
            assert_eq!(without_threshold(&sampled), without_threshold(state), "{state}");
        }
        assert_eq!(without_threshold("a=1 , ot=th:4;x:y"), "ot=x:y,a=1");
        assert_ne!(without_threshold("ot=x:y"), without_threshold("ot=x:z"));
    }

    #[test]
    fn weights_are_inverse_probabilities() {
        let cases = [("", 1.0), ("ot=th:0", 1.0), ("ot=th:8", 2.0), ("a=b,ot=rv:1;th:c", 4.0)];
        for (state, expected) in cases {
            assert!((weight(state) - expected).abs() < f64::EPSILON, "{state}");
        }
        for state in ["ot=th:", "ot=th:xyz", "ot=", "th:8", "xot=th:8", "ot=th:8000000000000000"] {
            assert!((weight(state) - 1.0).abs() < f64::EPSILON, "{state}");
        }
        assert!((weight("ot=th:fd70a4") - 100.0).abs() < 0.001);
    }

    #[test]
    fn the_explicit_randomness_comes_before_the_trace_id() {
        let mut trace = crate::policy::test_trace::trace(7);
        assert_eq!(trace_randomness(&trace), Randomness::of_trace_id(trace.trace_id));
        trace.trace_id = TraceId([255; 16]);
        trace.spans[0].trace_state = "ot=rv:0000000000000a".to_owned();
        assert_eq!(trace_randomness(&trace), Randomness::parse("0000000000000a").unwrap());
        let mut other = trace.clone();
        record_threshold(&mut other, threshold("fd70a"));
        assert_eq!(other.spans[0].trace_state, "ot=th:fd70a;rv:0000000000000a");
    }

    #[test]
    fn what_is_too_long_goes_long_entries_first() {
        let long = format!("long={}", "x".repeat(200));
        let state = format!("a=1,{long},b={},c={}", "y".repeat(120), "z".repeat(120));
        let kept = format!("ot=th:8,a=1,{long},b={},c={}", "y".repeat(120), "z".repeat(120));
        assert_eq!(recorded(&state, "8"), kept);
        let state = format!("{state},d={}", "w".repeat(120));
        let without = kept.replace(&format!("{long},"), "");
        assert_eq!(recorded(&state, "8"), format!("{without},d={}", "w".repeat(120)));
        let many: Vec<String> = (0..40).map(|i| format!("k{i}=v")).collect();
        let kept = recorded(&many.join(","), "8");
        assert_eq!(kept.split(',').count(), 32);
        assert!(kept.starts_with("ot=th:8,k0=v,k1=v") && kept.ends_with("k30=v"));
        let subs: Vec<String> = (0..60).map(|i| format!("s{i:02}:v")).collect();
        let kept = recorded(&format!("ot={};rv:0123456789abcd", subs.join(";")), "8");
        assert!(kept.starts_with("ot=th:8;rv:0123456789abcd;s00:v") && kept.len() <= 259);
    }

    proptest! {
        #[test]
        fn any_text_becomes_a_valid_one_once(
            state in r"((ot|a|b@c)=[a-z0-9:;,]{0,40}[, ]){0,30}|\PC{0,600}",
            digits in "[0-9a-f]{1,14}",
        ) {
            let ours = threshold(&digits);
            let randomness = Randomness::parse("ffffffffffffff").unwrap();
            let once = with_threshold(&state, ours, randomness).into_owned();
            let expected = threshold_of(&state).unwrap_or(Threshold::ALL).max(ours);
            prop_assert_eq!(threshold_of(&once).unwrap_or(Threshold::ALL), expected);
            if once != state {
                prop_assert!(once.chars().count() <= STATE_CHARS_MAX);
            }
            let others = |state: &str| -> Vec<String> {
                entries(state).filter(|e| own_value(e).is_none()).map(str::to_owned).collect()
            };
            let (before, after) = (others(&state), others(&once));
            let mut left = before.iter();
            prop_assert!(after.iter().all(|entry| left.any(|other| other == entry)));
            let twice = with_threshold(&once, ours, randomness).into_owned();
            prop_assert_eq!(twice, once);
        }
    }
}
