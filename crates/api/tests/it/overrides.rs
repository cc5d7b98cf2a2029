//! What tenants set for themselves.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use spandrel_api::{ApiOptions, Dialect};

use crate::harness::{Answer, Server};

const PATH: &str = "/api/overrides";

async fn send(server: &Server, method: Method, version: Option<&str>, body: &Value) -> Answer {
    let mut headers = vec![("x-scope-orgid", "team-a")];
    headers.extend(version.map(|version| ("if-match", version)));
    server.send(method, PATH, &headers, body.to_string()).await
}

async fn get(server: &Server) -> Answer {
    server.get_with(PATH, &[("x-scope-orgid", "team-a")]).await
}

fn processors(names: &[&str]) -> Value {
    json!({
        "cost_attribution": {},
        "metrics_generator": {
            "processors": names,
            "processor": {"service_graphs": {}, "span_metrics": {}, "host_info": {}},
        },
    })
}

#[tokio::test]
async fn a_change_names_the_version_that_it_changes() {
    let server = Server::start_switched(ApiOptions::default()).await;
    assert_eq!(get(&server).await.status, StatusCode::NOT_FOUND);
    let first = json!({"metrics_generator": {"processors": ["span-metrics"]}});
    let without = send(&server, Method::POST, None, &first).await;
    assert_eq!(without.status, StatusCode::PRECONDITION_REQUIRED, "{}", without.text());
    assert!(without.text().starts_with("must specify If-Match header"));
    let created = send(&server, Method::POST, Some("0"), &first).await;
    assert_eq!((created.status, created.header("etag")), (StatusCode::OK, "1"));
    let stored = get(&server).await;
    assert_eq!((stored.header("etag"), stored.json()), ("1", processors(&["span-metrics"])));
    assert_eq!(stored.header("content-type"), "application/json");
    // With the operator's limits.
    let merged =
        server.get_with(&format!("{PATH}?scope=merged"), &[("x-scope-orgid", "team-a")]).await;
    let mut wanted = processors(&["span-metrics"]);
    wanted["ingestion"] = json!({"rate_limit_bytes": 1000, "burst_size_bytes": 1000});
    wanted["compaction"] = json!({"block_retention": "48h0m0s"});
    assert_eq!((merged.header("etag"), merged.json()), ("1", wanted));

    let second = json!({"metrics_generator": {"processors": ["host-info"]}});
    let stale = send(&server, Method::POST, Some("0"), &second).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.text());
    assert!(stale.text().contains("the current version is 1"), "{}", stale.text());
    let replaced = send(&server, Method::POST, Some("1"), &second).await;
    assert_eq!(replaced.header("etag"), "2");

    let other = server.get_with(PATH, &[("x-scope-orgid", "team-b")]).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);

    let deleted = send(&server, Method::DELETE, Some("1"), &Value::Null).await;
    assert_eq!(deleted.status, StatusCode::PRECONDITION_FAILED);
    let deleted = send(&server, Method::DELETE, Some("2"), &Value::Null).await;
    assert_eq!(deleted.status, StatusCode::OK, "{}", deleted.text());
    assert_eq!(get(&server).await.status, StatusCode::NOT_FOUND);
    let again = send(&server, Method::POST, Some("0"), &first).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text());
}

#[tokio::test]
async fn a_patch_needs_no_version() {
    let server = Server::start_switched(ApiOptions::default()).await;
    let patch = async |body: Value| send(&server, Method::PATCH, None, &body).await;
    let created = patch(json!({"metrics_generator": {"processors": ["span-metrics"]}})).await;
    assert_eq!((created.status, created.json()), (StatusCode::OK, processors(&["span-metrics"])));
    let changed = patch(json!({"metrics_generator": {"collection_interval": "30s"}})).await;
    let mut wanted = processors(&["span-metrics"]);
    wanted["metrics_generator"]["collection_interval"] = json!("30s");
    assert_eq!((changed.header("etag"), changed.json()), ("2", wanted));
    let removed = patch(json!({"metrics_generator": {"collection_interval": null}})).await;
    assert_eq!(removed.json(), processors(&["span-metrics"]));
    let wrong = patch(json!({"metrics_generator": {"collection_interval": "1s"}})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&server).await.header("etag"), "3");
}

#[tokio::test]
async fn the_operators_limits_are_not_lifted() {
    let server = Server::start_switched(ApiOptions::default()).await;
    let above = json!({
        "ingestion": {"rate_limit_bytes": 1001, "max_live_bytes": 5},
        "compaction": {"block_retention": "1d"},
    });
    for (method, version) in [(Method::POST, Some("0")), (Method::PATCH, None)] {
        let refused = send(&server, method, version, &above).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        let text = "conflict with the operator's limits: rate_limit_bytes 1001 is above 1000; ";
        assert!(refused.text().contains(text), "{}", refused.text());
    }
    let path = format!("{PATH}?skip-conflicting-overrides-check=true");
    let headers = [("x-scope-orgid", "team-a"), ("if-match", "0")];
    let set = server.send(Method::POST, &path, &headers, above.to_string()).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text());
    let mut wanted = above;
    wanted["cost_attribution"] = json!({});
    wanted["metrics_generator"] = processors(&[])["metrics_generator"].take();
    wanted["metrics_generator"].as_object_mut().unwrap().remove("processors");
    wanted["compaction"]["block_retention"] = json!("24h0m0s");
    assert_eq!(get(&server).await.json(), wanted);
    wanted["ingestion"] =
        json!({"rate_limit_bytes": 1000, "burst_size_bytes": 1000, "max_live_bytes": 5});
    let path = format!("{PATH}?scope=merged");
    let merged = server.get_with(&path, &[("x-scope-orgid", "team-a")]).await;
    assert_eq!(merged.json(), wanted);
}

#[tokio::test]
async fn mistakes_are_refused() {
    let server = Server::start_switched(ApiOptions::default()).await;
    for (body, text) in [
        (json!({"unknown": 1}), "unknown field `unknown`"),
        (
            json!({"metrics_generator": {"procesors": []}}),
            "unknown field `procesors`, expected one of",
        ),
        (json!({"metrics_generator": {"procesors": []}}), "(did you mean `processors`?)"),
        (json!([]), "expected an object, not a list, at ''"),
        (json!({"metrics_generator": []}), "at '/metrics_generator'"),
        (json!({"ingestion": []}), "at '/ingestion'"),
        (json!({"read": {"max_search_duration": "soon"}}), "expected a duration such as 15s or 5m"),
        (json!({"compaction": {"block_retention": "14m"}}), "outside acceptable range of 1h0m0s"),
        (json!(5), "invalid request body"),
        (json!({"forwarders": ["x"]}), "not a known forwarder"),
        (json!({"metrics_generator": {"processors": ["x"]}}), "'x' is not known"),
    ] {
        let answer = send(&server, Method::POST, Some("0"), &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.text().contains(text), "{body}: {}", answer.text());
    }
    let huge = json!({"forwarders": ["x".repeat(70_000)]});
    let answer = send(&server, Method::POST, Some("0"), &huge).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = server.get(&format!("{PATH}?scope=x")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&server).await.status, StatusCode::NOT_FOUND);
    let headers = [("if-match", "0")];
    let path = format!("{PATH}?skip-conflicting-overrides-check=perhaps");
    let answer = server.send(Method::POST, &path, &headers, "{}".to_owned()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
}

#[tokio::test]
async fn it_is_off_unless_switched_on() {
    let server = Server::start(Dialect::Tempo).await;
    assert_eq!(get(&server).await.status, StatusCode::NOT_FOUND);
    let answer = send(&server, Method::POST, Some("0"), &json!({})).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
