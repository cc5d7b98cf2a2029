//! Adjusters one by one.

use std::time::Duration;

use spandrel_insight::{AdjustOptions, adjust};
use spandrel_model::{Attribute, AttributeValue, Link, Span, SpanId, SpanKind, TraceId};

use crate::shapes::{id, resource, span, text, trace};

const OPTIONS: AdjustOptions = AdjustOptions { clock_skew_max: Duration::from_secs(60) };

fn adjusted(spans: Vec<Span>) -> Vec<Span> {
    adjust(trace(spans), OPTIONS).trace.spans
}

#[test]
fn a_server_that_shares_its_id_goes_below_its_client() {
    let kind = |kind, span: Span| Span { kind, ..span };
    let spans = adjusted(vec![
        kind(SpanKind::Client, span(7, 0, 10, 20)),
        kind(SpanKind::Server, span(7, 0, 12, 18)),
        span(1, 7, 13, 15),
        kind(SpanKind::Server, span(8, 7, 13, 15)),
    ]);
    let ids = |span: &Span| (span.span_id, span.parent_span_id);
    let found: Vec<_> = spans.iter().map(ids).collect();
    assert_eq!(
        found,
        [(id(7), None), (id(2), Some(id(7))), (id(1), Some(id(2))), (id(8), Some(id(2)))],
        "1 is taken, so the server is 2"
    );
}

#[test]
fn exact_copies_go_and_what_only_shares_an_id_stays() {
    let mut with = span(1, 0, 10, 20);
    with.attributes = vec![text("a", "1"), text("b", "2")];
    let mut turned = with.clone();
    turned.attributes.reverse();
    let spans = adjusted(vec![with.clone(), turned, span(1, 0, 10, 20), with]);
    let sizes: Vec<usize> = spans.iter().map(|span| span.attributes.len()).collect();
    assert_eq!(sizes, [2, 0]);
}

#[test]
fn addresses_are_texts_and_the_sdk_is_the_resources() {
    let number =
        |key: &str, value| Attribute { key: key.to_owned(), value: AttributeValue::Int(value) };
    let mut one = span(1, 0, 10, 20);
    one.attributes = vec![
        number("ip", 0x7f00_0001),
        number("peer.ipv4", -1_062_706_331),
        number("port", 80),
        text("telemetry.sdk.name", "otel"),
        text("telemetry.sdk.language", "go"),
    ];
    one.resource = resource(&[("service.name", "shop"), ("telemetry.sdk.language", "rust")]);
    let nowhere = Link {
        trace_id: TraceId::default(),
        span_id: SpanId::default(),
        trace_state: String::new(),
        flags: 0,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
    };
    one.links = vec![nowhere.clone(), Link { span_id: id(3), ..nowhere }];
    let spans = adjusted(vec![one]);
    assert_eq!(
        spans[0].attributes,
        [
            text("ip", "127.0.0.1"),
            text("peer.ipv4", "192.168.99.101"),
            number("port", 80),
            text("telemetry.sdk.language", "go"),
        ],
        "what the resource says differently stays"
    );
    assert_eq!(spans[0].resource.attributes.last(), Some(&text("telemetry.sdk.name", "otel")));
    assert_eq!(spans[0].links.len(), 1);
}

#[test]
fn what_cannot_be_adjusted_says_so() {
    let adjusted = adjust(trace(vec![span(1, 9, 10, 20), span(1, 0, 10, 30)]), OPTIONS);
    assert_eq!(
        adjusted.warnings,
        [
            vec![
                "parent span ID=0000000000000009 is not in the trace; skipping clock skew \
                 adjustment"
            ],
            vec!["duplicate span IDs; skipping clock skew adjustment"],
        ]
    );
}
