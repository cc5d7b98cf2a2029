//! `count`: by conditions and attributes, resource by resource.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use spandrel_connectors::count::{CountConnector, CountSettings};
use spandrel_pipeline::{ConsumeError, TraceConsumer};
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::trace::ResourceSpans;

use crate::fixtures::{
    START, Sink, batch, clock, context, event, int, pair, problems, resource, settings, span,
};

/// Four resources of four spans with two events each; resources, spans and events have a required and an
/// optional attribute, or do not.
fn requests() -> Vec<ResourceSpans> {
    let lists = |kind: &str| {
        [
            format!("{kind}.required=foo {kind}.optional=bar"),
            format!("{kind}.required=foo {kind}.optional=notbar"),
            format!("{kind}.required=notfoo"),
            String::new(),
        ]
    };
    let spans = lists("span").map(|attributes| {
        let mut span = span("x", 1, &attributes);
        span.events = lists("event").iter().map(|attributes| event("e", attributes)).collect();
        span
    });
    lists("resource").iter().map(|attributes| resource(attributes, spans.to_vec())).collect()
}

async fn counted(yaml: &str) -> Vec<String> {
    let sink = Arc::new(Sink::default());
    let settings = settings(yaml, CountSettings::read);
    let connector = CountConnector::new(settings, sink.clone(), context(&clock())).unwrap();
    let accepted = connector.consume(batch(requests())).await.unwrap();
    assert_eq!(accepted.accepted_spans, 16);
    sink.take_lines()
}

#[tokio::test]
async fn without_settings_everything_is_counted() {
    let mut expected = Vec::new();
    for (name, count) in [("trace.span.count", 4), ("trace.span.event.count", 16)] {
        for attributes in [
            "",
            "resource.optional=bar,resource.required=foo",
            "resource.optional=notbar,resource.required=foo",
            "resource.required=notfoo",
        ] {
            expected.push(format!("{name}{{{attributes}|}} {count}"));
        }
    }
    expected.sort();
    assert_eq!(counted("").await, expected);
}

#[tokio::test]
async fn any_condition_that_holds_is_enough() {
    let yaml = r#"
spans:
  span.count.if:
    description: Span count if ...
    conditions:
      - resource.attributes["resource.optional"] == "bar"
      - attributes["span.optional"] == "bar"
spanevents:
  spanevent.count.if:
    conditions:
      - attributes["event.optional"] != nil and span.attributes["span.required"] == "notfoo"
"#;
    let of = [
        "",
        "resource.optional=bar,resource.required=foo",
        "resource.optional=notbar,resource.required=foo",
        "resource.required=notfoo",
    ];
    let expected = [
        format!("span.count.if{{{}|}} 4", of[1]),
        format!("span.count.if{{{}|}} 1", of[2]),
        format!("span.count.if{{{}|}} 1", of[3]),
        format!("span.count.if{{{}|}} 1", of[0]),
        format!("spanevent.count.if{{{}|}} 2", of[1]),
        format!("spanevent.count.if{{{}|}} 2", of[2]),
        format!("spanevent.count.if{{{}|}} 2", of[3]),
        format!("spanevent.count.if{{{}|}} 2", of[0]),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(counted(yaml).await, expected);
}

#[tokio::test]
async fn what_lacks_an_attribute_counts_only_with_a_default() {
    let yaml = "
spans:
  by_attr:
    attributes:
      - key: span.required
      - key: span.optional
        default_value: other
      - key: number
        default_value: 200
spanevents:
";
    let lines = counted(yaml).await;
    let first: Vec<_> =
        lines.iter().filter(|line| line.contains("=bar,resource.required")).collect();
    let of = "resource.optional=bar,resource.required=foo";
    assert_eq!(lines.len(), 12);
    assert_eq!(
        first,
        [
            &format!("by_attr{{{of}|number=200,span.optional=bar,span.required=foo}} 1"),
            &format!("by_attr{{{of}|number=200,span.optional=notbar,span.required=foo}} 1"),
            &format!("by_attr{{{of}|number=200,span.optional=other,span.required=notfoo}} 1"),
        ]
    );
}

#[tokio::test]
async fn attributes_keep_their_types_and_may_be_of_the_scope_or_resource() {
    let sink = Arc::new(Sink::default());
    let yaml = "spans: {n: {attributes: [{key: code}, {key: host}]}}\nspanevents: {}";
    let settings = settings(yaml, CountSettings::read);
    let connector = CountConnector::new(settings, sink.clone(), context(&clock())).unwrap();
    let with_code = |value| {
        let mut span = span("x", 1, "");
        span.attributes.push(pair("code", value));
        span
    };
    let spans = vec![with_code(int(1)), with_code(crate::fixtures::text("1")), with_code(int(1))];
    connector.consume(batch(vec![resource("host=h", spans)])).await.unwrap();
    let sent = sink.metrics.lock().unwrap().pop().unwrap();
    let scope = &sent.metrics.resource_metrics[0].scope_metrics[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "otelcol/countconnector");
    let Some(Data::Sum(sum)) = &scope.metrics[0].data else { panic!("{scope:?}") };
    assert_eq!((sum.aggregation_temporality, sum.data_points.len()), (1, 2));
    assert_eq!(sum.data_points[0].time_unix_nano, START);
}

#[tokio::test]
async fn who_takes_the_counts_decides_about_the_spans() {
    let sink = Arc::new(Sink::default());
    sink.full.store(true, Ordering::SeqCst);
    let settings = settings("", CountSettings::read);
    let connector = CountConnector::new(settings, sink.clone(), context(&clock())).unwrap();
    let refused = connector.consume(batch(requests())).await;
    assert!(matches!(refused, Err(ConsumeError::Unavailable { .. })), "{refused:?}");
}

#[test]
fn mistakes_are_found() {
    for (yaml, mistake) in [
        ("spans: {n: {conditions: ['attributes[']}}", "conditions"),
        ("spans: {n: {conditions: ['NoSuch(name)']}}", "NoSuch"),
        ("spans: {n: {attributes: [{default_value: x}]}}", "key"),
        ("spans: {'': {}}", "metric name missing"),
        ("logs: {n: {conditions: ['body ==']}}", "conditions"),
        ("span: {}", "span"),
    ] {
        let found = problems(yaml, CountSettings::read);
        assert!(found.contains(mistake), "{yaml}: {found}");
    }
}
