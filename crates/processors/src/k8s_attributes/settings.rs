//! The settings of `k8s_attributes`.

use std::collections::BTreeSet;
use std::time::Duration;

use spandrel_config::Section;
use spandrel_re2::Regex;

use super::association::{POD_IP, PodAssociation, PodSource, SourceKind};
use super::extract::{Extraction, KeyOf, METADATA, METADATA_DEFAULT, Rule};
use crate::pattern;

/// The most sources of an association.
const SOURCES_MAX: usize = 4;

const FROM: [(&str, SourceKind); 2] =
    [("connection", SourceKind::Connection), ("resource_attribute", SourceKind::ResourceAttribute)];
const OPERATORS: [(&str, ()); 6] = [
    ("equals", ()),
    ("not-equals", ()),
    ("exists", ()),
    ("does-not-exist", ()),
    ("in", ()),
    ("not-in", ()),
];
const AUTH_TYPES: [(&str, ()); 4] =
    [("serviceAccount", ()), ("kubeConfig", ()), ("none", ()), ("tls", ())];
const OBJECTS: [&str; 9] = [
    "pod",
    "namespace",
    "node",
    "deployment",
    "replicaset",
    "statefulset",
    "daemonset",
    "job",
    "cronjob",
];

/// Settings of `k8s_attributes`.
#[derive(Debug, Clone)]
pub struct K8sAttributesSettings {
    /// Whether only the address of the pod is added.
    pub passthrough: bool,
    /// What names a pod; none is the usual.
    pub associations: Vec<PodAssociation>,
    pub(super) extraction: Extraction,
}

impl K8sAttributesSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        let passthrough = section.or("passthrough", false);
        read_client(section);
        let extraction = section.section("extract", Extraction::read);
        let associations = section.sections("pod_association", PodAssociation::read);
        for (i, association) in associations.iter().enumerate() {
            if associations.iter().take(i).any(|before| before == association) {
                section.problem(Some("pod_association"), "has the same association twice");
            }
        }
        section.section("filter", read_filter);
        section.section("exclude", |section| {
            section.sections("pods", |section| {
                let name: Option<String> = section.required("name");
                name.and_then(|name| pattern::read(section, "name", &name))
            });
        });
        if !passthrough {
            section.warn(
                None,
                "pods are not looked up from the Kubernetes API: only k8s.pod.ip is added, as with passthrough",
            );
        }
        Self { passthrough, associations, extraction: extraction.unwrap_or_default() }
    }
}

/// How the Kubernetes API is asked.
fn read_client(section: &mut Section<'_>) {
    let _ = section.choice("auth_type", &AUTH_TYPES);
    let _: Option<String> = section.get("context");
    let _: Option<f64> = section.get("kube_api_qps");
    let _: Option<u32> = section.get("kube_api_burst");
    let _: Option<bool> = section.get("wait_for_metadata");
    for key in ["wait_for_metadata_timeout", "watch_sync_period", "pod_delete_grace_period"] {
        let _: Option<Duration> = section.get(key);
    }
}

/// Which pods are asked for.
fn read_filter(section: &mut Section<'_>) {
    let _: Option<String> = section.get("node");
    let _: Option<String> = section.get("node_from_env_var");
    let _: Option<String> = section.get("namespace");
    for key in ["labels", "fields"] {
        section.sections(key, |section| {
            let _: Option<String> = section.required("key");
            let _: Option<String> = section.get("value");
            let _ = section.choice("op", &OPERATORS);
        });
    }
}

impl PodAssociation {
    fn read(section: &mut Section<'_>) -> Self {
        let mut sources = section.sections("sources", PodSource::read);
        // As it was before there were lists of sources.
        if section.has("from") {
            sources.push(PodSource::read(section));
        }
        if sources.is_empty() || sources.len() > SOURCES_MAX {
            section.problem(Some("sources"), format!("must have 1 to {SOURCES_MAX} sources"));
        }
        Self { sources }
    }
}

impl PodSource {
    fn read(section: &mut Section<'_>) -> Self {
        if !section.has("from") {
            section.problem(None, "from is required: connection or resource_attribute");
        }
        let from = section.choice("from", &FROM).unwrap_or(SourceKind::Connection);
        let name: String = section.or("name", String::new());
        if from == SourceKind::ResourceAttribute && name.is_empty() {
            section.problem(None, format!("name is required, such as `{POD_IP}`"));
        }
        let name = if from == SourceKind::Connection { String::new() } else { name };
        Self { from, name }
    }
}

impl Default for Extraction {
    fn default() -> Self {
        Self {
            metadata: METADATA_DEFAULT.into_iter().map(str::to_owned).collect(),
            labels: Vec::new(),
            annotations: Vec::new(),
            otel_annotations: false,
            deployment_name_from_replicaset: false,
        }
    }
}

impl Extraction {
    fn read(section: &mut Section<'_>) -> Self {
        let mut extraction = Self {
            labels: section.sections("labels", |section| Rule::read(section, "labels")),
            annotations: section.sections("annotations", |s| Rule::read(s, "annotations")),
            otel_annotations: section.or("otel_annotations", false),
            deployment_name_from_replicaset: section.or("deployment_name_from_replicaset", false),
            ..Self::default()
        };
        if let Some(names) = section.get::<Vec<String>>("metadata") {
            for name in names.iter().filter(|name| !METADATA.contains(&name.as_str())) {
                let message = format!("knows no `{name}`; there are: {}", METADATA.join(", "));
                section.problem(Some("metadata"), message);
            }
            extraction.metadata = names.into_iter().collect::<BTreeSet<_>>();
        }
        extraction
    }
}

impl Rule {
    fn read(section: &mut Section<'_>, what: &str) -> Self {
        let object: String = section.or("from", "pod".to_owned());
        if !OBJECTS.contains(&object.as_str()) {
            let message = format!("must be one of {}, not `{object}`", OBJECTS.join(", "));
            section.problem(Some("from"), message);
        }
        let tag: Option<String> = section.get("tag_name").filter(|tag: &String| !tag.is_empty());
        let key: Option<String> = section.get("key").filter(|key: &String| !key.is_empty());
        let regex: Option<String> = section.get("key_regex").filter(|key: &String| !key.is_empty());
        if key.is_some() == regex.is_some() {
            section.problem(None, "needs one of key and key_regex");
        }
        let attribute = match (&tag, &key) {
            (Some(tag), _) => tag.clone(),
            (None, Some(key)) => format!("k8s.{object}.{what}.{key}"),
            (None, None) => format!("k8s.{object}.{what}.{{key}}"),
        };
        let pattern = regex.and_then(|regex| {
            // The whole key must match. The pattern is checked by itself, so that the message is about it.
            pattern::read(section, "key_regex", &regex)?;
            Regex::new(&format!("^(?:{regex})$")).ok()
        });
        let key = match pattern {
            Some(pattern) => KeyOf::Pattern(pattern),
            None => KeyOf::Text(key.unwrap_or_default()),
        };
        Self { attribute, key, is_of_pod: object == "pod" }
    }
}
