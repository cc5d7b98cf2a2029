//! Keys and values of tags, for completion. Zipkin has those that its operator lists; here it is all of them.

use std::collections::BTreeSet;

use crate::ZipkinState;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use spandrel_model::AttributeScope;
use spandrel_query::{Progress, TagLimits, TagNamesRequest, TagValue, TagValuesRequest, TimeRange};
use spandrel_traceql::{Attribute, Scope};

use crate::error::ZipkinApiError;
use crate::params::Params;
use crate::reply;

const SCOPES: [AttributeScope; 2] = [AttributeScope::Span, AttributeScope::Resource];
/// Keys or values in one answer: people choose from them.
const LIMITS: TagLimits = TagLimits { n_max: 1_000, bytes_max: 256 << 10, stale_max: 0 };

/// `GET /api/v2/autocompleteKeys`.
pub(crate) async fn keys(
    State(state): State<ZipkinState>,
    headers: HeaderMap,
) -> Result<Response, ZipkinApiError> {
    let tenant = state.tenant(&headers)?;
    let request =
        TagNamesRequest { scopes: &SCOPES, filter: None, range: TimeRange::ALL, limits: LIMITS };
    let answer = state.engine.tag_names(&tenant, &request, &Progress::unwatched()).await?;
    let keys: BTreeSet<String> = answer.names.into_values().flatten().collect();
    // The service has a field of its own.
    let keys: Vec<String> = keys.into_iter().filter(|key| key != "service.name").collect();
    Ok(reply::names(&keys, usize::MAX))
}

/// `GET /api/v2/autocompleteValues?key=`.
pub(crate) async fn values(
    State(state): State<ZipkinState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ZipkinApiError> {
    let tenant = state.tenant(&headers)?;
    let key = params.required("key")?;
    let mut values = BTreeSet::new();
    for scope in [Scope::Span, Scope::Resource] {
        let attribute = Attribute::scoped(scope, key);
        let request = TagValuesRequest {
            attribute: &attribute,
            filter: None,
            range: TimeRange::ALL,
            limits: LIMITS,
        };
        let answer = state.engine.tag_values(&tenant, &request, &Progress::unwatched()).await?;
        values.extend(answer.values.iter().map(text));
    }
    Ok(reply::names(&Vec::from_iter(values), usize::MAX))
}

fn text(value: &TagValue) -> String {
    match value {
        TagValue::String(text) => text.clone(),
        TagValue::Int(number) => number.to_string(),
        TagValue::Float(number) => number.to_string(),
        TagValue::Bool(truth) => truth.to_string(),
        TagValue::Duration(nanos) => nanos.to_string(),
        TagValue::Keyword(word) => (*word).to_owned(),
    }
}
