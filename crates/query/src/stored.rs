//! What an operator asks about a tenant: what became of its spans, where they are, what limits it has.

use std::sync::Arc;

use futures::future::BoxFuture;
use spandrel_base::memory::Reservation;
use spandrel_catalog::BlockEntry;
use spandrel_ingest::{TenantLimits, TenantSpans};
use spandrel_model::TenantId;

use crate::{QueryEngine, QueryError, ReadLimits, TimeRange, memory};

/// A block as the catalogue knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlock {
    /// Its id.
    pub id: String,
    /// How many compactions it has been through.
    pub level: u8,
    /// Start of the earliest span.
    pub start_unix_nanos: u64,
    /// End of the span that ends last.
    pub end_unix_nanos: u64,
    /// How many spans it has.
    pub n_spans: u64,
    /// How many traces it has a part of.
    pub n_traces: u64,
    /// Size of its file.
    pub size_bytes: u64,
    /// When it was cut.
    pub written_unix_nanos: u64,
}

/// What is known of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantStatus {
    /// What became of its spans since this process was started.
    pub spans: TenantSpans,
    /// What it may send, in force now.
    pub limits: TenantLimits,
    /// What it may ask, in force now.
    pub read_limits: ReadLimits,
    /// How many blocks it has.
    pub n_blocks: u64,
    /// Spans in them.
    pub block_spans: u64,
    /// Their size.
    pub block_bytes: u64,
}

impl QueryEngine {
    /// What is known of a tenant.
    ///
    /// # Errors
    /// [`QueryError::Store`] when its blocks cannot be listed.
    pub fn tenant_status<'a>(
        &'a self,
        tenant: &'a TenantId,
    ) -> BoxFuture<'a, Result<TenantStatus, QueryError>> {
        Box::pin(async move {
            let entries = self.view(tenant, TimeRange::ALL).await?.entries;
            Ok(TenantStatus {
                spans: self.store.spans_of(tenant),
                limits: self.store.limits_in_force(tenant),
                read_limits: self.read_limits.of(tenant),
                n_blocks: entries.len() as u64,
                block_spans: entries.iter().map(|entry| entry.n_spans).sum(),
                block_bytes: entries.iter().map(|entry| entry.size_bytes).sum(),
            })
        })
    }

    /// The blocks of a tenant, the one that was cut last first.
    ///
    /// # Errors
    /// [`QueryError::Store`] when they cannot be listed.
    pub fn stored_blocks<'a>(
        &'a self,
        tenant: &'a TenantId,
    ) -> BoxFuture<'a, Result<Vec<StoredBlock>, QueryError>> {
        Box::pin(async move {
            let mut entries = self.view(tenant, TimeRange::ALL).await?.entries;
            entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.id));
            Ok(entries.iter().map(stored_block).collect())
        })
    }

    /// Memory for something that is answered without a query, of what one query may have.
    ///
    /// # Errors
    /// [`QueryError::Memory`] when there is not so much left.
    pub fn hold(&self, bytes: usize) -> Result<Reservation, QueryError> {
        let budget = memory::one_query(&self.options.memory, self.options.query_bytes_max);
        budget.try_reserve(bytes).map_err(|exhausted| {
            self.metrics.query().refused.inc(&memory::reason(&exhausted));
            exhausted.into()
        })
    }
}

fn stored_block(entry: &Arc<BlockEntry>) -> StoredBlock {
    StoredBlock {
        id: entry.id.to_string(),
        level: entry.level,
        start_unix_nanos: entry.min_start_unix_nanos,
        end_unix_nanos: entry.max_end_unix_nanos,
        n_spans: entry.n_spans,
        n_traces: entry.n_traces,
        size_bytes: entry.size_bytes,
        written_unix_nanos: entry.id.unix_nanos(),
    }
}
