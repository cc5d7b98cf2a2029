//! gRPC's health checks: while the port answers, all of its services do.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use spandrel_proto::grpc_health::health_check_response::ServingStatus;
use spandrel_proto::grpc_health::health_server::Health;
use spandrel_proto::grpc_health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use tonic::{Request, Response, Status};

use super::stream::Messages;

/// The services of the port; the empty name stands for all of them.
const SERVICES: [&str; 7] = [
    "",
    "jaeger.api_v2.QueryService",
    "jaeger.api_v3.QueryService",
    "jaeger.storage.v2.TraceReader",
    "jaeger.storage.v2.DependencyReader",
    "jaeger.storage.v2.Capabilities",
    "opentelemetry.proto.collector.trace.v1.TraceService",
];

/// Answers as long as it is there.
pub(super) struct HealthService;

fn serving() -> HealthCheckResponse {
    HealthCheckResponse { status: ServingStatus::Serving.into() }
}

#[tonic::async_trait]
impl Health for HealthService {
    type WatchStream = Messages<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match SERVICES.contains(&request.get_ref().service.as_str()) {
            true => Ok(Response::new(serving())),
            false => Err(Status::not_found("unknown service")),
        }
    }

    async fn list(
        &self,
        _request: Request<HealthListRequest>,
    ) -> Result<Response<HealthListResponse>, Status> {
        let statuses = SERVICES.iter().map(|name| ((*name).to_owned(), serving()));
        Ok(Response::new(HealthListResponse { statuses: BTreeMap::from_iter(statuses) }))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let first = match SERVICES.contains(&request.get_ref().service.as_str()) {
            true => serving(),
            false => HealthCheckResponse { status: ServingStatus::ServiceUnknown.into() },
        };
        // Nothing changes until the port is closed, which ends the stream.
        Ok(Response::new(stream::iter([Ok(first)]).chain(stream::pending()).boxed()))
    }
}
