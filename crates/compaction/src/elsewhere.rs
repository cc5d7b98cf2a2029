//! Parts of traces that lie in blocks which are not merged: a policy decides about whole traces.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use object_store::ObjectStore;
use spandrel_base::cpu;
use spandrel_base::memory::Reservation;
use spandrel_block::index::TraceTable;
use spandrel_catalog::BlockEntry;
use spandrel_columns::SpanColumns;
use spandrel_model::TraceId;

use crate::input::{Input, Read};
use crate::{CompactionError, MergeOptions, TenantTable};

/// Spans that are read for the sake of those that are merged. Traces with parts in a block that goes beyond it
/// stay as they are.
const SPANS_MAX: u32 = 256 * 1024;

/// Parts of traces in other blocks.
#[derive(Default)]
pub(crate) struct Elsewhere {
    spans: SpanColumns,
    /// Rows of each trace.
    rows: HashMap<TraceId, Rows>,
    unread: HashSet<TraceId>,
    _held: Option<Reservation>,
}

#[derive(Default)]
struct Rows {
    rows: Vec<u32>,
    received_unix_nanos: u64,
}

/// What other blocks hold of a trace.
pub(crate) struct Parts<'a> {
    /// Rows of [`Elsewhere::spans`].
    pub(crate) rows: &'a [u32],
    /// When the newest of the blocks was received.
    pub(crate) received_unix_nanos: u64,
}

impl Elsewhere {
    /// Reads the parts that some blocks hold of some traces.
    pub(crate) async fn read(
        objects: &Arc<dyn ObjectStore>,
        table: &TenantTable,
        blocks: impl Iterator<Item = &Arc<BlockEntry>>,
        trace_ids: &Arc<[TraceId]>,
        options: &MergeOptions,
    ) -> Result<Self, CompactionError> {
        let mut elsewhere = Self::default();
        let mut held = options.memory.reservation();
        for entry in blocks {
            let block = Input::open(objects, &table.root, entry).await?;
            let ids = Arc::clone(trace_ids);
            let (block, shared) = cpu::run(move || {
                let shared = shared(&block, &ids);
                (block, shared)
            })
            .await?;
            elsewhere.add(&block, shared?, entry.max_received_unix_nanos).await?;
            held.set_anyway(elsewhere.spans.size_bytes());
        }
        elsewhere._held = Some(held);
        Ok(elsewhere)
    }

    async fn add(
        &mut self,
        block: &Input,
        shared: Shared,
        received_unix_nanos: u64,
    ) -> Result<(), CompactionError> {
        let n_rows: u32 = shared.reads.iter().map(Read::n_rows).sum();
        if self.spans.len().saturating_add(n_rows) > SPANS_MAX {
            self.unread.extend(shared.ids);
            return Ok(());
        }
        for read in shared.reads {
            let first = self.spans.len();
            self.spans = block.read(read, std::mem::take(&mut self.spans)).await?;
            for row in first..self.spans.len() {
                let rows = self.rows.entry(self.spans.trace_ids[row as usize]).or_default();
                rows.rows.push(row);
                rows.received_unix_nanos = rows.received_unix_nanos.max(received_unix_nanos);
            }
        }
        Ok(())
    }

    /// Whether there are parts of the trace that were not read.
    pub(crate) fn is_unread(&self, trace_id: TraceId) -> bool {
        self.unread.contains(&trace_id)
    }

    /// The parts of a trace, if there are any.
    pub(crate) fn parts_of(&self, trace_id: TraceId) -> Option<Parts<'_>> {
        let Rows { rows, received_unix_nanos } = self.rows.get(&trace_id)?;
        Some(Parts { rows, received_unix_nanos: *received_unix_nanos })
    }

    /// All spans that were read.
    pub(crate) fn spans(&self) -> &SpanColumns {
        &self.spans
    }
}

/// What a block has of some traces.
struct Shared {
    ids: Vec<TraceId>,
    reads: Vec<Read>,
}

fn shared(block: &Input, trace_ids: &[TraceId]) -> Result<Shared, CompactionError> {
    let filter = block.file.index().trace_filter();
    let filter = filter.map_err(|error| block.damaged(error.into()))?;
    let table = block.traces()?;
    let mut traces: Vec<(u32, TraceId)> = trace_ids
        .iter()
        .filter(|id| filter.may_contain(**id))
        .filter_map(|id| Some((table.ordinal_of(*id)?, *id)))
        .collect();
    traces.sort_unstable();
    let reads = block.reads(traces.iter().map(|(ordinal, _)| rows_of(&table, *ordinal)))?;
    Ok(Shared { ids: traces.into_iter().map(|(_, id)| id).collect(), reads })
}

fn rows_of(table: &TraceTable, ordinal: u32) -> [u32; 2] {
    let first_rows = table.first_rows();
    [first_rows[ordinal as usize], first_rows[ordinal as usize + 1]]
}
