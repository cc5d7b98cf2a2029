//! How fast requests are decoded, beside prost: `cargo run --release -p spandrel-otlp --example decode_speed`.
//!
//! The batch is synthetic: 4096 spans of 16 services in four scopes, 11 attributes each, an event on
//! every eighth span. Each decoder runs for some seconds on one core; the best round counts.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]
#![expect(clippy::disallowed_methods, reason = "a stopwatch reads the real clock")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use spandrel_columns::SpanColumns;
use spandrel_model::{
    Attribute, AttributeValue, Event, Resource, Scope, Span, SpanId, SpanKind, StatusCode, Trace,
    TraceId,
};
use spandrel_otlp::{DecodeLimits, decode_request, encode_traces};

const SPANS: u64 = 4096;
const ROUNDS: u32 = 12;
const ROUND: Duration = Duration::from_millis(250);

fn main() {
    let bytes = batch();
    println!("{SPANS} spans, {} bytes per span", bytes.len() as u64 / SPANS);
    let limits = DecodeLimits::default();
    measure("into columns", || {
        let mut columns = SpanColumns::default();
        black_box(decode_request(&bytes, &limits, &mut columns)).expect("the batch is valid");
        black_box(columns);
    });
    measure("prost, into structs", || {
        let request = ExportTraceServiceRequest::decode(bytes.as_slice());
        black_box(request).expect("the batch is valid");
    });
}

fn measure(what: &str, decode: impl Fn()) {
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut batches = 0;
        while start.elapsed() < ROUND {
            decode();
            batches += 1;
        }
        best = best.max((batches * SPANS) as f64 / start.elapsed().as_secs_f64());
    }
    println!("{what}: {:.0} k spans/s, {:.0} ns per span", best / 1e3, 1e9 / best);
}

fn batch() -> Vec<u8> {
    let scopes: Vec<_> = ["http", "grpc", "sql", "kafka"].map(scope).into_iter().collect();
    let resources: Vec<_> = (0..16).map(resource).collect();
    let spans = (0..SPANS)
        .map(|i| span(i, &resources[i as usize / 16 % 16], &scopes[i as usize % 4]))
        .collect();
    let mut bytes = Vec::new();
    encode_traces([&Trace { trace_id: TraceId([1; 16]), spans }], &mut bytes);
    bytes
}

fn scope(name: &str) -> Arc<Scope> {
    let version = "1.2.3".to_owned();
    Arc::new(Scope { name: format!("instrumentation.{name}"), version, ..Scope::default() })
}

fn resource(i: u32) -> Arc<Resource> {
    let mut attributes = vec![text("service.name", &format!("service-{i}"))];
    attributes
        .extend((0..15).map(|j| text(&format!("resource.key.{j}"), &format!("value-{i}-{j}"))));
    Arc::new(Resource { attributes, ..Resource::default() })
}

fn span(i: u64, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Span {
    let start_unix_nanos = 1_700_000_000_000_000_000 + i * 1_000_003;
    // Odd multipliers scatter the numbers as real ids are.
    let id = |n: u64| SpanId(n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let mut trace_id = [0; 16];
    trace_id[..8].copy_from_slice(&id(i / 16 + 1).0);
    let event = Event {
        time_unix_nanos: start_unix_nanos + 5,
        name: "exception".to_owned(),
        attributes: vec![text("exception.type", "TimeoutError"), text("exception.message", "late")],
        dropped_attributes_count: 0,
    };
    Span {
        trace_id: TraceId(trace_id),
        span_id: id(i + 1),
        parent_span_id: (!i.is_multiple_of(16)).then(|| id(i)),
        trace_state: String::new(),
        flags: 0x101,
        name: format!("GET /api/resource/{}", i % 40),
        kind: SpanKind::from_number((i % 6) as u8),
        start_unix_nanos,
        end_unix_nanos: start_unix_nanos + i * 1_001 % 90_000_000,
        attributes: attributes(i),
        dropped_attributes_count: 0,
        events: if i.is_multiple_of(8) { vec![event] } else { Vec::new() },
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: if i.is_multiple_of(8) { StatusCode::Error } else { StatusCode::Unset },
        status_message: String::new(),
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
    }
}

fn attributes(i: u64) -> Vec<Attribute> {
    let number = |key: &str, number: u64| attribute(key, AttributeValue::Int(number as i64));
    vec![
        text("http.request.method", ["GET", "POST", "PUT"][i as usize % 3]),
        text("url.path", &format!("/api/resource/{}/item/{}", i % 40, i)),
        text("http.route", &format!("/api/resource/{}/item/:id", i % 40)),
        number("http.response.status_code", [200, 200, 404, 500][i as usize % 4]),
        text("server.address", &format!("host-{}.example.com", i % 16)),
        number("server.port", 8080),
        text("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
        text("network.protocol.version", "1.1"),
        attribute("app.cached", AttributeValue::Bool(i.is_multiple_of(2))),
        attribute("app.load", AttributeValue::Double(i as f64 / 7.0)),
        text("thread.name", &format!("worker-{}", i % 32)),
    ]
}

fn text(key: &str, text: &str) -> Attribute {
    attribute(key, AttributeValue::String(text.to_owned()))
}

fn attribute(key: &str, value: AttributeValue) -> Attribute {
    Attribute { key: key.to_owned(), value }
}
