//! The store: takes batches, keeps them durable and searchable, turns them into blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hashbrown::HashMap;
use object_store::ObjectStore;
use object_store::path::Path;
use parking_lot::{Mutex, RwLock};
use spandrel_base::clock::SharedClock;
use spandrel_base::cpu;
use spandrel_base::task::TaskSet;
use spandrel_catalog::{BlockEntry, Catalog, CatalogError, DeltaCatalog};
use spandrel_columns::SpanColumns;
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeError, DecodeSummary};
use spandrel_pipeline::{Accepted, ConsumeError, TraceBatch, TraceConsumer};
use spandrel_telemetry::{FailReason, Metrics, RefuseReason, RejectReason};
use spandrel_wal::{PAYLOAD_BYTES_MAX, Wal, WalError};
use tokio::sync::Notify;

use crate::group::{GroupError, Groups, Publish, run_committer};
use crate::tenant::{StoreSnapshot, Tenant};
use crate::{StoreOptions, flush, maintain, replay};

/// Batches up to this size are decoded on the thread that brings them (about 200 microseconds).
const INLINE_BYTES_MAX: usize = 64 << 10;
/// What a refused sender is told to wait: about as long as flushing a block takes.
const RETRY_AFTER: Duration = Duration::from_secs(1);

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
    /// The store of the blocks cannot be read.
    #[error("cannot read the object store")]
    Objects(#[from] object_store::Error),
}

/// Spans of all tenants of this process.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    tasks: TaskSet,
    committer: Mutex<Option<JoinHandle<()>>>,
}

pub(crate) struct Shared {
    pub(crate) options: StoreOptions,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Metrics,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) wal: Mutex<Wal>,
    /// Names this log in the catalogue: `wal/<uuid>`.
    pub(crate) wal_application: String,
    pub(crate) groups: Groups,
    pub(crate) tenants: RwLock<HashMap<TenantId, Arc<Tenant>>>,
    pub(crate) live_bytes: AtomicUsize,
    /// Rung when a segment is sealed.
    pub(crate) sealed: Notify,
    /// Held while segments are flushed: each becomes one block, in order.
    pub(crate) flushing: tokio::sync::Mutex<()>,
    pub(crate) stopping: AtomicBool,
}

impl Store {
    /// Opens the log, replays it, and starts the threads and tasks of the store. Blocks go to `objects`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn open(
        options: StoreOptions,
        objects: Arc<dyn ObjectStore>,
        clock: SharedClock,
        metrics: Metrics,
    ) -> Result<Self, StoreError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (groups, rung) = Groups::new(cores);
        let opened = replay::open_wal(&options)?;
        let shared = Arc::new(Shared {
            options,
            clock,
            metrics,
            objects,
            wal: Mutex::new(opened.wal),
            wal_application: opened.application,
            groups,
            tenants: RwLock::default(),
            live_bytes: AtomicUsize::new(0),
            sealed: Notify::new(),
            flushing: tokio::sync::Mutex::new(()),
            stopping: AtomicBool::new(false),
        });
        replay::replay(&shared, opened.replay).await?;
        let committer = {
            let shared = Arc::clone(&shared);
            let publish: Arc<dyn Publish> = Arc::clone(&shared) as _;
            std::thread::Builder::new()
                .name("wal-committer".to_owned())
                .spawn(move || {
                    run_committer(&shared.groups, &rung, &shared.wal, &publish, &shared.stopping);
                })
                .map_err(StoreError::Thread)?
        };
        let tasks = TaskSet::new();
        tasks.spawn("flush", flush::run(Arc::clone(&shared), tasks.token()));
        tasks.spawn("maintain", maintain::run(Arc::clone(&shared), tasks.token()));
        Ok(Self { shared, tasks, committer: Mutex::new(Some(committer)) })
    }

    /// Everything that a query of this tenant may look at. A tenant that nobody ever sent spans for has
    /// an empty snapshot.
    ///
    /// # Errors
    /// [`StoreError`] when the tenant's catalogue cannot be opened.
    pub async fn snapshot(&self, tenant: &TenantId) -> Result<StoreSnapshot, StoreError> {
        match self.shared.find_tenant(tenant).await? {
            Some(tenant) => Ok(tenant.snapshot()),
            None => Ok(StoreSnapshot::default()),
        }
    }

    /// Seals all live segments and waits until they are blocks, as far as the deadline allows.
    /// What is not flushed then stays in the write-ahead log.
    pub async fn flush(&self, deadline: Duration) -> bool {
        for tenant in self.shared.all_tenants() {
            tenant.seal_older_than(self.shared.clock.monotonic(), Duration::ZERO);
        }
        let flushed = tokio::time::timeout(deadline, flush::flush_sealed(&self.shared)).await;
        matches!(flushed, Ok(Ok(())))
    }

    /// Refuses new batches, waits for those under way, flushes what the deadline allows and stops.
    /// Nothing acknowledged is lost whatever the outcome: the log keeps what was not flushed.
    pub async fn shutdown(&self, deadline: Duration) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.groups.wake();
        let committer = self.committer.lock().take();
        if let Some(committer) = committer {
            let joined = cpu::run(move || committer.join().is_ok()).await;
            if !matches!(joined, Ok(true)) {
                tracing::error!("the thread of the write-ahead log ended by a panic");
            }
        }
        if self.tasks.shutdown(deadline / 2).await.is_err() {
            tracing::warn!("a flush was interrupted, its spans stay in the write-ahead log");
        }
        if !self.flush(deadline / 2).await {
            tracing::warn!("not all live spans became blocks, they stay in the write-ahead log");
        }
    }

    /// Returns when a task of the store has died, which it never should; the process had better end.
    pub async fn failed(&self) -> String {
        let failure = self.tasks.first_failure().await;
        format!("{}: {}", failure.name, failure.message)
    }

    /// Where the blocks lie.
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.shared.objects
    }

    /// Root of a tenant's table in [`Store::objects`].
    pub fn tenant_root(tenant: &TenantId) -> Path {
        Path::from_iter(["tenants", tenant.as_str()])
    }

    /// Where the file of a block lies in [`Store::objects`].
    pub fn block_path(tenant: &TenantId, entry: &BlockEntry) -> Path {
        let root = Self::tenant_root(tenant);
        entry.path.split('/').fold(root, |path, part| path.join(part))
    }
}

impl Shared {
    pub(crate) fn all_tenants(&self) -> Vec<Arc<Tenant>> {
        self.tenants.read().values().cloned().collect()
    }

    pub(crate) fn tenant(&self, id: &TenantId) -> Arc<Tenant> {
        if let Some(tenant) = self.tenants.read().get(id) {
            return Arc::clone(tenant);
        }
        let mut tenants = self.tenants.write();
        Arc::clone(tenants.entry(id.clone()).or_insert_with(|| Arc::new(Tenant::new(id.clone()))))
    }

    /// A tenant with its catalogue, if it has live spans or blocks.
    pub(crate) async fn find_tenant(
        &self,
        id: &TenantId,
    ) -> Result<Option<Arc<Tenant>>, StoreError> {
        let known = self.tenants.read().get(id).cloned();
        let tenant = match known {
            Some(tenant) if tenant.catalog.initialized() => return Ok(Some(tenant)),
            Some(tenant) => Some(tenant),
            None => None,
        };
        // Opening a catalogue creates it, so a tenant without one is only looked for.
        let log = Store::tenant_root(id).join("_delta_log");
        let listed = self.objects.list_with_delimiter(Some(&log)).await?;
        if listed.objects.is_empty() {
            return Ok(tenant);
        }
        let tenant = tenant.unwrap_or_else(|| self.tenant(id));
        self.open_catalog(&tenant).await?;
        Ok(Some(tenant))
    }

    /// The tenant's catalogue, created when there is none.
    pub(crate) async fn open_catalog(
        &self,
        tenant: &Arc<Tenant>,
    ) -> Result<Arc<dyn Catalog>, StoreError> {
        let open = async || {
            let objects = Arc::clone(&self.objects);
            let root = Store::tenant_root(&tenant.id);
            let columns = crate::table::columns();
            let clock = Arc::clone(&self.clock);
            let catalog = DeltaCatalog::open(objects, root, &columns, clock).await?;
            tenant.set_catalog(catalog.snapshot().await?);
            Ok(Arc::new(catalog) as Arc<dyn Catalog>)
        };
        let opened = tenant.catalog.get_or_try_init(open).await;
        opened.cloned().map_err(|source| StoreError::Catalog { tenant: tenant.id.clone(), source })
    }

    /// Whether the live spans have reached their memory budget.
    pub(crate) fn is_full(&self) -> bool {
        self.live_bytes.load(Ordering::Relaxed) >= self.options.live_bytes_max
    }

    fn refuse(&self, spans: u64, reason: RefuseReason, message: &str) -> ConsumeError {
        self.metrics.spans().refused.add(&reason, spans);
        ConsumeError::Unavailable { message: message.to_owned(), retry_after: RETRY_AFTER, spans }
    }

    fn account_rejected(&self, summary: &DecodeSummary) {
        let rejected = &summary.rejected;
        for (reason, spans) in [
            (RejectReason::InvalidTraceId, rejected.invalid_trace_id),
            (RejectReason::InvalidSpanId, rejected.invalid_span_id),
            (RejectReason::InvalidParentSpanId, rejected.invalid_parent_span_id),
            (RejectReason::StartTimeOutOfRange, rejected.start_time_out_of_range),
        ] {
            if spans > 0 {
                self.metrics.spans().rejected.add(&reason, spans);
            }
        }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for Store {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let shared = &self.shared;
        let n_bytes = batch.otlp.len();
        if n_bytes > PAYLOAD_BYTES_MAX {
            let message = format!("request of {n_bytes} bytes exceeds {PAYLOAD_BYTES_MAX}");
            return Err(ConsumeError::TooLarge(message));
        }
        let count = || spandrel_otlp::count_spans(&batch.otlp);
        if shared.stopping.load(Ordering::Acquire) {
            return Err(shared.refuse(count(), RefuseReason::ShuttingDown, "shutting down"));
        }
        if shared.is_full() {
            let message = "too many live spans wait to become blocks";
            return Err(shared.refuse(count(), RefuseReason::Memory, message));
        }
        let arrived = shared.clock.monotonic();
        let received = shared.clock.now_unix_nanos();
        let entered = if n_bytes <= INLINE_BYTES_MAX {
            shared.groups.enter(&batch.tenant, batch.otlp, received)
        } else {
            let shared = Arc::clone(shared);
            let enter = move || shared.groups.enter(&batch.tenant, batch.otlp, received);
            cpu::run(enter).await.map_err(|error| ConsumeError::Unavailable {
                message: error.to_string(),
                retry_after: RETRY_AFTER,
                spans: 0,
            })?
        };
        let (summary, answer) = entered.map_err(malformed)?;
        if let Some(answer) = answer {
            let stored = answer.await.unwrap_or(Err(GroupError::Failed));
            stored.map_err(|error| match error {
                GroupError::Full => {
                    shared.refuse(summary.spans, RefuseReason::DiskFull, "the disk is full")
                }
                GroupError::Failed => {
                    shared.metrics.spans().failed.add(&FailReason::Wal, summary.spans);
                    ConsumeError::Unavailable {
                        message: "the write-ahead log could not be written".to_owned(),
                        retry_after: RETRY_AFTER,
                        spans: summary.spans,
                    }
                }
            })?;
        }
        let waited = shared.clock.monotonic().saturating_sub(arrived);
        shared.metrics.live().acknowledged_to_searchable.observe(waited);
        shared.metrics.spans().stored.add(summary.spans);
        shared.account_rejected(&summary);
        Ok(Accepted {
            accepted_spans: summary.spans,
            rejected_spans: summary.rejected.total(),
            message: summary.rejected.message(),
        })
    }
}

fn malformed(error: DecodeError) -> ConsumeError {
    ConsumeError::Malformed(error.to_string())
}

impl Publish for Shared {
    fn publish(&self, tenant: &TenantId, spans: SpanColumns, seqs: (u64, u64)) {
        let tenant = self.tenant(tenant);
        let now = self.clock.monotonic();
        let (grown, sealed) = tenant.publish(spans, seqs, now, &self.options.cut);
        self.live_bytes.fetch_add(grown, Ordering::Relaxed);
        if sealed {
            self.sealed.notify_one();
        }
    }

    fn appended(&self, wal: &Wal, n_records: usize, n_bytes: usize, took: Duration) {
        let metrics = self.metrics.wal();
        metrics.append_duration.observe(took);
        metrics.group_records.observe_count(n_records as u64);
        metrics.group_bytes.observe_count(n_bytes as u64);
        metrics.disk_bytes.set(wal.bytes_on_disk());
    }

    fn refused(&self, error: &WalError) {
        tracing::error!(error = %flush::chain(error), "spans refused, the write-ahead log failed");
    }

    fn now(&self) -> Duration {
        self.clock.monotonic()
    }
}
