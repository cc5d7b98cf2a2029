//! How cost grows with the data: the same queries on data sets of several sizes, compacted.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use spandrel_base::clock::{Clock, SystemClock};
use spandrel_compaction::{CompactionOptions, Compactor};
use spandrel_ingest::{Store, StoreOptions};
use spandrel_model::{TenantId, TraceId};
use spandrel_objects::local::SyncedLocalFileSystem;
use spandrel_query::{QueryEngine, QueryOptions, TimeRange};
use spandrel_server::StoreTenants;
use spandrel_telemetry::Metrics;

use super::cpu::Stopwatch;
use super::report::Report;
use super::{BenchArgs, queries, traffic};
use crate::output;

const QUERIES: [&str; 6] = [
    "{ span.app.order.id = \"nobody-has-this\" }",
    "{ resource.service.name = \"checkout\" && duration > 1s }",
    "{ status = error }",
    "{ }",
    "{ traceDuration > 5s }",
    "{ span.db.query.text =~ \"SELECT .* FROM nothing\" }",
];

/// The figures of all sizes.
#[derive(Debug, Serialize)]
pub(super) struct Growth {
    sizes: Vec<Size>,
}

/// One data set.
#[derive(Debug, Serialize)]
struct Size {
    spans: u64,
    blocks_cut: usize,
    blocks_compacted: usize,
    bytes_per_span: f64,
    compaction_spans_per_cpu_second: f64,
    queries: Vec<Cost>,
}

/// What a query costs.
#[derive(Debug, Serialize)]
struct Cost {
    query: String,
    median_ms: f64,
    /// Row groups read, and all.
    row_groups: (u64, u64),
    /// Bytes of columns that were read, in memory.
    bytes_read: u64,
    /// Memory of the whole process at its peak during the query, MiB.
    peak_mib: f64,
}

/// Generates, compacts and asks, size by size.
pub(super) async fn measure(args: &BenchArgs) -> anyhow::Result<Growth> {
    let temporary = tempfile::Builder::new().prefix("spandrel-bench").tempdir()?;
    let mut sizes = Vec::new();
    for &spans in &args.growth {
        let parent = args.data_dir.clone().unwrap_or_else(|| temporary.path().to_owned());
        let dir = parent.join(format!("{spans}-spans"));
        sizes.push(measure_size(args, spans, &dir).await?);
        if args.data_dir.is_none() {
            std::fs::remove_dir_all(&dir)?;
        }
    }
    Ok(Growth { sizes })
}

async fn measure_size(args: &BenchArgs, spans: u64, dir: &Path) -> anyhow::Result<Size> {
    std::fs::create_dir_all(dir)?;
    let clock = Arc::new(SystemClock::new());
    let objects = Arc::new(SyncedLocalFileSystem::new(dir)?);
    let mut options = StoreOptions::new(dir.join("wal"));
    options.cut.spans_max = args.block_spans;
    let metrics = Metrics::new();
    let begin = clock.now_unix_nanos();
    let store = Store::open(options, objects, Arc::clone(&clock) as _, metrics.clone()).await?;
    let store = Arc::new(store);
    let size = BenchArgs { spans, ..args.clone() };
    traffic::fill(&store, &size, begin, &mut Report::default()).await?;
    let blocks_cut = queries::blocks(&store).await?.len();
    let compactor = Compactor::new(
        Arc::clone(store.objects()),
        Arc::new(StoreTenants(Arc::clone(&store))),
        CompactionOptions::default(),
        clock,
        metrics.clone(),
    );
    let watch = Stopwatch::start();
    let mut spans_compacted = 0;
    loop {
        let report = compactor.run_once(&TenantId::single()).await?;
        anyhow::ensure!(report.failures == 0, "compaction failed: {report:?}");
        spans_compacted += report.spans_in;
        if report.merges == 0 {
            break;
        }
    }
    let compaction = traffic::rate("compaction", spans_compacted, watch.stop());
    let entries = queries::blocks(&store).await?;
    let n_spans: u64 = entries.iter().map(|entry| entry.n_spans).sum();
    let bytes: u64 = entries.iter().map(|entry| entry.size_bytes).sum();
    output::note(&format!("{n_spans} spans: {blocks_cut} blocks, compacted {}\n", entries.len()));
    let engine = QueryEngine::new(Arc::clone(&store), QueryOptions::default(), metrics);
    let queries = costs(&engine, args.runs.max(1)).await?;
    store.shutdown(std::time::Duration::from_secs(10)).await;
    Ok(Size {
        spans: n_spans,
        blocks_cut,
        blocks_compacted: entries.len(),
        bytes_per_span: bytes as f64 / n_spans.max(1) as f64,
        compaction_spans_per_cpu_second: compaction.spans_per_cpu_second,
        queries,
    })
}

async fn costs(engine: &QueryEngine, runs: usize) -> anyhow::Result<Vec<Cost>> {
    let sample = queries::timed(engine, "{ span.app.order.id != nil }", 50, 1).await?.1;
    let ids: Vec<TraceId> = sample.traces.iter().map(|found| found.trace_id).collect();
    reset_peak()?;
    let mut times = Vec::new();
    for id in &ids {
        let watch = Stopwatch::start();
        engine.find_trace(&TenantId::single(), *id, TimeRange::ALL).await?;
        times.push(watch.stop().wall.as_secs_f64() * 1e3);
    }
    anyhow::ensure!(!times.is_empty(), "the data set has no orders");
    let by_id = Cost {
        query: "trace by id".to_owned(),
        median_ms: queries::latency("", times, 0).median_ms,
        row_groups: (0, 0),
        bytes_read: 0,
        peak_mib: peak_mib()?,
    };
    let mut costs = vec![by_id];
    for query in QUERIES {
        reset_peak()?;
        let (times, answer) = queries::timed(engine, query, 20, runs).await?;
        let inspected = answer.inspected;
        let all = inspected.row_groups_read + inspected.row_groups_pruned();
        costs.push(Cost {
            query: query.to_owned(),
            median_ms: queries::latency(query, times, 0).median_ms,
            row_groups: (inspected.row_groups_read, all),
            bytes_read: inspected.bytes,
            peak_mib: peak_mib()?,
        });
    }
    Ok(costs)
}

/// Lets the kernel measure the peak from now on.
#[expect(clippy::disallowed_methods, reason = "a file of the kernel, not data to keep")]
fn reset_peak() -> anyhow::Result<()> {
    const PEAK_OF_RESIDENT_SET: &str = "5";
    Ok(std::fs::write("/proc/self/clear_refs", PEAK_OF_RESIDENT_SET)?)
}

fn peak_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kib.unwrap_or_default() / 1024.0)
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>12}{:>12}{:>12}{:>10}{:>22}",
            "spans", "blocks cut", "compacted", "B/span", "compacted spans/cpu s"
        )?;
        for size in &self.sizes {
            let Size { spans, blocks_cut, blocks_compacted, bytes_per_span, .. } = size;
            let rate = match size.compaction_spans_per_cpu_second {
                0.0 => "-".to_owned(),
                rate => format!("{rate:.0}"),
            };
            writeln!(
                f,
                "{spans:>12}{blocks_cut:>12}{blocks_compacted:>12}{bytes_per_span:>10.1}{rate:>22}"
            )?;
        }
        writeln!(
            f,
            "\n{:>12}{:>11}{:>14}{:>12}{:>10}  query",
            "spans", "median ms", "row groups", "MiB read", "peak MiB"
        )?;
        let n_queries = self.sizes.iter().map(|size| size.queries.len()).min().unwrap_or(0);
        for number in 0..n_queries {
            for Size { spans, queries, .. } in &self.sizes {
                let Cost { query, median_ms, row_groups, bytes_read, peak_mib } = &queries[number];
                let (row_groups, mib_read) = match row_groups {
                    // A trace by id goes to its rows.
                    (0, 0) => ("-".to_owned(), "-".to_owned()),
                    (read, all) => {
                        let mib_read = *bytes_read as f64 / (1 << 20) as f64;
                        (format!("{read} of {all}"), format!("{mib_read:.1}"))
                    }
                };
                writeln!(
                    f,
                    "{spans:>12}{median_ms:>11.2}{row_groups:>14}{mib_read:>12}{peak_mib:>10.0}  {query}"
                )?;
            }
        }
        Ok(())
    }
}
