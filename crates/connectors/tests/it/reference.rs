//! What `span_metrics` must show, computed in the most obvious way: a list of all spans, gone through once for
//! every series.

use std::collections::{BTreeMap, BTreeSet};

use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::trace::{ResourceSpans, Span};
use spandrel_span_aggregation::value_text;

use crate::fixtures::labels;

/// Upper bounds of the test's histogram, in milliseconds.
pub(crate) const BOUNDS_MS: [f64; 2] = [5.0, 50.0];

/// The lines of [`crate::fixtures::lines`] for counters `calls` and `events` and the histogram `duration`, with
/// the dimensions `http.method` (default `GET`) and `region`, and `exception.type` for events.
pub(crate) fn expected(requests: &[ResourceSpans]) -> Vec<String> {
    let mut series: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut events: BTreeMap<String, u64> = BTreeMap::new();
    for spans in requests {
        let resource = spans.resource.as_ref().map(|r| r.attributes.clone()).unwrap_or_default();
        let Some(service) = find(&resource, "service.name") else { continue };
        let of_resource = labels(&last_of_each(&resource));
        for span in spans.scope_spans.iter().flat_map(|scope| &scope.spans) {
            let of_span = dimensions(&service, span, &resource, &[], &["http.method", "region"]);
            let nanos = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
            let ms = nanos as f64 / 1e6;
            series.entry(format!("{of_resource}|{}", joined(of_span))).or_default().push(ms);
            for event in &span.events {
                let keys = ["http.method", "region", "exception.type"];
                let of_event = dimensions(&service, span, &resource, &event.attributes, &keys);
                *events.entry(format!("{of_resource}|{}", joined(of_event))).or_default() += 1;
            }
        }
    }
    let mut lines = Vec::new();
    for (key, values) in series {
        let mut counts = [0_u64; 3];
        let mut sum = 0.0;
        for value in &values {
            sum += value;
            let bucket = BOUNDS_MS.iter().filter(|bound| value > bound).count();
            counts[bucket] += 1;
        }
        lines.push(format!("calls{{{key}}} {}", values.len()));
        lines.push(format!("duration{{{key}}} {counts:?} {sum}"));
    }
    lines.extend(events.into_iter().map(|(key, count)| format!("events{{{key}}} {count}")));
    lines.sort();
    lines
}

fn joined(labels: BTreeSet<String>) -> String {
    labels.into_iter().collect::<Vec<_>>().join(",")
}

fn dimensions(
    service: &str,
    span: &Span,
    resource: &[KeyValue],
    event: &[KeyValue],
    keys: &[&str],
) -> BTreeSet<String> {
    let kinds = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    let codes = ["UNSET", "OK", "ERROR"];
    let kind = kinds.get(span.kind as usize).map(|kind| format!("SPAN_KIND_{kind}"));
    let code = span.status.as_ref().map_or(0, |status| status.code);
    let code = codes.get(code as usize).map(|code| format!("STATUS_CODE_{code}"));
    let mut labels = BTreeSet::from([
        format!("service.name={service}"),
        format!("span.name={}", span.name),
        format!("span.kind={}", kind.unwrap_or_default()),
        format!("status.code={}", code.unwrap_or_default()),
    ]);
    for key in keys {
        let found = [&span.attributes, event, resource].iter().find_map(|list| find(list, key));
        let default = (*key == "http.method").then(|| "GET".to_owned());
        labels.extend(found.or(default).map(|value| format!("{key}={value}")));
    }
    labels
}

fn find(attributes: &[KeyValue], key: &str) -> Option<String> {
    let pair = attributes.iter().rfind(|pair| pair.key == key)?;
    Some(pair.value.as_ref().map(value_text).unwrap_or_default())
}

fn last_of_each(attributes: &[KeyValue]) -> Vec<KeyValue> {
    let by_key: BTreeMap<_, _> = attributes.iter().map(|pair| (&pair.key, pair)).collect();
    by_key.into_values().cloned().collect()
}
