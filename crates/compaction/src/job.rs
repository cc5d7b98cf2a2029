//! One merge from its inputs to its commit.
//!
//! Outputs are stored, then one commit adds them and removes the inputs; until then nobody sees them. Two
//! compactors may do the same merge: the commit of the second is refused, because its inputs are gone, and
//! what it wrote is deleted. When the answer to a commit is lost, the catalogue is read, and the commit
//! repeated, until one of both outcomes is certain; if none becomes so, the outputs are left for a vacuum, which
//! deletes them unless they were committed after all.

use std::sync::Arc;
use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use spandrel_base::clock::SharedClock;
use spandrel_block::WrittenBlock;
use spandrel_catalog::{BlockEntry, BlockId, BlockTail, CatalogError, CatalogSnapshot, Commit};
use spandrel_model::TraceId;
use spandrel_objects::put_block;

use crate::elsewhere::Elsewhere;
use crate::filter::Filtering;
use crate::input::file_path;
use crate::merge::{Merge, MergeFigures};
use crate::retention::nanos;
use crate::{CompactionError, MergeJob, MergeOptions, TenantTable, TraceFilter};

/// How often a commit of unknown outcome is repeated.
const COMMIT_ATTEMPTS: usize = 3;

/// Parts of a trace between which nothing happened for longer than this are not looked for in other blocks.
const PART_DISTANCE_MAX: Duration = Duration::from_secs(15 * 60);

/// What a job works with.
pub(crate) struct JobRunner<'a> {
    pub(crate) objects: &'a Arc<dyn ObjectStore>,
    pub(crate) table: &'a TenantTable,
    pub(crate) clock: &'a SharedClock,
    pub(crate) options: &'a MergeOptions,
    pub(crate) filter: Option<&'a Arc<dyn TraceFilter>>,
    /// Within this time of the first output the commit must begin.
    pub(crate) outputs_safe_for: Duration,
}

/// How a job ended.
pub(crate) enum JobEnd {
    /// Its outputs have replaced its inputs.
    Committed {
        /// The state that shows it.
        snapshot: Arc<CatalogSnapshot>,
        /// What came out.
        outputs: Vec<BlockEntry>,
        /// What happened to the spans.
        figures: MergeFigures,
    },
    /// Somebody else took an input first.
    Lost,
}

impl JobRunner<'_> {
    /// Does the job.
    pub(crate) async fn run(&self, job: &MergeJob) -> Result<JobEnd, CompactionError> {
        let began = self.clock.monotonic();
        let merge = Merge::open(self.objects, &self.table.root, &job.inputs, self.options).await?;
        let filtering = match self.filter {
            Some(filter) => {
                let elsewhere = self.elsewhere(merge.trace_ids(), job).await?;
                let received_unix_nanos = received_unix_nanos(job).unwrap_or_default();
                let filter = Arc::clone(filter);
                Some(Filtering { filter, received_unix_nanos, elsewhere: Arc::new(elsewhere) })
            }
            None => None,
        };
        let mut merge = merge.with_filter(filtering);
        let mut outputs = Vec::new();
        let stored = self.store_outputs(&mut merge, job, &mut outputs).await;
        let took = self.clock.monotonic().saturating_sub(began);
        let stored = stored.and_then(|()| {
            if took <= self.outputs_safe_for { Ok(()) } else { Err(CompactionError::TooSlow) }
        });
        if let Err(error) = stored {
            self.delete(&outputs).await;
            return Err(error);
        }
        match self.commit(job, &outputs).await? {
            Some(snapshot) => Ok(JobEnd::Committed { snapshot, outputs, figures: merge.figures() }),
            None => Ok(JobEnd::Lost),
        }
    }

    async fn store_outputs(
        &self,
        merge: &mut Merge,
        job: &MergeJob,
        outputs: &mut Vec<BlockEntry>,
    ) -> Result<(), CompactionError> {
        while let Some(block) = merge.next().await? {
            let id = BlockId::generate(self.clock.now_unix_nanos());
            let entry = entry(id, &block, job);
            let path = file_path(&self.table.root, &entry);
            // Before the upload, whose outcome may be unknown when it fails.
            outputs.push(entry);
            put_block(&**self.objects, &path, block.bytes).await.map_err(|source| {
                CompactionError::Objects { operation: "write", path: path.to_string(), source }
            })?;
        }
        Ok(())
    }

    /// Replaces the inputs by the outputs. `None` when somebody else took an input first.
    async fn commit(
        &self,
        job: &MergeJob,
        outputs: &[BlockEntry],
    ) -> Result<Option<Arc<CatalogSnapshot>>, CompactionError> {
        let commit = Commit {
            add: outputs.to_vec(),
            remove: job.inputs.iter().map(|entry| entry.id).collect(),
            application_ids: Vec::new(),
        };
        let catalog = &self.table.catalog;
        let mut attempt = 1;
        loop {
            let error = match catalog.commit(commit.clone()).await {
                Ok(snapshot) => return Ok(Some(snapshot)),
                Err(error) => error,
            };
            match error {
                // After an attempt of unknown outcome the outputs may have been added, and merged again
                // since; then queries may still read them.
                CatalogError::Conflict { .. } if attempt > 1 => return Ok(None),
                CatalogError::Conflict { .. } => {
                    self.delete(outputs).await;
                    return Ok(None);
                }
                CatalogError::InvalidCommit { .. } | CatalogError::Contended { .. }
                    if attempt == 1 =>
                {
                    self.delete(outputs).await;
                    return Err(error.into());
                }
                error => {
                    if let Ok(snapshot) = catalog.snapshot().await
                        && shows(&snapshot, &commit)
                    {
                        return Ok(Some(snapshot));
                    }
                    if attempt == COMMIT_ATTEMPTS {
                        return Err(error.into());
                    }
                }
            }
            attempt += 1;
        }
    }

    /// Deletes outputs that were not committed. What stays is left to a vacuum.
    async fn delete(&self, outputs: &[BlockEntry]) {
        for entry in outputs {
            let path: Path = file_path(&self.table.root, entry);
            if let Err(error) = self.objects.delete(&path).await
                && !matches!(error, object_store::Error::NotFound { .. })
            {
                tracing::debug!(%path, %error, "output of a failed merge not deleted yet");
            }
        }
    }

    /// The parts of the traces that other blocks hold. Looked at are the blocks whose time overlaps that of the
    /// inputs, or nearly does.
    async fn elsewhere(
        &self,
        trace_ids: &Arc<[TraceId]>,
        job: &MergeJob,
    ) -> Result<Elsewhere, CompactionError> {
        let inputs = &job.inputs;
        let from = inputs.iter().map(|entry| entry.min_start_unix_nanos).min().unwrap_or(0);
        let from = from.saturating_sub(nanos(PART_DISTANCE_MAX));
        let to = inputs.iter().map(|entry| entry.max_end_unix_nanos).max().unwrap_or(0);
        let to = to.saturating_add(nanos(PART_DISTANCE_MAX));
        let others = self.table.snapshot.blocks().filter(|entry| {
            entry.min_start_unix_nanos <= to
                && entry.max_end_unix_nanos >= from
                && !inputs.iter().any(|input| input.id == entry.id)
        });
        Elsewhere::read(self.objects, self.table, others, trace_ids, self.options).await
    }
}

/// When spans of the inputs were received last.
fn received_unix_nanos(job: &MergeJob) -> Option<u64> {
    job.inputs.iter().map(|entry| entry.max_received_unix_nanos).max()
}

/// Whether a state contains the outcome of a commit.
fn shows(snapshot: &CatalogSnapshot, commit: &Commit) -> bool {
    commit.add.iter().all(|entry| snapshot.block(entry.id).is_some())
        && commit.remove.iter().all(|id| snapshot.block(*id).is_none())
}

fn entry(id: BlockId, block: &WrittenBlock, job: &MergeJob) -> BlockEntry {
    let unsigned = |nanos: i64| u64::try_from(nanos).unwrap_or_default();
    BlockEntry {
        id,
        path: format!("blocks/{id}.parquet"),
        size_bytes: block.bytes.len() as u64,
        n_spans: u64::from(block.n_spans),
        n_traces: u64::from(block.n_traces),
        min_start_unix_nanos: unsigned(block.min_start_unix_nanos),
        max_end_unix_nanos: unsigned(block.max_end_unix_nanos),
        max_trace_start_unix_nanos: unsigned(block.max_trace_start_unix_nanos),
        max_received_unix_nanos: received_unix_nanos(job).unwrap_or_else(|| id.unix_nanos()),
        format_version: spandrel_block::schema::FORMAT_VERSION,
        level: job.level,
        tail: Some(BlockTail {
            bytes: block.tail_bytes,
            trace_filter_bytes: block.trace_filter_bytes,
        }),
    }
}
