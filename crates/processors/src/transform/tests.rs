//! What statements do to spans, and which are none.

use spandrel_config::read_settings;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;

use super::*;
use crate::testing::{Recorder, batch, context, int, request, span, text};

fn processor(yaml: &str, next: &Arc<Recorder>) -> TransformProcessor {
    let (settings, _) = read_settings(yaml, TransformSettings::read).expect(yaml);
    let consumer = Arc::clone(next) as Arc<dyn TraceConsumer>;
    TransformProcessor::new(settings, consumer, context("transform")).expect("built")
}

fn spans() -> ExportTraceServiceRequest {
    request("shop", vec![span("a", [("n", int(1))]), span("b", [("n", int(2)), ("x", text("y"))])])
}

#[tokio::test(start_paused = true)]
async fn statements_of_all_shapes() {
    let renamed = |service: &str, names: [&str; 2], keeps_x: bool| {
        let mut spans = request(
            service,
            vec![
                span(names[0], [("n", int(1))]),
                span(names[1], [("n", int(2)), ("x", text("y"))]),
            ],
        );
        if !keeps_x {
            spans.resource_spans[0].scope_spans[0].spans[1].attributes.pop();
        }
        spans
    };
    for (yaml, expected) in [
        ("", spans()),
        (
            "trace_statements: [{context: span, statements: ['set(name, \"z\") where attributes[\"n\"] == 2', 'delete_key(attributes, \"x\")']}]",
            renamed("shop", ["a", "z"], false),
        ),
        (
            "trace_statements: [{context: resource, statements: ['set(attributes[\"service.name\"], \"bank\")']}]",
            renamed("bank", ["a", "b"], true),
        ),
        (
            "trace_statements: ['set(span.name, \"z\") where span.attributes[\"n\"] == 1', 'set(resource.attributes[\"service.name\"], \"bank\") where span.name == \"z\"']",
            renamed("bank", ["z", "b"], true),
        ),
        (
            "trace_statements: [{context: span, conditions: ['attributes[\"n\"] == 1', 'name == \"q\"'], statements: ['set(name, \"z\")']}]",
            renamed("shop", ["z", "b"], true),
        ),
        (
            "{trace_statements: [{context: span, statements: ['set(name, \"z\")']}, {context: span, statements: ['set(name, \"q\") where name == \"z\"']}], log_statements: [{context: log, statements: ['set(body, \"x\")']}]}",
            renamed("shop", ["q", "q"], true),
        ),
    ] {
        let next = Recorder::answering([]);
        processor(yaml, &next).consume(batch(&spans())).await.expect("taken");
        assert_eq!(next.requests(), [expected], "{yaml}");
    }
}

#[tokio::test(start_paused = true)]
async fn shared_spans_are_copied_before_they_are_changed() {
    let next = Recorder::answering([]);
    let processor = processor("trace_statements: ['set(span.name, \"z\")']", &next);
    let mut batch = batch(&spans());
    batch.traces = Traces::from(spans());
    processor.consume(batch.clone()).await.expect("taken");
    assert_eq!(*batch.traces.decoded().expect("decoded"), spans());
    assert_ne!(next.requests(), [spans()]);
}

#[tokio::test(start_paused = true)]
async fn errors_are_ignored_or_reject_the_batch() {
    let statements =
        "['set(span.attributes[\"t\"], Time(span.name, \"%Y\"))', 'set(span.name, \"z\")']";
    let next = Recorder::answering([]);
    let ignoring = processor(&format!("trace_statements: {statements}"), &next);
    ignoring.consume(batch(&spans())).await.expect("taken");
    assert_eq!(next.requests()[0].resource_spans[0].scope_spans[0].spans[0].name, "z");
    let strict =
        processor(&format!("{{error_mode: propagate, trace_statements: {statements}}}"), &next);
    let answer = strict.consume(batch(&spans())).await;
    assert!(matches!(answer, Err(ConsumeError::Permanent { spans: 2, .. })), "{answer:?}");
    assert_eq!(next.batches.lock().len(), 1);
}

#[test]
fn mistakes() {
    for (yaml, message) in [
        ("trace_statements: ['set(span.nam, 1)']", "nam"),
        ("trace_statements: [{context: span, statements: ['set(name, \"a\"']}]", "set(name"),
        (
            "trace_statements: [{context: span, statements: ['not_a_function(name)']}]",
            "not_a_function",
        ),
        ("trace_statements: [{context: test, statements: []}]", "must be resource"),
        (
            "trace_statements: ['set(span.name, \"a\")', {statements: ['set(span.name, \"b\")']}]",
            "use one of them",
        ),
        ("error_mode: test", "propagate"),
        ("log_statements: [{context: log, statements: ['set(body']}]", "set(body"),
        ("metric_statements: ['nothing(metric.name)']", "nothing"),
    ] {
        let problems = read_settings(yaml, TransformSettings::read).expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
}
