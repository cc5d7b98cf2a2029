//! OTLP over HTTP: protobuf and JSON, every answer, CORS.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use prost::Message;
use serde_json::json;
use spandrel_pipeline::{Accepted, ConsumeError};
use spandrel_proto::otlp::collector_trace::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use spandrel_proto::rpc::Status;

use crate::fixture::{HttpAnswer, Script, Server, request, span_bytes, spans};
use crate::grpc::{compressions, wait};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");
const UNTOUCHED: ExportTraceServiceResponse = ExportTraceServiceResponse { partial_success: None };

fn status(code: i32, message: &str) -> Status {
    Status { code, message: message.to_owned(), details: Vec::new() }
}

#[tokio::test]
async fn protobuf_is_delivered_as_it_came() {
    let server = Server::start().await;
    let answer = server.post(&[PROTOBUF, ("x-scope-orgid", "team-a")], span_bytes(3)).await;
    assert_eq!(answer.protobuf(), (200, UNTOUCHED));
    for (name, body) in compressions(&span_bytes(200)) {
        let answer = server.post(&[PROTOBUF, ("content-encoding", name)], body).await;
        assert_eq!(answer.protobuf(), (200, UNTOUCHED), "{name}");
    }
    let with_parameter = ("content-type", "Application/X-Protobuf; charset=utf-8");
    let identity = ("content-encoding", "identity");
    assert_eq!(server.post(&[with_parameter, identity], span_bytes(1)).await.status, 200);
    let mut expected = vec![("team-a".to_owned(), span_bytes(3))];
    expected.extend(vec![("single-tenant".to_owned(), span_bytes(200)); 3]);
    expected.push(("single-tenant".to_owned(), span_bytes(1)));
    assert_eq!(server.consumed(), expected);
}

#[tokio::test]
async fn json_is_delivered_as_protobuf() {
    let server = Server::start().await;
    let n_spans = 200;
    let span = |i: u8| {
        json!({
            "traceId": "01".repeat(16),
            "spanId": format!("{:02x}", i + 1).repeat(8),
            "name": format!("span {i}"),
        })
    };
    for n in [1, n_spans] {
        let spans: Vec<_> = (0..n).map(span).collect();
        let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] });
        let answer = server.post(&[JSON], body.to_string()).await;
        assert_eq!(answer.json(), (200, json!({})));
    }
    let consumed: Vec<_> = server
        .consumed()
        .into_iter()
        .map(|(_, otlp)| ExportTraceServiceRequest::decode(otlp).unwrap())
        .collect();
    assert_eq!(consumed, [spans(1), spans(n_spans)]);
}

/// Half a minute, as the details of a status in JSON.
fn json_wait() -> serde_json::Value {
    json!([{
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retryDelay": "30.000000000s",
    }])
}

#[tokio::test]
async fn what_the_consumer_answers_reaches_the_sender_in_its_encoding() {
    let server = Server::start().await;
    let accepted = Accepted {
        accepted_spans: 1,
        rejected_spans: 3,
        message: "3 with an invalid \"trace id\"".to_owned(),
    };
    let unavailable = ConsumeError::Unavailable {
        message: "the log is full".to_owned(),
        retry_after: Duration::from_secs(30),
        spans: 1,
    };
    let (message, retry_after) = ("too fast".to_owned(), Duration::from_secs(30));
    let over_limit = ConsumeError::OverLimit { message, retry_after, spans: 1 };
    let retry_info = json_wait();
    let failures = [
        (
            ConsumeError::Malformed("bad tag".to_owned()),
            (400, status(3, "bad tag"), json!({ "code": 3, "message": "bad tag" }), None),
        ),
        (
            ConsumeError::TooLarge("too big".to_owned()),
            (413, status(8, "too big"), json!({ "code": 8, "message": "too big" }), None),
        ),
        (
            unavailable,
            (
                503,
                wait("the log is full", 30),
                json!({ "code": 14, "message": "the log is full", "details": retry_info }),
                Some("30"),
            ),
        ),
        (
            over_limit,
            (
                429,
                Status { code: 8, ..wait("too fast", 30) },
                json!({ "code": 8, "message": "too fast", "details": retry_info }),
                Some("30"),
            ),
        ),
    ];
    let as_json = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}"#;

    server.script(Script::Answer(Ok(accepted.clone())));
    let partial_success = Some(ExportTracePartialSuccess {
        rejected_spans: 3,
        error_message: accepted.message.clone(),
    });
    let answer = server.post(&[PROTOBUF], span_bytes(4)).await;
    assert_eq!(answer.protobuf(), (200, ExportTraceServiceResponse { partial_success }));
    server.script(Script::Answer(Ok(accepted)));
    let partial_success =
        json!({ "rejectedSpans": "3", "errorMessage": "3 with an invalid \"trace id\"" });
    let answer = server.post(&[JSON], as_json).await;
    assert_eq!(answer.json(), (200, json!({ "partialSuccess": partial_success })));

    for (error, (code, protobuf, json, retry_after)) in failures {
        server.script(Script::Answer(Err(error.clone())));
        let answer = server.post(&[PROTOBUF], span_bytes(1)).await;
        assert_eq!(answer.header("retry-after"), retry_after);
        assert_eq!(answer.protobuf(), (code, protobuf));
        server.script(Script::Answer(Err(error)));
        let answer = server.post(&[JSON], as_json).await;
        assert_eq!(answer.header("retry-after"), retry_after);
        assert_eq!(answer.json(), (code, json));
    }
    server.script(Script::Panic);
    let answer = server.post(&[PROTOBUF], span_bytes(1)).await;
    let message = "internal error, see the log of the receiver";
    assert_eq!(answer.protobuf(), (500, status(13, message)));
}

#[tokio::test]
async fn an_empty_request_succeeds_without_the_consumer() {
    let server = Server::start().await;
    assert_eq!(server.post(&[PROTOBUF], "").await.protobuf(), (200, UNTOUCHED));
    for body in ["{}", r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":null}"#] {
        assert_eq!(server.post(&[JSON], body).await.json(), (200, json!({})), "{body}");
    }
    assert_eq!(server.consumed(), []);
}

#[tokio::test]
async fn requests_for_something_else_are_answered_in_plain_text() {
    let server = Server::start().await;
    let mut get = request("/v1/traces", &[], "");
    *get.method_mut() = http::Method::GET;
    let answer = server.send(get).await;
    let message = "method not allowed, traces are taken by POST\n";
    assert_eq!(answer.text(), (405, "text/plain", message));
    assert_eq!(answer.header("allow"), Some("POST"));

    let only_traces = "only traces are taken here, at /v1/traces\n";
    let not_found = "not found, traces are taken at /v1/traces\n";
    let paths = [
        ("/v1/metrics", only_traces),
        ("/v1/logs", only_traces),
        ("/v1/traces/", not_found),
        ("/", not_found),
    ];
    for (path, message) in paths {
        let answer = server.send(request(path, &[PROTOBUF], "")).await;
        assert_eq!(answer.text(), (404, "text/plain", message), "{path}");
    }

    let unsupported = "unsupported media type, use application/x-protobuf or application/json\n";
    let types: [&[(&str, &str)]; 3] =
        [&[], &[("content-type", "text/plain")], &[("content-type", "application/protobuf")]];
    for headers in types {
        let answer = server.post(headers, span_bytes(1)).await;
        assert_eq!(answer.text(), (415, "text/plain", unsupported), "{headers:?}");
    }
    assert_eq!(server.consumed(), []);
}

#[tokio::test]
async fn bad_requests_are_told_why() {
    let server = Server::start().await;
    let accepted = "gzip, deflate, zstd, snappy, lz4, identity";
    let message =
        format!("Content-Encoding: unknown or stacked compression, use one of {accepted}");
    let stacks: [&[(&str, &str)]; 3] = [
        &[PROTOBUF, ("content-encoding", "br")],
        &[PROTOBUF, ("content-encoding", "gzip, zstd")],
        &[PROTOBUF, ("content-encoding", "gzip"), ("content-encoding", "zstd")],
    ];
    for headers in stacks {
        let answer = server.post(headers, span_bytes(1)).await;
        assert_eq!(answer.protobuf(), (415, status(12, &message)), "{headers:?}");
        assert_eq!(answer.header("accept-encoding"), Some(accepted));
    }
    let answer = server.post(&[JSON, ("content-encoding", "br")], "{}").await;
    assert_eq!(answer.json(), (415, json!({ "code": 12, "message": message })));

    for (name, body) in compressions(&span_bytes(50)) {
        let truncated = body[..body.len() - 1].to_vec();
        let answer = server.post(&[PROTOBUF, ("content-encoding", name)], truncated).await;
        let (code, status) = answer.protobuf::<Status>();
        assert_eq!((code, status.code), (400, 3), "{name}");
        assert!(status.message.starts_with(&format!("body is not valid {name}: ")), "{status:?}");
    }

    for body in ["", "[]", "{", r#"{"resourceSpans":7}"#, "{} {}"] {
        let (code, status) = server.post(&[JSON], body).await.json();
        assert_eq!((code, &status["code"]), (400, &json!(3)), "{body} {status}");
        let message = status["message"].as_str().unwrap();
        assert!(message.contains("line 1 column"), "{message}");
    }

    let answer = server.post(&[PROTOBUF, ("x-scope-orgid", "a/b")], span_bytes(1)).await;
    let message = "X-Scope-OrgID: tenant id must be 1 to 150 characters of \
                   A-Z a-z 0-9 ! - _ . * ' ( ) and neither . nor ..";
    assert_eq!(answer.protobuf(), (400, status(3, message)));
    assert_eq!(server.consumed(), []);
}

#[tokio::test]
async fn browsers_of_allowed_origins_may_send() {
    let server = Server::start_with(|options| {
        let http = options.http.as_mut().unwrap();
        http.cors_allowed_origins.push("https://*.shop.example".to_owned());
    })
    .await;
    let preflight = |origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,x-scope-orgid"),
        ];
        let mut preflight = request("/v1/traces", &headers, "");
        *preflight.method_mut() = http::Method::OPTIONS;
        preflight
    };
    let permission = |answer: &HttpAnswer| {
        let names =
            ["allow-origin", "allow-credentials", "allow-methods", "allow-headers", "max-age"];
        names.map(|name| {
            answer.header(&format!("access-control-{name}")).unwrap_or_default().to_owned()
        })
    };
    for origin in ["http://localhost:3000", "http://127.0.0.1:80", "https://eu.shop.example"] {
        let answer = server.send(preflight(origin)).await;
        assert_eq!((answer.status, answer.header("vary")), (204, Some("origin")));
        let expected = [origin, "true", "POST", "content-type,x-scope-orgid", "3600"];
        assert_eq!(permission(&answer), expected);
        let answer = server.post(&[JSON, ("origin", origin)], "{}").await;
        assert_eq!(answer.status, 200);
        assert_eq!(permission(&answer), [origin, "true", "", "", ""]);
        // A page must be able to read errors as well.
        let answer = server.post(&[JSON, ("origin", origin)], "[]").await;
        assert_eq!(answer.status, 400);
        assert_eq!(permission(&answer), [origin, "true", "", "", ""]);
    }
    let answer = server.send(preflight("https://shop.example.evil")).await;
    assert_eq!((answer.status, permission(&answer)), (204, [""; 5].map(str::to_owned)));

    let off = Server::start_with(|options| {
        options.http.as_mut().unwrap().cors_allowed_origins.clear();
    })
    .await;
    let answer = off.send(preflight("http://localhost:3000")).await;
    assert_eq!((answer.status, answer.header("vary")), (405, None));
}

#[tokio::test]
async fn a_connection_serves_many_requests_in_either_version() {
    let server = Server::start().await;
    let mut http1 = server.http1(server.http_addr()).await;
    let mut http2 = server.http2(server.http_addr()).await;
    let uri = format!("http://{}/v1/traces", server.http_addr());
    for _ in 0..3 {
        let post = || -> http::Request<Full<Bytes>> { request(&uri, &[PROTOBUF], span_bytes(1)) };
        http1.ready().await.unwrap();
        let answer = HttpAnswer::of(http1.send_request(post()).await.unwrap()).await;
        assert_eq!(answer.protobuf(), (200, UNTOUCHED));
        let answer = HttpAnswer::of(http2.send_request(post()).await.unwrap()).await;
        assert_eq!(answer.protobuf(), (200, UNTOUCHED));
    }
    assert_eq!(server.consumed().len(), 6);
}

#[tokio::test]
async fn a_body_may_come_in_chunks_of_unknown_number() {
    let server = Server::start().await;
    let head = "POST /v1/traces HTTP/1.1\r\nhost: receiver.test\r\nconnection: close\r\n\
                content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let body = "10\r\n{\"resourceSpans\"\r\n4\r\n:[{\"\r\n11\r\nscopeSpans\":[]}]}\r\n0\r\n\r\n";
    let answer = server.raw(server.http_addr(), [head, body].concat().as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n{}"),
        "{answer}"
    );
    // One resource without scopes.
    let expected = Bytes::from_static(b"\x0a\x00");
    assert_eq!(server.consumed(), [("single-tenant".to_owned(), expected)]);
}
