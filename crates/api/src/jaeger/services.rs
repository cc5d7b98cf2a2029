//! Services and their operations.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use spandrel_model::SpanKind;
use spandrel_query::{Operation, TimeRange};

use super::envelope::{Envelope, Failure, json_response};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::{Params, malformed};
use crate::tenant::tenant_of;

/// `GET /api/services`.
pub(super) async fn services(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let services = state.engine.services(&tenant_of(&headers)?, TimeRange::ALL).await?;
    let envelope = Envelope::names(Vec::from_iter(services));
    Ok(json_response(envelope.body(params.flag("prettyPrint")?)))
}

/// `GET /api/services/{service}/operations`.
pub(super) async fn operation_names(
    State(state): State<ApiState>,
    Path(service): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = tenant_of(&headers)?;
    let operations = state.engine.operations(&tenant, Some(&service), TimeRange::ALL).await?;
    let names: BTreeSet<String> = operations.into_iter().map(|operation| operation.name).collect();
    let envelope = Envelope::names(Vec::from_iter(names));
    Ok(json_response(envelope.body(params.flag("prettyPrint")?)))
}

/// `GET /api/operations?service=&spanKind=`.
pub(super) async fn operations(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = tenant_of(&headers)?;
    let service = params.get("service").ok_or(ApiError::Required("service"))?;
    let kind = span_kind(&params)?;
    let operations = state.engine.operations(&tenant, Some(service), TimeRange::ALL).await?;
    let wanted =
        operations.iter().filter(|operation| kind.is_none_or(|kind| kind == operation.kind));
    let envelope = Envelope::names(wanted.map(operation_entry).collect());
    Ok(json_response(envelope.body(params.flag("prettyPrint")?)))
}

fn span_kind(params: &Params) -> Result<Option<SpanKind>, ApiError> {
    let Some(text) = params.get("spanKind") else { return Ok(None) };
    let kind = SpanKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    let expected = "unspecified, internal, server, client, producer or consumer";
    kind.map(Some).ok_or_else(|| malformed("spanKind", expected, text))
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationEntry<'a> {
    name: &'a str,
    span_kind: &'static str,
}

/// The kind of spans without one is empty.
fn operation_entry(operation: &Operation) -> OperationEntry<'_> {
    let span_kind = match operation.kind {
        SpanKind::Unspecified => "",
        kind => kind.as_str(),
    };
    OperationEntry { name: &operation.name, span_kind }
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

    #[test]
    fn kinds_by_name() {
        let kind = |query| span_kind(&Params::parse(query)).map_err(|error| error.to_string());
        assert_eq!(kind("spanKind="), Ok(None));
        assert_eq!(kind("spanKind=server"), Ok(Some(SpanKind::Server)));
        assert_eq!(
            kind("spanKind=SERVER"),
            Err("unable to parse param 'spanKind': expected unspecified, internal, server, \
                client, producer or consumer, got 'SERVER'"
                .to_owned())
        );
    }
}
