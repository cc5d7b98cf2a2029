//! What the traces of a run hold: everything follows from the seed, the number of the trace, and the time
//! at which it was sent.
//!
//! The trace id is the seed followed by the number, so a trace of the run that was never sent can be told
//! from one that was.

use bytes::Bytes;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status, status::StatusCode};

/// The service of all spans.
pub(super) const SERVICE: &str = "spandrel-verify";
/// Attribute of every span: the seed, in hexadecimal.
pub(super) const RUN_KEY: &str = "verify.run";
/// Attribute of every span: the number of its trace.
pub(super) const TRACE_KEY: &str = "verify.trace";

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) seed: u64,
    pub(super) spans_per_trace: u32,
}

impl Run {
    /// The seed as it stands in attributes and queries.
    pub(super) fn name(self) -> String {
        format!("{:016x}", self.seed)
    }

    /// The id of a trace.
    pub(super) fn trace_id(self, number: u64) -> [u8; 16] {
        (u128::from(self.seed) << 64 | u128::from(number)).to_be_bytes()
    }

    /// The number of the trace with this id, if it is of this run.
    pub(super) fn number(self, trace_id: [u8; 16]) -> Option<u64> {
        let id = u128::from_be_bytes(trace_id);
        ((id >> 64) as u64 == self.seed).then_some(id as u64)
    }

    /// The spans of a trace, in a binary tree.
    pub(super) fn spans(self, number: u64, start_unix_nanos: u64) -> Vec<Span> {
        (0..self.spans_per_trace).map(|i| self.span(number, i, start_unix_nanos)).collect()
    }

    fn span(self, number: u64, i: u32, start_unix_nanos: u64) -> Span {
        let hash = self.hash(number, i);
        let start = start_unix_nanos + u64::from(i) * 1_000;
        let parent = i.checked_sub(1).map(|below| self.span_id(number, below / 2));
        let is_error = hash.is_multiple_of(7);
        Span {
            trace_id: Bytes::copy_from_slice(&self.trace_id(number)),
            span_id: self.span_id(number, i),
            parent_span_id: parent.unwrap_or_default(),
            name: format!("verify.{}", hash % 5),
            kind: (hash % 5) as i32 + 1,
            start_time_unix_nano: start,
            end_time_unix_nano: start + 1_000 + hash % 1_000_000,
            // Sorted by key, as spans are compared.
            attributes: vec![
                attribute("verify.flag", Value::BoolValue(hash.is_multiple_of(2))),
                attribute("verify.ratio", Value::DoubleValue((hash % 1_000) as f64 / 8.0)),
                attribute(RUN_KEY, Value::StringValue(self.name())),
                attribute("verify.span", Value::IntValue(i64::from(i))),
                attribute("verify.text", Value::StringValue(format!("{hash:x}"))),
                attribute(TRACE_KEY, Value::IntValue(number.cast_signed())),
            ],
            status: is_error.then(|| Status {
                message: format!("failed on purpose {}", hash % 100),
                code: StatusCode::Error as i32,
            }),
            ..Span::default()
        }
    }

    fn span_id(self, number: u64, i: u32) -> Bytes {
        // Never zero, which means "no span".
        Bytes::copy_from_slice(&(self.hash(number, i) | 1).to_be_bytes())
    }

    fn hash(self, number: u64, i: u32) -> u64 {
        mix(self.seed ^ mix(number ^ mix(u64::from(i))))
    }

    /// Traces `first..first + count` as one request.
    pub(super) fn request(
        self,
        first: u64,
        count: u64,
        start_unix_nanos: u64,
    ) -> ExportTraceServiceRequest {
        let spans = (first..first + count).flat_map(|number| self.spans(number, start_unix_nanos));
        let scope_spans = vec![ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() }];
        let service = attribute("service.name", Value::StringValue(SERVICE.to_owned()));
        let resource = Some(Resource { attributes: vec![service], ..Resource::default() });
        let resource_spans = ResourceSpans { resource, scope_spans, ..ResourceSpans::default() };
        ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
    }
}

/// A span in the form in which spans are compared: an order of attributes and a way to say "no status" do
/// not matter.
pub(super) fn comparable(mut span: Span) -> Span {
    span.attributes.sort_by(|a, b| a.key.cmp(&b.key));
    span.status = span.status.filter(|status| *status != Status::default());
    span
}

fn attribute(key: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value }
}

/// The finalizer of SplitMix64: every bit of the result depends on every bit of the input.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const RUN: Run = Run { seed: 7, spans_per_trace: 6 };

    #[test]
    fn ids_say_where_they_come_from() {
        assert_eq!(RUN.number(RUN.trace_id(12)), Some(12));
        assert_eq!(Run { seed: 8, ..RUN }.number(RUN.trace_id(12)), None);
    }

    #[test]
    fn parents_are_in_the_trace_and_ids_are_distinct() {
        for number in 0..100 {
            let spans = RUN.spans(number, 1_000);
            let ids: HashSet<_> = spans.iter().map(|span| span.span_id.clone()).collect();
            assert_eq!(ids.len(), 6);
            assert!(spans[0].parent_span_id.is_empty());
            assert!(spans[1..].iter().all(|span| ids.contains(&span.parent_span_id)));
            assert!(spans.iter().all(|span| comparable(span.clone()) == *span));
        }
    }
}
