//! `health_check` over gRPC, as probes of Kubernetes ask: the empty service is all of it, `extensions` are the
//! extensions, and any other one is a pipeline by its id.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use futures::stream::{self, BoxStream, StreamExt};
use spandrel_proto::grpc_health::health_check_response::ServingStatus;
use spandrel_proto::grpc_health::health_server::{Health, HealthServer};
use spandrel_proto::grpc_health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use tonic::{Request, Response};

use crate::status::{Phase, Status};

/// Everything that the port answers.
pub(super) fn router(status: Arc<Status>) -> Router {
    let health = HealthServer::new(HealthService { status });
    let unknown = async || tonic::Status::unimplemented("unknown service").into_http::<Body>();
    Router::new().route_service("/grpc.health.v1.Health/{method}", health).fallback(unknown)
}

/// Tells what the pages tell.
struct HealthService {
    status: Arc<Status>,
}

/// How a service is; `None` when there is none of this name.
fn serving(status: &Status, service: &str) -> Option<ServingStatus> {
    let is_known = matches!(service, "" | "extensions")
        || status.pipeline_ids().iter().any(|pipeline| pipeline == service);
    is_known.then(|| match status.phase() {
        Phase::Running => ServingStatus::Serving,
        Phase::Starting | Phase::Stopping | Phase::Stopped => ServingStatus::NotServing,
    })
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl Health for HealthService {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, tonic::Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, tonic::Status> {
        match serving(&self.status, &request.get_ref().service) {
            Some(status) => Ok(Response::new(response(status))),
            None => Err(tonic::Status::not_found("no pipeline has this id")),
        }
    }

    async fn list(
        &self,
        _request: Request<HealthListRequest>,
    ) -> Result<Response<HealthListResponse>, tonic::Status> {
        let mut services = self.status.pipeline_ids();
        services.extend([String::new(), "extensions".to_owned()]);
        let statuses = services.into_iter().filter_map(|service| {
            let status = serving(&self.status, &service)?;
            Some((service, response(status)))
        });
        Ok(Response::new(HealthListResponse { statuses: BTreeMap::from_iter(statuses) }))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, tonic::Status> {
        let service = request.into_inner().service;
        let (status, phases) = (Arc::clone(&self.status), self.status.phases());
        let changes = stream::unfold((None, phases), move |(told, mut phases)| {
            let (status, service) = (Arc::clone(&status), service.clone());
            async move {
                loop {
                    phases.mark_unchanged();
                    let now = serving(&status, &service).unwrap_or(ServingStatus::ServiceUnknown);
                    if told != Some(now) {
                        return Some((Ok(response(now)), (Some(now), phases)));
                    }
                    phases.changed().await.ok()?;
                }
            }
        });
        Ok(Response::new(changes.boxed()))
    }
}

#[cfg(test)]
mod tests {
    use spandrel_proto::grpc_health::health_client::HealthClient;
    use tonic::Code;

    use super::*;

    fn of(service: &str) -> HealthCheckRequest {
        HealthCheckRequest { service: service.to_owned() }
    }

    #[tokio::test]
    async fn answers_follow_the_phases() {
        let status = Arc::new(Status::default());
        let mut client = HealthClient::new(router(Arc::clone(&status)));
        let mut watch = client.watch(of("")).await.unwrap().into_inner();
        let mut other = client.watch(of("traces/gone")).await.unwrap().into_inner();
        let unknown = other.message().await.unwrap().unwrap().status();
        assert_eq!(unknown, ServingStatus::ServiceUnknown);
        for (phase, expected) in [
            (Phase::Starting, ServingStatus::NotServing),
            (Phase::Running, ServingStatus::Serving),
            (Phase::Stopping, ServingStatus::NotServing),
        ] {
            status.set(phase);
            assert_eq!(watch.message().await.unwrap().unwrap().status(), expected, "{phase:?}");
            for service in ["", "extensions"] {
                let answer = client.check(of(service)).await.unwrap().into_inner();
                assert_eq!(answer.status(), expected, "{phase:?} {service}");
            }
            let gone = client.check(of("traces/gone")).await.unwrap_err();
            assert_eq!(gone.code(), Code::NotFound);
        }
        let list = client.list(HealthListRequest {}).await.unwrap().into_inner();
        assert_eq!(list.statuses.keys().collect::<Vec<_>>(), ["", "extensions"]);
    }
}
