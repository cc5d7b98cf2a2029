//! Spans as the rows of a table, unit by unit, for engines that compute on columns of their own (SQL).
//!
//! What such an engine asks for is a list of columns and a condition that all rows of interest satisfy. The condition
//! prunes as that of a search does: blocks by time, row groups by the index, then rows by masks, columns of the
//! condition first. It may be weaker than what the engine has in mind, never stronger.
//!
//! # Invariants
//! - A span is one row, however often it is stored: traces in which a span id repeats are gathered whole, copies
//!   left out, and come as units of their own ([`RowUnit::Whole`]); their rows elsewhere are left out. The same holds
//!   for traces that lie in several units when a column depends on the whole trace.
//! - A table does not change while it is open.
//! - Everything that is read counts against the budget of the table ([`SpanTable::budget`]), whatever task reads.

mod columns;
mod types;
mod units;

use std::sync::Arc;
use std::time::Duration;

use arrow_array::ArrayRef;
use futures::future::BoxFuture;
use spandrel_base::memory::{MemoryBudget, Reservation};
use spandrel_catalog::BlockEntry;
use spandrel_ingest::LiveRun;
use spandrel_model::{TenantId, TraceId};
use spandrel_traceql::{Attribute, FieldExpr};

use crate::engine::View;
use crate::memory::{self, Held};
use crate::metrics::Apart;
use crate::scan::Counters;
use crate::{QueryEngine, QueryError, SearchInspected, TimeRange};

pub use types::{ValueKind, ValueType};

/// The spans of one tenant as they are at one moment.
pub struct SpanTable {
    engine: Arc<QueryEngine>,
    view: View,
    budget: MemoryBudget,
    counters: Counters,
}

/// A column of spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpanColumn {
    /// Start, Unix nanoseconds, as `Int64`.
    Start,
    /// The W3C tracestate as text.
    TraceState,
    /// How many spans this one stands for, as `Float64`: more than 1 when its trace was sampled.
    Weight,
    /// An id as `FixedSizeBinary`: of the trace, of the span or of its parent.
    Id(Attribute),
    /// The values of an attribute; absent ones are null.
    Values(Attribute, ValueKind),
}

/// What is wanted of the spans.
#[derive(Debug, Clone)]
pub struct RowsWanted {
    /// The columns, in this order.
    pub columns: Vec<SpanColumn>,
    /// Rows that do not satisfy it may be left out. Must not read `parent.` attributes.
    pub filter: Option<FieldExpr>,
    /// Rows that do not start in it are left out.
    pub range: TimeRange,
}

/// Where some rows come from.
#[derive(Clone)]
pub enum RowUnit {
    /// A live run.
    Live(Arc<LiveRun>),
    /// A row group of a block, by number.
    Stored(Arc<BlockEntry>, usize),
    /// Traces that are gathered whole.
    Whole(Arc<[TraceId]>),
}

/// The units that may hold rows that are wanted, those with the newest spans first.
#[derive(Clone)]
pub struct RowUnits {
    /// The units.
    pub units: Vec<RowUnit>,
    /// Row groups of blocks in the time range that are not among them.
    pub row_groups_pruned: u64,
    apart: Arc<Apart>,
}

/// Rows of a unit.
pub struct SpanRows {
    /// How many there are; never 0.
    pub n_rows: usize,
    /// The columns that were asked for. Texts are `Dictionary(Int32, Utf8)`.
    pub columns: Vec<ArrayRef>,
    _held: (Vec<Held>, Reservation),
}

impl QueryEngine {
    /// How long a query may take.
    pub fn deadline(&self) -> Duration {
        self.options.deadline
    }

    /// The spans of a tenant. Blocks out of the range are never looked at.
    ///
    /// # Errors
    /// [`QueryError::Store`] when the tenant's blocks cannot be listed, [`QueryError::RangeTooLong`] when the tenant
    /// has set that its searches look at less time.
    pub fn span_table<'a>(
        self: &'a Arc<Self>,
        tenant: &'a TenantId,
        range: TimeRange,
    ) -> BoxFuture<'a, Result<SpanTable, QueryError>> {
        Box::pin(async move {
            self.read_limits.check_search(tenant, range)?;
            let view = self.view(tenant, range).await?;
            let budget = memory::one_query(&self.options.memory, self.options.query_bytes_max);
            Ok(SpanTable { engine: Arc::clone(self), view, budget, counters: Counters::default() })
        })
    }
}

impl SpanTable {
    /// The memory of the query that the table was opened for.
    pub fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// The time range that it was opened for.
    pub fn range(&self) -> TimeRange {
        self.view.range()
    }

    /// What was read of it until now.
    pub fn inspected(&self) -> SearchInspected {
        let mut inspected = SearchInspected::default();
        self.counters.report(&mut inspected);
        inspected
    }

    /// Counts a query that was refused for lack of memory.
    pub fn count_refusal(&self, error: &QueryError) {
        if let QueryError::Memory(exhausted) = error {
            self.engine.metrics.query().refused.inc(&memory::reason(exhausted));
        }
    }

    /// The types of the values of each attribute, over all spans in the range.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn value_types<'a>(
        &'a self,
        attributes: &'a [Attribute],
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<ValueType>, QueryError>> {
        Box::pin(memory::within_budget(self.budget.clone(), types::of(self, attributes, range)))
    }

    /// The units that may hold rows that are wanted.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn units<'a>(
        &'a self,
        wanted: &'a RowsWanted,
    ) -> BoxFuture<'a, Result<RowUnits, QueryError>> {
        Box::pin(memory::within_budget(self.budget.clone(), units::find(self, wanted)))
    }

    /// The rows of one of the [`SpanTable::units`] that start in a range; `None` when none of them is wanted.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn read<'a>(
        &'a self,
        units: &'a RowUnits,
        unit: &'a RowUnit,
        wanted: &'a RowsWanted,
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Option<SpanRows>, QueryError>> {
        Box::pin(async move {
            let read = units::read(self, units, unit, wanted, range);
            memory::within_budget(self.budget.clone(), read).await
        })
    }
}

impl std::fmt::Debug for SpanTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpanTable").field("tenant", &self.view.tenant).finish_non_exhaustive()
    }
}
