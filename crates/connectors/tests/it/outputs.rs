//! `forward`: to all pipelines, also when one of them fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use spandrel_connectors::Outputs;
use spandrel_connectors::forward::{ForwardConnector, ForwardSettings};
use spandrel_pipeline::{ConsumeError, TraceConsumer};

use crate::fixtures::{Sink, batch, clock, context, problems, resource, settings, span};

#[tokio::test]
async fn every_pipeline_gets_every_batch() {
    let sinks = [Arc::new(Sink::default()), Arc::new(Sink::default())];
    let mut by_pipeline: BTreeMap<String, Arc<dyn TraceConsumer>> = BTreeMap::new();
    for (number, sink) in sinks.iter().enumerate() {
        by_pipeline.insert(format!("traces/{number}"), sink.clone());
    }
    let forward = settings("", ForwardSettings::read);
    let forward =
        ForwardConnector::new(forward, Outputs { by_pipeline }, context(&clock())).unwrap();
    let request = || batch(vec![resource("service.name=a", vec![span("one", 1, "")])]);
    let accepted = forward.consume(request()).await.unwrap();
    assert_eq!(accepted.accepted_spans, 1);
    sinks[0].full.store(true, Ordering::SeqCst);
    let failed = forward.consume(request()).await;
    assert!(matches!(failed, Err(ConsumeError::Unavailable { .. })), "{failed:?}");
    assert_eq!(sinks[0].span_names(), [["a/lib/one"]]);
    assert_eq!(sinks[1].span_names(), [["a/lib/one"], ["a/lib/one"]]);
}

#[test]
fn forward_has_no_settings() {
    assert!(problems("anything: 1", ForwardSettings::read).contains("anything"));
}
