//! Spans and resources before and after.

use spandrel_config::read_settings;
use spandrel_proto::otlp::trace::ResourceSpans;

use super::*;
use crate::testing::{Recorder, attributes, batch, context, int, request, span, text};

#[tokio::test(start_paused = true)]
async fn selected_spans_are_changed_and_others_are_as_they_came() {
    let yaml = "{actions: [{key: n, action: upsert, value: 2}, {key: a, action: delete}],
        exclude: {match_type: strict, span_names: [keep]}}";
    let (settings, _) = read_settings(yaml, AttributesSettings::read).expect("valid");
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let processor =
        AttributesProcessor::new(settings, consumer, context("attributes")).expect("built");
    let spans = |n, a: bool| {
        let mut changed = span("change", [("n", int(n)), ("b", text("x"))]);
        if a {
            changed.attributes.extend(attributes([("a", int(1))]));
        }
        request("shop", vec![changed, span("keep", [("a", int(1))])])
    };
    let answer = processor.consume(batch(&spans(1, true))).await.expect("taken");
    assert_eq!(answer.accepted_spans, 2);
    assert_eq!(next.requests(), [spans(2, false)]);
    // What changes nothing is handed on as it is.
    let same = batch(&spans(2, false));
    processor.consume(same.clone()).await.expect("taken");
    let handed_on = next.batches.lock()[1].traces.clone().into_otlp();
    assert_eq!(handed_on.as_ptr(), same.traces.into_otlp().as_ptr());
}

#[tokio::test(start_paused = true)]
async fn resources_are_changed_also_where_there_is_none() {
    let yaml = "attributes: [{key: env, action: insert, value: test}]";
    let (settings, _) = read_settings(yaml, ResourceSettings::read).expect("valid");
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let processor = ResourceProcessor::new(settings, consumer, context("resource")).expect("built");
    let mut spans = request("shop", vec![span("s", [])]);
    spans.resource_spans.push(ResourceSpans { resource: None, ..spans.resource_spans[0].clone() });
    processor.consume(batch(&spans)).await.expect("taken");
    let env = || attributes([("env", text("test"))]);
    let resource = spans.resource_spans[0].resource.as_mut().expect("it has one");
    resource.attributes.extend(env());
    spans.resource_spans[1].resource =
        Some(spandrel_proto::otlp::resource::Resource { attributes: env(), ..Default::default() });
    assert_eq!(next.requests(), [spans]);
}

#[tokio::test(start_paused = true)]
async fn damage_is_reported() {
    let yaml = "actions: [{key: a, action: delete}]";
    let (settings, _) = read_settings(yaml, AttributesSettings::read).expect("valid");
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let processor =
        AttributesProcessor::new(settings, consumer, context("attributes")).expect("built");
    let mut damaged = batch(&request("shop", vec![]));
    // A span whose attribute ends too early.
    let otlp = [0x0a, 8, 0x12, 6, 0x12, 4, 0x4a, 2, 0x0a, 9];
    damaged.traces = Traces::Otlp(otlp.to_vec().into());
    let error = ConsumeError::Malformed("malformed KeyValue".to_owned());
    assert_eq!(processor.consume(damaged).await, Err(error));
    assert!(next.batches.lock().is_empty());
}
