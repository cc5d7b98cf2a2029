//! The view against prost: the same spans, attributes and events, whatever the layout of the bytes.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use proptest::prelude::*;
use prost::Message as _;

use super::{AttributesView, ProducerView, SpanView, SpanVisitor, ValueView, visit_spans};
use crate::oracle::scramble::{Random, corrupt};
use crate::oracle::{arbitrary, proptest_config};

/// One line for each thing seen.
#[derive(Default)]
struct Lines(Vec<String>);

impl<'a> SpanVisitor<'a> for Lines {
    fn resource(&mut self, resource: &ProducerView<'a>) -> bool {
        self.0.push(format!("resource {}", attributes(&resource.attributes)));
        true
    }

    fn scope(&mut self, scope: &ProducerView<'a>) {
        let (name, version) = (text(scope.name), text(scope.version));
        self.0.push(format!("scope {name} {version} {}", attributes(&scope.attributes)));
    }

    fn span(&mut self, span: &SpanView<'a>) {
        let ids = (span.trace_id, span.span_id, span.parent_span_id, text(span.trace_state));
        let times = (span.start_unix_nanos, span.end_unix_nanos, span.duration_nanos());
        let status = (span.status_code, text(span.status_message));
        let name = text(span.name);
        self.0.push(format!(
            "span {ids:?} {name} {} {times:?} {status:?} {}",
            span.kind,
            attributes(&span.attributes)
        ));
        span.for_each_event(|name, found| {
            self.0.push(format!("event {} {}", text(name), attributes(found)));
        })
        .unwrap();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn attributes(view: &AttributesView<'_>) -> String {
    for pair in view.iter() {
        let last = view.iter().filter(|other| other.key == pair.key).last();
        if let Ok(key) = std::str::from_utf8(pair.key) {
            // As text, because a number may be none.
            let (got, last) = (view.get(key), last.map(|pair| pair.value));
            assert_eq!(format!("{got:?}"), format!("{last:?}"), "{key:?}");
        }
    }
    let pairs = view.iter().map(|pair| format!("{}={:?}", text(pair.key), pair.value));
    pairs.collect::<Vec<_>>().join(",")
}

/// The same lines from prost's tree.
fn expected(request: &ExportTraceServiceRequest) -> Vec<String> {
    let mut lines = Vec::new();
    for resource_spans in &request.resource_spans {
        let resource = resource_spans.resource.clone().unwrap_or_default();
        lines.push(format!("resource {}", tree_attributes(&resource.attributes)));
        for scope_spans in &resource_spans.scope_spans {
            let scope = scope_spans.scope.clone().unwrap_or_default();
            let found = tree_attributes(&scope.attributes);
            lines.push(format!("scope {} {} {found}", scope.name, scope.version));
            for span in &scope_spans.spans {
                let ids = (&span.trace_id, &span.span_id, &span.parent_span_id, &span.trace_state);
                let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
                let times = (start, end, end.saturating_sub(start));
                let status = span.status.clone().unwrap_or_default();
                let status = (status.code, status.message);
                let found = tree_attributes(&span.attributes);
                lines.push(format!(
                    "span {ids:?} {} {} {times:?} {status:?} {found}",
                    span.name, span.kind
                ));
                for event in &span.events {
                    let found = tree_attributes(&event.attributes);
                    lines.push(format!("event {} {found}", event.name));
                }
            }
        }
    }
    lines
}

fn tree_attributes(pairs: &[KeyValue]) -> String {
    let pairs = pairs.iter().map(|pair| format!("{}={}", pair.key, tree_value(&pair.value)));
    pairs.collect::<Vec<_>>().join(",")
}

fn tree_value(value: &Option<AnyValue>) -> String {
    let nested;
    let view = match value.as_ref().and_then(|value| value.value.as_ref()) {
        // References into a table of strings are for profiles, and not known here.
        None | Some(Any::StringValueStrindex(_)) => ValueView::Empty,
        Some(Any::StringValue(text)) => ValueView::String(text.as_bytes()),
        Some(Any::BoolValue(truth)) => ValueView::Bool(*truth),
        Some(Any::IntValue(number)) => ValueView::Int(*number),
        Some(Any::DoubleValue(number)) => ValueView::Double(*number),
        Some(Any::BytesValue(bytes)) => ValueView::Bytes(bytes),
        Some(Any::ArrayValue(array)) => {
            nested = array.encode_to_vec();
            ValueView::Array(&nested)
        }
        Some(Any::KvlistValue(map)) => {
            nested = map.encode_to_vec();
            ValueView::Map(&nested)
        }
    };
    format!("{view:?}")
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn a_view_sees_what_prost_decodes(request in arbitrary::request()) {
        let bytes = request.encode_to_vec();
        let mut seen = Lines::default();
        visit_spans(&bytes, &mut seen).unwrap();
        prop_assert_eq!(seen.0, expected(&request));
    }

    #[test]
    fn damaged_bytes_never_panic(request in arbitrary::request(), seed: u64) {
        struct Nobody;
        impl<'a> SpanVisitor<'a> for Nobody {
            fn resource(&mut self, _: &ProducerView<'a>) -> bool {
                true
            }
            fn scope(&mut self, _: &ProducerView<'a>) {}
            fn span(&mut self, span: &SpanView<'a>) {
                span.for_each_event(|_, _| {}).ok();
            }
        }
        let mut bytes = request.encode_to_vec();
        corrupt(&mut bytes, &mut Random(seed));
        visit_spans(&bytes, &mut Nobody).ok();
    }
}

#[test]
fn the_last_of_repeated_keys_counts_and_unwanted_resources_are_skipped() {
    struct One(Option<i64>, usize);
    impl<'a> SpanVisitor<'a> for One {
        fn resource(&mut self, resource: &ProducerView<'a>) -> bool {
            if let Some(ValueView::Int(number)) = resource.attributes.get("a") {
                self.0 = Some(number);
            }
            false
        }
        fn scope(&mut self, _: &ProducerView<'a>) {
            self.1 += 1;
        }
        fn span(&mut self, _: &SpanView<'a>) {
            self.1 += 1;
        }
    }
    // A resource with a=1 and a=2 that lies behind an empty scope.
    let pair = |number| [0x0a, 7, 0x0a, 1, b'a', 0x12, 2, 0x18, number];
    let resource = [pair(1), pair(2)].concat();
    let mut resource_spans = vec![0x12, 0, 0x0a, resource.len() as u8];
    resource_spans.extend(resource);
    let mut request = vec![0x0a, resource_spans.len() as u8];
    request.extend(resource_spans);
    let mut one = One(None, 0);
    visit_spans(&request, &mut one).unwrap();
    assert_eq!((one.0, one.1), (Some(2), 0));
}
