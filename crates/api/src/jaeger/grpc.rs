//! Jaeger's services over gRPC, for one port: both query services, the services of a remote storage, by which this
//! server is a backend of an existing Jaeger, OTLP for what such a Jaeger writes, and health checks.

mod health;
mod message;
mod otlp;
mod storage;
mod stream;
mod v2;
mod v3;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodFilter, MethodRouter, on_service};
use http::Request;
use spandrel_model::TenantId;
use spandrel_pipeline::TraceConsumer;
use spandrel_proto::grpc_health::health_server::HealthServer;
use spandrel_proto::jaeger::query_service_server::QueryServiceServer as QueryServiceV2;
use spandrel_proto::jaeger_storage::capabilities_server::CapabilitiesServer;
use spandrel_proto::jaeger_storage::dependency_reader_server::DependencyReaderServer;
use spandrel_proto::jaeger_storage::trace_reader_server::TraceReaderServer;
use spandrel_proto::jaeger_v3::query_service_server::QueryServiceServer as QueryServiceV3;
use spandrel_query::{Operation, TimeRange};
use spandrel_telemetry::Api;
use tonic::Status;

use self::health::HealthService;
use self::message::given;
use self::storage::Storage;
use self::v2::QueryV2;
use self::v3::QueryV3;
use super::services::operations_of;
use crate::ApiState;
use crate::error::ApiError;
use crate::grpc_status::status_of;
use crate::routes::Routes;
use crate::tenant::jaeger_tenant;

/// Everything that Jaeger serves over gRPC; spans that are written go to the consumer.
pub fn jaeger_grpc_routes(state: ApiState, consumer: Arc<dyn TraceConsumer>) -> Router {
    let query_v2 = QueryServiceV2::new(QueryV2 { state: state.clone() });
    let query_v3 = QueryServiceV3::new(QueryV3 { state: state.clone() });
    let storage = Storage { state: state.clone() };
    let reader = TraceReaderServer::new(storage.clone());
    let dependencies = DependencyReaderServer::new(storage.clone());
    let capabilities = CapabilitiesServer::new(storage);
    let health = HealthServer::new(HealthService);
    let otlp = otlp::methods(state.clone(), consumer);
    Routes::new(state, Api::Jaeger)
        .route("/jaeger.api_v2.QueryService/{method}", "grpc_v2", service(query_v2))
        .route("/jaeger.api_v3.QueryService/{method}", "grpc_v3", service(query_v3))
        .route("/jaeger.storage.v2.TraceReader/{method}", "grpc_storage", service(reader))
        .route(
            "/jaeger.storage.v2.DependencyReader/{method}",
            "grpc_storage_dependencies",
            service(dependencies),
        )
        .route(
            "/jaeger.storage.v2.Capabilities/{method}",
            "grpc_storage_capabilities",
            service(capabilities),
        )
        .route("/grpc.health.v1.Health/{method}", "grpc_health", service(health))
        .route(otlp::PATH, "grpc_write", otlp)
        .finish_beside()
        .fallback(async || Status::unimplemented("unknown service").into_http::<axum::body::Body>())
}

fn service<S>(service: S) -> MethodRouter<ApiState>
where
    S: tower::Service<Request<axum::body::Body>, Error = std::convert::Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Response: axum::response::IntoResponse + 'static,
    S::Future: Send + 'static,
{
    on_service(MethodFilter::POST, service)
}

/// Whose data a request is about, and its message.
fn accept<T>(request: tonic::Request<T>) -> Result<(TenantId, T), Status> {
    let (metadata, _, message) = request.into_parts();
    let tenant = jaeger_tenant(&metadata.into_headers());
    Ok((tenant.map_err(|error| status_of(&ApiError::from(error)))?, message))
}

async fn services(state: &ApiState, tenant: &TenantId) -> Result<Vec<String>, Status> {
    let services = state.engine.services(tenant, TimeRange::ALL).await;
    Ok(services.map_err(|error| status_of(&error.into()))?.into_iter().collect())
}

/// The operations of a service, of one kind if one is given.
async fn operations(
    state: &ApiState,
    tenant: &TenantId,
    service: &str,
    kind: String,
) -> Result<Vec<Operation>, Status> {
    let found = operations_of(state, tenant, service, given(kind).as_deref()).await;
    found.map_err(|error| status_of(&error))
}

/// The error of a request that misses something.
fn invalid(message: impl Into<String>) -> Status {
    Status::invalid_argument(message)
}
