//! Which pod it is, and what is added.

use std::collections::BTreeMap;

use spandrel_config::read_settings;
use spandrel_proto::otlp::common::KeyValue;

use super::*;
use crate::testing::{Recorder, attributes, batch, context, request, span, text};
use crate::values;

fn settings(yaml: &str) -> K8sAttributesSettings {
    read_settings(yaml, K8sAttributesSettings::read).expect(yaml).0
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn pod() -> Pod {
    let owner = |kind: &str, name: &str| Owner {
        kind: kind.to_owned(),
        name: name.to_owned(),
        uid: format!("uid of {name}"),
    };
    let container = |name: &str, image: &str, ids: [(u32, &str); 2]| Container {
        name: name.to_owned(),
        image: image.to_owned(),
        ids: ids.into_iter().map(|(count, id)| (count, id.to_owned())).collect(),
    };
    Pod {
        name: "cart-5d4-x".to_owned(),
        namespace: "shop".to_owned(),
        uid: "u1".to_owned(),
        ip: "10.0.0.7".to_owned(),
        hostname: "cart".to_owned(),
        node: "n1".to_owned(),
        start_time: "2026-01-01T00:00:00Z".to_owned(),
        host_network: false,
        labels: map([("app", "cart"), ("tier", "web"), ("pod-template-hash", "5d4")]),
        annotations: map([("team", "blue"), ("resource.opentelemetry.io/service.version", "3")]),
        owners: vec![owner("ReplicaSet", "cart-5d4")],
        containers: vec![
            container("main", "registry:5000/cart:1.2@sha256:ff", [(0, "c0"), (1, "c1")]),
            container("proxy", "envoy", [(0, "p0"), (1, "p1")]),
        ],
    }
}

/// Attributes that are added to a resource of `10.0.0.7` that says this of itself.
async fn added(yaml: &str, own: Vec<KeyValue>) -> String {
    let settings = settings(yaml);
    let pods = MemoryPods::new(&settings.associations);
    pods.set(Pod { node: "old".to_owned(), ..pod() });
    pods.set(pod());
    pods.set(Pod { uid: "u2".to_owned(), ip: "10.0.0.8".to_owned(), ..Pod::default() });
    assert_eq!(pods.len(), 2);
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let processor =
        K8sAttributesProcessor::with_pods(settings, consumer, context("k8s"), Arc::new(pods));
    let n_own = own.len();
    let mut spans = request("", vec![span("s", [])]);
    spans.resource_spans[0].resource.as_mut().expect("it has one").attributes = own;
    let mut batch = batch(&spans);
    let address = Some("[::ffff:10.0.0.7]:5000".parse().expect("an address"));
    batch.client = Arc::new(Client { address, ..Client::default() });
    let processor = processor.expect("built");
    processor.start().await.expect("started");
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

const USUAL: &str = "k8s.pod.name=cart-5d4-x k8s.namespace.name=shop k8s.pod.uid=u1 \
                     k8s.pod.start_time=2026-01-01T00:00:00Z k8s.node.name=n1 k8s.deployment.name=cart";

#[tokio::test(start_paused = true)]
async fn pods_are_found_by_what_names_them() {
    let by_connection = format!("k8s.pod.ip=10.0.0.7 {USUAL}");
    for (yaml, own, expected) in [
        ("passthrough: true", vec![], "k8s.pod.ip=10.0.0.7"),
        ("", vec![], by_connection.as_str()),
        ("", attributes([("k8s.pod.ip", text("10.0.0.7"))]), USUAL),
        // What the resource says comes first, and names a pod that is not known.
        ("", attributes([("k8s.pod.ip", text("10.0.0.9"))]), ""),
        (
            "pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.uid}]}]",
            attributes([("k8s.pod.uid", text("u1"))]),
            "k8s.pod.name=cart-5d4-x k8s.namespace.name=shop \
             k8s.pod.start_time=2026-01-01T00:00:00Z k8s.node.name=n1 k8s.deployment.name=cart",
        ),
        (
            "pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.uid}]},
                {sources: [{from: resource_attribute, name: k8s.pod.name}, {from: resource_attribute, name: k8s.namespace.name}]}]",
            attributes([("k8s.pod.name", text("cart-5d4-x")), ("k8s.namespace.name", text("shop"))]),
            "k8s.pod.uid=u1 k8s.pod.start_time=2026-01-01T00:00:00Z k8s.node.name=n1 k8s.deployment.name=cart",
        ),
        (
            "pod_association: [{sources: [{from: resource_attribute, name: container.id}]}]",
            attributes([("container.id", text("p1"))]),
            USUAL,
        ),
        ("pod_association: [{from: connection}]", vec![], by_connection.as_str()),
        ("pod_association: [{sources: [{from: resource_attribute, name: x}]}]", vec![], ""),
    ] {
        assert_eq!(added(yaml, own).await, expected, "{yaml}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_added() {
    let of_main = || attributes([("k8s.container.name", text("main"))]);
    for (yaml, own, expected) in [
        ("extract: {metadata: [k8s.pod.name]}", vec![], "k8s.pod.name=cart-5d4-x"),
        (
            "extract: {metadata: [container.image.name, container.image.tag, container.id]}",
            of_main(),
            "container.image.name=registry:5000/cart container.image.tag=1.2 container.id=c1",
        ),
        (
            "extract: {metadata: [k8s.replicaset.name, k8s.replicaset.uid, k8s.pod.hostname]}",
            vec![],
            "k8s.pod.hostname=cart k8s.replicaset.name=cart-5d4 k8s.replicaset.uid=uid of cart-5d4",
        ),
        (
            "extract: {metadata: [], labels: [{key: app, tag_name: the.app}, {key: tier}, {key: none}],
                annotations: [{key_regex: '(te)am', tag_name: 'a.$1', from: pod}], otel_annotations: true}",
            vec![],
            "the.app=cart k8s.pod.labels.tier=web a.te=blue service.version=3",
        ),
        (
            "extract: {metadata: [], labels: [{key_regex: 'app|tier'}]}",
            vec![],
            "k8s.pod.labels.app=cart k8s.pod.labels.tier=web",
        ),
    ] {
        let expected = format!("k8s.pod.ip=10.0.0.7 {expected}");
        assert_eq!(added(yaml, own).await, expected, "{yaml}");
    }
}

#[test]
fn pods_of_the_network_of_their_node_have_no_address_of_their_own() {
    let pods = MemoryPods::new(&[]);
    let by_address =
        [(PodSource { from: SourceKind::Connection, name: String::new() }, "10.0.0.7".to_owned())];
    pods.set(pod());
    assert!(pods.find(&by_address).is_some());
    pods.set(Pod { host_network: true, ..pod() });
    assert!(pods.find(&by_address).is_none());
    pods.remove("u1");
    assert!(pods.is_empty());
}

#[test]
fn mistakes() {
    for (yaml, message) in [
        ("pod_association: [{sources: [{from: resource_attribute}]}]", "name is required"),
        ("pod_association: [{sources: [{from: conection}]}]", "connection"),
        ("pod_association: [{sources: []}]", "1 to 4 sources"),
        ("pod_association: [{from: connection}, {from: connection}]", "twice"),
        ("extract: {metadata: [pod.name]}", "knows no `pod.name`"),
        ("extract: {labels: [{tag_name: x}]}", "one of key and key_regex"),
        ("extract: {labels: [{key_regex: '('}]}", "invalid regular expression"),
        ("extract: {labels: [{key: a, from: service}]}", "must be one of pod"),
        ("filter: {labels: [{key: a, op: like}]}", "exists"),
        ("auth_type: token", "serviceAccount"),
    ] {
        let problems =
            read_settings(yaml, K8sAttributesSettings::read).expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
    let (_, warnings) = read_settings("", K8sAttributesSettings::read).expect("valid");
    assert_eq!(warnings.len(), 1);
    let (_, warnings) =
        read_settings("passthrough: true", K8sAttributesSettings::read).expect("valid");
    assert!(warnings.is_empty());
}
