//! Services and their operations.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use spandrel_model::{SpanKind, TenantId};
use spandrel_query::{Operation, TimeRange};

use super::answer::is_pretty;
use super::envelope::{Envelope, Failure, json_response};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tenant::jaeger_tenant;

/// `GET /api/services`.
pub(super) async fn services(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let services = state.engine.services(&jaeger_tenant(&headers)?, TimeRange::ALL).await?;
    let envelope = Envelope::names(Vec::from_iter(services));
    Ok(json_response(envelope.body(is_pretty(&params))))
}

/// `GET /api/services/{service}/operations`.
pub(super) async fn operation_names(
    State(state): State<ApiState>,
    Path(service): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = jaeger_tenant(&headers)?;
    let operations = state.engine.operations(&tenant, Some(&service), TimeRange::ALL).await?;
    let names: BTreeSet<String> = operations.into_iter().map(|operation| operation.name).collect();
    let envelope = Envelope::names(Vec::from_iter(names));
    Ok(json_response(envelope.body(is_pretty(&params))))
}

/// `GET /api/operations?service=&spanKind=`.
pub(super) async fn operations(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = jaeger_tenant(&headers)?;
    let service = params.get("service").ok_or(ApiError::Required("service"))?;
    let operations = operations_of(&state, &tenant, service, params.get("spanKind")).await?;
    let envelope = Envelope::names(operations.iter().map(operation_entry).collect());
    Ok(json_response(envelope.body(is_pretty(&params))))
}

/// Operations of a service; those of one kind when it is given. No span is of a kind that does not exist.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn operations_of(
    state: &ApiState,
    tenant: &TenantId,
    service: &str,
    kind: Option<&str>,
) -> Result<Vec<Operation>, ApiError> {
    let operations = state.engine.operations(tenant, Some(service), TimeRange::ALL).await?;
    let wanted = |operation: &Operation| kind.is_none_or(|kind| kind == kind_name(operation.kind));
    Ok(operations.into_iter().filter(wanted).collect())
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationEntry<'a> {
    name: &'a str,
    span_kind: &'static str,
}

fn operation_entry(operation: &Operation) -> OperationEntry<'_> {
    OperationEntry { name: &operation.name, span_kind: kind_name(operation.kind) }
}

/// The kind's name; that of spans without one is empty.
pub(super) fn kind_name(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "",
        kind => kind.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_without_kind_has_an_empty_one() {
        let entry = |kind| operation_entry(&Operation { name: "x".to_owned(), kind }).span_kind;
        assert_eq!(
            SpanKind::ALL.map(entry),
            ["", "internal", "server", "client", "producer", "consumer"]
        );
    }
}
