//! Requests that are not OTLP, and spans that are, but odd: the first are refused in words, the second
//! are kept as they are, and neither harms anyone else.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use spandrel_tests::{
    Home, SpanView, Spandrel, attribute, post_protobuf, python, request, resource_spans, run, send,
    span, span_id, span_views, trace_id, unix_nanos,
};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");
/// Above this a process has taken a bad request at its word.
const RSS_KIB_MAX: u64 = 400 << 10;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn good_request() -> Vec<u8> {
    request("good", vec![span(&trace_id(1, 1), 1, "good", unix_nanos())])
}

#[test]
fn requests_that_are_not_otlp() {
    let mut home = Home::new();
    let spandrel = home.start();
    let bomb = gzip(&vec![0; 256 << 20]);
    let large = vec![0; (20 << 20) + 1];
    let good = good_request();
    let damaged = {
        let mut gzipped = gzip(&good);
        gzipped[12] ^= 0xff;
        gzipped
    };
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a [u8], u16);
    let cases: [Case<'_>; 14] = [
        ("malformed protobuf", vec![PROTOBUF], b"\x0a\xff\xff\xff\xff\x7f", 400),
        ("cut protobuf", vec![PROTOBUF], &good[..good.len() - 3], 400),
        ("text as protobuf", vec![PROTOBUF], b"hello", 400),
        ("malformed JSON", vec![JSON], b"{\"resourceSpans\": [", 400),
        ("JSON of another shape", vec![JSON], b"{\"resourceSpans\": 7}", 400),
        ("JSON that is no object", vec![JSON], b"[]", 400),
        (
            "short id in JSON",
            vec![JSON],
            br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01"}]}]}]}"#,
            400,
        ),
        ("no content type", vec![], &good, 415),
        ("wrong content type", vec![("content-type", "text/plain")], &good, 415),
        ("unknown compression", vec![PROTOBUF, ("content-encoding", "br")], &good, 415),
        ("not compressed", vec![PROTOBUF, ("content-encoding", "gzip")], &good, 400),
        ("damaged compression", vec![PROTOBUF, ("content-encoding", "gzip")], &damaged, 400),
        ("decompression bomb", vec![PROTOBUF, ("content-encoding", "gzip")], &bomb, 413),
        ("large body", vec![PROTOBUF], &large, 413),
    ];
    for (what, headers, body, status) in cases {
        let reply = spandrel.otlp().post("/v1/traces", &headers, body).unwrap();
        assert_eq!(reply.status, status, "{what}: {}", reply.text());
        assert!(!reply.body.is_empty(), "{what} is refused without a word");
    }
    for (method, path, status) in
        [("GET", "/v1/traces", 405), ("POST", "/v1/logs", 404), ("POST", "/", 404)]
    {
        let reply = spandrel.otlp().request(method, path, &[PROTOBUF], &[]).unwrap();
        assert_eq!(reply.status, status, "{method} {path}");
    }
    let malformed = spandrel.otlp().post("/v1/traces", &[JSON], b"{\n  \"resourceSpans\": 7\n}");
    let malformed = malformed.unwrap().json();
    assert_eq!(malformed["code"], 3);
    let message = malformed["message"].as_str().unwrap();
    assert!(message.contains("line 2"), "{message}");
    let resident = resident_kib(&spandrel);
    assert!(resident < RSS_KIB_MAX, "{resident} KiB are resident");
    assert_eq!(spandrel.tempo().find("{}", 10), [""; 0]);
    assert_eq!(send(&mut spandrel.otlp(), &good), (0, String::new()));
    assert_eq!(spandrel.tempo().find("{}", 10).len(), 1);
}

fn resident_kib(spandrel: &Spandrel) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", spandrel.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn bad_requests_over_grpc() {
    let mut home = Home::new();
    let spandrel = home.start();
    let mut command = python();
    command.args(["senders/python/bad_grpc.py", &spandrel.ports.otlp_grpc.to_string()]);
    let answers = run(&mut command);
    let expected = json!({
        "malformed": "INVALID_ARGUMENT",
        "unknown method": "UNIMPLEMENTED",
        "unknown service": "UNIMPLEMENTED",
        "deflate": "OK: 0 rejected",
        "bomb": "RESOURCE_EXHAUSTED",
        "zero trace id": "OK: 1 rejected",
        "good": "OK: 0 rejected",
    });
    assert_eq!(answers, expected);
    assert_eq!(spandrel.tempo().find("{}", 10), ["00000000000000000000000000000001"]);
}

#[test]
fn spans_that_no_trace_can_hold_are_rejected_alone() {
    let mut home = Home::new();
    let spandrel = home.start();
    let now = unix_nanos();
    let good = span(&trace_id(0, 9), 1, "good", now);
    let bad = |change: &dyn Fn(&mut Span)| {
        let mut bad = good.clone();
        bad.name = "bad".to_owned();
        change(&mut bad);
        bad
    };
    let spans = vec![
        bad(&|span| span.trace_id = vec![0; 16]),
        bad(&|span| span.trace_id = vec![1; 7]),
        bad(&|span| span.trace_id.clear()),
        good.clone(),
        bad(&|span| span.span_id = vec![0; 8]),
        bad(&|span| span.span_id = vec![1; 7]),
        bad(&|span| span.parent_span_id = vec![1; 7]),
    ];
    let (rejected, message) = send(&mut spandrel.otlp(), &request("mixed", spans));
    assert_eq!(rejected, 6);
    assert!(message.contains("trace id") && message.contains("span id"), "{message}");
    let views = spandrel.tempo().trace("9");
    assert_eq!(views, span_views(&[resource_spans("mixed", vec![good])]));
    assert_eq!(spandrel.tempo().find("{}", 10).len(), 1);
    let metrics = spandrel.tempo().get("/metrics").text();
    for line in [
        "spandrel_spans_rejected_total{reason=\"invalid_trace_id\"} 3",
        "spandrel_spans_rejected_total{reason=\"invalid_span_id\"} 2",
        "spandrel_spans_rejected_total{reason=\"invalid_parent_span_id\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in\n{metrics}");
    }
}

/// Sends spans, each of which must come back equal, from memory and from a block.
#[track_caller]
fn check_round_trip(requests: Vec<Vec<Span>>) {
    let mut home = Home::new();
    let mut spandrel = home.start();
    let all: Vec<Span> = requests.iter().flatten().cloned().collect();
    for spans in requests {
        let answer = send(&mut spandrel.otlp(), &request("odd", spans));
        assert_eq!(answer.0, 0, "{}", answer.1);
    }
    let expected = span_views(&[resource_spans("odd", all)]);
    let mut ids: Vec<String> = expected.iter().map(SpanView::trace_id).collect();
    ids.dedup();
    for place in ["live spans", "blocks"] {
        let mut tempo = spandrel.tempo();
        let found: Vec<SpanView> = ids.iter().flat_map(|id| tempo.trace(id)).collect();
        assert_eq!(found.len(), expected.len(), "{place}");
        for (found, expected) in found.iter().zip(&expected) {
            // A whole dump of a large span helps nobody.
            if found != expected {
                let shown =
                    |view: &SpanView| format!("{view:?}").chars().take(3000).collect::<String>();
                panic!("{place}:\n{}\nexpected\n{}", shown(found), shown(expected));
            }
        }
        let mut searched = tempo.find("{}", ids.len() + 10);
        searched.sort();
        assert_eq!(searched, ids, "{place}");
        spandrel.stop();
        spandrel = home.start();
    }
}

#[test]
fn odd_times() {
    let now = unix_nanos();
    let year = 365 * 24 * 3600 * 1_000_000_000_u64;
    let at = |i: u64, start: u64, end: u64| Span {
        end_time_unix_nano: end,
        ..span(&trace_id(2, i), i, "time", start)
    };
    check_round_trip(vec![vec![
        at(1, now, now - 1_000_000_000),
        at(2, now, now),
        at(3, 0, 1),
        at(4, now - 30 * year, now - 30 * year + 5),
        at(5, now + 30 * year, now + 30 * year + 5),
        at(6, now, now + year),
        at(7, now, 0),
        at(8, i64::MAX as u64 - 1, i64::MAX as u64),
    ]]);
}

#[test]
fn odd_trees() {
    let now = unix_nanos();
    let trace = trace_id(3, 1);
    let child = |id: u64, parent: u64, name: &str| Span {
        parent_span_id: span_id(parent),
        ..span(&trace, id, name, now + id)
    };
    let mut marked = child(7, 1, "same id, another name");
    marked.attributes = vec![attribute("copy", "second")];
    check_round_trip(vec![vec![
        child(1, 1, "its own parent"),
        child(2, 3, "a circle"),
        child(3, 2, "a circle"),
        child(4, 99, "its parent never came"),
        child(7, 1, "same id"),
        marked,
    ]]);
}

#[test]
fn a_span_that_is_sent_again_counts_once() {
    let mut home = Home::new();
    let mut spandrel = home.start();
    let spans = vec![span(&trace_id(4, 1), 1, "again", unix_nanos())];
    let expected = span_views(&[resource_spans("again", spans.clone())]);
    let body = request("again", spans);
    for _ in 0..3 {
        send(&mut spandrel.otlp(), &body);
        assert_eq!(spandrel.tempo().trace(&expected[0].trace_id()), expected);
    }
    for _ in 0..2 {
        spandrel.stop();
        spandrel = home.start();
        assert_eq!(spandrel.tempo().trace(&expected[0].trace_id()), expected);
        assert_eq!(spandrel.tempo().find("{ name = \"again\" }", 10).len(), 1);
        send(&mut spandrel.otlp(), &body);
    }
}

#[test]
fn large_values_and_many_keys() {
    let now = unix_nanos();
    let mut large = span(&trace_id(5, 1), 1, "large", now);
    large.attributes = vec![attribute("body", &"0123456789abcdef".repeat((5 << 20) / 16))];
    let mut wide = span(&trace_id(5, 2), 1, "wide", now);
    wide.attributes = (0..10_000).map(|i| attribute(&format!("key.{i}"), "v")).collect();
    let many = (0..10_000).map(|i| {
        let mut span = span(&trace_id(5, 3), i + 1, "many", now + i);
        span.attributes = vec![attribute(&format!("other.{i}"), &i.to_string())];
        span
    });
    check_round_trip(vec![vec![large], vec![wide], many.collect()]);
}

#[test]
fn a_trace_of_100_000_spans() {
    const REQUESTS: u64 = 10;
    const SPANS: u64 = 10_000;
    let now = unix_nanos();
    let trace = trace_id(6, 1);
    let spans = |request: u64| {
        let span = |i: u64| {
            let id = request * SPANS + i + 1;
            let mut span = span(&trace, id, "step", now + id);
            if id > 1 {
                // A tree of depth 17, so that neither depth nor width is the whole difficulty.
                span.parent_span_id = span_id(id / 2);
            }
            span.attributes = vec![attribute("step", &id.to_string())];
            span
        };
        (0..SPANS).map(span).collect()
    };
    check_round_trip((0..REQUESTS).map(spans).collect());
}

#[test]
fn a_slow_sender_does_not_stop_others() {
    let mut home = Home::new();
    let spandrel = home.start();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100000\r\n\r\n";
    let slow: Vec<std::net::TcpStream> = (0..200)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(spandrel.ports.otlp_http).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    let reply = post_protobuf(&mut spandrel.otlp(), &good_request()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    drop(slow);
}
