//! Sizes, budget, time and accounts.

use std::time::Duration;

use bytes::Bytes;
use spandrel_base::memory::MemoryBudget;
use spandrel_pipeline::{Accepted, ConsumeError};
use spandrel_proto::rpc::Status;
use spandrel_telemetry::SpanAccounting;

use crate::fixture::{EXPORT, Script, Server, framed, span_bytes, spans};
use crate::grpc::{client, compressions, wait};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const NO_ROOM: &str = "no memory left for another request";

fn too_large(message: &str) -> Status {
    Status { code: 8, message: message.to_owned(), details: Vec::new() }
}

#[tokio::test]
async fn bodies_over_a_limit_are_refused_for_good() {
    let server = Server::start_with(|options| {
        options.grpc.as_mut().unwrap().recv_bytes_max = 100_000;
        let http = options.http.as_mut().unwrap();
        http.body_bytes_max = 50_000;
        http.decompressed_bytes_max = 100_000;
    })
    .await;
    let zeros = |n| Bytes::from(vec![0; n]);
    let answer = server.post(&[PROTOBUF], zeros(50_000)).await;
    assert_eq!(answer.status, 200);
    let answer = server.post(&[PROTOBUF], zeros(50_001)).await;
    let message = "body exceeds the limit of 50000 bytes";
    assert_eq!(answer.protobuf(), (413, too_large(message)));
    let head = "POST /v1/traces HTTP/1.1\r\nhost: receiver.test\r\nconnection: close\r\n\
                content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("{:x}\r\n{}\r\n", 10_000, " ".repeat(10_000));
    let chunks = [head, &chunk.repeat(6), "0\r\n\r\n"].concat();
    let answer = server.raw(server.http_addr(), chunks.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    assert!(answer.ends_with(&format!(r#"{{"code":8,"message":"{message}"}}"#)), "{answer}");

    let answer = server.call(EXPORT, &[], framed(0, &zeros(100_000))).await;
    assert_eq!(answer.code, 0);
    // The length in the prefix is enough.
    let answer = server.call(EXPORT, &[], framed(0, &zeros(100_001)).slice(..5)).await;
    let message = "message of 100001 bytes exceeds the limit of 100000";
    assert_eq!((answer.code, answer.message.as_str(), answer.details), (8, message, None));

    for (name, bomb) in compressions(&zeros(10 << 20)) {
        let bomb = Bytes::from(bomb);
        assert!(bomb.len() < 50_000, "{name}");
        let answer = server.post(&[PROTOBUF, ("content-encoding", name)], bomb.clone()).await;
        let message = "body exceeds 100000 bytes after decompression";
        assert_eq!(answer.protobuf(), (413, too_large(message)), "{name}");
        let answer = server.call(EXPORT, &[("grpc-encoding", name)], framed(1, &bomb)).await;
        assert_eq!((answer.code, answer.message.as_str(), answer.details), (8, message, None));
    }
    assert_eq!(server.consumed().len(), 2);
}

/// Scenario: the body is far larger than the limit and than what the sockets buffer.
/// Guarantees: the sender sees the answer, not a broken connection that it would retry.
#[tokio::test]
async fn senders_of_large_bodies_see_the_refusal() {
    let server = Server::start_with(|options| {
        options.grpc.as_mut().unwrap().recv_bytes_max = 1000;
        options.http.as_mut().unwrap().body_bytes_max = 1000;
    })
    .await;
    let n_bytes = 32 << 20;
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: receiver.test\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {n_bytes}\r\n\r\n"
    );
    // Writes everything before it reads.
    let body = " ".repeat(n_bytes);
    let answer = server.raw(server.http_addr(), [head, body].concat().as_bytes()).await;
    let expected = r#"{"code":8,"message":"body exceeds the limit of 1000 bytes"}"#;
    assert!(answer.ends_with(expected), "{answer}");
    let mut request = spans(1);
    request.resource_spans[0].schema_url = "x".repeat(n_bytes);
    let status = client(&server).await.export(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status:?}");
}

#[tokio::test]
async fn the_budget_is_shared_and_comes_back() {
    let server = Server::start_with(|options| {
        options.in_flight_bytes_max = 100_000;
        options.retry_after = Duration::from_secs(5);
    })
    .await;
    let held = server.consumer.gate.acquire_many(1000).await.unwrap();
    let body = Bytes::from(vec![0; 60_000]);
    let first = server.post(&[PROTOBUF], body.clone());
    let others = async {
        drop(server.consumer.entered.acquire().await.unwrap());
        let answer = server.post(&[PROTOBUF], body.clone()).await;
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert_eq!(answer.protobuf(), (503, wait(NO_ROOM, 5)));
        let answer = server.call(EXPORT, &[], framed(0, &body)).await;
        assert_eq!((answer.code, answer.details), (14, Some(wait(NO_ROOM, 5))));
        for (name, bomb) in compressions(&[0; 200_000]) {
            let answer = server.post(&[PROTOBUF, ("content-encoding", name)], bomb).await;
            assert_eq!(answer.protobuf(), (503, wait(NO_ROOM, 5)), "{name}");
        }
        drop(held);
    };
    let (first, ()) = tokio::join!(first, others);
    assert_eq!(first.status, 200);
    assert_eq!(server.call(EXPORT, &[], framed(0, &body)).await.code, 0);
    assert_eq!(server.post(&[PROTOBUF], vec![0; 100_000]).await.status, 200);
    // What never fits is not worth another attempt.
    let answer = server.post(&[PROTOBUF], vec![0; 100_001]).await;
    let message = "request of 100001 bytes exceeds the 100000 of all requests";
    assert_eq!(answer.protobuf(), (413, too_large(message)));
}

/// Scenario: what others hold of the memory of the process leaves too little for a request.
/// Guarantees: it is refused for now, and taken when there is room again.
#[tokio::test]
async fn requests_are_a_part_of_the_memory_of_the_process() {
    let memory = MemoryBudget::new("memory", 100_000);
    let server = Server::start_with(|options| options.memory = memory.clone()).await;
    let others = memory.try_reserve(50_000).unwrap();
    let body = Bytes::from(vec![0; 60_000]);
    assert_eq!(server.post(&[PROTOBUF], body.clone()).await.protobuf(), (503, wait(NO_ROOM, 1)));
    assert_eq!(memory.used(), 50_000);
    drop(others);
    assert_eq!(server.post(&[PROTOBUF], body).await.status, 200);
    assert_eq!(memory.used(), 0);
}

#[tokio::test]
async fn a_sender_that_announces_much_and_sends_little_holds_nothing() {
    let server = Server::start_with(|options| options.in_flight_bytes_max = 1 << 20).await;
    let mut slow = tokio::net::TcpStream::connect(server.http_addr()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: receiver.test\r\n\
                content-type: application/x-protobuf\r\ncontent-length: 1000000\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut slow, head.as_bytes()).await.unwrap();
    assert_eq!(server.post(&[PROTOBUF], vec![0; 1_000_000]).await.status, 200);
}

#[tokio::test]
async fn slow_senders_are_cut_off() {
    let server = Server::start_with(|options| {
        options.header_read_timeout = Duration::from_millis(50);
        options.body_read_timeout = Duration::from_millis(50);
    })
    .await;
    for addr in [server.http_addr(), server.grpc_addr()] {
        for start in ["", "PRI * HT", "POST /v1/tra"] {
            let answer = server.raw(addr, start.as_bytes()).await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{start} {answer}");
        }
    }
    let head = "POST /v1/traces HTTP/1.1\r\nhost: receiver.test\r\n\
                content-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    let answer = server.raw(server.http_addr(), head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    let body = r#"{"code":4,"message":"the request body did not arrive in time"}"#;
    assert!(answer.ends_with(body), "{answer}");
}

#[tokio::test]
async fn every_span_and_every_request_is_accounted_for() {
    let server = Server::start().await;
    let unavailable = ConsumeError::Unavailable {
        message: "full".to_owned(),
        retry_after: Duration::from_secs(1),
        spans: 5,
    };
    let over_limit = ConsumeError::OverLimit {
        message: "too fast".to_owned(),
        retry_after: Duration::from_secs(1),
        spans: 3,
    };
    let partial = Accepted { accepted_spans: 3, rejected_spans: 1, message: "one".to_owned() };
    let scripts = [
        (4, Script::Answer(Ok(partial))),
        (5, Script::Answer(Err(unavailable))),
        (3, Script::Answer(Err(over_limit))),
        (6, Script::Answer(Err(ConsumeError::TooLarge("too big".to_owned())))),
        (7, Script::Panic),
        (8, Script::Answer(Err(ConsumeError::Malformed("bad".to_owned())))),
    ];
    for (n, script) in scripts {
        server.script(script);
        server.post(&[PROTOBUF], span_bytes(n)).await;
    }
    server.call(EXPORT, &[], framed(0, &span_bytes(2))).await;
    server.call("/shop.Cart/Add", &[], framed(0, &span_bytes(9))).await;
    let expected = SpanAccounting { received: 27, stored: 5, rejected: 7, refused: 8, failed: 7 };
    assert_eq!(server.metrics.accounting(), expected);

    let page = server.metrics.encode();
    let wire_bytes = (3..9).map(|n| span_bytes(n).len()).sum::<usize>() + span_bytes(2).len() + 5;
    let http = r#"receiver="otlp",transport="http""#;
    let grpc = r#"receiver="otlp",transport="grpc""#;
    for line in [
        format!("spandrel_receiver_requests_total{{{http},code=\"200\"}} 1"),
        format!("spandrel_receiver_requests_total{{{http},code=\"503\"}} 1"),
        format!("spandrel_receiver_requests_total{{{http},code=\"413\"}} 1"),
        format!("spandrel_receiver_requests_total{{{http},code=\"429\"}} 1"),
        format!("spandrel_receiver_requests_total{{{http},code=\"500\"}} 1"),
        format!("spandrel_receiver_requests_total{{{http},code=\"400\"}} 1"),
        format!("spandrel_receiver_requests_total{{{grpc},code=\"0\"}} 1"),
        format!("spandrel_receiver_requests_total{{{grpc},code=\"12\"}} 1"),
        format!("spandrel_receiver_request_wire_bytes_total {wire_bytes}"),
        format!("spandrel_receiver_request_decompressed_bytes_total {}", wire_bytes - 5),
        format!("otelcol_receiver_accepted_spans{{{http}}} 3"),
        format!("otelcol_receiver_refused_spans{{{http}}} 22"),
        format!("otelcol_receiver_accepted_spans{{{grpc}}} 2"),
        format!("otelcol_receiver_refused_spans{{{grpc}}} 0"),
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
}
