//! The table over time: pods come, change and go, within memory.

use std::collections::BTreeSet;

use spandrel_base::memory::MemoryBudget;
use spandrel_k8s_attributes::{Cluster, Object, ObjectKind, Pod};

use crate::fixture::{at, cluster, lookup, map, pod, settings};

fn is_found(cluster: &Cluster, address: &str) -> bool {
    lookup(cluster, &[], address).is_found
}

#[test]
fn pods_that_are_gone_are_known_for_a_while() {
    let cluster = cluster("pod_delete_grace_period: 60s");
    cluster.set_pod(pod(), at(1));
    cluster.remove_pod("u1", at(10));
    assert_eq!(cluster.pods(), 0);
    cluster.forget(at(69));
    assert!(is_found(&cluster, "10.0.0.7"));
    cluster.forget(at(70));
    assert!(!is_found(&cluster, "10.0.0.7"));
    assert_eq!(cluster.bytes(), 0);
}

#[test]
fn a_younger_pod_takes_over_an_address_and_keeps_it() {
    let cluster = cluster("{pod_delete_grace_period: 60s, extract: {metadata: [k8s.pod.uid]}}");
    let younger = Pod { uid: "u2".to_owned(), started_unix_seconds: Some(1_767_300_000), ..pod() };
    cluster.set_pod(pod(), at(1));
    cluster.set_pod(younger, at(2));
    cluster.set_pod(Pod { node: "late news".to_owned(), ..pod() }, at(3));
    cluster.remove_pod("u1", at(4));
    cluster.forget(at(100));
    let found = lookup(&cluster, &[], "10.0.0.7");
    assert_eq!(crate::fixture::line(&found), "k8s.pod.uid=u2");
}

#[test]
fn a_changed_address_is_known_beside_the_old_one_for_a_while() {
    let cluster = cluster("pod_delete_grace_period: 60s");
    cluster.set_pod(pod(), at(1));
    cluster.set_pod(Pod { ip: "10.0.0.8".to_owned(), ..pod() }, at(2));
    assert!(is_found(&cluster, "10.0.0.7") && is_found(&cluster, "10.0.0.8"));
    cluster.forget(at(62));
    assert!(!is_found(&cluster, "10.0.0.7") && is_found(&cluster, "10.0.0.8"));
    // An address that comes back in time stays.
    cluster.set_pod(pod(), at(63));
    cluster.set_pod(Pod { ip: "10.0.0.8".to_owned(), ..pod() }, at(64));
    cluster.forget(at(200));
    assert!(is_found(&cluster, "10.0.0.8") && !is_found(&cluster, "10.0.0.7"));
}

#[test]
fn pods_of_the_network_of_their_node_have_no_address_of_their_own() {
    let cluster = cluster("");
    cluster.set_pod(Pod { host_network: true, ..pod() }, at(1));
    assert!(!is_found(&cluster, "10.0.0.7"));
    assert_eq!(cluster.pods(), 1);
}

#[test]
fn pods_that_are_left_alone() {
    let ignored =
        || Pod { annotations: map([("opentelemetry.io/k8s-processor/ignore", " True")]), ..pod() };
    let named = |name: &str| Pod { name: name.to_owned(), ..pod() };
    for (yaml, pod, n_pods) in [
        ("", ignored(), 0),
        ("", named("jaeger-agent-1"), 0),
        ("exclude: {pods: [{name: other}]}", named("jaeger-agent-1"), 1),
        ("exclude: {pods: [{name: '^cart'}]}", pod(), 0),
    ] {
        let cluster = cluster(yaml);
        cluster.set_pod(pod, at(1));
        assert_eq!(cluster.pods(), n_pods, "{yaml}");
    }
}

#[test]
fn what_was_not_listed_again_is_gone() {
    let cluster =
        cluster("{pod_delete_grace_period: 1s, extract: {labels: [{key: a, from: namespace}]}}");
    let other = Pod { uid: "u2".to_owned(), ip: "10.0.0.8".to_owned(), ..pod() };
    cluster.set_pod(pod(), at(1));
    cluster.set_pod(other, at(1));
    cluster.keep_pods(&BTreeSet::from(["u2".to_owned()]), at(1));
    cluster.forget(at(2));
    assert!(!is_found(&cluster, "10.0.0.7") && is_found(&cluster, "10.0.0.8"));
    let namespace =
        Object { name: "shop".to_owned(), labels: map([("a", "b")]), ..Object::default() };
    let bytes = cluster.bytes();
    cluster.set_object(ObjectKind::Namespace, namespace);
    assert!(cluster.bytes() > bytes);
    cluster.keep_objects(ObjectKind::Namespace, &BTreeSet::new());
    assert_eq!(cluster.bytes(), bytes);
}

#[test]
fn what_does_not_fit_is_left_out_and_counted() {
    let memory = MemoryBudget::new("test", 4000);
    let cluster = Cluster::new(settings("pod_delete_grace_period: 1s"), &memory);
    let numbered = |n: u32| Pod { uid: format!("u{n}"), ip: format!("10.0.1.{n}"), ..pod() };
    let kept = (0..100).filter(|n| cluster.set_pod(numbered(*n), at(1))).count();
    assert!((1..10).contains(&kept), "{kept}");
    assert_eq!(cluster.left_out(), 100 - kept as u64);
    assert_eq!(memory.used(), cluster.bytes());
    // Room comes back when pods have gone.
    cluster.keep_pods(&BTreeSet::new(), at(2));
    assert!(!cluster.set_pod(numbered(100), at(2)));
    cluster.forget(at(3));
    assert_eq!(memory.used(), 0);
    assert!(cluster.set_pod(numbered(101), at(3)));
}
