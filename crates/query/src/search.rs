//! Search: the traces in which a pipeline finds spans, the newest or the longest first.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use spandrel_model::{SpanId, TenantId, TraceId};
use spandrel_traceql::{Attribute, Query, Static};

use crate::{QueryEngine, QueryError, SearchCursor, SearchInspected, SearchOrder, TimeRange};

/// A search. Nothing here has a default that hides a choice: every field changes the answer.
#[derive(Debug, Clone)]
pub struct Search {
    /// A compiled query (see `spandrel_traceql::compile`).
    pub query: Query,
    /// Traces that overlap this range qualify.
    pub range: TimeRange,
    /// How many traces to return at most.
    pub traces_max: usize,
    /// How many spans of each spanset to return at most; all matching spans are counted.
    pub spans_per_spanset: usize,
    /// Which traces come first.
    pub order: SearchOrder,
    /// Only traces behind this position, which has to be of the same order.
    pub after: Option<SearchCursor>,
}

impl Search {
    /// A search for the newest traces, from the first one on.
    pub fn newest(
        query: Query,
        range: TimeRange,
        traces_max: usize,
        spans_per_spanset: usize,
    ) -> Self {
        let order = SearchOrder::NewestFirst;
        Self { query, range, traces_max, spans_per_spanset, order, after: None }
    }
}

/// The first matching traces.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchAnswer {
    /// In the order that was asked for; ties by trace id, ascending.
    pub traces: Vec<TraceMatch>,
    /// Where to go on when the answer is full; nothing may be behind it. `None` when there surely is nothing.
    pub next: Option<SearchCursor>,
    /// What it took.
    pub inspected: SearchInspected,
}

/// A trace in which the query finds spans.
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
    /// What the query finds, at least one; several where it groups, in the order of their first spans.
    pub spansets: Vec<Spanset>,
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
    /// Values of `by(...)` and of aggregates, by their canonical text, in the order of the query.
    pub attributes: Vec<(Arc<str>, Static)>,
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
    /// What the query looked at or selected, in the order of the query, without what the span lacks.
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
    /// Finds the first traces in which the query finds spans.
    ///
    /// # Errors
    /// [`QueryError`]; [`QueryError::NotExecuted`] for a metrics query.
    pub fn search<'a>(
        &'a self,
        tenant: &'a TenantId,
        search: &'a Search,
    ) -> BoxFuture<'a, Result<SearchAnswer, QueryError>> {
        Box::pin(self.within_deadline(crate::matched::search(self, tenant, search)))
    }
}
