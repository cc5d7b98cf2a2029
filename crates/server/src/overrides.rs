//! What the operator and tenants set for tenants, on its way into the store, the queries, compaction and the generator
//! of metrics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_api::{Overrides, OverridesTarget, TenantOverrides};
use spandrel_base::task::TaskSet;
use spandrel_compaction::OwnRetention;
use spandrel_ingest::{ByTenant, OperatorSettings, Store};
use spandrel_metrics_generator::{Generator, OperatorDocuments, SettingsError};
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
    /// Metrics from spans, if there are any.
    pub(crate) generator: Option<Arc<Generator>>,
    /// Age at which the operator gives spans of all tenants up.
    pub(crate) retention: Option<Duration>,
    pub(crate) own_retention: OwnRetention,
    /// What tenants have set for themselves.
    pub(crate) own: Mutex<BTreeMap<TenantId, TenantOverrides>>,
}

impl Target {
    /// Puts in force what the operator has set beside limits of what may be sent. What is wrong in settings of
    /// generated metrics leaves those from before in force.
    pub(crate) fn put_operators_in_force(&self) {
        self.put_limits_in_force(&self.own.lock());
        let documents = documents(&self.store.operator_settings().borrow());
        let result = match &self.generator {
            Some(generator) => generator.set_operator(documents),
            None => documents.check(),
        };
        if let Err(error) = result {
            tracing::error!(%error, "the settings of generated metrics from before stay in force");
        }
    }

    /// Of every limit of queries and compaction the lower one, the operator's or the tenant's own.
    fn put_limits_in_force(&self, own: &BTreeMap<TenantId, TenantOverrides>) {
        let settings = Arc::clone(&self.store.operator_settings().borrow());
        let none = TenantOverrides::default();
        let both =
            |tenant: &TenantId| self.operator(tenant).tightened(own.get(tenant).unwrap_or(&none));
        let tenants: BTreeMap<TenantId, TenantOverrides> = settings
            .overrides
            .keys()
            .chain(own.keys())
            .map(|tenant| (tenant.clone(), both(tenant)))
            .collect();
        let ages =
            tenants.iter().filter_map(|(tenant, both)| Some((tenant.clone(), both.retention?)));
        self.own_retention.set(settings.defaults.block_retention, ages.collect());
        self.engine.set_read_limits(ByTenant {
            defaults: read_limits(&settings.defaults),
            overrides: tenants.into_iter().map(|(tenant, both)| (tenant, both.read)).collect(),
        });
    }
}

impl OverridesTarget for Target {
    fn operator(&self, tenant: &TenantId) -> TenantOverrides {
        let settings = self.store.operator_settings().borrow().of(tenant);
        TenantOverrides {
            ingest: self.store.limits().of(tenant),
            read: read_limits(&settings),
            retention: self.retention.into_iter().chain(settings.block_retention).min(),
            metrics_generator: None,
        }
    }

    fn put_in_force(&self, own: &BTreeMap<TenantId, TenantOverrides>) {
        let mut before = self.own.lock();
        before.clone_from(own);
        let each = || own.iter().map(|(tenant, own)| (tenant.clone(), own));
        self.store.set_own_limits(each().map(|(tenant, own)| (tenant, own.ingest)).collect());
        self.put_limits_in_force(own);
        if let Some(generator) = &self.generator {
            let documents =
                each().filter_map(|(tenant, own)| Some((tenant, own.metrics_generator.clone()?)));
            generator.set_own(documents.collect());
        }
    }
}

/// Whether everything that the operator has set can be put in force.
///
/// # Errors
/// [`SettingsError`] when what is said of generated metrics is wrong.
pub(crate) fn check(store: &Store) -> Result<(), SettingsError> {
    documents(&store.operator_settings().borrow()).check()
}

fn documents(settings: &ByTenant<OperatorSettings>) -> OperatorDocuments {
    let of = |settings: &OperatorSettings| settings.metrics_generator.clone();
    let tenants = settings.overrides.iter();
    OperatorDocuments {
        defaults: of(&settings.defaults),
        tenants: tenants.map(|(id, settings)| (id.clone(), of(settings))).collect(),
    }
}

fn read_limits(settings: &OperatorSettings) -> ReadLimits {
    let bytes = settings.max_bytes_per_tag_values_query;
    ReadLimits {
        max_search_duration: settings.max_search_duration,
        max_metrics_duration: settings.max_metrics_duration,
        max_bytes_per_tag_values_query: bytes
            .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
    }
}

/// Puts in force what tenants had set before the start. What cannot be read is tried again by [`watch`].
pub(crate) async fn first_look(overrides: &Overrides) {
    match tokio::time::timeout(FIRST_LOOK_MAX, overrides.refresh()).await {
        Ok(looked) => report(looked),
        Err(_elapsed) => tracing::warn!("overrides of tenants not read yet, they have no effect"),
    }
}

/// Follows what the operator and tenants set, as long as the tasks are kept.
pub(crate) fn watch(of_tenants: Option<Overrides>, target: Arc<Target>, tasks: &TaskSet) {
    if let Some(overrides) = of_tenants {
        watch_tenants(overrides, tasks);
    }
    watch_operator(target, tasks);
}

/// Looks again and again.
fn watch_tenants(overrides: Overrides, tasks: &TaskSet) {
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

/// Puts in force what the limits file says whenever it changes.
fn watch_operator(target: Arc<Target>, tasks: &TaskSet) {
    let stop = tasks.token();
    let mut changes = target.store.operator_settings();
    // It may have changed since the start.
    changes.mark_changed();
    tasks.spawn("operator overrides", async move {
        loop {
            tokio::select! {
                biased; // A stop must not wait for the next change.
                () = stop.cancelled() => return,
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
            target.put_operators_in_force();
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
