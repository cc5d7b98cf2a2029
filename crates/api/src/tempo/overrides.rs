//! `/api/overrides`: what a tenant sets for itself.
//!
//! The document is Tempo's. Nothing of what it can say has an effect yet (it is about metrics that are generated from
//! spans, forwarding, and attributing cost); it is checked, kept and given back.
//!
//! Every change names the version that it is a change of, so that nobody overwrites what he has not seen.

mod document;
mod store;
mod validate;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

pub use self::store::{OverridesError, OverridesStore};

use self::document::Document;
use self::store::Versioned;
use super::answer::Failure;
use crate::ApiState;
use crate::error::ApiError;
use crate::params::{Params, malformed};
use crate::tenant::Tenants;

/// Bytes of a document.
pub(super) const BYTES_MAX: usize = 64 << 10;
/// How often a patch is tried again when somebody else was faster.
const PATCH_TRIES: usize = 5;

/// `GET /api/overrides`: what is set. With `scope=merged`, what is in force, which is the same until there is something
/// that an operator can set besides.
pub(super) async fn get(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    if let Some(scope) = params.get("scope")
        && !["api", "merged"].contains(&scope)
    {
        return Err(malformed("scope", "api or merged", scope).into());
    }
    let stored = store(&state)?.get(tenants.only()?).await?;
    let stored = stored.document.map(|document| (document, stored.version));
    let (document, version) = stored.ok_or(OverridesError::Absent)?;
    Ok(answer(document, version))
}

/// `POST /api/overrides`: sets everything, given the version that it replaces in `If-Match`.
pub(super) async fn post(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
    body: Bytes,
) -> Result<Response, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let version = if_match(&headers)?;
    params.flag(SKIP_CHECK)?;
    let document = parse(&body)?;
    let version = store(&state)?.set(tenants.only()?, Some(document), version).await?;
    Ok([(ETAG, version.to_string())].into_response())
}

/// `PATCH /api/overrides`: changes what the body names; null removes.
pub(super) async fn patch(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
    body: Bytes,
) -> Result<Response, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let (tenant, store) = (tenants.only()?, store(&state)?);
    params.flag(SKIP_CHECK)?;
    let patch: Value =
        serde_json::from_slice(&body).map_err(|error| ApiError::Body(error.to_string()))?;
    for _ in 0..PATCH_TRIES {
        let Versioned { document, version } = store.get(tenant).await?;
        let mut changed = document.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        merge(&mut changed, &patch);
        let changed = parse(changed.to_string().as_bytes())?;
        match store.set(tenant, Some(changed.clone()), version).await {
            Err(OverridesError::Version { .. }) => {}
            set => return Ok(answer(changed, set?)),
        }
    }
    Err(OverridesError::Busy.into())
}

/// `DELETE /api/overrides`, given the version that is deleted in `If-Match`.
pub(super) async fn delete(
    State(state): State<ApiState>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let version = if_match(&headers)?;
    store(&state)?.set(tenants.only()?, None, version).await?;
    Ok(StatusCode::OK.into_response())
}

/// Tempo refuses what contradicts an operator's settings unless this is given. There are no such settings here.
const SKIP_CHECK: &str = "skip-conflicting-overrides-check";

/// What is an object in a document.
const OBJECTS: [&str; 7] = [
    "",
    "/cost_attribution",
    "/metrics_generator",
    "/metrics_generator/processor",
    "/metrics_generator/processor/service_graphs",
    "/metrics_generator/processor/span_metrics",
    "/metrics_generator/processor/host_info",
];

fn store(state: &ApiState) -> Result<&OverridesStore, OverridesError> {
    state.overrides.as_ref().ok_or(OverridesError::Absent)
}

fn answer(document: Value, version: u64) -> Response {
    let headers = [(ETAG, version.to_string()), (CONTENT_TYPE, "application/json".to_owned())];
    (headers, document.to_string()).into_response()
}

/// The version in `If-Match`, which may be quoted as an entity tag should be.
fn if_match(headers: &HeaderMap) -> Result<u64, OverridesError> {
    let value = headers.get(IF_MATCH).ok_or(OverridesError::NoVersion)?;
    let text = value.to_str().unwrap_or_default().trim();
    let text = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    if text.is_empty() {
        return Err(OverridesError::NoVersion);
    }
    let version = text.parse().ok().filter(|version: &u64| version.to_string() == text);
    version.ok_or_else(|| OverridesError::Version { expected: text.to_owned(), found: None })
}

/// A document as it is kept: everything that it says, in one spelling.
fn parse(body: &[u8]) -> Result<Value, ApiError> {
    let wrong = |error: serde_json::Error| ApiError::Body(error.to_string());
    let value: Value = serde_json::from_slice(body).map_err(wrong)?;
    // A list would be taken as the members in their order.
    let is_list = |path: &&str| value.pointer(path).is_some_and(Value::is_array);
    if let Some(path) = OBJECTS.into_iter().find(is_list) {
        return Err(ApiError::Body(format!("expected an object, not a list, at '{path}'")));
    }
    let document: Document = serde_json::from_value(value).map_err(wrong)?;
    validate::check(&document).map_err(ApiError::Body)?;
    Ok(serde_json::to_value(&document).expect("a document is JSON"))
}

/// JSON merge patch, RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(members) = target else { return };
    for (name, change) in changes {
        match change {
            Value::Null => {
                members.remove(name);
            }
            change => merge(members.entry(name.as_str()).or_insert(Value::Null), change),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names() {
        let mut target = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge(&mut target, &json!({"a": {"b": null, "e": {"f": null, "g": 3}}, "d": [2]}));
        assert_eq!(target, json!({"a": {"c": 2, "e": {"g": 3}}, "d": [2]}));
    }

    #[test]
    fn versions_may_be_quoted() {
        let version = |text: &'static str| {
            let headers = HeaderMap::from_iter([(IF_MATCH, text.parse().unwrap())]);
            if_match(&headers).map_err(|error| error.status().as_u16())
        };
        assert_eq!(version("0"), Ok(0));
        assert_eq!(version("\"12\""), Ok(12));
        assert_eq!(version("W/\"12\""), Ok(12));
        assert_eq!(version(""), Err(428));
        assert_eq!(version("*"), Err(412));
        assert_eq!(version("007"), Err(412));
    }
}
