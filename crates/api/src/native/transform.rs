//! `POST /api/ui/transform`: the traces of a file, in the forms in which the interface shows stored ones. Nothing is
//! stored.
//!
//! A body is OTLP, in JSON or in protobuf, or JSON of Jaeger or of Zipkin, version 2; which of them is told from its
//! content. JSON may be several documents one after the other, as the Collector's file exporter writes them.

mod jaeger_json;
mod read;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use spandrel_base::cpu;
use spandrel_columns::SpanColumns;
use spandrel_otlp::json::{Dialect, write_resource_spans};
use spandrel_query::{TraceSpans, unstored_traces};

use super::skeleton;
use crate::ApiState;
use crate::error::ApiError;
use crate::tempo::Failure;
use crate::tenant::Tenants;

/// Bytes of a body.
pub(super) const BYTES_MAX: usize = 64 << 20;
/// Traces of a body: a list of more is of use to nobody, and each has a skeleton of its own.
const TRACES_MAX: usize = 10_000;
/// What is held for each byte of a body: its translation, columns, and the forms of the answer.
const HELD_PER_BYTE: usize = 8;

/// What stands before the forms of a trace.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    trace_id: String,
    root: Option<Root>,
    spans: usize,
    duration_nanos: i64,
}

#[derive(Debug, Serialize)]
struct Root {
    service: String,
    name: String,
}

pub(super) async fn transform(
    State(state): State<ApiState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    Tenants::of(&headers, &state)?;
    let mut held = state.engine.hold(body.len().saturating_mul(HELD_PER_BYTE))?;
    let answer = cpu::run(move || {
        let mut grant = |bytes| held.try_grow(bytes).is_ok();
        answer(&read::spans_of(&body, &mut grant)?)
    });
    let answer = answer.await??;
    Ok(([(CONTENT_TYPE, "application/json")], answer).into_response())
}

fn answer(spans: &SpanColumns) -> Result<Vec<u8>, ApiError> {
    let traces = unstored_traces(spans);
    if traces.len() > TRACES_MAX {
        let n_traces = traces.len();
        return Err(ApiError::Body(format!(
            "it has {n_traces} traces; expected at most {TRACES_MAX}"
        )));
    }
    let mut answer = b"{\"traces\":[".to_vec();
    for (number, trace) in traces.enumerate() {
        if number > 0 {
            answer.push(b',');
        }
        write_trace(&trace?, &mut answer)?;
    }
    answer.extend_from_slice(b"]}");
    Ok(answer)
}

fn write_trace(spans: &TraceSpans, answer: &mut Vec<u8>) -> Result<(), ApiError> {
    let trace = spans.to_trace()?;
    let (start, end) = spans.extent();
    let root = trace.spans.first().filter(|span| span.parent_span_id.is_none());
    let head = Head {
        trace_id: trace.trace_id.to_string(),
        root: root.map(|root| Root {
            service: root.resource.service_name().unwrap_or_default().to_owned(),
            name: root.name.clone(),
        }),
        spans: spans.n_spans(),
        duration_nanos: end.saturating_sub(start).max(0),
    };
    let head = serde_json::to_vec(&head).expect("text and numbers are JSON");
    answer.extend_from_slice(head.strip_suffix(b"}").unwrap_or(&head));
    answer.extend_from_slice(b",\"skeleton\":\"");
    answer.extend_from_slice(STANDARD.encode(skeleton::encoded(spans)).as_bytes());
    answer.extend_from_slice(b"\",\"otlp\":{\"resourceSpans\":");
    write_resource_spans(&trace, Dialect::Otlp, answer);
    answer.extend_from_slice(b"}}");
    Ok(())
}
