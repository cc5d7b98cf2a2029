//! The store: takes batches, keeps them durable and searchable, turns them into blocks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use object_store::ObjectStore;
use object_store::path::Path;
use parking_lot::{Mutex, RwLock};
use spandrel_base::clock::SharedClock;
use spandrel_base::task::TaskSet;
use spandrel_catalog::{BlockEntry, Catalog, CatalogError, CatalogSnapshot};
use spandrel_model::TenantId;
use spandrel_telemetry::Metrics;
use spandrel_wal::{Env, WalError};
use tokio::sync::{Notify, watch};

use crate::accounts::{Accounts, TenantSpans};
use crate::commit::{self, CommitterEnd};
use crate::flush::{self, Flushing};
use crate::group::Groups;
use crate::limits::{self, FileContents, Gates};
use crate::replay::OpenedWal;
use crate::shared::Shared;
use crate::{
    ByTenant, Limits, LimitsFileError, OperatorSettings, StoreOptions, StoreSnapshot, TenantLimits,
    maintain, refresh, replay,
};

/// What holds the tables of the tenants.
pub(crate) const TENANTS: &str = "tenants";

/// Why the store cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The write-ahead log cannot be opened or read.
    #[error("cannot open the write-ahead log")]
    Wal(#[from] WalError),
    /// A folder or file of the data directory cannot be used.
    #[error(transparent)]
    Files(#[from] spandrel_base::fs::FsError),
    /// The catalogue of a tenant cannot be read.
    #[error("cannot open the catalogue of tenant {tenant}")]
    Catalog {
        /// The tenant.
        tenant: TenantId,
        /// What is wrong with it.
        #[source]
        source: CatalogError,
    },
    /// The committer thread cannot be started.
    #[error("cannot start the thread that writes the write-ahead log")]
    Thread(#[source] std::io::Error),
    /// The limits of tenants cannot be read.
    #[error(transparent)]
    Limits(#[from] LimitsFileError),
    /// The store of the blocks cannot be read.
    #[error("cannot read the object store")]
    Objects(#[from] object_store::Error),
}

/// Spans of all tenants of this process.
///
/// Dropped without [`Store::shutdown`] it stops as a crash would stop it: what was acknowledged is in the
/// log. Its thread and tasks end soon after, and only then can the log be opened again.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    tasks: TaskSet,
}

impl Store {
    /// Opens the log, replays it, and starts the threads and tasks of the store. Blocks go to `objects`,
    /// which must be readable when the log holds anything.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(
        options: StoreOptions,
        objects: Arc<dyn ObjectStore>,
        clock: SharedClock,
        metrics: Metrics,
    ) -> BoxFuture<'static, Result<Self, StoreError>> {
        Box::pin(async move {
            let opened = replay::open_wal(&options)?;
            Self::start(opened, options, objects, clock, metrics).await
        })
    }

    /// As [`Store::open`], with the segments of the log in `env` instead of [`StoreOptions::wal_dir`], which
    /// only has the file `names` then.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open_in(
        options: StoreOptions,
        env: Arc<dyn Env>,
        objects: Arc<dyn ObjectStore>,
        clock: SharedClock,
        metrics: Metrics,
    ) -> BoxFuture<'static, Result<Self, StoreError>> {
        Box::pin(async move {
            let opened = replay::open_wal_in(&options, env)?;
            Self::start(opened, options, objects, clock, metrics).await
        })
    }

    async fn start(
        opened: OpenedWal,
        options: StoreOptions,
        objects: Arc<dyn ObjectStore>,
        clock: SharedClock,
        metrics: Metrics,
    ) -> Result<Self, StoreError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (groups, rung) = Groups::new(cores);
        let (contents, limits_file) = FileContents::of(&options.limits)?;
        contents.warn();
        let live = options.memory.part("live spans", options.live_bytes_max);
        let shared = Arc::new(Shared {
            options,
            clock,
            metrics,
            objects,
            wal: Mutex::new(opened.wal),
            log_names: opened.names,
            groups,
            committer: CommitterEnd::default(),
            tenants: RwLock::default(),
            absent: Mutex::default(),
            operator_settings: watch::Sender::new(Arc::new(contents.settings)),
            gates: Gates::new(contents.limits, live.clone()),
            accounts: Accounts::default(),
            live,
            room_was_short: AtomicBool::new(false),
            sealed: Notify::new(),
            flushing: tokio::sync::Mutex::new(Flushing::default()),
            stopping: AtomicBool::new(false),
        });
        replay::replay(&shared, opened.replay).await?;
        commit::spawn(Arc::clone(&shared), rung).map_err(StoreError::Thread)?;
        let tasks = TaskSet::new();
        tasks.spawn("flush", flush::run(Arc::clone(&shared), tasks.token()));
        tasks.spawn("maintain", maintain::run(Arc::clone(&shared), tasks.token()));
        tasks.spawn("refresh", refresh::run(Arc::clone(&shared), tasks.token()));
        if let Some(file) = limits_file {
            tasks.spawn("limits", limits::watch(Arc::clone(&shared), file, tasks.token()));
        }
        Ok(Self { shared, tasks })
    }

    /// Everything that a query of this tenant may look at. A tenant that nobody ever sent spans for has
    /// an empty snapshot.
    ///
    /// # Errors
    /// [`StoreError`] when the tenant's catalogue cannot be opened.
    pub fn snapshot<'a>(
        &'a self,
        tenant: &'a TenantId,
    ) -> BoxFuture<'a, Result<StoreSnapshot, StoreError>> {
        Box::pin(async move {
            match self.shared.find_tenant(tenant).await? {
                Some(tenant) => Ok(tenant.snapshot()),
                None => Ok(StoreSnapshot::default()),
            }
        })
    }

    /// The tenant's catalogue; `None` when nothing of it was ever stored in blocks.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened.
    pub fn catalog<'a>(
        &'a self,
        tenant: &'a TenantId,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Catalog>>, StoreError>> {
        Box::pin(async move {
            let tenant = self.shared.find_tenant(tenant).await?;
            Ok(tenant.and_then(|tenant| tenant.catalog.get().cloned()))
        })
    }

    /// Lets queries see a state of a tenant's catalogue that somebody else has committed, unless they see a
    /// newer one. Waits for a flush under way: a block that it has committed enters what queries see only
    /// when its live spans leave it. So a state with a block of which the flush does not know yet that it
    /// was committed is not shown; the flush shows a newer one when it knows.
    pub fn publish_catalog<'a>(
        &'a self,
        tenant: &'a TenantId,
        snapshot: Arc<CatalogSnapshot>,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let tenant = self.shared.tenants.read().get(tenant).cloned();
            if let Some(tenant) = tenant {
                self.shared.publish_catalog(&tenant, snapshot).await;
            }
        })
    }

    /// Lets queries see what other processes have committed until now. The store does so by itself every
    /// [`StoreOptions::refresh_interval`]. Goes on after an error, and returns the first one.
    ///
    /// # Errors
    /// [`StoreError`] when the object store or the catalogue of a tenant cannot be read; queries go on seeing
    /// what they saw.
    pub fn refresh(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(refresh::refresh(&self.shared))
    }

    /// The tenants of which something is stored in [`Store::objects`], by whatever process.
    ///
    /// # Errors
    /// [`StoreError::Objects`] when they cannot be listed.
    pub fn stored_tenants(&self) -> BoxFuture<'_, Result<Vec<TenantId>, StoreError>> {
        Box::pin(self.shared.stored_tenants())
    }

    /// Seals all live segments and waits until they are blocks, as far as the deadline allows.
    /// What is not flushed then stays in the write-ahead log.
    pub fn flush(&self, deadline: Duration) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            self.shared.seal_older_than(Duration::ZERO);
            let flushed = tokio::time::timeout(deadline, flush::flush_sealed(&self.shared)).await;
            flushed.unwrap_or(false)
        })
    }

    /// Refuses new batches, waits for those under way, flushes what the deadline allows and stops.
    /// Nothing acknowledged is lost whatever the outcome: the log keeps what was not flushed.
    pub fn shutdown(&self, deadline: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let began = self.shared.clock.monotonic();
            let left =
                || deadline.saturating_sub(self.shared.clock.monotonic().saturating_sub(began));
            self.stop_committer();
            let ended = self.shared.committer.ended.cancelled();
            if tokio::time::timeout(left() / 2, ended).await.is_err() {
                tracing::warn!(
                    "the disk of the write-ahead log hangs, batches under way are not stored"
                );
            }
            if self.tasks.shutdown(left() / 2).await.is_err() {
                tracing::warn!("a flush was interrupted, its spans stay in the write-ahead log");
            }
            if !self.flush(left()).await {
                tracing::warn!(
                    "not all live spans became blocks, they stay in the write-ahead log"
                );
            }
        })
    }

    /// Returns when a task or thread of the store has died, which it never should; the process had
    /// better end.
    pub fn failed(&self) -> BoxFuture<'_, String> {
        Box::pin(async move {
            tokio::select! {
                failure = self.tasks.first_failure() => {
                    format!("{}: {}", failure.name, failure.message)
                }
                () = self.shared.committer.panicked.cancelled() => {
                    "wal-committer: the thread panicked".to_owned()
                }
            }
        })
    }

    /// What became of the spans of a tenant since the store was opened, and what of them is live.
    pub fn spans_of(&self, tenant: &TenantId) -> TenantSpans {
        let counts = self.shared.accounts.of(tenant);
        let known = self.shared.tenants.read().get(tenant).cloned();
        let live = known.map_or((0, 0), |known| (known.live_counts().0, known.live_bytes() as u64));
        TenantSpans { live_spans: live.0, live_bytes: live.1, ..counts }
    }

    /// Whether no more batches are taken, because the process is going down.
    pub fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Acquire)
    }

    /// The limits that the operator has set for tenants.
    pub fn limits(&self) -> Limits {
        self.shared.gates.limits()
    }

    /// What the operator has set for tenants beside their limits, as it is and as it becomes.
    pub fn operator_settings(&self) -> watch::Receiver<Arc<ByTenant<OperatorSettings>>> {
        self.shared.operator_settings.subscribe()
    }

    /// The limits of a tenant that are in force: the operator's, tightened by its own.
    pub fn limits_in_force(&self, tenant: &TenantId) -> TenantLimits {
        self.shared.gates.in_force(tenant)
    }

    /// Puts limits in force that tenants have set for themselves, in place of all such limits from before. They
    /// only tighten what the operator has set.
    pub fn set_own_limits(&self, own: BTreeMap<TenantId, TenantLimits>) {
        self.shared.gates.set_own_limits(own);
    }

    /// Where the blocks lie.
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.shared.objects
    }

    /// Root of a tenant's table in [`Store::objects`].
    pub fn tenant_root(tenant: &TenantId) -> Path {
        Path::from_iter([TENANTS, tenant.as_str()])
    }

    /// Where the file of a block lies in [`Store::objects`].
    pub fn block_path(tenant: &TenantId, entry: &BlockEntry) -> Path {
        let root = Self::tenant_root(tenant);
        entry.path.split('/').fold(root, |path, part| path.join(part))
    }

    fn stop_committer(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.groups.wake();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.stop_committer();
    }
}
