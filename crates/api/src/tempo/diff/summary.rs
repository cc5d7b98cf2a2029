//! What a patch comes to: directions, figures, and the services that are concerned.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::SUMMARY;
use super::patch::Patch;
use super::side::{Identity, Side, SpanOfSide, service_name};

const NANOS_PER_MILLI: i64 = 1_000_000;
/// A service whose spans take this much more or less in sum has changed, even if no single span has,
const DRIFT_NANOS_MIN: u64 = 1_000_000;
/// provided that it is at least this part of the sum before.
const DRIFT_PART: u64 = 20;

pub(super) fn to_json(patch: &Patch<'_>, base: &Side, compare: &Side) -> Value {
    let (before, after) = (Figures::of(base), Figures::of(compare));
    let latency = delta_millis(before.envelope_nanos, after.envelope_nanos);
    let sum = (after.sum_nanos - before.sum_nanos) / NANOS_PER_MILLI;
    let errors = after.n_errors - before.n_errors;
    let n_spans = count(compare.n_spans) - count(base.n_spans);
    let restructured = restructured(base, compare);
    let is_restructured =
        !patch.added.is_empty() || !patch.removed.is_empty() || !restructured.is_empty();
    let (changed, services) = services(patch, base, compare, restructured);
    let (larger, smaller) = (base.n_spans.max(compare.n_spans), base.n_spans.min(compare.n_spans));
    let mut summary = json!({
        "version": SUMMARY,
        "base": before.to_json(base),
        "compare": after.to_json(compare),
        "signals": {
            "traceLatency": direction(latency),
            "sumSpanDuration": direction(sum),
            "errors": direction(errors),
            "spanCount": direction(n_spans),
            "structure": if is_restructured { "changed" } else { "unchanged" },
        },
        "trust": {
            "matchedSpanRatio": ratio(patch.n_matched, larger),
            "structureOverlap": ratio(patch.n_matched, smaller),
        },
        "stats": {
            "traceLatencyDeltaMs": latency,
            "sumSpanDurationDeltaMs": sum,
            "spanCountDelta": n_spans,
            "errorSpanDelta": errors,
            "matchedSpans": patch.n_matched,
            "modifiedSpans": patch.modified.len(),
            "addedSpans": patch.added.len(),
            "removedSpans": patch.removed.len(),
            "fieldChanges": patch.n_field_changes(),
            "attributeChanges": patch.n_attribute_changes(),
        },
        "changedServices": changed,
        "services": services,
    });
    if !patch.warnings.is_empty() {
        let warnings = patch.warnings.iter().map(super::side::Warning::to_json);
        summary["warnings"] = warnings.collect::<Vec<_>>().into();
    }
    summary
}

/// Figures of one trace. Spans without a valid duration count as if they took no time.
struct Figures {
    /// From the first start to the last end.
    envelope_nanos: u64,
    sum_nanos: i64,
    n_errors: i64,
}

impl Figures {
    fn of(side: &Side) -> Self {
        let valid = || side.spans.iter().filter(|span| span.duration_nanos.is_some());
        let first = valid().map(|span| span.start).min().unwrap_or_default();
        let last = valid().map(|span| span.end).max().unwrap_or_default();
        Self {
            envelope_nanos: last.saturating_sub(first),
            sum_nanos: sum_nanos(&side.spans),
            n_errors: count(side.spans.iter().filter(|span| span.is_error()).count()),
        }
    }

    fn to_json(&self, side: &Side) -> Value {
        let mut figures = json!({
            "traceId": side.trace_id,
            "spanCount": side.n_spans,
            "errorSpanCount": self.n_errors,
            "durationMs": self.envelope_nanos / NANOS_PER_MILLI.unsigned_abs(),
            "sumSpanDurationMs": self.sum_nanos / NANOS_PER_MILLI,
        });
        if let Some(Identity { service, name, .. }) = side.spans.first().map(|s| &s.identity) {
            let named = [("rootService", service), ("rootName", name)];
            for (member, text) in named.into_iter().filter(|(_, text)| !text.is_empty()) {
                figures[member] = text.as_str().into();
            }
        }
        figures
    }
}

fn sum_nanos<'s>(spans: impl IntoIterator<Item = &'s SpanOfSide>) -> i64 {
    let durations = spans.into_iter().map(|span| span.duration_nanos.unwrap_or(0));
    durations.fold(0, i64::saturating_add)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn delta_millis(before: u64, after: u64) -> i64 {
    let millis = i64::try_from(before.abs_diff(after) / NANOS_PER_MILLI.unsigned_abs());
    let millis = millis.unwrap_or(i64::MAX);
    if after >= before { millis } else { -millis }
}

fn direction(delta: i64) -> &'static str {
    match delta {
        1.. => "increased",
        0 => "unchanged",
        _ => "decreased",
    }
}

fn ratio(n_matched: usize, n: usize) -> f64 {
    if n == 0 { 1.0 } else { n_matched as f64 / n as f64 }
}

/// Services of which a span has appeared, disappeared or moved below another parent.
fn restructured<'s>(base: &'s Side, compare: &'s Side) -> BTreeSet<&'s str> {
    type Rows<'s> = HashMap<(&'s Identity, Option<&'s Identity>), i64>;
    let mut by_service: BTreeMap<&str, Rows<'_>> = BTreeMap::new();
    for (side, n) in [(base, 1), (compare, -1)] {
        for span in &side.spans {
            let rows = by_service.entry(service_name(&span.identity)).or_default();
            *rows.entry((&span.identity, span.parent.as_ref())).or_default() += n;
        }
    }
    let changed = by_service.iter().filter(|(_, rows)| rows.values().any(|n| *n != 0));
    changed.map(|(service, _)| *service).collect()
}

/// Spans of a service that changed.
#[derive(Default)]
struct Counts {
    modified: u64,
    added: u64,
    removed: u64,
    new_errors: u64,
    resolved_errors: u64,
}

fn counts<'s>(patch: &Patch<'s>) -> BTreeMap<&'s str, Counts> {
    let mut services: BTreeMap<&str, Counts> = BTreeMap::new();
    for span in &patch.modified {
        let counts = services.entry(service_name(&span.compare.identity)).or_default();
        counts.modified += 1;
        counts.new_errors += u64::from(span.compare.is_error() && !span.base.is_error());
        counts.resolved_errors += u64::from(span.base.is_error() && !span.compare.is_error());
    }
    for span in &patch.added {
        let counts = services.entry(service_name(&span.identity)).or_default();
        counts.added += 1;
        counts.new_errors += u64::from(span.is_error());
    }
    for span in &patch.removed {
        let counts = services.entry(service_name(&span.identity)).or_default();
        counts.removed += 1;
        counts.resolved_errors += u64::from(span.is_error());
    }
    services
}

/// The names of all services that changed in any way, and figures of those whose spans changed, those with the largest
/// difference first.
fn services<'s>(
    patch: &Patch<'s>,
    base: &'s Side,
    compare: &'s Side,
    restructured: BTreeSet<&'s str>,
) -> (BTreeSet<&'s str>, Vec<Value>) {
    let counts = counts(patch);
    let (before, after) = (base.by_service(), compare.by_service());
    let mut changed = restructured;
    changed.extend(counts.keys());
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let mut services = Vec::new();
    let none = Counts::default();
    for name in names {
        let sum = |side: &BTreeMap<&str, Vec<&SpanOfSide>>| {
            side.get(name).map_or(0, |spans| sum_nanos(spans.iter().copied()))
        };
        let (old, new) = (sum(&before), sum(&after));
        let delta = new.saturating_sub(old);
        if has_drifted(old, delta) {
            changed.insert(name);
        } else if !counts.contains_key(name) {
            continue;
        }
        services.push((delta / NANOS_PER_MILLI, counts.get(name).unwrap_or(&none), name));
    }
    services.sort_by(|a, b| {
        let key =
            |(delta, counts, _): &(i64, &Counts, &str)| (delta.unsigned_abs(), counts.new_errors);
        key(b).cmp(&key(a)).then(a.2.cmp(b.2))
    });
    let to_json = |(delta, counts, name): (i64, &Counts, &str)| {
        json!({
            "name": name,
            "sumSpanDurationDeltaMs": delta,
            "modified": counts.modified,
            "added": counts.added,
            "removed": counts.removed,
            "newErrors": counts.new_errors,
            "resolvedErrors": counts.resolved_errors,
        })
    };
    (changed, services.into_iter().map(to_json).collect())
}

fn has_drifted(before: i64, delta: i64) -> bool {
    let delta = delta.unsigned_abs();
    delta >= DRIFT_NANOS_MIN && delta >= before.unsigned_abs().div_ceil(DRIFT_PART)
}
