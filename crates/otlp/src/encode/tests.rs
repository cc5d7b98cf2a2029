//! Traces to protobuf and back, through our decoder and through prost.

use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::TracesData;
use proptest::prelude::*;
use prost::Message as _;
use spandrel_columns::{RawSpan, SpanColumns};
use spandrel_model::{Resource, Scope, Trace, TraceId};

use super::{encode_trace, encode_traces, group_spans};
use crate::oracle::{all_spans, arbitrary, canonical, expected, proptest_config};
use crate::{DecodeLimits, decode_request, span_at};

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn encoded_spans_decode_to_themselves(request in arbitrary::request()) {
        let spans = expected(&request).0;
        let traces: Vec<_> = spans
            .iter()
            .map(|span| Trace { trace_id: span.trace_id, spans: vec![span.clone()] })
            .collect();
        let mut bytes = Vec::new();
        encode_traces(&traces, &mut bytes);
        let mut columns = SpanColumns::default();
        decode_request(&bytes, &DecodeLimits::default(), &mut columns).unwrap();
        let grouped: Vec<_> = group_spans(&spans)
            .into_iter()
            .flat_map(|group| group.scopes)
            .flat_map(|group| group.spans)
            .cloned()
            .collect();
        prop_assert_eq!(canonical(&all_spans(&columns)), canonical(&grouped));
        prop_assert!(TracesData::decode(bytes.as_slice()).is_ok());
    }
}

#[test]
fn spans_of_equal_resources_are_grouped_in_order_of_appearance() {
    let resource = |schema_url: &str| {
        Arc::new(Resource { schema_url: schema_url.to_owned(), ..Resource::default() })
    };
    let scope = |name: &str| Arc::new(Scope { name: name.to_owned(), ..Scope::default() });
    let spans = [("x", "1"), ("y", "1"), ("x", "2"), ("x", "1")].map(|(url, name)| {
        let mut columns = SpanColumns::default();
        columns.resource_table.insert(b"", resource(url));
        columns.scope_table.insert(b"", scope(name));
        columns.push(RawSpan { trace_id: TraceId([1; 16]), ..RawSpan::default() });
        span_at(&columns, 0).unwrap()
    });
    let trace = Trace { trace_id: TraceId([1; 16]), spans: spans.to_vec() };
    let mut bytes = Vec::new();
    encode_trace(&trace, &mut bytes);
    let shape: Vec<_> = TracesData::decode(bytes.as_slice())
        .unwrap()
        .resource_spans
        .into_iter()
        .map(|group| {
            let counts: Vec<_> = group.scope_spans.iter().map(|scope| scope.spans.len()).collect();
            (group.schema_url, counts)
        })
        .collect();
    assert_eq!(shape, [("x".to_owned(), vec![2, 1]), ("y".to_owned(), vec![1])]);
}
