//! The two ways to ask: `GET /sampling?service=x` and `jaeger.api_v2.SamplingManager`.
//!
//! Any path answers, as in Jaeger; the path `/` in the form that clients before 2017 read. The header `X-Scope-OrgID`,
//! or Jaeger's `x-tenant`, names the tenant.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode, Uri};
use spandrel_model::{TenantId, TenantIdError};
use spandrel_proto::jaeger::sampling_manager_server::{SamplingManager, SamplingManagerServer};
use spandrel_proto::jaeger::{SamplingStrategyParameters, SamplingStrategyResponse};
use tonic::service::Routes;
use tonic::{Request, Status};

use crate::json::{KindForm, strategy};
use crate::strategy::StrategySource;

type Source = Arc<dyn StrategySource>;

/// Strategies over HTTP.
pub fn sampling_router(source: Source) -> Router {
    Router::new().fallback(get(answer)).route("/", get(answer)).with_state(source)
}

/// Strategies over gRPC; any other call is answered with `UNIMPLEMENTED`.
pub fn sampling_grpc_routes(source: Source) -> Routes {
    Routes::new(SamplingManagerServer::new(Manager { source }))
}

/// Strategies over gRPC beside other services of one port, whose routes answer all other calls.
pub fn sampling_grpc_beside(source: Source) -> Router {
    let service = SamplingManagerServer::new(Manager { source });
    Router::new().route_service("/jaeger.api_v2.SamplingManager/{method}", service)
}

/// The tenant that a request names, or the single one.
fn tenant_of(headers: &HeaderMap) -> Result<TenantId, TenantIdError> {
    let name = ["x-scope-orgid", "x-tenant"].iter().find_map(|header| headers.get(*header));
    match name {
        None => Ok(TenantId::single()),
        Some(name) => TenantId::new(name.to_str().map_err(|_| TenantIdError)?),
    }
}

fn wrong(text: impl std::fmt::Display) -> Response {
    let headers =
        [(CONTENT_TYPE, "text/plain; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (StatusCode::BAD_REQUEST, headers, format!("{text}\n")).into_response()
}

async fn answer(
    State(source): State<Source>,
    uri: Uri,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let mut services = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "service")
        .map(|(_, service)| service);
    let (Some(service), None) = (services.next(), services.next()) else {
        return wrong("'service' parameter must be provided once");
    };
    let tenant = match tenant_of(&headers) {
        Ok(tenant) => tenant,
        Err(error) => return wrong(error),
    };
    let form = if uri.path() == "/" { KindForm::Number } else { KindForm::Name };
    let json = strategy(&source.strategy(&tenant, &service), form);
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}

struct Manager {
    source: Source,
}

#[tonic::async_trait]
impl SamplingManager for Manager {
    async fn get_sampling_strategy(
        &self,
        request: Request<SamplingStrategyParameters>,
    ) -> Result<tonic::Response<SamplingStrategyResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let tenant = tenant_of(&metadata.into_headers())
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let strategy = self.source.strategy(&tenant, &message.service_name);
        Ok(tonic::Response::new(strategy.to_proto()))
    }
}
