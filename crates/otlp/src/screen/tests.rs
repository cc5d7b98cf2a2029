//! Screening against prost: the request without the refused spans, whatever the layout of its bytes.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use proptest::prelude::*;
use prost::Message as _;
use spandrel_columns::SpanColumns;
use spandrel_model::TraceId;

use super::{SpanFacts, screen_request};
use crate::oracle::scramble::{Message, Random, corrupt, scramble};
use crate::oracle::{all_spans, arbitrary, canonical, proptest_config};
use crate::{DecodeLimits, decode_request};

fn decoded(bytes: &[u8]) -> String {
    let mut columns = SpanColumns::default();
    decode_request(bytes, &DecodeLimits::default(), &mut columns).unwrap();
    canonical(&all_spans(&columns))
}

/// The request without the spans whose number `keep` does not want.
fn without(
    mut request: ExportTraceServiceRequest,
    keep: impl Fn(usize) -> bool,
) -> ExportTraceServiceRequest {
    let mut number = 0;
    for resource_spans in &mut request.resource_spans {
        for scope_spans in &mut resource_spans.scope_spans {
            scope_spans.spans.retain(|_| {
                number += 1;
                keep(number - 1)
            });
        }
    }
    request
}

/// Screens, and checks that every span was shown once.
fn screened(bytes: &[u8], n_spans: usize, keep: impl Fn(usize) -> bool) -> Option<Vec<u8>> {
    let mut shown = 0;
    let screened = screen_request(bytes, |_| {
        shown += 1;
        keep(shown - 1)
    });
    assert_eq!(shown, n_spans);
    screened.unwrap()
}

fn n_spans(request: &ExportTraceServiceRequest) -> usize {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len()).sum()
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn what_is_left_is_the_request_without_the_refused_spans(
        request in arbitrary::request(),
        seed in any::<u64>(),
        refused in any::<u64>(),
    ) {
        let keep = |number: usize| refused >> (number % 64) & 1 == 0;
        let scrambled = scramble(&request.encode_to_vec(), Message::Request, &mut Random(seed));
        // Scrambling brings the spans into another order.
        let request = ExportTraceServiceRequest::decode(&*scrambled).unwrap();
        let n_spans = n_spans(&request);
        let left = screened(&scrambled, n_spans, keep);
        prop_assert_eq!(left.is_none(), (0..n_spans).all(keep));
        let expected = decoded(&without(request, keep).encode_to_vec());
        prop_assert_eq!(decoded(&left.unwrap_or(scrambled)), expected);
    }

    /// Who screens first refuses nothing that could have been stored.
    #[test]
    fn what_cannot_be_screened_cannot_be_decoded(request in arbitrary::request(), seed in any::<u64>()) {
        let random = &mut Random(seed);
        let original = request.encode_to_vec();
        for _ in 0..20 {
            let mut bytes = original.clone();
            corrupt(&mut bytes, random);
            let limits = DecodeLimits::default();
            let decodes = decode_request(&bytes, &limits, &mut SpanColumns::default()).is_ok();
            for verdict in [true, false] {
                let screens = screen_request(&bytes, |_| verdict).is_ok();
                prop_assert!(screens || !decodes);
            }
        }
    }
}

fn pair(key: &str, n_bytes: usize) -> KeyValue {
    let value = Some(AnyValue { value: Some(Any::StringValue("x".repeat(n_bytes))) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

#[test]
fn facts_are_those_of_the_span_and_its_owners() {
    let mut request = ExportTraceServiceRequest::default();
    request.resource_spans.resize_with(1, Default::default);
    let resource_spans = &mut request.resource_spans[0];
    resource_spans.scope_spans.resize_with(1, Default::default);
    let span = Span {
        trace_id: vec![7; 16],
        attributes: vec![pair("a", 30), pair("b", 5)],
        events: vec![Event { attributes: vec![pair("c", 4)], ..Event::default() }],
        links: vec![Link { attributes: vec![pair("d", 3)], ..Link::default() }],
        ..Span::default()
    };
    resource_spans.scope_spans[0].spans = vec![span.clone()];
    let facts = |request: &ExportTraceServiceRequest| {
        let mut seen = Vec::new();
        let kept = screen_request(&request.encode_to_vec(), |facts| {
            seen.push(*facts);
            true
        });
        assert_eq!(kept, Ok(None));
        seen.pop().unwrap()
    };
    let expected = SpanFacts {
        trace_id: TraceId([7; 16]),
        n_bytes: span.encoded_len(),
        n_attributes: 2,
        value_bytes_max: 30,
    };
    assert_eq!(facts(&request), expected);
    let longest = |change: &dyn Fn(&mut ExportTraceServiceRequest)| {
        let mut changed = request.clone();
        change(&mut changed);
        facts(&changed).value_bytes_max
    };
    let event = |request: &mut ExportTraceServiceRequest| {
        let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
        span.events[0].attributes = vec![pair("c", 40)];
    };
    let link = |request: &mut ExportTraceServiceRequest| {
        let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
        span.links[0].attributes = vec![pair("d", 50)];
    };
    let scope = |request: &mut ExportTraceServiceRequest| {
        let scope = &mut request.resource_spans[0].scope_spans[0].scope;
        scope.get_or_insert_default().attributes = vec![pair("e", 60)];
    };
    let resource = |request: &mut ExportTraceServiceRequest| {
        let resource = &mut request.resource_spans[0].resource;
        resource.get_or_insert_default().attributes = vec![pair("f", 70)];
    };
    assert_eq!(
        [longest(&event), longest(&link), longest(&scope), longest(&resource)],
        [40, 50, 60, 70]
    );
}

#[test]
fn a_request_of_refused_spans_only_is_empty() {
    // A resource with one scope of two empty spans, and a resource without spans.
    let request = [0x0a, 6, 0x12, 4, 0x12, 0, 0x12, 0, 0x0a, 0];
    assert_eq!(screened(&request, 2, |_| false).unwrap(), [0x0a, 0]);
    assert_eq!(
        screened(&request, 2, |number| number == 0).unwrap(),
        [0x0a, 4, 0x12, 2, 0x12, 0, 0x0a, 0]
    );
    assert!(screen_request(&request[..5], |_| true).is_err());
}
