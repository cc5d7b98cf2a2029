//! The settings of `k8s_attributes`.

use std::collections::BTreeSet;
use std::time::Duration;

use spandrel_config::Section;
use spandrel_re2::Regex;

use crate::association::PodAssociation;
use crate::extract::{Extraction, KeyOf, METADATA, Rule};
use crate::object::ObjectKind;
use crate::pod::Pod;
use crate::selection::Selection;

/// Pods with this annotation, of the value `true`, are left alone.
const IGNORE_ANNOTATION: &str = "opentelemetry.io/k8s-processor/ignore";
/// Pods that are left alone unless `exclude` says which.
const EXCLUDED_DEFAULT: [&str; 2] = ["jaeger-agent", "jaeger-collector"];

const AUTH_TYPES: [(&str, Access); 3] = [
    ("serviceAccount", Access::ServiceAccount),
    ("kubeConfig", Access::KubeConfig),
    ("none", Access::Nothing),
];

/// How the Kubernetes API is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// As pods reach it, by their service account.
    ServiceAccount,
    /// As people reach it, by the file that `KUBECONFIG` names or `~/.kube/config`.
    KubeConfig,
    /// Where pods find it, without credentials and without a check of its certificate.
    Nothing,
}

/// Settings of `k8s_attributes`.
#[derive(Debug, Clone)]
pub struct K8sAttributesSettings {
    /// Whether only the address of the pod is added.
    pub passthrough: bool,
    /// `auth_type`.
    pub access: Access,
    /// The context of the file with [`Access::KubeConfig`]; `None` for the current one.
    pub context: Option<String>,
    /// What names a pod; none is the usual.
    pub associations: Vec<PodAssociation>,
    /// What is added.
    pub extraction: Extraction,
    /// Which pods are asked for.
    pub selection: Selection,
    /// Names of pods that are left alone.
    pub(crate) excluded: Vec<Regex>,
    /// How long the start waits until everything is known; `None` when it does not.
    pub wait_for_metadata: Option<Duration>,
    /// How long a pod that is gone is still known.
    pub pod_delete_grace_period: Duration,
}

impl K8sAttributesSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        let associations = section.sections("pod_association", PodAssociation::read);
        for (i, association) in associations.iter().enumerate() {
            if associations.iter().take(i).any(|before| before == association) {
                section.problem(Some("pod_association"), "has the same association twice");
            }
        }
        section.ignore(
            &["kube_api_qps", "kube_api_burst", "watch_sync_period"],
            "a watch makes few requests, and is told of every change",
        );
        let waits: bool = section.or("wait_for_metadata", false);
        let timeout = section.or("wait_for_metadata_timeout", Duration::from_secs(10));
        let extraction = section.section("extract", Extraction::read).unwrap_or_default();
        Self {
            passthrough: section.or("passthrough", false),
            access: section.choice("auth_type", &AUTH_TYPES).unwrap_or(Access::ServiceAccount),
            context: section.get::<String>("context").filter(|context| !context.is_empty()),
            associations,
            extraction,
            selection: section.section("filter", Selection::read).unwrap_or_default(),
            excluded: read_excluded(section),
            wait_for_metadata: waits.then_some(timeout),
            pod_delete_grace_period: section
                .or("pod_delete_grace_period", Duration::from_secs(120)),
        }
    }

    /// Whether a pod is left alone.
    pub(crate) fn ignores(&self, pod: &Pod) -> bool {
        let says = pod.annotations.get(IGNORE_ANNOTATION);
        says.is_some_and(|says| says.trim().eq_ignore_ascii_case("true"))
            || self.excluded.iter().any(|name| name.is_match(&pod.name))
    }
}

fn read_excluded(section: &mut Section<'_>) -> Vec<Regex> {
    let names = section.section("exclude", |section| {
        section.sections("pods", |section| {
            let name: Option<String> = section.required("name");
            name.and_then(|name| pattern(section, "name", &name))
        })
    });
    let names: Vec<Regex> = names.into_iter().flatten().flatten().collect();
    if names.is_empty() {
        return EXCLUDED_DEFAULT.iter().filter_map(|name| Regex::new(name).ok()).collect();
    }
    names
}

/// Compiles a pattern; a problem of `key` when it is none.
fn pattern(section: &mut Section<'_>, key: &'static str, pattern: &str) -> Option<Regex> {
    Regex::new(pattern).map_err(|error| section.problem(Some(key), error.to_string())).ok()
}

impl Extraction {
    fn read(section: &mut Section<'_>) -> Self {
        let mut extraction = Self {
            labels: section.sections("labels", |section| Rule::read(section, "labels")),
            annotations: section.sections("annotations", |s| Rule::read(s, "annotations")),
            otel_annotations: section.or("otel_annotations", false),
            deployment_name_from_replicaset: section.or("deployment_name_from_replicaset", true),
            ..Self::default()
        };
        if let Some(names) = section.get::<Vec<String>>("metadata") {
            for name in names.iter().filter(|name| !METADATA.contains(&name.as_str())) {
                let message = format!("knows no `{name}`; there are: {}", METADATA.join(", "));
                section.problem(Some("metadata"), message);
            }
            // An empty list is no list.
            if !names.is_empty() {
                extraction.metadata = names.into_iter().collect::<BTreeSet<_>>();
            }
        }
        extraction
    }
}

impl Rule {
    fn read(section: &mut Section<'_>, what: &str) -> Self {
        let from: String = section.or("from", "pod".to_owned());
        let object = ObjectKind::of(&from).filter(|kind| *kind != ObjectKind::ReplicaSet);
        if object.is_none() && from != "pod" {
            let known = "pod, namespace, node, deployment, statefulset, daemonset, job";
            section.problem(Some("from"), format!("must be one of {known}, not `{from}`"));
        }
        let tag: Option<String> = section.get("tag_name").filter(|tag: &String| !tag.is_empty());
        let key: Option<String> = section.get("key").filter(|key: &String| !key.is_empty());
        let regex: Option<String> = section.get("key_regex").filter(|key: &String| !key.is_empty());
        if key.is_some() == regex.is_some() {
            section.problem(None, "needs one of key and key_regex");
        }
        let prefix = format!("k8s.{from}.{what}.");
        let pattern = regex.and_then(|regex| {
            // The whole key must match. The pattern is checked by itself, so that the message is about it.
            pattern(section, "key_regex", &regex)?;
            Regex::new(&format!("^(?:{regex})$")).ok()
        });
        match pattern {
            Some(pattern) => {
                let is_template = tag.is_some() && pattern.group_names().count() > 1;
                let attribute = tag.filter(|_| is_template).unwrap_or(prefix);
                Self { object, attribute, key: KeyOf::Pattern { pattern, is_template } }
            }
            None => {
                let key = key.unwrap_or_default();
                let attribute = tag.unwrap_or_else(|| format!("{prefix}{key}"));
                Self { object, attribute, key: KeyOf::Text(key) }
            }
        }
    }
}
