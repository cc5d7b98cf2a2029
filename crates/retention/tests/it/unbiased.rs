//! Weights of what was kept estimate what there was.

use std::collections::BTreeMap;

use spandrel_model::Trace;
use spandrel_retention::{
    Decision, Policy, PolicyFile, Threshold, record_threshold, reference_unix_nanos, weight,
};

use crate::population::{DAY, ENDED, Kind, Random, Wanted, kind, policy, sent};

const SEED: u64 = 0x5eed_0001;
const POLICIES: usize = 60;
const TRACES: usize = 4_000;
/// Ages at which a policy is applied, one after the other, to what is left.
const AGES_DAYS: [i64; 4] = [0, 1, 5, 12];
/// Estimates may be off by this many standard deviations. A correct implementation exceeds that about once in a
/// million estimates.
const DEVIATIONS_MAX: f64 = 5.0;
/// Fewer kept traces than this are not spread as a normal distribution is.
const EXPECTED_MIN: f64 = 30.0;

/// Traces that are counted together.
#[derive(Default)]
struct Count {
    happened: f64,
    /// How many are kept on average.
    expected: f64,
    estimate: f64,
    /// Variance of the estimate.
    variance: f64,
}

impl Count {
    fn expect(&mut self, n: f64, threshold: Threshold) {
        self.happened += n;
        self.expected += n * threshold.fraction();
        self.variance += n * (threshold.weight() - 1.0);
    }
}

/// What the rules say about a kind of trace at an age, computed from the test's own understanding: the
/// highest fraction of the matching rules in force.
fn fraction(rules: &[Wanted], kind: &Kind, age_days: i64) -> Option<f64> {
    let in_force = rules.iter().filter(|rule| rule.keep_days > age_days && (rule.matches)(kind));
    in_force.map(|rule| rule.fraction).reduce(f64::max)
}

/// Applies a policy as compaction does.
fn apply(policy: &Policy, traces: Vec<Trace>, age_days: i64) -> Vec<Trace> {
    let mut kept = Vec::new();
    for mut trace in traces {
        let reference = reference_unix_nanos(&trace, None);
        if let Decision::Keep { threshold, .. } =
            policy.decide(&trace, reference, ENDED + age_days * DAY + DAY / 2)
        {
            if let Some(threshold) = threshold {
                record_threshold(&mut trace, threshold);
            }
            kept.push(trace);
        }
    }
    kept
}

#[test]
fn weights_of_kept_traces_estimate_all_that_happened() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let mut worst = 0.0_f64;
    let mut n_estimates = 0;
    for _ in 0..POLICIES {
        let (text, rules) = policy(&mut random);
        let file = PolicyFile::parse(&text).unwrap();
        let policy = file.default_policy().unwrap();
        let mut happened: BTreeMap<Kind, f64> = BTreeMap::new();
        let mut kinds = BTreeMap::new();
        let mut left = Vec::new();
        for _ in 0..TRACES {
            let kind = kind(&mut random);
            *happened.entry(kind).or_default() += 1.0;
            if let Some(trace) = sent(kind, &mut random) {
                kinds.insert(trace.trace_id, kind);
                left.push(trace);
            }
        }
        for age_days in AGES_DAYS {
            left = apply(policy, left, age_days);
            // By kind, and all kinds of one probability together.
            let mut by_kind: BTreeMap<Kind, (Threshold, Count)> = BTreeMap::new();
            let mut by_threshold: BTreeMap<Threshold, Count> = BTreeMap::new();
            for (kind, n) in &happened {
                // Kinds of which nothing is kept have no estimate.
                let Some(fraction) = fraction(&rules, kind, age_days) else { continue };
                let before = kind.sampled_before.and_then(Threshold::parse);
                let p = Threshold::of_fraction(fraction).max(before.unwrap_or(Threshold::ALL));
                let mut count = Count::default();
                count.expect(*n, p);
                by_threshold.entry(p).or_default().expect(*n, p);
                by_kind.insert(*kind, (p, count));
            }
            for trace in &left {
                let kind = kinds[&trace.trace_id];
                let (p, count) = by_kind.get_mut(&kind).expect("some rule is in force");
                let weight = weight(&trace.spans[0].trace_state);
                count.estimate += weight;
                by_threshold.entry(*p).or_default().estimate += weight;
            }
            let by_kind = by_kind.iter().map(|(kind, (_, count))| (format!("{kind:?}"), count));
            let by_threshold = by_threshold.iter().map(|(p, count)| (format!("th:{p}"), count));
            for (what, count) in by_kind.chain(by_threshold) {
                if count.expected >= EXPECTED_MIN {
                    n_estimates += 1;
                    let context = format!("{text} after {age_days} days, {what}");
                    worst = worst.max(deviations(count, &context));
                }
            }
        }
    }
    println!("{n_estimates} estimates, the worst is off by {worst:.2} standard deviations");
    assert!(n_estimates > 1_000);
}

/// How far off an estimate is, in standard deviations.
fn deviations(count: &Count, context: &str) -> f64 {
    let error = (count.estimate - count.happened).abs();
    // What is kept without sampling is counted, not estimated.
    let deviations = if error < 1e-6 { 0.0 } else { error / count.variance.sqrt() };
    let (estimate, happened) = (count.estimate, count.happened);
    assert!(
        deviations <= DEVIATIONS_MAX,
        "{context}: {estimate} instead of {happened}, off by {deviations:.2} deviations"
    );
    deviations
}

#[test]
fn what_is_kept_without_sampling_is_never_dropped() {
    let mut random = Random(SEED + 1);
    let mut n_certain = 0;
    for _ in 0..200 {
        let (text, rules) = policy(&mut random);
        let file = PolicyFile::parse(&text).unwrap();
        let policy = file.default_policy().unwrap();
        for _ in 0..50 {
            let kind = kind(&mut random);
            let Some(trace) = sent(kind, &mut random) else { continue };
            for age_days in AGES_DAYS {
                let now = ENDED + age_days * DAY + DAY / 2;
                let decision = policy.decide(&trace, ENDED, now);
                let fraction = fraction(&rules, &kind, age_days);
                match decision {
                    Decision::Keep { until_unix_nanos, threshold, .. } => {
                        let expected = fraction.expect("something keeps it");
                        let expected = (expected < 1.0).then(|| Threshold::of_fraction(expected));
                        assert_eq!(threshold, expected, "{text} {kind:?}");
                        // It stays that long.
                        let last = policy.decide(&trace, ENDED, until_unix_nanos - 1);
                        assert!(matches!(last, Decision::Keep { .. }), "{text} {kind:?}");
                        let after = policy.decide(&trace, ENDED, until_unix_nanos);
                        assert!(matches!(after, Decision::Drop { .. }), "{text} {kind:?}");
                    }
                    Decision::Drop { .. } => assert_ne!(fraction, Some(1.0), "{text} {kind:?}"),
                }
                n_certain += usize::from(fraction == Some(1.0));
            }
        }
    }
    assert!(n_certain > 1_000);
}

#[test]
fn a_higher_fraction_keeps_what_a_lower_one_keeps() {
    let mut random = Random(SEED + 2);
    for _ in 0..500 {
        let kind = kind(&mut random);
        let Some(trace) = sent(kind, &mut random) else { continue };
        let mut was_kept = false;
        for fraction in [0.001, 0.01, 0.1, 0.5, 0.9, 1.0] {
            let text =
                format!("default: [{{ name: a, match: '{{}}', keep: 2d, fraction: {fraction} }}]");
            let file = PolicyFile::parse(&text).unwrap();
            let decision = file.default_policy().unwrap().decide(&trace, ENDED, ENDED + DAY);
            let is_kept = matches!(decision, Decision::Keep { .. });
            assert!(is_kept || !was_kept, "{fraction} drops what a lower fraction keeps");
            was_kept = is_kept;
        }
        assert!(was_kept);
    }
}
