//! `include_metadata`: headers go on with the spans, if asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use spandrel_base::memory::MemoryBudget;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::{Client, Component};
use spandrel_receivers::{OtlpComponent, OtlpSettings};
use spandrel_telemetry::Metrics;

use crate::fixture::{Recorder, context, request, send_to, settings, span_bytes};

async fn client_of(yaml: &str, path: &str) -> Arc<Client> {
    let metrics = Metrics::new();
    let consumer = Recorder::new(&metrics);
    let context = context("otlp", &metrics, MemoryBudget::unlimited());
    let settings = settings(yaml, OtlpSettings::read);
    let otlp = OtlpComponent::new(settings, Arc::clone(&consumer) as _, context).unwrap();
    otlp.start().await.unwrap();
    let address = otlp.receiver().unwrap().http_addr().unwrap();
    let headers =
        [("content-type", "application/x-protobuf"), ("X-Tenant", "a"), ("X-Tenant", "b")];
    let request = request(path, &headers, span_bytes(1));
    let answer = send_to(&TaskSet::new(), address, request).await;
    assert_eq!(answer.status, 200);
    otlp.shutdown().await;
    assert!(otlp.receiver().is_none());
    let batches = consumer.batches.lock();
    Arc::clone(&batches[0].client)
}

#[tokio::test]
async fn headers_are_kept_when_asked_for() {
    let yaml = "
protocols:
  http:
    endpoint: 127.0.0.1:0
    include_metadata: true
    traces_url_path: spans/here
";
    let client = client_of(yaml, "/spans/here").await;
    assert_eq!(client.metadata("X-Tenant"), ["a", "b"]);
    assert_eq!(client.metadata("host"), ["receiver.test"]);
    assert!(client.address.is_some());
}

#[tokio::test]
async fn otherwise_only_the_address_is() {
    let client = client_of("protocols: {http: {endpoint: '127.0.0.1:0'}}", "/v1/traces").await;
    assert_eq!(client.metadata, BTreeMap::new());
    assert!(client.address.unwrap().ip().is_loopback());
}
