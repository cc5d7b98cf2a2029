//! `k8s`: the endpoints of a service, as the Kubernetes API tells them and their changes.
//!
//! Its EndpointSlices are listed and watched from there; a watch that ends is resumed where it was, and when Kubernetes
//! has forgotten that, all are listed again. Failures are tried again with growing pauses, and the backends stay as
//! they were meanwhile. Backends are the endpoints that are ready: a pod that is being ended leaves the ring, and what
//! was queued for it goes to the new owners.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Config};
use spandrel_base::task::TaskSet;
use spandrel_pipeline::ComponentError;
use tokio::sync::watch;

use super::backends::Backends;

/// The label that names the service of a slice.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";
/// What a watch may be asked to last, in seconds; the client allows no more.
const WATCH_SECONDS_MAX: u64 = 290;
/// How many events that are there already become one change of the backends.
const EVENTS_MAX: usize = 64;

type Event = Result<watcher::Event<EndpointSlice>, watcher::Error>;

/// `k8s`.
#[derive(Debug, Clone)]
pub(super) struct K8sResolver {
    pub(super) service: String,
    /// Without one, it is the namespace that this process runs in.
    pub(super) namespace: Option<String>,
    /// Each is a backend of each endpoint; without any, addresses are taken as they are.
    pub(super) ports: Vec<u16>,
    /// How long a watch lasts before it is begun anew, and the start waits for the first list.
    pub(super) timeout: Duration,
    /// Whether backends are named instead of addressed, as pods of a StatefulSet are.
    pub(super) return_hostnames: bool,
}

impl K8sResolver {
    /// Begins to watch; the backends are there afterwards, unless the API does not answer.
    ///
    /// # Errors
    /// When nothing says where the API is, or how it is reached.
    pub(super) async fn start(
        &self,
        backends: &Arc<Backends>,
        tasks: &TaskSet,
    ) -> Result<(), ComponentError> {
        let failed = |error: &dyn std::error::Error| {
            ComponentError::new(format!("resolver::k8s: cannot reach the Kubernetes API: {error}"))
        };
        let mut config = Config::infer().await.map_err(|error| failed(&error))?;
        // The watch has pauses of its own; those of the client become minutes, and nothing is told meanwhile.
        config.default_retry = false;
        let own_namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(|error| failed(&error))?;
        self.start_with(client, &own_namespace, backends, tasks).await;
        Ok(())
    }

    async fn start_with(
        &self,
        client: Client,
        own_namespace: &str,
        backends: &Arc<Backends>,
        tasks: &TaskSet,
    ) {
        let namespace = self.namespace.as_deref().unwrap_or(own_namespace).to_owned();
        let api = Api::namespaced(client, &namespace);
        let seconds = self.timeout.as_secs().clamp(1, WATCH_SECONDS_MAX);
        let config = watcher::Config {
            label_selector: Some(format!("{SERVICE_LABEL}={}", self.service)),
            timeout: u32::try_from(seconds).ok(),
            ..watcher::Config::default()
        };
        let (asked, mut was_asked) = watch::channel(false);
        let follower = Follower {
            resolver: self.clone(),
            namespace,
            backends: Arc::clone(backends),
            slices: BTreeMap::new(),
            listing: None,
            asked,
        };
        let run = follower.run(watcher(api, config).default_backoff());
        let run = tasks.token().run_until_cancelled_owned(run).map(drop);
        tasks.spawn("load_balancing resolver", run);
        // An API that does not answer at the start is not fatal: backends may come later.
        drop(tokio::time::timeout(self.timeout, was_asked.wait_for(|asked| *asked)).await);
    }
}

/// What is known of the slices of a service.
struct Follower {
    resolver: K8sResolver,
    namespace: String,
    backends: Arc<Backends>,
    /// Backends by the name of the slice that has them.
    slices: BTreeMap<String, Vec<String>>,
    /// While all slices are listed: those that have come.
    listing: Option<BTreeMap<String, Vec<String>>>,
    /// Hears when the API has answered for the first time, whatever that was.
    asked: watch::Sender<bool>,
}

impl Follower {
    async fn run(mut self, events: impl Stream<Item = Event> + Send) {
        let mut events = pin!(events.ready_chunks(EVENTS_MAX));
        // The stream never ends: it pauses after failures and goes on.
        while let Some(events) = events.next().await {
            let has_changes =
                events.into_iter().fold(false, |so_far, event| self.apply(event) | so_far);
            if has_changes {
                self.change_backends().await;
            }
        }
    }

    /// Takes an event; `true` when the backends may be others by it.
    fn apply(&mut self, event: Event) -> bool {
        match event {
            Ok(watcher::Event::Init) => self.listing = Some(BTreeMap::new()),
            Ok(watcher::Event::InitApply(slice)) => {
                let (name, hosts) = self.read(slice);
                self.listing.get_or_insert_default().insert(name, hosts);
            }
            Ok(watcher::Event::InitDone) => {
                self.slices = self.listing.take().unwrap_or_default();
                return true;
            }
            Ok(watcher::Event::Apply(slice)) => {
                let (name, hosts) = self.read(slice);
                self.slices.insert(name, hosts);
                return true;
            }
            Ok(watcher::Event::Delete(slice)) => {
                self.slices.remove(&slice.metadata.name.unwrap_or_default());
                return true;
            }
            Err(error) => {
                self.backends.record_resolution("k8s", false);
                let service = &self.resolver.service;
                tracing::warn!(service, %error, "the Kubernetes API does not answer as it should, it is asked again");
                self.asked.send_replace(true);
            }
        }
        false
    }

    /// The name of a slice, and its hosts: addresses or names, without port.
    fn read(&self, slice: EndpointSlice) -> (String, Vec<String>) {
        let ready = slice.endpoints.unwrap_or_default().into_iter().filter(is_ready);
        let mut hosts = Vec::new();
        for endpoint in ready {
            if !self.resolver.return_hostnames {
                hosts.extend(endpoint.addresses);
            } else if let Some(hostname) = endpoint.hostname.filter(|name| !name.is_empty()) {
                hosts.push(format!("{hostname}.{}.{}", self.resolver.service, self.namespace));
            } else {
                // It may come with a name later; others are not given up for it.
                self.backends.record_resolution("k8s", false);
                let service = &self.resolver.service;
                tracing::warn!(service, addresses = ?endpoint.addresses, "an endpoint has no hostname, it is left out");
            }
        }
        (slice.metadata.name.unwrap_or_default(), hosts)
    }

    async fn change_backends(&self) {
        let hosts = self.slices.values().flatten();
        let mut endpoints: Vec<String> = match self.resolver.ports.as_slice() {
            [] => hosts.cloned().collect(),
            ports => {
                hosts.flat_map(|host| ports.iter().map(|port| endpoint(host, *port))).collect()
            }
        };
        endpoints.sort();
        endpoints.dedup();
        self.backends.record_resolution("k8s", true);
        if let Err(error) = self.backends.change_to("k8s", endpoints).await {
            tracing::error!(%error, "cannot use the backends");
        }
        self.asked.send_replace(true);
    }
}

/// What Kubernetes does not say counts as ready.
fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) != Some(false)
}

fn endpoint(host: &str, port: u16) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]:{port}"),
        _ => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests;
