//! The two ways to ask: `GET /sampling?service=x` and `jaeger.api_v2.SamplingManager`.
//!
//! Any path answers, as in Jaeger; the path `/` in the form that clients before 2017 read.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{StatusCode, Uri};
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

/// Strategies over gRPC.
pub fn sampling_grpc_routes(source: Source) -> Routes {
    Routes::new(SamplingManagerServer::new(Manager { source }))
}

async fn answer(State(source): State<Source>, uri: Uri, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let mut services = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "service")
        .map(|(_, service)| service);
    let (Some(service), None) = (services.next(), services.next()) else {
        let headers =
            [(CONTENT_TYPE, "text/plain; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
        let text = "'service' parameter must be provided once\n";
        return (StatusCode::BAD_REQUEST, headers, text).into_response();
    };
    let form = if uri.path() == "/" { KindForm::Number } else { KindForm::Name };
    let json = strategy(&source.strategy(&service), form);
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
        let service = request.into_inner().service_name;
        Ok(tonic::Response::new(self.source.strategy(&service).to_proto()))
    }
}
