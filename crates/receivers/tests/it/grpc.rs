//! OTLP over gRPC: a common client, and frames written by hand.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use prost::{Message, Name};
use spandrel_pipeline::{Accepted, ConsumeError};
use spandrel_proto::otlp::collector_trace::trace_service_client::TraceServiceClient;
use spandrel_proto::otlp::collector_trace::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use spandrel_proto::rpc::{RetryInfo, Status};
use spandrel_proto::well_known;
use tonic::transport::{Channel, Endpoint};

use crate::fixture::{EXPORT, HttpAnswer, Script, Server, framed, request, span_bytes, spans};

/// A client as other programs use it.
pub(crate) async fn client(server: &Server) -> TraceServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.grpc_addr())).unwrap();
    TraceServiceClient::new(endpoint.connect().await.unwrap())
}

/// The status that asks to wait.
pub(crate) fn wait(message: &str, seconds: i64) -> Status {
    let retry_delay = Some(well_known::Duration { seconds, nanos: 0 });
    let retry_info = RetryInfo { retry_delay }.encode_to_vec();
    let details = vec![well_known::Any { type_url: RetryInfo::type_url(), value: retry_info }];
    Status { code: 14, message: message.to_owned(), details }
}

#[tokio::test]
async fn a_common_client_delivers_spans_and_its_tenant() {
    let server = Server::start().await;
    let mut client = client(&server).await;
    let response = client.export(spans(3)).await.unwrap().into_inner();
    assert_eq!(response, ExportTraceServiceResponse { partial_success: None });
    let mut for_team = tonic::Request::new(spans(2));
    for_team.metadata_mut().insert("x-scope-orgid", "team-a".parse().unwrap());
    client.export(for_team).await.unwrap();
    let expected =
        [("single-tenant".to_owned(), span_bytes(3)), ("team-a".to_owned(), span_bytes(2))];
    assert_eq!(server.consumed(), expected);
}

#[tokio::test]
async fn what_the_consumer_answers_reaches_a_common_client() {
    let server = Server::start().await;
    let mut client = client(&server).await;
    server.script(Script::Answer(Ok(Accepted {
        accepted_spans: 1,
        rejected_spans: 2,
        message: "2 with an invalid trace id".to_owned(),
    })));
    let response = client.export(spans(3)).await.unwrap().into_inner();
    let partial_success = Some(ExportTracePartialSuccess {
        rejected_spans: 2,
        error_message: "2 with an invalid trace id".to_owned(),
    });
    assert_eq!(response, ExportTraceServiceResponse { partial_success });

    let no_room = ConsumeError::Unavailable {
        message: "the disk is full".to_owned(),
        retry_after: Duration::from_secs(7),
        spans: 3,
    };
    let too_fast = ConsumeError::OverLimit {
        message: "too fast".to_owned(),
        retry_after: Duration::from_secs(3),
        spans: 3,
    };
    let failures = [
        (ConsumeError::Malformed("bad tag".to_owned()), tonic::Code::InvalidArgument, "bad tag"),
        (ConsumeError::TooLarge("too big".to_owned()), tonic::Code::ResourceExhausted, "too big"),
    ];
    let retryable = [
        (no_room, tonic::Code::Unavailable, wait("the disk is full", 7)),
        (too_fast, tonic::Code::ResourceExhausted, Status { code: 8, ..wait("too fast", 3) }),
    ];
    for (error, code, details) in retryable {
        server.script(Script::Answer(Err(error)));
        let status = client.export(spans(3)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, &*details.message));
        assert_eq!(Status::decode(status.details()).unwrap(), details);
    }
    for (error, code, message) in failures {
        server.script(Script::Answer(Err(error)));
        let status = client.export(spans(3)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, message));
        assert_eq!(status.details(), b"", "{code:?} must not ask for another attempt");
    }
    server.script(Script::Panic);
    let status = client.export(spans(3)).await.unwrap_err();
    let message = "internal error, see the log of the receiver";
    assert_eq!((status.code(), status.message()), (tonic::Code::Internal, message));
    client.export(spans(1)).await.expect("a panic ends one request only");
}

#[tokio::test]
async fn compressed_messages_are_inflated() {
    let server = Server::start().await;
    let plain = span_bytes(9);
    for (name, body) in compressions(&plain) {
        let answer = server.call(EXPORT, &[("grpc-encoding", name)], framed(1, &body)).await;
        assert_eq!((answer.code, answer.data), (0, framed(0, b"")), "{name}");
    }
    // The header alone compresses nothing: each message has a flag of its own.
    let answer = server.call(EXPORT, &[("grpc-encoding", "gzip")], framed(0, &plain)).await;
    assert_eq!(answer.code, 0);
    let expected = vec![("single-tenant".to_owned(), plain); 4];
    assert_eq!(server.consumed(), expected);
}

/// `plain` in every encoding, by name.
pub(crate) fn compressions(plain: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    let level = flate2::Compression::best();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
    gzip.write_all(plain).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
    zlib.write_all(plain).unwrap();
    [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", zlib.finish().unwrap()),
        ("zstd", zstd::encode_all(plain, 1).unwrap()),
    ]
}

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let [(_, gzip), ..] = compressions(plain);
    gzip
}

/// Path, headers and body; code and message of the answer.
type BadCall<'a> = (&'a str, &'a [(&'a str, &'a str)], Bytes, i32, &'a str);

#[tokio::test]
async fn calls_that_break_the_protocol_are_told_how() {
    let server = Server::start().await;
    let one = framed(0, b"\x0a\x00");
    let two = Bytes::from([one.clone(), one.clone()].concat());
    let gzip = [("grpc-encoding", "gzip")];
    let brotli = [("grpc-encoding", "br")];
    let tenant = [("x-scope-orgid", "../a")];
    let metrics = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    let other = "/opentelemetry.proto.collector.trace.v1.TraceService/Import";
    let unknown_encoding = "grpc-encoding: unknown or stacked compression, use one of gzip, deflate, zstd, snappy, lz4, identity";
    let bad_tenant = "X-Scope-OrgID: tenant id must be 1 to 150 characters of \
                      A-Z a-z 0-9 ! - _ . * ' ( ) and neither . nor ..";
    let calls: [BadCall<'_>; 11] = [
        (metrics, &[], one.clone(), 12, &format!("only traces are taken here, not {metrics}")),
        (other, &[], one.clone(), 12, &format!("only traces are taken here, not {other}")),
        ("/shop.Cart/Add", &[], one.clone(), 12, "unknown method /shop.Cart/Add"),
        (EXPORT, &brotli, one.clone(), 12, unknown_encoding),
        (EXPORT, &tenant, one.clone(), 3, bad_tenant),
        (EXPORT, &[], framed(1, b"\x0a\x00"), 13, "compressed message without grpc-encoding"),
        (EXPORT, &[], framed(2, b"\x0a\x00"), 13, "message with unknown flag 2"),
        (EXPORT, &[], Bytes::new(), 12, "the call has no request message"),
        (EXPORT, &[], two, 12, "the call has more than one request message"),
        (EXPORT, &[], one.slice(..4), 13, "the request ended inside its message"),
        (EXPORT, &gzip, one.slice(..6), 13, "the request ended inside its message"),
    ];
    for (path, headers, body, code, message) in calls {
        let answer = server.call(path, headers, body).await;
        assert_eq!((answer.code, answer.message.as_str()), (code, message));
        assert_eq!(answer.details, None, "{message}");
        assert_eq!(answer.accept_encoding, "gzip, deflate, zstd, snappy, lz4, identity");
    }
    let damaged = server.call(EXPORT, &gzip, framed(1, b"no gzip")).await;
    assert_eq!(damaged.code, 3);
    assert!(damaged.message.starts_with("body is not valid gzip"), "{}", damaged.message);
    assert_eq!(server.consumed(), []);
}

#[tokio::test]
async fn an_empty_request_succeeds_without_the_consumer() {
    let server = Server::start().await;
    let answer = server.call(EXPORT, &[], framed(0, b"")).await;
    assert_eq!((answer.code, answer.data), (0, framed(0, b"")));
    for (name, body) in compressions(b"") {
        let answer = server.call(EXPORT, &[("grpc-encoding", name)], framed(1, &body)).await;
        assert_eq!(answer.code, 0, "{name}");
    }
    assert_eq!(server.consumed(), []);
}

#[tokio::test]
async fn a_sender_on_the_wrong_port_is_told_the_right_one() {
    let server = Server::start().await;
    let mut http = server.http1(server.grpc_addr()).await;
    let body = request("/v1/traces", &[("content-type", "application/json")], "{}");
    let answer = HttpAnswer::of(http.send_request(body).await.unwrap()).await;
    let hint = format!(
        "this port takes OTLP over gRPC (HTTP/2, application/grpc); OTLP over HTTP is on port {}\n",
        server.http_addr().port()
    );
    assert_eq!(answer.text(), (415, "text/plain", hint.as_str()));

    let endpoint = Endpoint::from_shared(format!("http://{}", server.http_addr())).unwrap();
    let mut grpc = TraceServiceClient::new(endpoint.connect().await.unwrap());
    let status = grpc.export(spans(1)).await.unwrap_err();
    let hint = format!(
        "this port takes OTLP over HTTP; OTLP over gRPC is on port {}",
        server.grpc_addr().port()
    );
    assert_eq!((status.code(), status.message()), (tonic::Code::Unimplemented, hint.as_str()));
}

#[tokio::test]
async fn many_calls_share_a_connection() {
    const N_CALLS: usize = 100;
    let server = Server::start().await;
    let held = server.consumer.gate.acquire_many(1000).await.unwrap();
    let sender = server.http2(server.grpc_addr()).await;
    let calls = (0..N_CALLS).map(|_| {
        let uri = format!("http://{}{EXPORT}", server.grpc_addr());
        let headers = [("content-type", "application/grpc")];
        let call: http::Request<Full<Bytes>> = request(&uri, &headers, framed(0, &span_bytes(1)));
        sender.clone().send_request(call)
    });
    let release = async {
        // All of them are in the consumer at the same time.
        drop(server.consumer.entered.acquire_many(N_CALLS as u32).await.unwrap());
        drop(held);
    };
    let (answers, ()) = tokio::join!(futures::future::join_all(calls), release);
    for answer in answers {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(server.consumed().len(), N_CALLS);
}
