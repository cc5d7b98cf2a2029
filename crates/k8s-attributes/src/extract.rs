//! What of a pod, and of what it belongs to, is added to its resources.

use std::collections::{BTreeMap, BTreeSet};

use spandrel_re2::Regex;

use crate::association::POD_IP;
use crate::object::ObjectKind;
use crate::pod::Pod;

/// Everything that `metadata` can name.
pub(crate) const METADATA: [&str; 31] = [
    "container.id",
    "container.image.name",
    "container.image.repo_digests",
    "container.image.tag",
    "container.image.tags",
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
pub(crate) const METADATA_DEFAULT: [&str; 8] = [
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
/// The first of these labels that a pod has names its service.
const SERVICE_NAME_LABELS: [&str; 2] = ["app.kubernetes.io/instance", "app.kubernetes.io/name"];
const SERVICE_VERSION_LABEL: &str = "app.kubernetes.io/version";

/// The settings of `extract`.
#[derive(Debug, Clone)]
pub struct Extraction {
    pub(crate) metadata: BTreeSet<String>,
    pub(crate) labels: Vec<Rule>,
    pub(crate) annotations: Vec<Rule>,
    pub(crate) otel_annotations: bool,
    pub(crate) deployment_name_from_replicaset: bool,
}

/// Labels or annotations that become attributes.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The object that has them; `None` for the pod.
    pub(crate) object: Option<ObjectKind>,
    /// The attribute; may have `$1` in it when the key is a pattern with groups.
    pub(crate) attribute: String,
    pub(crate) key: KeyOf,
}

#[derive(Debug, Clone)]
pub(crate) enum KeyOf {
    Text(String),
    /// Matches whole keys. The attribute is made of its groups, or else it ends in the key.
    Pattern {
        pattern: Regex,
        is_template: bool,
    },
}

/// The keys and values of labels or annotations.
type Texts = BTreeMap<String, String>;

impl Default for Extraction {
    fn default() -> Self {
        Self {
            metadata: METADATA_DEFAULT.into_iter().map(str::to_owned).collect(),
            labels: Vec::new(),
            annotations: Vec::new(),
            otel_annotations: false,
            deployment_name_from_replicaset: true,
        }
    }
}

impl Extraction {
    /// Whether this attribute is asked for.
    pub fn wants(&self, key: &str) -> bool {
        self.metadata.contains(key)
    }

    /// Whether labels or annotations of such objects are asked for.
    pub fn wants_texts_of(&self, kind: ObjectKind) -> bool {
        let mut rules = self.labels.iter().chain(&self.annotations);
        rules.any(|rule| rule.object == Some(kind))
    }

    /// Which objects have to be known besides pods.
    pub fn objects(&self) -> Vec<ObjectKind> {
        let texts_of = |kind| self.wants_texts_of(kind);
        let deployment = texts_of(ObjectKind::Deployment);
        let is_needed = |kind: &ObjectKind| match kind {
            ObjectKind::Namespace => texts_of(*kind) || self.wants("k8s.cluster.uid"),
            ObjectKind::Node => texts_of(*kind) || self.wants("k8s.node.uid"),
            ObjectKind::ReplicaSet => {
                let by_name =
                    self.wants("k8s.deployment.name") && !self.deployment_name_from_replicaset;
                deployment || self.wants("k8s.deployment.uid") || by_name
            }
            ObjectKind::Job => texts_of(*kind) || self.wants("k8s.cronjob.uid"),
            ObjectKind::Deployment | ObjectKind::StatefulSet | ObjectKind::DaemonSet => {
                texts_of(*kind)
            }
        };
        ObjectKind::ALL.into_iter().filter(is_needed).collect()
    }

    /// Attributes that are of a pod alone, whatever else is known.
    pub(crate) fn of_pod(&self, pod: &Pod) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut add = |key: &str, value: &str| {
            if self.wants(key) && !value.is_empty() {
                found.insert(key.to_owned(), value.to_owned());
            }
        };
        add("k8s.pod.name", &pod.name);
        add("k8s.namespace.name", &pod.namespace);
        add("service.namespace", &pod.namespace);
        add("k8s.pod.uid", &pod.uid);
        add("k8s.pod.hostname", &pod.hostname);
        add(POD_IP, &pod.ip);
        add("k8s.node.name", &pod.node);
        let created = pod.created_unix_seconds;
        let created = created.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        add("k8s.pod.start_time", &created.map_or_else(String::new, |time| time.to_string()));
        for owner in &pod.owners {
            let kind = owner.kind.to_ascii_lowercase();
            add(&format!("k8s.{kind}.name"), &owner.name);
            add(&format!("k8s.{kind}.uid"), &owner.uid);
        }
        let label = |key: &str| pod.labels.get(key).map_or("", String::as_str);
        add("service.version", label(SERVICE_VERSION_LABEL));
        let named = SERVICE_NAME_LABELS.into_iter().map(label).find(|name| !name.is_empty());
        add("service.name", named.unwrap_or_default());
        apply(&self.labels, None, &pod.labels, &mut found);
        apply(&self.annotations, None, &pod.annotations, &mut found);
        if self.otel_annotations {
            let named = pod.annotations.iter().filter_map(|(key, value)| {
                Some((key.strip_prefix(OTEL_PREFIX)?.to_owned(), value.clone()))
            });
            found.extend(named.filter(|(key, _)| !key.is_empty()));
        }
        found
    }

    /// Attributes of an object that pods belong to.
    pub(crate) fn of_object(
        &self,
        kind: ObjectKind,
        labels: &Texts,
        annotations: &Texts,
    ) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        apply(&self.labels, Some(kind), labels, &mut found);
        apply(&self.annotations, Some(kind), annotations, &mut found);
        found
    }
}

/// What rules make of the labels or annotations of an object.
fn apply(
    rules: &[Rule],
    object: Option<ObjectKind>,
    texts: &Texts,
    found: &mut BTreeMap<String, String>,
) {
    for rule in rules.iter().filter(|rule| rule.object == object) {
        match &rule.key {
            KeyOf::Text(key) => {
                if let Some(value) = texts.get(key) {
                    found.insert(rule.attribute.clone(), value.clone());
                }
            }
            KeyOf::Pattern { pattern, is_template } => {
                for (key, value) in texts {
                    if value.is_empty() || !pattern.is_match(key) {
                        continue;
                    }
                    let attribute = match is_template {
                        true => pattern.replace_all(key, &rule.attribute).into_owned(),
                        false => format!("{}{key}", rule.attribute),
                    };
                    found.insert(attribute, value.clone());
                }
            }
        }
    }
}
