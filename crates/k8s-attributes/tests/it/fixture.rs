//! A pod with everything, and a table that has it.

use std::collections::BTreeMap;
use std::time::Duration;

use spandrel_base::memory::MemoryBudget;
use spandrel_config::read_settings;
use spandrel_k8s_attributes::{
    Cluster, Container, Identity, K8sAttributesSettings, Lookup, Owner, Pod, Run, Value,
};

pub(crate) fn settings(yaml: &str) -> K8sAttributesSettings {
    read_settings(yaml, K8sAttributesSettings::read).expect(yaml).0
}

pub(crate) fn cluster(yaml: &str) -> Cluster {
    Cluster::new(settings(yaml), &MemoryBudget::unlimited())
}

pub(crate) fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

pub(crate) fn owner(kind: &str, name: &str) -> Owner {
    Owner { kind: kind.to_owned(), name: name.to_owned(), uid: format!("uid of {name}") }
}

pub(crate) fn pod() -> Pod {
    let container = |name: &str, image: &str, ids: [&str; 2]| Container {
        name: name.to_owned(),
        image: image.to_owned(),
        runs: (0..)
            .zip(ids)
            .map(|(count, id)| {
                (
                    count,
                    Run {
                        id: id.to_owned(),
                        image_id: format!("docker-pullable://{name}@sha256:{id}"),
                    },
                )
            })
            .collect(),
    };
    Pod {
        name: "cart-5d4-x".to_owned(),
        namespace: "shop".to_owned(),
        uid: "u1".to_owned(),
        ip: "10.0.0.7".to_owned(),
        hostname: "cart".to_owned(),
        node: "n1".to_owned(),
        created_unix_seconds: Some(1_767_225_600),
        started_unix_seconds: Some(1_767_225_601),
        host_network: false,
        labels: map([("app", "cart"), ("tier", "web"), ("pod-template-hash", "5d4")]),
        annotations: map([("team", "blue"), ("resource.opentelemetry.io/service.version", "3")]),
        owners: vec![owner("ReplicaSet", "cart-5d4")],
        containers: vec![
            container("main", "registry:5000/cart:1.2@sha256:ff", ["c0", "c1"]),
            container("proxy", "envoy", ["p0", "p1"]),
        ],
    }
}

/// What is known about a resource that says this of itself and comes from an address.
pub(crate) fn lookup(cluster: &Cluster, own: &[(&str, &str)], peer: &str) -> Lookup {
    let said =
        |key: &str| own.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
    let associations = &cluster.settings().associations;
    let identity = Identity::of(associations, said, peer.parse().ok());
    cluster.lookup(&identity, &said)
}

/// The attributes of a lookup, as a line.
pub(crate) fn line(lookup: &Lookup) -> String {
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Texts(texts) => format!("{texts:?}"),
    };
    let pairs = lookup.attributes.iter().map(|(key, value)| format!("{key}={}", text(value)));
    pairs.collect::<Vec<_>>().join(" ")
}

/// A time of the table's clock.
pub(crate) fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
