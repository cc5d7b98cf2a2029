//! Latencies of queries against the data set.

use std::sync::Arc;

use object_store::ObjectStoreExt;
use spandrel_block::read::{BlockFile, Opened};
use spandrel_catalog::BlockEntry;
use spandrel_ingest::Store;
use spandrel_model::{AttributeValue, TenantId, TraceId};
use spandrel_query::{QueryEngine, QueryOptions, Search, SearchAnswer, TimeRange};
use spandrel_telemetry::Metrics;

use super::cpu::Stopwatch;
use super::report::{Latency, Report};
use super::{BenchArgs, metrics, own_queries, services};

/// Far beyond what any query should take.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(600);

/// The blocks of the only tenant.
pub(super) async fn blocks(store: &Store) -> anyhow::Result<Vec<Arc<BlockEntry>>> {
    let snapshot = store.snapshot(&TenantId::single()).await?;
    Ok(snapshot.catalog.iter().flat_map(|catalog| catalog.blocks().cloned()).collect())
}

/// Bytes per span by column, and of everything that is not a column, largest first.
pub(super) async fn column_bytes(
    store: &Store,
    entries: &[Arc<BlockEntry>],
    n_spans: u64,
) -> anyhow::Result<Vec<(String, f64)>> {
    let mut sums = std::collections::BTreeMap::<String, u64>::new();
    for entry in entries {
        let path = Store::block_path(&TenantId::single(), entry);
        let bytes = store.objects().get(&path).await?.bytes().await?;
        let Opened::File(file) = BlockFile::open(&bytes, bytes.len() as u64)? else {
            anyhow::bail!("block {path} is not whole");
        };
        let mut rest = entry.size_bytes;
        for (name, size) in file.column_bytes() {
            rest = rest.saturating_sub(size);
            *sums.entry(name).or_default() += size;
        }
        *sums.entry("(block index, footer)".to_owned()).or_default() += rest;
    }
    let per_span = |bytes: u64| bytes as f64 / n_spans.max(1) as f64;
    let mut columns: Vec<_> = sums.into_iter().map(|(name, sum)| (name, per_span(sum))).collect();
    columns.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(columns)
}

/// The milliseconds that a search takes, warm, and its answer.
pub(super) async fn timed(
    engine: &QueryEngine,
    query: &str,
    traces_max: usize,
    runs: usize,
) -> anyhow::Result<(Vec<f64>, SearchAnswer)> {
    let query = spandrel_traceql::compile(query)?;
    let search = Search::newest(query, TimeRange::ALL, traces_max, 3);
    let tenant = TenantId::single();
    // The first run warms the caches of indexes and of the operating system.
    let mut answer = engine.search(&tenant, &search).await?;
    let mut times = Vec::new();
    for _ in 0..runs {
        let watch = Stopwatch::start();
        answer = engine.search(&tenant, &search).await?;
        times.push(watch.stop().wall.as_secs_f64() * 1e3);
    }
    Ok((times, answer))
}

/// As [`timed`], as a row of the report.
pub(super) async fn search_latency(
    engine: &QueryEngine,
    query: &str,
    traces_max: usize,
    runs: usize,
) -> anyhow::Result<(Latency, SearchAnswer)> {
    let (times, answer) = timed(engine, query, traces_max, runs).await?;
    let inspected = answer.inspected;
    let all = inspected.row_groups_read + inspected.row_groups_pruned();
    let row_groups = Some((inspected.row_groups_read, all));
    let found = answer.traces.len();
    Ok((Latency { row_groups, ..latency(query, times, found) }, answer))
}

struct Bench<'a> {
    engine: QueryEngine,
    runs: usize,
    report: &'a mut Report,
}

/// Measures the queries that the project has bars for, and some more.
pub(super) async fn measure(
    store: &Arc<Store>,
    registry: &Metrics,
    args: &BenchArgs,
    report: &mut Report,
) -> anyhow::Result<()> {
    // How long a query takes is what is measured.
    let options = QueryOptions { deadline: DEADLINE, ..QueryOptions::default() };
    let engine = QueryEngine::new(Arc::clone(store), options, registry.clone());
    let mut bench = Bench { engine, runs: args.runs.max(1), report };
    let sample = bench.search("{ span.app.order.id != nil }", 200, None).await?;
    let ids: Vec<TraceId> = sample.traces.iter().map(|found| found.trace_id).collect();
    bench.by_id(&ids).await?;
    let order = bench.rare_value(ids.last().copied()).await?;
    if let Some((key, value)) = order {
        bench.search(&format!("{{ span.{key} = \"{value}\" }}"), 20, Some(50.0)).await?;
    }
    bench.search("{ span.app.order.id = \"nobody-has-this\" }", 20, Some(50.0)).await?;
    let slow = "{ resource.service.name = \"checkout\" && duration > 1s }";
    bench.search(slow, 20, Some(50.0)).await?;
    for query in [
        "{ }",
        "{ status = error }",
        "{ name =~ \".*cart.*\" && span.http.response.status_code >= 500 }",
        "{ traceDuration > 5s }",
        "{ .http.route = \"/nowhere\" || span.db.query.text =~ \"SELECT .* FROM nothing\" }",
    ] {
        bench.search(query, 20, None).await?;
    }
    let Bench { engine, report, runs } = bench;
    let entries = blocks(store).await?;
    if let Some(file) = &args.queries {
        report.queries.extend(own_queries::measure(&engine, &entries, file, runs).await?);
    }
    services::measure(&engine, runs, report).await?;
    metrics::measure(&engine, &entries, report).await
}

impl Bench<'_> {
    async fn search(
        &mut self,
        query: &str,
        traces_max: usize,
        bar_ms: Option<f64>,
    ) -> anyhow::Result<SearchAnswer> {
        let (latency, answer) = search_latency(&self.engine, query, traces_max, self.runs).await?;
        self.report.queries.push(Latency { bar_ms, ..latency });
        Ok(answer)
    }

    async fn by_id(&mut self, ids: &[TraceId]) -> anyhow::Result<()> {
        let tenant = TenantId::single();
        let (mut times, mut n_spans) = (Vec::new(), 0);
        for id in ids {
            let watch = Stopwatch::start();
            let trace = self.engine.find_trace(&tenant, *id, TimeRange::ALL).await?;
            times.push(watch.stop().wall.as_secs_f64() * 1e3);
            n_spans = match trace {
                Some(trace) => trace.to_trace()?.spans.len(),
                None => 0,
            };
        }
        if !times.is_empty() {
            let latency = latency("trace by id", times, n_spans);
            self.report.queries.push(Latency { bar_ms: Some(10.0), ..latency });
        }
        Ok(())
    }

    /// A value that few spans have: the order id of one trace.
    async fn rare_value(&self, id: Option<TraceId>) -> anyhow::Result<Option<(String, String)>> {
        let Some(id) = id else { return Ok(None) };
        let trace = self.engine.find_trace(&TenantId::single(), id, TimeRange::ALL).await?;
        let Some(trace) = trace else { return Ok(None) };
        let spans = trace.to_trace()?.spans.into_iter();
        let mut attributes = spans.flat_map(|span| span.attributes);
        Ok(attributes.find_map(|attribute| match attribute.value {
            AttributeValue::String(value) if attribute.key == "app.order.id" => {
                Some((attribute.key, value))
            }
            _ => None,
        }))
    }
}

/// A row of the report from the times of its runs, of which there is at least one.
pub(super) fn latency(query: &str, mut times: Vec<f64>, found: usize) -> Latency {
    times.sort_by(f64::total_cmp);
    Latency {
        query: query.to_owned(),
        median_ms: times[times.len() / 2],
        max_ms: times[times.len() - 1],
        found,
        row_groups: None,
        bar_ms: None,
    }
}
