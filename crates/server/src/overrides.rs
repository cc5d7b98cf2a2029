//! What tenants set for themselves, on its way into the store, the queries and compaction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use spandrel_api::{Overrides, OverridesTarget, TenantOverrides};
use spandrel_base::task::TaskSet;
use spandrel_compaction::OwnRetention;
use spandrel_ingest::Store;
use spandrel_model::TenantId;
use spandrel_query::{QueryEngine, ReadLimits};

/// How often it is looked for what was set in other processes.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A start does not wait longer for a store of blocks that does not answer.
const FIRST_LOOK_MAX: Duration = Duration::from_secs(10);

/// The parts of the process that overrides change.
pub(crate) struct Target {
    pub(crate) store: Arc<Store>,
    pub(crate) engine: Arc<QueryEngine>,
    /// Age at which the operator gives spans up.
    pub(crate) retention: Option<Duration>,
    pub(crate) own_retention: OwnRetention,
}

impl OverridesTarget for Target {
    fn operator(&self, tenant: &TenantId) -> TenantOverrides {
        TenantOverrides {
            ingest: self.store.limits().of(tenant),
            read: ReadLimits::default(),
            retention: self.retention,
        }
    }

    fn put_in_force(&self, own: &BTreeMap<TenantId, TenantOverrides>) {
        let each = || own.iter().map(|(tenant, own)| (tenant.clone(), own));
        self.store.set_own_limits(each().map(|(tenant, own)| (tenant, own.ingest)).collect());
        self.engine.set_read_limits(each().map(|(tenant, own)| (tenant, own.read)).collect());
        let ages = each().filter_map(|(tenant, own)| Some((tenant, own.retention?)));
        self.own_retention.set(ages.collect());
    }
}

/// Puts in force what tenants had set before the start. What cannot be read is tried again by [`watch`].
pub(crate) async fn first_look(overrides: &Overrides) {
    match tokio::time::timeout(FIRST_LOOK_MAX, overrides.refresh()).await {
        Ok(looked) => report(looked),
        Err(_elapsed) => tracing::warn!("overrides of tenants not read yet, they have no effect"),
    }
}

/// Looks again and again, as long as the tasks are kept.
pub(crate) fn watch(overrides: Overrides, tasks: &TaskSet) {
    let stop = tasks.token();
    tasks.spawn("overrides", async move {
        loop {
            tokio::select! {
                biased; // A stop must not wait for the next look.
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => report(overrides.refresh().await),
            }
        }
    });
}

fn report(looked: Result<(), spandrel_api::OverridesError>) {
    if let Err(error) = looked {
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        tracing::error!(error = causes.join(": "), "overrides from before stay in force");
    }
}
