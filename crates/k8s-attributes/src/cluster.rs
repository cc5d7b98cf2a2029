//! The table of pods and of what they belong to, as far as it was heard of.
//!
//! Pods are found by the values that the associations ask for. A pod that is deleted stays for a while, because its
//! last spans arrive after it is gone; a younger pod takes over what both have, such as an address.
//!
//! Only what is asked for is kept, and its memory is taken from a budget: what does not fit is left out and counted.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use spandrel_base::memory::{MemoryBudget, Reservation};

use crate::association::{Identity, or_usual};
use crate::known::{Attributes, KnownObject, KnownPod, Value};
use crate::object::{Object, ObjectKind};
use crate::pod::Pod;
use crate::settings::K8sAttributesSettings;

/// The namespace whose uid stands for the cluster.
const SYSTEM_NAMESPACE: &str = "kube-system";

/// What is known of a cluster.
pub struct Cluster {
    settings: K8sAttributesSettings,
    state: RwLock<State>,
}

struct State {
    /// Those that run, by uid.
    pods: HashMap<String, Arc<KnownPod>>,
    /// By what names them; pods that are gone included.
    by_key: HashMap<String, Arc<KnownPod>>,
    objects: BTreeMap<ObjectKind, HashMap<String, Arc<KnownObject>>>,
    /// Oldest first.
    fading: VecDeque<Fading>,
    held: Reservation,
    left_out: u64,
}

/// Names of a pod that are forgotten some time after they were true.
struct Fading {
    at: Duration,
    uid: String,
    keys: Vec<String>,
    bytes: usize,
}

/// What is known about the pod of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookup {
    /// Whether there is such a pod.
    pub is_found: bool,
    /// What to add where the resource does not say it.
    pub attributes: Attributes,
}

impl Cluster {
    /// Nothing is known yet. What becomes known is held in `memory`.
    pub fn new(settings: K8sAttributesSettings, memory: &MemoryBudget) -> Self {
        let state = State {
            pods: HashMap::new(),
            by_key: HashMap::new(),
            objects: BTreeMap::new(),
            fading: VecDeque::new(),
            held: memory.reservation(),
            left_out: 0,
        };
        Self { settings, state: RwLock::new(state) }
    }

    /// Its settings.
    pub fn settings(&self) -> &K8sAttributesSettings {
        &self.settings
    }

    /// Adds a pod, or what is new about it. `now` is of a monotonic clock. False when there is no room for it.
    pub fn set_pod(&self, pod: Pod, now: Duration) -> bool {
        if self.settings.ignores(&pod) {
            self.remove_pod(&pod.uid, now);
            return true;
        }
        let attributes = self.settings.extraction.of_pod(&pod);
        let associations = or_usual(&self.settings.associations);
        let keys: BTreeSet<String> =
            associations.iter().flat_map(|one| pod.keys(one, &attributes)).collect();
        let pod = KnownPod::new(pod, attributes, keys.into_iter().collect());
        self.state.write().set_pod(pod, now, self.settings.pod_delete_grace_period)
    }

    /// A pod is gone: it is forgotten after the grace period.
    pub fn remove_pod(&self, uid: &str, now: Duration) {
        let grace = self.settings.pod_delete_grace_period;
        self.state.write().remove_pod(uid, now, grace);
    }

    /// These are all pods that there are; those missed are gone.
    pub fn keep_pods(&self, uids: &BTreeSet<String>, now: Duration) {
        let mut state = self.state.write();
        let gone = state.pods.keys().filter(|uid| !uids.contains(*uid)).cloned();
        for uid in gone.collect::<Vec<_>>() {
            state.remove_pod(&uid, now, self.settings.pod_delete_grace_period);
        }
    }

    /// Adds an object, or what is new about it. False when there is no room for it.
    pub fn set_object(&self, kind: ObjectKind, object: Object) -> bool {
        let key = object.key(kind).to_owned();
        let known = KnownObject::new(kind, object, &self.settings.extraction);
        self.state.write().set_object(kind, key, known)
    }

    /// An object is gone.
    pub fn remove_object(&self, kind: ObjectKind, object: &Object) {
        self.state.write().remove_object(kind, object.key(kind));
    }

    /// These are all objects of a kind that there are, by what pods name them by.
    pub fn keep_objects(&self, kind: ObjectKind, objects: &BTreeSet<String>) {
        let mut state = self.state.write();
        let known = state.objects.get(&kind).into_iter().flat_map(HashMap::keys);
        let gone: Vec<String> = known.filter(|key| !objects.contains(*key)).cloned().collect();
        for key in gone {
            state.remove_object(kind, &key);
        }
    }

    /// Forgets pods whose grace period is over.
    pub fn forget(&self, now: Duration) {
        self.state.write().forget(now);
    }

    /// How many pods run.
    pub fn pods(&self) -> usize {
        self.state.read().pods.len()
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> usize {
        self.state.read().held.bytes()
    }

    /// How many pods and objects were left out because there was no room.
    pub fn left_out(&self) -> u64 {
        self.state.read().left_out
    }

    /// What is known about the pod of a resource, and about the namespace, node and workloads that the pod or else
    /// the resource names. `resource` looks up its attributes as text.
    pub fn lookup(
        &self,
        identity: &Identity,
        resource: &impl Fn(&str) -> Option<String>,
    ) -> Lookup {
        let state = self.state.read();
        let pod = state.by_key.get(&identity.key).filter(|_| !identity.is_empty());
        let mut attributes = Attributes::new();
        if let Some(pod) = pod {
            let owner = |kind: ObjectKind| {
                pod.owner(kind.name()).and_then(|owner| state.object(kind, &owner.uid))
            };
            let (replica_set, job) = (owner(ObjectKind::ReplicaSet), owner(ObjectKind::Job));
            attributes = pod.attributes(&self.settings.extraction, replica_set, job);
            attributes.extend(pod.of_container(&self.settings.extraction, resource));
        }
        for kind in state.objects.keys() {
            let found = state.belongs_to(*kind, pod.map(|pod| &**pod), resource);
            let Some(object) = found else { continue };
            let texts = object.attributes.iter();
            attributes.extend(texts.map(|(key, value)| (key.clone(), Value::Text(value.clone()))));
            if *kind == ObjectKind::Node && self.settings.extraction.wants("k8s.node.uid") {
                attributes.push(("k8s.node.uid".to_owned(), Value::Text(object.uid.clone())));
            }
        }
        if self.settings.extraction.wants("service.namespace") && pod.is_none() {
            let said = resource("k8s.namespace.name").filter(|name| !name.is_empty());
            attributes.extend(said.map(|name| ("service.namespace".to_owned(), Value::Text(name))));
        }
        let system =
            state.object(ObjectKind::Namespace, SYSTEM_NAMESPACE).filter(|_| pod.is_some());
        if let Some(system) = system.filter(|_| self.settings.extraction.wants("k8s.cluster.uid")) {
            attributes.push(("k8s.cluster.uid".to_owned(), Value::Text(system.uid.clone())));
        }
        Lookup { is_found: pod.is_some(), attributes }
    }
}

impl State {
    fn object(&self, kind: ObjectKind, key: &str) -> Option<&KnownObject> {
        self.objects.get(&kind)?.get(key).map(|object| &**object)
    }

    /// The object of a kind that a pod belongs to, or that a resource names when the pod does not.
    fn belongs_to(
        &self,
        kind: ObjectKind,
        pod: Option<&KnownPod>,
        resource: &impl Fn(&str) -> Option<String>,
    ) -> Option<&KnownObject> {
        let of_pod = pod.map(|pod| match kind {
            ObjectKind::Namespace => pod.namespace.clone(),
            ObjectKind::Node => pod.node.clone(),
            ObjectKind::Deployment => {
                let set = pod.owner("ReplicaSet");
                let set = set.and_then(|set| self.object(ObjectKind::ReplicaSet, &set.uid));
                set.and_then(KnownObject::owner_uid).unwrap_or_default()
            }
            _ => pod.owner(kind.name()).map(|owner| owner.uid.clone()).unwrap_or_default(),
        });
        let attribute = match kind {
            ObjectKind::Namespace => "k8s.namespace.name".to_owned(),
            ObjectKind::Node => "k8s.node.name".to_owned(),
            _ => format!("k8s.{}.uid", kind.name().to_ascii_lowercase()),
        };
        let key = of_pod.filter(|key| !key.is_empty()).or_else(|| resource(&attribute))?;
        self.object(kind, &key)
    }

    fn set_pod(&mut self, pod: KnownPod, now: Duration, grace: Duration) -> bool {
        let old = self.pods.get(&pod.uid).cloned();
        if old.as_ref().is_some_and(|old| pod.started_unix_seconds < old.started_unix_seconds) {
            return true;
        }
        let old_bytes = old.as_ref().map_or(0, |old| old.bytes);
        if !self.make_room(old_bytes, pod.bytes) {
            self.remove_pod(&pod.uid, now, grace);
            return false;
        }
        let pod = Arc::new(pod);
        if let Some(old) = old {
            // Spans of containers that have ended still come.
            let gone = old.keys.iter().filter(|key| !pod.keys.contains(key));
            let gone: Vec<String> = gone.cloned().collect();
            self.fade(now + grace, &pod.uid, gone, 0);
        }
        for key in &pod.keys {
            let holder = self.by_key.get(key);
            let is_older = |other: &Arc<KnownPod>| {
                other.uid != pod.uid && pod.started_unix_seconds < other.started_unix_seconds
            };
            if !holder.is_some_and(is_older) {
                self.by_key.insert(key.clone(), Arc::clone(&pod));
            }
        }
        self.pods.insert(pod.uid.clone(), pod);
        true
    }

    fn remove_pod(&mut self, uid: &str, now: Duration, grace: Duration) {
        if let Some(pod) = self.pods.remove(uid) {
            self.fade(now + grace, uid, pod.keys.clone(), pod.bytes);
        }
    }

    fn fade(&mut self, at: Duration, uid: &str, keys: Vec<String>, bytes: usize) {
        if !keys.is_empty() || bytes > 0 {
            self.fading.push_back(Fading { at, uid: uid.to_owned(), keys, bytes });
        }
    }

    fn forget(&mut self, now: Duration) {
        while self.fading.front().is_some_and(|oldest| oldest.at <= now) {
            let Some(Fading { uid, keys, bytes, .. }) = self.fading.pop_front() else { return };
            let living = self.pods.get(&uid);
            for key in keys {
                // It may be true again, or be another pod's by now.
                let is_true = living.is_some_and(|pod| pod.keys.contains(&key));
                if !is_true && self.by_key.get(&key).is_some_and(|pod| pod.uid == uid) {
                    self.by_key.remove(&key);
                }
            }
            self.held.shrink_to(self.held.bytes().saturating_sub(bytes));
        }
    }

    fn set_object(&mut self, kind: ObjectKind, key: String, object: KnownObject) -> bool {
        let old = self.objects.get(&kind).and_then(|objects| objects.get(&key));
        let old_bytes = old.map_or(0, |old| old.bytes);
        if !self.make_room(old_bytes, object.bytes) {
            self.remove_object(kind, &key);
            return false;
        }
        self.objects.entry(kind).or_default().insert(key, Arc::new(object));
        true
    }

    fn remove_object(&mut self, kind: ObjectKind, key: &str) {
        if let Some(object) = self.objects.get_mut(&kind).and_then(|objects| objects.remove(key)) {
            self.held.shrink_to(self.held.bytes().saturating_sub(object.bytes));
        }
    }

    /// Holds `new` bytes instead of `old`.
    fn make_room(&mut self, old: usize, new: usize) -> bool {
        let more = new.saturating_sub(old);
        if self.held.try_grow(more).is_err() {
            self.left_out += 1;
            return false;
        }
        self.held.shrink_to(self.held.bytes().saturating_sub(old.saturating_sub(new)));
        true
    }
}
