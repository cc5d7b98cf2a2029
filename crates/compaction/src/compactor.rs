//! The service: looks at every tenant, gives up what is too old, merges what is due, deletes what is left over.
//!
//! One merge runs at a time in the whole process, in steps that wait for a free core like all CPU-bound work. A
//! merge that is stopped half-way leaves files that nobody names; a later vacuum deletes them. What fails is
//! logged, counted and tried again later; a block that cannot be read is left alone for a while, so that the
//! others of its window are merged without it.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hashbrown::HashMap;
use object_store::ObjectStore;
use spandrel_base::clock::SharedClock;
use spandrel_catalog::{BlockEntry, BlockId, CatalogError, Commit};
use spandrel_model::TenantId;
use spandrel_retention::{FOREVER_NANOS, Policy};
use spandrel_telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use crate::job::{JobEnd, JobRunner};
use crate::merge::MergeFigures;
use crate::policy::{PolicyFilter, due};
use crate::vacuum::Vacuum;
use crate::{
    CompactionError, CompactionOptions, MergeJob, TenantTable, Tenants, TraceFilter, expired, plan,
};

/// How long the inputs of a merge that failed are left alone.
const AVOIDED_FOR: Duration = Duration::from_secs(15 * 60);
/// How often expired blocks are looked for again when somebody else changes them at the same time.
const EXPIRE_ATTEMPTS: usize = 5;

/// What one look at a tenant did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactionReport {
    /// Merges that were committed.
    pub merges: u64,
    /// Merges whose inputs somebody else took first.
    pub conflicts: u64,
    /// Merges, and other steps, that failed.
    pub failures: u64,
    /// Blocks that merges removed.
    pub blocks_in: u64,
    /// Blocks that merges added.
    pub blocks_out: u64,
    /// Spans that merges read.
    pub spans_in: u64,
    /// Spans that merges wrote. Those of `spans_in` are these, `copies` and `filtered`.
    pub spans_out: u64,
    /// Copies of spans that merges left out.
    pub copies: u64,
    /// Spans that the filter left out.
    pub filtered: u64,
    /// Blocks that were given up because of their age.
    pub expired_blocks: u64,
    /// Files that nobody named.
    pub vacuumed_files: u64,
}

/// Compacts the blocks of all tenants.
pub struct Compactor {
    objects: Arc<dyn ObjectStore>,
    tenants: Arc<dyn Tenants>,
    options: CompactionOptions,
    clock: SharedClock,
    metrics: Metrics,
    filter: Option<Arc<dyn TraceFilter>>,
    /// Held during a look at a tenant: one merge at a time.
    memories: tokio::sync::Mutex<BTreeMap<TenantId, Memory>>,
}

/// What is remembered of a tenant between two looks.
#[derive(Default)]
struct Memory {
    vacuum: Vacuum,
    vacuumed_at: Option<Duration>,
    /// Inputs of merges that failed, and until when they are left alone.
    avoided: HashMap<BlockId, Duration>,
}

impl Compactor {
    /// A compactor of the blocks in `objects`.
    pub fn new(
        objects: Arc<dyn ObjectStore>,
        tenants: Arc<dyn Tenants>,
        options: CompactionOptions,
        clock: SharedClock,
        metrics: Metrics,
    ) -> Self {
        let memories = tokio::sync::Mutex::default();
        Self { objects, tenants, options, clock, metrics, filter: None, memories }
    }

    /// Lets a filter decide which traces merges keep, for tenants without a policy.
    pub fn with_filter(self, filter: Arc<dyn TraceFilter>) -> Self {
        Self { filter: Some(filter), ..self }
    }

    /// Looks at all tenants, again and again, until stopped. A merge under way is given up then.
    pub fn run(&self, stop: CancellationToken) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let round = async {
                    self.run_round().await;
                    tokio::time::sleep(self.options.interval).await;
                };
                tokio::select! {
                    biased; // A stop must not wait for a merge.
                    () = stop.cancelled() => return,
                    () = round => {}
                }
            }
        })
    }

    async fn run_round(&self) {
        let tenants = match self.tenants.list().await {
            Ok(tenants) => tenants,
            Err(error) => {
                self.metrics.compaction().failures.inc();
                tracing::error!(error = %chain(&*error), "tenants not listed, nothing is compacted");
                return;
            }
        };
        for tenant in tenants {
            if let Err(error) = self.run_once(&tenant).await {
                self.metrics.compaction().failures.inc();
                tracing::error!(%tenant, error = %chain(&error), "tenant not compacted");
            }
        }
    }

    /// Does everything that is due for a tenant.
    ///
    /// # Errors
    /// [`CompactionError::Tenants`] when its catalogue cannot be opened. What fails later is logged and
    /// counted in the report.
    pub fn run_once<'a>(
        &'a self,
        tenant: &'a TenantId,
    ) -> BoxFuture<'a, Result<CompactionReport, CompactionError>> {
        Box::pin(async move {
            let mut memories = self.memories.lock().await;
            let mut report = CompactionReport::default();
            let Some(table) = self.open(tenant).await? else { return Ok(report) };
            let memory = memories.entry(tenant.clone()).or_default();
            self.metrics.compaction().runs.inc();
            let expired = self.expire(tenant, table, &mut report).await;
            self.check(tenant, expired, "old blocks not given up", &mut report);
            let merged = self.merge_all(tenant, memory, &mut report).await;
            self.check(tenant, merged, "blocks not merged", &mut report);
            let applied = self.apply_policy(tenant, memory, &mut report).await;
            self.check(tenant, applied, "retention policy not applied", &mut report);
            let vacuumed = self.vacuum(tenant, memory, &mut report).await;
            self.check(tenant, vacuumed, "files of removed blocks not deleted", &mut report);
            Ok(report)
        })
    }

    fn check(
        &self,
        tenant: &TenantId,
        outcome: Result<(), CompactionError>,
        what: &'static str,
        report: &mut CompactionReport,
    ) {
        if let Err(error) = outcome {
            report.failures += 1;
            self.metrics.compaction().failures.inc();
            tracing::error!(%tenant, what, error = %chain(&error), "compaction step failed");
        }
    }

    async fn open(&self, tenant: &TenantId) -> Result<Option<TenantTable>, CompactionError> {
        self.tenants.open(tenant).await.map_err(CompactionError::Tenants)
    }

    /// Gives up the blocks that are too old.
    async fn expire(
        &self,
        tenant: &TenantId,
        mut table: TenantTable,
        report: &mut CompactionReport,
    ) -> Result<(), CompactionError> {
        let by_policy = self.policy_of(tenant).map(|policy| policy.max_keep_nanos());
        let by_policy = by_policy.filter(|nanos| *nanos != FOREVER_NANOS);
        let by_policy = by_policy.map(|nanos| Duration::from_nanos(nanos.unsigned_abs()));
        let own = self.options.own_retention.of(tenant);
        let retention = self.options.retention.into_iter().chain(by_policy).chain(own).min();
        let Some(retention) = retention else { return Ok(()) };
        for _ in 0..EXPIRE_ATTEMPTS {
            let now = self.clock.now_unix_nanos();
            let remove = expired(table.snapshot.blocks(), now, retention);
            if remove.is_empty() {
                return Ok(());
            }
            let n_blocks = remove.len() as u64;
            match table.catalog.commit(Commit { remove, ..Commit::default() }).await {
                Ok(snapshot) => {
                    report.expired_blocks += n_blocks;
                    self.metrics.compaction().expired_blocks.add(n_blocks);
                    tracing::info!(%tenant, blocks = n_blocks, "blocks expired");
                    self.tenants.publish(tenant, snapshot).await;
                    return Ok(());
                }
                // Somebody else removed one of them, or this did and the answer was lost.
                Err(CatalogError::Conflict { .. }) => {
                    table.snapshot = table.catalog.snapshot().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Does merges until none is due. Those that a merge makes due come after all that were due before.
    async fn merge_all(
        &self,
        tenant: &TenantId,
        memory: &mut Memory,
        report: &mut CompactionReport,
    ) -> Result<(), CompactionError> {
        loop {
            let Some(table) = self.open(tenant).await? else { return Ok(()) };
            let now = self.clock.monotonic();
            memory.avoided.retain(|_, until| *until > now);
            let entries = table.snapshot.blocks();
            let entries = entries.filter(|entry| !memory.avoided.contains_key(&entry.id));
            let jobs = plan(entries, self.clock.now_unix_nanos(), &self.options.plan);
            if jobs.is_empty() {
                return Ok(());
            }
            for job in jobs {
                self.merge(tenant, &table, &job, (memory, report)).await;
            }
        }
    }

    /// Rewrites the blocks for which a boundary of the tenant's policy has passed.
    async fn apply_policy(
        &self,
        tenant: &TenantId,
        memory: &mut Memory,
        report: &mut CompactionReport,
    ) -> Result<(), CompactionError> {
        let Some(policy) = self.policy_of(tenant) else { return Ok(()) };
        let Some(table) = self.open(tenant).await? else { return Ok(()) };
        let entries = table.snapshot.blocks();
        let entries = entries.filter(|entry| !memory.avoided.contains_key(&entry.id));
        for job in due(entries, self.clock.now_unix_nanos(), policy) {
            // A job before may have changed the table, and what other blocks hold of a trace with it.
            let Some(table) = self.open(tenant).await? else { return Ok(()) };
            self.merge(tenant, &table, &job, (memory, report)).await;
        }
        Ok(())
    }

    fn policy_of(&self, tenant: &TenantId) -> Option<&Arc<Policy>> {
        self.options.policies.as_ref().and_then(|policies| policies.policy_of(tenant))
    }

    /// What decides which traces of a tenant are kept.
    fn filter(&self, tenant: &TenantId) -> Option<Arc<dyn TraceFilter>> {
        match self.policy_of(tenant) {
            Some(policy) => {
                let now = self.clock.now_unix_nanos();
                Some(Arc::new(PolicyFilter::new(policy, now)))
            }
            None => self.filter.clone(),
        }
    }

    async fn merge(
        &self,
        tenant: &TenantId,
        table: &TenantTable,
        job: &MergeJob,
        (memory, report): (&mut Memory, &mut CompactionReport),
    ) {
        let metrics = self.metrics.compaction();
        let began = self.clock.monotonic();
        let filter = self.filter(tenant);
        let runner = JobRunner {
            objects: &self.objects,
            table,
            clock: &self.clock,
            options: &self.options.merge,
            filter: filter.as_ref(),
            outputs_safe_for: self.options.vacuum_grace / 2,
        };
        let ended = runner.run(job).await;
        let now = self.clock.monotonic();
        match ended {
            Ok(JobEnd::Committed { snapshot, outputs, figures }) => {
                metrics.merge_duration.observe(now.saturating_sub(began));
                self.count(tenant, job, (&outputs, figures), report);
                self.tenants.publish(tenant, snapshot).await;
            }
            Ok(JobEnd::Lost) => {
                report.conflicts += 1;
                metrics.conflicts.inc();
                tracing::debug!(%tenant, "another compactor was first");
                avoid(memory, job, now);
                if let Ok(snapshot) = table.catalog.snapshot().await {
                    self.tenants.publish(tenant, snapshot).await;
                }
            }
            Err(error) => {
                report.failures += 1;
                metrics.failures.inc();
                tracing::error!(%tenant, error = %chain(&error), "blocks not merged");
                match error {
                    CompactionError::Input { block, .. }
                        if job.inputs.iter().any(|entry| entry.id == block) =>
                    {
                        memory.avoided.insert(block, now + AVOIDED_FOR);
                    }
                    _ => avoid(memory, job, now),
                }
            }
        }
    }

    fn count(
        &self,
        tenant: &TenantId,
        job: &MergeJob,
        (outputs, figures): (&[BlockEntry], MergeFigures),
        report: &mut CompactionReport,
    ) {
        let metrics = self.metrics.compaction();
        let (blocks_in, blocks_out) = (job.inputs.len() as u64, outputs.len() as u64);
        let bytes_out = outputs.iter().map(|entry| entry.size_bytes).sum();
        report.merges += 1;
        report.blocks_in += blocks_in;
        report.blocks_out += blocks_out;
        report.spans_in += figures.read;
        report.spans_out += figures.written;
        report.copies += figures.copies;
        report.filtered += figures.filtered;
        metrics.merges.inc();
        metrics.blocks_in.add(blocks_in);
        metrics.blocks_out.add(blocks_out);
        metrics.bytes_in.add(job.inputs.iter().map(|entry| entry.size_bytes).sum());
        metrics.bytes_out.add(bytes_out);
        metrics.spans_in.add(figures.read);
        metrics.spans_out.add(figures.written);
        metrics.copies.add(figures.copies);
        metrics.filtered_spans.add(figures.filtered);
        tracing::info!(
            %tenant,
            level = job.level,
            blocks_in,
            blocks_out,
            spans = figures.written,
            copies = figures.copies,
            filtered = figures.filtered,
            bytes = bytes_out,
            "blocks merged"
        );
    }

    async fn vacuum(
        &self,
        tenant: &TenantId,
        memory: &mut Memory,
        report: &mut CompactionReport,
    ) -> Result<(), CompactionError> {
        let now = self.clock.monotonic();
        let due = |at: Duration| now.saturating_sub(at) >= self.options.vacuum_interval;
        if !memory.vacuumed_at.is_none_or(due) {
            return Ok(());
        }
        let Some(table) = self.open(tenant).await? else { return Ok(()) };
        memory.vacuumed_at = Some(now);
        let grace = self.options.vacuum_grace;
        let files = memory.vacuum.run(&self.objects, &table, &*self.clock, grace).await?;
        report.vacuumed_files += files;
        self.metrics.compaction().vacuumed_files.add(files);
        if files > 0 {
            tracing::info!(%tenant, files, "files of removed blocks deleted");
        }
        Ok(())
    }
}

/// Leaves the inputs of a merge alone for a while.
fn avoid(memory: &mut Memory, job: &MergeJob, now: Duration) {
    memory.avoided.extend(job.inputs.iter().map(|entry| (entry.id, now + AVOIDED_FOR)));
}

/// An error with all its causes, for a log line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
