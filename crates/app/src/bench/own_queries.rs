//! Latencies of queries that somebody else has chosen.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use spandrel_catalog::BlockEntry;
use spandrel_model::TenantId;
use spandrel_query::QueryEngine;
use spandrel_traceql::ast::Root;

use super::cpu::Stopwatch;
use super::metrics;
use super::queries;
use super::report::Latency;

/// Measures the queries of a file, one on each line; empty lines and lines that begin with `#` are left out.
pub(super) async fn measure(
    engine: &QueryEngine,
    entries: &[Arc<BlockEntry>],
    file: &Path,
    runs: usize,
) -> anyhow::Result<Vec<Latency>> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let mut latencies = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let query = line.trim();
        if query.is_empty() || query.starts_with('#') {
            continue;
        }
        let latency = one(engine, entries, query, runs).await;
        latencies.push(latency.with_context(|| format!("{shown}, line {number}: {query}"))?);
    }
    Ok(latencies)
}

async fn one(
    engine: &QueryEngine,
    entries: &[Arc<BlockEntry>],
    query: &str,
    runs: usize,
) -> anyhow::Result<Latency> {
    if !matches!(spandrel_traceql::compile(query)?.root, Root::Metrics(_)) {
        return queries::search_latency(engine, query, 20, runs).await.map(|(latency, _)| latency);
    }
    let request = metrics::request(query, metrics::intervals(entries)?)?;
    let (mut times, mut n_series) = (Vec::new(), 0);
    // The first run warms the caches.
    for run in 0..=runs {
        let watch = Stopwatch::start();
        n_series = engine.metrics(&TenantId::single(), &request).await?.series.len();
        if run > 0 {
            times.push(watch.stop().wall.as_secs_f64() * 1e3);
        }
    }
    Ok(queries::latency(query, times, n_series))
}
