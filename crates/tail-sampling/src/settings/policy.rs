//! The settings of each type of policy.

use std::collections::BTreeSet;

use spandrel_config::Section;
use spandrel_ottl::{Conditions, Context, ErrorMode, Functions};
use spandrel_re2::Regex;

use super::policies::{PolicySettings, read_subs};

/// `latency`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatencySettings {
    /// Whole milliseconds that the duration must exceed.
    pub threshold_ms: i64,
    /// Whole milliseconds that it must not exceed; zero: no such bound.
    pub upper_threshold_ms: i64,
}

/// An attribute policy: looks at the resource and at every span.
#[derive(Debug, Clone)]
pub struct AttributeSettings<T> {
    /// The key.
    pub key: String,
    /// What its value must be.
    pub value: T,
    /// Samples what does not match, also when there is no such attribute.
    pub invert_match: bool,
}

/// Whole numbers from and to, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumericRange {
    /// The smallest.
    pub min_value: i64,
    /// The largest.
    pub max_value: i64,
}

/// Which texts match.
#[derive(Debug, Clone)]
pub enum TextMatch {
    /// One of these.
    Exact(BTreeSet<Vec<u8>>),
    /// Whatever one of these is found in.
    Patterns(Vec<Regex>),
}

/// `probabilistic`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbabilisticSettings {
    /// Goes into the hash in front of the trace id; empty: the Collector's.
    pub hash_salt: String,
    /// Zero and below: none; 100 and above: all.
    pub sampling_percentage: f64,
}

/// `rate_limiting` and `bytes_limiting`: a token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// Spans or bytes that come into the bucket each second.
    pub per_second: u64,
    /// What the bucket holds; a larger trace never passes.
    pub burst_capacity: u64,
}

/// `span_count`, both bounds included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanCountSettings {
    /// The fewest spans.
    pub min_spans: u64,
    /// The most spans; zero: no such bound.
    pub max_spans: u64,
}

/// `trace_state`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceStateSettings {
    /// The key of an entry.
    pub key: String,
    /// The values of which it must have one.
    pub values: BTreeSet<String>,
}

/// `ottl_condition`, compiled.
#[derive(Debug, Clone)]
pub struct OttlSettings {
    /// Asked of every span.
    pub span: Option<Conditions>,
    /// Asked of every event of every span.
    pub spanevent: Option<Conditions>,
}

/// `composite`.
#[derive(Debug, Clone)]
pub struct CompositeSettings {
    /// Spans a second that each sub-policy may sample at most.
    pub max_total_spans_per_second: u64,
    /// The sub-policies with their shares, in the order in which they are asked.
    pub allocations: Vec<RateAllocation>,
}

/// A sub-policy of `composite`.
#[derive(Debug, Clone)]
pub struct RateAllocation {
    /// Who samples.
    pub policy: PolicySettings,
    /// Spans a second.
    pub spans_per_second: u64,
}

impl LatencySettings {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let settings = Self {
            threshold_ms: section.or("threshold_ms", 0),
            upper_threshold_ms: section.or("upper_threshold_ms", 0),
        };
        let Self { threshold_ms, upper_threshold_ms } = settings;
        if upper_threshold_ms != 0 && upper_threshold_ms <= threshold_ms {
            let advice = "is not above threshold_ms, so that no trace is sampled";
            section.warn(Some("upper_threshold_ms"), advice);
        }
        settings
    }
}

impl<T> AttributeSettings<T> {
    fn with(section: &mut Section<'_>, value: T) -> Self {
        let key: String = section.or("key", String::new());
        if key.is_empty() {
            section.problem(None, "needs the `key` of an attribute");
        }
        Self { key, value, invert_match: section.or("invert_match", false) }
    }
}

impl AttributeSettings<NumericRange> {
    pub(super) fn read_numeric(section: &mut Section<'_>) -> Self {
        let mut bound = |key, unset| match section.or(key, 0_i64) {
            0 => unset,
            bound => bound,
        };
        let (min_value, max_value) = (bound("min_value", i64::MIN), bound("max_value", i64::MAX));
        if min_value > max_value {
            section.warn(Some("min_value"), "is above max_value, so that no value matches");
        } else if (min_value, max_value) == (i64::MIN, i64::MAX) {
            section.warn(None, "without min_value and max_value every whole number matches");
        }
        Self::with(section, NumericRange { min_value, max_value })
    }
}

impl AttributeSettings<TextMatch> {
    pub(super) fn read_text(section: &mut Section<'_>) -> Self {
        // Results of regular expressions are not cached: ours do not need it.
        let _ = section.get::<i64>("cache_max_size");
        let values: Vec<String> = section.or("values", Vec::new());
        if values.is_empty() {
            section.warn(Some("values"), "without values nothing matches");
        }
        let value = if section.or("enabled_regex_matching", false) {
            let mut compiled = Vec::new();
            for value in &values {
                match Regex::new(value) {
                    Ok(regex) => compiled.push(regex),
                    Err(err) => section.problem(Some("values"), format!("`{value}`: {err}")),
                }
            }
            TextMatch::Patterns(compiled)
        } else {
            TextMatch::Exact(values.into_iter().map(String::into_bytes).collect())
        };
        Self::with(section, value)
    }
}

impl AttributeSettings<bool> {
    pub(super) fn read_boolean(section: &mut Section<'_>) -> Self {
        let value = section.or("value", false);
        Self::with(section, value)
    }
}

/// `status_code`: the statuses as bits.
pub(super) fn read_status_codes(section: &mut Section<'_>) -> u8 {
    let codes: Vec<String> = section.or("status_codes", Vec::new());
    if codes.is_empty() {
        section.problem(None, "needs at least one of `status_codes`: OK, ERROR, UNSET");
    }
    let mut bits = 0;
    for code in codes {
        bits |= match code.as_str() {
            "UNSET" => 1,
            "OK" => 1 << 1,
            "ERROR" => 1 << 2,
            other => {
                let message = format!("`{other}` is no status code; they are OK, ERROR, UNSET");
                section.problem(Some("status_codes"), message);
                0
            }
        };
    }
    bits
}

impl ProbabilisticSettings {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let hash_salt = section.or("hash_salt", String::new());
        let sampling_percentage: f64 = section.or("sampling_percentage", 0.0);
        if sampling_percentage > 0.0 && sampling_percentage < 0.000_1 {
            section.warn(Some("sampling_percentage"), "is a percentage: 100 samples everything");
        }
        if sampling_percentage.is_nan() {
            section.problem(Some("sampling_percentage"), "is not a number");
        }
        Self { hash_salt, sampling_percentage }
    }
}

impl LimitSettings {
    pub(super) fn read(section: &mut Section<'_>, key: &'static str) -> Self {
        let per_second: u64 = section.or(key, 0);
        if per_second == 0 {
            section.warn(Some(key), "of 0 samples nothing");
        }
        let doubled = per_second.saturating_mul(2);
        let burst_capacity = match section.or("burst_capacity", 0) {
            0 => doubled,
            burst => burst,
        };
        Self { per_second, burst_capacity }
    }
}

impl SpanCountSettings {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let settings =
            Self { min_spans: section.or("min_spans", 0), max_spans: section.or("max_spans", 0) };
        if settings.max_spans != 0 && settings.max_spans < settings.min_spans {
            section.warn(Some("max_spans"), "is below min_spans, so that no trace is sampled");
        }
        settings
    }
}

impl TraceStateSettings {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let key: String = section.or("key", String::new());
        if key.is_empty() {
            section.problem(None, "needs the `key` of a tracestate entry");
        }
        let values: Vec<String> = section.or("values", Vec::new());
        if values.is_empty() {
            section.problem(None, "needs at least one of `values`");
        }
        Self { key, values: values.into_iter().collect() }
    }
}

impl OttlSettings {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let error_mode = section.get::<String>("error_mode").unwrap_or_default();
        let error_mode = match error_mode.as_str() {
            "" => ErrorMode::default(),
            name => ErrorMode::from_name(name).unwrap_or_else(|| {
                let message = format!("`{name}` is not ignore, silent or propagate");
                section.problem(Some("error_mode"), message);
                ErrorMode::default()
            }),
        };
        let functions = Functions::standard();
        let mut compile = |key, context| {
            let texts: Vec<String> = section.or(key, Vec::new());
            // One by one, so that each mistake is found.
            let wrong = texts.iter().filter_map(|text| {
                let compiled = Conditions::compile(&[text], context, &functions, error_mode);
                compiled.err().map(|err| format!("`{text}`: {err}"))
            });
            let wrong: Vec<String> = wrong.collect();
            for message in &wrong {
                section.problem(Some(key), message);
            }
            if texts.is_empty() || !wrong.is_empty() {
                return (None, !texts.is_empty());
            }
            (Conditions::compile(&texts, context, &functions, error_mode).ok(), true)
        };
        let (span, has_span) = compile("span", Context::Span);
        let (spanevent, has_spanevent) = compile("spanevent", Context::SpanEvent);
        if !has_span && !has_spanevent {
            section.problem(None, "needs conditions under `span` or `spanevent`");
        }
        (span.is_some() || spanevent.is_some()).then_some(Self { span, spanevent })
    }
}

impl CompositeSettings {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let total: u64 = section.or("max_total_spans_per_second", 0);
        if total == 0 {
            section.warn(Some("max_total_spans_per_second"), "of 0 samples nothing");
        }
        let order: Vec<String> = section.or("policy_order", Vec::new());
        let subs = read_subs(section, "composite_sub_policy");
        let names: Vec<&str> = subs.iter().map(|sub| sub.name.as_str()).collect();
        for (place, name) in order.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                section.warn(Some("policy_order"), format!("no sub-policy is called `{name}`"));
            } else if names.get(place) != Some(&name.as_str()) {
                let advice = "is not followed, as in the Collector: sub-policies are asked in \
                              the order of composite_sub_policy, which differs";
                section.warn(Some("policy_order"), advice);
                break;
            }
        }
        let shares: Vec<(String, i64)> = section.sections("rate_allocation", |allocation| {
            (allocation.or("policy", String::new()), allocation.or("percent", 0))
        });
        for (name, _) in shares.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
            section.warn(Some("rate_allocation"), format!("no sub-policy is called `{name}`"));
        }
        let equal_share = total / (subs.len().max(1) as u64);
        let mut allocations = Vec::new();
        for policy in subs {
            // The last one counts, as in a map.
            let share = shares.iter().rev().find(|(name, _)| *name == policy.name);
            let spans_per_second = match share {
                None => 0,
                Some((_, percent)) if *percent <= 0 => equal_share,
                Some((_, percent)) => (total as f64 * (*percent as f64 / 100.0)) as u64,
            };
            if share.is_none() {
                let advice = format!("`{}` has no share, so that it never samples", policy.name);
                section.warn(Some("rate_allocation"), advice);
            }
            allocations.push(RateAllocation { policy, spans_per_second });
        }
        Self { max_total_spans_per_second: total, allocations }
    }
}
