//! Rate, errors and latency for Jaeger's Monitor page.

use http::StatusCode;
use serde_json::{Value, json};
use spandrel_api::Dialect;

use crate::harness::{Server, live_and_flushed, numbered};

/// The time of the trace that is always stored, in milliseconds.
const CHECKOUT_MILLIS: u64 = 1_485_432_000_000;

fn points(metric: &Value) -> Vec<f64> {
    let points = metric["metricPoints"].as_array().unwrap().iter();
    points.map(|point| point["gaugeValue"]["doubleValue"].as_f64().unwrap()).collect()
}

#[tokio::test]
async fn figures_have_the_shape_of_openmetrics() {
    live_and_flushed(Dialect::Jaeger, async |server| {
        let window = format!("endTs={}&lookback=60000&step=60000&ratePer=60000", CHECKOUT_MILLIS + 60_000);
        let get = async |path: &str| {
            let answer = server.get(&format!("/api/metrics/{path}&{window}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
            assert_eq!(answer.header("content-type"), "application/json");
            answer.json()
        };
        let calls = get("calls?service=frontend").await;
        assert_eq!(calls["name"], "service_call_rate");
        assert_eq!(calls["type"], "GAUGE");
        assert_eq!(calls["help"], "calls/sec, grouped by service");
        let metric = &calls["metrics"][0];
        assert_eq!(metric["labels"], json!([{"name": "service_name", "value": "frontend"}]));
        assert_eq!(metric["metricPoints"][0]["timestamp"], "2017-01-26T12:01:00Z");
        assert_eq!(points(metric), [1.0 / 60.0]);

        let latencies = get("latencies?service=frontend&quantile=0.95&groupByOperation=true").await;
        assert_eq!(latencies["name"], "service_operation_latencies");
        assert_eq!(latencies["help"], "0.95th quantile latency, grouped by service & operation");
        let metric = &latencies["metrics"][0];
        assert_eq!(
            metric["labels"],
            json!([{"name": "operation", "value": "GET /checkout"}, {"name": "service_name", "value": "frontend"}])
        );
        let millis = points(metric)[0];
        assert!((millis - 250.0).abs() < 8.0, "{millis}");

        let errors = get("errors?service=frontend,service=bank&spanKind=server&spanKind=client").await;
        assert_eq!(errors["name"], "service_error_rate");
        let rates: Vec<_> = errors["metrics"].as_array().unwrap().iter().map(points).collect();
        assert_eq!(rates, [[1.0], [0.0]]);

        // Only servers are asked for when nobody says.
        assert_eq!(get("calls?service=bank").await["metrics"], json!([]));
        let min_step = server.get("/api/metrics/minstep").await;
        assert_eq!(min_step.json()["data"], 1);
    })
    .await;
}

/// Scenario: a call each second for 40 seconds, every other one of which failed.
/// Guarantees: a point tells of the time before it that was asked for, no more and no less.
#[tokio::test]
async fn a_point_tells_of_the_time_before_it() {
    let server = Server::start(Dialect::Jaeger).await;
    for number in 0..40 {
        server.store(&numbered(number, "steady")).await;
    }
    let end = CHECKOUT_MILLIS + 60_000;
    let query = format!("service=steady&endTs={end}&lookback=60000&step=10000&ratePer=20000");
    let body = server.get(&format!("/api/metrics/calls?{query}")).await.json();
    let metric = &body["metrics"][0];
    assert_eq!(metric["metricPoints"][0]["timestamp"], "2017-01-26T12:00:10Z");
    assert_eq!(points(metric), [0.5, 1.0, 1.0, 1.0, 0.5, 0.0]);
    let body = server.get(&format!("/api/metrics/errors?{query}")).await.json();
    assert_eq!(points(&body["metrics"][0]), [0.5; 5]);
}
