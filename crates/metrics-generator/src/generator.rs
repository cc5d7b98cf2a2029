//! The generator: the state of every tenant, what spans do to it, and what is made of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use spandrel_base::clock::SharedClock;
use spandrel_base::memory::{MemoryBudget, Reservation};
use spandrel_config::Value;
use spandrel_metrics_exporters::prometheus::{PageFormat, render_batches};
use spandrel_model::TenantId;
use spandrel_otlp::visit_spans;
use spandrel_pipeline::MetricBatch;
use spandrel_proto::otlp::collector_metrics::ExportMetricsServiceRequest;
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::metrics::{Metric, ResourceMetrics, ScopeMetrics};
use spandrel_telemetry::{GeneratorSeries, Metrics};

use crate::counting::{Counting, Now};
use crate::plan::Plan;
use crate::settings::{GeneratorSettings, SettingsError, TenantSettings};
use crate::state::State;

/// What a tenant takes beside its series.
const TENANT_BYTES: usize = 8 << 10;

/// Counts spans.
pub struct Generator {
    settings: GeneratorSettings,
    /// What the operator has changed since.
    operator: RwLock<OperatorDocuments>,
    /// What tenants have set themselves.
    own: RwLock<BTreeMap<TenantId, Arc<str>>>,
    tenants: RwLock<BTreeMap<TenantId, Arc<Tenant>>>,
    memory: MemoryBudget,
    clock: SharedClock,
    metrics: Metrics,
}

/// Settings of the operator that change while the process runs: maps with the keys of Tempo's `metrics_generator`
/// overrides, of which later ones change what earlier ones have set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OperatorDocuments {
    /// Of tenants that are not listed.
    pub defaults: Vec<Value>,
    /// Of those that are, in place of the defaults.
    pub tenants: BTreeMap<TenantId, Vec<Value>>,
}

impl OperatorDocuments {
    fn of(&self, tenant: &TenantId) -> &[Value] {
        self.tenants.get(tenant).unwrap_or(&self.defaults)
    }

    /// Whether all of it can be put in force.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`] with what is wrong in the first document that cannot.
    pub fn check(&self) -> Result<(), SettingsError> {
        let mut documents = self.tenants.values().chain([&self.defaults]).flatten();
        documents.try_for_each(|document| TenantSettings::default().changed_by(document).map(drop))
    }
}

struct Tenant {
    plan: Arc<Plan>,
    state: Mutex<State>,
    counts: GeneratorSeries,
    _held: Reservation,
}

impl Generator {
    /// A generator that has seen nothing. Series and edges are taken from `memory`.
    pub fn new(
        settings: GeneratorSettings,
        memory: MemoryBudget,
        clock: SharedClock,
        metrics: Metrics,
    ) -> Self {
        let (operator, own, tenants) = Default::default();
        Self { settings, operator, own, tenants, memory, clock, metrics }
    }

    /// Counts the spans of an `ExportTraceServiceRequest` in protobuf that was stored.
    pub fn observe(&self, tenant: &TenantId, otlp: &[u8]) {
        let Some(tenant) = self.tenant(tenant) else { return };
        let now = self.now();
        let mut state = tenant.state.lock();
        let mut counting = Counting::new(&mut state, &tenant.plan, now, &tenant.counts);
        let visited = visit_spans(otlp, &mut counting);
        counting.finish();
        if visited.is_err() {
            // What was stored can be read; this is for callers that store nothing.
            tenant.counts.discarded_damaged.inc();
        }
    }

    /// Puts in force what the operator has changed, in place of all changes from before, for who has no settings of
    /// his own for the same thing. Series of a tenant whose settings change begin anew.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`] when something in it is wrong; nothing changes then.
    pub fn set_operator(&self, documents: OperatorDocuments) -> Result<(), SettingsError> {
        documents.check()?;
        let before = std::mem::replace(&mut *self.operator.write(), documents.clone());
        let changed = |tenant: &TenantId| before.of(tenant) != documents.of(tenant);
        self.tenants.write().retain(|tenant, _| !changed(tenant));
        Ok(())
    }

    /// Puts in force what tenants have set for themselves, in place of all that they had set before: documents with
    /// the keys of Tempo's `metrics_generator` overrides. Series of a tenant whose settings change begin anew.
    pub fn set_own(&self, documents: BTreeMap<TenantId, Arc<str>>) {
        let before = std::mem::replace(&mut *self.own.write(), documents.clone());
        let changed = |tenant: &TenantId| before.get(tenant) != documents.get(tenant);
        self.tenants.write().retain(|tenant, _| !changed(tenant));
    }

    /// What is written for the tenants for which it is time, or with `all`, for every tenant.
    pub fn collect(&self, all: bool) -> Vec<MetricBatch> {
        let now = self.now();
        let tenants: Vec<_> = {
            let tenants = self.tenants.read();
            tenants.iter().map(|(id, tenant)| (id.clone(), Arc::clone(tenant))).collect()
        };
        let mut batches = Vec::new();
        for (id, tenant) in tenants {
            let mut state = tenant.state.lock();
            state.expire_edges(&tenant.plan, now, &tenant.counts);
            if !all && now.monotonic_nanos < state.due_nanos {
                continue;
            }
            let interval = tenant.plan.settings.collection_interval.as_nanos();
            let interval = u64::try_from(interval).unwrap_or(u64::MAX);
            state.due_nanos = now.monotonic_nanos.saturating_add(interval);
            let metrics = state.collect(now.unix_nanos, &tenant.counts);
            if !metrics.is_empty() && !tenant.plan.settings.disable_collection {
                batches.push(batch(id, metrics));
            }
        }
        batches
    }

    /// Counts batches that a remote write did not take.
    pub fn record_failed(&self, tenant: &TenantId) {
        self.metrics.generator().tenant(tenant.as_str()).collections_failed.inc();
    }

    /// The page with everything as it is now, of one tenant or of all.
    pub fn page(&self, only: Option<&TenantId>, format: PageFormat) -> Vec<u8> {
        let now = self.now().unix_nanos;
        let tenants = self.tenants.read();
        let wanted = tenants.iter().filter(|(id, _)| only.is_none_or(|only| only == *id));
        let batches = wanted.filter(|(_, tenant)| !tenant.plan.settings.disable_collection).map(
            |(id, tenant)| {
                let mut metrics = tenant.state.lock().shown(now);
                if tenant.plan.copies > 1 {
                    metrics.retain(|metric| is_readable(metric, format));
                }
                batch(id.clone(), metrics)
            },
        );
        render_batches(batches.collect(), format, &self.memory)
    }

    fn tenant(&self, id: &TenantId) -> Option<Arc<Tenant>> {
        if let Some(tenant) = self.tenants.read().get(id) {
            return Some(Arc::clone(tenant));
        }
        let settings = self.settings_of(id);
        let mut tenants = self.tenants.write();
        if let Some(tenant) = tenants.get(id) {
            return Some(Arc::clone(tenant));
        }
        let Ok(held) = self.memory.try_reserve(TENANT_BYTES) else {
            tracing::warn!(tenant = %id, "no memory for the metrics of another tenant");
            return None;
        };
        let plan = Arc::new(Plan::new(settings, id));
        let tenant = Arc::new(Tenant {
            state: Mutex::new(State::new(Arc::clone(&plan), &self.memory)),
            plan,
            counts: self.metrics.generator().tenant(id.as_str()),
            _held: held,
        });
        tenants.insert(id.clone(), Arc::clone(&tenant));
        Some(tenant)
    }

    fn settings_of(&self, id: &TenantId) -> TenantSettings {
        let unusable = |error: SettingsError| {
            tracing::error!(tenant = %id, %error, "overrides of generated metrics have no effect");
        };
        let mut settings = self.settings.of(id).clone();
        for document in self.operator.read().of(id) {
            match settings.changed_by(document) {
                Ok(changed) => settings = changed,
                Err(error) => unusable(error),
            }
        }
        let own = self.own.read().get(id).cloned();
        match own.map(|document| settings.overridden(&document)) {
            None => settings,
            Some(Ok(overridden)) => overridden,
            Some(Err(error)) => {
                unusable(error);
                settings
            }
        }
    }

    fn now(&self) -> Now {
        let monotonic_nanos = u64::try_from(self.clock.monotonic().as_nanos()).unwrap_or(u64::MAX);
        Now { unix_nanos: self.clock.now_unix_nanos(), monotonic_nanos }
    }
}

/// Of histograms of both kinds, a page has the one that its format can show.
fn is_readable(metric: &Metric, format: PageFormat) -> bool {
    match &metric.data {
        Some(Data::Histogram(_)) => format != PageFormat::Protobuf,
        Some(Data::ExponentialHistogram(_)) => format == PageFormat::Protobuf,
        _ => true,
    }
}

fn batch(tenant: TenantId, metrics: Vec<Metric>) -> MetricBatch {
    let scope = ScopeMetrics { metrics, ..ScopeMetrics::default() };
    let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
    MetricBatch::new(tenant, ExportMetricsServiceRequest { resource_metrics: vec![resource] })
}
