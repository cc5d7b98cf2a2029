//! Parameters of Jaeger's APIs that are malformed, missing, empty, reversed or absurd: statuses and texts.

use http::{Method, StatusCode};
use spandrel_api::{ApiOptions, Dialect};

use crate::harness::{CHECKOUT, Server};

const RANGE: &str =
    "query.startTimeMin=2017-01-26T11:00:00Z&query.startTimeMax=2017-01-26T13:00:00Z";

#[tokio::test]
async fn every_parameter_of_the_legacy_api() {
    let server = Server::start(Dialect::Jaeger).await;
    server.store(CHECKOUT).await;
    let many = format!(
        "/api/traces?tags={{{}}}",
        (0..101).map(|i| format!("%22{i}%22:%22%22")).collect::<Vec<_>>().join(",")
    );
    for (path, text) in [
        ("/api/operations", "parameter 'service' is required"),
        ("/api/operations?service=", "parameter 'service' is required"),
        ("/api/traces?start=now", "unable to parse param 'start'"),
        ("/api/traces?end=1.5", "unable to parse param 'end'"),
        ("/api/traces?end=9223372036854775808", "unable to parse param 'end'"),
        ("/api/traces?limit=x", "unable to parse param 'limit'"),
        ("/api/traces?limit=0", "unable to parse param 'limit'"),
        ("/api/traces?limit=-5", "unable to parse param 'limit'"),
        ("/api/traces?limit=100001", "unable to parse param 'limit'"),
        ("/api/traces?minDuration=5", "unable to parse param 'minDuration'"),
        ("/api/traces?maxDuration=1d", "unable to parse param 'maxDuration'"),
        ("/api/traces?minDuration=9999999999h", "unable to parse param 'minDuration'"),
        (
            "/api/traces?minDuration=2s&maxDuration=1s",
            "'maxDuration' should be greater than 'minDuration'",
        ),
        ("/api/traces?tag=ab", "malformed 'tag' parameter, expecting key:value, received: ab"),
        ("/api/traces?tags=a:b", "malformed 'tags' parameter, cannot unmarshal JSON"),
        ("/api/traces?tags=%7B%22a%22:1%7D", "malformed 'tags' parameter, cannot unmarshal JSON"),
        (&*many, "at most 100 tags"),
        ("/api/traces?raw=maybe", "unable to parse param 'raw'"),
        ("/api/traces?traceID=xyz", "trace IDs can only contain hex characters"),
        ("/api/traces/xyz", "trace IDs can only contain hex characters"),
        ("/api/traces/123456789012345678901234567890123", "can't be larger than 128 bits"),
        ("/api/traces/abc?start=x", "unable to parse param 'start'"),
        ("/api/traces/abc?end=x", "unable to parse param 'end'"),
        ("/api/traces/abc?raw=2", "unable to parse param 'raw'"),
        ("/api/dependencies?endTs=now", "unable to parse param 'endTs'"),
        ("/api/dependencies?lookback=1h", "unable to parse param 'lookback'"),
        ("/api/dependencies?lookback=-1", "unable to parse param 'lookback'"),
        ("/api/metrics/latencies?service=a", "unable to parse param 'quantile'"),
        ("/api/metrics/latencies?service=a&quantile=1.5", "unable to parse param 'quantile'"),
        ("/api/metrics/latencies?service=a&quantile=NaN", "unable to parse param 'quantile'"),
        ("/api/metrics/calls", "unable to parse param 'service'"),
        ("/api/metrics/errors?service=a&spanKind=rpc", "unable to parse param 'spanKind'"),
        ("/api/metrics/calls?service=a&step=0", "unable to parse param 'step'"),
        ("/api/metrics/calls?service=a&lookback=999999999999&step=1", "intervals"),
        ("/api/metrics/calls?service=a&ratePer=999999999999&step=1", "intervals"),
    ] {
        let answer = server.get(path).await;
        let shown = &path[..path.len().min(100)];
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{shown}: {}", answer.text());
        assert!(answer.header("content-type").starts_with("text/plain"), "{shown}");
        let body = answer.json();
        let error = &body["errors"][0];
        assert!(body["data"].is_null() && error["code"] == 400, "{shown}: {body}");
        assert!(error["msg"].as_str().unwrap().contains(text), "{shown}: {}", answer.text());
    }
    // Reversed ranges and ranges without anything are empty.
    for path in [
        "/api/traces?start=1485435600000000&end=1485428400000000",
        "/api/traces?start=-5&end=-4",
        "/api/traces?start=0&end=0&service=a&operation=b&tag=:",
        "/api/traces?tags=%7B%7D&tag=a:b:c&lookback=nonsense",
        "/api/dependencies?endTs=0",
        "/api/dependencies?endTs=-9000000000000&lookback=9000000000000",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        assert_eq!(answer.json()["data"], serde_json::json!([]), "{path}");
    }
}

#[tokio::test]
async fn every_parameter_of_v3() {
    let server = Server::start(Dialect::Jaeger).await;
    server.store(CHECKOUT).await;
    for path in ["/api/v3/traces", "/api/v3/trace-summaries"] {
        for (query, text) in [
            ("".to_owned(), "query.startTimeMin and query.startTimeMax are required"),
            ("query.startTimeMin=&query.startTimeMax=".to_owned(), "are required"),
            (
                "query.startTimeMin=5&query.startTimeMax=6".to_owned(),
                "malformed parameter query.startTimeMin",
            ),
            (
                "query.startTimeMin=2017-01-26T13:00:00Z&query.startTimeMax=2017-01-26T11:00:00Z"
                    .to_owned(),
                "query.startTimeMin must be before query.startTimeMax",
            ),
            (format!("{RANGE}&query.searchDepth=many"), "malformed parameter query.searchDepth"),
            (format!("{RANGE}&query.durationMin=1"), "malformed parameter query.durationMin"),
            (format!("{RANGE}&query.attributes=x"), "malformed parameter query.attributes"),
            (format!("{RANGE}&query.rawTraces=x"), "malformed parameter query.rawTraces"),
            (format!("{RANGE}&query.filter=x"), "malformed parameter query.filter"),
        ] {
            check(&server, &format!("{path}?{query}"), text).await;
        }
    }
    for (path, text) in [
        ("/api/v3/traces/xyz", "malformed parameter trace_id: trace IDs can only contain hex"),
        ("/api/v3/traces/abc?startTime=x", "malformed parameter startTime"),
        ("/api/v3/traces/abc?end_time=x", "malformed parameter end_time"),
        ("/api/v3/traces/abc?rawTraces=x", "malformed parameter rawTraces"),
        ("/api/v3/dependencies", "start_time is required"),
    ] {
        check(&server, path, text).await;
    }
}

async fn check(server: &Server, path: &str, text: &str) {
    let answer = server.get(path).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text());
    assert!(answer.header("content-type").starts_with("text/plain"), "{path}");
    let error = &answer.json()["error"];
    assert_eq!(error["httpCode"], 400);
    assert!(error["message"].as_str().unwrap().contains(text), "{path}: {error}");
}

#[tokio::test]
async fn methods_paths_and_tenants_that_are_none() {
    let server = Server::start(Dialect::Jaeger).await;
    for (method, path) in [
        (Method::POST, "/api/traces"),
        (Method::GET, "/api/archive/abc"),
        (Method::GET, "/api/transform"),
        (Method::POST, "/api/v3/traces"),
        (Method::DELETE, "/api/v3/services"),
    ] {
        let answer = server.send(method.clone(), path, &[], String::new()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
    }
    for path in ["/api/v3/nothing", "/api/metrics/nothing", "/api/v3/traces/"] {
        assert_eq!(server.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let answer = server.get_with("/api/services", &[("x-tenant", "a|b")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);

    let options = ApiOptions { tenant_required: true, ..ApiOptions::default() };
    let server = Server::start_switched(options).await;
    let unnamed = server.get("/jaeger/api/services").await;
    assert_eq!(unnamed.status, StatusCode::UNAUTHORIZED);
    for header in ["x-scope-orgid", "x-tenant"] {
        let answer = server.get_with("/jaeger/api/services", &[(header, "a")]).await;
        assert_eq!(answer.status, StatusCode::OK, "{header}");
    }
    // Elsewhere Jaeger's header says nothing.
    let answer = server.get_with("/api/search", &[("x-tenant", "a")]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
