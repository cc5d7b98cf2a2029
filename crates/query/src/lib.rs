//! Questions about traces, answered exactly from live segments and blocks.
//!
//! A query looks at *units*: live runs and row groups of blocks. A search compiles each spanset filter to a
//! tree of leaves ([`filter`]); a leaf reads one attribute, so it is decided once per distinct value instead of once
//! per span, and by the block index alone where that is possible. What stands between the filters becomes steps
//! over the rows that pass ([`plan`]). What survives are candidate traces, in the order of the answer; each is
//! then read whole from every unit that holds a part of it and decided by the reference evaluation of the
//! language over the complete trace.
//!
//! # Invariants
//! - Answers do not depend on how a trace is spread over units: whatever looks at more than one span is
//!   evaluated over the complete trace.
//! - Search results are the first traces by start or by duration, ties by id; a scan stops only when no
//!   remaining unit can hold one that comes before them.
//! - Memory is bounded per unit and by the number of results, never by the number of spans; a query that
//!   would decode more than [`QueryOptions::query_bytes_max`] ends with [`QueryError::Memory`].
//! - A query that nobody waits for any more ends: its future is dropped, and with it everything but the CPU
//!   work that has begun.

mod ahead;
mod block_cache;
mod engine;
mod error;
mod even_traces;
mod exceptions;
mod filter;
mod find_trace;
mod fold_traces;
mod gather;
mod inspected;
mod kept_spans;
mod key_order;
mod matched;
mod memory;
mod metrics;
mod opening;
mod plan;
mod positions;
mod progress;
mod read_limits;
mod roots;
mod scan;
mod search;
mod search_order;
mod services;
mod span_table;
mod split;
mod stored;
mod tags;
mod tail;
mod trace_filter;
mod trace_match;
mod trace_spans;
mod unit;
mod unstored;
mod whole_trace;

pub use engine::{QueryEngine, QueryOptions, TimeRange};
pub use error::QueryError;
pub use even_traces::{SampleShare, SampledTraces, TraceSample};
pub use exceptions::{ExceptionGroup, Exceptions, ExceptionsQuery};
pub use fold_traces::FoldedTraces;
pub use inspected::SearchInspected;
pub use kept_spans::{Generations, SpansKept};
pub use metrics::{
    AttributesAnswer, AttributesQuery, EXEMPLARS_MAX, MetricsAnswer, MetricsQuery,
    duration_step_end,
};
pub use progress::{Jobs, Progress, SearchReport};
pub use read_limits::ReadLimits;
pub use search::{MatchedSpan, Search, SearchAnswer, ServiceStats, Spanset, TraceMatch};
pub use search_order::{InvalidCursor, SearchCursor, SearchOrder, UnknownOrder};
pub use services::{
    Dependency, EDGES_MAX, Edge, EdgesQuery, Operation, Overflow, RED_SERIES_MAX, RED_STEPS_MAX,
    RedAnswer, RedBy, RedKey, RedQuery, RedSeries, ServiceEdges,
};
pub use span_table::{
    RowUnit, RowUnits, RowsWanted, SpanColumn, SpanRows, SpanTable, ValueKind, ValueType,
};
pub use spandrel_service_model::{Connection, Counts, Durations, EdgeFigures, Figures};
pub use stored::{StoredBlock, TenantStatus};
pub use tags::{
    TagLimits, TagNames, TagNamesAnswer, TagNamesRequest, TagValue, TagValues, TagValuesRequest,
    TagsInspected, TagsReport,
};
pub use tail::{LiveTail, Tailed, TailedSpan};
pub use trace_filter::TraceFilter;
pub use trace_spans::{BareSpan, TraceSpans};
pub use unstored::unstored_traces;
pub use whole_trace::whole_trace;
