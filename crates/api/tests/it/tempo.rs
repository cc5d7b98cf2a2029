//! Tempo's dialect.

use http::StatusCode;
use prost::Message;
use serde_json::json;
use spandrel_api::Dialect;
use spandrel_proto::tempo;

use crate::harness::{CHECKOUT, Server, live_and_flushed};

#[tokio::test]
async fn a_trace_by_id_in_both_versions_and_forms() {
    live_and_flushed(Dialect::Tempo, async |server| {
        let protobuf = [("accept", "application/protobuf")];
        for id in ["abc", "0ABC", "00000000000000000000000000000abc"] {
            let v1 = server.get(&format!("/api/traces/{id}?start=1&end=2")).await;
            assert_eq!(v1.header("content-type"), "application/json");
            let span = &v1.json()["batches"][0]["scopeSpans"][0]["spans"][0];
            assert_eq!(span["traceId"], "AAAAAAAAAAAAAAAAAAAKvA==");
            assert_eq!(span["kind"], "SPAN_KIND_SERVER");
            assert_eq!(span["startTimeUnixNano"], "1485432000000000000");

            let v1 = server.get_with(&format!("/api/traces/{id}"), &protobuf).await;
            assert_eq!(v1.header("content-type"), "application/protobuf");
            let trace = tempo::Trace::decode(v1.body).unwrap();
            assert_eq!(trace.resource_spans.len(), 2);

            let v2 = server.get_with(&format!("/api/v2/traces/{id}"), &protobuf).await;
            let response = tempo::TraceByIdResponse::decode(v2.body).unwrap();
            assert_eq!(response.trace, Some(trace));
        }
    })
    .await;
}

#[tokio::test]
async fn a_trace_that_does_not_exist() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    let v1 = server.get("/api/traces/abd").await;
    assert_eq!((v1.status, v1.text()), (StatusCode::NOT_FOUND, ""));
    let v2 = server.get("/api/v2/traces/abd").await;
    assert_eq!((v2.status, v2.text()), (StatusCode::OK, r#"{"trace":{},"metrics":{}}"#));
    let other_tenant = server.get_with("/api/traces/abc", &[("x-scope-orgid", "other")]).await;
    assert_eq!(other_tenant.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn search_answers_exactly_this() {
    let trace = |spans: serde_json::Value, matched: u32| {
        let span_set = json!({"spans": spans, "matched": matched});
        json!([{
            "traceID": "abc",
            "rootServiceName": "frontend",
            "rootTraceName": "GET /checkout",
            "startTimeUnixNano": "1485432000000000000",
            "durationMs": 250,
            "spanSet": span_set,
            "spanSets": [span_set],
            "serviceStats": {"frontend": {"spanCount": 1}, "bank": {"spanCount": 1, "errorCount": 1}},
        }])
    };
    let root = |extra: serde_json::Value| {
        let mut span = json!({
            "spanID": "000000000000000a",
            "startTimeUnixNano": "1485432000000000000",
            "durationNanos": "250000000",
        });
        span.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        span
    };
    let charge = json!({
        "spanID": "000000000000000b",
        "startTimeUnixNano": "1485432000100000000",
        "durationNanos": "100000000",
    });
    let any = trace(json!([root(json!({})), charge]), 2);
    let by_name = trace(json!([root(json!({"name": "GET /checkout"}))]), 1);
    let status_code = json!([{"key": "http.status_code", "value": {"intValue": "500"}}]);
    let by_status = trace(json!([root(json!({"attributes": status_code}))]), 1);
    live_and_flushed(Dialect::Tempo, async |server| {
        for (path, expected) in [
            ("/api/search", &any),
            ("/api/search?q=%7B%7D&limit=20&spss=3&start=1485431999&end=1485432001", &any),
            ("/tempo/api/search?minDuration=250ms&maxDuration=250ms", &json!(null)),
            ("/api/search?q=%7Bname%3D%22GET%20/checkout%22%7D", &by_name),
            ("/api/search?tags=name%3D%22GET%20/checkout%22", &by_name),
            ("/api/search?q=%7Bspan.http.status_code%3E%3D500%7D", &by_status),
            ("/api/search?q=%7B.nothing%3D1%7D", &json!([])),
            ("/api/search?spss=0", &any),
            ("/api/search?start=1&end=2", &json!([])),
        ] {
            let answer = server.get(path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
            let mut body = answer.json();
            let metrics = body["metrics"].take();
            assert_eq!(metrics["completedJobs"], metrics["totalJobs"], "{path}");
            if path.contains("Duration") {
                assert_eq!(body["traces"][0]["traceID"], "abc", "{path}");
                continue;
            }
            assert_eq!(&body["traces"], expected, "{path}");
        }
        let protobuf = [("accept", "application/protobuf")];
        let answer = server.get_with("/api/search?spss=1", &protobuf).await;
        let response = tempo::SearchResponse::decode(answer.body).unwrap();
        let span_set = response.traces[0].span_set.as_ref().unwrap();
        assert_eq!((span_set.spans.len(), span_set.matched), (1, 2));
    })
    .await;
}

#[tokio::test]
async fn failures_are_plain_text_that_says_what_to_change() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    for (path, text) in [
        (
            "/api/traces/12x",
            "trace IDs can only contain hex characters: invalid character 'x' at position 3",
        ),
        (
            "/api/traces/0000000000000000000000000000000001",
            "trace IDs can't be larger than 128 bits",
        ),
        ("/api/v2/traces/abc?start=2&end=1", "http parameter start must be before end"),
        ("/api/search?q=%7B%7D&tags=a%3Db", "parameters 'q' and 'tags' exclude each other"),
        ("/api/search?q=%7B", "parse error at line 1, col 2: syntax error: unexpected $end"),
        ("/api/search?q=%7B%201%20%3D%20%22a%22%20%7D", "invalid query"),
        ("/api/search?q=%7B%7D%20%7C%20rate()", "metrics queries are not supported here"),
        ("/api/search?q=%7B%20parent%20%7D", "parent without an attribute is not yet supported"),
        ("/api/search?q=%7B%201%20%2F%200%20%3D%201%20%7D", "integer division by zero"),
        ("/api/search?limit=x", "unable to parse param 'limit'"),
        ("/api/v2/search/tags?scope=x", "unable to parse param 'scope'"),
        ("/api/v2/search/tag/foo/values", "unable to parse tag name 'foo'"),
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text());
        assert!(answer.header("content-type").starts_with("text/plain"), "{path}");
        assert!(answer.text().contains(text), "{path}: {}", answer.text());
    }
    let answer = server.get_with("/api/search", &[("x-scope-orgid", "a|b")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn groups_and_positions_of_a_search() {
    live_and_flushed(Dialect::Tempo, async |server| {
        // { } | by(resource.service.name) | count() = 1
        let query = "q=%7B%7D%7Cby(resource.service.name)%7Ccount()%3D1&order=duration&limit=1";
        let answer = server.get(&format!("/api/search?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let group = |id: &str, start: &str, duration: &str, service: &str| {
            let service = json!({"stringValue": service});
            json!({
                "spans": [{
                    "spanID": id,
                    "startTimeUnixNano": start,
                    "durationNanos": duration,
                    "attributes": [{"key": "service.name", "value": service}],
                }],
                "matched": 1,
                "attributes": [
                    {"key": "by(resource.service.name)", "value": service},
                    {"key": "count()", "value": {"intValue": "1"}},
                ],
            })
        };
        let frontend = group("000000000000000a", "1485432000000000000", "250000000", "frontend");
        let bank = group("000000000000000b", "1485432000100000000", "100000000", "bank");
        let body = answer.json();
        assert_eq!(body["traces"][0]["spanSets"], json!([frontend, bank]));
        assert_eq!(body["traces"][0]["spanSet"], frontend);
        let next = "duration:250000000:00000000000000000000000000000abc";
        assert_eq!(answer.header("x-spandrel-next-cursor"), next);
        let behind = server.get(&format!("/api/search?{query}&after={next}")).await;
        assert_eq!((behind.status, behind.json()["traces"].take()), (StatusCode::OK, json!([])));
    })
    .await;
}

#[tokio::test]
async fn names_and_values_of_tags() {
    live_and_flushed(Dialect::Tempo, async |server| {
        let names = server.get("/api/search/tags").await.json();
        assert_eq!(names["tagNames"], json!(["amount", "http.status_code", "service.name", "vip"]));
        let scopes = server.get("/api/v2/search/tags").await.json()["scopes"].take();
        assert_eq!(scopes[0], json!({"name": "resource", "tags": ["service.name"]}));
        assert_eq!(
            scopes[1],
            json!({"name": "span", "tags": ["amount", "http.status_code", "vip"]})
        );
        assert_eq!(scopes[2]["name"], "intrinsic");

        let services = server.get("/api/search/tag/service.name/values").await.json();
        assert_eq!(services["tagValues"], json!(["bank", "frontend"]));
        let string = |value: &str| json!({"type": "string", "value": value});
        let keyword = |value: &str| json!({"type": "keyword", "value": value});
        for (path, expected) in [
            ("resource.service.name/values", json!([string("bank"), string("frontend")])),
            ("resource.service.name/values?q=%7Bstatus%3Derror%7D", json!([string("bank")])),
            (
                "resource.service.name/values?q=%7Bstatus%3D%7D",
                json!([string("bank"), string("frontend")]),
            ),
            (".http.status_code/values", json!([{"type": "int", "value": "500"}])),
            ("span.%2522amount%2522/values", json!([{"type": "float", "value": "72.5"}])),
            ("span.vip/values", json!([{"type": "bool", "value": "true"}])),
            ("name/values", json!([string("GET /checkout"), string("charge")])),
            ("span:status/values", json!([keyword("error"), keyword("ok"), keyword("unset")])),
            (
                "kind/values?limit=2",
                json!(
                    ["client", "consumer", "internal", "producer", "server", "unspecified"]
                        .map(keyword)
                ),
            ),
            ("duration/values", json!([])),
            // Nobody picks an id from a list.
            ("span:id/values", json!([])),
            ("trace:id/values", json!([])),
            ("span:parentID/values", json!([])),
            ("link:traceID/values", json!([])),
            ("parent/values", json!([])),
            (".nothing/values", json!([])),
        ] {
            let answer = server.get(&format!("/api/v2/search/tag/{path}")).await;
            assert_eq!(answer.json()["tagValues"], expected, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_data_sources_probe() {
    let server = Server::start(Dialect::Tempo).await;
    assert_eq!(server.get("/api/echo").await.text(), "echo");
    let info = server.get("/api/status/buildinfo").await.json();
    let keys: Vec<_> = info.as_object().unwrap().keys().map(String::as_str).collect();
    // Grafana compares it with versions of Tempo.
    assert_eq!(info["version"], concat!("3.1.0+spandrel.", env!("CARGO_PKG_VERSION")));
    for key in ["revision", "branch", "buildUser", "buildDate", "goVersion"] {
        assert!(keys.contains(&key), "{key}");
    }
    let unknown = server.get("/api/nothing").await;
    assert_eq!((unknown.status, unknown.text()), (StatusCode::NOT_FOUND, "404 page not found\n"));
    assert_eq!(server.get("/jaeger/api/services").await.status, StatusCode::OK);
}

#[tokio::test]
async fn answers_are_compressed_and_requests_counted() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    let answer = server.get_with("/api/traces/abc", &[("accept-encoding", "gzip")]).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(answer.body[..2], [0x1f, 0x8b]);
    server.get("/api/traces/abd").await;
    let metrics = server.metrics.encode();
    for code in ["200", "404"] {
        let series = format!(
            "spandrel_query_requests_total{{api=\"tempo\",endpoint=\"trace_by_id\",code=\"{code}\"}} 1"
        );
        assert!(metrics.contains(&series), "{series}\n{metrics}");
    }
}
