//! Measures queries: `cargo run --release -p spandrel-query --example query_speed [FOLDER [SPANS]]`.
//!
//! Asks a store on a local disk, by default 2 million spans of the demo shop in blocks of 200,000; a folder
//! that is named is filled when it is empty, and kept. Prints medians of warm runs.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message as _;
use spandrel_base::clock::SystemClock;
use spandrel_catalog::local::SyncedLocalFileSystem;
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
use spandrel_ingest::{Store, StoreOptions};
use spandrel_model::{TenantId, TraceId};
use spandrel_pipeline::{TraceBatch, TraceConsumer as _};
use spandrel_query::{QueryEngine, QueryOptions, Search, SearchAnswer, TimeRange};
use spandrel_telemetry::Metrics;

/// What the server runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 21;
/// Searches, each for the newest 20 traces.
const QUERIES: [&str; 9] = [
    "{ span.app.order.id = \"nobody-has-this\" }",
    "{ resource.service.name = \"checkout\" && duration > 1s }",
    "{ }",
    "{ name =~ \".*cart.*\" }",
    "{ name =~ \"nothing.*\" }",
    "{ status = error }",
    "{ traceDuration > 5s }",
    "{ event.exception.type = \"nothing\" }",
    "{ rootServiceName = \"nothing\" }",
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let temporary = tempfile::tempdir()?;
    let folder = arguments.next().map_or(temporary.path().to_owned(), PathBuf::from);
    let n_spans = arguments.next().map_or(Ok(2_000_000), |spans| spans.parse())?;
    let store = Arc::new(open(&folder).await?);
    fill(&store, n_spans).await?;
    let engine = QueryEngine::new(Arc::clone(&store), QueryOptions::default(), Metrics::new());
    let sample = search(&engine, "{ span.app.order.id != nil }").await?;
    let ids: Vec<TraceId> = sample.traces.iter().map(|found| found.trace_id).collect();
    by_id(&engine, &ids).await?;
    let order = sample.traces.last().and_then(|found| found.spanset.spans.first());
    let order = order.and_then(|span| span.attributes.first());
    let rare = order.map(|(key, value)| format!("{{ {key} = {value} }}"));
    for query in rare.iter().map(String::as_str).chain(QUERIES) {
        measure(&engine, query).await?;
    }
    store.shutdown(Duration::from_secs(60)).await;
    Ok(())
}

async fn open(folder: &Path) -> anyhow::Result<Store> {
    let objects = Arc::new(SyncedLocalFileSystem::new(folder)?);
    let options = StoreOptions::new(folder.join("wal"));
    Ok(Store::open(options, objects, Arc::new(SystemClock::new()), Metrics::new()).await?)
}

async fn fill(store: &Store, n_spans: usize) -> anyhow::Result<()> {
    let stored = store.snapshot(&TenantId::single()).await?;
    if let Some(catalog) = stored.catalog {
        let n_spans: u64 = catalog.blocks().map(|entry| entry.n_spans).sum();
        return say(&format!("{n_spans} spans in {} blocks", catalog.blocks().len()));
    }
    let settings = TrafficSettings { traces_per_second: 5_000.0, ..TrafficSettings::default() };
    let mut n_sent = 0;
    for export in TrafficGenerator::new(Shop::new(1), settings) {
        let otlp = export.request.encode_to_vec().into();
        store.consume(TraceBatch { tenant: TenantId::single(), otlp }).await?;
        n_sent += export.span_count;
        if n_sent >= n_spans {
            break;
        }
    }
    anyhow::ensure!(store.flush(Duration::from_secs(600)).await, "the blocks could not be written");
    say(&format!("{n_sent} spans written"))
}

async fn search(engine: &QueryEngine, query: &str) -> anyhow::Result<SearchAnswer> {
    let query = spandrel_traceql::compile(query)?;
    let search = Search { query, range: TimeRange::ALL, traces_max: 20, spans_per_spanset: 3 };
    Ok(engine.search(&TenantId::single(), &search).await?)
}

async fn measure(engine: &QueryEngine, query: &str) -> anyhow::Result<()> {
    let answer = search(engine, query).await?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let started = now();
        search(engine, query).await?;
        times.push(started.elapsed());
    }
    let inspected = answer.inspected;
    say(&format!(
        "{:>9.2} ms  {query}: {} found, {} of {} row groups read, {} candidates",
        median(times),
        answer.traces.len(),
        inspected.row_groups_read,
        inspected.row_groups_read + inspected.row_groups_pruned,
        inspected.traces,
    ))
}

async fn by_id(engine: &QueryEngine, ids: &[TraceId]) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for id in ids.iter().cycle().take(ids.len() + 100) {
        let started = now();
        let trace = engine.find_trace(&TenantId::single(), *id, TimeRange::ALL).await?;
        times.push(started.elapsed());
        anyhow::ensure!(trace.is_some(), "trace {id} is not there");
    }
    say(&format!("{:>9.2} ms  trace by id", median(times.split_off(ids.len()))))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
