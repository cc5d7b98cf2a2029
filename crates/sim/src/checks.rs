//! The promises, as comparisons of a world with what was sent into it.
//!
//! - Every span that a node has acknowledged, or has shown once, is found there, once, with its content; at the
//!   end, on every node.
//! - Nothing is found that was not sent. A batch without an answer is there as a whole or not at all.
//! - Searches find what their definition finds over these spans, and the same again.
//! - The catalogue names only files that are there; at the end, all of them.
//! - Every span that came is stored, rejected, refused or failed in the accounts, and nothing has panicked.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{FutureExt as _, TryStreamExt as _};
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use spandrel_catalog::{Catalog as _, CatalogSnapshot, DeltaCatalog};
use spandrel_ingest::Store;
use spandrel_model::TenantId;

use crate::process::{GRACE, RunningNode};
use crate::questions::{self, EVERYTHING};
use crate::schedule::Process;
use crate::tables::tenants;
use crate::world::World;

/// Looks at every tenant, an hour apart, within which compaction has to come to an end.
const ROUNDS_MAX: usize = 40;

impl World {
    /// Asks a node for everything, whatever state things are in. It may fail only when something is broken; what
    /// it answers must be right.
    pub(crate) async fn ask(&self, node: usize) -> Result<(), String> {
        let host = &self.nodes[node];
        let Some(running) = host.running() else { return Ok(()) };
        let Some(reader) = &running.node else { return Ok(()) };
        let search = questions::search_for(EVERYTHING)?;
        let was_healthy = self.is_healthy(host, &running) && self.is_fresh(&running);
        for (number, tenant) in tenants().iter().enumerate() {
            let owed = self.ledger.lock().owed(node);
            match questions::ask(&reader.engine, tenant, &search).await {
                Ok(found) => {
                    let found = questions::span_ids(&found);
                    self.ledger.lock().compare((node, number), &owed, &found)?;
                }
                Err(error) => {
                    if was_healthy && self.is_healthy(host, &running) {
                        return Err(format!("node {node}: a search fails: {error:?}"));
                    }
                    self.totals.lock().failed_questions += 1;
                }
            }
        }
        Ok(())
    }

    /// Compares everything with what was sent, with the object store in order. Of each tenant so many traces are
    /// asked for by id.
    pub(crate) async fn check_all(&self, n_traces: usize) -> Result<(), String> {
        for (node, host) in self.nodes.iter().enumerate() {
            let Some(running) = host.running() else { continue };
            let Some(reader) = &running.node else { continue };
            let per_mille = host.per_mille();
            host.set_faults(0);
            host.faults.set_down(false);
            running.life.reconnect();
            let checked = async {
                if self.shared.setup.nodes_flush {
                    // A flush in the background would show spans of other nodes between two answers.
                    self.flush(node).await?;
                }
                self.refresh(host).await?;
                self.check_node(node, reader, n_traces).await
            };
            let checked = checked.await;
            self.restore(host, per_mille);
            // A node that was doomed may die or be cut off while it is asked.
            if running.life.is_connected() {
                checked?;
            }
        }
        for tenant in tenants() {
            self.check_files(&tenant).await?;
        }
        Ok(())
    }

    async fn check_node(
        &self,
        node: usize,
        reader: &RunningNode,
        n_traces: usize,
    ) -> Result<(), String> {
        if let Some(failure) = reader.store.failed().now_or_never() {
            return Err(format!("node {node}: a part of the store has died: {failure}"));
        }
        for (number, tenant) in tenants().iter().enumerate() {
            let whose = |error: String| format!("node {node}: {error}");
            let everything = questions::search_for(EVERYTHING)?;
            let owed = self.ledger.lock().owed(node);
            let found = questions::ask(&reader.engine, tenant, &everything).await;
            let found = found.map_err(|error| format!("node {node}: a search fails: {error:?}"))?;
            let found = questions::span_ids(&found);
            let spans = self.ledger.lock().compare((node, number), &owed, &found)?;
            let mut random = self.random.lock().fork();
            let compared =
                questions::compare_searches(&reader.engine, tenant, (&spans, &mut random)).await;
            let compared = compared.map_err(whose)?;
            let mut traces = self.ledger.lock().traces(number);
            while traces.len() > n_traces {
                traces.swap_remove(random.index(traces.len()));
            }
            for trace_id in traces {
                let asked = (trace_id, &*spans);
                questions::compare_trace(&reader.engine, tenant, asked).await.map_err(whose)?;
            }
            let mut totals = self.totals.lock();
            totals.checks += 1;
            totals.searches += compared;
        }
        let accounting = reader.metrics.accounting();
        match accounting.unaccounted() {
            0 => Ok(()),
            _ => Err(format!("node {node}: the accounts do not add up: {accounting:?}")),
        }
    }

    /// The table of a tenant, read by somebody new; `None` when there is none.
    async fn table(&self, tenant: &TenantId) -> Result<Option<CatalogSnapshot>, String> {
        let root = Store::tenant_root(tenant);
        let bucket = &self.shared.bucket;
        let failed = |error: &dyn std::fmt::Debug| format!("{tenant}: the table fails: {error:?}");
        let mut log = bucket.list(Some(&root.clone().join("_delta_log")));
        if log.try_next().await.map_err(|error| failed(&error))?.is_none() {
            return Ok(None);
        }
        let clock = std::sync::Arc::clone(&self.shared.clock) as _;
        let objects = std::sync::Arc::clone(bucket) as _;
        let opened = DeltaCatalog::open(objects, root, &[], clock).await;
        let catalog = opened.map_err(|error| failed(&error))?;
        let snapshot = catalog.snapshot().await.map_err(|error| failed(&error))?;
        Ok(Some(CatalogSnapshot::clone(&snapshot)))
    }

    async fn check_files(&self, tenant: &TenantId) -> Result<(), String> {
        let Some(table) = self.table(tenant).await? else { return Ok(()) };
        for entry in table.blocks() {
            let path = Store::block_path(tenant, entry);
            match self.shared.bucket.head(&path).await {
                Ok(meta) if meta.size == entry.size_bytes => {}
                found => return Err(format!("{tenant}: named by the table: {path}: {found:?}")),
            }
        }
        Ok(())
    }

    async fn check_no_file_is_left(&self, tenant: &TenantId) -> Result<(), String> {
        let Some(table) = self.table(tenant).await? else { return Ok(()) };
        self.totals.lock().commits += table.version();
        let named: BTreeSet<String> =
            table.blocks().map(|entry| Store::block_path(tenant, entry).to_string()).collect();
        let blocks = Store::tenant_root(tenant).join("blocks");
        let listed: Vec<_> = self
            .shared
            .bucket
            .list(Some(&blocks))
            .try_collect()
            .await
            .map_err(|error| format!("{error:?}"))?;
        let left = listed.iter().map(|meta| meta.location.to_string());
        match left.filter(|path| !named.contains(path)).collect::<Vec<_>>() {
            left if left.is_empty() => Ok(()),
            left => Err(format!("{tenant}: no vacuum deletes {left:?}")),
        }
    }

    /// The end: everything is repaired and started again, everything becomes blocks, is merged and vacuumed.
    pub(crate) async fn finish(&self) -> Result<(), String> {
        self.set_down(false);
        for host in self.hosts() {
            host.set_faults(0);
            let power_cut = self.random.lock().percent(50);
            self.crash(host, power_cut);
        }
        self.start_all().await?;
        self.check_all(0).await?;
        for node in 0..self.nodes.len() {
            self.flush(node).await?;
        }
        // A node believes for a few seconds that a tenant has no blocks.
        self.advance(Duration::from_secs(10)).await?;
        self.ledger.lock().owe_everywhere(self.nodes.len());
        self.check_all(usize::MAX).await?;

        self.compact_until_quiet().await?;
        self.check_all(10).await?;
        for tenant in tenants() {
            self.check_no_file_is_left(&tenant).await?;
        }
        self.totals.lock().acknowledged_spans = self.ledger.lock().n_acknowledged();
        Ok(())
    }

    /// Lets time pass and everybody merge and vacuum, until there is nothing left to do.
    async fn compact_until_quiet(&self) -> Result<(), String> {
        let work = || {
            let totals = self.totals.lock();
            (totals.merges, totals.conflicts, totals.failed_merges, totals.vacuumed_files)
        };
        let mut n_quiet = 0;
        for _ in 0..ROUNDS_MAX {
            let before = work();
            self.advance(GRACE + Duration::from_secs(1)).await?;
            for number in 0..self.compactors.len() {
                self.compact(Process::Compactor(number)).await?;
            }
            for number in 0..self.nodes.len() {
                self.compact(Process::Node(number)).await?;
            }
            n_quiet = if work() == before { n_quiet + 1 } else { 0 };
            // In the first of them a planned fault of a listing may have kept a vacuum from something.
            if n_quiet == 3 {
                return Ok(());
            }
        }
        Err(format!("compaction still has work after {ROUNDS_MAX} rounds"))
    }
}
