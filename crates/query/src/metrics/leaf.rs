//! One leaf of a metrics query: the columnar pass, then the traces that are evaluated whole; or all by traces.

use std::sync::atomic::Ordering;

use spandrel_base::memory::Reservation;
use spandrel_series::{Comparison, Leaf, Partial, Series};
use spandrel_traceql::ast::{MetricsAggregate, MetricsFunction};

use super::hints::Settings;
use super::plan::Plan;
use super::repeats::Apart;
use super::scan::Scan;
use super::{by_traces, whole};
use crate::engine::View;
use crate::scan::Counters;
use crate::{QueryEngine, QueryError, SearchInspected, memory};

/// What has been found so far, and its memory.
pub(super) enum Sink {
    Series(Partial, Reservation),
    Comparison(Comparison, Reservation),
}

impl Sink {
    /// For a comparison whose counts are wanted, not its series.
    pub(super) fn of(comparison: Comparison) -> Result<Self, QueryError> {
        Ok(Self::Comparison(comparison, memory::reserve(0)?))
    }

    fn new(aggregate: &MetricsAggregate, settings: &Settings) -> Result<Self, QueryError> {
        let held = memory::reserve(0)?;
        Ok(match Partial::new(aggregate, settings.intervals) {
            Some(partial) => Self::Series(partial, held),
            None => {
                let top = match aggregate.function {
                    MetricsFunction::Compare { top, .. } => usize::try_from(top).unwrap_or(0),
                    _ => 0,
                };
                Self::Comparison(Comparison::new(top, settings.intervals), held)
            }
        })
    }

    /// A place for what a part finds.
    pub(super) fn empty(&self) -> Result<Self, QueryError> {
        let held = memory::reserve(0)?;
        Ok(match self {
            Self::Series(partial, _) => Self::Series(partial.empty(), held),
            Self::Comparison(comparison, _) => Self::Comparison(comparison.empty(), held),
        })
    }

    /// Adds what a part has found.
    pub(super) fn merge(&mut self, found: Self) -> Result<(), QueryError> {
        match (&mut *self, found) {
            (Self::Series(own, _), Self::Series(found, _)) => own.merge(found),
            (Self::Comparison(own, _), Self::Comparison(found, _)) => own.merge(found),
            // Parts are made by `empty`, so both are of one kind.
            _ => {}
        }
        self.hold()
    }

    /// Reserves what it takes now.
    pub(super) fn hold(&mut self) -> Result<(), QueryError> {
        let (bytes, held) = match self {
            Self::Series(partial, held) => (partial.size_bytes(), held),
            Self::Comparison(comparison, held) => {
                comparison.limit_values();
                (comparison.size_bytes(), held)
            }
        };
        Ok(held.try_grow(bytes.saturating_sub(held.bytes()))?)
    }

    /// The series, and their memory. It is reserved twice: a leaf may be in a query more than once, and then its
    /// series are copied.
    fn finish(
        self,
        aggregate: &MetricsAggregate,
    ) -> Result<(Vec<Series>, Reservation), QueryError> {
        Ok(match self {
            Self::Series(partial, mut held) => {
                held.try_grow(partial.series_bytes(aggregate).saturating_mul(2))?;
                (partial.finish(aggregate), held)
            }
            // A comparison is never a part of another query.
            Self::Comparison(comparison, mut held) => {
                held.try_grow(comparison.series_bytes())?;
                (comparison.finish(), held)
            }
        })
    }
}

/// The series of a leaf, over the spans of all views, and their memory.
pub(super) async fn evaluate(
    engine: &QueryEngine,
    views: &[View],
    leaf: Leaf<'_>,
    settings: &Settings,
    inspected: &mut SearchInspected,
) -> Result<(Vec<Series>, Reservation), QueryError> {
    let plan = Plan::new(leaf, settings);
    let mut sink = Sink::new(leaf.aggregate, settings)?;
    for view in views {
        add(engine, view, &plan, &mut sink, inspected).await?;
    }
    sink.finish(leaf.aggregate)
}

/// Adds the spans of a view.
pub(super) async fn add(
    engine: &QueryEngine,
    view: &View,
    plan: &Plan<'_>,
    sink: &mut Sink,
    inspected: &mut SearchInspected,
) -> Result<(), QueryError> {
    let Some(filter) = plan.columnar() else {
        *inspected += by_traces::add(engine, view, plan, sink).await?;
        return Ok(());
    };
    let apart = Apart::find(engine, view, plan.reach).await?;
    let counters = Counters::default();
    let scan = Scan { engine, view, plan, filter, apart: &apart, counters: &counters };
    inspected.row_groups_ruled_out_by_statistics += scan.run(sink).await?;
    whole::add_traces(&scan, sink).await?;
    inspected.row_groups_read += counters.row_groups_read.load(Ordering::Relaxed);
    inspected.spans += counters.spans.load(Ordering::Relaxed);
    inspected.bytes += counters.bytes.load(Ordering::Relaxed);
    inspected.traces += apart.traces().len() as u64;
    Ok(())
}
