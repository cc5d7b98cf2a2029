//! Answers over HTTP and gRPC.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use spandrel_base::task::TaskSet;
use spandrel_proto::jaeger::sampling_manager_client::SamplingManagerClient;
use spandrel_proto::jaeger::{SamplingStrategyParameters, SamplingStrategyType};
use spandrel_remote_sampling::{Strategies, StrategySource, sampling_grpc_routes, sampling_router};
use tower::ServiceExt;

fn source() -> Arc<dyn StrategySource> {
    let json = r#"{"service_strategies":[{"service":"shop","type":"probabilistic","param":0.2}]}"#;
    Arc::new(Strategies::parse(json.as_bytes(), 1.0).unwrap())
}

async fn get(path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = sampling_router(source()).oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn any_path_answers() {
    let shop = r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.2}}"#;
    for path in ["/sampling?service=shop", "/api/sampling?service=shop&x=y"] {
        assert_eq!(get(path).await, (StatusCode::OK, shop.to_owned()), "{path}");
    }
    let old = r#"{"strategyType":0,"probabilisticSampling":{"samplingRate":1}}"#;
    assert_eq!(get("/?service=other").await, (StatusCode::OK, old.to_owned()));
}

#[tokio::test]
async fn the_service_is_named_once() {
    let text = "'service' parameter must be provided once\n";
    for path in ["/sampling", "/sampling?service=a&service=b"] {
        assert_eq!(get(path).await, (StatusCode::BAD_REQUEST, text.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn grpc_has_the_same_answers() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = sampling_grpc_routes(source()).into_axum_router();
    let tasks = TaskSet::new();
    tasks.spawn("grpc", async move { axum::serve(listener, routes).await.unwrap() });
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = SamplingManagerClient::new(channel.connect().await.unwrap());
    let asked = SamplingStrategyParameters { service_name: "shop".to_owned() };
    let answer = client.get_sampling_strategy(asked).await.unwrap().into_inner();
    assert_eq!(answer.strategy_type(), SamplingStrategyType::Probabilistic);
    assert_eq!(answer.probabilistic_sampling.unwrap().sampling_rate, 0.2);
    assert_eq!(answer.operation_sampling, None);
}
