//! What Grafana's Zipkin data source asks, as it asks.

use serde_json::json;

use crate::harness::{Server, T0_MICROS};

#[tokio::test]
async fn a_user_walks_from_service_to_trace() {
    let server = Server::start().await;
    let span = json!({
        "traceId": "000000000000000a", "id": "000000000000000b", "name": "get /cart",
        "timestamp": T0_MICROS, "duration": 10, "localEndpoint": {"serviceName": "shop"},
    });
    server.send(&json!([span])).await;
    assert_eq!(server.get("/api/v2/services").await.json(), json!(["shop"]));
    assert_eq!(server.get("/api/v2/spans?serviceName=shop").await.json(), json!(["get /cart"]));
    let traces = server.get("/api/v2/traces?serviceName=shop&spanName=get%20%2Fcart").await;
    assert_eq!(traces.json(), json!([[span]]));
    assert_eq!(server.get("/api/v2/trace/000000000000000a").await.json(), json!([span]));
    let missing = server.get("/api/v2/trace/000000000000000c").await;
    assert_eq!(missing.status, http::StatusCode::NOT_FOUND, "not 200 with nothing in it");
}
