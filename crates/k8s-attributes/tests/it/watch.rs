//! A watch against an API server that breaks off, forgets, and deletes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use spandrel_base::clock::SystemClock;
use spandrel_k8s_attributes::{Cluster, Watch, WatchContext, WatchError};
use spandrel_kubernetes_testing::ApiServer;

use crate::fixture::{cluster, lookup};

/// A pod of the namespace `shop` with one container.
fn pod(name: &str, version: &str, ip: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("uid of {name}"),
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": { "version": version },
            "managedFields": [{ "manager": "kubelet", "fieldsV1": { "f:status": {} } }],
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-5d4", "uid": "rs" }],
        },
        "spec": { "nodeName": "n1", "containers": [{ "name": "main", "image": "cart:1" }], "volumes": [{ "name": "v" }] },
        "status": {
            "podIP": ip, "startTime": "2026-01-01T00:00:01Z", "phase": "Running",
            "containerStatuses": [{ "name": "main", "restartCount": 1, "containerID": "containerd://c1", "imageID": "" }],
        },
    })
}

fn client(server: &ApiServer) -> kube::Client {
    let config = kube::Config::new(server.url().parse().expect("an address"));
    kube::Client::try_from(config).expect("a client")
}

fn context() -> WatchContext {
    WatchContext {
        processor: "k8s_attributes".into(),
        clock: Arc::new(SystemClock::new()),
        environment: Default::default(),
        on_pods: Arc::new(|_| {}),
    }
}

async fn start(
    server: &ApiServer,
    yaml: &str,
) -> (Arc<Cluster>, Watch, tokio::sync::watch::Receiver<u64>) {
    let (sender, receiver) = tokio::sync::watch::channel(0);
    // Every event is heard of, whether the number of pods changes or not.
    let on_pods = Arc::new(move |_| sender.send_modify(|n| *n += 1));
    let cluster = Arc::new(cluster(yaml));
    let context = WatchContext { on_pods, ..context() };
    let watch = Watch::start_with(client(server), &cluster, context).await.expect("started");
    (cluster, watch, receiver)
}

/// Waits until what is known is so.
async fn until(events: &mut tokio::sync::watch::Receiver<u64>, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            events.changed().await.expect("the watch runs");
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it comes to be so");
}

fn name_at(cluster: &Cluster, address: &str) -> Option<String> {
    let lookup = lookup(cluster, &[], address);
    let (_, value) = lookup.attributes.into_iter().find(|(key, _)| key == "k8s.pod.name")?;
    Some(format!("{value:?}"))
}

const WAITING: &str =
    "{wait_for_metadata: true, wait_for_metadata_timeout: 20s, pod_delete_grace_period: 0s}";

#[tokio::test]
async fn pods_appear_change_and_go() {
    let server = ApiServer::start().await;
    server.set("pods", pod("a", "1", "10.0.0.1"));
    server.set("pods", pod("b", "1", "10.0.0.2"));
    let (cluster, watch, mut events) = start(&server, WAITING).await;
    // Listed before the start was over, in pages.
    assert_eq!(cluster.pods(), 2);
    assert!(name_at(&cluster, "10.0.0.1").is_some());
    server.set("pods", pod("c", "1", "10.0.0.3"));
    until(&mut events, || name_at(&cluster, "10.0.0.3").is_some()).await;
    server.set("pods", pod("c", "2", "10.0.0.4"));
    until(&mut events, || name_at(&cluster, "10.0.0.4").is_some()).await;
    server.delete("pods", "a");
    until(&mut events, || cluster.pods() == 2).await;
    watch.shutdown().await;
}

#[tokio::test]
async fn a_watch_that_ends_is_resumed_where_it_was() {
    let server = ApiServer::start().await;
    server.set("pods", pod("a", "1", "10.0.0.1"));
    let (cluster, _watch, mut events) = start(&server, WAITING).await;
    server.watched("pods").await;
    // A bookmark moves the place without an event; what follows is asked for from there.
    let place = server.bookmark("pods");
    server.disconnect();
    server.set("pods", pod("b", "1", "10.0.0.2"));
    until(&mut events, || cluster.pods() == 2).await;
    assert_eq!(server.lists("pods"), 1);
    assert!(server.watched_from("pods").contains(&place), "{:?}", server.watched_from("pods"));
}

#[tokio::test]
async fn what_the_server_has_forgotten_is_listed_again() {
    let server = ApiServer::start().await;
    server.set("pods", pod("a", "1", "10.0.0.1"));
    server.set("pods", pod("b", "1", "10.0.0.2"));
    let (cluster, _watch, mut events) = start(&server, WAITING).await;
    // While nobody watches, one pod goes and one comes, and the history of that is lost.
    server.close();
    server.disconnect();
    server.delete("pods", "a");
    server.set("pods", pod("c", "1", "10.0.0.3"));
    server.forget_history();
    server.open();
    until(&mut events, || name_at(&cluster, "10.0.0.3").is_some() && cluster.pods() == 2).await;
    assert!(server.lists("pods") >= 2);
}

#[tokio::test]
async fn what_pods_belong_to_is_watched_as_far_as_it_is_asked_for() {
    let server = ApiServer::start().await;
    server.set("pods", pod("a", "1", "10.0.0.1"));
    server.set(
        "namespaces",
        json!({ "metadata": { "name": "shop", "uid": "n", "labels": { "team": "blue" } } }),
    );
    server.set("replicasets", json!({ "metadata": { "name": "cart-5d4", "uid": "rs", "namespace": "shop",
        "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "the-cart", "uid": "d" }] } }));
    let yaml = "{wait_for_metadata: true, filter: {namespace: shop, node: n1},
        extract: {metadata: [k8s.deployment.name, k8s.deployment.uid, container.id], labels: [{key: team, from: namespace}]}}";
    let (cluster, _watch, _events) = start(&server, yaml).await;
    let own = [("k8s.container.name", "main")];
    assert_eq!(
        crate::fixture::line(&lookup(&cluster, &own, "10.0.0.1")),
        "k8s.deployment.name=the-cart k8s.deployment.uid=d container.id=c1 k8s.namespace.labels.team=blue"
    );
    assert_eq!(
        server.paths(),
        [
            "/api/v1/namespaces/shop/pods?spec.nodeName=n1",
            "/api/v1/namespaces?metadata.name=shop",
            "/apis/apps/v1/namespaces/shop/replicasets",
        ]
    );
}

#[tokio::test]
async fn a_start_that_waits_fails_in_time() {
    let server = ApiServer::start().await;
    server.close();
    let cluster = Arc::new(cluster("{wait_for_metadata: true, wait_for_metadata_timeout: 50ms}"));
    let started = Watch::start_with(client(&server), &cluster, context()).await;
    assert!(matches!(started, Err(WatchError::TooSlow(_))));
    // Outside a cluster nothing says where the API is.
    let started = Watch::start(&cluster, context()).await.expect_err("no cluster");
    assert!(started.to_string().contains("auth_type"), "{started}");
}
