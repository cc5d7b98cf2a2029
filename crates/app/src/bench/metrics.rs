//! How many spans a metrics query goes through per CPU second.

use std::sync::Arc;

use spandrel_catalog::BlockEntry;
use spandrel_model::TenantId;
use spandrel_query::{MetricsQuery, QueryEngine};
use spandrel_series::{Intervals, default_step};

use super::cpu::{Spent, Stopwatch};
use super::report::{Rate, Report};
use super::traffic;

/// What is measured: a name for the table, and the query.
const QUERIES: [(&str, &str); 7] = [
    ("metrics rate", "{ } | rate()"),
    ("metrics rate by service", "{ } | rate() by (resource.service.name)"),
    ("metrics rate by service, name", "{ } | rate() by (resource.service.name, name)"),
    ("metrics rate of errors by name", "{ status = error } | rate() by (name)"),
    ("metrics avg by service", "{ } | avg_over_time(duration) by (resource.service.name)"),
    (
        "metrics quantile by service",
        "{ } | quantile_over_time(duration, 0.5, 0.99) by (resource.service.name)",
    ),
    ("metrics compare", "{ } | compare({ status = error })"),
];

/// The clock of CPU time has ticks of 10 ms: a query is repeated until it took this many.
const CPU_SECONDS_MIN: f64 = 1.0;
/// No query is repeated more often.
const RUNS_MAX: u64 = 200;

/// Those that Grafana would ask for, over the time of all blocks.
pub(super) fn intervals(entries: &[Arc<BlockEntry>]) -> anyhow::Result<Intervals> {
    let start = entries.iter().map(|entry| entry.min_start_unix_nanos).min().unwrap_or_default();
    let end = entries.iter().map(|entry| entry.max_end_unix_nanos).max().unwrap_or_default();
    let (start, end) = (i64::try_from(start)?, i64::try_from(end)?);
    Ok(Intervals::range(start, end, default_step(end - start))?)
}

/// A query for all series.
pub(super) fn request(query: &str, intervals: Intervals) -> anyhow::Result<MetricsQuery> {
    let query = spandrel_traceql::compile(query)?;
    Ok(MetricsQuery { query, intervals, series_max: 100_000, exemplars_max: 0 })
}

/// Measures metrics over all blocks, warm: the first run of each query is not counted.
pub(super) async fn measure(
    engine: &QueryEngine,
    entries: &[Arc<BlockEntry>],
    report: &mut Report,
) -> anyhow::Result<()> {
    let n_spans: u64 = entries.iter().map(|entry| entry.n_spans).sum();
    let intervals = intervals(entries)?;
    for (name, query) in QUERIES {
        let query = request(query, intervals)?;
        let tenant = TenantId::single();
        engine.metrics(&tenant, &query).await?;
        let (mut spent, mut runs) = (Spent::default(), 0);
        while spent.cpu_seconds < CPU_SECONDS_MIN && runs < RUNS_MAX {
            let watch = Stopwatch::start();
            engine.metrics(&tenant, &query).await?;
            spent += watch.stop();
            runs += 1;
        }
        let rate: Rate = traffic::rate(name, n_spans * runs, spent);
        report.rates.push(rate);
    }
    Ok(())
}
