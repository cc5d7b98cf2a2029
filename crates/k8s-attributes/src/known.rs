//! What is kept of a pod, and of what pods belong to: the attributes that were asked for, and nothing else.

use std::collections::BTreeMap;

use crate::extract::Extraction;
use crate::object::{Object, ObjectKind};
use crate::pod::{Container, Owner, Pod};

/// Minutes in a day: what the name of a cron job's job and the age of its pod may differ by.
const JOB_SKEW_MINUTES: i64 = 24 * 60;
/// What a map entry costs besides its texts, about.
const ENTRY_BYTES: usize = 96;

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
}

/// Attributes in the order in which they are to be set; of two with one key, the first counts.
pub type Attributes = Vec<(String, Value)>;

/// A pod.
#[derive(Debug)]
pub(crate) struct KnownPod {
    pub(crate) uid: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) node: String,
    pub(crate) started_unix_seconds: Option<i64>,
    pub(crate) owners: Vec<Owner>,
    /// By the name of a replica set or job, when nothing better is known.
    deployment: Option<String>,
    cron_job: Option<String>,
    attributes: BTreeMap<String, String>,
    containers: Vec<Container>,
    /// What it is found by.
    pub(crate) keys: Vec<String>,
    /// What it takes of memory, about.
    pub(crate) bytes: usize,
}

impl KnownPod {
    pub(crate) fn new(pod: Pod, attributes: BTreeMap<String, String>, keys: Vec<String>) -> Self {
        let deployment = deployment_of(&pod);
        let cron_job = cron_job_of(&pod);
        let mut known = Self {
            uid: pod.uid,
            name: pod.name,
            namespace: pod.namespace,
            node: pod.node,
            started_unix_seconds: pod.started_unix_seconds,
            owners: pod.owners,
            deployment,
            cron_job,
            attributes,
            containers: pod.containers,
            keys,
            bytes: 0,
        };
        known.bytes = known.count_bytes();
        known
    }

    fn count_bytes(&self) -> usize {
        let attributes = self.attributes.iter().map(|(key, value)| key.len() + value.len());
        let owners = self.owners.iter().map(|o| o.kind.len() + o.name.len() + o.uid.len());
        let containers = self.containers.iter().map(|container| {
            let runs = container.runs.values();
            let runs = runs.map(|run| run.id.len() + run.image_id.len() + ENTRY_BYTES);
            container.name.len() + container.image.len() + runs.sum::<usize>()
        });
        // A key is in the index as well.
        let keys = self.keys.iter().map(|key| 2 * key.len() + ENTRY_BYTES);
        let parts = attributes.chain(owners).chain(containers).map(|bytes| bytes + ENTRY_BYTES);
        size_of::<Self>() + parts.chain(keys).sum::<usize>()
    }

    /// The owner of a kind.
    pub(crate) fn owner(&self, kind: &str) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.kind == kind)
    }

    /// Its own attributes, those of its workloads, and those of one of its containers.
    pub(crate) fn attributes(
        &self,
        extraction: &Extraction,
        replica_set: Option<&KnownObject>,
        job: Option<&KnownObject>,
    ) -> Attributes {
        let own = self.attributes.iter();
        let mut found: Attributes =
            own.map(|(key, value)| (key.clone(), Value::Text(value.clone()))).collect();
        let mut add = |key: &str, value: Option<&str>| {
            if let Some(value) = value.filter(|value| extraction.wants(key) && !value.is_empty()) {
                found.push((key.to_owned(), Value::Text(value.to_owned())));
            }
        };
        let (deployment, deployment_uid) = above(replica_set, &self.deployment);
        add("k8s.deployment.name", deployment);
        add("k8s.deployment.uid", deployment_uid);
        let (cron_job, cron_job_uid) = above(job, &self.cron_job);
        add("k8s.cronjob.name", cron_job);
        add("k8s.cronjob.uid", cron_job_uid);
        let kinds = ["ReplicaSet", "StatefulSet", "DaemonSet", "Job"];
        let owner = self.owners.iter().rfind(|owner| kinds.contains(&owner.kind.as_str()));
        let owner = owner.map(|owner| owner.name.as_str());
        add("service.name", deployment.or(cron_job).or(owner).or(Some(&self.name)));
        found
    }

    /// Attributes of the container that a resource is of: by name, by id, or the only one of the pod.
    pub(crate) fn of_container(
        &self,
        extraction: &Extraction,
        resource: &impl Fn(&str) -> Option<String>,
    ) -> Attributes {
        let mut found = Attributes::new();
        let Some(container) = self.container(resource) else { return found };
        let (image, tag, digest) = container.image_parts();
        let mut add = |key: &str, value: Value| {
            let is_empty = matches!(&value, Value::Text(text) if text.is_empty());
            if extraction.wants(key) && !is_empty {
                found.push((key.to_owned(), value));
            }
        };
        let text = |text: &str| Value::Text(text.to_owned());
        add("k8s.container.name", text(&container.name));
        add("container.image.name", text(image));
        add("container.image.tag", text(tag));
        if !tag.is_empty() {
            add("container.image.tags", Value::Texts(vec![tag.to_owned()]));
        }
        let instance = format!("{}.{}.{}", self.namespace, self.name, container.name);
        add("service.instance.id", text(&instance));
        add("service.version", Value::Text(version(tag, digest, &container.image)));
        let run = match resource("k8s.container.restart_count") {
            Some(count) => count.parse().ok().and_then(|count: u32| container.runs.get(&count)),
            // Usually that which runs now.
            None => container.runs.values().next_back(),
        };
        if let Some(run) = run {
            add("container.id", text(&run.id));
            let image = run.image_id.rsplit("://").next().unwrap_or_default();
            if image.contains('@') {
                add("container.image.repo_digests", Value::Texts(vec![image.to_owned()]));
            }
        }
        found
    }

    fn container(&self, resource: &impl Fn(&str) -> Option<String>) -> Option<&Container> {
        let mut containers = self.containers.iter();
        let said = |key: &str| resource(key).filter(|value| !value.is_empty());
        if let Some(name) = said("k8s.container.name") {
            return containers.find(|container| container.name == name);
        }
        if let Some(id) = said("container.id") {
            return containers.find(|one| one.runs.values().any(|run| run.id == id));
        }
        match &self.containers[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// Name and uid of what the owner of a pod belongs to.
fn above<'a>(
    owner: Option<&'a KnownObject>,
    guess: &'a Option<String>,
) -> (Option<&'a str>, Option<&'a str>) {
    match owner {
        Some(KnownObject { owner: Some(above), .. }) => (Some(&above.name), Some(&above.uid)),
        Some(_) => (None, None),
        None => (guess.as_deref(), None),
    }
}

/// The tag of an image that is written down, its digest, or both.
fn version(tag: &str, digest: &str, image: &str) -> String {
    match (tag, digest) {
        // Nobody wrote `latest`.
        ("latest", "") if !image.ends_with(":latest") => String::new(),
        (tag, "") => tag.to_owned(),
        ("", digest) => digest.to_owned(),
        (tag, digest) => format!("{tag}@{digest}"),
    }
}

/// The deployment whose replica set a pod is of: its name is that of the set without the hash at its end.
fn deployment_of(pod: &Pod) -> Option<String> {
    let hash = pod.labels.get("pod-template-hash").filter(|hash| !hash.is_empty())?;
    let name = pod.owner("ReplicaSet")?.name.strip_suffix(hash.as_str())?;
    name.strip_suffix('-').map(str::to_owned)
}

/// The cron job whose job a pod is of: the name of the job ends in the minute for which it was due.
fn cron_job_of(pod: &Pod) -> Option<String> {
    let (name, minute) = pod.owner("Job")?.name.rsplit_once('-')?;
    let is_minute = minute.len() == 8 && minute.bytes().all(|byte| byte.is_ascii_digit());
    let minute: i64 = minute.parse().ok().filter(|_| is_minute)?;
    let created = pod.created_unix_seconds? / 60;
    (created.abs_diff(minute) <= JOB_SKEW_MINUTES.unsigned_abs()).then(|| name.to_owned())
}

/// What pods belong to.
#[derive(Debug)]
pub(crate) struct KnownObject {
    pub(crate) uid: String,
    /// The deployment of a replica set, the cron job of a job.
    owner: Option<Owner>,
    pub(crate) attributes: BTreeMap<String, String>,
    /// What it takes of memory, about.
    pub(crate) bytes: usize,
}

impl KnownObject {
    pub(crate) fn new(kind: ObjectKind, object: Object, extraction: &Extraction) -> Self {
        let attributes = extraction.of_object(kind, &object.labels, &object.annotations);
        let above = match kind {
            ObjectKind::ReplicaSet => "Deployment",
            ObjectKind::Job => "CronJob",
            _ => "",
        };
        let owner = object.owners.into_iter().find(|owner| owner.kind == above);
        let texts = attributes.iter().map(|(key, value)| key.len() + value.len() + ENTRY_BYTES);
        let owned = owner.iter().map(|o| o.kind.len() + o.name.len() + o.uid.len());
        let bytes = size_of::<Self>() + ENTRY_BYTES + object.name.len() + 2 * object.uid.len();
        let bytes = bytes + texts.chain(owned).sum::<usize>();
        Self { uid: object.uid, owner, attributes, bytes }
    }

    /// The uid of what it belongs to.
    pub(crate) fn owner_uid(&self) -> Option<String> {
        self.owner.as_ref().map(|owner| owner.uid.clone())
    }
}
