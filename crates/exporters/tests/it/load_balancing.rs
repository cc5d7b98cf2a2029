//! `load_balancing` between servers.

use std::collections::BTreeMap;

use spandrel_exporters::{Extensions, LoadBalancingExporter, LoadBalancingSettings};
use spandrel_pipeline::{Component, ConsumeError, TraceConsumer};

use crate::rig::{batch, context, problems, settings};
use crate::server::{Answer, Server};

async fn exporter(yaml: &str) -> LoadBalancingExporter {
    let settings = settings(yaml, LoadBalancingSettings::read).unwrap();
    let exporter = LoadBalancingExporter::new(settings, &Extensions::default(), context()).unwrap();
    exporter.start().await.unwrap();
    exporter
}

fn yaml(servers: &[&Server], otlp: &str) -> String {
    let hostnames: Vec<String> = servers.iter().map(|server| server.address.to_string()).collect();
    format!(
        "resolver: {{static: {{hostnames: [{}]}}}}\n\
         protocol: {{otlp: {{tls: {{insecure: true}}, compression: none, {otlp}}}}}",
        hostnames.join(", ")
    )
}

#[tokio::test]
async fn a_trace_always_goes_to_the_same_backend() {
    let servers = [Server::grpc(&[]).await, Server::grpc(&[]).await, Server::grpc(&[]).await];
    let exporter = exporter(&yaml(&servers.each_ref(), "sending_queue: {enabled: false}")).await;
    let names: Vec<String> = (0..60).map(|i| format!("trace-{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for _ in 0..3 {
        assert_eq!(exporter.consume(batch(&names)).await.unwrap().accepted_spans, 60);
    }
    exporter.shutdown().await;
    let mut owners: BTreeMap<String, (usize, u32)> = BTreeMap::new();
    for (index, server) in servers.iter().enumerate() {
        let seen = server.seen();
        assert_eq!(seen.len(), 3, "each request is one request per backend");
        for name in seen.iter().flat_map(|seen| seen.grpc_names()) {
            let owner = owners.entry(name).or_insert((index, 0));
            assert_eq!(owner.0, index);
            owner.1 += 1;
        }
    }
    assert_eq!(owners.len(), 60);
    assert!(owners.values().all(|(_, times)| *times == 3));
}

#[tokio::test]
async fn one_backend_that_fails_is_an_error() {
    let servers =
        [Server::grpc(&[]).await, Server::start(&[], Answer::grpc_error(14, "busy")).await];
    let otlp = "sending_queue: {enabled: false}, retry_on_failure: {enabled: false}";
    let exporter = exporter(&yaml(&servers.each_ref(), otlp)).await;
    let names: Vec<String> = (0..60).map(|i| format!("trace-{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let error = exporter.consume(batch(&names)).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Unavailable { spans: 60, .. }), "{error:?}");
}

#[tokio::test]
async fn names_are_resolved() {
    let server = Server::grpc(&[]).await;
    let exporter = exporter(&format!(
        "resolver: {{dns: {{hostname: localhost, port: '{}', timeout: 20s}}}}\n\
         protocol: {{otlp: {{tls: {{insecure: true}}, compression: none, sending_queue: {{enabled: false}}}}}}",
        server.address.port()
    ))
    .await;
    // The name may have an address of IPv6 that nobody listens at; spans for it are not the point here.
    let names: Vec<String> = (0..60).map(|i| format!("trace-{i}")).collect();
    for name in &names {
        let consume = exporter.consume(batch(&[name]));
        let _ = tokio::time::timeout(std::time::Duration::from_millis(200), consume).await;
    }
    assert!(!server.seen().is_empty());
}

#[test]
fn settings_that_make_no_sense() {
    let otlp = "protocol: {otlp: {}}";
    let fixed = "resolver: {static: {hostnames: [a]}}";
    for (yaml, words) in [
        (otlp.to_owned(), "no resolver"),
        (format!("{otlp}\nresolver: {{}}"), "no resolver"),
        (
            format!("{otlp}\nresolver: {{static: {{hostnames: [a]}}, dns: {{hostname: b}}}}"),
            "only one resolver",
        ),
        (format!("{otlp}\nresolver: {{static: {{hostnames: []}}}}"), "at least one"),
        (format!("{otlp}\nresolver: {{dns: {{}}}}"), "hostname"),
        (format!("{otlp}\nresolver: {{k8s: {{}}}}"), "service"),
        (format!("{otlp}\nresolver: {{aws_cloud_map: {{namespace: a}}}}"), "not supported"),
        (fixed.to_owned(), "protocol"),
        (format!("{fixed}\nprotocol: {{}}"), "only protocol"),
        (format!("{fixed}\n{otlp}\nrouting_key: metric"), "unsupported routing_key"),
        (format!("{fixed}\n{otlp}\nrouting_key: attributes"), "routing_attributes"),
        (
            format!("{fixed}\nprotocol: {{otlp: {{sending_queue: {{storage: file_storage}}}}}}"),
            "backend that is gone",
        ),
    ] {
        let problems = problems(&yaml, LoadBalancingSettings::read);
        assert!(problems.contains(words), "{yaml}: {problems}");
    }
}

#[test]
fn a_service_of_kubernetes() {
    let yaml = |k8s: &str| format!("protocol: {{otlp: {{}}}}\nresolver: {{k8s: {k8s}}}");
    let all = yaml("{service: a.b, ports: [1, 2], timeout: 5s, return_hostnames: true}");
    if cfg!(feature = "kubernetes") {
        assert!(settings(&all, LoadBalancingSettings::read).is_some());
        for service in ["''", "a.", ".b", "a.b.svc"] {
            let problems =
                problems(&yaml(&format!("{{service: {service}}}")), LoadBalancingSettings::read);
            assert!(problems.contains("name.namespace"), "{service}: {problems}");
        }
    } else {
        let problems = problems(&all, LoadBalancingSettings::read);
        assert!(problems.contains("cargo feature `kubernetes`"), "{problems}");
    }
}
