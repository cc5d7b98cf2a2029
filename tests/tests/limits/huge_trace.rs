//! A trace of a million spans: in over many requests, out whole, and searched inside.

use opentelemetry_proto::tonic::trace::v1::{Span, TracesData};
use prost::Message;
use spandrel_tests::{
    Home, Spandrel, attribute, request, say, send, span, span_id, trace_id, unix_nanos,
};

const SPANS: u64 = 1_000_000;
const REQUEST_SPANS: u64 = 5_000;
const CHILDREN: u64 = 10;
/// Memory at its peak: 1.4 GiB are measured, most of it on the way of live spans into columns.
const PEAK_KIB_MAX: u64 = 2 << 20;

pub(super) fn comes_back_whole() {
    let mut home = Home::new();
    let spandrel = home.start();
    let (trace, begin) = (trace_id(7, 7), unix_nanos());
    let mut otlp = spandrel.otlp();
    for first in (0..SPANS).step_by(REQUEST_SPANS as usize) {
        let spans = (first..first + REQUEST_SPANS).map(|n| step(&trace, n, begin)).collect();
        let service = format!("batch-{}", first / REQUEST_SPANS % 7);
        send(&mut otlp, &request(&service, spans));
    }
    check(&spandrel, "live spans and blocks");
    spandrel.stop();
    check(&home.start(), "blocks");
}

/// Span `n` of a tree in which every span has ten children.
fn step(trace: &[u8], n: u64, begin: u64) -> Span {
    let mut span = span(trace, n + 1, &format!("step {}", n % 50), begin + n * 1_000);
    if n > 0 {
        span.parent_span_id = span_id((n - 1) / CHILDREN + 1);
    }
    span.attributes = vec![attribute("item.id", &format!("item-{n}"))];
    span
}

fn check(spandrel: &Spandrel, place: &str) {
    let mut tempo = spandrel.tempo();
    let id = format!("{:016x}{:016x}", 7, 7);
    let reply = tempo.accept(&format!("/api/traces/{id}"), "application/protobuf");
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer_bytes = reply.body.len();
    let found = TracesData::decode(reply.body.as_slice()).unwrap();
    let scopes = found.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    let mut seen = vec![false; SPANS as usize];
    for span in scopes.flat_map(|scope| &scope.spans) {
        let n = u64::from_be_bytes(span.span_id.as_slice().try_into().unwrap()) - 1;
        assert!(!seen[n as usize], "span {n} comes twice");
        seen[n as usize] = true;
        let expected = step(&span.trace_id, n, span.start_time_unix_nano - n * 1_000);
        assert_eq!(
            (&span.attributes, &span.parent_span_id, &span.name),
            (&expected.attributes, &expected.parent_span_id, &expected.name)
        );
    }
    assert!(seen.iter().all(|seen| *seen), "a span is missing");
    let query = format!("{{ span.item.id = \"item-{}\" }}", SPANS - 7);
    let answer = tempo.search(&query, 10);
    assert_eq!(answer["traces"][0]["spanSet"]["matched"], 1, "{answer}");
    let peak = peak_kib(spandrel);
    say(&format!("{place}: {answer_bytes} bytes came back, {peak} KiB resident at the peak"));
    assert!(peak <= PEAK_KIB_MAX, "{peak} KiB resident");
}

fn peak_kib(spandrel: &Spandrel) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", spandrel.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
