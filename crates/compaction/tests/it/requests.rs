//! Spans to store.

use prost::Message as _;
use spandrel_columns::SpanColumns;
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
use spandrel_otlp::{DecodeLimits, decode_request};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

/// Requests of the demo shop that hold at least this many spans. The spans of a trace come in several.
pub(crate) fn shop_requests(n_spans: u64) -> Vec<ExportTraceServiceRequest> {
    let settings = TrafficSettings { traces_per_second: 50.0, ..TrafficSettings::default() };
    let mut spans = 0;
    let exports = TrafficGenerator::new(Shop::new(7), settings);
    let enough = exports.take_while(|export| {
        let before = spans;
        spans += export.span_count as u64;
        before < n_spans
    });
    enough.map(|export| export.request).collect()
}

/// The run that requests become.
pub(crate) fn run_of<'a>(
    requests: impl IntoIterator<Item = &'a ExportTraceServiceRequest>,
) -> SpanColumns {
    let mut run = SpanColumns::default();
    for request in requests {
        decode_request(&request.encode_to_vec(), &DecodeLimits::default(), &mut run).unwrap();
    }
    run
}

/// A request of one resource without attributes.
pub(crate) fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }
}

/// A span that starts in this second of the fixture's time and lasts a millisecond; a parent of 0 is none.
pub(crate) fn span(trace: u64, id: u64, parent: u64, second: u64) -> Span {
    let start = crate::fixture::BASE + second * 1_000_000_000 + id;
    let parent = if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() };
    Span {
        trace_id: u128::from(trace).to_be_bytes().to_vec().into(),
        span_id: id.to_be_bytes().to_vec().into(),
        parent_span_id: parent.into(),
        name: format!("operation {}", id % 5),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        ..Span::default()
    }
}
