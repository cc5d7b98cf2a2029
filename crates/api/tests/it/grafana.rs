//! The requests that Grafana's Tempo data source sends, as it sends them, and its way of reading the answers.

use http::StatusCode;
use prost::Message;
use spandrel_api::Dialect;
use spandrel_proto::tempo::{
    SearchResponse, SearchTagValuesResponse, SearchTagValuesV2Response, SearchTagsResponse,
    SearchTagsV2Response, Trace, TraceByIdResponse,
};

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

/// Guarantees: figures come in JSON, whatever function makes them, without a field that Grafana does not know.
#[tokio::test]
async fn metrics_are_read_strictly() {
    let server = server().await;
    let json = [("accept", "application/json")];
    for (q, n_series) in [
        ("{} | rate()", 1),
        ("{} | count_over_time() by (resource.service.name, span.vip, span.amount)", 2),
        ("{status=error} | avg_over_time(duration) by (name)", 1),
        ("{} | quantile_over_time(duration, .5, .9) by (kind)", 4),
        ("{} | histogram_over_time(duration)", 2),
        ("{} | rate() by (resource.service.name) | topk(1)", 2),
        ("{ .nothing = 1 } | rate() by (name)", 0),
    ] {
        let q = encoded(q);
        let path = format!(
            "/api/metrics/query_range?q={q}&start=1485431990&end=1485432060&step=10s&exemplars=100"
        );
        let answer: strict::QueryRangeResponse = decode(&server.get_with(&path, &json).await);
        assert_eq!(answer.series.len(), n_series, "{path}");
        assert!(answer.series.iter().all(|series| !series.labels.is_empty()), "{path}");
        assert!(answer.series.iter().all(|series| !series.samples.is_empty()), "{path}");
        assert!(answer.metrics.is_some() && answer.status.is_none(), "{path}");
        let path = format!("/api/metrics/query?q={q}&start=1485431990&end=1485432060");
        let _: strict::QueryInstantResponse = decode(&server.get_with(&path, &json).await);
    }
    // Times in nanoseconds, as panels send them that ask for one value.
    let q = encoded("{} | rate()");
    let path = format!(
        "/api/metrics/query?q={q}&start=1485431990000000000&end=1485432060000000000&maxSeries=1"
    );
    let answer: strict::QueryInstantResponse = decode(&server.get_with(&path, &json).await);
    assert_eq!(answer.series.len(), 1);
    let compared = encoded("{} | compare({status=error})");
    let path = format!("/api/metrics/query_range?q={compared}&{RANGE}&step=500s&maxSeries=2");
    let answer: strict::QueryRangeResponse = decode(&server.get_with(&path, &json).await);
    assert_eq!((answer.series.len(), answer.status.as_deref()), (2, Some("PARTIAL")));
    assert!(answer.message.unwrap().contains("series are left out"));
}

/// Guarantees: whoever asks for protobuf gets the same in it.
#[tokio::test]
async fn everything_but_the_data_source_test_comes_in_protobuf_too() {
    let server = server().await;
    let protobuf = async |path: &str| {
        let answer = server.get_with(path, &[("accept", "application/protobuf")]).await;
        assert_eq!(answer.header("content-type"), "application/protobuf", "{path}");
        answer.body
    };
    let path = format!("/api/search?q=%7B%7D&limit=20&spss=3&{RANGE}");
    let json: strict::SearchResponse = decode(&server.get(&path).await);
    let found = SearchResponse::decode(protobuf(&path).await).unwrap();
    let ids: Vec<_> = found.traces.iter().map(|trace| &trace.trace_id).collect();
    assert_eq!(ids, json.traces.iter().map(|trace| &trace.trace_id).collect::<Vec<_>>());
    let path = format!("/api/v2/search/tags?{RANGE}");
    let json: strict::SearchTagsV2Response = decode(&server.get(&path).await);
    let tags = SearchTagsV2Response::decode(protobuf(&path).await).unwrap();
    let names: Vec<_> = tags.scopes.iter().map(|scope| (&scope.name, &scope.tags)).collect();
    let wanted = json.scopes.iter().map(|scope| (&scope.name, &scope.tags));
    assert_eq!(names, wanted.collect::<Vec<_>>());
    let path = format!("/api/v2/search/tag/span.amount/values?{RANGE}");
    let values = SearchTagValuesV2Response::decode(protobuf(&path).await).unwrap();
    let values: Vec<_> = values.tag_values.iter().map(|v| (&*v.r#type, &*v.value)).collect();
    assert_eq!(values, [("float", "72.5")]);
    let path = format!("/api/search/tags?scope=span&{RANGE}");
    let names = SearchTagsResponse::decode(protobuf(&path).await).unwrap().tag_names;
    assert_eq!(names, ["amount", "http.status_code", "vip"]);
    let path = format!("/api/search/tag/service.name/values?{RANGE}");
    let values = SearchTagValuesResponse::decode(protobuf(&path).await).unwrap().tag_values;
    assert_eq!(values, ["bank", "frontend"]);
    // The first version of a trace is what is asked when there is no second one.
    let trace = Trace::decode(protobuf(&format!("/api/traces/abc?{RANGE}")).await).unwrap();
    assert_eq!(trace.resource_spans.len(), 2);
    let absent = server.get_with("/api/traces/abd", &[("accept", "application/protobuf")]).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
}

/// The query builder of data sources that do not know TraceQL.
#[tokio::test]
async fn the_old_query_builder_completes_and_searches() {
    let server = server().await;
    let names: strict::SearchTagsResponse = decode(&server.get("/api/search/tags").await);
    let wanted = ["amount", "http.status_code", "service.name", "vip"];
    assert_eq!(names.tag_names, wanted);
    for tag in [encoded(&encoded("service.name")), "service.name".to_owned()] {
        let path = format!("/api/search/tag/{tag}/values");
        let values: strict::SearchTagValuesResponse = decode(&server.get(&path).await);
        assert_eq!(values.tag_values, ["bank", "frontend"]);
    }
    let tags = encoded("service.name=\"bank\" name=\"charge\"");
    let path = format!("/api/search?tags={tags}&minDuration=100ms&maxDuration=1s&limit=20&{RANGE}");
    let found: strict::SearchResponse = decode(&server.get(&path).await);
    assert_eq!(found.traces.len(), 1);
}
