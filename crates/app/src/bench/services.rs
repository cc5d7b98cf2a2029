//! Latencies of the service model over all blocks.

use spandrel_model::TenantId;
use spandrel_query::{EdgesQuery, QueryEngine, RedBy, RedQuery, TimeRange};

use super::cpu::Stopwatch;
use super::queries::latency;
use super::report::Report;

/// Bars in milliseconds.
const MAP_MS: f64 = 300.0;
const LIST_MS: f64 = 5.0;

/// Measures the map, the lists and the figures, warm: the first run of each is not counted.
pub(super) async fn measure(
    engine: &QueryEngine,
    runs: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (tenant, range) = (TenantId::single(), TimeRange::ALL);
    for (name, bar_ms) in [
        ("service map", MAP_MS),
        ("services", LIST_MS),
        ("operations", LIST_MS),
        ("figures by service", MAP_MS),
        ("figures by operation", MAP_MS),
    ] {
        let (mut times, mut found) = (Vec::new(), 0);
        for run in 0..=runs {
            let watch = Stopwatch::start();
            found = match name {
                "service map" => {
                    engine.service_edges(&tenant, &EdgesQuery::all(range)).await?.edges.len()
                }
                "services" => engine.services(&tenant, range).await?.len(),
                "operations" => engine.operations(&tenant, None, range).await?.len(),
                "figures by service" => engine
                    .red(&tenant, &RedQuery::totals(range, RedBy::Service))
                    .await?
                    .series
                    .len(),
                _ => {
                    let query = RedQuery::totals(range, RedBy::Operation);
                    engine.red(&tenant, &query).await?.series.len()
                }
            };
            if run > 0 {
                times.push(watch.stop().wall.as_secs_f64() * 1e3);
            }
        }
        let row = latency(name, times, found);
        report.queries.push(super::report::Latency { bar_ms: Some(bar_ms), ..row });
    }
    Ok(())
}
