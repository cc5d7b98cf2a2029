//! Metrics: series of what spans do over time.
//!
//! A query is evaluated leaf by leaf. A leaf whose pipeline decides each span on its own is evaluated column by column:
//! rows that pass by masks, groups on dictionary codes, times to intervals, one loop for the function.
//! Units are looked at side by side, and their partial series merge in any order.
//! A leaf that looks at more than one span is evaluated trace by trace, see [`by_traces`].
//!
//! # Invariants
//! - A span counts once, however often and wherever it is stored. Traces of which a unit cannot know that (their span
//!   ids repeat, see [`repeats`]), and where conditions look at the whole trace also those that lie in several
//!   units, are evaluated whole; their rows are left out of the columns. To count by the root of a trace it is
//!   enough to know it, see [`roots`].
//! - A span belongs to the interval of its start.
//! - Memory grows with groups times intervals and is reserved; it does not grow with spans.

mod attribute_counts;
mod by_traces;
mod cells;
mod codes;
mod compare;
mod condition;
mod directory;
mod exemplars;
mod hints;
mod kernel;
mod leaf;
mod numbers;
mod plan;
mod repeats;
mod roots;
mod rows;
mod scan;
mod starts;
mod whole;

use futures::future::BoxFuture;
use spandrel_model::TenantId;
use spandrel_series::{Intervals, LeftOut, Series, combine, leaves, limit_exemplars, limit_series};
use spandrel_traceql::Query;
use spandrel_traceql::ast::{MetricsExpr, Root};

use crate::{QueryEngine, QueryError, SearchInspected, TimeRange};

pub use attribute_counts::{AttributesAnswer, AttributesQuery};
pub(crate) use codes::{Coded, coded};
pub use compare::duration_step_end;
pub(crate) use repeats::{Apart, Reach, RepeatsCache, Shared, shared_traces};
pub(crate) use rows::Rows;
pub(crate) use starts::Starts;

/// A metrics query. Nothing here has a default that hides a choice: every field changes the answer.
#[derive(Debug, Clone)]
pub struct MetricsQuery {
    /// A compiled metrics query (see `spandrel_traceql::compile`).
    pub query: Query,
    /// The intervals of the values.
    pub intervals: Intervals,
    /// How many series to return at most.
    pub series_max: usize,
    /// How many exemplars to return at most, over all series. The hint `exemplars` of the query overrides it.
    pub exemplars_max: usize,
}

/// The most exemplars that an answer has, whatever is asked for.
pub const EXEMPLARS_MAX: usize = 1000;

/// The series of a metrics query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricsAnswer {
    /// By labels.
    pub series: Vec<Series>,
    /// Set when there were more series than asked for.
    pub left_out: Option<LeftOut>,
    /// What it took.
    pub inspected: SearchInspected,
}

impl QueryEngine {
    /// Evaluates a metrics query.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn metrics<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: &'a MetricsQuery,
    ) -> BoxFuture<'a, Result<MetricsAnswer, QueryError>> {
        self.metrics_of_all(std::slice::from_ref(tenant), request)
    }

    /// Evaluates a metrics query over the spans of several tenants, as if all were of one. What looks at more than one
    /// span of a trace sees those of one tenant at a time.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn metrics_of_all<'a>(
        &'a self,
        tenants: &'a [TenantId],
        request: &'a MetricsQuery,
    ) -> BoxFuture<'a, Result<MetricsAnswer, QueryError>> {
        Box::pin(self.within_deadline(run(self, tenants, request)))
    }
}

async fn run(
    engine: &QueryEngine,
    tenants: &[TenantId],
    request: &MetricsQuery,
) -> Result<MetricsAnswer, QueryError> {
    let Root::Metrics(expr) = &request.query.root else { return Err(QueryError::NotMetrics) };
    let (start_unix_nanos, end_unix_nanos) = request.intervals.bounds();
    let mut views = Vec::new();
    let mut inspected = SearchInspected::default();
    for tenant in tenants {
        engine.read_limits.check_metrics(tenant, &request.intervals)?;
        let view = engine.view(tenant, TimeRange { start_unix_nanos, end_unix_nanos }).await?;
        let blocks = view.in_range();
        inspected.blocks += blocks.len() as u64;
        inspected.block_bytes += blocks.iter().map(|entry| entry.size_bytes).sum::<u64>();
        views.push(view);
    }
    let settings = hints::Settings::of(request);
    let (mut found, mut held) = (Vec::new(), Vec::new());
    for leaf in leaves(expr) {
        let (series, bytes) =
            leaf::evaluate(engine, &views, leaf, &settings, &mut inspected).await?;
        held.push(bytes);
        found.push((leaf, series));
    }
    let counted = &engine.metrics.query().inspected;
    counted.bytes.add(inspected.bytes);
    counted.spans.add(inspected.spans);
    counted.blocks.add(inspected.blocks);
    counted.row_groups_pruned.add(inspected.row_groups_pruned());
    let mut series = series_of(expr, found);
    let left_out = limit_series(&mut series, request.series_max);
    drop(held);
    limit_exemplars(&mut series, settings.exemplars_max);
    Ok(MetricsAnswer { series, left_out, inspected })
}

/// Every leaf of the query is among those that were evaluated.
fn series_of(
    expr: &MetricsExpr,
    found: Vec<(spandrel_series::Leaf<'_>, Vec<Series>)>,
) -> Vec<Series> {
    combine(expr, &mut |leaf| {
        let series = found.iter().find(|(known, _)| *known == leaf);
        series.map(|(_, series)| series.clone()).unwrap_or_default()
    })
}
