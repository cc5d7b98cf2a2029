//! `otlp_http` against servers that answer as told.

use std::time::Duration;

use http::Version;
use prost::Message as _;
use spandrel_exporters::Extensions;
use spandrel_otlp::{DecodeLimits, json_to_protobuf};
use spandrel_pipeline::{Accepted, ConsumeError, TraceConsumer};

use crate::rig::{batch, otlp, otlp_http};
use crate::server::{Answer, Server, names, partial};

fn yaml(server: &Server, more: &str) -> String {
    format!(
        "endpoint: http://{}/base/\nsending_queue: {{enabled: false}}\n\
         retry_on_failure: {{initial_interval: 1ms, max_interval: 2ms}}\n{more}",
        server.address
    )
}

#[tokio::test]
async fn requests_are_posted_in_protobuf_or_json() {
    let server = Server::start(&[], Answer::http(200)).await;
    let more = "compression: none\nheaders: {x-team: red}";
    let exporter = otlp_http(&yaml(&server, more), &Extensions::default()).await;
    let accepted = exporter.consume(batch(&["a", "b"])).await.unwrap();
    assert_eq!(accepted, Accepted { accepted_spans: 2, ..Accepted::default() });
    let seen = server.seen().pop().unwrap();
    assert_eq!((seen.uri.as_str(), &seen.body), ("/base/v1/traces", &otlp(&["a", "b"])));
    assert_eq!(seen.header("content-type"), "application/x-protobuf");
    assert_eq!((seen.header("x-team"), seen.version), ("red", Version::HTTP_11));

    let more = format!("encoding: json\ntraces_endpoint: http://{}/spans?x=1", server.address);
    let exporter = otlp_http(&yaml(&server, &more), &Extensions::default()).await;
    exporter.consume(batch(&["a", "b"])).await.unwrap();
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.uri, "/spans?x=1");
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("content-encoding"), "gzip");
    let mut json = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*seen.body), &mut json).unwrap();
    let protobuf = json_to_protobuf(&json, &DecodeLimits::default()).unwrap();
    assert_eq!(names(&protobuf), ["a", "b"]);
}

#[tokio::test]
async fn only_some_errors_are_tried_again() {
    let retried = [429, 502, 503, 504].map(Answer::http);
    let server = Server::start(&retried, Answer::http(200)).await;
    let exporter = otlp_http(&yaml(&server, ""), &Extensions::default()).await;
    exporter.consume(batch(&["a"])).await.unwrap();
    assert_eq!(server.seen().len(), 5);

    for status in [400, 401, 404, 413, 500, 501] {
        let server = Server::start(&[Answer::http(status)], Answer::http(200)).await;
        let exporter = otlp_http(&yaml(&server, ""), &Extensions::default()).await;
        let error = exporter.consume(batch(&["a"])).await.unwrap_err();
        assert!(matches!(error, ConsumeError::Permanent { spans: 1, .. }), "{status}: {error:?}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn connections_that_break_are_tried_again() {
    let server = Server::start(&[Answer::Die, Answer::Hang], Answer::http(200)).await;
    let exporter = otlp_http(&yaml(&server, "timeout: 50ms"), &Extensions::default()).await;
    exporter.consume(batch(&["a"])).await.unwrap();
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn retry_after_reaches_the_sender() {
    // The clock stands at 2023-11-14 22:13:20.
    for (value, seconds) in [("120", 120), ("Tue, 14 Nov 2023 22:13:50 GMT", 30)] {
        let answer = Answer::http(503).with_header("retry-after", value);
        let server = Server::start(&[answer], Answer::http(200)).await;
        let yaml = format!(
            "endpoint: http://{}\nsending_queue: {{enabled: false}}\nretry_on_failure: {{enabled: false}}",
            server.address
        );
        let exporter = otlp_http(&yaml, &Extensions::default()).await;
        let error = exporter.consume(batch(&["a"])).await.unwrap_err();
        let ConsumeError::Unavailable { retry_after, .. } = error else { panic!("{error:?}") };
        assert_eq!(retry_after, Duration::from_secs(seconds), "{value}");
    }
}

#[tokio::test]
async fn answers_are_read_in_both_forms() {
    let protobuf = Answer::http(200)
        .with_header("content-type", "application/x-protobuf")
        .with_body(partial(1, "too old").encode_to_vec());
    let json = Answer::http(200)
        .with_header("content-type", "application/json; charset=utf-8")
        .with_body(r#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}"#);
    let text = Answer::http(202).with_header("content-type", "text/plain").with_body("thank you");
    let server = Server::start(&[protobuf, json, text], Answer::http(200)).await;
    let exporter = otlp_http(&yaml(&server, ""), &Extensions::default()).await;
    for _ in 0..2 {
        let accepted = exporter.consume(batch(&["a", "b"])).await.unwrap();
        let message = "too old".to_owned();
        assert_eq!(accepted, Accepted { accepted_spans: 1, rejected_spans: 1, message });
    }
    assert_eq!(exporter.consume(batch(&["a"])).await.unwrap().rejected_spans, 0);

    let garbage =
        Answer::http(200).with_header("content-type", "application/json").with_body("<html>");
    let server = Server::start(&[garbage], Answer::http(200)).await;
    let exporter = otlp_http(&yaml(&server, ""), &Extensions::default()).await;
    let error = exporter.consume(batch(&["a"])).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Permanent { .. }), "not sent again: {error:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_words_of_the_server_are_in_the_error() {
    let answer = Answer::http(400)
        .with_header("content-type", "application/json")
        .with_body(r#"{"code":3,"message":"span 7 has no id"}"#);
    let server = Server::start(&[answer], Answer::http(200)).await;
    let exporter = otlp_http(&yaml(&server, ""), &Extensions::default()).await;
    let error = exporter.consume(batch(&["a"])).await.unwrap_err().to_string();
    assert!(error.ends_with("400 Bad Request: span 7 has no id"), "{error}");
}

#[tokio::test]
async fn connections_are_kept_unless_told_otherwise() {
    for (more, connections) in [("", 1), ("disable_keep_alives: true", 3)] {
        let server = Server::start(&[], Answer::http(200)).await;
        let exporter = otlp_http(&yaml(&server, more), &Extensions::default()).await;
        for _ in 0..3 {
            exporter.consume(batch(&["a"])).await.unwrap();
        }
        assert_eq!(server.connections(), connections, "{more}");
    }
}
