//! What a list of traces shows of each: root, extent, counts of spans by service.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use spandrel_model::{SpanId, StatusCode, Trace, TraceId};

/// A trace in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    #[serde(serialize_with = "text")]
    pub(super) trace_id: TraceId,
    /// Of the earliest span without a parent; empty when there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) root_service_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) root_operation_name: String,
    #[serde(serialize_with = "text", skip_serializing_if = "is_zero")]
    pub(super) min_start_time_unix_nano: u64,
    #[serde(serialize_with = "text", skip_serializing_if = "is_zero")]
    pub(super) max_end_time_unix_nano: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) span_count: i32,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) error_span_count: i32,
    /// Spans whose parent is not in the trace.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) orphan_span_count: i32,
    /// By name.
    pub(super) services: Vec<ServiceSummary>,
}

/// The spans of a service in a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceSummary {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) span_count: i32,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) error_span_count: i32,
}

impl Summary {
    /// Of a whole trace.
    pub(super) fn of(trace: &Trace) -> Self {
        let ids: HashSet<SpanId> = trace.spans.iter().map(|span| span.span_id).collect();
        let is_orphan = |parent: &SpanId| !ids.contains(parent);
        let root = trace.spans.iter().filter(|span| span.parent_span_id.is_none());
        let root = root.min_by_key(|span| span.start_unix_nanos);
        let mut services: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for span in &trace.spans {
            let name = span.resource.service_name().unwrap_or_default();
            let (spans, errors) = services.entry(name).or_default();
            *spans += 1;
            *errors += usize::from(span.status_code == StatusCode::Error);
        }
        let starts = trace.spans.iter().map(|span| span.start_unix_nanos);
        let ends = trace.spans.iter().map(|span| span.end_unix_nanos);
        let orphans = trace.spans.iter().filter_map(|span| span.parent_span_id);
        Self {
            trace_id: trace.trace_id,
            root_service_name: root
                .and_then(|root| root.resource.service_name())
                .unwrap_or_default()
                .to_owned(),
            root_operation_name: root.map(|root| root.name.clone()).unwrap_or_default(),
            min_start_time_unix_nano: starts.min().unwrap_or_default(),
            max_end_time_unix_nano: ends.max().unwrap_or_default(),
            span_count: count(trace.spans.len()),
            error_span_count: count(services.values().map(|(_, errors)| errors).sum()),
            orphan_span_count: count(orphans.filter(is_orphan).count()),
            services: services.into_iter().map(ServiceSummary::of).collect(),
        }
    }
}

impl ServiceSummary {
    fn of((name, (spans, errors)): (&str, (usize, usize))) -> Self {
        Self { name: name.to_owned(), span_count: count(spans), error_span_count: count(errors) }
    }
}

fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

fn text<T: std::fmt::Display, S: serde::Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[cfg(test)]
mod tests {
    use spandrel_model::SpanKind;

    use super::*;
    use crate::go_json;
    use crate::test_trace::checkout;

    #[test]
    fn zeros_are_left_out_and_long_numbers_are_texts() {
        let mut trace = checkout();
        trace.spans.truncate(1);
        let span = &mut trace.spans[0];
        (span.parent_span_id, span.status_code) = (None, StatusCode::Unset);
        (span.start_unix_nanos, span.end_unix_nanos) = (1_000_000_000_000, 1_001_000_000_000);
        (span.name, span.kind) = ("HTTP GET /".to_owned(), SpanKind::Server);
        let service = span.resource.service_name().unwrap().to_owned();
        let json = String::from_utf8(go_json::to_vec(&Summary::of(&trace))).unwrap();
        let expected = format!(
            "{{\"traceId\":\"{}\",\"rootServiceName\":\"{service}\",\"rootOperationName\":\
                \"HTTP GET /\",\"minStartTimeUnixNano\":\"1000000000000\",\
                \"maxEndTimeUnixNano\":\"1001000000000\",\"spanCount\":1,\"services\":\
                [{{\"name\":\"{service}\",\"spanCount\":1}}]}}",
            trace.trace_id
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn orphans_are_spans_whose_parent_is_missing() {
        let mut trace = checkout();
        let mut orphan = trace.spans[0].clone();
        orphan.span_id = SpanId([7; 8]);
        orphan.parent_span_id = Some(SpanId([8; 8]));
        orphan.start_unix_nanos = 1;
        let before = Summary::of(&trace);
        trace.spans.push(orphan);
        let summary = Summary::of(&trace);
        assert_eq!(summary.orphan_span_count, before.orphan_span_count + 1);
        assert_eq!(summary.min_start_time_unix_nano, 1);
        // It is no root, although it is the earliest.
        assert_eq!(summary.root_operation_name, before.root_operation_name);
    }
}
