//! What of a pod is added to its resources.

use std::collections::{BTreeMap, BTreeSet};

use spandrel_re2::Regex;

use super::association::POD_IP;
use super::pods::{Container, Pod};

/// Everything that `metadata` can name.
pub(super) const METADATA: [&str; 30] = [
    "container.id",
    "container.image.name",
    "container.image.repo_digests",
    "container.image.tag",
    "k8s.cluster.uid",
    "k8s.container.name",
    "k8s.cronjob.name",
    "k8s.cronjob.uid",
    "k8s.daemonset.name",
    "k8s.daemonset.uid",
    "k8s.deployment.name",
    "k8s.deployment.uid",
    "k8s.job.name",
    "k8s.job.uid",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.node.uid",
    "k8s.pod.hostname",
    POD_IP,
    "k8s.pod.name",
    "k8s.pod.start_time",
    "k8s.pod.uid",
    "k8s.replicaset.name",
    "k8s.replicaset.uid",
    "k8s.statefulset.name",
    "k8s.statefulset.uid",
    "service.instance.id",
    "service.name",
    "service.namespace",
    "service.version",
];

/// What is added when `metadata` is not there.
pub(super) const METADATA_DEFAULT: [&str; 8] = [
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.pod.start_time",
    "k8s.deployment.name",
    "k8s.node.name",
    "container.image.name",
    "container.image.tag",
];

/// Annotations with this prefix name attributes.
const OTEL_PREFIX: &str = "resource.opentelemetry.io/";

/// The settings of `extract`.
#[derive(Debug, Clone)]
pub(super) struct Extraction {
    pub(super) metadata: BTreeSet<String>,
    pub(super) labels: Vec<Rule>,
    pub(super) annotations: Vec<Rule>,
    pub(super) otel_annotations: bool,
    pub(super) deployment_name_from_replicaset: bool,
}

/// Labels or annotations that become attributes.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// The attribute; may have `$1` in it when the key is a pattern.
    pub(super) attribute: String,
    pub(super) key: KeyOf,
    /// Whether they are those of the pod; others are not known yet.
    pub(super) is_of_pod: bool,
}

#[derive(Debug, Clone)]
pub(super) enum KeyOf {
    Text(String),
    /// Matches whole keys.
    Pattern(Regex),
}

impl Extraction {
    /// Attributes of a pod.
    pub(super) fn attributes(&self, pod: &Pod) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut add = |key: &str, value: &str| {
            if self.metadata.contains(key) && !value.is_empty() {
                found.push((key.to_owned(), value.to_owned()));
            }
        };
        add("k8s.pod.name", &pod.name);
        add("k8s.namespace.name", &pod.namespace);
        add("k8s.pod.uid", &pod.uid);
        add("k8s.pod.hostname", &pod.hostname);
        add(POD_IP, &pod.ip);
        add("k8s.pod.start_time", &pod.start_time);
        add("k8s.node.name", &pod.node);
        for owner in &pod.owners {
            let kind = owner.kind.to_ascii_lowercase();
            add(&format!("k8s.{kind}.name"), &owner.name);
            add(&format!("k8s.{kind}.uid"), &owner.uid);
        }
        if let Some(deployment) = self.deployment(pod) {
            add("k8s.deployment.name", deployment);
        }
        found.extend(rules(&self.labels, &pod.labels));
        found.extend(rules(&self.annotations, &pod.annotations));
        if self.otel_annotations {
            let named = pod.annotations.iter().filter_map(|(key, value)| {
                Some((key.strip_prefix(OTEL_PREFIX)?.to_owned(), value.clone()))
            });
            found.extend(named);
        }
        found
    }

    /// The deployment whose replica set a pod is of: its name is that of the set without the hash at its end.
    fn deployment<'p>(&self, pod: &'p Pod) -> Option<&'p str> {
        let is_known = pod.owners.iter().any(|owner| owner.kind == "Deployment");
        let set = pod.owners.iter().find(|owner| owner.kind == "ReplicaSet")?;
        let (name, hash) = set.name.rsplit_once('-')?;
        let is_hash = self.deployment_name_from_replicaset
            || pod.labels.get("pod-template-hash").is_some_and(|label| label == hash);
        Some(name).filter(|_| !is_known && is_hash)
    }

    /// Attributes of the container that a resource names, or of the only one of the pod.
    pub(super) fn container(
        &self,
        pod: &Pod,
        name: Option<&str>,
        restart: Option<u32>,
    ) -> Vec<(&'static str, String)> {
        let container = match (name, &pod.containers[..]) {
            (Some(name), containers) => containers.iter().find(|container| container.name == name),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let Some(container) = container else { return Vec::new() };
        let (image, tag) = container.image_and_tag();
        let id = match restart {
            Some(count) => container.ids.get(&count),
            None => container.ids.values().next_back(),
        };
        let all = [
            ("k8s.container.name", Some(container.name.as_str())),
            ("container.image.name", Some(image)),
            ("container.image.tag", Some(tag)),
            ("container.id", id.map(String::as_str)),
        ];
        let wanted = all.into_iter().filter(|(key, _)| self.metadata.contains(*key));
        wanted.filter_map(|(key, value)| Some((key, value?.to_owned()))).collect()
    }
}

impl Container {
    /// `registry:5000/name:tag@digest` without the digest; the tag is `latest` when there is none.
    fn image_and_tag(&self) -> (&str, &str) {
        let (image, digest) = match self.image.split_once('@') {
            Some((image, _)) => (image, true),
            None => (self.image.as_str(), false),
        };
        match image.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (image, if digest { "" } else { "latest" }),
        }
    }
}

/// The attributes that rules make of labels or annotations.
fn rules(rules: &[Rule], values: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for rule in rules.iter().filter(|rule| rule.is_of_pod) {
        match &rule.key {
            KeyOf::Text(key) => {
                if let Some(value) = values.get(key) {
                    found.push((rule.attribute.clone(), value.clone()));
                }
            }
            KeyOf::Pattern(pattern) => {
                for (key, value) in values.iter().filter(|(key, _)| pattern.is_match(key)) {
                    let attribute = match rule.attribute.contains('$') {
                        true => pattern.replace_all(key, &rule.attribute).into_owned(),
                        false => rule.attribute.replace("{key}", key),
                    };
                    found.push((attribute, value.clone()));
                }
            }
        }
    }
    found
}
