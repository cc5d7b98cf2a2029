//! The requests that Jaeger's web interface (2.20 and 2.21) and Grafana's Jaeger data source send, as they send
//! them, and what they need of the answers.

use http::{Method, StatusCode};
use serde_json::Value;
use spandrel_api::Dialect;

use crate::harness::{CHECKOUT, Server};

async fn server() -> Server {
    let server = Server::start(Dialect::Jaeger).await;
    server.store(CHECKOUT).await;
    server.flush().await;
    server
}

async fn ok(server: &Server, path: &str) -> Value {
    let answer = server.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json", "{path}");
    answer.json()
}

fn is_hex(value: &Value, digits: usize) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == digits && text.chars().all(|c| c.is_ascii_hexdigit())
}

fn is_nanos(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<u64>().is_ok())
}

/// What both interfaces read of a trace of the legacy API.
fn check_legacy_trace(trace: &Value) {
    let processes = trace["processes"].as_object().unwrap();
    for process in processes.values() {
        assert!(process["serviceName"].is_string() && process["tags"].is_array(), "{process}");
    }
    let spans = trace["spans"].as_array().unwrap();
    assert!(!spans.is_empty() && trace["traceID"].is_string());
    for span in spans {
        assert!(span["traceID"] == trace["traceID"] && is_hex(&span["spanID"], 16), "{span}");
        assert!(span["operationName"].is_string());
        assert!(span["startTime"].is_u64() && span["duration"].is_u64(), "{span}");
        assert!(processes.contains_key(span["processID"].as_str().unwrap()));
        for reference in span["references"].as_array().unwrap() {
            assert!(["CHILD_OF", "FOLLOWS_FROM"].contains(&reference["refType"].as_str().unwrap()));
            assert!(is_hex(&reference["spanID"], 16));
        }
        for tag in span["tags"].as_array().unwrap() {
            let kinds = ["string", "bool", "int64", "float64", "binary"];
            assert!(kinds.contains(&tag["type"].as_str().unwrap()) && tag["key"].is_string());
            assert!(!tag["value"].is_null());
        }
        assert!(span["logs"].is_array());
        assert!(span["warnings"].is_null() || span["warnings"].is_array());
    }
}

/// The schemas with which Jaeger's interface checks answers: what is missing shows as a page of errors.
#[tokio::test]
async fn the_web_interface_of_jaeger() {
    let server = server().await;
    let services = ok(&server, "/api/v3/services").await;
    assert!(services["services"].as_array().unwrap().iter().all(Value::is_string));
    let operations = ok(&server, "/api/v3/operations?service=frontend").await;
    for operation in operations["operations"].as_array().unwrap() {
        assert!(operation["name"].is_string() && operation["spanKind"].is_string());
    }
    // Times have milliseconds; without a service all are meant.
    let range = "query.startTimeMin=2017-01-26T11%3A00%3A00.000Z\
        &query.startTimeMax=2017-01-26T13%3A00%3A00.000Z&query.searchDepth=20";
    for conditions in [
        "",
        "&query.serviceName=frontend&query.operationName=GET%20%2Fcheckout",
        "&query.serviceName=bank&query.durationMin=1ms&query.durationMax=1.2s",
        "&query.attributes=%7B%22http.status_code%22%3A%22500%22%7D",
    ] {
        let found = ok(&server, &format!("/api/v3/trace-summaries?{range}{conditions}")).await;
        let summaries = found["summaries"].as_array().unwrap();
        assert_eq!(summaries.len(), 1, "{conditions}");
        for summary in summaries {
            assert!(is_hex(&summary["traceId"], 32), "{summary}");
            assert!(is_nanos(&summary["minStartTimeUnixNano"]));
            assert!(is_nanos(&summary["maxEndTimeUnixNano"]));
            assert!(summary["services"].as_array().unwrap().iter().all(|s| s["name"].is_string()));
        }
    }
    for path in [
        "/api/traces/00000000000000000000000000000abc",
        "/api/traces/abc?prettyPrint=true",
        "/api/traces/abc?prettyPrint=true&raw=true",
    ] {
        check_legacy_trace(&ok(&server, path).await["data"][0]);
    }
    let links = ok(&server, "/api/dependencies?endTs=1485435600000&lookback=604800000").await;
    for link in links["data"].as_array().unwrap() {
        assert!(link["parent"].is_string() && link["child"].is_string());
        assert!(link["callCount"].is_u64());
    }
    assert_eq!(links["data"].as_array().unwrap().len(), 1);
    let monitor = "service=frontend&endTs=1485432060000&lookback=3600000&step=60000\
        &ratePer=600000&spanKind=server";
    for (path, name) in [
        ("latencies?quantile=0.95&groupByOperation=true&", "service_operation_latencies"),
        ("latencies?quantile=0.5&", "service_latencies"),
        ("calls?", "service_call_rate"),
        ("errors?groupByOperation=true&", "service_operation_error_rate"),
    ] {
        let family = ok(&server, &format!("/api/metrics/{path}{monitor}")).await;
        assert_eq!(family["name"], name);
        for metric in family["metrics"].as_array().unwrap() {
            assert!(metric["labels"].as_array().unwrap().iter().all(|l| l["value"].is_string()));
            let point = &metric["metricPoints"][0];
            assert!(
                point["gaugeValue"]["doubleValue"].is_number() && point["timestamp"].is_string()
            );
        }
    }
    let quality = ok(&server, "/api/quality-metrics?hours=48&service=bank").await;
    assert!(quality["traceQualityDocumentationLink"].is_string());
    for score in quality["scores"].as_array().unwrap() {
        assert_eq!((score["max"].as_u64(), score["value"].as_u64()), (Some(100), Some(100)));
        let metrics = quality["metrics"].as_array().unwrap();
        assert!(metrics.iter().any(|metric| metric["category"] == score["key"]));
    }
    for metric in quality["metrics"].as_array().unwrap() {
        let counts = (metric["passCount"].as_u64(), metric["failureCount"].as_u64());
        assert_eq!(counts, (Some(1), Some(0)), "{metric}");
        assert!(metric["metricWeight"].is_number() && metric["passExamples"].is_array());
    }
    let uploaded = server.send(Method::POST, "/api/transform", &[], CHECKOUT.to_owned()).await;
    check_legacy_trace(&uploaded.json()["data"][0]);
}

#[tokio::test]
async fn the_data_source_of_grafana() {
    let server = server().await;
    // Saving the data source tests it.
    let services = ok(&server, "/api/services").await;
    assert_eq!(services["data"], serde_json::json!(["bank", "frontend"]));
    let operations = ok(&server, "/api/services/frontend/operations").await;
    assert_eq!(operations["data"], serde_json::json!(["GET /checkout"]));
    for query in [
        "service=bank&operation=&tags=&minDuration=&maxDuration=&limit=20\
            &start=1485428400000000&end=1485435600000000&lookback=custom",
        "service=bank&operation=charge&tags=%7B%22error%22%3A%22true%22%7D&minDuration=1ms\
            &maxDuration=10s&limit=&start=1485428400000000&end=1485435600000000",
    ] {
        let found = ok(&server, &format!("/api/traces?{query}")).await;
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{query}");
        check_legacy_trace(&found["data"][0]);
    }
    // With the time range of a link, which older versions send in milliseconds.
    for query in [
        "",
        "?start=1485428400000&end=1485435600000",
        "?start=1485428400000000&end=1485435600000000",
    ] {
        check_legacy_trace(&ok(&server, &format!("/api/traces/abc{query}")).await["data"][0]);
    }
    // It takes the first trace of an answer without asking whether there is one.
    assert_eq!(server.get("/api/traces/abd").await.status, StatusCode::NOT_FOUND);
    let graph = ok(&server, "/api/dependencies?endTs=1485435600000&lookback=7200000").await;
    assert_eq!(graph["data"][0]["callCount"], 1);
    // Behind a feature toggle; the plus sign of the offset is not encoded.
    ok(&server, "/api/v3/services").await;
    ok(&server, "/api/v3/operations?service=bank").await;
    let trace =
        "/api/v3/traces/abc?start_time=2017-01-26T11:00:00+00:00&end_time=2017-01-26T13:00:00Z";
    let trace = ok(&server, trace).await;
    assert!(trace["result"]["resourceSpans"].is_array());
}
