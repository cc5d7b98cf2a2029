//! What is grouped.

use spandrel_config::read_settings;

use super::*;
use crate::testing::{Recorder, attributes, batch, context, request, resource_spans, span, text};

async fn after(yaml: &str, before: &ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    let (settings, _) = read_settings(yaml, GroupByAttrsSettings::read).expect(yaml);
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let processor = GroupByAttrsProcessor::new(settings, consumer, context("groupbyattrs"));
    processor.expect("built").consume(batch(before)).await.expect("taken");
    next.requests().remove(0)
}

#[tokio::test(start_paused = true)]
async fn attributes_move_to_the_resource() {
    let before = request(
        "shop",
        vec![
            span("1", [("host", text("a")), ("x", text("y"))]),
            span("2", [("host", text("b"))]),
            span("3", [("x", text("y"))]),
            span("4", [("host", text("a"))]),
        ],
    );
    let with_host = |host: &str, spans| {
        let mut resource = resource_spans("shop", spans);
        let attributes = attributes([("host", text(host))]);
        resource.resource.as_mut().expect("it has one").attributes.extend(attributes);
        resource
    };
    let expected = vec![
        with_host("a", vec![span("1", [("x", text("y"))]), span("4", [])]),
        with_host("b", vec![span("2", [])]),
        resource_spans("shop", vec![span("3", [("x", text("y"))])]),
    ];
    assert_eq!(after("keys: [host]", &before).await.resource_spans, expected);
}

#[tokio::test(start_paused = true)]
async fn equal_resources_are_joined_in_any_order_of_their_attributes() {
    let more = |service: &str| {
        let mut resource = resource_spans(service, vec![span("s", [])]);
        let attributes_mut = &mut resource.resource.as_mut().expect("it has one").attributes;
        attributes_mut.extend(attributes([("a", text("b"))]));
        resource
    };
    let mut turned = more("shop");
    turned.resource.as_mut().expect("it has one").attributes.reverse();
    let before =
        ExportTraceServiceRequest { resource_spans: vec![more("shop"), more("bank"), turned] };
    let mut joined = more("shop");
    joined.scope_spans[0].spans.push(span("s", []));
    assert_eq!(after("", &before).await.resource_spans, [joined, more("bank")]);
}

#[test]
fn keys_without_effect_are_warned_about() {
    let (settings, warnings) =
        read_settings("keys: [a, '', a]", GroupByAttrsSettings::read).expect("valid");
    assert_eq!((settings.keys, warnings.len()), (vec!["a".to_owned()], 2));
}
