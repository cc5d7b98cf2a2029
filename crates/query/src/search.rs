//! Search: the newest traces in which a span passes a filter.

use std::collections::BTreeMap;

use spandrel_model::{SpanId, TenantId, TraceId};
use spandrel_traceql::{Attribute, Query, Static};

use crate::{QueryEngine, QueryError, TimeRange};

/// A search. Nothing here has a default that hides a choice: every field changes the answer.
#[derive(Debug, Clone)]
pub struct Search {
    /// A compiled query (see `spandrel_traceql::compile`).
    pub query: Query,
    /// Traces that overlap this range qualify.
    pub range: TimeRange,
    /// How many traces to return at most.
    pub traces_max: usize,
    /// How many spans of each trace to return at most; all matching spans are counted.
    pub spans_per_spanset: usize,
}

/// The newest matching traces, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchAnswer {
    /// By start of the trace, descending; ties by trace id, ascending.
    pub traces: Vec<TraceMatch>,
    /// What it took.
    pub inspected: SearchInspected,
}

/// What a search looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchInspected {
    /// Blocks in the time range.
    pub blocks: u64,
    /// Their size.
    pub block_bytes: u64,
    /// Row groups of which columns were read.
    pub row_groups_read: u64,
    /// Row groups that the index ruled out, or that came after the last result.
    pub row_groups_pruned: u64,
    /// Spans in the live runs and row groups that were read.
    pub spans: u64,
    /// Candidate traces that were read whole.
    pub traces: u64,
    /// Bytes of the columns that were read, in memory.
    pub bytes: u64,
}

/// A trace with at least one matching span.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceMatch {
    /// The trace.
    pub trace_id: TraceId,
    /// Service of the root span; `None` when the root has not been received or names no service.
    pub root_service: Option<String>,
    /// Name of the root span; `None` when the root has not been received.
    pub root_name: Option<String>,
    /// Start of the earliest span, Unix nanoseconds.
    pub start_unix_nanos: i64,
    /// From there to the end of the span that ends last.
    pub duration_nanos: i64,
    /// The matching spans.
    pub spanset: Spanset,
    /// Spans and errors of each service, by name; a service without name is the empty string.
    pub services: BTreeMap<String, ServiceStats>,
}

/// Matching spans of one trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanset {
    /// The first ones by start, ties in the order of the trace.
    pub spans: Vec<MatchedSpan>,
    /// How many there are in all.
    pub matched: u32,
}

/// A matching span.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchedSpan {
    /// Its id.
    pub span_id: SpanId,
    /// Its name.
    pub name: String,
    /// Start, Unix nanoseconds.
    pub start_unix_nanos: i64,
    /// End minus start.
    pub duration_nanos: i64,
    /// What the query looked at, in the order of the query, without what the span lacks.
    pub attributes: Vec<(Attribute, Static)>,
}

/// Spans of one service within a trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceStats {
    /// All of them.
    pub n_spans: u32,
    /// Those with status error.
    pub n_errors: u32,
}

impl QueryEngine {
    /// Finds the newest traces in which a span passes the query's filter.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn search(
        &self,
        tenant: &TenantId,
        search: &Search,
    ) -> Result<SearchAnswer, QueryError> {
        self.within_deadline(crate::matched::search(self, tenant, search)).await
    }
}
