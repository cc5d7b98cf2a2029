//! Patches and summaries of small traces.

use std::sync::Arc;

use serde_json::json;
use spandrel_model::{
    AttributeValue, Resource, Span, SpanId, SpanKind, StatusCode, Trace, TraceId,
};

use super::*;
use crate::test_trace::{attribute, checkout, string};

const MILLI: u64 = 1_000_000;
const START: u64 = 1_700_000_000_000_000_000;

/// A span of a service, below another, with times in milliseconds.
fn span(id: u8, parent: u8, service: &str, name: &str, times: (u64, u64)) -> Span {
    let attributes = vec![attribute("service.name", string(service))];
    Span {
        span_id: SpanId([id; 8]),
        parent_span_id: (parent > 0).then_some(SpanId([parent; 8])),
        name: name.to_owned(),
        kind: SpanKind::Server,
        start_unix_nanos: START + times.0 * MILLI,
        end_unix_nanos: START + times.1 * MILLI,
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        status_code: StatusCode::Unset,
        resource: Arc::new(Resource { attributes, ..Resource::default() }),
        ..checkout().spans.remove(0)
    }
}

fn side(name: &str, id: u8, spans: Vec<Span>) -> Side {
    Side::new(name, &Trace { trace_id: TraceId([id; 16]), spans }).unwrap()
}

fn base() -> Side {
    side(
        "base",
        1,
        vec![
            span(1, 0, "shop", "GET /", (0, 100)),
            span(2, 1, "bank", "charge", (10, 50)),
            span(3, 1, "mail", "send", (60, 70)),
        ],
    )
}

#[test]
fn a_trace_is_no_different_from_itself() {
    let (base, compare) = (base(), base());
    let patch = answer(&base, &compare, Shape::Patch);
    for list in ["modified", "added", "removed", "warnings"] {
        assert_eq!(patch[list], json!([]), "{list}");
    }
    assert_eq!(patch["stats"]["matchedSpans"], 3);
    let summary = answer(&base, &compare, Shape::Summary);
    assert_eq!(
        summary["signals"],
        json!({
            "traceLatency": "unchanged",
            "sumSpanDuration": "unchanged",
            "errors": "unchanged",
            "spanCount": "unchanged",
            "structure": "unchanged",
        })
    );
    assert_eq!(summary["trust"], json!({"matchedSpanRatio": 1.0, "structureOverlap": 1.0}));
    assert_eq!((&summary["changedServices"], &summary["services"]), (&json!([]), &json!([])));
}

/// The same with a slower charge that fails, a retry, and no mail.
fn changed() -> Side {
    let mut charge = span(12, 11, "bank", "charge", (10, 90));
    charge.status_code = StatusCode::Error;
    charge.attributes = vec![
        attribute("http.request.size", AttributeValue::Int(100)),
        attribute("retries", AttributeValue::Double(f64::NAN)),
    ];
    let retry = span(13, 12, "bank", "retry", (20, 30));
    side("compare", 2, vec![span(11, 0, "shop", "GET /", (0, 110)), charge, retry])
}

#[test]
fn changed_added_and_removed_spans() {
    let patch = answer(&base(), &changed(), Shape::Patch);
    let target = |key: &str| json!({"type": "attribute", "scope": "span", "key": key});
    assert_eq!(
        patch,
        json!({
            "version": "trace-patch-v0",
            "base": {"traceId": "01".repeat(16), "spanCount": 3},
            "compare": {"traceId": "02".repeat(16), "spanCount": 3},
            "stats": {
                "spanCountA": 3, "spanCountB": 3, "matchedSpans": 2, "modifiedSpans": 1,
                "addedSpans": 1, "removedSpans": 1, "fieldChanges": 2, "attributeChanges": 2,
                "eventChanges": 0, "truncated": false,
            },
            // The root is 10 % slower, which is noise.
            "modified": [{
                "span": {"path": [0, 0], "service": "bank", "name": "charge", "kind": "server"},
                "changes": [
                    {"op": "modify", "target": {"type": "field", "name": "duration_nanos"},
                     "before": 40 * MILLI, "after": 80 * MILLI},
                    {"op": "modify", "target": {"type": "field", "name": "status"},
                     "before": "unset", "after": "error"},
                    {"op": "add", "target": target("http.request.size"),
                     "before": null, "after": 100},
                    {"op": "add", "target": target("retries"), "before": null, "after": "NaN"},
                ],
            }],
            "added": [{
                "target": {"type": "span", "parentPath": [0, 0], "index": 0},
                "span": {"path": [0, 0, 0], "service": "bank", "name": "retry",
                    "kind": "server", "duration_nanos": 10 * MILLI, "status": "unset"},
            }],
            "removed": [{
                "target": {"type": "span", "path": [0, 1]},
                "span": {"path": [0, 1], "service": "mail", "name": "send",
                    "kind": "server", "duration_nanos": 10 * MILLI, "status": "unset"},
            }],
            "warnings": [],
        })
    );
}

#[test]
fn a_summary_tells_directions_and_services() {
    let summary = answer(&base(), &changed(), Shape::Summary);
    assert_eq!(
        summary["signals"],
        json!({
            "traceLatency": "increased",
            "sumSpanDuration": "increased",
            "errors": "increased",
            "spanCount": "unchanged",
            "structure": "changed",
        })
    );
    assert_eq!(summary["changedServices"], json!(["bank", "mail", "shop"]));
    let row = |name: &str, delta: i64, counts: [u64; 5]| {
        json!({
            "name": name, "sumSpanDurationDeltaMs": delta, "modified": counts[0],
            "added": counts[1], "removed": counts[2], "newErrors": counts[3],
            "resolvedErrors": counts[4],
        })
    };
    assert_eq!(
        summary["services"],
        json!([
            row("bank", 50, [1, 1, 0, 1, 0]),
            row("mail", -10, [0, 0, 1, 0, 0]),
            row("shop", 10, [0, 0, 0, 0, 0]),
        ])
    );
    assert_eq!(summary["base"]["rootService"], "shop");
    assert_eq!(summary["compare"]["durationMs"], 110);
}

#[test]
fn amounts_may_differ_a_little() {
    let with = |id, size: f64, code: i64| {
        let mut only = span(id, 0, "shop", "GET /", (0, 100));
        only.attributes = vec![
            attribute("http.response.size", AttributeValue::Double(size)),
            attribute("http.status_code", AttributeValue::Int(code)),
        ];
        side("base", id, vec![only])
    };
    let n_changes = |a: &Side, b: &Side| Patch::between(a, b).n_attribute_changes();
    assert_eq!(n_changes(&with(1, 100.0, 200), &with(2, 104.0, 200)), 0);
    assert_eq!(n_changes(&with(1, 100.0, 200), &with(2, 106.0, 201)), 2);
}

#[test]
fn what_makes_a_comparison_uncertain_is_told() {
    let strange = side(
        "base",
        1,
        vec![
            span(1, 0, "shop", "GET /orders/1234567", (0, 100)),
            span(1, 0, "shop", "again", (5, 10)),
            span(2, 3, "shop", "cycle", (1, 0)),
            span(3, 2, "shop", "cycle", (2, 3)),
        ],
    );
    let codes: Vec<_> = strange.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["high_cardinality_span_name", "invalid_duration", "duplicate_span_id"]);
    assert_eq!((strange.n_spans, strange.spans.len()), (4, 3));
    let patch = answer(&strange, &strange, Shape::Patch);
    assert_eq!(patch["warnings"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_chain_that_is_too_deep_is_refused() {
    let chain = |n: u64| {
        let one = |i: u64| Span {
            span_id: SpanId((i + 1).to_be_bytes()),
            parent_span_id: (i > 0).then(|| SpanId(i.to_be_bytes())),
            ..span(1, 0, "shop", "down", (0, 1))
        };
        Trace { trace_id: TraceId([1; 16]), spans: (0..n).map(one).collect() }
    };
    assert!(Side::new("base", &chain(1_000)).is_some());
    assert!(Side::new("base", &chain(4_000)).is_none());
}

#[test]
fn a_long_patch_is_left_out() {
    let many = |id| {
        let spans = (1..=250).map(|n| {
            let name = format!("{id} {n} {}", "x".repeat(100));
            span(n, 0, "shop", &name, (0, 1))
        });
        side("base", id, spans.collect())
    };
    let composed = answer(&many(1), &many(2), Shape::Composed);
    assert_eq!(composed["version"], COMPOSED);
    assert_eq!(composed["summary"]["version"], SUMMARY);
    assert_eq!(composed["patchOmitted"]["reason"], "over_budget");
    assert!(composed["patchOmitted"]["bytes"].as_u64().unwrap() > PATCH_BYTES_MAX as u64);
    let small = answer(&base(), &base(), Shape::Composed);
    assert_eq!(small["patch"]["version"], PATCH);
}
