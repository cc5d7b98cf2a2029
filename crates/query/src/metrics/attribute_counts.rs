//! Attributes of selected spans, counted against those of the rest: all that `compare` counts, value by value.

use futures::future::BoxFuture;
use spandrel_model::TenantId;
use spandrel_series::{Comparison, ComparisonCounts, Intervals, Leaf};
use spandrel_traceql::ast::{MetricsAggregate, MetricsFunction, Root};
use spandrel_traceql::{FieldExpr, Query};

use super::hints::Settings;
use super::leaf::{self, Sink};
use super::plan::Plan;
use crate::{QueryEngine, QueryError, SearchInspected, TimeRange};

/// Values of one attribute that are told apart. An attribute that has more is hardly ever what tells spans apart, and
/// it is what takes the memory.
const VALUES_MAX: usize = 50_000;

/// Which spans are compared. Nothing here has a default that hides a choice: every field changes the answer.
#[derive(Debug, Clone)]
pub struct AttributesQuery {
    /// A compiled query that finds spans.
    pub query: Query,
    /// What the selected ones of them satisfy. A span for which it cannot be computed does not.
    pub selection: FieldExpr,
    /// Spans that start in this range count.
    pub range: TimeRange,
}

/// The attributes of all matching spans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AttributesAnswer {
    /// How many spans have which value. Durations come as whole numbers, the least nanoseconds of their step.
    pub counts: ComparisonCounts,
    /// What it took.
    pub inspected: SearchInspected,
}

impl QueryEngine {
    /// Counts the values of every attribute of the spans that a query finds, apart for those that are selected.
    ///
    /// # Errors
    /// [`QueryError`]; [`QueryError::NotExecuted`] for a query that finds no spans.
    pub fn count_attributes<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: &'a AttributesQuery,
    ) -> BoxFuture<'a, Result<AttributesAnswer, QueryError>> {
        Box::pin(self.within_deadline(run(self, tenant, request)))
    }
}

async fn run(
    engine: &QueryEngine,
    tenant: &TenantId,
    request: &AttributesQuery,
) -> Result<AttributesAnswer, QueryError> {
    let pipeline = match &request.query.root {
        Root::Pipeline(pipeline) => pipeline,
        Root::Metrics(_) => return Err(QueryError::NotExecuted("metrics queries")),
        Root::ScalarPipelines(_) => return Err(QueryError::NotExecuted("scalar pipelines")),
    };
    let TimeRange { start_unix_nanos, end_unix_nanos } = request.range;
    let Ok(intervals) = Intervals::instant(start_unix_nanos.max(0), end_unix_nanos) else {
        return Ok(AttributesAnswer::default());
    };
    engine.read_limits.check_metrics(tenant, &intervals)?;
    let view = engine.view(tenant, request.range).await?;
    let aggregate = MetricsAggregate {
        function: MetricsFunction::Compare {
            selection: request.selection.clone(),
            top: 0,
            window: None,
        },
        by: Vec::new(),
    };
    let settings = Settings { intervals, exemplars_max: 0, extrapolate: false };
    let plan = Plan::new(Leaf { pipeline, aggregate: &aggregate }, &settings);
    let blocks = view.in_range();
    let mut inspected = SearchInspected {
        blocks: blocks.len() as u64,
        block_bytes: blocks.iter().map(|entry| entry.size_bytes).sum(),
        ..SearchInspected::default()
    };
    let mut sink = Sink::of(Comparison::marked(VALUES_MAX, intervals))?;
    leaf::add(engine, &view, &plan, &mut sink, &mut inspected).await?;
    let counted = &engine.metrics.query().inspected;
    counted.bytes.add(inspected.bytes);
    counted.spans.add(inspected.spans);
    counted.blocks.add(inspected.blocks);
    counted.row_groups_pruned.add(inspected.row_groups_pruned());
    let counts = match sink {
        Sink::Comparison(comparison, _held) => comparison.counts(),
        // It was made for a comparison.
        Sink::Series(..) => ComparisonCounts::default(),
    };
    Ok(AttributesAnswer { counts, inspected })
}
