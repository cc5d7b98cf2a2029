//! `GET /api/ui/service-map?start=...&end=...&service=...`: who calls whom, how often, how well, how fast.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use spandrel_query::{Edge, EdgesQuery};

use crate::ApiState;
use crate::params::Params;
use crate::tempo::Failure;
use crate::tempo::time_range::time_range;
use crate::tenant::Tenants;

/// An edge as the page reads it. Counts are of calls before sampling; durations are in nanoseconds, within 3.2 %.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EdgeJson {
    client: Arc<str>,
    server: Arc<str>,
    system: Arc<str>,
    connection: &'static str,
    calls: f64,
    errors: f64,
    p50: Option<u64>,
    p95: Option<u64>,
    p99: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceMap {
    edges: Vec<EdgeJson>,
    /// Edges that are left out because there are too many, those with the fewest calls.
    left_out: u64,
}

pub(super) async fn service_map(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<ServiceMap>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let service = params.get("service").map(str::to_owned);
    let query = EdgesQuery { service, ..EdgesQuery::all(time_range(&params)?) };
    let answer = state.engine.service_edges(tenants.only()?, &query).await?;
    Ok(Json(ServiceMap {
        edges: answer.edges.into_iter().map(edge_json).collect(),
        left_out: answer.overflow.map_or(0, |overflow| overflow.entries),
    }))
}

fn edge_json(edge: Edge) -> EdgeJson {
    let Edge { client, server, system, connection, figures } = edge;
    let durations = figures.durations();
    EdgeJson {
        client,
        server,
        system,
        connection: connection.as_str(),
        calls: figures.counts.weighted_calls(),
        errors: figures.counts.weighted_errors(),
        p50: durations.quantile(0.5),
        p95: durations.quantile(0.95),
        p99: durations.quantile(0.99),
    }
}
