//! How many spans a second one core can take through tail sampling, and what is buffered meanwhile.
//!
//! `cargo run --profile PROFILE -p spandrel-tail-sampling --example load -- [TRACES_PER_SECOND [SECONDS]]`
//!
//! Time is simulated: each second brings so many new traces (50,000 by default) of 8 spans, two from each of four
//! services, in requests of 512 spans; a span has about 330 bytes and 8 attributes. Everything runs as fast as it can
//! on one thread; what is measured is CPU time, without that of making the requests.

#![expect(clippy::print_stdout, reason = "an example reports on the terminal")]

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prost::Message as _;
use spandrel_base::byte_size::ByteSize;
use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::read_settings;
use spandrel_model::TenantId;
use spandrel_pipeline::{
    Accepted, Account, Component as _, ComponentContext, ConsumeError, TraceBatch, TraceConsumer,
};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};
use spandrel_tail_sampling::{TailSampling, TailSamplingSettings};
use spandrel_telemetry::Metrics;

/// The allocator of the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SERVICES: u64 = 4;
const SPANS_PER_SERVICE: u64 = 2;
const REQUEST_SPANS: u64 = 512;
const START_UNIX_NANOS: u64 = 1_767_225_600_000_000_000;
/// Each policy of this has to look at the spans.
const POLICIES: &str = "
decision_wait: 10s
policies:
  - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
  - {name: slow, type: latency, latency: {threshold_ms: 1000}}
  - {name: gold, type: string_attribute, string_attribute: {key: customer.tier, values: [platinum]}}
  - {name: rest, type: probabilistic, probabilistic: {sampling_percentage: 5}}
";

/// Counts.
#[derive(Default)]
struct Counting(AtomicU64);

#[async_trait::async_trait]
impl TraceConsumer for Counting {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        self.0.fetch_add(batch.traces.span_count(), Ordering::Relaxed);
        Ok(Accepted::default())
    }
}

/// Requests whose trace ids are filled in just before they are sent.
struct Template {
    otlp: Vec<u8>,
    /// Where the trace id of each span is.
    ids: Vec<usize>,
}

impl Template {
    fn of_service(service: u64) -> Self {
        let spans = (0..REQUEST_SPANS).map(|i| span(service, i)).collect();
        let scope = InstrumentationScope {
            name: "io.opentelemetry.http".to_owned(),
            version: "1.4.2".to_owned(),
            ..Default::default()
        };
        let pairs = [
            ("service.name", format!("service-{service}")),
            ("service.version", "1.2.3".to_owned()),
            ("host.name", format!("node-{service}.example.com")),
            ("telemetry.sdk.language", "java".to_owned()),
            ("k8s.pod.name", "shop-7c5ddbdf54-x8lqz".to_owned()),
        ];
        let attributes = pairs.into_iter().map(|(key, value)| text(key, value)).collect();
        let resource = Resource { attributes, ..Default::default() };
        let scope_spans = ScopeSpans { scope: Some(scope), spans, ..Default::default() };
        let resource_spans = ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![scope_spans],
            ..Default::default()
        };
        let request = ExportTraceServiceRequest { resource_spans: vec![resource_spans] };
        let otlp = request.encode_to_vec();
        let ids = otlp.windows(16).enumerate().filter(|(_, bytes)| **bytes == [0xee; 16]);
        let ids = ids.map(|(place, _)| place).collect();
        Self { otlp, ids }
    }

    /// The request with the traces from `first` on.
    fn filled(&self, first: u64) -> Vec<u8> {
        let mut otlp = self.otlp.clone();
        for (place, span) in self.ids.iter().zip(0_u64..) {
            let trace = (first + span / SPANS_PER_SERVICE).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let id = u128::from(trace) << 64 | u128::from(trace.rotate_left(29));
            if let Some(bytes) = otlp.get_mut(*place..place + 16) {
                bytes.copy_from_slice(&id.to_be_bytes());
            }
        }
        otlp
    }
}

fn text(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.to_owned(), value }
}

fn span(service: u64, i: u64) -> Span {
    let tier = if i.is_multiple_of(100) { "platinum" } else { "basic" };
    let mut attributes: Vec<KeyValue> = [
        ("http.request.method", "GET".to_owned()),
        ("http.route", "/api/v1/orders/{id}".to_owned()),
        ("url.path", format!("/api/v1/orders/{}", i * 7919)),
        ("server.address", format!("service-{service}.shop.svc.cluster.local")),
        ("customer.tier", tier.to_owned()),
        ("network.protocol.version", "1.1".to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| text(key, value))
    .collect();
    for (key, value) in [("http.response.status_code", 200), ("thread.id", i as i64)] {
        let value = Some(AnyValue { value: Some(Value::IntValue(value)) });
        attributes.push(KeyValue { key: key.to_owned(), value });
    }
    let id = (service << 32 | (i + 1)).to_be_bytes().to_vec();
    let parent = (service << 32 | i).to_be_bytes().to_vec();
    Span {
        trace_id: vec![0xee; 16].into(),
        span_id: id.into(),
        parent_span_id: parent.into(),
        name: "GET /api/v1/orders/{id}".to_owned(),
        kind: 2,
        start_time_unix_nano: START_UNIX_NANOS + i,
        end_time_unix_nano: START_UNIX_NANOS + i + 45_000_000,
        attributes,
        status: i.is_multiple_of(128).then(|| Status { code: 2, ..Default::default() }),
        flags: 0x101,
        ..Default::default()
    }
}

/// CPU time of all threads of this process; 0 where it cannot be told.
fn cpu_time() -> Duration {
    let nanos = |task: std::io::Result<fs::DirEntry>| -> Option<u64> {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    Duration::from_nanos(tasks.filter_map(nanos).sum())
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .thread_keep_alive(Duration::from_secs(3600))
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let traces_per_second = arguments.next().transpose()?.unwrap_or(50_000);
    let seconds = arguments.next().transpose()?.unwrap_or(20);
    let (settings, _) = read_settings(POLICIES, TailSamplingSettings::read)?;
    let (clock, sink) = (Arc::new(ManualClock::new(START_UNIX_NANOS)), Arc::<Counting>::default());
    let data_dir = std::env::temp_dir().join(format!("tail-sampling-load-{}", std::process::id()));
    let context = ComponentContext {
        id: "tail_sampling".into(),
        pipeline: "traces".into(),
        clock: Arc::clone(&clock) as _,
        metrics: Metrics::new(),
        memory: MemoryBudget::unlimited(),
        data_dir: data_dir.clone(),
        account: Account::detached(),
    };
    let processor = TailSampling::new(settings, Arc::clone(&sink) as _, context)?;
    processor.start().await?;
    let templates: Vec<Template> = (0..SERVICES).map(Template::of_service).collect();
    let traces_per_request = REQUEST_SPANS / SPANS_PER_SERVICE;
    let (mut spans, mut bytes, mut peak_bytes) = (0, 0, 0);
    let (start, mut making) = (cpu_time(), Duration::ZERO);
    for second in 0..seconds {
        for request in 0..traces_per_second / traces_per_request {
            let before = cpu_time();
            let first = second * traces_per_second + request * traces_per_request;
            let filled: Vec<Vec<u8>> = templates.iter().map(|t| t.filled(first)).collect();
            making += cpu_time().saturating_sub(before);
            for otlp in filled {
                bytes += otlp.len() as u64;
                spans += REQUEST_SPANS;
                processor.consume(TraceBatch::otlp(TenantId::single(), otlp)).await?;
            }
            peak_bytes = peak_bytes.max(processor.buffered_bytes() as u64);
        }
        clock.advance(Duration::from_secs(1));
        processor.decide_due().await;
        processor.delivered().await;
    }
    let waiting = processor.waiting_traces();
    processor.shutdown().await;
    let busy = cpu_time().saturating_sub(start).saturating_sub(making);
    fs::remove_dir_all(&data_dir)?;
    println!(
        "{spans} spans of {} bytes on average, {traces_per_second} new traces/s, decided after 10 s",
        bytes / spans
    );
    println!(
        "{:.0} spans/s per core ({:.1} s of CPU)",
        spans as f64 / busy.as_secs_f64(),
        busy.as_secs_f64()
    );
    println!("{waiting} traces waiting, {} buffered at most", ByteSize(peak_bytes));
    println!("{} spans sampled", sink.0.load(Ordering::Relaxed));
    Ok(())
}
