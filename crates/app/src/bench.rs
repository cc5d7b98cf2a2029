//! `spandrel bench`: what this machine makes of the figures that the project promises.
//!
//! Stages are measured one by one on the same requests of the demo shop, then all together through the
//! store; queries run against the blocks that this leaves. Rates are per CPU second (user and system, all threads
//! of the process), so that they do not depend on the number of cores; latencies are wall-clock medians.

mod cpu;
mod growth;
mod memory;
mod metrics;
mod own_queries;
mod queries;
mod ready;
mod report;
mod services;
mod stages;
mod traffic;

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use spandrel_base::clock::{Clock, SystemClock};
use spandrel_ingest::{Store, StoreOptions};
use spandrel_objects::local::SyncedLocalFileSystem;
use spandrel_telemetry::Metrics;

use self::report::Report;
use crate::output;

/// Arguments of `spandrel bench`.
#[derive(Debug, Clone, Args)]
pub(crate) struct BenchArgs {
    /// Spans of the data set that queries run against
    #[arg(long, default_value_t = 10_000_000)]
    spans: u64,
    /// Spans of one block
    #[arg(long, default_value_t = 200_000)]
    block_spans: u32,
    /// Seed of the demo shop
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs of each query; the median counts
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Measure these queries as well: a file with one on each line
    #[arg(long, value_name = "FILE")]
    queries: Option<PathBuf>,
    /// Folder for the data set, kept and used again when it is there [default: a temporary one]
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Leave out the part that starts a server and measures its memory under load
    #[arg(long)]
    no_server: bool,
    /// Only this: how the cost of queries grows over compacted data sets of these sizes, such as
    /// 1000000,10000000
    #[arg(long, value_delimiter = ',', value_name = "SPANS")]
    growth: Vec<u64>,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// Runs the benchmark and prints its figures.
pub(crate) async fn run(args: BenchArgs) -> anyhow::Result<ExitCode> {
    if args.growth.is_empty() {
        show(&measure(&args).await?, args.json)?;
    } else {
        show(&growth::measure(&args).await?, args.json)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(figures: &(impl Serialize + Display), as_json: bool) -> anyhow::Result<()> {
    Ok(output::print(&if as_json {
        format!("{}\n", serde_json::to_string_pretty(figures)?)
    } else {
        figures.to_string()
    })?)
}

async fn measure(args: &BenchArgs) -> anyhow::Result<Report> {
    let temporary = tempfile::Builder::new().prefix("spandrel-bench").tempdir()?;
    let dir = args.data_dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&dir)?;
    let mut report = Report::default();
    stages::measure(&mut report, args.seed, args.block_spans, temporary.path())?;
    let clock = Arc::new(SystemClock::new());
    let objects = Arc::new(SyncedLocalFileSystem::new(&dir)?);
    let mut options = StoreOptions::new(dir.join("wal"));
    options.cut.spans_max = args.block_spans;
    let metrics = Metrics::new();
    let store = Store::open(options, objects, Arc::clone(&clock) as _, metrics.clone()).await?;
    let store = Arc::new(store);
    let begin = clock.now_unix_nanos();
    traffic::fill(&store, args, begin, &mut report).await?;
    queries::measure(&store, &metrics, args, &mut report).await?;
    store.shutdown(std::time::Duration::from_secs(10)).await;
    if !args.no_server {
        memory::measure(args.seed, &mut report).await?;
        ready::measure(args.seed, &mut report).await?;
    }
    Ok(report)
}
