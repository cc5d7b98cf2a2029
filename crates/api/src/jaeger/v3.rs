//! `/api/v3`: OTLP in JSON, within the envelope of a gRPC gateway.

mod answer;
mod params;

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use spandrel_base::cpu;
use spandrel_query::{QueryError, TimeRange, TraceSpans};

use self::answer::{Failure, traces_response};
pub(super) use self::params::check_alone;
use super::adjust::Shown;
use super::envelope::json_response;
use super::find;
use super::services::{kind_name, operations_of};
use super::summary::Summary;
use crate::ApiState;
use crate::error::ApiError;
use crate::go_json;
use crate::params::Params;
use crate::tenant::jaeger_tenant;

/// `GET /api/v3/services`.
pub(super) async fn services(
    State(state): State<ApiState>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Services {
        services: Vec<String>,
    }
    let services = state.engine.services(&jaeger_tenant(&headers)?, TimeRange::ALL).await?;
    let services = Services { services: services.into_iter().collect() };
    Ok(json_response(go_json::to_vec(&services)))
}

/// `GET /api/v3/operations?service=&spanKind=`. Spans without a kind are internal here.
pub(super) async fn operations(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Operation<'a> {
        #[serde(skip_serializing_if = "str::is_empty")]
        name: &'a str,
        span_kind: &'static str,
    }
    #[derive(Serialize)]
    struct Operations<'a> {
        operations: Vec<Operation<'a>>,
    }
    let tenant = jaeger_tenant(&headers)?;
    let service = params.get("service").unwrap_or_default();
    let kind = params.get("spanKind").or_else(|| params.get("span_kind"));
    let operations = operations_of(&state, &tenant, service, kind).await?;
    let operations = operations.iter().map(|operation| Operation {
        name: &operation.name,
        span_kind: match kind_name(operation.kind) {
            "" => "internal",
            kind => kind,
        },
    });
    let operations = Operations { operations: operations.collect() };
    Ok(json_response(go_json::to_vec(&operations)))
}

/// `GET /api/v3/traces/{id}`. `startTime` and `endTime` are hints that the index does not need.
pub(super) async fn trace(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = jaeger_tenant(&headers)?;
    let (trace_id, raw) = params::trace(&id, &params)?;
    let found = find::by_ids(&state, &tenant, &[trace_id]).await?;
    Ok(traces_response(found.into_iter().flatten().collect(), raw).await?)
}

/// `GET /api/v3/traces`.
pub(super) async fn find_traces(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = jaeger_tenant(&headers)?;
    let (query, raw) = params::search(&params)?;
    let found = find::search(&state, &tenant, query).await?;
    let traces = find::spans_of(&state, &tenant, found).await?;
    Ok(traces_response(traces, raw).await?)
}

/// `GET /api/v3/trace-summaries`: always of adjusted traces.
pub(super) async fn summaries(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Summaries {
        summaries: Vec<Summary>,
    }
    let tenant = jaeger_tenant(&headers)?;
    let (query, _) = params::search(&params)?;
    let found = find::search(&state, &tenant, query).await?;
    let traces = find::spans_of(&state, &tenant, found).await?;
    let body = cpu::run(move || {
        let summaries = traces.into_iter().map(|trace| summary(&trace));
        let summaries = summaries.collect::<Result<_, _>>()?;
        Ok::<_, QueryError>(go_json::to_vec(&Summaries { summaries }))
    });
    Ok(json_response(body.await??))
}

/// The summary of an adjusted trace.
///
/// # Errors
/// [`QueryError`] when the spans cannot be read.
pub(super) fn summary(trace: &TraceSpans) -> Result<Summary, QueryError> {
    Ok(Summary::of(&Shown::new(trace.to_trace()?, false).trace))
}

/// `GET /api/v3/dependencies?startTime=&endTime=`, which is in the definition.
pub(super) async fn dependencies(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Link {
        parent: String,
        child: String,
        call_count: String,
    }
    #[derive(Serialize)]
    struct Links {
        dependencies: Vec<Link>,
    }
    let tenant = jaeger_tenant(&headers)?;
    let range = params::dependencies(&params)?;
    let links = state.engine.jaeger_dependencies(&tenant, range).await?;
    let dependencies = links.into_iter().map(|link| Link {
        parent: link.parent.to_string(),
        child: link.child.to_string(),
        call_count: link.calls.to_string(),
    });
    Ok(json_response(go_json::to_vec(&Links { dependencies: dependencies.collect() })))
}

/// The error of a parameter.
fn malformed(name: &'static str, reason: impl Into<String>) -> ApiError {
    ApiError::Malformed { name, reason: reason.into() }
}
