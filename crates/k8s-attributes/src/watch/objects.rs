//! Objects of the API as far as they are read: what is not here is skipped while it is parsed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use kube::Resource;
use serde::Deserialize;

use crate::object::Object;
use crate::pod::{Container, Owner, Pod, Run};

/// `v1.Pod`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PodObject {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: Option<String>,
    hostname: Option<String>,
    host_network: Option<bool>,
    containers: Option<Vec<ContainerSpec>>,
    init_containers: Option<Vec<ContainerSpec>>,
}

#[derive(Debug, Clone, Deserialize)]
struct ContainerSpec {
    name: String,
    #[serde(default)]
    image: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    start_time: Option<Time>,
    container_statuses: Option<Vec<ContainerStatus>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    #[serde(default)]
    restart_count: u32,
    #[serde(rename = "containerID", default)]
    container_id: Option<String>,
    #[serde(rename = "imageID", default)]
    image_id: Option<String>,
}

impl Resource for PodObject {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "Pod".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "pods".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl From<PodObject> for Pod {
    fn from(pod: PodObject) -> Self {
        let PodObject { metadata, spec, status } = pod;
        let specs = spec.containers.into_iter().chain(spec.init_containers).flatten();
        let statuses =
            status.container_statuses.into_iter().chain(status.init_container_statuses).flatten();
        let created = metadata.creation_timestamp.as_ref();
        Self {
            created_unix_seconds: created.map(|time| time.0.as_second()),
            started_unix_seconds: status.start_time.map(|time| time.0.as_second()),
            name: metadata.name.unwrap_or_default(),
            namespace: metadata.namespace.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            labels: metadata.labels.unwrap_or_default(),
            annotations: metadata.annotations.unwrap_or_default(),
            owners: owners(metadata.owner_references),
            ip: status.pod_ip.unwrap_or_default(),
            hostname: spec.hostname.unwrap_or_default(),
            node: spec.node_name.unwrap_or_default(),
            host_network: spec.host_network.unwrap_or_default(),
            containers: containers(specs, statuses),
        }
    }
}

fn containers(
    specs: impl Iterator<Item = ContainerSpec>,
    statuses: impl Iterator<Item = ContainerStatus>,
) -> Vec<Container> {
    let mut containers: Vec<Container> = specs
        .map(|spec| Container {
            name: spec.name,
            image: spec.image.unwrap_or_default(),
            runs: BTreeMap::new(),
        })
        .collect();
    for status in statuses {
        let id = status.container_id.unwrap_or_default();
        let id = id.split_once("://").map_or(id.as_str(), |(_, id)| id).to_owned();
        let container = containers.iter_mut().find(|container| container.name == status.name);
        if let Some(container) = container.filter(|_| !id.is_empty()) {
            let image_id = status.image_id.unwrap_or_default();
            container.runs.insert(status.restart_count, Run { id, image_id });
        }
    }
    containers
}

/// An object of which only the metadata are asked for.
pub(super) fn object(metadata: ObjectMeta) -> Object {
    Object {
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
        labels: metadata.labels.unwrap_or_default(),
        annotations: metadata.annotations.unwrap_or_default(),
        owners: owners(metadata.owner_references),
    }
}

fn owners(references: Option<Vec<OwnerReference>>) -> Vec<Owner> {
    let owner = |one: OwnerReference| Owner { kind: one.kind, name: one.name, uid: one.uid };
    references.into_iter().flatten().map(owner).collect()
}
