//! What the exporter does when not all goes well.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message as _;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientConfig, Message as _};
use spandrel_model::TenantId;
use spandrel_pipeline::{Component as _, ConsumeError, TraceBatch, TraceConsumer as _};
use spandrel_telemetry::Metrics;

use crate::rig;

const TOPIC: &str = "otlp_spans";

/// Keys and values of the next records of a topic.
async fn records(brokers: &str, topic: &str, n: usize) -> Vec<(Option<String>, Vec<u8>)> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", "look");
    let consumer: StreamConsumer = config
        .set("auto.offset.reset", "earliest")
        .set("fetch.wait.max.ms", "10")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let mut records = Vec::new();
    while records.len() < n {
        let message = consumer.recv().await.unwrap();
        let key = message.key().map(|key| String::from_utf8_lossy(key).into_owned());
        records.push((key, message.payload().unwrap().to_vec()));
    }
    records
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_that_fail_for_a_while_get_it_in_the_end() {
    let cluster = rig::cluster(TOPIC, 1);
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    let exporter = rig::exporter(&brokers, "", &metrics).await;
    let errors = [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    ];
    cluster.request_errors(RDKafkaApiKey::Produce, &errors);
    exporter.consume(rig::batch(&["one"])).await.unwrap();
    let (consumer, mut recorded) = rig::recorder(|_| Ok(()));
    let receiver = rig::receiver(&brokers, "", consumer, &metrics).await;
    assert_eq!(rig::span_names(&recorded.next().await.0), ["one"]);
    receiver.shutdown().await;
    exporter.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_cluster_is_tried_again_by_whoever_sends() {
    let cluster = MockCluster::new(1).unwrap();
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    cluster.broker_down(1).unwrap();
    let yaml = format!(
        "{{ brokers: '{brokers}', timeout: 200ms, sending_queue: {{ enabled: false }}, \
         retry_on_failure: {{ enabled: false }} }}"
    );
    let read = spandrel_kafka::KafkaExporterSettings::read;
    let settings = rig::settings(&yaml, &brokers, read);
    let exporter = spandrel_kafka::KafkaExporter::new(
        settings,
        &spandrel_exporters::Extensions::default(),
        rig::context("kafka/out", &metrics),
    );
    let exporter = exporter.unwrap();
    exporter.start().await.unwrap();
    let error = exporter.consume(rig::batch(&["one"])).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    cluster.broker_up(1).unwrap();
    while exporter.consume(rig::batch(&["two"])).await.is_err() {}
    exporter.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_split_and_what_cannot_be_is_counted() {
    for encoding in ["otlp_proto", "otlp_json", "zipkin_json", "jaeger_proto"] {
        let cluster = rig::cluster(TOPIC, 1);
        let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
        let yaml = format!(
            "encoding: {encoding}, producer: {{ max_message_bytes: 10000, compression: zstd }}"
        );
        let exporter = rig::exporter(&brokers, &yaml, &metrics).await;
        let all: Vec<String> = (0..100).map(rig::name).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let mut request = rig::request(&all, 500);
        request.resource_spans.extend(rig::request(&["huge"], 20_000).resource_spans);
        let batch = TraceBatch::otlp(TenantId::single(), request.encode_to_vec());
        let accepted = exporter.consume(batch).await.unwrap();
        assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (100, 1), "{encoding}");
        assert_eq!(accepted.message, "1 spans exceed `max_message_bytes`");
        let (consumer, mut recorded) = rig::recorder(|_| Ok(()));
        let yaml = format!("encoding: {encoding}");
        let receiver = rig::receiver(&brokers, &yaml, consumer, &metrics).await;
        assert_eq!(recorded.names(100).await, rig::names(0..100), "{encoding}");
        receiver.shutdown().await;
        exporter.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_brokers_refuse_for_good_is_not_sent_again() {
    let cluster = rig::cluster(TOPIC, 1);
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    let exporter = rig::exporter(&brokers, "", &metrics).await;
    let errors = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE];
    cluster.request_errors(RDKafkaApiKey::Produce, &errors);
    let error = exporter.consume(rig::batch(&["one"])).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Permanent { spans: 1, .. }), "{error:?}");
    exporter.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_keep_together_by_their_id() {
    let cluster = rig::cluster("by-attribute", 1);
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    let yaml = "partition_traces_by_id: true, topic_from_attribute: topic";
    let exporter = rig::exporter(&brokers, yaml, &metrics).await;
    let mut request = rig::request(&["a", "b"], 1);
    request.resource_spans.extend(rig::request(&["a", "c"], 1).resource_spans);
    let resource = request.resource_spans[1].resource.as_mut().unwrap();
    resource.attributes.push(rig::text("topic", "by-attribute"));
    let batch = TraceBatch::otlp(TenantId::single(), request.encode_to_vec());
    exporter.consume(batch).await.unwrap();
    let mut by_key = BTreeMap::new();
    for (key, value) in records(&brokers, "by-attribute", 3).await {
        let batch = TraceBatch::otlp(TenantId::single(), value);
        by_key.insert(key.unwrap(), rig::span_names(&batch));
    }
    let key = |first: &str| format!("{first}{}", "2e".repeat(15));
    let expected = [
        (key("61"), vec!["a".to_owned(), "a".to_owned()]),
        (key("62"), vec!["b".to_owned()]),
        (key("63"), vec!["c".to_owned()]),
    ];
    assert_eq!(by_key, BTreeMap::from(expected));
    exporter.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sender_may_choose_topic_and_key() {
    let cluster = rig::cluster("theirs", 1);
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    let yaml = "traces: { topic_from_metadata_key: to, message_key_from_metadata_key: key }";
    let exporter = rig::exporter(&brokers, yaml, &metrics).await;
    let mut batch = rig::batch(&["one"]);
    let mut client = spandrel_pipeline::Client::default();
    client.metadata.insert("to".to_owned(), vec!["theirs".to_owned()]);
    client.metadata.insert("key".to_owned(), vec!["k1".to_owned()]);
    batch.client = Arc::new(client);
    let sent = batch.traces.clone().into_otlp();
    exporter.consume(batch).await.unwrap();
    assert_eq!(records(&brokers, "theirs", 1).await, [(Some("k1".to_owned()), sent.to_vec())]);
    exporter.shutdown().await;
}
