//! What generated metrics cost beside receiving: `cargo run --release -p spandrel-metrics-generator --example generator_cost`.
//!
//! 20 services with 100 operations each, 10 attributes a span, half of the spans ends of edges, exemplars on. The same
//! requests go the way of a store, from decoding over the log to a block. As in a server a request is counted right
//! after it was decoded: its bytes are not far then. Of receiving the CPU time of all threads counts; of counting, which
//! is one thread's, the median round, since what the kernel tells of CPU time is too coarse for one request.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use prost::Message;
use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_block::WriteOptions;
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
use spandrel_wal::{Durability, Record, Wal, WalOptions};

const NOW: u64 = 1_700_000_000_000_000_000;
const SERVICES: u64 = 20;
const OPERATIONS: u64 = 100;
/// Spans of a request.
const SPANS: u64 = 1000;
/// Requests of a round, which make one block.
const REQUESTS: u64 = 64;
const ROUNDS: u32 = 40;

fn main() -> anyhow::Result<()> {
    let requests: Vec<Bytes> = (0..REQUESTS).map(|number| request(number).into()).collect();
    let bytes: usize = requests.iter().map(Bytes::len).sum();
    println!("{} bytes a span", bytes as u64 / (SPANS * REQUESTS));
    let clock = Arc::new(ManualClock::new(NOW));
    let settings = GeneratorSettings::default();
    let generator = Generator::new(settings, MemoryBudget::unlimited(), clock, Metrics::new());
    let tenant = TenantId::single();
    let logs = tempfile::tempdir()?;
    let (mut decoded, mut stored, mut counted) = (0.0, 0.0, Vec::new());
    for round in 0..ROUNDS {
        let log = logs.path().join(format!("{round}"));
        let start = cpu_seconds()?;
        drop(decode(&requests, |_| ())?);
        decoded += cpu_seconds()? - start;
        let start = cpu_seconds()?;
        store(&requests, &log)?;
        stored += cpu_seconds()? - start;
        let mut counting = Duration::ZERO;
        decode(&requests, |request| counting += observed(&generator, &tenant, request))?;
        counted.push(counting.as_secs_f64());
    }
    // What the task of the generator does every 15 seconds, in which at least as many spans come where cost matters.
    let start = cpu_seconds()?;
    generator.collect(true);
    let collecting = (cpu_seconds()? - start) / f64::from(ROUNDS);
    counted.sort_by(f64::total_cmp);
    let counted = counted[counted.len() / 2] + collecting;
    let nanos = |seconds: f64| seconds * 1e9 / (SPANS * REQUESTS) as f64;
    let stored = stored / f64::from(ROUNDS);
    println!("decoding: {:.0} ns a span", nanos(decoded / f64::from(ROUNDS)));
    println!("decoding, log and block: {:.0} ns a span", nanos(stored));
    let share = counted / stored * 100.0;
    println!("counting: {:.0} ns a span, {share:.1} % of receiving (bar 15)", nanos(counted));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn observed(generator: &Generator, tenant: &TenantId, request: &Bytes) -> Duration {
    let start = Instant::now();
    generator.observe(tenant, request);
    start.elapsed()
}

/// CPU seconds of all threads of this process so far, which the kernel counts in hundredths.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / 100.0)
}

fn decode(requests: &[Bytes], mut decoded: impl FnMut(&Bytes)) -> anyhow::Result<SpanColumns> {
    let mut columns = SpanColumns::default();
    for request in requests {
        decode_request(request, &DecodeLimits::default(), &mut columns)?;
        decoded(request);
    }
    Ok(columns)
}

/// What a store does with requests: columns, a synced log, a block.
fn store(requests: &[Bytes], log: &Path) -> anyhow::Result<()> {
    let columns = decode(requests, |_| ())?;
    let options = WalOptions {
        segment_bytes_max: 64 << 20,
        durability: Durability::Fsync,
        bytes_max: 8 << 30,
        replay_from_seq: 0,
    };
    let (mut wal, replay) = Wal::open(log, options)?;
    drop(replay);
    let records = requests.iter().map(|payload| Record {
        tenant: "single-tenant".into(),
        received_unix_nanos: 0,
        payload: payload.clone(),
    });
    for group in records.collect::<Vec<_>>().chunks(16) {
        wal.append_group(group)?;
    }
    spandrel_block::write(&columns, &WriteOptions::default())?;
    drop(wal);
    Ok(std::fs::remove_dir_all(log)?)
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
