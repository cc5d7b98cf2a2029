//! The store: takes batches, keeps them durable and searchable, turns them into blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use object_store::ObjectStore;
use object_store::path::Path;
use parking_lot::{Mutex, RwLock};
use spandrel_base::clock::SharedClock;
use spandrel_base::task::TaskSet;
use spandrel_catalog::{BlockEntry, CatalogError};
use spandrel_model::TenantId;
use spandrel_telemetry::Metrics;
use spandrel_wal::WalError;
use tokio::sync::Notify;

use crate::commit::{self, CommitterEnd};
use crate::flush::{self, Flushing};
use crate::group::Groups;
use crate::shared::Shared;
use crate::{StoreOptions, StoreSnapshot, maintain, replay};

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
            log_names: opened.names,
            groups,
            committer: CommitterEnd::default(),
            tenants: RwLock::default(),
            absent: Mutex::default(),
            live_bytes: Arc::new(AtomicUsize::new(0)),
            log_was_full: AtomicBool::new(false),
            sealed: Notify::new(),
            flushing: tokio::sync::Mutex::new(Flushing::default()),
            stopping: AtomicBool::new(false),
        });
        replay::replay(&shared, opened.replay).await?;
        commit::spawn(Arc::clone(&shared), rung).map_err(StoreError::Thread)?;
        let tasks = TaskSet::new();
        tasks.spawn("flush", flush::run(Arc::clone(&shared), tasks.token()));
        tasks.spawn("maintain", maintain::run(Arc::clone(&shared), tasks.token()));
        Ok(Self { shared, tasks })
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
        self.shared.seal_older_than(Duration::ZERO);
        let flushed = tokio::time::timeout(deadline, flush::flush_sealed(&self.shared)).await;
        flushed.unwrap_or(false)
    }

    /// Refuses new batches, waits for those under way, flushes what the deadline allows and stops.
    /// Nothing acknowledged is lost whatever the outcome: the log keeps what was not flushed.
    pub async fn shutdown(&self, deadline: Duration) {
        let began = self.shared.clock.monotonic();
        let left = || deadline.saturating_sub(self.shared.clock.monotonic().saturating_sub(began));
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
            tracing::warn!("not all live spans became blocks, they stay in the write-ahead log");
        }
    }

    /// Returns when a task or thread of the store has died, which it never should; the process had
    /// better end.
    pub async fn failed(&self) -> String {
        tokio::select! {
            failure = self.tasks.first_failure() => {
                format!("{}: {}", failure.name, failure.message)
            }
            () = self.shared.committer.panicked.cancelled() => {
                "wal-committer: the thread panicked".to_owned()
            }
        }
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
