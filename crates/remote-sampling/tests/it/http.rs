//! Answers over HTTP and gRPC.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use spandrel_base::task::TaskSet;
use spandrel_model::TenantId;
use spandrel_proto::jaeger::sampling_manager_client::SamplingManagerClient;
use spandrel_proto::jaeger::{SamplingStrategyParameters, SamplingStrategyType};
use spandrel_remote_sampling::{
    Strategies, Strategy, StrategySource, sampling_grpc_beside, sampling_grpc_routes,
    sampling_router,
};
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
async fn tenants_are_named_as_everywhere() {
    /// Strategies that tell who asks.
    struct Named;

    impl StrategySource for Named {
        fn strategy(&self, tenant: &TenantId, _: &str) -> Strategy {
            Strategy::probabilistic(if tenant.as_str() == "acme" { 0.5 } else { 1.0 })
        }
    }

    for (header, name, status, share) in [
        ("x-scope-orgid", "acme", StatusCode::OK, "0.5"),
        ("x-tenant", "acme", StatusCode::OK, "0.5"),
        ("x-tenant", "other", StatusCode::OK, "\"samplingRate\":1}"),
        ("x-tenant", "a/b", StatusCode::BAD_REQUEST, "tenant id must be"),
    ] {
        let request = Request::get("/sampling?service=a").header(header, name);
        let routes = sampling_router(Arc::new(Named));
        let response = routes.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{header}: {name}");
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains(share), "{header}: {name}: {body:?}");
    }
}

#[tokio::test]
async fn grpc_has_the_same_answers() {
    for beside in [false, true] {
        grpc_answers(beside).await;
    }
}

async fn grpc_answers(beside: bool) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = match beside {
        false => sampling_grpc_routes(source()).into_axum_router(),
        true => sampling_grpc_beside(source()),
    };
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
