//! Whether tail sampling stays within its memory under load, and how many spans a second one core can take through it.
//!
//! ```console
//! cargo run --release -p spandrel-tail-sampling --example load -- \
//!     [TRACES_PER_SECOND [SECONDS [DECISION_WAIT_SECONDS [MEMORY_MIB]]]]
//! ```
//!
//! By default 50,000 new traces a second for 60 seconds, decided after 30, in a process that may take 2 GiB, which is
//! less than those traces need: the oldest are decided early. Seven eighths of the memory are for spans
//! (`memory_limit_mib`), the rest is for decisions that are remembered and the process itself. It ends with an error
//! when the bytes that are accounted for exceed the former, or what the process has had resident at most the whole.
//!
//! Time is simulated: each second brings so many new traces of 8 spans, two from each of four services, in requests of
//! 512 spans; a span has about 330 bytes and 8 attributes. Everything runs as fast as it can on one thread; CPU time is
//! measured without that of making the requests.

#![expect(clippy::print_stdout, reason = "an example reports on the terminal")]

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prost::Message as _;
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
const MIB: f64 = (1 << 20) as f64;
const START_UNIX_NANOS: u64 = 1_767_225_600_000_000_000;
/// Each of these has to look at the spans.
const POLICIES: &str = "
policies:
  - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
  - {name: slow, type: latency, latency: {threshold_ms: 1000}}
  - {name: gold, type: string_attribute, string_attribute: {key: customer.tier, values: [platinum]}}
  - {name: rest, type: probabilistic, probabilistic: {sampling_percentage: 5}}
";

/// What is asked for.
struct Load {
    traces_per_second: u64,
    seconds: u64,
    decision_wait_seconds: u64,
    memory_mib: u64,
}

impl Load {
    fn from_arguments() -> Result<Self, Box<dyn Error>> {
        let mut arguments = std::env::args().skip(1);
        let mut next = |default: u64| arguments.next().map_or(Ok(default), |text| text.parse());
        Ok(Self {
            traces_per_second: next(50_000)?,
            seconds: next(60)?,
            decision_wait_seconds: next(30)?,
            memory_mib: next(2048)?,
        })
    }

    fn memory_limit_mib(&self) -> u64 {
        self.memory_mib - self.memory_mib / 8
    }

    fn settings(&self) -> Result<TailSamplingSettings, Box<dyn Error>> {
        let (wait, limit) = (self.decision_wait_seconds, self.memory_limit_mib());
        let yaml = format!("decision_wait: {wait}s\nmemory_limit_mib: {limit}\n{POLICIES}");
        Ok(read_settings(&yaml, TailSamplingSettings::read)?.0)
    }
}

/// What was measured.
#[derive(Default)]
struct Outcome {
    spans: u64,
    bytes: u64,
    accounted_bytes: u64,
    waiting_traces: usize,
    sampled_spans: u64,
    busy: Duration,
}

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

/// The most memory that this process has had resident; `None` where it cannot be told.
fn peak_resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn main() -> Result<(), Box<dyn Error>> {
    let load = Load::from_arguments()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .thread_keep_alive(Duration::from_secs(3600))
        .build()?;
    let outcome = runtime.block_on(run(&load))?;
    report(&load, &outcome)
}

async fn run(load: &Load) -> Result<Outcome, Box<dyn Error>> {
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
    let processor = TailSampling::new(load.settings()?, Arc::clone(&sink) as _, context)?;
    processor.start().await?;
    let templates: Vec<Template> = (0..SERVICES).map(Template::of_service).collect();
    let traces_per_request = REQUEST_SPANS / SPANS_PER_SERVICE;
    let mut outcome = Outcome::default();
    let (start, mut making) = (cpu_time(), Duration::ZERO);
    for second in 0..load.seconds {
        for request in 0..load.traces_per_second / traces_per_request {
            let before = cpu_time();
            let first = second * load.traces_per_second + request * traces_per_request;
            let filled: Vec<Vec<u8>> = templates.iter().map(|t| t.filled(first)).collect();
            making += cpu_time().saturating_sub(before);
            for otlp in filled {
                outcome.bytes += otlp.len() as u64;
                outcome.spans += REQUEST_SPANS;
                processor.consume(TraceBatch::otlp(TenantId::single(), otlp)).await?;
            }
            let accounted_bytes = processor.buffered_bytes() as u64;
            outcome.accounted_bytes = outcome.accounted_bytes.max(accounted_bytes);
        }
        clock.advance(Duration::from_secs(1));
        processor.decide_due().await;
        processor.delivered().await;
    }
    outcome.waiting_traces = processor.waiting_traces();
    processor.shutdown().await;
    outcome.busy = cpu_time().saturating_sub(start).saturating_sub(making);
    outcome.sampled_spans = sink.0.load(Ordering::Relaxed);
    fs::remove_dir_all(&data_dir)?;
    Ok(outcome)
}

fn report(load: &Load, outcome: &Outcome) -> Result<(), Box<dyn Error>> {
    let Load { traces_per_second, seconds, decision_wait_seconds, memory_mib } = load;
    let Outcome { spans, bytes, accounted_bytes, waiting_traces, sampled_spans, busy } = outcome;
    println!(
        "{traces_per_second} new traces/s for {seconds} s, decided after {decision_wait_seconds} s: {spans} spans of \
         {} bytes on average, {sampled_spans} sampled",
        bytes / (*spans).max(1)
    );
    println!(
        "{:.0} spans/s per core ({:.1} s of CPU), {waiting_traces} traces waiting at the end",
        *spans as f64 / busy.as_secs_f64(),
        busy.as_secs_f64()
    );
    let (limit, memory) = (load.memory_limit_mib() << 20, memory_mib << 20);
    let resident = peak_resident_bytes().ok_or("this system does not tell resident memory")?;
    println!(
        "at most {:.1} MiB accounted for, of {}, and {:.1} MiB resident, of {memory_mib}",
        *accounted_bytes as f64 / MIB,
        load.memory_limit_mib(),
        resident as f64 / MIB
    );
    if *accounted_bytes > limit || resident > memory {
        return Err("the memory limit was exceeded".into());
    }
    Ok(())
}
