//! What the generator's settings promise: shared buffers, type URLs, wire compatibility across packages.

use prost::Message as _;
use prost::bytes::Bytes;

use crate::otlp::collector_trace::ExportTraceServiceRequest;
use crate::otlp::trace::{ResourceSpans, ScopeSpans, Span};
use crate::rpc::RetryInfo;
use crate::well_known::{Any, Duration};

fn one_span() -> Vec<ResourceSpans> {
    let span = Span {
        trace_id: Bytes::from_static(&[7; 16]),
        span_id: Bytes::from_static(&[9; 8]),
        name: "GET /".into(),
        ..Span::default()
    };
    vec![ResourceSpans {
        scope_spans: vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }]
}

#[test]
fn ids_decoded_from_bytes_lie_in_the_request_buffer() {
    let request = ExportTraceServiceRequest { resource_spans: one_span() };
    let wire = Bytes::from(request.encode_to_vec());
    let decoded = ExportTraceServiceRequest::decode(wire.clone()).expect("own encoding decodes");
    assert_eq!(decoded, request);
    let trace_id = &decoded.resource_spans[0].scope_spans[0].spans[0].trace_id;
    assert!(wire.as_ptr_range().contains(&trace_id.as_ptr()));
}

#[test]
fn a_tempo_trace_is_an_otlp_request_on_the_wire() {
    let trace = crate::tempo::Trace { resource_spans: one_span() };
    let request = ExportTraceServiceRequest { resource_spans: one_span() };
    assert_eq!(trace.encode_to_vec(), request.encode_to_vec());
}

#[test]
fn error_details_carry_the_url_grpc_clients_look_for() {
    let retry = RetryInfo { retry_delay: Some(Duration { seconds: 1, nanos: 0 }) };
    let detail = Any::from_msg(&retry).expect("a vector takes any message");
    assert_eq!(detail.type_url, "type.googleapis.com/google.rpc.RetryInfo");
    assert_eq!(detail.to_msg::<RetryInfo>().expect("same type"), retry);
}
