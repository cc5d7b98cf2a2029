//! What generated metrics cost beside decoding: `cargo run --release -p spandrel-metrics-generator --example generator_cost`.
//!
//! 20 services with 100 operations each, 10 attributes a span, half of the spans ends of edges, exemplars on. The same
//! requests are decoded into columns, as the store does it first of all, and then decoded and counted; rounds
//! alternate, and the best of each counts. Both run on one thread, so that time is CPU time.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]
#![expect(clippy::disallowed_methods, reason = "a stopwatch reads the real clock")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message;
use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_columns::SpanColumns;
use spandrel_metrics_generator::{Generator, GeneratorSettings};
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeLimits, decode_request};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};
use spandrel_telemetry::Metrics;

const NOW: u64 = 1_700_000_000_000_000_000;
const SERVICES: u64 = 20;
const OPERATIONS: u64 = 100;
const SPANS: u64 = 4000;
const ROUNDS: u32 = 10;
const ROUND: Duration = Duration::from_millis(400);

fn main() {
    let requests: Vec<Vec<u8>> = (0..8).map(request).collect();
    let bytes: usize = requests.iter().map(Vec::len).sum();
    println!("{} bytes a span", bytes as u64 / (SPANS * requests.len() as u64));
    let clock = Arc::new(ManualClock::new(NOW));
    let memory = MemoryBudget::unlimited();
    let settings = GeneratorSettings::default();
    let generator = Generator::new(settings, memory, clock, Metrics::new());
    let tenant = TenantId::single();
    let limits = DecodeLimits::default();
    let decode = |request: &[u8]| {
        let mut columns = SpanColumns::default();
        black_box(decode_request(request, &limits, &mut columns)).expect("the batch is valid");
        black_box(columns);
    };
    let count = |request: &[u8]| generator.observe(&tenant, request);
    let (mut alone, mut both) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        alone = alone.min(round(&requests, decode));
        both = both.min(round(&requests, |request| {
            decode(request);
            count(request);
        }));
        // What the task of the generator does every 15 seconds.
        black_box(generator.collect(true));
    }
    println!("decoding: {alone:.0} ns a span");
    println!("decoding and counting: {both:.0} ns a span");
    println!("counting: {:.0} ns a span, {:.1} % more", both - alone, (both / alone - 1.0) * 100.0);
}

/// Nanoseconds a span.
fn round(requests: &[Vec<u8>], work: impl Fn(&[u8])) -> f64 {
    let start = Instant::now();
    let mut spans = 0;
    while start.elapsed() < ROUND {
        for request in requests {
            work(request);
            spans += SPANS;
        }
    }
    start.elapsed().as_nanos() as f64 / spans as f64
}

fn request(number: u64) -> Vec<u8> {
    let resource_spans = (0..SERVICES).map(|service| {
        let name = format!("service-{service}");
        let attributes = vec![text("service.name", &name), text("host.name", "node-17")];
        let spans = (0..SPANS / SERVICES).map(|i| span(number, service, i)).collect();
        ResourceSpans {
            resource: Some(Resource { attributes, ..Resource::default() }),
            scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }
    });
    ExportTraceServiceRequest { resource_spans: resource_spans.collect() }.encode_to_vec()
}

/// Every fourth span is a client's, and the one after it the server's.
fn span(number: u64, service: u64, i: u64) -> Span {
    let id = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes().to_vec();
    let unique = (number * SPANS + service * (SPANS / SERVICES) + i) * 4 + 1;
    let kind = [3, 2, 1, 1][(i % 4) as usize];
    let client = unique.saturating_sub(4);
    let parent = if kind == 2 { client } else { unique + 2 };
    let duration = 1_000_000 + unique * 7919 % 900_000_000;
    let operation = unique / 4 * 31 % OPERATIONS;
    let trace = if kind == 2 { client } else { unique };
    let mut trace_id = id(trace);
    trace_id.extend(id(trace + 1));
    Span {
        trace_id: trace_id.into(),
        span_id: id(unique).into(),
        parent_span_id: id(parent).into(),
        name: format!("GET /api/resource/{operation}"),
        kind,
        start_time_unix_nano: NOW - duration,
        end_time_unix_nano: NOW,
        attributes: vec![
            text("http.request.method", "GET"),
            text("url.path", &format!("/api/resource/{operation}/item/{unique}")),
            text("http.route", &format!("/api/resource/{operation}/item/:id")),
            number_of("http.response.status_code", 200),
            text("server.address", "host-7.example.com"),
            number_of("server.port", 8080),
            text("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
            text("network.protocol.version", "1.1"),
            text("thread.name", "worker-3"),
            number_of("thread.id", 44),
        ],
        ..Span::default()
    }
}

fn text(key: &str, text: &str) -> KeyValue {
    pair(key, Value::StringValue(text.to_owned()))
}

fn number_of(key: &str, number: i64) -> KeyValue {
    pair(key, Value::IntValue(number))
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}
