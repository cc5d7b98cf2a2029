//! Tempo's metrics endpoints.

use http::StatusCode;
use prost::Message;
use serde_json::json;
use spandrel_api::Dialect;
use spandrel_proto::tempo;

use crate::harness::{Server, live_and_flushed};

/// The minute in which the spans start, with steps of half a minute.
const RANGE: &str = "start=1485432000&end=1485432060&step=30s";
/// `{ } | count_over_time() by (resource.service.name)`.
const COUNT: &str = "q=%7B%20%7D%20%7C%20count_over_time()%20by%20(resource.service.name)";

#[tokio::test]
async fn series_over_time() {
    live_and_flushed(Dialect::Tempo, async |server| {
        let path = format!("/api/metrics/query_range?{COUNT}&{RANGE}");
        let answer = server.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/json");
        let mut answer = answer.json();
        assert_eq!(answer["metrics"].take()["completedJobs"], 1);
        let series = |service: &str, values: [f64; 3]| {
            let times = ["1485432000000", "1485432030000", "1485432060000"];
            let samples = times.iter().zip(values);
            let samples: Vec<_> = samples
                .map(|(time, value)| match value {
                    // Zero is left out, as everywhere.
                    0.0 => json!({"timestampMs": time}),
                    value => json!({"timestampMs": time, "value": value as i64}),
                })
                .collect();
            json!({
                "labels": [{"key": "resource.service.name", "value": {"stringValue": service}}],
                "samples": samples,
            })
        };
        let wanted = [series("bank", [0.0, 1.0, 0.0]), series("frontend", [1.0, 0.0, 0.0])];
        assert_eq!(answer, json!({"series": wanted, "metrics": null}));

        let answer = server.get_with(&path, &[("accept", "application/protobuf")]).await;
        assert_eq!(answer.header("content-type"), "application/protobuf");
        let response = tempo::QueryRangeResponse::decode(answer.body).unwrap();
        assert_eq!(response.series.len(), 2);
        assert_eq!(response.series[0].samples.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn one_value_for_the_whole_range() {
    live_and_flushed(Dialect::Tempo, async |server| {
        // The alias of q, and durations in seconds.
        let query = "query=%7B%7D%7Cmax_over_time(duration)&start=1485432000&end=1485432060";
        let mut answer = server.get(&format!("/api/metrics/query?{query}")).await.json();
        assert_eq!(answer["metrics"].take()["totalJobs"], 1);
        let labels = json!([{"key": "__name__", "value": {"stringValue": "max_over_time"}}]);
        assert_eq!(answer, json!({"series": [{"labels": labels, "value": 0.25}], "metrics": null}));
        // Without times it is the last hour, in which there is nothing.
        let answer = server.get("/api/metrics/query?q=%7B%7D%7Cmax_over_time(duration)").await;
        assert_eq!(answer.json().get("series"), None);
        let range = server.get("/api/metrics/query_range?q=%7B%7D%7Cmax_over_time(duration)").await;
        assert_eq!(range.json()["series"], json!([]));
        let since =
            server.get("/api/metrics/query?q=%7B%7D%7Cmax_over_time(duration)&since=1d").await;
        assert_eq!(since.json()["series"][0]["value"], 0.25);
    })
    .await;
}

#[tokio::test]
async fn exemplars_lead_to_traces() {
    live_and_flushed(Dialect::Tempo, async |server| {
        let answer =
            server.get(&format!("/api/metrics/query_range?{COUNT}&{RANGE}&exemplars=5")).await;
        let exemplars = &answer.json()["series"][0]["exemplars"];
        let label = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        assert_eq!(
            *exemplars,
            json!([{
                "labels": [
                    label("trace:id", "00000000000000000000000000000abc"),
                    label("span:id", "000000000000000b"),
                ],
                "value": 1,
                "timestampMs": "1485432000100",
            }])
        );
    })
    .await;
}

#[tokio::test]
async fn more_series_than_asked_for() {
    live_and_flushed(Dialect::Tempo, async |server| {
        let answer = server.get(&format!("/api/metrics/query_range?{COUNT}&{RANGE}&maxSeries=1")).await.json();
        assert_eq!(answer["series"].as_array().unwrap().len(), 1);
        assert_eq!(answer["status"], "PARTIAL");
        let message = answer["message"].as_str().unwrap();
        assert!(message.starts_with("Response exceeds maximum series limit of 1, a partial response is returned: 1 of 2 series"), "{message}");
    })
    .await;
}

#[tokio::test]
async fn labels_keep_their_types_and_absent_values_have_a_name() {
    live_and_flushed(Dialect::Tempo, async |server| {
        let by = "q=%7B%7D%7Crate()%20by%20(span.http.status_code,%20span.amount,%20span.vip)";
        let answer = server
            .get(&format!("/api/metrics/query?{by}&start=1485432000&end=1485432060"))
            .await
            .json();
        let labels: Vec<_> =
            answer["series"].as_array().unwrap().iter().map(|s| s["labels"].clone()).collect();
        assert_eq!(
            labels,
            [
                json!([{"key": "span.http.status_code", "value": {"intValue": "500"}}]),
                json!([
                    {"key": "span.amount", "value": {"doubleValue": 72.5}},
                    {"key": "span.vip", "value": {"boolValue": true}},
                ]),
            ]
        );
        let absent = "q=%7B%7D%7Crate()%20by%20(span.gone)&start=1485432000&end=1485432060";
        let answer = server.get(&format!("/api/metrics/query?{absent}")).await.json();
        let label = json!([{"key": "span.gone", "value": {"stringValue": "nil"}}]);
        assert_eq!(answer["series"][0]["labels"], label);
    })
    .await;
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let server = Server::start(Dialect::Tempo).await;
    for (query, text) in [
        ("", "parameter 'q' is required"),
        (
            "q=%7B%7D",
            "not a metrics query: it finds traces; add a function such as | rate() to get series",
        ),
        (
            "q=%7B%7D%7Crate()&since=365d&step=1ms",
            "step is too small for the time range: it gives 31536000000 intervals, at most 10000 are \
             allowed; the minimum step for this range is 3153.6s",
        ),
        ("q=%7B%7D%7Crate()&start=10&end=5", "'end' should be after 'start'"),
    ] {
        let answer = server.get(&format!("/api/metrics/query_range?{query}")).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::BAD_REQUEST, text));
    }
    let answer = server.get("/api/metrics/query_range?q=%7B%7D%7Crate(").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().starts_with("parse error at line 1"), "{}", answer.text());
}
