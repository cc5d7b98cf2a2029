//! Names of services and spans, in lower case.

use std::collections::BTreeSet;

use crate::ZipkinState;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use spandrel_model::TenantId;
use spandrel_query::{Progress, TagLimits, TagValue, TagValuesRequest, TimeRange};
use spandrel_traceql::{Attribute, FieldExpr, Scope};

use crate::candidates::{any_of, is_string};
use crate::error::ZipkinApiError;
use crate::params::Params;
use crate::reply;

/// Attributes that name the service on the other side; the first is what Zipkin's spans are stored with.
pub(crate) const REMOTE_SERVICE: [&str; 2] = ["service.peer.name", "peer.service"];
/// Names of remote services in one answer.
const REMOTE: TagLimits = TagLimits { n_max: 10_000, bytes_max: 1 << 20, stale_max: 0 };

/// `GET /api/v2/services`.
pub(crate) async fn services(
    State(state): State<ZipkinState>,
    headers: HeaderMap,
) -> Result<Response, ZipkinApiError> {
    let names = state.engine.services(&state.tenant(&headers)?, TimeRange::ALL).await?;
    let names = lower(names);
    Ok(reply::names(&names, names.len()))
}

/// `GET /api/v2/spans?serviceName=`.
pub(crate) async fn spans(
    State(state): State<ZipkinState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ZipkinApiError> {
    let tenant = state.tenant(&headers)?;
    let service = params.required("serviceName")?.to_lowercase();
    let services = Services::read(&state, &tenant).await?;
    let mut names = Vec::new();
    let spelled: Vec<&str> = services.spelled(&service).collect();
    for service in spelled {
        let operations = state.engine.operations(&tenant, Some(service), TimeRange::ALL).await?;
        names.extend(operations.into_iter().map(|operation| operation.name));
    }
    Ok(reply::names(&lower(names), services.0.len()))
}

/// `GET /api/v2/remoteServices?serviceName=`.
pub(crate) async fn remote_services(
    State(state): State<ZipkinState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ZipkinApiError> {
    let tenant = state.tenant(&headers)?;
    let service = params.required("serviceName")?.to_lowercase();
    let services = Services::read(&state, &tenant).await?;
    let filter = services.filter(&service);
    let mut names = Vec::new();
    for attribute in REMOTE_SERVICE.map(|key| Attribute::scoped(Scope::Span, key)) {
        let request = TagValuesRequest {
            attribute: &attribute,
            filter: Some(&filter),
            range: TimeRange::ALL,
            limits: REMOTE,
        };
        let answer = state.engine.tag_values(&tenant, &request, &Progress::unwatched()).await?;
        names.extend(answer.values.into_iter().filter_map(|value| match value {
            TagValue::String(name) => Some(name),
            _ => None,
        }));
    }
    Ok(reply::names(&lower(names), services.0.len()))
}

/// In lower case, each once, sorted.
fn lower(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let names: BTreeSet<String> = names.into_iter().map(|name| name.to_lowercase()).collect();
    names.into_iter().filter(|name| !name.is_empty()).collect()
}

/// The services as they are spelled.
pub(crate) struct Services(BTreeSet<String>);

impl Services {
    pub(crate) async fn read(
        state: &ZipkinState,
        tenant: &TenantId,
    ) -> Result<Self, ZipkinApiError> {
        Ok(Self(state.engine.services(tenant, TimeRange::ALL).await?))
    }

    /// Every spelling of a name in lower case.
    pub(crate) fn spelled<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(String::as_str).filter(move |service| service.to_lowercase() == name)
    }

    /// Spans of the service; of none if there is no such service.
    pub(crate) fn filter(&self, name: &str) -> FieldExpr {
        let attribute = || Attribute::scoped(Scope::Resource, "service.name");
        any_of(self.spelled(name).map(|service| is_string(attribute(), service)))
    }
}
