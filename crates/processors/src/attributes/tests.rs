//! Spans and resources before and after.

use spandrel_config::read_settings;
use spandrel_proto::otlp::trace::ResourceSpans;

use super::*;
use crate::testing::{Random, Recorder, attributes, batch, context, int, request, span, text};

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
    let error = ConsumeError::Malformed("truncated KeyValue".to_owned());
    assert_eq!(processor.consume(damaged).await, Err(error));
    assert!(next.batches.lock().is_empty());
}

/// The actions on the tree, of repeated keys on the last.
fn by_messages(actions: &str, attributes: &mut Vec<spandrel_proto::otlp::common::KeyValue>) {
    for action in actions.split(' ') {
        let (what, key) = action.split_once(':').expect("an action and a key");
        let value = Some(int(5));
        let place = attributes.iter().rposition(|pair| pair.key == key);
        match (what, place) {
            ("delete", _) => attributes.retain(|pair| pair.key != key),
            ("update" | "upsert", Some(place)) => attributes[place].value = value,
            ("insert" | "upsert", None) => {
                attributes
                    .push(spandrel_proto::otlp::common::KeyValue { key: key.to_owned(), value });
            }
            _ => {}
        }
    }
}

#[test]
fn bytes_are_edited_as_messages_would_be() {
    let mut random = Random(11);
    for actions in
        ["upsert:team", "upsert:n", "delete:a insert:a upsert:b", "update:b", "insert:n delete:b"]
    {
        let yaml = actions.split(' ').filter_map(|action| action.split_once(':'));
        let yaml = yaml.map(|(what, key)| match what {
            "delete" => format!("{{key: {key}, action: delete}}"),
            _ => format!("{{key: {key}, action: {what}, value: 5}}"),
        });
        let yaml = format!("actions: [{}]", yaml.collect::<Vec<_>>().join(", "));
        let (settings, _) = read_settings(&yaml, AttributesSettings::read).expect("valid");
        for _ in 0..300 {
            let mut request = random.request();
            let otlp = Traces::from(request.clone()).into_otlp();
            let changed =
                settings.change(Traces::Otlp(otlp.into()), &Client::default()).expect("sound");
            let spans = request.resource_spans.iter_mut().flat_map(|spans| &mut spans.scope_spans);
            for span in spans.flat_map(|scope| &mut scope.spans) {
                by_messages(actions, &mut span.attributes);
            }
            assert_eq!(*changed.decoded().expect("OTLP"), request, "{actions}");
        }
    }
}
