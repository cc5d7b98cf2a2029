//! Every encoding that is sent comes back as it was.

use spandrel_pipeline::{Component as _, TraceConsumer as _};
use spandrel_telemetry::Metrics;

use crate::rig;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_is_received_in_every_encoding() {
    let encodings =
        ["otlp_proto", "otlp_json", "jaeger_proto", "jaeger_json", "zipkin_proto", "zipkin_json"];
    let cluster = rig::cluster("otlp_proto", 1);
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    for encoding in encodings {
        let yaml = format!("traces: {{ topic: {encoding}, encoding: {encoding} }}");
        let exporter = rig::exporter(&brokers, &yaml, &metrics).await;
        exporter.consume(rig::batch(&["one", "two"])).await.unwrap();
        let (consumer, mut recorded) = rig::recorder(|_| Ok(()));
        let yaml = format!(
            "group_id: {encoding}, traces: {{ topics: [{encoding}], encoding: {encoding} }}"
        );
        let receiver = rig::receiver(&brokers, &yaml, consumer, &metrics).await;
        let mut received = Vec::new();
        while received.len() < 2 {
            let (batch, _) = recorded.next().await;
            let request = batch.traces.clone().decoded().unwrap();
            for resource in &request.resource_spans {
                let attributes = &resource.resource.as_ref().unwrap().attributes;
                assert_eq!(attributes, &[rig::text("service.name", "shop")], "{encoding}");
            }
            received.extend(rig::spans(&batch));
        }
        received.sort_by(|a, b| a.name.cmp(&b.name));
        let mut sent = rig::spans(&rig::batch(&["one", "two"]));
        for span in &mut received {
            // Zipkin has no such status as unset.
            span.status = None;
            span.flags = 0;
        }
        sent.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(received, sent, "{encoding}");
        receiver.shutdown().await;
        exporter.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_become_metadata_and_attributes() {
    let cluster = rig::cluster("otlp_spans", 1);
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    let yaml = "include_metadata_keys: [X-Team, X-Scope-OrgID], \
                record_headers: [{ key: origin, value: here }]";
    let exporter = rig::exporter(&brokers, yaml, &metrics).await;
    let mut batch = rig::batch(&["one"]);
    let mut client = spandrel_pipeline::Client::default();
    for (key, value) in [("x-team", "blue"), ("x-scope-orgid", "acme"), ("x-other", "no")] {
        client.metadata.insert(key.to_owned(), vec![value.to_owned()]);
    }
    batch.client = client.into();
    exporter.consume(batch).await.unwrap();
    let (consumer, mut recorded) = rig::recorder(|_| Ok(()));
    let yaml = "header_extraction: { extract_headers: true, headers: [X-Team] }";
    let receiver = rig::receiver(&brokers, yaml, consumer, &metrics).await;
    let (batch, _) = recorded.next().await;
    let metadata: Vec<_> = batch
        .client
        .metadata
        .iter()
        .map(|(key, values)| (key.as_str(), values.join(",")))
        .collect();
    let expected = [
        ("kafka.offset", "0"),
        ("kafka.partition", "0"),
        ("kafka.topic", "otlp_spans"),
        ("origin", "here"),
        ("x-scope-orgid", "acme"),
        ("x-team", "blue"),
    ];
    assert_eq!(metadata, expected.map(|(key, value)| (key, value.to_owned())));
    assert_eq!(batch.tenant.to_string(), "acme");
    let request = batch.traces.decoded().unwrap();
    let resource = request.resource_spans[0].resource.as_ref().unwrap();
    let expected = [rig::text("service.name", "shop"), rig::text("kafka.header.X-Team", "blue")];
    assert_eq!(resource.attributes, expected);
    receiver.shutdown().await;
    exporter.shutdown().await;
}
