//! `POST /api/v2/traces/diff`: what is different between two whole traces.
//!
//! Spans of the two are matched by what they are (service, name, kind), not by id or time. The answer is a patch (every
//! added, removed and changed span), a summary of it by service, or both.

mod patch;
mod side;
mod summary;
mod values;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use spandrel_base::cpu;
use spandrel_model::TraceId;
use spandrel_query::TraceSpans;

use self::patch::Patch;
use self::side::Side;
use super::answer::{Failure, Format};
use super::federated;
use crate::ApiState;
use crate::error::ApiError;
use crate::tenant::Tenants;

/// Bytes of a request; it names two traces.
pub(super) const REQUEST_BYTES_MAX: usize = 64 << 10;
/// Spans of both traces together. They are compared as values, in memory.
const SPANS_MAX: usize = 200_000;
/// A longer patch is not attached to a summary.
const PATCH_BYTES_MAX: usize = 64 << 10;

const PATCH: &str = "trace-patch-v0";
const SUMMARY: &str = "trace-summary-v0-native";
const COMPOSED: &str = "trace-summary-v0-composed";

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    base: TraceAsked,
    #[serde(default)]
    compare: TraceAsked,
    #[serde(default)]
    format: String,
}

/// One of the traces. Times are Unix seconds; the trace is found without them.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct TraceAsked {
    trace_id: String,
    start: Option<i64>,
    end: Option<i64>,
}

impl TraceAsked {
    fn id(&self, side: &str) -> Result<TraceId, ApiError> {
        if self.trace_id.is_empty() {
            return Err(ApiError::Body(format!("{side}.traceId is required")));
        }
        if let (Some(start), Some(end)) = (self.start, self.end)
            && end <= start
        {
            return Err(ApiError::Body(format!(
                "{side}.start must be before {side}.end. received start={start} end={end}"
            )));
        }
        TraceId::from_hex(&self.trace_id).map_err(|error| {
            ApiError::Body(format!("invalid {side}.traceId: {}", ApiError::TraceId(error)))
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Patch,
    Summary,
    Composed,
}

impl Shape {
    fn parse(name: &str) -> Result<Self, ApiError> {
        match name {
            "" | PATCH => Ok(Self::Patch),
            SUMMARY => Ok(Self::Summary),
            COMPOSED => Ok(Self::Composed),
            _ => Err(ApiError::Body(format!(
                "invalid format '{name}': expected {PATCH}, {SUMMARY} or {COMPOSED}"
            ))),
        }
    }
}

/// `POST /api/v2/traces/diff`.
pub(super) async fn diff(
    State(state): State<ApiState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let request: Request =
        serde_json::from_slice(&body).map_err(|error| ApiError::Body(error.to_string()))?;
    let shape = Shape::parse(&request.format)?;
    let (base, compare) = (request.base.id("base")?, request.compare.id("compare")?);
    let find = async |id| {
        let trace = federated::find_trace(&state, &tenants, id).await?;
        trace.ok_or(ApiError::TraceNotFound)
    };
    let (base, compare) = (find(base).await?, find(compare).await?);
    let n_spans = base.n_spans() + compare.n_spans();
    if n_spans > SPANS_MAX {
        return Err(ApiError::DiffTooLarge { n_spans, n_max: SPANS_MAX }.into());
    }
    let answer = cpu::run(move || difference(&base, &compare, shape)).await??;
    Ok(Format::Json.response(answer.to_string()))
}

fn difference(base: &TraceSpans, compare: &TraceSpans, shape: Shape) -> Result<Value, ApiError> {
    let base = Side::new("base", &base.to_trace()?).ok_or(ApiError::DiffTooDeep)?;
    let compare = Side::new("compare", &compare.to_trace()?).ok_or(ApiError::DiffTooDeep)?;
    Ok(answer(&base, &compare, shape))
}

fn answer(base: &Side, compare: &Side, shape: Shape) -> Value {
    let patch = Patch::between(base, compare);
    match shape {
        Shape::Patch => patch.to_json(base, compare),
        Shape::Summary => summary::to_json(&patch, base, compare),
        Shape::Composed => {
            let summary = summary::to_json(&patch, base, compare);
            let patch = patch.to_json(base, compare);
            let n_bytes = patch.to_string().len();
            match n_bytes <= PATCH_BYTES_MAX {
                true => json!({ "version": COMPOSED, "summary": summary, "patch": patch }),
                false => {
                    let omitted = json!({ "bytes": n_bytes, "reason": "over_budget" });
                    json!({ "version": COMPOSED, "summary": summary, "patchOmitted": omitted })
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
