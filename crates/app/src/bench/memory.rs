//! A server of its own, watched from outside: time to ready, memory at idle and under load, and how long
//! an acknowledged span takes to be found.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use spandrel_model::TraceId;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;

use super::cpu::Stopwatch;
use super::report::{Figure, Report};
use super::traffic::generator;
use crate::api_client::{ApiClient, EndpointArgs, PROTOBUF};
use crate::otlp_client::{Compression, OtlpArgs, OtlpClient, Protocol};

/// Spans a second of the load, and how long it lasts.
const LOAD_SPANS_PER_SECOND: u64 = 100_000;
const LOAD: Duration = Duration::from_secs(20);
/// How long a refused request is repeated.
const PATIENCE: Duration = Duration::from_secs(30);
/// Requests in flight.
const SENDERS: usize = 8;

/// What the measured server does not listen on: nobody sends there.
const NOT_LISTENED: [&str; 8] = [
    "--jaeger-grpc",
    "--jaeger-collector-grpc",
    "--jaeger-collector-http",
    "--jaeger-agent-compact",
    "--jaeger-agent-binary",
    "--zipkin",
    "--sampling-http",
    "--sampling-grpc",
];

pub(super) struct Server {
    child: Child,
    api: ApiClient,
    otlp: OtlpClient,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Server {
    pub(super) fn start(data_dir: &Path) -> anyhow::Result<Self> {
        let port = || -> anyhow::Result<String> {
            Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
        };
        let (http, otlp_http) = (port()?, port()?);
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").arg("--data-dir").arg(data_dir);
        command.args(["--http", &http, "--otlp-http", &otlp_http]);
        for flag in ["--otlp-grpc", "--jaeger-http", "--health", "--telemetry"] {
            command.args([flag, &port()?]);
        }
        for flag in NOT_LISTENED {
            command.args([flag, "off"]);
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let endpoint = format!("http://{otlp_http}");
        let otlp = OtlpArgs {
            endpoint,
            protocol: Some(Protocol::Http),
            compression: Compression::None,
            tenant: None,
        };
        let api =
            ApiClient::new(&EndpointArgs { endpoint: format!("http://{http}"), tenant: None })?;
        Ok(Self { child, api, otlp: OtlpClient::new(&otlp)? })
    }

    pub(super) async fn wait_until_ready(&self) -> anyhow::Result<()> {
        for _ in 0..10_000 {
            if self.api.get("/ready", &[], "text/plain").await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        anyhow::bail!("the server did not become ready")
    }

    async fn send(&self, request: Bytes) -> anyhow::Result<()> {
        self.otlp.export(&request, PATIENCE, &AtomicU64::new(0)).await?;
        Ok(())
    }

    fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kib.unwrap_or(0.0) / 1024.0
    }
}

/// Starts a server, lets it idle, loads it, and asks for what it acknowledged.
pub(super) async fn measure(seed: u64, report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::Builder::new().prefix("spandrel-bench-server").tempdir()?;
    let watch = Stopwatch::start();
    let server = Server::start(dir.path())?;
    server.wait_until_ready().await?;
    let ready_ms = watch.stop().wall.as_secs_f64() * 1e3;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = server.resident_mib();
    let delay_ms = searchable_delay(&server, seed).await?;
    let (peak, achieved) = load(&server, seed).await?;
    for (name, value, bar) in [
        ("start to ready, empty folder (ms)", ready_ms, 300.0),
        ("memory at idle (MiB)", idle, 60.0),
        ("acknowledged to found by id, worst of 50 (ms)", delay_ms, 1000.0),
        ("memory under load, peak (MiB)", peak, 1024.0),
    ] {
        report.others.push(Figure { name, value, bar: Some(bar) });
    }
    report.others.push(Figure {
        name: "load that was taken (spans/s)",
        value: achieved,
        bar: None,
    });
    Ok(())
}

/// The worst time from an acknowledgment to the first answer that holds the span.
async fn searchable_delay(server: &Server, seed: u64) -> anyhow::Result<f64> {
    let mut worst = 0.0_f64;
    for export in generator(seed ^ 1, 1_750_000_000_000_000_000).take(50) {
        let id = first_trace_id(&export.request).context("a request without spans")?;
        server.send(prost::Message::encode_to_vec(&export.request).into()).await?;
        let watch = Stopwatch::start();
        let path = format!("/api/traces/{id}");
        while server.api.get(&path, &[], PROTOBUF).await.is_err() {
            anyhow::ensure!(watch.stop().wall < Duration::from_secs(10), "span {id} was not found");
        }
        worst = worst.max(watch.stop().wall.as_secs_f64() * 1e3);
    }
    Ok(worst)
}

fn first_trace_id(request: &ExportTraceServiceRequest) -> Option<TraceId> {
    let span = request.resource_spans.first()?.scope_spans.first()?.spans.first()?;
    Some(TraceId(span.trace_id.as_ref().try_into().ok()?))
}

/// Peak memory in MiB, and the spans a second that were acknowledged.
async fn load(server: &Server, seed: u64) -> anyhow::Result<(f64, f64)> {
    let total = LOAD_SPANS_PER_SECOND * LOAD.as_secs();
    let mut peak = server.resident_mib();
    let (mut n_spans, mut exports) = (0, generator(seed ^ 2, 1_750_000_000_000_000_000));
    let mut sent = Duration::ZERO;
    while n_spans < total {
        // A second's worth is encoded before it is sent, so that the load is even.
        let mut bodies = Vec::new();
        let mut in_batch = 0;
        while in_batch < LOAD_SPANS_PER_SECOND {
            let Some(export) = exports.next() else { break };
            in_batch += export.span_count as u64;
            bodies.push(Bytes::from(prost::Message::encode_to_vec(&export.request)));
        }
        let second = Stopwatch::start();
        let sending = bodies.into_iter().map(|body| server.send(body));
        let mut answers = stream::iter(sending).buffer_unordered(SENDERS);
        while let Some(answer) = answers.next().await {
            answer?;
        }
        n_spans += in_batch;
        peak = peak.max(server.resident_mib());
        let took = second.stop().wall;
        sent += took.max(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(1).saturating_sub(took)).await;
    }
    Ok((peak, n_spans as f64 / sent.as_secs_f64()))
}
