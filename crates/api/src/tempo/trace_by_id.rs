//! A trace by its id, in the two versions of the route.
//!
//! `start` and `end` are checked and then not needed: the index finds a trace without them, and
//! half a trace would be a wrong answer.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use spandrel_base::cpu;
use spandrel_model::{Trace, TraceId};
use spandrel_otlp::encode_trace;
use spandrel_otlp::json::{Dialect, write_resource_spans, write_trace};
use spandrel_proto::tempo::{TraceByIdMetrics, TraceByIdResponse};
use spandrel_query::TimeRange;

use super::answer::{Failure, Format};
use super::time_range::time_range;
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tenant::tenant_of;

/// `trace` in `TraceByIDResponse`.
const TRACE_FIELD: u32 = 1;

/// `GET /api/traces/{id}`: 404 without a body when there is no such trace.
pub(super) async fn trace_v1(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let Some(trace) = find(&state, &id, &headers, &params).await? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let format = Format::accepted_by(&headers);
    let body = cpu::run(move || v1_body(&trace, format)).await?;
    Ok(format.response(body))
}

/// `GET /api/v2/traces/{id}`: an empty trace when there is none.
pub(super) async fn trace_v2(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    if params.get("q").is_some() {
        return Err(ApiError::Contradiction(
            "parameter 'q' is not supported yet for a trace by id: expected no 'q', the answer \
                is the whole trace",
        )
        .into());
    }
    let trace = find(&state, &id, &headers, &params).await?;
    let format = Format::accepted_by(&headers);
    let body = cpu::run(move || v2_body(trace.as_ref(), format)).await?;
    Ok(format.response(body))
}

async fn find(
    state: &ApiState,
    id: &str,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Option<Trace>, ApiError> {
    let tenant = tenant_of(headers)?;
    let trace_id = TraceId::from_hex(id)?;
    time_range(params)?;
    Ok(state.engine.find_trace(&tenant, trace_id, TimeRange::ALL).await?)
}

/// A `tempopb.Trace`; in JSON its list has the name of OTLP's early days.
fn v1_body(trace: &Trace, format: Format) -> Vec<u8> {
    let mut body = Vec::new();
    match format {
        Format::Protobuf => encode_trace(trace, &mut body),
        Format::Json => {
            body.extend_from_slice(b"{\"batches\":");
            write_resource_spans(trace, Dialect::Tempo, &mut body);
            body.push(b'}');
        }
    }
    body
}

/// A `tempopb.TraceByIDResponse`. The trace is always set: Grafana looks into it without asking.
fn v2_body(trace: Option<&Trace>, format: Format) -> Vec<u8> {
    let mut body = Vec::new();
    match format {
        Format::Protobuf => {
            let mut bytes = Vec::new();
            if let Some(trace) = trace {
                encode_trace(trace, &mut bytes);
            }
            encode_key(TRACE_FIELD, WireType::LengthDelimited, &mut body);
            encode_varint(bytes.len() as u64, &mut body);
            body.append(&mut bytes);
            let rest = TraceByIdResponse {
                metrics: Some(TraceByIdMetrics::default()),
                ..TraceByIdResponse::default()
            };
            body.append(&mut rest.encode_to_vec());
        }
        Format::Json => {
            body.extend_from_slice(b"{\"trace\":");
            match trace {
                Some(trace) => write_trace(trace, Dialect::Tempo, &mut body),
                None => body.extend_from_slice(b"{}"),
            }
            body.extend_from_slice(b",\"metrics\":{}}");
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use spandrel_proto::tempo;

    use super::*;
    use crate::test_trace::checkout;

    #[test]
    fn v1_is_the_trace() {
        let trace = tempo::Trace::decode(&*v1_body(&checkout(), Format::Protobuf)).unwrap();
        assert_eq!(trace.resource_spans.len(), 2);
        let json = String::from_utf8(v1_body(&checkout(), Format::Json)).unwrap();
        assert!(
            json.starts_with(r#"{"batches":[{"resource":{"attributes":[{"key":"service.name","#),
            "{json}"
        );
        assert!(json.contains(r#""traceId":"AAAAAAAAAAAAAAAAAAAAAQ==""#), "{json}");
        assert!(json.contains(r#""kind":"SPAN_KIND_SERVER""#), "{json}");
    }

    #[test]
    fn v2_wraps_the_same_trace() {
        let response =
            TraceByIdResponse::decode(&*v2_body(Some(&checkout()), Format::Protobuf)).unwrap();
        let trace = tempo::Trace::decode(&*v1_body(&checkout(), Format::Protobuf)).unwrap();
        let metrics = Some(TraceByIdMetrics::default());
        let expected =
            TraceByIdResponse { trace: Some(trace), metrics, ..TraceByIdResponse::default() };
        assert_eq!(response, expected);
        let v1 = String::from_utf8(v1_body(&checkout(), Format::Json)).unwrap();
        let v2 = String::from_utf8(v2_body(Some(&checkout()), Format::Json)).unwrap();
        let renamed = v1.replacen("batches", "resourceSpans", 1);
        assert_eq!(v2, format!("{{\"trace\":{renamed},\"metrics\":{{}}}}"));
    }

    #[test]
    fn v2_sets_an_empty_trace_when_there_is_none() {
        let response = TraceByIdResponse::decode(&*v2_body(None, Format::Protobuf)).unwrap();
        assert_eq!(response.trace, Some(tempo::Trace::default()));
        assert_eq!(v2_body(None, Format::Json), b"{\"trace\":{},\"metrics\":{}}");
    }
}
