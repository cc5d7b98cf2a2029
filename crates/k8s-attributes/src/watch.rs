//! Hears from the Kubernetes API what there is and what changes.
//!
//! Each kind of objects has a task that lists all and watches from there. Bookmarks keep the place where it is; a watch
//! that ends is resumed at that place. When Kubernetes says that the place is too old (410 Gone), all are listed
//! again. Failures are tried again with growing pauses; the table stays as it was meanwhile.

#[cfg(feature = "kubernetes")]
mod access;
#[cfg(feature = "kubernetes")]
mod follow;
#[cfg(feature = "kubernetes")]
mod objects;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use spandrel_base::clock::SharedClock;
use spandrel_base::task::TaskSet;

use crate::cluster::Cluster;

/// How long tasks may take to end; none holds anything.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// Why nothing can be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// This program has no client of Kubernetes.
    #[error(
        "this program was built without a client of Kubernetes (cargo feature `kubernetes`), so pods cannot be looked up; \
         with `passthrough: true` only k8s.pod.ip is added, for a collector behind this one to look up"
    )]
    NotBuilt,
    /// It is not said where the API is, or how it is reached.
    #[error("cannot reach the Kubernetes API as auth_type says: {0}")]
    Access(String),
    /// Not everything was known in time.
    #[error("pods were not listed within {0:?} (wait_for_metadata_timeout)")]
    TooSlow(Duration),
}

/// What a watch works with.
#[derive(Clone)]
pub struct WatchContext {
    /// Whom the log names.
    pub processor: Arc<str>,
    /// Time.
    pub clock: SharedClock,
    /// The variables of the process: where the API is, and the node that `filter` may ask for.
    pub environment: BTreeMap<String, String>,
    /// Hears how many pods there are.
    pub on_pods: Arc<dyn Fn(u64) + Send + Sync>,
}

/// A watch that runs until it is shut down or dropped.
#[derive(Debug)]
pub struct Watch {
    tasks: TaskSet,
}

impl Watch {
    /// Whether this program can watch at all.
    pub const IS_BUILT: bool = cfg!(feature = "kubernetes");

    /// Starts to fill the cluster; with `wait_for_metadata`, everything is there afterwards.
    ///
    /// # Errors
    /// When the API cannot be found, or does not answer in the time that the settings leave it.
    #[cfg(feature = "kubernetes")]
    pub async fn start(cluster: &Arc<Cluster>, context: WatchContext) -> Result<Self, WatchError> {
        let client = access::client(cluster.settings(), &context.environment).await?;
        Self::start_with(client, cluster, context).await
    }

    /// Always fails: this program has no client of Kubernetes.
    ///
    /// # Errors
    /// [`WatchError::NotBuilt`].
    #[cfg(not(feature = "kubernetes"))]
    #[expect(clippy::unused_async, reason = "the client is async where there is one")]
    pub async fn start(_: &Arc<Cluster>, _: WatchContext) -> Result<Self, WatchError> {
        Err(WatchError::NotBuilt)
    }

    /// As [`Watch::start`], with a client that is there already.
    ///
    /// # Errors
    /// When the API does not answer in the time that the settings leave it.
    #[cfg(feature = "kubernetes")]
    pub async fn start_with(
        client: kube::Client,
        cluster: &Arc<Cluster>,
        context: WatchContext,
    ) -> Result<Self, WatchError> {
        let watch = Self { tasks: TaskSet::new() };
        let listed = follow::all(&watch.tasks, &client, cluster, &context);
        if let Some(limit) = cluster.settings().wait_for_metadata {
            let listed = tokio::time::timeout(limit, listed).await;
            listed.map_err(|_| WatchError::TooSlow(limit))?;
        }
        Ok(watch)
    }

    /// Ends its tasks.
    pub async fn shutdown(&self) {
        // They hold nothing, so that there is nothing to lose when they are aborted.
        drop(self.tasks.shutdown(SHUTDOWN).await);
    }
}
