//! Measures the write path: `cargo run --release -p spandrel-ingest --example write_path`.
//!
//! A million spans of the demo shop, encoded beforehand, go through a store on a local disk; then the
//! stages run one after the other on one core, to see where the time goes.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use prost::Message as _;
use spandrel_base::clock::SystemClock;
use spandrel_columns::SpanColumns;
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
use spandrel_ingest::{Store, StoreOptions};
use spandrel_model::TenantId;
use spandrel_objects::local::SyncedLocalFileSystem;
use spandrel_otlp::{DecodeLimits, decode_request};
use spandrel_pipeline::{TraceBatch, TraceConsumer as _};
use spandrel_telemetry::Metrics;
use spandrel_wal::{Durability, Record, Wal, WalOptions};

/// What the server runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SPANS: usize = 1_000_000;
/// Requests in flight.
const SENDERS: usize = 32;

fn main() -> anyhow::Result<()> {
    let batch_spans = std::env::args().nth(1).map_or(Ok(512), |spans| spans.parse())?;
    let settings =
        TrafficSettings { traces_per_second: 5_000.0, batch_spans, ..TrafficSettings::default() };
    let mut requests: Vec<Bytes> = Vec::new();
    let mut n_spans = 0;
    for export in TrafficGenerator::new(Shop::new(1), settings) {
        n_spans += export.span_count;
        requests.push(export.request.encode_to_vec().into());
        if n_spans >= SPANS {
            break;
        }
    }
    let n_bytes: usize = requests.iter().map(Bytes::len).sum();
    say(&format!(
        "{n_spans} spans in {} requests, {} bytes a span",
        requests.len(),
        n_bytes / n_spans
    ))?;
    for durability in [Durability::Os, Durability::Fsync] {
        whole_path(&requests, n_spans, durability)?;
    }
    stages(&requests, n_spans)
}

/// The store as the server runs it.
fn whole_path(requests: &[Bytes], n_spans: usize, durability: Durability) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let objects = Arc::new(SyncedLocalFileSystem::new(dir.path().join("objects"))?);
    let mut options = StoreOptions::new(dir.path().join("wal"));
    options.durability = durability;
    // Nobody is to be refused here.
    options.live_bytes_max = 4 << 30;
    let metrics = Metrics::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let clock = Arc::new(SystemClock::new());
        let store = Store::open(options, objects, clock, metrics.clone()).await?;
        let (began, cpu) = (now(), cpu_seconds()?);
        let sent = futures::stream::iter(requests)
            .map(|otlp| store.consume(TraceBatch::otlp(TenantId::single(), otlp.clone())));
        let mut sent = sent.buffer_unordered(SENDERS);
        while let Some(answer) = sent.next().await {
            answer?;
        }
        drop(sent);
        let acknowledged = began.elapsed();
        anyhow::ensure!(store.flush(Duration::from_secs(600)).await, "flush failed");
        let (took, cpu) = (began.elapsed(), cpu_seconds()? - cpu);
        let per_second = |took: Duration| n_spans as f64 / took.as_secs_f64() / 1e3;
        say(&format!(
            "{durability:?}: acknowledged {:.0} k/s, in blocks {:.0} k/s; {cpu:.2} CPU seconds, \
             {:.0} k spans per CPU second; {} bytes a span in blocks",
            per_second(acknowledged),
            per_second(took),
            n_spans as f64 / cpu / 1e3,
            metrics.block().written_bytes.get() / n_spans as u64,
        ))?;
        for (name, seconds) in cpu_by_thread()? {
            say(&format!("  {name:16} {seconds:6.2} s"))?;
        }
        anyhow::Ok(())
    })
}

/// The same work, stage by stage.
fn stages(requests: &[Bytes], n_spans: usize) -> anyhow::Result<()> {
    let report = |stage: &str, took: Duration| {
        let nanos = took.as_nanos() as usize / n_spans;
        say(&format!("{stage:40} {:6.2} s {nanos:6} ns a span", took.as_secs_f64()))
    };
    let began = now();
    let mut groups = Vec::new();
    for requests in requests.chunks(SENDERS) {
        let mut columns = SpanColumns::default();
        for request in requests {
            decode_request(request, &DecodeLimits::default(), &mut columns)?;
        }
        groups.push(columns);
    }
    report("decode, 32 requests a group", began.elapsed())?;

    for durability in [Durability::Os, Durability::Fsync] {
        let dir = tempfile::tempdir()?;
        let options = WalOptions {
            segment_bytes_max: 64 << 20,
            durability,
            bytes_max: 8 << 30,
            replay_from_seq: 0,
        };
        let (mut wal, _replay) = Wal::open(dir.path(), options)?;
        let began = now();
        for requests in requests.chunks(SENDERS) {
            let record = |payload: &Bytes| Record {
                tenant: "single-tenant".into(),
                received_unix_nanos: 0,
                payload: payload.clone(),
            };
            wal.append_group(&requests.iter().map(record).collect::<Vec<_>>())?;
        }
        report(&format!("write-ahead log, {durability:?}"), began.elapsed())?;
    }

    let began = now();
    let mut segments = vec![SpanColumns::default()];
    for group in &groups {
        if segments.last().is_some_and(|segment| segment.len() >= 200_000) {
            segments.push(SpanColumns::default());
        }
        if let Some(segment) = segments.last_mut() {
            segment.append(group);
        }
    }
    report("merge groups into segments", began.elapsed())?;

    let began = now();
    for segment in &segments {
        spandrel_columns::arrange::arrange(segment);
    }
    report("arrange (part of writing blocks)", began.elapsed())?;

    let began = now();
    for segment in &segments {
        spandrel_block::write(segment, &spandrel_block::WriteOptions::default())?;
    }
    report("write blocks", began.elapsed())
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

#[expect(clippy::disallowed_methods, reason = "measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// User and system time of a process or thread from its line in procfs, in ticks of 10 ms.
fn ticks(path: &str) -> anyhow::Result<(String, u64)> {
    let line = std::fs::read_to_string(path)?;
    let (head, tail) = line.rsplit_once(')').unwrap_or_default();
    let name = head.split_once('(').map_or("", |(_, name)| name).to_owned();
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let field = |i: usize| fields.get(i).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Ok((name, field(11) + field(12)))
}

fn cpu_seconds() -> anyhow::Result<f64> {
    Ok(ticks("/proc/self/stat")?.1 as f64 / 100.0)
}

/// CPU seconds of the living threads, by name.
fn cpu_by_thread() -> anyhow::Result<Vec<(String, f64)>> {
    let mut threads = std::collections::BTreeMap::<String, u64>::new();
    for task in std::fs::read_dir("/proc/self/task")? {
        let (name, ticks) = ticks(&format!("{}/stat", task?.path().display()))?;
        *threads.entry(name).or_default() += ticks;
    }
    Ok(threads.into_iter().map(|(name, ticks)| (name, ticks as f64 / 100.0)).collect())
}
