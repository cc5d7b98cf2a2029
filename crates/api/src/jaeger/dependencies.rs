//! Who calls whom: `GET /api/dependencies`.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use spandrel_query::Dependency;

use super::answer::is_pretty;
use super::envelope::{Envelope, Failure, json_response};
use super::millis;
use crate::ApiState;
use crate::params::Params;
use crate::tenant::jaeger_tenant;

/// How far back is looked when nobody says.
const LOOKBACK: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Link<'a> {
    parent: &'a str,
    child: &'a str,
    call_count: u64,
}

/// `GET /api/dependencies?endTs=&lookback=&service=`.
pub(super) async fn dependencies(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = jaeger_tenant(&headers)?;
    let range = millis::range(&params, state.clock.now_unix_nanos(), LOOKBACK)?;
    let dependencies = state.engine.jaeger_dependencies(&tenant, range).await?;
    let service = params.get("service");
    let touches = |link: &&Dependency| {
        service.is_none_or(|service| *link.parent == *service || *link.child == *service)
    };
    let links = dependencies.iter().filter(touches).map(|link| Link {
        parent: &link.parent,
        child: &link.child,
        call_count: link.calls,
    });
    let envelope = Envelope::traces(links.collect(), Vec::new());
    Ok(json_response(envelope.body(is_pretty(&params))))
}
