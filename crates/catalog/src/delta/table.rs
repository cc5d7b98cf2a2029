//! The table through the Delta library: load, follow, commit, checkpoint.
//!
//! Every function here blocks its thread and must run inside `tokio::task::spawn_blocking` (see
//! [`CallingThread`]). The library sees the table as the root of a store of its own, so nothing in
//! the path of a table can be mistaken for a URL escape; the scheme `file` makes the engine sort
//! listings itself, which stores on a local disk need and others tolerate.

use std::sync::Arc;

use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::schema::{SchemaRef, StructType};
use delta_kernel::table_features::Operation;
use delta_kernel::transaction::create_table::create_table;
use delta_kernel::transaction::{CommitResult, RetryableTransaction, UpdateTableOperation};
use delta_kernel::{Engine, KernelError, Snapshot, SnapshotRef};
use delta_kernel_default_engine::executor::TaskExecutor as _;
use delta_kernel_default_engine::{DefaultEngine, DefaultEngineBuilder};
use futures::StreamExt as _;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _};
use spandrel_base::clock::SharedClock;

use super::executor::CallingThread;
use super::{log_read, log_write};
use crate::schema::missing_columns;
use crate::{BlockEntry, CatalogError, CatalogSnapshot, Commit, START_TIME_COLUMN};

/// The table in the private store that the Delta library is given.
const TABLE_URL: &str = "file:///";
/// Directory of the log, relative to the table.
pub(super) const LOG_DIR: &str = "_delta_log";
/// What the log says about who wrote a commit.
const ENGINE_INFO: &str = concat!("spandrel/", env!("CARGO_PKG_VERSION"));
const NANOS_PER_MILLI: u64 = 1_000_000;

/// What other engines should know before they maintain the table, and what they must not change.
const TABLE_PROPERTIES: [(&str, &str); 4] = [
    // The numbers of our blocks are in the text form of the statistics.
    ("delta.checkpoint.writeStatsAsJson", "true"),
    ("delta.checkpointInterval", "64"),
    ("delta.deletedFileRetentionDuration", "interval 1 days"),
    ("delta.logRetentionDuration", "interval 1 hours"),
];

/// The table at one version: as the Delta library needs it for the next commit, and as we show it.
#[derive(Clone)]
pub(super) struct State {
    pub(super) kernel: SnapshotRef,
    pub(super) catalog: Arc<CatalogSnapshot>,
}

/// How an attempt to commit ended.
pub(super) enum Attempt {
    Committed {
        state: State,
        commits_since_checkpoint: u64,
    },
    /// Another writer took the version; the table is unchanged by us.
    Lost,
}

/// A table and the means to change it.
pub(super) struct Table {
    pub(super) store: PrefixStore<Arc<dyn ObjectStore>>,
    pub(super) clock: SharedClock,
    engine: DefaultEngine<CallingThread>,
    columns: SchemaRef,
}

impl Table {
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        root: Path,
        columns: StructType,
        clock: SharedClock,
    ) -> Self {
        let private = Arc::new(PrefixStore::new(Arc::clone(&store), root.clone()));
        Self {
            store: PrefixStore::new(store, root),
            clock,
            engine: DefaultEngineBuilder::new(private)
                .with_task_executor(Arc::new(CallingThread))
                .build(),
            columns: Arc::new(columns),
        }
    }

    /// The newest state; creates the table and adds missing columns first.
    pub(super) fn open(&self) -> Result<State, CatalogError> {
        if self.is_absent()? {
            self.create()?;
        }
        loop {
            let state = self.load()?;
            let missing = missing_columns(&state.kernel.schema(), &self.columns)?;
            if missing.is_empty() {
                return Ok(state);
            }
            let builder =
                state.kernel.update_table(UpdateTableOperation::AlterTable, ENGINE_INFO, false);
            let outcome = missing
                .into_iter()
                .fold(builder, |builder, column| builder.add_column(column))
                .build(&self.engine, Box::new(FileSystemCommitter::new()))
                .and_then(|transaction| transaction.commit(&self.engine));
            match outcome {
                // Whether this writer or another one won, the table has to be read again.
                Ok(CommitResult::Committed(_) | CommitResult::Conflicted(_)) => {}
                Ok(CommitResult::Retryable(RetryableTransaction { error, .. })) | Err(error) => {
                    return Err(CatalogError::from_kernel("add columns", error));
                }
            }
        }
    }

    /// The state after the commits that others made since `state`.
    pub(super) fn refresh(&self, state: &State) -> Result<State, CatalogError> {
        let Ok(kernel) = Snapshot::builder_from(Arc::clone(&state.kernel)).build(&self.engine)
        else {
            // The files of the old state may be gone by now; the newest ones tell what is wrong.
            return self.load();
        };
        if kernel.version() == state.kernel.version() {
            return Ok(state.clone());
        }
        let commits = &kernel.log_segment().listed.ascending_commit_files;
        let wanted = state.kernel.version().saturating_add(1);
        if commits.first().is_none_or(|first| first.version > wanted) {
            return self.replay(kernel);
        }
        check_supported(&kernel)?;
        let tail: Vec<_> = commits
            .iter()
            .filter(|commit| commit.version >= wanted)
            .map(|commit| commit.location.clone())
            .collect();
        let mut catalog = CatalogSnapshot::clone(&state.catalog);
        catalog.version = kernel.version();
        let batches = self
            .engine
            .json_handler()
            .read_json_files(&tail, log_read::read_schema()?, None)
            .map_err(read_failed)?;
        let mut tail_actions = Vec::new();
        for batch in batches {
            tail_actions.extend(log_read::read(batch.map_err(read_failed)?)?);
        }
        log_read::apply(tail_actions, &mut catalog)?;
        Ok(State { kernel, catalog: Arc::new(catalog) })
    }

    /// Tries to write `commit` as the version after `state`, which must contain what it removes.
    pub(super) fn attempt(&self, state: &State, commit: &Commit) -> Result<Attempt, CatalogError> {
        let failed = |err: KernelError| CatalogError::from_kernel("write the commit", err);
        match self.transact(state, commit)? {
            CommitResult::Committed(committed) => {
                let Some(kernel) = committed.post_commit_snapshot().map(Arc::clone) else {
                    let err = KernelError::internal_error("no snapshot after a commit");
                    return Err(failed(err));
                };
                let commits_since_checkpoint =
                    committed.post_commit_stats().commits_since_checkpoint;
                Ok(Attempt::Committed {
                    state: State {
                        catalog: Arc::new(after(&state.catalog, commit, kernel.version())),
                        kernel,
                    },
                    commits_since_checkpoint,
                })
            }
            CommitResult::Conflicted(_) => Ok(Attempt::Lost),
            CommitResult::Retryable(retryable) => Err(failed(retryable.error)),
        }
    }

    fn transact(&self, state: &State, commit: &Commit) -> Result<CommitResult, CatalogError> {
        let failed = |err: KernelError| CatalogError::from_kernel("write the commit", err);
        let operation = match (commit.add.is_empty(), commit.remove.is_empty()) {
            (_, true) => UpdateTableOperation::Write,
            (true, false) => UpdateTableOperation::Delete,
            (false, false) => UpdateTableOperation::Optimize,
        };
        let mut transaction = Arc::clone(&state.kernel)
            .update_table(operation, ENGINE_INFO, true)
            .build(&self.engine, Box::new(FileSystemCommitter::new()))
            .map_err(failed)?;
        for (application, sequence) in &commit.application_ids {
            transaction = transaction.with_transaction_id(application.clone(), *sequence);
        }
        if !commit.add.is_empty() {
            let now = self.clock.now_unix_nanos() / NANOS_PER_MILLI;
            let with_bounds = state.kernel.schema().field(START_TIME_COLUMN).is_some();
            let adds = log_write::adds(&commit.add, now, with_bounds);
            transaction.add_files(adds.map_err(|err| failed(err.into()))?);
        }
        if !commit.remove.is_empty() {
            let blocks = &state.catalog.blocks;
            let removed: Vec<BlockEntry> = commit
                .remove
                .iter()
                .filter_map(|id| blocks.get(id).map(|entry| BlockEntry::clone(entry)))
                .collect();
            let removes = log_write::removes(&removed);
            transaction.remove_files(removes.map_err(|err| failed(err.into()))?);
        }
        transaction.commit(&self.engine).map_err(failed)
    }

    /// Writes the whole state of the table in one file, so that opening need not read the commits
    /// before it; returns the same version, resting on that file.
    pub(super) fn checkpoint(&self, kernel: &SnapshotRef) -> Result<SnapshotRef, CatalogError> {
        kernel
            .checkpoint(&self.engine, None)
            .map(|(_, kernel)| kernel)
            .map_err(|err| CatalogError::from_kernel("write a checkpoint", err))
    }

    /// Whether the commit with this version exists.
    pub(super) async fn has_commit(&self, version: u64) -> Result<bool, CatalogError> {
        let path = Path::from(format!("{LOG_DIR}/{version:020}.json"));
        match self.store.head(&path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => {
                Err(CatalogError::Store { operation: "look for a newer commit", source })
            }
        }
    }

    fn is_absent(&self) -> Result<bool, CatalogError> {
        let mut files = self.store.list(Some(&Path::from(LOG_DIR)));
        match CallingThread.block_on(async move { files.next().await }) {
            None => Ok(true),
            Some(Ok(_)) => Ok(false),
            Some(Err(source)) => {
                Err(CatalogError::Store { operation: "look for the table", source })
            }
        }
    }

    fn create(&self) -> Result<(), CatalogError> {
        let mut properties: Vec<_> = TABLE_PROPERTIES.into();
        if self.columns.field(START_TIME_COLUMN).is_some() {
            properties.push(("delta.dataSkippingStatsColumns", START_TIME_COLUMN));
        }
        let outcome = create_table(TABLE_URL, Arc::clone(&self.columns), ENGINE_INFO, false)
            .with_table_properties(properties)
            .build(&self.engine, Box::new(FileSystemCommitter::new()))
            .and_then(|transaction| transaction.commit(&self.engine));
        match outcome {
            // The last two mean that another process created it meanwhile.
            Ok(CommitResult::Committed(_) | CommitResult::Conflicted(_))
            | Err(KernelError::TableAlreadyExistsAtPath(_)) => Ok(()),
            Ok(CommitResult::Retryable(RetryableTransaction { error, .. })) | Err(error) => {
                Err(CatalogError::from_kernel("create the table", error))
            }
        }
    }

    fn load(&self) -> Result<State, CatalogError> {
        let kernel = Snapshot::builder_for(TABLE_URL).build(&self.engine).map_err(read_failed)?;
        self.replay(kernel)
    }

    /// Reads all blocks and application ids of `kernel` from its checkpoint and later commits.
    fn replay(&self, kernel: SnapshotRef) -> Result<State, CatalogError> {
        check_supported(&kernel)?;
        let mut batches = Vec::new();
        for batch in kernel
            .log_segment()
            .read_actions(&self.engine, log_read::read_schema()?)
            .map_err(read_failed)?
        {
            batches.push(log_read::read(batch.map_err(read_failed)?.actions)?);
        }
        let mut catalog =
            CatalogSnapshot { version: kernel.version(), ..CatalogSnapshot::default() };
        // The library hands out the newest commit first.
        log_read::apply(batches.into_iter().rev().flatten(), &mut catalog)?;
        Ok(State { kernel, catalog: Arc::new(catalog) })
    }
}

/// What `catalog` becomes by `commit`.
fn after(catalog: &CatalogSnapshot, commit: &Commit, version: u64) -> CatalogSnapshot {
    let mut next = catalog.clone();
    next.version = version;
    for id in &commit.remove {
        next.blocks.remove(id);
    }
    for entry in &commit.add {
        next.blocks.insert(entry.id, Arc::new(entry.clone()));
    }
    next.application_ids.extend(commit.application_ids.iter().cloned());
    next
}

fn check_supported(kernel: &Snapshot) -> Result<(), CatalogError> {
    let configuration = kernel.table_configuration();
    [Operation::Scan, Operation::Write]
        .into_iter()
        .try_for_each(|operation| configuration.ensure_operation_supported(operation))
        .map_err(read_failed)
}

fn read_failed(err: KernelError) -> CatalogError {
    CatalogError::from_kernel("read the log", err)
}
