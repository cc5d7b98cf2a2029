//! The tasks of a watch: one for each kind of objects, and one that forgets pods that are gone.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use spandrel_base::task::TaskSet;
use tokio::sync::watch;

use super::WatchContext;
use super::objects::{PodObject, object};
use crate::cluster::Cluster;
use crate::object::ObjectKind;
use crate::pod::Pod;

/// How often it is looked for pods to forget.
const FORGET_EVERY: Duration = Duration::from_secs(5);

type Event<T> = Result<watcher::Event<T>, watcher::Error>;
type Metadata = PartialObjectMeta<DynamicObject>;

/// Starts all tasks; the future ends when each has listed what there is.
pub(super) fn all(
    tasks: &TaskSet,
    client: &Client,
    cluster: &Arc<Cluster>,
    context: &WatchContext,
) -> impl Future<Output = ()> + use<> {
    let selection = &cluster.settings().selection;
    if let Some(variable) = selection.missing_variable(&context.environment) {
        tracing::warn!(processor = %context.processor, variable, "not set, so pods of all nodes are watched");
    }
    let kinds = cluster.settings().extraction.objects();
    let (listed, mut all_listed) = watch::channel(0);
    let wanted = kinds.len() + 1;
    let follower = |what| Follower {
        what,
        cluster: Arc::clone(cluster),
        context: context.clone(),
        listed: listed.clone(),
        has_listed: false,
        has_told: false,
    };
    let token = tasks.token();
    for kind in kinds {
        let (api, config) = objects_api(kind, client, cluster, context);
        let events = watcher(api, config).default_backoff();
        let run = follower(kind.name()).run(events, Objects { kind, seen: BTreeSet::new() });
        tasks.spawn("k8s_attributes", token.clone().run_until_cancelled_owned(run).map(drop));
    }
    let (api, config) = pods_api(client, cluster, context);
    let run = follower("Pod").run(watcher(api, config).default_backoff(), Pods::default());
    tasks.spawn("k8s_attributes", token.clone().run_until_cancelled_owned(run).map(drop));
    let forget = forget(Arc::clone(cluster), context.clone());
    tasks.spawn("k8s_attributes", token.run_until_cancelled_owned(forget).map(drop));
    async move {
        // Fails when the tasks have ended, and then there is nothing to wait for.
        drop(all_listed.wait_for(|n| *n >= wanted).await);
    }
}

fn pods_api(
    client: &Client,
    cluster: &Cluster,
    context: &WatchContext,
) -> (Api<PodObject>, watcher::Config) {
    let selection = &cluster.settings().selection;
    let node = selection.node(&context.environment);
    let (labels, fields) = selection.selectors(node.as_deref());
    let api = match &selection.namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let config =
        watcher::Config { label_selector: labels, field_selector: fields, ..Default::default() };
    (api, config)
}

/// Where objects of a kind are, and which of them are asked for.
fn objects_api(
    kind: ObjectKind,
    client: &Client,
    cluster: &Cluster,
    context: &WatchContext,
) -> (Api<Metadata>, watcher::Config) {
    let (group, plural) = match kind {
        ObjectKind::Namespace => ("", "namespaces"),
        ObjectKind::Node => ("", "nodes"),
        ObjectKind::ReplicaSet => ("apps", "replicasets"),
        ObjectKind::Deployment => ("apps", "deployments"),
        ObjectKind::StatefulSet => ("apps", "statefulsets"),
        ObjectKind::DaemonSet => ("apps", "daemonsets"),
        ObjectKind::Job => ("batch", "jobs"),
    };
    let gvk = GroupVersionKind::gvk(group, "v1", kind.name());
    let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
    let settings = cluster.settings();
    let is_of_cluster = matches!(kind, ObjectKind::Namespace | ObjectKind::Node);
    let api = match settings.selection.namespace.as_deref().filter(|_| !is_of_cluster) {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let only = match kind {
        ObjectKind::Namespace => match settings.extraction.wants("k8s.cluster.uid") {
            // Its uid is that of this namespace; with rules for labels, others are asked for as well.
            true if settings.extraction.wants_texts_of(kind) => None,
            true => Some("kube-system".to_owned()),
            false => settings.selection.namespace.clone(),
        },
        ObjectKind::Node => settings.selection.node(&context.environment),
        _ => None,
    };
    let field_selector = only.map(|name| format!("metadata.name={name}"));
    (api, watcher::Config { field_selector, ..Default::default() })
}

async fn forget(cluster: Arc<Cluster>, context: WatchContext) {
    let mut ticks = tokio::time::interval(FORGET_EVERY);
    loop {
        ticks.tick().await;
        cluster.forget(context.clock.monotonic());
    }
}

/// What is done with objects of one kind.
trait Table<T> {
    /// Adds an object; false when there is no room for it.
    fn set(&mut self, object: T, cluster: &Cluster, now: Duration) -> bool;
    /// An object is gone.
    fn remove(&mut self, object: T, cluster: &Cluster, now: Duration);
    /// All that there are will be set.
    fn begin(&mut self);
    /// They have been.
    fn end(&mut self, cluster: &Cluster, now: Duration);
}

#[derive(Default)]
struct Pods {
    seen: BTreeSet<String>,
}

impl Table<PodObject> for Pods {
    fn set(&mut self, pod: PodObject, cluster: &Cluster, now: Duration) -> bool {
        let pod = Pod::from(pod);
        self.seen.insert(pod.uid.clone());
        cluster.set_pod(pod, now)
    }

    fn remove(&mut self, pod: PodObject, cluster: &Cluster, now: Duration) {
        cluster.remove_pod(&Pod::from(pod).uid, now);
    }

    fn begin(&mut self) {
        self.seen.clear();
    }

    fn end(&mut self, cluster: &Cluster, now: Duration) {
        cluster.keep_pods(&std::mem::take(&mut self.seen), now);
    }
}

struct Objects {
    kind: ObjectKind,
    seen: BTreeSet<String>,
}

impl Table<Metadata> for Objects {
    fn set(&mut self, metadata: Metadata, cluster: &Cluster, _: Duration) -> bool {
        let object = object(metadata.metadata);
        self.seen.insert(object.key(self.kind).to_owned());
        cluster.set_object(self.kind, object)
    }

    fn remove(&mut self, metadata: Metadata, cluster: &Cluster, _: Duration) {
        cluster.remove_object(self.kind, &object(metadata.metadata));
    }

    fn begin(&mut self) {
        self.seen.clear();
    }

    fn end(&mut self, cluster: &Cluster, _: Duration) {
        cluster.keep_objects(self.kind, &std::mem::take(&mut self.seen));
    }
}

/// Puts what is heard of one kind into the cluster.
struct Follower {
    what: &'static str,
    cluster: Arc<Cluster>,
    context: WatchContext,
    listed: watch::Sender<usize>,
    has_listed: bool,
    /// Whether the log knows that something is left out.
    has_told: bool,
}

impl Follower {
    async fn run<T: Clone>(
        mut self,
        events: impl Stream<Item = Event<T>> + Send,
        mut table: impl Table<T> + Send,
    ) {
        let mut events = pin!(events);
        // The stream never ends: it pauses after failures and goes on.
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.apply(event, &mut table),
                Err(error) => tracing::warn!(
                    processor = %self.context.processor, kind = self.what, %error,
                    "the Kubernetes API does not answer as it should, it is asked again"
                ),
            }
        }
    }

    fn apply<T>(&mut self, event: watcher::Event<T>, table: &mut impl Table<T>) {
        let now = self.context.clock.monotonic();
        match event {
            watcher::Event::Init => table.begin(),
            watcher::Event::InitApply(object) | watcher::Event::Apply(object) => {
                if !table.set(object, &self.cluster, now) && !self.has_told {
                    self.has_told = true;
                    tracing::warn!(
                        processor = %self.context.processor, kind = self.what, bytes = self.cluster.bytes(),
                        "no memory for more objects, some are left out"
                    );
                }
            }
            watcher::Event::Delete(object) => table.remove(object, &self.cluster, now),
            watcher::Event::InitDone => {
                table.end(&self.cluster, now);
                if !std::mem::replace(&mut self.has_listed, true) {
                    self.listed.send_modify(|n| *n += 1);
                }
            }
        }
        (self.context.on_pods)(self.cluster.pods() as u64);
    }
}
