//! Which units may hold rows that are wanted, and the rows of one.

use std::sync::Arc;

use arrow_buffer::BooleanBuffer;
use spandrel_columns::SpanColumns;
use spandrel_ingest::LiveRun;
use spandrel_model::TraceId;
use spandrel_traceql::FieldExpr;

use super::{RowUnit, RowUnits, RowsWanted, SpanColumn, SpanRows, SpanTable, columns};
use crate::engine::OPENING;
use crate::filter::{Node, needs_whole_trace, row_groups};
use crate::gather::{Gather, SpanColumnsWanted};
use crate::metrics::{Apart, Reach, Rows, Starts};
use crate::scan::{Counters, passing_rows};
use crate::trace_spans::push_spans;
use crate::unit::Unit;
use crate::{QueryError, TimeRange, memory};

/// Traces that are gathered at a time, which bounds what is held.
const TRACES_AT_A_TIME: usize = 512;

/// What a condition lets pass at least.
fn compiled(filter: Option<&FieldExpr>) -> Node {
    filter.map_or(Node::Const(true), |filter| Node::compile(filter, true))
}

fn reads_whole_traces(wanted: &RowsWanted) -> bool {
    let of_columns = wanted.columns.iter().any(|column| match column {
        SpanColumn::Values(attribute, _) => needs_whole_trace(attribute),
        SpanColumn::Start | SpanColumn::TraceState | SpanColumn::Weight | SpanColumn::Id(_) => {
            false
        }
    });
    of_columns || wanted.filter.iter().flat_map(FieldExpr::attributes).any(needs_whole_trace)
}

pub(super) async fn find(table: &SpanTable, wanted: &RowsWanted) -> Result<RowUnits, QueryError> {
    let SpanTable { engine, view, .. } = table;
    let reach = if reads_whole_traces(wanted) { Reach::Trace } else { Reach::Span };
    let apart = Apart::find(engine, view, reach).await?;
    let node = compiled(wanted.filter.as_ref());
    let whole = apart.traces().chunks(TRACES_AT_A_TIME);
    let mut units: Vec<RowUnit> = whole.map(|ids| RowUnit::Whole(ids.into())).collect();
    units.extend(view.live.iter().rev().map(|run| RowUnit::Live(Arc::clone(run))));
    let mut row_groups_pruned = 0;
    let entries = view.in_range();
    let entries: Vec<_> =
        entries.into_iter().filter(|entry| wanted.range.overlaps_block(entry)).collect();
    for entries in entries.chunks(OPENING) {
        let blocks = engine.open_some(view, entries).await?;
        for (entry, block) in entries.iter().zip(blocks) {
            let kept = row_groups(&node, &block)?;
            row_groups_pruned += (block.file.n_row_groups() - kept.len()) as u64;
            units.extend(kept.into_iter().map(|group| RowUnit::Stored(Arc::clone(entry), group)));
        }
    }
    Ok(RowUnits { units, row_groups_pruned, apart: Arc::new(apart) })
}

pub(super) async fn read(
    table: &SpanTable,
    units: &RowUnits,
    unit: &RowUnit,
    wanted: &RowsWanted,
    range: TimeRange,
) -> Result<Option<SpanRows>, QueryError> {
    // A live run needs no I/O: this is where a deadline or a client that left stops the query.
    tokio::task::yield_now().await;
    let counters = &table.counters;
    let (unit, apart, held) = match unit {
        RowUnit::Live(run) => {
            Counters::add(&counters.live_runs, 1);
            (Unit::Live(Arc::clone(run)), Some(&*units.apart), None)
        }
        RowUnit::Stored(entry, _) if !range.overlaps_block(entry) => return Ok(None),
        RowUnit::Stored(entry, row_group) => {
            Counters::add(&counters.row_groups_read, 1);
            let block = table.engine.open(&table.view, entry).await?;
            (Unit::Block(block, *row_group), Some(&*units.apart), None)
        }
        RowUnit::Whole(ids) => {
            let (run, held) = gathered(table, ids).await?;
            (Unit::Live(Arc::new(run)), None, Some(held))
        }
    };
    Counters::add(&counters.spans, unit.n_rows());
    let rows = wanted_rows(&unit, apart, (wanted, range), counters).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut read = columns::read(&unit, &rows, &wanted.columns, counters).await?;
    read._held.0.extend(held.map(memory::Held::new));
    Ok(Some(read))
}

/// The rows that pass, as far as the condition tells.
async fn wanted_rows(
    unit: &Unit,
    apart: Option<&Apart>,
    (wanted, range): (&RowsWanted, TimeRange),
    counters: &Counters,
) -> Result<Rows, QueryError> {
    let n_rows = unit.n_rows();
    let mut rows = Rows::all(n_rows);
    if let Some(apart) = apart.map(|apart| apart.rows_of(unit)).transpose()?.flatten() {
        rows = rows.without(apart.into_iter().map(|row| row as usize));
    }
    if range != TimeRange::ALL {
        let starts = Starts::of(unit).await?;
        let inside = |row: usize| range.overlaps(starts.nanos[row], starts.nanos[row]);
        rows = rows.and(&BooleanBuffer::collect_bool(n_rows, inside));
    }
    if rows.is_empty() || wanted.filter.is_none() {
        return Ok(rows);
    }
    let node = compiled(wanted.filter.as_ref());
    Ok(rows.and(&passing_rows(&node, unit, counters).await?))
}

/// Whole traces, every span once, as a run.
async fn gathered(
    table: &SpanTable,
    ids: &[TraceId],
) -> Result<(LiveRun, spandrel_base::memory::Reservation), QueryError> {
    let SpanTable { engine, view, .. } = table;
    let gather = Gather { engine, view, wanted: SpanColumnsWanted::All };
    let mut columns = SpanColumns::default();
    let mut held = memory::reserve(0)?;
    for trace in gather.traces(ids).await? {
        push_spans(trace.trace_id, trace.spans, &mut columns)?;
        let n_bytes = columns.size_bytes();
        held.try_grow(n_bytes.saturating_sub(held.bytes()))?;
        tokio::task::yield_now().await;
    }
    Ok((LiveRun::new(columns), held))
}
