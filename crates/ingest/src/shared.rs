//! What the parts of a store share: the log, the tenants, the budget.
//!
//! Locks are taken in this order: the log, the map of tenants, one tenant. None is held across an await
//! except [`Shared::flushing`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hashbrown::HashMap;
use object_store::ObjectStore;
use object_store::path::Path;
use parking_lot::{Mutex, RwLock};
use spandrel_base::clock::SharedClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_catalog::{Catalog, CatalogSnapshot, DeltaCatalog};
use spandrel_columns::SpanColumns;
use spandrel_model::TenantId;
use spandrel_telemetry::Metrics;
use spandrel_wal::Wal;
use tokio::sync::{Notify, watch};

use crate::accounts::Accounts;
use crate::commit::CommitterEnd;
use crate::flush::Flushing;
use crate::group::Groups;
use crate::limits::Gates;
use crate::names::LogNames;
use crate::store::{Store, StoreError, TENANTS};
use crate::tenant::{Arrival, Tenant};
use crate::{ByTenant, OperatorSettings, StoreOptions, table};

/// How long it is believed that a tenant has no catalogue. Only other processes could have made one
/// meanwhile: what this process makes, it knows.
const ABSENCE_VALID: Duration = Duration::from_secs(5);
/// Tenants of which that is remembered.
const ABSENT_MAX: usize = 1_024;

pub(crate) struct Shared {
    pub(crate) options: StoreOptions,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Metrics,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) wal: Mutex<Wal>,
    pub(crate) log_names: LogNames,
    pub(crate) groups: Groups,
    pub(crate) committer: CommitterEnd,
    /// Tenants with live spans or blocks. Whoever only asks for a tenant is not added.
    pub(crate) tenants: RwLock<HashMap<TenantId, Arc<Tenant>>>,
    /// Tenants that have no catalogue, and when that was seen.
    pub(crate) absent: Mutex<HashMap<TenantId, Duration>>,
    /// What the operator has set for tenants beside their limits.
    pub(crate) operator_settings: watch::Sender<Arc<ByTenant<OperatorSettings>>>,
    /// Who sends, and what each of them may.
    pub(crate) gates: Gates,
    /// What became of the spans of each of them.
    pub(crate) accounts: Accounts,
    /// Memory of the live spans of all tenants and of what waits for the log.
    pub(crate) live: MemoryBudget,
    /// Whether log or memory had no room for something since the last flush.
    pub(crate) room_was_short: AtomicBool,
    /// Rung when there may be something to flush.
    pub(crate) sealed: Notify,
    /// Held while segments are flushed: each becomes one block, in order.
    pub(crate) flushing: tokio::sync::Mutex<Flushing>,
    pub(crate) stopping: AtomicBool,
}

impl Shared {
    pub(crate) fn all_tenants(&self) -> Vec<Arc<Tenant>> {
        self.tenants.read().values().cloned().collect()
    }

    fn tenant(&self, id: &TenantId) -> Arc<Tenant> {
        if let Some(tenant) = self.tenants.read().get(id) {
            return Arc::clone(tenant);
        }
        let gate = self.gates.of(id, self.clock.monotonic());
        let fresh = || Arc::new(Tenant::new(gate));
        Arc::clone(self.tenants.write().entry(id.clone()).or_insert_with(fresh))
    }

    /// Makes spans searchable that the log holds in records of these sequence numbers (first, last).
    /// All spans that a tenant has in these records have to come at once: the block that will hold
    /// them says that the tenant's blocks contain the log up to there.
    pub(crate) fn publish(&self, tenant: &TenantId, runs: Vec<SpanColumns>, seqs: (u64, u64)) {
        let arrival = Arrival { runs, seqs, now: self.clock.monotonic() };
        if self.tenant(tenant).publish(arrival, &self.options.cut) {
            self.sealed.notify_one();
        }
    }

    /// A tenant with its catalogue, if it has live spans or blocks.
    pub(crate) async fn find_tenant(
        &self,
        id: &TenantId,
    ) -> Result<Option<Arc<Tenant>>, StoreError> {
        let known = self.tenants.read().get(id).cloned();
        if known.as_ref().is_some_and(|tenant| tenant.catalog.initialized()) {
            return Ok(known);
        }
        let now = self.clock.monotonic();
        let seen_absent = self.absent.lock().get(id).copied();
        if seen_absent.is_some_and(|seen| now.saturating_sub(seen) < ABSENCE_VALID) {
            return Ok(known);
        }
        // Opening a catalogue creates it, so a tenant without one is only looked for.
        let log = Store::tenant_root(id).join("_delta_log");
        let listed = self.objects.list_with_delimiter(Some(&log)).await?;
        if listed.objects.is_empty() {
            let mut absent = self.absent.lock();
            if absent.len() >= ABSENT_MAX {
                absent.clear();
            }
            absent.insert(id.clone(), now);
            return Ok(known);
        }
        let tenant = known.unwrap_or_else(|| self.tenant(id));
        self.open_catalog(&tenant).await?;
        Ok(Some(tenant))
    }

    /// The tenants of which something is stored, by whatever process.
    pub(crate) async fn stored_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let listed = self.objects.list_with_delimiter(Some(&Path::from(TENANTS))).await?;
        let names = listed.common_prefixes.iter().filter_map(Path::filename);
        // The only character of a tenant's name that a path escapes.
        Ok(names.filter_map(|name| TenantId::new(&name.replace("%2A", "*")).ok()).collect())
    }

    /// See [`Store::publish_catalog`].
    pub(crate) async fn publish_catalog(&self, tenant: &Tenant, snapshot: Arc<CatalogSnapshot>) {
        if tenant.sees(snapshot.version()) {
            return;
        }
        let flushing = self.flushing.lock().await;
        let in_doubt = flushing.block_in_doubt(&tenant.id);
        if in_doubt.is_none_or(|block| snapshot.block(block).is_none()) {
            tenant.set_catalog(snapshot);
        }
    }

    /// The tenant's catalogue, created when there is none.
    pub(crate) async fn open_catalog(
        &self,
        tenant: &Arc<Tenant>,
    ) -> Result<Arc<dyn Catalog>, StoreError> {
        let open = async || {
            let objects = Arc::clone(&self.objects);
            let root = Store::tenant_root(&tenant.id);
            let clock = Arc::clone(&self.clock);
            let catalog = DeltaCatalog::open(objects, root, &table::columns(), clock).await?;
            // Nobody commits before the cell is filled, so this is not older than what is there.
            tenant.set_catalog(catalog.snapshot().await?);
            Ok(Arc::new(catalog) as Arc<dyn Catalog>)
        };
        let opened = tenant.catalog.get_or_try_init(open).await;
        opened.cloned().map_err(|source| StoreError::Catalog { tenant: tenant.id.clone(), source })
    }

    /// Whether there is no memory for another span.
    pub(crate) fn is_full(&self) -> bool {
        !self.live.has_room_for(1)
    }

    /// Asks the flush to make room, in memory and in the log.
    pub(crate) fn make_room(&self) {
        self.room_was_short.store(true, Ordering::Release);
        self.sealed.notify_one();
    }

    /// Asks the flush to make room in the memory of one tenant.
    pub(crate) fn make_room_of(&self, id: &TenantId) {
        let tenant = self.tenants.read().get(id).cloned();
        let now = self.clock.monotonic();
        if tenant.is_some_and(|tenant| tenant.seal_older_than(now, Duration::ZERO)) {
            self.sealed.notify_one();
        }
    }

    /// Seals all live segments of that age. Returns whether there were any.
    pub(crate) fn seal_older_than(&self, age_max: Duration) -> bool {
        let now = self.clock.monotonic();
        let mut any = false;
        for tenant in self.all_tenants() {
            any |= tenant.seal_older_than(now, age_max);
        }
        any
    }
}
