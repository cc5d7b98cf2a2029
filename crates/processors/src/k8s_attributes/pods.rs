//! The pods that are known.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::RwLock;

use super::association::{PodAssociation, PodSource, SourceKind};

/// Knows pods.
pub trait PodTable: Send + Sync {
    /// The pod that has these values.
    fn find(&self, identifier: &[(PodSource, String)]) -> Option<Arc<Pod>>;

    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A pod, as far as its spans are told about it.
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
    /// `spec.hostname`, or the name.
    pub hostname: String,
    /// `spec.nodeName`.
    pub node: String,
    /// `status.startTime`, as it is written there.
    pub start_time: String,
    /// Whether it has the network of its node, so that its address names no pod.
    pub host_network: bool,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// Its owner, the owner of that, and so on.
    pub owners: Vec<Owner>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// What a pod belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// `ReplicaSet`, `Deployment`, `StatefulSet`, ...
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid; empty when it is not known.
    pub uid: String,
}

/// A container of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image with tag or digest.
    pub image: String,
    /// Its ids by restart count, without the `runtime://`.
    pub ids: BTreeMap<u32, String>,
}

impl Pod {
    /// Its values of a source; several for ids of containers.
    fn values(&self, source: &PodSource) -> Vec<&str> {
        if source.is_address() {
            return if self.host_network { Vec::new() } else { vec![&self.ip] };
        }
        match source.name.as_str() {
            "k8s.pod.uid" => vec![&self.uid],
            "k8s.pod.name" => vec![&self.name],
            "k8s.namespace.name" => vec![&self.namespace],
            "k8s.node.name" => vec![&self.node],
            "k8s.pod.hostname" | "host.name" => vec![&self.hostname],
            "container.id" => {
                let ids = self.containers.iter().flat_map(|container| container.ids.values());
                ids.map(String::as_str).collect()
            }
            name => self.labels.get(name).map(String::as_str).into_iter().collect(),
        }
    }
}

/// Pods in memory, found by the values that the associations ask for.
pub struct MemoryPods {
    associations: Vec<PodAssociation>,
    pods: RwLock<Index>,
}

#[derive(Default)]
struct Index {
    by_uid: HashMap<String, Arc<Pod>>,
    /// By values of the sources of an association.
    by_values: HashMap<Vec<String>, Arc<Pod>>,
}

impl MemoryPods {
    /// A table without pods.
    pub fn new(associations: &[PodAssociation]) -> Self {
        let mut associations = associations.to_vec();
        if associations.is_empty() {
            let source = PodSource { from: SourceKind::Connection, name: String::new() };
            associations.push(PodAssociation { sources: vec![source] });
        }
        Self { associations, pods: RwLock::default() }
    }

    /// Adds a pod, or what is new about it.
    pub fn set(&self, pod: Pod) {
        let mut index = self.pods.write();
        index.remove(&pod.uid);
        let pod = Arc::new(pod);
        for association in &self.associations {
            for values in combinations(&pod, association) {
                index.by_values.insert(values, Arc::clone(&pod));
            }
        }
        index.by_uid.insert(pod.uid.clone(), pod);
    }

    /// Forgets a pod.
    pub fn remove(&self, uid: &str) {
        self.pods.write().remove(uid);
    }
}

impl Index {
    fn remove(&mut self, uid: &str) {
        if self.by_uid.remove(uid).is_some() {
            self.by_values.retain(|_, pod| pod.uid != uid);
        }
    }
}

/// What names the values of a source in the index: the source, unless it is an address, and the value.
fn named(source: &PodSource, value: &str) -> String {
    if source.is_address() { format!("={value}") } else { format!("{}={value}", source.name) }
}

/// All ways to name a pod by an association.
fn combinations(pod: &Pod, association: &PodAssociation) -> Vec<Vec<String>> {
    let mut combinations = vec![Vec::new()];
    for source in &association.sources {
        let values = pod.values(source);
        let longer = combinations.iter().flat_map(|names: &Vec<String>| {
            let values = values.iter().filter(|value| !value.is_empty());
            values.map(|value| {
                let mut names = names.clone();
                names.push(named(source, value));
                names
            })
        });
        combinations = longer.collect();
    }
    combinations
}

impl PodTable for MemoryPods {
    fn find(&self, identifier: &[(PodSource, String)]) -> Option<Arc<Pod>> {
        let names = identifier.iter().map(|(source, value)| named(source, value));
        self.pods.read().by_values.get(&names.collect::<Vec<_>>()).cloned()
    }

    fn len(&self) -> usize {
        self.pods.read().by_uid.len()
    }
}
