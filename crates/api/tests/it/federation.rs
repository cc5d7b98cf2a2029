//! Queries that ask several tenants at once, and queries that name none.

use futures::TryStreamExt;
use http::StatusCode;
use prost::Message;
use serde_json::json;
use spandrel_api::{ApiOptions, Dialect};
use spandrel_model::TenantId;
use spandrel_proto::tempo::streaming_querier_client::StreamingQuerierClient;
use spandrel_proto::tempo::{QueryRangeRequest, QueryRangeResponse};
use tonic::Request;
use tonic::transport::Endpoint;

use crate::harness::{CHECKOUT, Server, numbered};

async fn two_tenants() -> Server {
    let options = ApiOptions { multi_tenant_queries: true, ..ApiOptions::default() };
    let server = Server::start_switched(options).await;
    let tenant = |name| TenantId::new(name).unwrap();
    // The two spans of one trace, one for each tenant.
    let mut halves: serde_json::Value = serde_json::from_str(CHECKOUT).unwrap();
    let groups = halves["resourceSpans"].take();
    for (name, group) in ["a", "b"].into_iter().zip(groups.as_array().unwrap()) {
        server.store_for(tenant(name), &json!({ "resourceSpans": [group] }).to_string()).await;
    }
    server.store_for(tenant("a"), &numbered(100, "a")).await;
    server.store_for(tenant("b"), &numbered(200, "b")).await;
    server
}

const BOTH: [(&str, &str); 1] = [("x-scope-orgid", "b|a|b")];

#[tokio::test]
async fn a_trace_is_joined() {
    let server = two_tenants().await;
    for flushed in [false, true] {
        if flushed {
            server.flush().await;
        }
        let n_spans = async |tenants: &str| {
            let answer = server.get_with("/api/v2/traces/abc", &[("x-scope-orgid", tenants)]).await;
            let groups = answer.json()["trace"]["resourceSpans"].take();
            groups.as_array().map_or(0, Vec::len)
        };
        assert_eq!((n_spans("a").await, n_spans("b").await, n_spans("a|b").await), (1, 1, 2));
        let filtered =
            "/api/v2/traces/abc?q=%7BrootServiceName=%22frontend%22%26%26status=error%7D";
        let answer = server.get_with(filtered, &BOTH).await;
        let groups = answer.json()["trace"]["resourceSpans"].take();
        assert_eq!(groups.as_array().map(Vec::len), Some(1), "{}", answer.text());
        assert_eq!(server.get_with("/api/traces/abc", &BOTH).await.status, StatusCode::OK);
        assert_eq!(server.get_with("/api/traces/ab0", &BOTH).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn searches_and_tags_are_merged() {
    let server = two_tenants().await;
    let traces = async |path: &str| {
        let answer = server.get_with(path, &BOTH).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let ids = answer.json()["traces"].take();
        let ids = ids.as_array().unwrap().iter().map(|trace| trace["traceID"].clone());
        serde_json::Value::from_iter(ids)
    };
    // Newest first, whichever tenant has it; what is in both is there once.
    assert_eq!(traces("/api/search").await, json!(["c9", "65", "abc"]));
    assert_eq!(traces("/api/search?limit=2").await, json!(["c9", "65"]));
    let joined = server.get_with("/api/search", &BOTH).await.json()["traces"][2].take();
    assert_eq!(joined["rootServiceName"], "frontend");
    assert_eq!(joined["spanSets"][0]["matched"], 2);
    assert_eq!(joined["durationMs"], 250);
    let stats = json!({"frontend": {"spanCount": 1}, "bank": {"spanCount": 1, "errorCount": 1}});
    assert_eq!(joined["serviceStats"], stats);

    let values = "/api/v2/search/tag/resource.service.name/values";
    let services = server.get_with(values, &BOTH).await.json()["tagValues"].take();
    let string = |value: &str| json!({"type": "string", "value": value});
    assert_eq!(services, json!(["a", "b", "bank", "frontend"].map(string)));
    let cut = server.get_with(&format!("{values}?limit=3"), &BOTH).await.json();
    assert_eq!(cut["tagValues"].as_array().map(Vec::len), Some(3));
    assert_eq!(cut["metrics"]["additionalMetrics"], json!({"truncated": "1"}));
    let names = server.get_with("/api/search/tags?scope=span", &BOTH).await.json();
    assert_eq!(
        names["tagNames"],
        json!(["amount", "http.status_code", "number", "only.100", "only.200", "vip"])
    );
}

/// Scenario: the spans of one tenant are spread over two others.
/// Guarantees: metrics of these two together are those of the one, whatever function merges them, over HTTP and gRPC.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_those_of_one_tenant_with_all_spans() {
    let options = ApiOptions { multi_tenant_queries: true, ..ApiOptions::default() };
    let server = Server::start_switched(options).await;
    for number in 0..30 {
        let part = if number % 3 == 0 { "a" } else { "b" };
        for name in [part, "all"] {
            let spans = numbered(number, &format!("service-{}", number % 4));
            server.store_for(TenantId::new(name).unwrap(), &spans).await;
        }
        if number == 20 {
            server.flush().await;
        }
    }
    let (address, _tasks) = server.listen().await;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = StreamingQuerierClient::new(endpoint.connect().await.unwrap());
    let (start, end) = (1_485_432_000_000_000_000, 1_485_432_040_000_000_000);
    for query in [
        "{ } | rate()",
        "{ status = error } | count_over_time() by (resource.service.name)",
        "{ } | avg_over_time(span.number) by (resource.service.name)",
        "{ } | quantile_over_time(span.number, 0.5, 0.9)",
        "{ } | count_over_time() by (resource.service.name) | topk(2)",
        "({ status = error } | rate()) + ({ } | rate())",
        "{ } | compare({ status = error })",
        "{ rootServiceName = `service-1` } | by(name) | count() > 0 | sum_over_time(span.number)",
    ] {
        let mut params = url::form_urlencoded::Serializer::new(String::new());
        params.append_pair("q", query);
        let params = format!("{}&start={start}&end={end}", params.finish());
        for path in ["query_range?step=10s", "query?"] {
            let path = format!("/api/metrics/{path}&{params}");
            let series = async |tenants| {
                let answer = server.get_with(&path, &[("x-scope-orgid", tenants)]).await;
                assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
                answer.json()["series"].take()
            };
            let all = series("all").await;
            assert!(all.as_array().is_some_and(|series| !series.is_empty()), "{query}");
            assert_eq!(series("a|b").await, all, "{query}");
            assert_ne!(series("b").await, all, "{query}");
        }
        let asked = QueryRangeRequest {
            query: query.to_owned(),
            start,
            end,
            step: 10_000_000_000,
            ..Default::default()
        };
        let mut asked = Request::new(asked);
        asked.metadata_mut().insert("x-scope-orgid", "a|b".parse().unwrap());
        let stream = client.metrics_query_range(asked).await.unwrap().into_inner();
        let messages: Vec<_> = stream.try_collect().await.unwrap();
        let path = format!("/api/metrics/query_range?step=10s&{params}");
        let headers = [("x-scope-orgid", "a|b"), ("accept", "application/protobuf")];
        let http = server.get_with(&path, &headers).await.body;
        assert_eq!(messages, [QueryRangeResponse::decode(http).unwrap()], "{query}");
    }
}

#[tokio::test]
async fn several_tenants_are_asked_only_where_that_is_allowed() {
    let server = Server::start(Dialect::Tempo).await;
    for path in [
        "/api/search",
        "/api/search/tags",
        "/api/v2/traces/1",
        "/api/traces/1",
        "/api/metrics/query_range?q=%7B%7D%7Crate()",
        "/api/metrics/query?q=%7B%7D%7Crate()",
    ] {
        let answer = server.get_with(path, &[("x-scope-orgid", "a|b")]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(answer.text().starts_with("multi-tenant query unsupported"), "{}", answer.text());
    }
    let server = two_tenants().await;
    for tenants in ["a|", "a|../b", "|"] {
        let answer = server.get_with("/api/search", &[("x-scope-orgid", tenants)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{tenants}");
    }
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let answer = server.get_with("/api/search", &[("x-scope-orgid", &many.join("|"))]).await;
    assert!(answer.text().contains("more than 100 tenants"), "{}", answer.text());
    let writes = server.get_with("/api/overrides", &BOTH).await;
    assert_eq!(writes.status, StatusCode::BAD_REQUEST, "{}", writes.text());
}

#[tokio::test]
async fn a_tenant_may_be_required() {
    let options = ApiOptions { tenant_required: true, ..ApiOptions::default() };
    let server = Server::start_switched(options).await;
    for path in ["/api/search", "/tempo/api/search", "/jaeger/api/services", "/api/overrides"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::UNAUTHORIZED, "no org id"));
        let named = server.get_with(path, &[("x-scope-orgid", "a")]).await;
        assert_ne!(named.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(server.get("/api/echo").await.status, StatusCode::OK);
    assert_eq!(server.get("/api/status/buildinfo").await.status, StatusCode::OK);
}
