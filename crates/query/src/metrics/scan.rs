//! The columnar pass of a leaf over the units in the time range.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_buffer::BooleanBuffer;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use spandrel_base::cpu;
use spandrel_block::schema;
use spandrel_retention::weight;
use spandrel_series::Partial;
use spandrel_traceql::Attribute;

use super::codes::{Groups, coded};
use super::condition::{Condition, Failing};
use super::exemplars::Ids;
use super::leaf::Sink;
use super::numbers::Numbers;
use super::plan::Plan;
use super::repeats::Apart;
use super::rows::Rows;
use super::starts::{Starts, UnitIntervals};
use super::{compare, directory, kernel};
use crate::engine::{OPENING, View};
use crate::filter::LeafColumn;
use crate::scan::Counters;
use crate::unit::Unit;
use crate::{QueryEngine, QueryError, memory};

/// Units looked at at the same time: some wait for their columns while others are computed.
const SIDE_BY_SIDE: usize = 4;

/// A columnar pass.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    pub(super) engine: &'a QueryEngine,
    pub(super) view: &'a View,
    pub(super) plan: &'a Plan<'a>,
    /// What a span has to satisfy.
    pub(super) filter: &'a Condition,
    /// Traces whose rows are left out.
    pub(super) apart: &'a Apart,
    pub(super) counters: &'a Counters,
}

impl Scan<'_> {
    /// Looks at all units in the time range. Returns how many row groups were not read.
    pub(super) async fn run(&self, sink: &mut Sink) -> Result<u64, QueryError> {
        let live = self.view.live.iter().map(|run| Unit::Live(Arc::clone(run)));
        self.units(live.collect(), sink).await?;
        let mut pruned = 0;
        for entries in self.view.in_range().chunks(OPENING) {
            let blocks = self.engine.open_some(self.view, entries).await?;
            let mut units = Vec::new();
            for (entry, block) in entries.iter().zip(blocks) {
                let n_all = block.file.n_row_groups();
                if directory::count(self, entry, &block, sink)? {
                    pruned += n_all as u64;
                    continue;
                }
                let kept = self.filter.row_groups(&block)?;
                pruned += (n_all - kept.len()) as u64;
                units.extend(kept.into_iter().map(|group| Unit::Block(Arc::clone(&block), group)));
            }
            self.units(units, sink).await?;
        }
        Ok(pruned)
    }

    async fn units(&self, units: Vec<Unit>, sink: &mut Sink) -> Result<(), QueryError> {
        let parts = units.into_iter().map(|unit| Ok((unit, sink.empty()?)));
        let parts = parts.collect::<Result<Vec<_>, QueryError>>()?;
        let scans = parts.into_iter().map(|(unit, found)| self.unit(unit, found));
        let mut scans = stream::iter(scans).buffer_unordered(SIDE_BY_SIDE).boxed();
        while let Some(found) = scans.try_next().await? {
            sink.merge(found)?;
        }
        Ok(())
    }

    /// What a unit adds.
    fn unit(&self, unit: Unit, found: Sink) -> BoxFuture<'_, Result<Sink, QueryError>> {
        Box::pin(async move {
            // A live run needs no I/O: this is where a deadline or a client that left stops the pass.
            tokio::task::yield_now().await;
            let number = self.counters.row_groups_read.fetch_add(1, Ordering::Relaxed);
            self.counters.spans.fetch_add(unit.n_rows() as u64, Ordering::Relaxed);
            let starts = Starts::of(&unit).await?;
            let bytes = size_of_val(&*starts.nanos) as u64;
            self.counters.bytes.fetch_add(bytes, Ordering::Relaxed);
            let intervals = UnitIntervals::of(&self.plan.settings.intervals, &starts.nanos);
            let Some(intervals) = intervals else { return Ok(found) };
            let considered = self.considered(&unit, &starts, &intervals)?;
            if considered.is_empty() {
                return Ok(found);
            }
            // Codes of rows by column, and what is made of them.
            let n_columns = self.plan.aggregate.by.len() + 1;
            let _held = memory::reserve(considered.len() * n_columns * size_of::<u64>())?;
            let rows =
                self.filter.passing(&unit, considered, Failing::Query, self.counters).await?;
            if rows.is_empty() {
                return Ok(found);
            }
            match found {
                Sink::Series(partial, held) => {
                    let input = self.input(&unit, starts, intervals, rows).await?;
                    let partial = cpu::run(move || added(input, partial)).await?;
                    Ok(Sink::Series(partial, held))
                }
                Sink::Comparison(comparison, held) => {
                    let unit = compare::Unit { unit: &unit, number, starts, intervals, rows };
                    let comparison = compare::scan(self, unit, comparison).await?;
                    Ok(Sink::Comparison(comparison, held))
                }
            }
        })
    }

    /// The rows in the time range whose traces are not evaluated apart.
    fn considered(
        &self,
        unit: &Unit,
        starts: &Starts,
        intervals: &UnitIntervals,
    ) -> Result<Rows, QueryError> {
        let n_rows = starts.nanos.len();
        let mut rows = Rows::all(n_rows);
        if let Some(apart) = self.apart.rows_of(unit)? {
            rows = rows.without(apart.into_iter().map(|row| row as usize));
        }
        if !intervals.all_inside {
            let inside = |row: usize| intervals.index(starts.nanos[row]).is_some();
            rows = rows.and(&BooleanBuffer::collect_bool(n_rows, inside));
        }
        Ok(rows)
    }

    /// Reads what the loops need.
    async fn input(
        &self,
        unit: &Unit,
        starts: Starts,
        intervals: UnitIntervals,
        rows: Rows,
    ) -> Result<(kernel::Unit, Vec<LeafColumn>), QueryError> {
        let Plan { aggregate, settings, measured, .. } = self.plan;
        let mut columns = Vec::new();
        for attribute in &aggregate.by {
            columns.push(self.column(unit, attribute).await?);
        }
        let numbers = match measured {
            Some(attribute) => Numbers::of(self.column(unit, attribute).await?),
            None => Numbers::None,
        };
        let weights = if settings.extrapolate { weights(unit, &rows).await? } else { Vec::new() };
        let ids = if settings.exemplars_max > 0 { Ids::of(unit).await? } else { None };
        let groups = Groups::of(Vec::new(), &rows);
        let input = kernel::Unit { starts, intervals, rows, groups, numbers, weights, ids };
        Ok((input, columns))
    }

    pub(super) async fn column(
        &self,
        unit: &Unit,
        attribute: &Attribute,
    ) -> Result<LeafColumn, QueryError> {
        let mut column = unit.column(attribute).await?;
        if let Some(layer) = self.apart.layer(unit, attribute)? {
            column.layers.insert(0, layer);
        }
        self.counters.bytes.fetch_add(column.size_bytes() as u64, Ordering::Relaxed);
        Ok(column)
    }
}

/// The CPU work of a unit.
fn added((mut input, columns): (kernel::Unit, Vec<LeafColumn>), mut partial: Partial) -> Partial {
    let coded = columns.iter().map(|column| coded(column, &input.rows)).collect();
    input.groups = Groups::of(coded, &input.rows);
    input.add_to(&mut partial);
    partial
}

/// The weights of rows that have one other than 1.
async fn weights(unit: &Unit, rows: &Rows) -> Result<Vec<(u32, f64)>, QueryError> {
    let other = |text: &str| Some(weight(text)).filter(|weight| *weight != 1.0);
    match unit {
        Unit::Live(run) => {
            let states = &run.spans().trace_states;
            let own: Vec<_> = states.dictionary.iter().map(other).collect();
            let codes = states.codes.iter().filter(|(row, _)| rows.contains(*row as usize));
            Ok(codes.filter_map(|(row, code)| Some((row, own[code as usize]?))).collect())
        }
        Unit::Block(block, row_group) => {
            let columns = block.columns(*row_group, [schema::TRACE_STATE], None).await?;
            let column = columns.as_ref().and_then(|c| c.column_by_name(schema::TRACE_STATE));
            let states = column.and_then(|column| column.as_dictionary_opt::<Int32Type>());
            let Some(states) = states else { return Ok(Vec::new()) };
            let Some(texts) = states.values().as_string_opt::<i32>() else { return Ok(Vec::new()) };
            let own: Vec<_> = texts.iter().map(|text| other(text.unwrap_or(""))).collect();
            let keys =
                states.keys().iter().zip(0..).filter(|(_, row)| rows.contains(*row as usize));
            Ok(keys.filter_map(|(key, row)| Some((row, own[key? as usize]?))).collect())
        }
    }
}
