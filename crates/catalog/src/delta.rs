//! The catalogue as a Delta Lake table.
//!
//! A commit is one new file in the log, written with a conditional put; the writer that loses the
//! race for a version reads what the winner did and tries the next version. Commits of one
//! [`DeltaCatalog`] run one after the other. A caller that stops waiting for a commit does not stop
//! the write that is under way; whoever comes next sees its outcome in the log.
//!
//! Every [`CHECKPOINT_INTERVAL`] commits the writer that reached the mark writes a checkpoint and
//! deletes what it made superfluous. Either may fail without harm: the commit stands and the next
//! mark tries again.

mod executor;
mod log_cleanup;
mod log_read;
mod log_write;
mod table;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use object_store::ObjectStore;
use object_store::path::Path;
use parking_lot::RwLock;
use spandrel_base::clock::SharedClock;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tracing::{debug, warn};

use self::log_cleanup::{LOG_RETENTION, remove_old_log_files};
use self::table::{Attempt, State, Table};
use crate::{Catalog, CatalogError, CatalogSnapshot, Commit, TableColumn, schema};

/// Commits between two checkpoints: the most that opening a table has to replay. Also the table
/// property `delta.checkpointInterval`.
const CHECKPOINT_INTERVAL: u64 = 64;
/// Every lost race is a commit that another writer made, so this many mean real overload.
const MAX_ATTEMPTS: u32 = 100;
/// How long after a listing the absence of the next commit proves that nothing changed. Beyond it
/// that commit may have been written and deleted again; half the retention leaves room for clocks
/// that disagree.
const LISTING_VALIDITY: Duration = LOG_RETENTION.checked_div(2).expect("two is not zero");

/// The catalogue of one tenant in a Delta Lake table.
pub struct DeltaCatalog {
    table: Arc<Table>,
    /// Held while the state is brought forward, so one commit or refresh runs at a time.
    state: Mutex<State>,
    published: RwLock<Published>,
}

/// What readers see without waiting for a commit in progress.
#[derive(Clone)]
struct Published {
    catalog: Arc<CatalogSnapshot>,
    /// [`Clock::monotonic`](spandrel_base::clock::Clock::monotonic) before the last listing or
    /// commit that led here.
    known_newest_at: Duration,
}

impl DeltaCatalog {
    /// Opens the table below `root` in `store`; creates it with `columns` if there is none, and
    /// adds the columns that it lacks.
    ///
    /// # Errors
    /// [`CatalogError::Unsupported`] for a table of a newer protocol,
    /// [`CatalogError::SchemaMismatch`] when a column has another type in the table,
    /// [`CatalogError::ForeignFile`] when another program added data, and
    /// [`CatalogError::Log`] when the log is damaged or cannot be read.
    pub fn open(
        store: Arc<dyn ObjectStore>,
        root: Path,
        columns: &[TableColumn],
        clock: SharedClock,
    ) -> BoxFuture<'_, Result<Self, CatalogError>> {
        Box::pin(async move {
            let columns = schema::to_delta(columns)?;
            let known_newest_at = clock.monotonic();
            let table = Arc::new(Table::new(store, root, columns, clock));
            let state = blocking(&table, Table::open).await?;
            let published = Published { catalog: Arc::clone(&state.catalog), known_newest_at };
            Ok(Self { table, state: Mutex::new(state), published: RwLock::new(published) })
        })
    }

    fn publish(&self, state: &State, known_newest_at: Duration) {
        *self.published.write() =
            Published { catalog: Arc::clone(&state.catalog), known_newest_at };
    }

    async fn refresh(&self, state: &mut State) -> Result<(), CatalogError> {
        let before = self.table.clock.monotonic();
        let old = state.clone();
        *state = blocking(&self.table, move |table| table.refresh(&old)).await?;
        self.publish(state, before);
        Ok(())
    }

    /// Writes a checkpoint of `state` and deletes what is superfluous then.
    async fn maintain_log(&self, state: &mut State) {
        let kernel = Arc::clone(&state.kernel);
        match blocking(&self.table, move |table| table.checkpoint(&kernel)).await {
            Ok(kernel) => state.kernel = kernel,
            Err(error) => {
                warn!(error = %Chain(&error), "checkpoint failed, the log stays longer");
                return;
            }
        }
        match remove_old_log_files(&self.table, state.catalog.version()).await {
            Ok(deleted) => debug!(version = state.catalog.version(), deleted, "checkpoint"),
            Err(error) => warn!(%error, "old log files were not deleted"),
        }
    }
}

#[async_trait]
impl Catalog for DeltaCatalog {
    async fn snapshot(&self) -> Result<Arc<CatalogSnapshot>, CatalogError> {
        let Published { catalog, known_newest_at } = self.published.read().clone();
        let age = self.table.clock.monotonic().saturating_sub(known_newest_at);
        let next = catalog.version().saturating_add(1);
        if age < LISTING_VALIDITY && !self.table.has_commit(next).await? {
            return Ok(catalog);
        }
        let mut state = self.state.lock().await;
        self.refresh(&mut state).await?;
        Ok(Arc::clone(&state.catalog))
    }

    async fn commit(&self, commit: Commit) -> Result<Arc<CatalogSnapshot>, CatalogError> {
        commit.validate()?;
        if commit.is_empty() {
            return self.snapshot().await;
        }
        let commit = Arc::new(commit);
        let mut state = self.state.lock().await;
        let mut state_is_fresh = false;
        for _ in 0..MAX_ATTEMPTS {
            match judge(&state.catalog, &commit) {
                Ok(Verdict::AlreadyDone) => return Ok(Arc::clone(&state.catalog)),
                Ok(Verdict::Possible) => {}
                Err(refusal) if state_is_fresh => return Err(refusal),
                // The refusal may be owed to commits that this process has not seen.
                Err(_) => {
                    self.refresh(&mut state).await?;
                    state_is_fresh = true;
                    continue;
                }
            }
            let before = self.table.clock.monotonic();
            let (base, attempted) = (state.clone(), Arc::clone(&commit));
            match blocking(&self.table, move |table| table.attempt(&base, &attempted)).await {
                Ok(Attempt::Committed { state: committed, commits_since_checkpoint }) => {
                    *state = committed;
                    self.publish(&state, before);
                    if commits_since_checkpoint >= CHECKPOINT_INTERVAL {
                        self.maintain_log(&mut state).await;
                    }
                    return Ok(Arc::clone(&state.catalog));
                }
                Ok(Attempt::Lost) => self.refresh(&mut state).await?,
                Err(failure) => {
                    // The store may have done the write and lost the answer.
                    let refreshed = self.refresh(&mut state).await;
                    return match refreshed.and_then(|()| judge(&state.catalog, &commit)) {
                        Ok(Verdict::AlreadyDone) => Ok(Arc::clone(&state.catalog)),
                        Ok(Verdict::Possible) | Err(_) => Err(failure),
                    };
                }
            }
            state_is_fresh = true;
        }
        Err(CatalogError::Contended { attempts: MAX_ATTEMPTS })
    }
}

impl fmt::Debug for DeltaCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeltaCatalog")
            .field("store", &self.table.store)
            .field("version", &self.published.read().catalog.version())
            .finish_non_exhaustive()
    }
}

/// What a state says about a commit that it does not refuse.
enum Verdict {
    /// An earlier attempt at the same commit succeeded.
    AlreadyDone,
    Possible,
}

fn judge(catalog: &CatalogSnapshot, commit: &Commit) -> Result<Verdict, CatalogError> {
    let present = |id| catalog.block(id).is_some();
    let added = commit.add.iter().filter(|entry| present(entry.id)).count();
    let removed = commit.remove.iter().filter(|id| !present(**id)).count();
    let behind = commit
        .application_ids
        .iter()
        .filter_map(|(application, offered)| {
            let committed = catalog.application_id(application)?;
            (committed >= *offered).then_some((application, committed, *offered))
        })
        .collect::<Vec<_>>();
    let done = added == commit.add.len()
        && removed == commit.remove.len()
        && behind.len() == commit.application_ids.len();
    if done && !commit.add.is_empty() {
        return Ok(Verdict::AlreadyDone);
    }
    if let Some(entry) = commit.add.iter().find(|entry| present(entry.id)) {
        return Err(CatalogError::Conflict { block: entry.id, present: true });
    }
    if let Some(block) = commit.remove.iter().find(|id| !present(**id)) {
        return Err(CatalogError::Conflict { block: *block, present: false });
    }
    if let Some((application, committed, offered)) = behind.first() {
        return Err(CatalogError::ApplicationIdBehind {
            application: (*application).clone(),
            committed: *committed,
            offered: *offered,
        });
    }
    Ok(Verdict::Possible)
}

/// Runs `work` where it may block.
async fn blocking<T: Send + 'static>(
    table: &Arc<Table>,
    work: impl FnOnce(&Table) -> Result<T, CatalogError> + Send + 'static,
) -> Result<T, CatalogError> {
    let table = Arc::clone(table);
    spawn_blocking(move || work(&table)).await?
}

/// An error with its causes, for the log.
struct Chain<'a>(&'a CatalogError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: &dyn std::error::Error = self.0;
        std::iter::successors(Some(first), |error| error.source()).enumerate().try_for_each(
            |(depth, error)| match depth {
                0 => write!(f, "{error}"),
                _ => write!(f, ": {error}"),
            },
        )
    }
}
