//! Whole traces out of every live run and block that holds a part of them.
//!
//! Traces are gathered many at a time: those that lie in one row group share its pages and dictionaries, and
//! in the row order of blocks the traces of one search are often neighbors.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use spandrel_base::cpu;
use spandrel_base::memory::Reservation;
use spandrel_block::index::AttributeDirectory;
use spandrel_block::read::{SPAN_COLUMNS_LEFT_OUT, assemble_spans, read_run_of_trace};
use spandrel_block::schema::{
    self, AttributeType, attribute_column, oversized_column, residual_column,
};
use spandrel_columns::SpanColumns;
use spandrel_ingest::LiveRun;
use spandrel_model::{Attribute as SpanAttribute, AttributeScope, Span, Trace, TraceId};
use spandrel_traceql::{Attribute, Intrinsic, Scope};

use crate::block_cache::{Columns, OpenBlock};
use crate::engine::View;
use crate::trace_spans::{TraceSpans, push_spans, read_rows};
use crate::whole_trace::{ids_repeat, whole_trace};
use crate::{QueryEngine, QueryError, memory};

/// Row groups read at the same time.
const SIDE_BY_SIDE: usize = 8;
/// Spans of a live run that are values at the same time.
const LIVE_PIECE_SPANS: usize = 8192;

/// What of the spans is wanted.
#[derive(Clone, Copy)]
pub(crate) enum SpanColumnsWanted<'a> {
    /// Everything.
    All,
    /// Ids, times, name, status, service, and what is needed to know these attributes. The rest is empty.
    For(&'a [Attribute]),
}

/// Collects the parts of traces.
#[derive(Clone, Copy)]
pub(crate) struct Gather<'a> {
    pub(crate) engine: &'a QueryEngine,
    pub(crate) view: &'a View,
    pub(crate) wanted: SpanColumnsWanted<'a>,
}

/// What is known of one of the traces.
#[derive(Default)]
struct Parts {
    spans: Vec<Span>,
    /// Units that hold some of them.
    n_units: usize,
    /// Memory of the spans.
    held: Vec<Reservation>,
}

/// Rows of a row group and the number of the trace that they belong to, in the order of the rows.
type Rows = Vec<(Range<u32>, usize)>;

impl Gather<'_> {
    /// The traces with these ids, whole and in this order. Ids of which there is no span are left out.
    pub(crate) async fn traces(&self, ids: &[TraceId]) -> Result<Vec<Trace>, QueryError> {
        let blocks = self.engine.blocks_of_traces(self.view, ids).await?;
        let mut traces = self.parts(&blocks, ids).await?;
        // Only whole spans can be told from copies of each other.
        if matches!(self.wanted, SpanColumnsWanted::For(_)) {
            let all = Self { wanted: SpanColumnsWanted::All, ..*self };
            for (id, parts) in ids.iter().zip(&mut traces) {
                if ids_repeat(&parts.spans) {
                    *parts = all.parts(&blocks, &[*id]).await?.pop().unwrap_or_default();
                }
            }
        }
        let found = ids.iter().zip(traces).filter(|(_, parts)| parts.n_units > 0);
        Ok(found.map(|(id, parts)| whole_trace(*id, parts.spans, parts.n_units)).collect())
    }

    /// The spans of all parts, by the number of the trace.
    async fn parts(
        &self,
        blocks: &[Arc<OpenBlock>],
        ids: &[TraceId],
    ) -> Result<Vec<Parts>, QueryError> {
        let mut traces: Vec<Parts> = ids.iter().map(|_| Parts::default()).collect();
        let mut add = |number: usize, spans: Vec<Span>| {
            let parts = &mut traces[number];
            parts.n_units += usize::from(!spans.is_empty());
            parts.spans.extend(spans);
        };
        for run in &self.view.live {
            for (number, id) in ids.iter().enumerate() {
                add(number, live_spans(run, *id)?);
            }
        }
        let mut reads = Vec::new();
        for block in blocks {
            let row_groups = rows_of(block, ids)?;
            reads.extend(row_groups.into_iter().map(|(row_group, rows)| (block, row_group, rows)));
        }
        let reads =
            reads.into_iter().map(|(block, row_group, rows)| self.read(block, row_group, rows));
        let mut reads = stream::iter(reads).buffered(SIDE_BY_SIDE).boxed();
        let mut held = Vec::new();
        while let Some(parts) = reads.try_next().await? {
            let spans = parts.iter().flat_map(|(_, spans)| spans);
            held.push(memory::reserve(spans.map(memory_of).sum())?);
            parts.into_iter().for_each(|(number, spans)| add(number, spans));
        }
        drop(reads);
        // They are all dropped together.
        if let Some(first) = traces.first_mut() {
            first.held = held;
        }
        Ok(traces)
    }

    /// The trace with this id in columns, everything of it; `None` when there is no span.
    pub(crate) async fn all_columns(
        &self,
        trace_id: TraceId,
    ) -> Result<Option<TraceSpans>, QueryError> {
        let blocks = self.engine.blocks_of_traces(self.view, &[trace_id]).await?;
        let mut spans = SpanColumns::default();
        // What lies in one row group is in order; everything else is arranged.
        let (mut n_parts, mut in_order) = (0, true);
        let mut held = memory::reserve(0)?;
        for run in self.view.live.iter().filter(|run| run.find(trace_id).is_some()) {
            let (run, before) = (Arc::clone(run), spans.size_bytes());
            spans = cpu::run(move || with_live_spans(spans, &run, trace_id)).await??;
            held.try_grow(spans.size_bytes().saturating_sub(before))?;
            (n_parts, in_order) = (n_parts + 1, false);
        }
        let mut reads = Vec::new();
        for block in &blocks {
            let row_groups = rows_of(block, &[trace_id])?;
            reads.extend(row_groups.into_iter().map(|(row_group, rows)| (block, row_group, rows)));
        }
        let reads = reads
            .into_iter()
            .map(|(block, row_group, rows)| read_columns(trace_id, block, row_group, rows));
        // Nothing is waited for between the reads: one that is not polled keeps its core.
        let reads = stream::iter(reads).buffered(SIDE_BY_SIDE).boxed();
        let parts: Vec<Option<SpanColumns>> = reads.try_collect().await?;
        for part in parts.iter().flatten() {
            // The part, and its copy in the whole.
            held.try_grow(2 * part.size_bytes())?;
            n_parts += 1;
        }
        if n_parts == 0 {
            return Ok(None);
        }
        in_order &= n_parts == 1;
        let joined = move || {
            parts.iter().flatten().for_each(|part| spans.append(part));
            drop(parts);
            TraceSpans::new(trace_id, spans, in_order)
        };
        let trace = cpu::run(joined).await??;
        Ok(Some(trace.holding(held)))
    }

    /// The wanted columns of some rows of a row group.
    async fn batch(
        &self,
        block: &OpenBlock,
        row_group: usize,
        rows: &Rows,
    ) -> Result<Option<Columns>, QueryError> {
        let names = match self.wanted {
            SpanColumnsWanted::All => stored_columns(block).map(str::to_owned).collect(),
            SpanColumnsWanted::For(attributes) => columns_for(attributes, block.attributes()?),
        };
        let ranges: Vec<_> = rows.iter().map(|(rows, _)| rows.clone()).collect();
        block.columns_of_few_rows(row_group, names.iter().map(String::as_str), &ranges).await
    }

    /// The spans of some rows of a row group, by the number of their trace.
    async fn read(
        &self,
        block: &OpenBlock,
        row_group: usize,
        rows: Rows,
    ) -> Result<Vec<(usize, Vec<Span>)>, QueryError> {
        let Some(batch) = self.batch(block, row_group, &rows).await? else { return Ok(Vec::new()) };
        let spans = assemble_spans(&batch).map_err(|source| block.damaged(source))?;
        let mut spans = spans.into_iter();
        Ok(rows
            .into_iter()
            .map(|(rows, number)| (number, spans.by_ref().take(rows.len()).collect()))
            .collect())
    }
}

/// The columns of which spans are made.
fn stored_columns(block: &OpenBlock) -> impl Iterator<Item = &str> {
    block.file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name))
}

/// Some rows of a row group, all of one trace, as columns.
async fn read_columns(
    trace_id: TraceId,
    block: &OpenBlock,
    row_group: usize,
    rows: Rows,
) -> Result<Option<SpanColumns>, QueryError> {
    let names = stored_columns(block).filter(|name| *name != schema::TRACE_ID);
    let rows: Vec<_> = rows.into_iter().map(|(rows, _)| rows).collect();
    let Some(batch) = block.columns_of_few_rows(row_group, names, &rows).await? else {
        return Ok(None);
    };
    let part = cpu::run(move || read_run_of_trace(trace_id, &batch)).await?;
    part.map(Some).map_err(|source| block.damaged(source))
}

/// Where the traces lie in a block, by row group.
fn rows_of(block: &OpenBlock, ids: &[TraceId]) -> Result<BTreeMap<usize, Rows>, QueryError> {
    let table = block.traces()?;
    let mut row_groups: BTreeMap<usize, Rows> = BTreeMap::new();
    for (number, id) in ids.iter().enumerate() {
        let Some(trace) = table.find(*id) else { continue };
        let row_group = block.file.row_group_of(trace.first_row);
        let first = trace.first_row - block.file.row_group_rows(row_group).start;
        let rows = first..first + trace.facts.n_rows;
        row_groups.entry(row_group).or_default().push((rows, number));
    }
    row_groups.values_mut().for_each(|rows| rows.sort_unstable_by_key(|(rows, _)| rows.start));
    Ok(row_groups)
}

/// Adds the spans of a live run, a piece at a time: as values they take several times as much.
fn with_live_spans(
    mut spans: SpanColumns,
    run: &LiveRun,
    trace_id: TraceId,
) -> Result<SpanColumns, QueryError> {
    for rows in live_rows(run, trace_id).chunks(LIVE_PIECE_SPANS) {
        push_spans(trace_id, read_rows(run.spans(), rows)?, &mut spans)?;
    }
    Ok(spans)
}

fn live_spans(run: &LiveRun, trace_id: TraceId) -> Result<Vec<Span>, QueryError> {
    read_rows(run.spans(), live_rows(run, trace_id))
}

/// The rows of a trace, in its order.
fn live_rows(run: &LiveRun, trace_id: TraceId) -> &[u32] {
    run.find(trace_id).map_or(&[], |trace| {
        let rows = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
        &run.arrangement().order[rows]
    })
}

/// About what a span takes.
pub(crate) fn memory_of(span: &Span) -> usize {
    size_of::<Span>() + span.name.len() + span.attributes.len() * size_of::<SpanAttribute>()
}

/// Columns of a block that are needed to know these attributes.
fn columns_for(attributes: &[Attribute], directory: &AttributeDirectory) -> Vec<String> {
    let always = [
        schema::TRACE_ID,
        schema::SPAN_ID,
        schema::PARENT_ROW_OFFSET,
        schema::PARENT_SPAN_ID,
        schema::START,
        schema::DURATION,
        schema::NAME,
        schema::STATUS_CODE,
    ];
    let mut names: Vec<String> = always.map(str::to_owned).into();
    let mut push_key = |scope, key: &str| {
        names.extend(AttributeType::ALL.map(|kind| attribute_column(scope, key, kind)));
        names.push(residual_column(scope).to_owned());
        if directory.find(scope, key).is_some_and(|entry| entry.oversized().is_some()) {
            names.push(oversized_column(scope).to_owned());
        }
    };
    push_key(AttributeScope::Resource, "service.name");
    for attribute in attributes {
        if let Attribute::Scoped { scope, name, .. } = attribute {
            if matches!(scope, Scope::None | Scope::Span) {
                push_key(AttributeScope::Span, name);
            }
            if matches!(scope, Scope::None | Scope::Resource) {
                push_key(AttributeScope::Resource, name);
            }
            if *scope == Scope::Instrumentation {
                push_key(AttributeScope::Instrumentation, name);
            }
        }
    }
    for attribute in attributes {
        let name = match attribute {
            Attribute::Intrinsic(intrinsic) => match intrinsic {
                Intrinsic::StatusMessage => schema::STATUS_MESSAGE,
                Intrinsic::Kind => schema::KIND,
                Intrinsic::EventName | Intrinsic::EventTimeSinceStart => schema::EVENTS,
                Intrinsic::LinkTraceId | Intrinsic::LinkSpanId => schema::LINKS,
                Intrinsic::InstrumentationName => schema::SCOPE_NAME,
                Intrinsic::InstrumentationVersion => schema::SCOPE_VERSION,
                _ => continue,
            },
            Attribute::Scoped { scope: Scope::Event, .. } => schema::EVENTS,
            Attribute::Scoped { scope: Scope::Link, .. } => schema::LINKS,
            Attribute::Scoped { .. } => continue,
        };
        names.push(name.to_owned());
    }
    names.sort_unstable();
    names.dedup();
    names
}
