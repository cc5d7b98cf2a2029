//! `POST /api/ui/test-trace`: a small trace of this server's own making, for somebody who has not sent any yet.
//!
//! It goes to where receivers hand their spans, so the tenant's limits are in force, it is in the log when it is
//! answered, and its spans are accounted for. Pipelines are not in its way: they say what happens to the spans of
//! senders. Its resources say that it is a test.

mod spans;

use std::hash::{BuildHasher, RandomState};

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::RETRY_AFTER;
use prost::Message;
use serde::{Deserialize, Serialize};
use spandrel_model::{TenantId, TraceId};
use spandrel_pipeline::{Accepted, ConsumeError, TraceBatch};
use spandrel_telemetry::{RejectReason, Source};

use crate::ApiState;
use crate::error::ApiError;
use crate::tempo::Failure;
use crate::tenant::Tenants;

/// Nothing can be chosen yet; what somebody believes to choose is told to him.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTestTrace {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TestTrace {
    trace_id: String,
    spans: usize,
}

/// Stores the trace; needs JSON as its content type, which a form of another site cannot have.
pub(super) async fn create(
    State(state): State<ApiState>,
    headers: HeaderMap,
    body: Result<Json<NewTestTrace>, JsonRejection>,
) -> Response {
    match stored(&state, &headers, body).await {
        Ok(trace) => Json(trace).into_response(),
        Err(error) => {
            let seconds = retry_after_seconds(&error);
            let mut answer = Failure::from(error).into_response();
            if let Some(seconds) = seconds {
                answer.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            answer
        }
    }
}

async fn stored(
    state: &ApiState,
    headers: &HeaderMap,
    body: Result<Json<NewTestTrace>, JsonRejection>,
) -> Result<TestTrace, ApiError> {
    let tenants = Tenants::of(headers, state)?;
    let Json(NewTestTrace {}) = body.map_err(|error| ApiError::Body(error.body_text()))?;
    let trace_id = TraceId(new_trace_id());
    let otlp = spans::request(trace_id, state.clock.now_unix_nanos()).encode_to_vec();
    let accepted = hand_on(state, tenants.only()?, otlp).await?;
    if accepted.rejected_spans > 0 {
        return Err(ApiError::TestTraceRejected(accepted.message));
    }
    Ok(TestTrace { trace_id: trace_id.to_string(), spans: spans::COUNT })
}

/// Hands the spans on and accounts for them, as receivers do.
async fn hand_on(state: &ApiState, tenant: &TenantId, otlp: Vec<u8>) -> Result<Accepted, ApiError> {
    let consumer = state.consumer.as_ref().ok_or(ApiError::NoIntake)?;
    let consumed = consumer.consume(TraceBatch::otlp(tenant.clone(), otlp)).await;
    let n_spans = spans::COUNT as u64;
    let accepted = match &consumed {
        Ok(accepted) => accepted.accepted_spans,
        Err(ConsumeError::TooLarge(_)) => {
            state.metrics.spans().rejected.add(&RejectReason::TooLarge, n_spans);
            0
        }
        Err(_) => 0,
    };
    state.metrics.spans().received.add(&Source::TEST_TRACE, n_spans);
    state.metrics.receiver().record_accepted_spans(Source::TEST_TRACE, accepted);
    state.metrics.receiver().record_refused_spans(Source::TEST_TRACE, n_spans - accepted);
    Ok(consumed?)
}

/// Whole seconds, rounded up, at least one; `None` where another try cannot help.
fn retry_after_seconds(error: &ApiError) -> Option<u64> {
    let ApiError::Consume(
        ConsumeError::OverLimit { retry_after: wait, .. }
        | ConsumeError::Unavailable { retry_after: wait, .. },
    ) = error
    else {
        return None;
    };
    Some(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1))
}

/// Every hasher of the standard library has keys of its own.
fn new_trace_id() -> [u8; 16] {
    let half = |part: u64| RandomState::new().hash_one(part);
    // Never zero, which would be no id.
    ((u128::from(half(0)) << 64) | u128::from(half(1) | 1)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ids_differ() {
        assert_ne!(new_trace_id(), new_trace_id());
    }

    #[test]
    fn who_may_try_again_hears_when() {
        let over = |wait: Duration| {
            let message = String::new();
            ApiError::from(ConsumeError::OverLimit { message, retry_after: wait, spans: 9 })
        };
        assert_eq!(retry_after_seconds(&over(Duration::from_millis(1))), Some(1));
        assert_eq!(retry_after_seconds(&over(Duration::from_millis(2001))), Some(3));
        assert_eq!(retry_after_seconds(&ApiError::NoIntake), None);
    }
}
