//! A pod as Kubernetes describes it, as far as its spans can be told about it.

use std::collections::BTreeMap;

use crate::association::{PodAssociation, PodSource, push};

/// A pod. Texts are empty when Kubernetes does not say them yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pod {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `status.podIP`.
    pub ip: String,
    /// `spec.hostname`.
    pub hostname: String,
    /// `spec.nodeName`.
    pub node: String,
    /// `metadata.creationTimestamp`, in seconds since 1970.
    pub created_unix_seconds: Option<i64>,
    /// `status.startTime`, in seconds since 1970.
    pub started_unix_seconds: Option<i64>,
    /// Whether it has the network of its node, so that its address names no pod.
    pub host_network: bool,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// `metadata.ownerReferences`.
    pub owners: Vec<Owner>,
    /// Its containers, those for its begin included.
    pub containers: Vec<Container>,
}

/// What an object belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// `ReplicaSet`, `Deployment`, `StatefulSet`, ...
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// A container of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image with tag or digest.
    pub image: String,
    /// Its runs by restart count.
    pub runs: BTreeMap<u32, Run>,
}

/// One run of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// Its id, without the `runtime://`.
    pub id: String,
    /// What its image resolved to, `repository@digest`.
    pub image_id: String,
}

impl Pod {
    /// The owner of a kind.
    pub(crate) fn owner(&self, kind: &str) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.kind == kind)
    }

    /// Its values of a source; several for ids of containers. `attributes` are those that are extracted of it.
    fn values<'a>(
        &'a self,
        source: &PodSource,
        attributes: &'a BTreeMap<String, String>,
    ) -> Vec<&'a str> {
        if source.is_address() {
            return if self.host_network { Vec::new() } else { vec![&self.ip] };
        }
        match source.name.as_str() {
            "k8s.pod.uid" => vec![&self.uid],
            "k8s.pod.name" => vec![&self.name],
            "k8s.namespace.name" => vec![&self.namespace],
            "container.id" => {
                let runs = self.containers.iter().flat_map(|container| container.runs.values());
                runs.map(|run| run.id.as_str()).collect()
            }
            "k8s.node.name" => vec![&self.node],
            "k8s.pod.hostname" => vec![&self.hostname],
            name => attributes.get(name).map(String::as_str).into_iter().collect(),
        }
    }

    /// All ways to name it by an association, as the index has them.
    pub(crate) fn keys(
        &self,
        association: &PodAssociation,
        attributes: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let mut keys = vec![String::new()];
        for source in &association.sources {
            let values = self.values(source, attributes);
            let longer = keys.iter().flat_map(|key| {
                let values = values.iter().filter(|value| !value.is_empty());
                values.map(|value| {
                    let mut key = key.clone();
                    push(&mut key, source, value);
                    key
                })
            });
            keys = longer.collect();
        }
        keys
    }
}

impl Container {
    /// `registry:5000/name:tag@digest` into name, tag and digest. Without tag and digest the tag is `latest`.
    pub(crate) fn image_parts(&self) -> (&str, &str, &str) {
        let (image, digest) = self.image.split_once('@').unwrap_or((&self.image, ""));
        match image.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag, digest),
            _ => (image, if digest.is_empty() { "latest" } else { "" }, digest),
        }
    }
}
