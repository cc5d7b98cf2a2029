//! `/api/overrides`: what a tenant sets for itself.
//!
//! The document is Tempo's, and besides it may set limits, which Tempo leaves to operators: here the lower one of both
//! is in force. What is about attributing cost has no effect; it is checked, kept and given back. `docs/limits.md` lists what does what.
//!
//! Every change names the version that it is a change of, so that nobody overwrites what he has not seen.

mod document;
mod in_force;
mod limits;
mod store;
mod validate;

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use spandrel_config::nearest;
use spandrel_model::TenantId;

pub use self::in_force::{Overrides, OverridesTarget};
pub use self::limits::TenantOverrides;
pub use self::store::OverridesError;

use self::document::Document;
use super::answer::Failure;
use crate::ApiState;
use crate::error::ApiError;
use crate::params::{Params, malformed};
use crate::tenant::Tenants;

/// Bytes of a document.
pub(super) const BYTES_MAX: usize = 64 << 10;
/// How often a patch is tried again when somebody else was faster.
const PATCH_TRIES: usize = 5;

/// Whose overrides a request is about.
pub(super) struct Own {
    tenant: TenantId,
    overrides: Overrides,
}

impl FromRequestParts<ApiState> for Own {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Failure> {
        let tenant = Tenants::of(&parts.headers, state)?.only()?.clone();
        let overrides = state.overrides.clone().ok_or(OverridesError::Absent)?;
        Ok(Self { tenant, overrides })
    }
}

/// `GET /api/overrides`: what is set. With `scope=merged`, the same with the limits that are in force, the operator's
/// included.
pub(super) async fn get(own: Own, params: Params) -> Result<Response, Failure> {
    let is_merged = match params.get("scope") {
        None | Some("api") => false,
        Some("merged") => true,
        Some(scope) => return Err(malformed("scope", "api or merged", scope).into()),
    };
    let Own { tenant, overrides } = own;
    let stored = overrides.store.get(&tenant).await?;
    let stored = stored.document.map(|document| (document, stored.version));
    let (mut document, version) = stored.ok_or(OverridesError::Absent)?;
    if is_merged {
        let own = parse(document.to_string().as_bytes())?;
        let in_force = overrides.operator(&tenant).tightened(&TenantOverrides::from(&own));
        document = own.with_limits(&in_force).to_json();
    }
    Ok(answer(&document, version))
}

/// `POST /api/overrides`: sets everything, given the version that it replaces in `If-Match`.
pub(super) async fn post(
    own: Own,
    headers: HeaderMap,
    params: Params,
    body: Bytes,
) -> Result<Response, Failure> {
    let version = if_match(&headers)?;
    let change = Change { own, is_checked: !params.flag(SKIP_CHECK)? };
    let version = change.apply(&parse(&body)?, version).await?;
    Ok([(ETAG, version.to_string())].into_response())
}

/// `PATCH /api/overrides`: changes what the body names; null removes.
pub(super) async fn patch(own: Own, params: Params, body: Bytes) -> Result<Response, Failure> {
    let change = Change { own, is_checked: !params.flag(SKIP_CHECK)? };
    let patch: Value =
        serde_json::from_slice(&body).map_err(|error| ApiError::Body(error.to_string()))?;
    for _ in 0..PATCH_TRIES {
        let stored = change.own.overrides.store.get(&change.own.tenant).await?;
        let mut changed = stored.document.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        merge(&mut changed, &patch);
        let changed = parse(changed.to_string().as_bytes())?;
        match change.apply(&changed, stored.version).await {
            Err(OverridesError::Version { .. }) => {}
            applied => return Ok(answer(&changed.to_json(), applied?)),
        }
    }
    Err(OverridesError::Busy.into())
}

/// `DELETE /api/overrides`, given the version that is deleted in `If-Match`.
pub(super) async fn delete(own: Own, headers: HeaderMap) -> Result<Response, Failure> {
    let Own { tenant, overrides } = own;
    let version = overrides.store.set(&tenant, None, if_match(&headers)?).await?;
    overrides.written(&tenant, version, None);
    Ok(StatusCode::OK.into_response())
}

/// A change of one tenant's overrides.
struct Change {
    own: Own,
    /// Whether more than the operator allows is refused.
    is_checked: bool,
}

impl Change {
    /// Sets everything in place of the given version and puts it in force; returns the new version.
    async fn apply(&self, document: &Document, version: u64) -> Result<u64, OverridesError> {
        let Own { tenant, overrides } = &self.own;
        let limits = TenantOverrides::from(document);
        let conflict = limits.conflict_with(&overrides.operator(tenant));
        if let Some(conflict) = conflict.filter(|_| self.is_checked) {
            return Err(OverridesError::Conflict(conflict));
        }
        let version = overrides.store.set(tenant, Some(document.to_json()), version).await?;
        overrides.written(tenant, version, Some(document));
        Ok(version)
    }
}

/// What contradicts the operator's settings is refused unless this is given.
const SKIP_CHECK: &str = "skip-conflicting-overrides-check";

/// What is an object in a document.
const OBJECTS: [&str; 11] = [
    "",
    "/cost_attribution",
    "/metrics_generator",
    "/metrics_generator/processor",
    "/metrics_generator/processor/service_graphs",
    "/metrics_generator/processor/span_metrics",
    "/metrics_generator/processor/host_info",
    "/ingestion",
    "/global",
    "/read",
    "/compaction",
];

fn answer(document: &Value, version: u64) -> Response {
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

/// A document that says nothing wrong.
fn parse(body: &[u8]) -> Result<Document, ApiError> {
    let wrong = |error: serde_json::Error| ApiError::Body(with_advice(error.to_string()));
    let value: Value = serde_json::from_slice(body).map_err(wrong)?;
    // A list would be taken as the members in their order.
    let is_list = |path: &&str| value.pointer(path).is_some_and(Value::is_array);
    if let Some(path) = OBJECTS.into_iter().find(is_list) {
        return Err(ApiError::Body(format!("expected an object, not a list, at '{path}'")));
    }
    let document: Document = serde_json::from_value(value).map_err(wrong)?;
    validate::check(&document).map_err(ApiError::Body)?;
    Ok(document)
}

/// The message, with the member that was probably meant where one is not known.
fn with_advice(message: String) -> String {
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
    // The known ones stand between backticks.
    let meant =
        unknown.and_then(|(name, known)| nearest(name, known.split('`').skip(1).step_by(2)));
    match meant {
        Some(meant) => format!("{message} (did you mean `{meant}`?)"),
        None => message,
    }
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
