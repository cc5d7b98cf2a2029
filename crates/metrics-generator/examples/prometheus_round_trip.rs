//! Spans through the generator into a real Prometheus, and PromQL's answers against what the spans say:
//! `cargo run -p spandrel-metrics-generator --example prometheus_round_trip -- /usr/bin/prometheus`.
//!
//! Prometheus is started on a port and a directory of its own, with remote write, exemplars and native histograms.
//! The collections of ten minutes are written at once, with the times that they would have had; then the generator is
//! replaced by a new one, as a restart does.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]
#![expect(
    clippy::disallowed_methods,
    reason = "a stopwatch reads the real clock, and Prometheus is waited for"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use prost::Message;
use serde_json::Value;
use spandrel_base::clock::{ManualClock, SharedClock};
use spandrel_base::memory::MemoryBudget;
use spandrel_exporters::Extensions;
use spandrel_metrics_exporters::remote_write::{RemoteWriteExporter, RemoteWriteSettings};
use spandrel_metrics_generator::{Generator, GeneratorSettings};
use spandrel_model::TenantId;
use spandrel_pipeline::{Account, Component, ComponentContext, MetricConsumer};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value as AnyValueKind;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};
use spandrel_telemetry::Metrics;

const SECOND: u64 = 1_000_000_000;
/// Collections before the restart, and after it.
const TICKS: u64 = 20;
const INTERVAL: u64 = 15;
/// Spans in each interval, of which every tenth fails.
const SPANS: u64 = 100;

struct Prometheus {
    process: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let program = std::env::args().nth(1).context("give the path of a Prometheus")?;
    let prometheus = start(&program)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let begin = now - 2 * TICKS * INTERVAL - 60;
    let url = format!("http://127.0.0.1:{}/api/v1/write", prometheus.port);
    let restart = begin + TICKS * INTERVAL;
    let metrics = Metrics::new();
    let trace_id = run(&url, begin, &metrics).await?;
    run(&url, restart, &metrics).await?;
    let own = metrics.encode();
    let failed = own.lines().find(|l| l.starts_with("otelcol_exporter_send_failed_metric_points{"));
    println!("{}", failed.unwrap_or("nothing failed"));
    check(&prometheus, restart, &trace_id)
}

/// Runs one process's life: spans and a collection in every interval. Returns a trace id that was an exemplar.
async fn run(url: &str, begin: u64, metrics: &Metrics) -> anyhow::Result<String> {
    let clock = Arc::new(ManualClock::new(begin * SECOND));
    let shared: SharedClock = clock.clone();
    let settings = GeneratorSettings::parse(
        "metrics_generator: {registry: {stale_duration: 90s}}\n\
         overrides: {defaults: {metrics_generator: {generate_native_histograms: both}}}",
    )?;
    let memory = MemoryBudget::unlimited();
    let generator = Generator::new(settings, memory.clone(), shared.clone(), metrics.clone());
    let mut target = RemoteWriteSettings::new(url);
    target.naming.suffixes = false;
    target.disable_scope_info = true;
    target.send_metadata = true;
    let context = ComponentContext {
        id: "metrics_generator/0".into(),
        pipeline: "".into(),
        clock: shared,
        metrics: metrics.clone(),
        memory,
        data_dir: "unused".into(),
        account: Account::detached(),
    };
    let writer = RemoteWriteExporter::new(target, &Extensions::default(), context)?;
    writer.start().await?;
    for tick in 0..TICKS {
        clock.advance(Duration::from_secs(INTERVAL));
        let at = (begin + (tick + 1) * INTERVAL) * SECOND;
        generator.observe(&TenantId::single(), &spans("shop", at, tick));
        if tick == 0 {
            // A service that is seen once, and whose series end.
            generator.observe(&TenantId::single(), &spans("brief", at, 1 << 20));
        }
        for batch in generator.collect(true) {
            writer.consume_metrics(batch).await?;
        }
    }
    writer.shutdown().await;
    Ok(hex(&trace_id(0, 0)))
}

fn spans(service: &str, at: u64, tick: u64) -> Vec<u8> {
    let spans = (0..SPANS).map(|i| Span {
        trace_id: trace_id(tick, i).into(),
        span_id: (i + 1).to_be_bytes().to_vec().into(),
        name: "GET /".to_owned(),
        kind: 2,
        // 10 ms to 1 s, evenly.
        start_time_unix_nano: at - (i + 1) * 10_000_000,
        end_time_unix_nano: at,
        status: Some(Status { code: if i % 10 == 0 { 2 } else { 0 }, ..Status::default() }),
        ..Span::default()
    });
    let name = AnyValue { value: Some(AnyValueKind::StringValue(service.to_owned())) };
    let attributes = vec![KeyValue { key: "service.name".to_owned(), value: Some(name) }];
    let resource = ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

fn trace_id(tick: u64, i: u64) -> Vec<u8> {
    [(tick + 1).to_be_bytes(), (i + 1).to_be_bytes()].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(prometheus: &Prometheus, restart: u64, trace_id: &str) -> anyhow::Result<()> {
    let end = restart + TICKS * INTERVAL;
    let shop = r#"{service="shop"}"#;
    let number = |query: &str, at: u64| prometheus.number(query, at);
    let all = (TICKS * SPANS) as f64;
    let calls = format!("sum(traces_spanmetrics_calls_total{shop})");
    expect("calls before the restart", number(&calls, restart)?, all, 0.0)?;
    expect("calls of the new process", number(&calls, end)?, all, 0.0)?;
    let failed =
        r#"traces_spanmetrics_calls_total{service="shop",status_code="STATUS_CODE_ERROR"}"#;
    let ratio =
        format!("sum(rate({failed}[5m])) / sum(rate(traces_spanmetrics_calls_total{shop}[5m]))");
    expect("error ratio", number(&ratio, end)?, 0.1, 1e-9)?;
    // Without zeros at the begin of series, the first interval of each process would be missing.
    let rate = format!("sum(rate(traces_spanmetrics_calls_total{shop}[5m]))");
    expect("rate over the restart", number(&rate, restart + 150)?, SPANS as f64 / 15.0, 0.02)?;
    let classic = format!(
        "histogram_quantile(0.9, sum by (le) (rate(traces_spanmetrics_latency_bucket{shop}[5m])))"
    );
    let quantile = number(&classic, end)?;
    ensure!((0.512..=1.024).contains(&quantile), "0.9 of the classic histogram is {quantile}");
    println!("ok: 0.9 quantile, classic: {quantile:.3} in (0.512, 1.024]");
    let native =
        format!("histogram_quantile(0.9, sum(rate(traces_spanmetrics_latency{shop}[5m])))");
    expect("0.9 quantile, native", number(&native, end)?, 0.9, 0.05)?;
    let size = format!("sum(traces_spanmetrics_size_total{shop})");
    ensure!(number(&size, end)? > all * 40.0, "sizes are too small");
    let brief = r#"sum(traces_spanmetrics_calls_total{service="brief"})"#;
    expect("a brief service while it is there", number(brief, restart + 60)?, SPANS as f64, 0.0)?;
    let ended = prometheus.get(&format!("query?query={}&time={end}", escape(brief)))?;
    ensure!(ended["data"]["result"].as_array().is_some_and(Vec::is_empty), "not stale: {ended}");
    println!("ok: a series without spans ends at once, not after 5 minutes");
    let begin = restart - TICKS * INTERVAL;
    let exemplars = prometheus.get(&format!(
        "query_exemplars?query={}&start={begin}&end={end}",
        escape("traces_spanmetrics_latency_bucket")
    ))?;
    ensure!(exemplars.to_string().contains(trace_id), "no exemplar {trace_id}: {exemplars}");
    println!("ok: exemplars name traces, such as {trace_id}");
    println!("round trip complete");
    Ok(())
}

fn expect(what: &str, found: f64, expected: f64, tolerance: f64) -> anyhow::Result<()> {
    let off = (found - expected).abs();
    if off > tolerance * expected.abs() {
        bail!("{what}: {found} instead of {expected}");
    }
    println!("ok: {what}: {found}");
    Ok(())
}

fn start(program: &str) -> anyhow::Result<Prometheus> {
    let dir = tempfile::tempdir()?;
    let config = dir.path().join("prometheus.yml");
    let mut file = std::fs::File::create(&config)?;
    file.write_all(b"global: {}\nstorage: {exemplars: {max_exemplars: 100000}}\n")?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let process = Command::new(program)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--web.enable-remote-write-receiver")
        .arg("--enable-feature=exemplar-storage,native-histograms")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let prometheus = Prometheus { process, port, _dir: dir };
    let started = Instant::now();
    while prometheus.get("status/buildinfo").is_err() {
        ensure!(started.elapsed() < Duration::from_secs(60), "Prometheus does not answer");
        // tidy: allow(sleep) polls another process
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(prometheus)
}

impl Prometheus {
    fn number(&self, query: &str, at: u64) -> anyhow::Result<f64> {
        let answer = self.get(&format!("query?query={}&time={at}", escape(query)))?;
        let value = answer["data"]["result"][0]["value"][1].as_str();
        Ok(value.with_context(|| format!("{query}: {answer}"))?.parse()?)
    }

    fn get(&self, path: &str) -> anyhow::Result<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let request = format!("GET /api/v1/{path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        Ok(serde_json::from_str(body)?)
    }
}

/// A query as part of a URL.
fn escape(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
