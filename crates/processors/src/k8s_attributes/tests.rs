//! What is added to resources; what is known of pods has its own tests.

use std::time::Duration;

use spandrel_config::read_settings;
use spandrel_k8s_attributes::{Container, Pod, Run};
use spandrel_proto::otlp::common::KeyValue;

use super::*;
use crate::testing::{Recorder, attributes, batch, context, request, span, text};

fn pod() -> Pod {
    let run = |id: &str| Run { id: id.to_owned(), image_id: "docker.io/cart@sha256:ff".to_owned() };
    Pod {
        name: "cart-x".to_owned(),
        namespace: "shop".to_owned(),
        uid: "u1".to_owned(),
        ip: "10.0.0.7".to_owned(),
        containers: vec![Container {
            name: "main".to_owned(),
            image: "cart:1.2".to_owned(),
            runs: [(0, run("c0")), (1, run("c1"))].into(),
        }],
        ..Pod::default()
    }
}

/// Attributes that are added to a resource of `10.0.0.7` that says this of itself.
async fn added(yaml: &str, looks_up: bool, own: Vec<KeyValue>) -> String {
    let (settings, _) = read_settings(yaml, K8sAttributesSettings::read).expect(yaml);
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let processor = K8sAttributesProcessor::new(settings, consumer, context("k8s"));
    let mut processor = processor.expect("built");
    processor.looks_up = looks_up;
    processor.cluster.set_pod(pod(), Duration::ZERO);
    let n_own = own.len();
    let mut spans = request("", vec![span("s", [])]);
    spans.resource_spans[0].resource.as_mut().expect("it has one").attributes = own;
    let mut batch = batch(&spans);
    let address = Some("[::ffff:10.0.0.7]:5000".parse().expect("an address"));
    batch.client = Arc::new(Client { address, ..Client::default() });
    processor.consume(batch).await.expect("taken");
    let request = next.requests().remove(0);
    let attributes = &request.resource_spans[0].resource.as_ref().expect("it has one").attributes;
    let value = |pair: &KeyValue| {
        let value = pair.value.clone().and_then(|value| value.value);
        value.map_or_else(String::new, |value| values::as_text(&value))
    };
    let pairs = attributes.iter().skip(n_own).map(|pair| format!("{}={}", pair.key, value(pair)));
    pairs.collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_added() {
    let containers = "extract: {metadata: [k8s.pod.name, k8s.pod.ip, container.id, container.image.repo_digests]}";
    let name = |name: &str| attributes([("k8s.pod.name", text(name))]);
    for (yaml, looks_up, own, expected) in [
        ("passthrough: true", false, vec![], "k8s.pod.ip=10.0.0.7"),
        ("", false, vec![], "k8s.pod.ip=10.0.0.7"),
        ("extract: {metadata: [k8s.pod.uid]}", true, vec![], "k8s.pod.uid=u1"),
        (
            containers,
            true,
            vec![],
            "k8s.pod.ip=10.0.0.7 k8s.pod.name=cart-x container.id=c1 \
             container.image.repo_digests=[\"docker.io/cart@sha256:ff\"]",
        ),
        // What the resource says of itself stays, unless it says nothing.
        ("extract: {metadata: [k8s.pod.name]}", true, name("mine"), ""),
        (
            "extract: {metadata: [container.id]}",
            true,
            attributes([("k8s.container.restart_count", text("0"))]),
            "container.id=c0",
        ),
        ("", true, attributes([("k8s.pod.ip", text("10.0.0.9"))]), ""),
    ] {
        assert_eq!(added(yaml, looks_up, own).await, expected, "{yaml}");
    }
}
