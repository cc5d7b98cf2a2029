//! `otlp_grpc` against servers that answer as told.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use spandrel_exporters::Extensions;
use spandrel_pipeline::{Accepted, Component, ConsumeError, TraceConsumer};
use spandrel_proto::rpc::{RetryInfo, Status};
use spandrel_proto::well_known::{Any, Duration as ProtoDuration};

use crate::rig::{batch, otlp, otlp_grpc};
use crate::server::{Answer, Server, names};

/// Plain text, no queue, and retries that do not make tests slow.
fn yaml(server: &Server, more: &str) -> String {
    format!(
        "endpoint: {}\ntls: {{insecure: true}}\nsending_queue: {{enabled: false}}\n\
         retry_on_failure: {{initial_interval: 1ms, max_interval: 2ms}}\n{more}",
        server.address
    )
}

const PLAIN: &str = "compression: none";

fn throttled(seconds: i64) -> Answer {
    let retry_delay = Some(ProtoDuration { seconds, nanos: 1_000_000 });
    let info = Any::from_msg(&RetryInfo { retry_delay }).unwrap();
    let status = Status { code: 8, message: String::new(), details: vec![info] };
    let details = STANDARD.encode(status.encode_to_vec());
    Answer::grpc_error(8, "slow down").with_header("grpc-status-details-bin", &details)
}

#[tokio::test]
async fn the_bytes_of_the_pipeline_arrive_as_they_are() {
    let server = Server::grpc(&[]).await;
    let headers = "headers: {x-team: red}\nuser_agent: me/1";
    let exporter =
        otlp_grpc(&yaml(&server, &format!("{PLAIN}\n{headers}")), &Extensions::default()).await;
    let accepted = exporter.consume(batch(&["a", "b"])).await.unwrap();
    assert_eq!(accepted, Accepted { accepted_spans: 2, ..Accepted::default() });
    let seen = &server.seen()[0];
    assert_eq!(seen.body.slice(5..), otlp(&["a", "b"]));
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert!(seen.uri.ends_with(path), "{}", seen.uri);
    for (name, value) in [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("x-team", "red"),
        ("user-agent", "me/1"),
        ("grpc-timeout", "5000m"),
        ("grpc-encoding", ""),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    exporter.shutdown().await;
}

#[tokio::test]
async fn messages_are_compressed() {
    let server = Server::grpc(&[]).await;
    let long = "x".repeat(100_000);
    for (more, encoding) in
        [("", "gzip"), ("compression: zstd", "zstd"), ("compression: snappy", "snappy")]
    {
        let exporter = otlp_grpc(&yaml(&server, more), &Extensions::default()).await;
        exporter.consume(batch(&[&long])).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!((seen.header("grpc-encoding"), seen.body[0]), (encoding, 1));
        assert!(seen.body.len() < 10_000, "{encoding}: {}", seen.body.len());
        let inflated = match encoding {
            "gzip" => inflate(flate2::read::GzDecoder::new(&seen.body[5..])),
            "zstd" => zstd::stream::decode_all(&seen.body[5..]).unwrap(),
            _ => inflate(snap::read::FrameDecoder::new(&seen.body[5..])),
        };
        assert_eq!(names(&inflated), [long.as_str()]);
    }
}

fn inflate(mut reader: impl std::io::Read) -> Vec<u8> {
    let mut out = Vec::new();
    reader.read_to_end(&mut out).unwrap();
    out
}

#[tokio::test]
async fn errors_are_tried_again_or_not() {
    let answers = [
        Answer::grpc_error(14, "busy"),
        throttled(0),
        Answer::Die,
        Answer::http(503),
        Answer::grpc_ok(),
        Answer::grpc_error(3, "bad%20span"),
        Answer::grpc_error(8, "too large"),
    ];
    let server = Server::grpc(&answers).await;
    let exporter = otlp_grpc(&yaml(&server, PLAIN), &Extensions::default()).await;
    exporter.consume(batch(&["a"])).await.unwrap();
    assert_eq!(server.seen().len(), 5, "retried until it was taken");
    for message in ["InvalidArgument: bad span", "ResourceExhausted: too large"] {
        let error = exporter.consume(batch(&["a"])).await.unwrap_err();
        assert_eq!(error, ConsumeError::Permanent { message: message.to_owned(), spans: 1 });
    }
    assert_eq!(server.seen().len(), 7, "and no more");
}

#[tokio::test]
async fn the_delay_of_retry_info_reaches_the_sender() {
    let server = Server::grpc(&[throttled(7)]).await;
    let more = "retry_on_failure: {enabled: false}\ncompression: none";
    let yaml = yaml(&server, more)
        .replace("retry_on_failure: {initial_interval: 1ms, max_interval: 2ms}\n", "");
    let exporter = otlp_grpc(&yaml, &Extensions::default()).await;
    let error = exporter.consume(batch(&["a"])).await.unwrap_err();
    let ConsumeError::Unavailable { retry_after, .. } = error else { panic!("{error:?}") };
    assert_eq!(retry_after, Duration::from_millis(7001));
}

#[tokio::test]
async fn partial_success_is_passed_on() {
    let server = Server::grpc(&[Answer::grpc_partial(1, "too old")]).await;
    let exporter = otlp_grpc(&yaml(&server, PLAIN), &Extensions::default()).await;
    let accepted = exporter.consume(batch(&["a", "b"])).await.unwrap();
    let message = "too old".to_owned();
    assert_eq!(accepted, Accepted { accepted_spans: 1, rejected_spans: 1, message });
    assert_eq!(server.seen().len(), 1, "never sent again");
}

#[tokio::test]
async fn a_server_that_hangs_or_is_not_there_is_an_error() {
    let server = Server::grpc(&[Answer::Hang]).await;
    let more = "compression: none\ntimeout: 50ms";
    let exporter = otlp_grpc(&yaml(&server, more), &Extensions::default()).await;
    exporter.consume(batch(&["a"])).await.unwrap();
    assert_eq!(server.seen().len(), 2);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let yaml = format!(
        "endpoint: {address}\ntls: {{insecure: true}}\nsending_queue: {{enabled: false}}\n\
         retry_on_failure: {{enabled: false}}"
    );
    let exporter = otlp_grpc(&yaml, &Extensions::default()).await;
    let error = exporter.consume(batch(&["a"])).await.unwrap_err();
    assert!(error.to_string().contains("cannot connect"), "{error}");
}

#[tokio::test]
async fn wait_for_ready_waits_for_the_server() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let yaml = format!(
        "endpoint: {address}\ntls: {{insecure: true}}\nwait_for_ready: true\ntimeout: 30s\n\
         sending_queue: {{enabled: false}}\nretry_on_failure: {{enabled: false}}\ncompression: none"
    );
    let exporter = otlp_grpc(&yaml, &Extensions::default()).await;
    let serve = async {
        // The first attempt has failed when the runtime comes here for the second time.
        tokio::task::yield_now().await;
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        drop(stream);
    };
    let consume = tokio::time::timeout(Duration::from_secs(20), exporter.consume(batch(&["a"])));
    let (consumed, ()) = tokio::join!(consume, serve);
    // The server of this test hangs up at once; what matters is that it was waited for.
    assert!(consumed.is_ok(), "{consumed:?}");
}

#[tokio::test]
async fn calls_share_connections() {
    let server = Server::grpc(&[]).await;
    let exporter = otlp_grpc(&yaml(&server, PLAIN), &Extensions::default()).await;
    for _ in 0..20 {
        exporter.consume(batch(&["a"])).await.unwrap();
    }
    assert_eq!(server.connections(), 1, "one after the other");
    let many = (0..50).map(|_| exporter.consume(batch(&["b"])));
    for accepted in futures::future::join_all(many).await {
        accepted.unwrap();
    }
    assert_eq!(server.seen().len(), 70);
    assert!((2..=4).contains(&server.connections()), "{}", server.connections());
}

#[tokio::test]
async fn unix_sockets_and_dns_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("otel.sock");
    let server = Server::unix(&path).await;
    let rest = "tls: {insecure: true}\nsending_queue: {enabled: false}\ncompression: none";
    let yaml = format!("endpoint: unix://{}\n{rest}", path.display());
    let exporter = otlp_grpc(&yaml, &Extensions::default()).await;
    exporter.consume(batch(&["a"])).await.unwrap();
    assert_eq!(server.seen()[0].grpc_names(), ["a"]);

    let server = Server::grpc(&[]).await;
    let yaml = format!("endpoint: dns:///localhost:{}\n{rest}", server.address.port());
    let exporter = otlp_grpc(&yaml, &Extensions::default()).await;
    exporter.consume(batch(&["b"])).await.unwrap();
    assert_eq!(server.seen()[0].grpc_names(), ["b"]);
}

#[tokio::test]
async fn a_queue_and_batches_over_the_wire() {
    let server = Server::grpc(&[]).await;
    let yaml = format!(
        "endpoint: http://{}\ncompression: none\nsending_queue: {{batch: {{min_size: 4}}}}",
        server.address
    );
    let exporter = otlp_grpc(&yaml, &Extensions::default()).await;
    for names in [["a", "b"], ["c", "d"], ["e", "f"]] {
        exporter.consume(batch(&names)).await.unwrap();
    }
    server.requests(1).await;
    exporter.shutdown().await;
    let mut sent: Vec<String> = server.seen().iter().flat_map(|seen| seen.grpc_names()).collect();
    sent.sort();
    assert_eq!(sent, ["a", "b", "c", "d", "e", "f"]);
}
