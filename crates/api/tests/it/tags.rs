//! Names and values of tags: what they are narrowed by, and what is said when there are more.

use http::StatusCode;
use serde_json::json;
use spandrel_api::Dialect;

use crate::harness::{CHECKOUT, Server, numbered};
use crate::strict::{
    MetadataMetrics, SearchTagValuesResponse, SearchTagValuesV2Response, SearchTagsResponse,
    SearchTagsV2Response, decode,
};

/// Three blocks with one span each, of services `a`, `b`, `c`.
async fn three_blocks() -> Server {
    let server = Server::start(Dialect::Tempo).await;
    for (number, service) in ["a", "b", "c"].into_iter().enumerate() {
        server.store(&numbered(number as u64, service)).await;
        server.flush().await;
    }
    server
}

fn is_told_as_cut(metrics: &MetadataMetrics) -> bool {
    let is_less = metrics.completed_jobs < metrics.total_jobs;
    let is_said = metrics.additional_metrics.contains_key("truncated");
    assert_eq!(is_less, is_said, "{metrics:?}");
    is_said
}

#[tokio::test]
async fn names_are_narrowed_by_q() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    for flushed in [false, true] {
        if flushed {
            server.flush().await;
        }
        for (q, span_names) in [
            ("", &["amount", "http.status_code", "vip"][..]),
            ("&q=%7B%7D", &["amount", "http.status_code", "vip"]),
            ("&q=%7Bresource.service.name=%22bank%22%7D", &["amount", "vip"]),
            ("&q=%7Bspan.http.status_code=500%7D", &["http.status_code"]),
            ("&q=%7BrootServiceName=%22frontend%22%26%26status=error%7D", &["amount", "vip"]),
            ("&q=%7Bname=%22nobody%22%7D", &[]),
            // Not finished yet.
            ("&q=%7Bspan.amount=", &["amount", "http.status_code", "vip"]),
        ] {
            let answer = server.get(&format!("/api/v2/search/tags?scope=span{q}")).await;
            let response: SearchTagsV2Response = decode(&answer);
            let names: Vec<_> = response.scopes.iter().flat_map(|scope| &scope.tags).collect();
            assert_eq!(names, span_names, "{q}");
            assert!(!is_told_as_cut(&response.metrics.unwrap()), "{q}");
            let v1: SearchTagsResponse =
                decode(&server.get(&format!("/api/search/tags?scope=span{q}")).await);
            assert_eq!(v1.tag_names, span_names, "{q}");
        }
    }
}

#[tokio::test]
async fn values_are_those_of_spans_that_pass() {
    let server = three_blocks().await;
    for (q, services) in [
        ("", &["a", "b", "c"][..]),
        ("?q=%7Bstatus=error%7D", &["a", "c"]),
        ("?q=%7Bspan.number%3E=1%20%7C%7C%20name=%22span%200%22%7D", &["a", "b", "c"]),
        ("?q=%7BrootName=%22span%201%22%7D", &["b"]),
        ("?start=1485432001&end=1485432002", &["b", "c"]),
        ("?start=1485432001", &["b", "c"]),
    ] {
        let path = format!("/api/v2/search/tag/resource.service.name/values{q}");
        let response: SearchTagValuesV2Response = decode(&server.get(&path).await);
        let values: Vec<_> =
            response.tag_values.iter().filter_map(|v| v.value.as_deref()).collect();
        assert_eq!(values, services, "{q}");
        assert!(!is_told_as_cut(&response.metrics.unwrap()));
        let v1: SearchTagValuesResponse =
            decode(&server.get(&format!("/api/search/tag/service.name/values{q}")).await);
        assert_eq!(v1.tag_values, services, "{q}");
    }
}

/// Scenario: one batch of spans, and so one live run and then one block, that lies partly in the range.
/// Guarantees: names and values are those of spans of which a moment lies in it, live and in blocks, with a filter on
/// spans, on whole traces and without any.
#[tokio::test]
async fn a_range_counts_spans_and_not_what_they_lie_in() {
    let server = Server::start(Dialect::Tempo).await;
    let mut groups = Vec::new();
    for number in 0..6 {
        let mut spans: serde_json::Value =
            serde_json::from_str(&numbered(number, &format!("s{number}"))).unwrap();
        // One lasts over two others.
        if number == 1 {
            spans["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["endTimeUnixNano"] =
                json!("1485432003000000000");
        }
        groups.push(spans["resourceSpans"][0].take());
    }
    server.store(&json!({ "resourceSpans": groups }).to_string()).await;
    let between = "start=1485432002&end=1485432003";
    for is_flushed in [false, true] {
        if is_flushed {
            server.flush().await;
        }
        for (params, numbers) in [
            ("".to_owned(), &["0", "1", "2", "3", "4", "5"][..]),
            (between.to_owned(), &["1", "2", "3"]),
            (format!("{between}&q=%7Bspan.number%3E1%7D"), &["2", "3"]),
            (format!("{between}&q=%7BrootName!=%22span%202%22%7D"), &["1", "3"]),
            ("start=1485432005".to_owned(), &["5"]),
            ("end=1485432000".to_owned(), &["0"]),
            ("start=1485432006".to_owned(), &[]),
            // Between two of its spans.
            ("start=1485432004500000000&end=1485432004600000000".to_owned(), &[]),
        ] {
            for tag in ["resource.service.name", "span.number", "name"] {
                let path = format!("/api/v2/search/tag/{tag}/values?{params}");
                let response: SearchTagValuesV2Response = decode(&server.get(&path).await);
                let values = response.tag_values.iter().filter_map(|v| v.value.as_deref());
                let values: Vec<_> =
                    values.map(|v| v.trim_start_matches(['s', 'p', 'a', 'n', ' '])).collect();
                assert_eq!(values, numbers, "{path} {is_flushed}");
            }
            let path = format!("/api/v2/search/tags?scope=span&{params}");
            let response: SearchTagsV2Response = decode(&server.get(&path).await);
            let names = response.scopes.iter().flat_map(|scope| &scope.tags);
            let only: Vec<_> = names.filter_map(|name| name.strip_prefix("only.")).collect();
            assert_eq!(only, numbers, "{path} {is_flushed}");
        }
    }
}

#[tokio::test]
async fn what_a_limit_cuts_is_said() {
    let server = three_blocks().await;
    let values = async |params: &str| {
        let path = format!("/api/v2/search/tag/resource.service.name/values?{params}");
        let response: SearchTagValuesV2Response = decode(&server.get(&path).await);
        (response.tag_values.len(), is_told_as_cut(&response.metrics.unwrap()))
    };
    assert_eq!(values("limit=3").await, (3, false));
    assert_eq!(values("limit=2").await, (2, true));
    assert_eq!(values("limit=0").await, (3, false));
    let names = async |params: &str| {
        let response: SearchTagsV2Response =
            decode(&server.get(&format!("/api/v2/search/tags?scope=span&{params}")).await);
        let metrics = response.metrics.unwrap();
        assert_eq!((metrics.total_jobs, metrics.total_blocks), (Some(4), Some(3)));
        (response.scopes[0].tags.len(), is_told_as_cut(&metrics))
    };
    // `number`, and one for each span.
    assert_eq!(names("limit=4").await, (4, false));
    assert_eq!(names("limit=3").await, (3, true));
    // After `number` has come again.
    assert!(names("maxStaleValues=1").await.1);
    assert_eq!(names("maxStaleValues=9").await, (4, false));
    let v1: SearchTagsResponse = decode(&server.get("/api/search/tags?limit=2").await);
    assert_eq!(v1.tag_names.len(), 2);
    assert!(is_told_as_cut(&v1.metrics.unwrap()));
}

#[tokio::test]
async fn language_models_get_values_by_type() {
    let server = three_blocks().await;
    let accept = [("accept", "application/vnd.grafana.llm")];
    let answer = server.get_with("/api/v2/search/tag/.number/values", &accept).await;
    assert_eq!(answer.header("content-type"), "application/vnd.grafana.llm+json");
    let body = answer.json();
    assert_eq!(body["tagValues"], json!({"int": ["0", "1", "2"]}));
    assert_eq!(
        (&body["metrics"]["totalJobs"], &body["metrics"]["completedJobs"]),
        (&json!(4), &json!(4))
    );
    assert!(body["metrics"]["totalBlockBytes"].is_u64(), "{body}");
}

#[tokio::test]
async fn names_in_paths_may_hold_anything() {
    let server = Server::start(Dialect::Tempo).await;
    let odd = CHECKOUT.replace("\"vip\"", "\"a/b c%20\\\"d\\\"\"");
    server.store(&odd).await;
    // span."a/b c%20\"d\""
    let once = "span.%22a%2Fb%20c%2520%5C%22d%5C%22%22";
    let twice = once.replace('%', "%25");
    let raw_slash = once.replace("%2F", "/");
    for path in [once, &twice, &raw_slash] {
        let answer = server.get(&format!("/api/v2/search/tag/{path}/values")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        // A single encoding cannot be told from a double one where the name has escapes itself.
        if path == twice {
            assert_eq!(answer.json()["tagValues"][0]["value"], "true", "{path}");
        }
    }
    for path in ["", "/values", "span.x", "span.x/value"] {
        let answer = server.get(&format!("/api/v2/search/tag/{path}")).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.text());
    }
}
