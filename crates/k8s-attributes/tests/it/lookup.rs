//! Which pod a resource is of, and what is known about it.

use spandrel_k8s_attributes::{Object, ObjectKind, Pod};

use crate::fixture::{at, cluster, line, lookup, map, owner, pod};

const USUAL: &str = "k8s.namespace.name=shop k8s.node.name=n1 k8s.pod.name=cart-5d4-x \
                     k8s.pod.start_time=2026-01-01T00:00:00Z k8s.pod.uid=u1 k8s.deployment.name=cart";

#[test]
fn pods_are_found_by_what_names_them() {
    let by_uid = "pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.uid}]}]";
    let by_names = "pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.uid}]},
        {sources: [{from: resource_attribute, name: k8s.pod.name}, {from: resource_attribute, name: k8s.namespace.name}]}]";
    let by_label = "{pod_association: [{sources: [{from: resource_attribute, name: app}]}], extract: {labels: [{key: app, tag_name: app}]}}";
    let by_host = "pod_association: [{sources: [{from: resource_attribute, name: host.name}]}]";
    for (yaml, own, peer, found) in [
        ("", &[][..], "::ffff:10.0.0.7", true),
        ("", &[], "10.0.0.8", false),
        ("", &[("k8s.pod.ip", "10.0.0.7")], "10.0.0.8", true),
        ("", &[("ip", "10.0.0.7")], "10.0.0.8", true),
        ("", &[("host.name", "10.0.0.7")], "", true),
        // What the resource says comes first, and names a pod that is not known.
        ("", &[("k8s.pod.ip", "10.0.0.9")], "10.0.0.7", false),
        ("", &[("host.name", "10.0.0.9"), ("ip", "")], "10.0.0.7", true),
        (by_uid, &[("k8s.pod.uid", "u1")], "", true),
        (by_uid, &[], "10.0.0.7", false),
        (by_names, &[("k8s.pod.name", "cart-5d4-x"), ("k8s.namespace.name", "shop")], "", true),
        (by_names, &[("k8s.pod.name", "cart-5d4-x"), ("k8s.namespace.name", "bar")], "", false),
        (by_names, &[("k8s.pod.name", "cart-5d4-x")], "", false),
        (
            "pod_association: [{sources: [{from: resource_attribute, name: container.id}]}]",
            &[("container.id", "p0")],
            "",
            true,
        ),
        ("pod_association: [{from: connection}]", &[], "10.0.0.7", true),
        (by_label, &[("app", "cart")], "", true),
        (by_host, &[("host.name", "10.0.0.7")], "", true),
        (by_host, &[("host.name", "cart")], "10.0.0.7", false),
    ] {
        let cluster = cluster(yaml);
        assert!(cluster.set_pod(pod(), at(1)));
        assert_eq!(lookup(&cluster, own, peer).is_found, found, "{yaml} {own:?} {peer}");
    }
}

#[test]
fn what_is_asked_for_is_known() {
    let of_main = &[("k8s.container.name", "main")][..];
    for (yaml, own, expected) in [
        ("", &[][..], USUAL),
        (
            "extract: {metadata: [container.image.name, container.image.tag, container.image.tags, container.id, service.version, service.instance.id]}",
            of_main,
            "container.image.name=registry:5000/cart container.image.tag=1.2 container.image.tags=[\"1.2\"] \
             service.instance.id=shop.cart-5d4-x.main service.version=1.2@sha256:ff container.id=c1",
        ),
        (
            "extract: {metadata: [container.image.tag, container.id, container.image.repo_digests, k8s.container.name]}",
            &[("container.id", "p0"), ("k8s.container.restart_count", "0")],
            "k8s.container.name=proxy container.image.tag=latest container.id=p0 \
             container.image.repo_digests=[\"proxy@sha256:p0\"]",
        ),
        (
            "extract: {metadata: [k8s.replicaset.name, k8s.replicaset.uid, k8s.pod.hostname, k8s.pod.ip, service.name, service.namespace]}",
            &[],
            "k8s.pod.hostname=cart k8s.pod.ip=10.0.0.7 k8s.replicaset.name=cart-5d4 \
             k8s.replicaset.uid=uid of cart-5d4 service.namespace=shop service.name=cart",
        ),
        (
            "extract: {metadata: [k8s.pod.name], labels: [{key: app, tag_name: the.app}, {key: tier}, {key: none}],
                annotations: [{key_regex: '(te)am', tag_name: 'a.$1', from: pod}], otel_annotations: true}",
            &[],
            "a.te=blue k8s.pod.labels.tier=web k8s.pod.name=cart-5d4-x service.version=3 the.app=cart",
        ),
        (
            "extract: {metadata: [k8s.pod.name], labels: [{key_regex: 'app|tier', tag_name: unused}]}",
            &[],
            "k8s.pod.labels.app=cart k8s.pod.labels.tier=web k8s.pod.name=cart-5d4-x",
        ),
    ] {
        let cluster = cluster(yaml);
        assert!(cluster.set_pod(pod(), at(1)));
        assert_eq!(line(&lookup(&cluster, own, "10.0.0.7")), expected, "{yaml}");
    }
}

#[test]
fn labels_name_services_before_workloads_do() {
    let cluster = cluster("extract: {metadata: [service.name, service.version]}");
    let labels = map([
        ("app.kubernetes.io/name", "shop"),
        ("app.kubernetes.io/instance", "shop-eu"),
        ("app.kubernetes.io/version", "7"),
    ]);
    cluster.set_pod(Pod { labels, ..pod() }, at(1));
    let lookup = lookup(&cluster, &[], "10.0.0.7");
    let first =
        |key: &str| line(&lookup).split(' ').find(|pair| pair.starts_with(key)).map(str::to_owned);
    assert_eq!(first("service.name"), Some("service.name=shop-eu".to_owned()));
    assert_eq!(first("service.version"), Some("service.version=7".to_owned()));
}

#[test]
fn cron_jobs_are_told_by_the_minute_in_the_names_of_their_jobs() {
    for (job, expected) in [
        ("clean-29453760", "k8s.cronjob.name=clean"),
        // Not the minute of this pod, or none.
        ("clean-19453760", ""),
        ("clean-2945376", ""),
        ("clean", ""),
    ] {
        let cluster = cluster("extract: {metadata: [k8s.cronjob.name]}");
        cluster.set_pod(Pod { owners: vec![owner("Job", job)], ..pod() }, at(1));
        assert_eq!(line(&lookup(&cluster, &[], "10.0.0.7")), expected, "{job}");
    }
}

fn object(name: &str, key: &str, value: &str, above: Option<(&str, &str)>) -> Object {
    Object {
        name: name.to_owned(),
        uid: format!("uid of {name}"),
        labels: map([(key, value)]),
        annotations: map([("note", name)]),
        owners: above.into_iter().map(|(kind, name)| owner(kind, name)).collect(),
    }
}

#[test]
fn what_pods_belong_to_is_known() {
    let cluster = cluster(
        "extract: {metadata: [k8s.deployment.uid, k8s.deployment.name, k8s.node.uid, k8s.cluster.uid],
            labels: [{key: zone, from: node}, {key: owner, from: namespace, tag_name: team}],
            annotations: [{key: note, from: deployment}]}",
    );
    cluster.set_pod(pod(), at(1));
    cluster.set_object(ObjectKind::Namespace, object("shop", "owner", "blue", None));
    cluster.set_object(ObjectKind::Namespace, object("kube-system", "owner", "ops", None));
    cluster.set_object(ObjectKind::Node, object("n1", "zone", "z1", None));
    let set = object("cart-5d4", "", "", Some(("Deployment", "the-cart")));
    cluster.set_object(ObjectKind::ReplicaSet, set);
    cluster.set_object(ObjectKind::Deployment, object("the-cart", "", "", None));
    assert_eq!(
        line(&lookup(&cluster, &[], "10.0.0.7")),
        "k8s.deployment.name=the-cart k8s.deployment.uid=uid of the-cart team=blue \
         k8s.node.labels.zone=z1 k8s.node.uid=uid of n1 \
         k8s.deployment.annotations.note=the-cart k8s.cluster.uid=uid of kube-system"
    );
    // Without a pod, the resource may name what it belongs to.
    let own = [("k8s.namespace.name", "shop"), ("k8s.node.name", "n1")];
    let lookup = lookup(&cluster, &own, "10.0.0.9");
    assert_eq!(line(&lookup), "team=blue k8s.node.labels.zone=z1 k8s.node.uid=uid of n1");
    assert!(!lookup.is_found);
}
