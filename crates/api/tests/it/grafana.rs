//! The requests that Grafana's Tempo data source sends, as it sends them, and its way of reading the answers.

use http::StatusCode;
use prost::Message;
use spandrel_api::Dialect;
use spandrel_proto::tempo::TraceByIdResponse;

use crate::harness::{CHECKOUT, Server};
use crate::strict::{self, decode};

async fn server() -> Server {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    server.flush().await;
    server
}

const RANGE: &str = "start=1485431000&end=1485433000";

/// `encodeURIComponent` of what has ASCII only.
fn encoded(text: &str) -> String {
    let is_kept = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(byte);
    let encode = |byte: u8| {
        if is_kept(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(encode).collect()
}

#[tokio::test]
async fn the_data_source_is_tested_and_probed() {
    let server = server().await;
    let echo = server.get("/api/echo").await;
    assert_eq!((echo.status, echo.text()), (StatusCode::OK, "echo"));
    let info = server.get("/api/status/buildinfo").await.json();
    // Features are switched on by comparing this with versions of Tempo.
    let version = info["version"].as_str().unwrap();
    let numbers: Vec<u32> =
        version.split(['.', '+']).take(3).filter_map(|part| part.parse().ok()).collect();
    assert!(numbers >= vec![2, 2, 0], "{version}");
}

#[tokio::test]
async fn the_query_builder_completes() {
    let server = server().await;
    let tags: strict::SearchTagsV2Response =
        decode(&server.get(&format!("/api/v2/search/tags?limit=5000&{RANGE}")).await);
    let scopes: Vec<_> = tags.scopes.iter().map(|scope| scope.name.as_str()).collect();
    assert_eq!(scopes, ["resource", "span", "intrinsic"]);
    for (tag, q, values) in [
        ("resource.service.name", "{}", &["bank", "frontend"][..]),
        ("resource.service.name", "{status=error}", &["bank"]),
        // While it is being written.
        ("resource.service.name", "{resource.service.name=\"fr", &["bank", "frontend"]),
        ("name", "{resource.service.name=\"bank\"}", &["charge"]),
        ("span.\"http.status_code\"", "{}", &["500"]),
        ("status", "{}", &["error", "ok", "unset"]),
        ("duration", "{}", &[]),
    ] {
        // The resource proxy of Grafana's backend takes one of the encodings away, or does not.
        for tag in [encoded(&encoded(tag)), encoded(tag)] {
            let q = encoded(q);
            let path = format!("/api/v2/search/tag/{tag}/values?q={q}&limit=5000&{RANGE}");
            let answer: strict::SearchTagValuesV2Response = decode(&server.get(&path).await);
            let got: Vec<_> = answer.tag_values.iter().filter_map(|v| v.value.as_deref()).collect();
            assert_eq!(got, values, "{path}");
        }
    }
}

#[tokio::test]
async fn searches_are_read_strictly() {
    let server = server().await;
    for q in [
        "{}",
        "{resource.service.name=\"bank\" && status=error}",
        "{span.amount > 70 && span.vip = true}",
        "{span.http.status_code=500 || kind=client}",
    ] {
        let path = format!("/api/search?q={}&limit=20&spss=3&{RANGE}", encoded(q));
        let answer: strict::SearchResponse = decode(&server.get(&path).await);
        assert_eq!(answer.traces.len(), 1, "{q}");
        assert!(!answer.traces[0].span_sets[0].spans.is_empty(), "{q}");
    }
    // The search of the service map and of old panels.
    let path = format!("/api/search?tags={}&limit=20&{RANGE}", encoded("service.name=bank"));
    let answer: strict::SearchResponse = decode(&server.get(&path).await);
    assert_eq!(answer.traces.len(), 1);
}

#[tokio::test]
async fn traces_are_fetched_in_protobuf() {
    let server = server().await;
    let protobuf = [("accept", "application/protobuf"), ("accept-encoding", "identity")];
    let answer = server.get_with(&format!("/api/v2/traces/abc?{RANGE}"), &protobuf).await;
    assert_eq!(answer.header("content-type"), "application/protobuf");
    let response = TraceByIdResponse::decode(answer.body).unwrap();
    assert_eq!(response.trace.unwrap().resource_spans.len(), 2);
    // What is not there is not an error, or it would ask the first version.
    let absent = server.get_with(&format!("/api/v2/traces/abd?{RANGE}"), &protobuf).await;
    assert_eq!(absent.status, StatusCode::OK);
    let response = TraceByIdResponse::decode(absent.body).unwrap();
    assert_eq!(response.trace, Some(Default::default()));
    let json: strict::TraceByIdResponse = decode(&server.get("/api/v2/traces/abc").await);
    assert_eq!(json.trace.resource_spans.len(), 2);
    let v1: strict::TraceV1 = decode(&server.get("/api/traces/abc").await);
    assert_eq!(v1.batches.len(), 2);
}
