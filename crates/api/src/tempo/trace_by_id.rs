//! A trace by its id, in the two versions of the route.
//!
//! `start`, `end`, `mode`, `blockStart` and `blockEnd` are checked and then not needed: the index finds a trace
//! without them, and half a trace would be a wrong answer. Parts of a trace are asked for by `q`.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::{HeaderMap, StatusCode};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use spandrel_base::cpu;
use spandrel_model::{Trace, TraceId};
use spandrel_otlp::encode_trace;
use spandrel_otlp::json::{Dialect, write_resource_spans};
use spandrel_proto::tempo::{PartialStatus, TraceByIdMetrics, TraceByIdResponse};
use spandrel_query::{QueryError, TraceSpans};

use super::answer::{Failure, Format};
use super::trace_params::TraceParams;
use super::{federated, llm};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tenant::Tenants;

/// `trace` in `TraceByIDResponse`.
const TRACE_FIELD: u32 = 1;
/// What the second version says about a trace that is not whole.
const FILTERED: &str = "Trace filtered: only the spans that q asks for are returned";
/// Larger traces are sent in pieces of so many spans, so that an answer takes little memory besides the
/// trace itself.
const PIECE_SPANS: usize = 8192;

/// `GET /api/traces/{id}`: 404 without a body when there is no such trace.
pub(super) async fn trace_v1(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    TraceParams::parse(&params)?;
    let format = match Format::accepted_by(&headers) {
        Format::Llm => Format::Json,
        format => format,
    };
    let Some(trace) = find(&state, &id, &headers).await? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    Ok(Form { version: Version::V1, format, message: None }.answer(trace).await?)
}

/// `GET /api/v2/traces/{id}`: an empty trace when there is none. `q` leaves spans out.
pub(super) async fn trace_v2(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let params = TraceParams::parse_with_filter(&params)?;
    let format = Format::accepted_by(&headers);
    let whole = Form { version: Version::V2, format, message: None };
    let Some(trace) = find(&state, &id, &headers).await? else {
        return Ok(format.response(whole.no_trace()));
    };
    let Some(kept) = params.kept else { return Ok(whole.answer(trace).await?) };
    let n_spans = trace.n_spans();
    match state.engine.keep_spans(trace, kept).await? {
        Some(trace) if trace.n_spans() == n_spans => Ok(whole.answer(trace).await?),
        Some(trace) => Ok(Form { message: Some(FILTERED), ..whole }.answer(trace).await?),
        None => Ok(format.response(Form { message: Some(FILTERED), ..whole }.no_trace())),
    }
}

async fn find(
    state: &ApiState,
    id: &str,
    headers: &HeaderMap,
) -> Result<Option<TraceSpans>, ApiError> {
    let tenants = Tenants::of(headers, state)?;
    federated::find_trace(state, &tenants, TraceId::from_hex(id)?).await
}

/// Of the route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// A `tempopb.Trace`; in JSON its list has the name of OTLP's early days.
    V1,
    /// A `tempopb.TraceByIDResponse`. The trace is always set: Grafana looks into it without asking.
    V2,
}

/// How a trace is written.
///
/// Pieces follow each other: in protobuf a message that comes twice is one message with the lists of both.
#[derive(Debug, Clone, Copy)]
struct Form {
    version: Version,
    format: Format,
    /// What is missing from the trace; only in the second version.
    message: Option<&'static str>,
}

impl Form {
    async fn answer(self, trace: TraceSpans) -> Result<Response, QueryError> {
        let trace = Arc::new(trace);
        let first = self.piece_at(Arc::clone(&trace), 0).await?;
        if trace.n_spans() <= PIECE_SPANS {
            return Ok(self.format.response(first));
        }
        let rest = stream::try_unfold((trace, PIECE_SPANS), move |(trace, next)| async move {
            if next >= trace.n_spans() {
                return Ok::<_, QueryError>(None);
            }
            let piece = self.piece_at(Arc::clone(&trace), next).await?;
            Ok(Some((Bytes::from(piece), (trace, next + PIECE_SPANS))))
        });
        let first = stream::iter([Ok(Bytes::from(first))]);
        let body = Body::from_stream(stream::StreamExt::chain(first, rest));
        Ok(self.format.response(body))
    }

    async fn piece_at(self, trace: Arc<TraceSpans>, first: usize) -> Result<Vec<u8>, QueryError> {
        cpu::run(move || {
            let spans = trace.piece(first, PIECE_SPANS)?;
            let is_last = first + PIECE_SPANS >= trace.n_spans();
            Ok(self.piece(&spans, first == 0, is_last))
        })
        .await?
    }

    fn piece(self, spans: &Trace, is_first: bool, is_last: bool) -> Vec<u8> {
        let mut body = Vec::new();
        match (self.format, self.version) {
            (Format::Protobuf, Version::V1) => encode_trace(spans, &mut body),
            (Format::Protobuf, Version::V2) => {
                let mut bytes = Vec::new();
                encode_trace(spans, &mut bytes);
                put_trace_field(&bytes, &mut body);
                if is_last {
                    self.put_rest(&mut body);
                }
            }
            (Format::Llm, _) => {
                body = match is_first {
                    true => llm::head(spans.trace_id),
                    false => b",".to_vec(),
                };
                body.append(&mut llm::services(spans));
                if is_last {
                    body.append(&mut llm::tail(self.message));
                }
            }
            (Format::Json, version) => {
                let (head, tail): (&[u8], String) = match version {
                    Version::V1 => (b"{\"batches\":", "]}".to_owned()),
                    Version::V2 => {
                        (b"{\"trace\":{\"resourceSpans\":", format!("]}}{}", self.json_rest()))
                    }
                };
                if is_first {
                    body.extend_from_slice(head);
                }
                let list_at = body.len();
                write_resource_spans(spans, Dialect::Tempo, &mut body);
                // The lists of all pieces become one.
                body.pop();
                if !is_first {
                    body[list_at] = b',';
                }
                if is_last {
                    body.extend_from_slice(tail.as_bytes());
                }
            }
        }
        body
    }

    /// The answer of the second version when there is no trace.
    fn no_trace(self) -> Vec<u8> {
        match self.format {
            Format::Protobuf => {
                let mut body = Vec::new();
                put_trace_field(&[], &mut body);
                self.put_rest(&mut body);
                body
            }
            Format::Json => format!("{{\"trace\":{{}}{}", self.json_rest()).into_bytes(),
            Format::Llm => b"{}".to_vec(),
        }
    }

    /// What stands behind the trace.
    fn put_rest(self, body: &mut Vec<u8>) {
        let status = match self.message {
            Some(_) => PartialStatus::Partial,
            None => PartialStatus::Complete,
        };
        let rest = TraceByIdResponse {
            trace: None,
            metrics: Some(TraceByIdMetrics::default()),
            status: status.into(),
            message: self.message.unwrap_or_default().to_owned(),
        };
        body.append(&mut rest.encode_to_vec());
    }

    /// The same in JSON, to the end of the answer.
    fn json_rest(self) -> String {
        let partial = self.message.map(|message| {
            let message = serde_json::Value::from(message);
            format!(",\"status\":\"PARTIAL\",\"message\":{message}")
        });
        format!(",\"metrics\":{{}}{}}}", partial.unwrap_or_default())
    }
}

fn put_trace_field(bytes: &[u8], body: &mut Vec<u8>) {
    encode_key(TRACE_FIELD, WireType::LengthDelimited, body);
    encode_varint(bytes.len() as u64, body);
    body.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use spandrel_proto::tempo;

    use super::*;
    use crate::test_trace::checkout;

    fn body(version: Version, format: Format, trace: &Trace) -> Vec<u8> {
        Form { version, format, message: None }.piece(trace, true, true)
    }

    #[test]
    fn v1_is_the_trace() {
        let bytes = body(Version::V1, Format::Protobuf, &checkout());
        assert_eq!(tempo::Trace::decode(&*bytes).unwrap().resource_spans.len(), 2);
        let json = String::from_utf8(body(Version::V1, Format::Json, &checkout())).unwrap();
        assert!(
            json.starts_with(r#"{"batches":[{"resource":{"attributes":[{"key":"service.name","#),
            "{json}"
        );
        assert!(json.contains(r#""traceId":"AAAAAAAAAAAAAAAAAAAAAQ==""#), "{json}");
        assert!(json.contains(r#""kind":"SPAN_KIND_SERVER""#), "{json}");
    }

    #[test]
    fn v2_wraps_the_same_trace() {
        let bytes = body(Version::V2, Format::Protobuf, &checkout());
        let response = TraceByIdResponse::decode(&*bytes).unwrap();
        let v1 = body(Version::V1, Format::Protobuf, &checkout());
        let trace = Some(tempo::Trace::decode(&*v1).unwrap());
        let metrics = Some(TraceByIdMetrics::default());
        assert_eq!(response, TraceByIdResponse { trace, metrics, ..TraceByIdResponse::default() });
        let v1 = String::from_utf8(body(Version::V1, Format::Json, &checkout())).unwrap();
        let v2 = String::from_utf8(body(Version::V2, Format::Json, &checkout())).unwrap();
        let renamed = v1.replacen("batches", "resourceSpans", 1);
        assert_eq!(v2, format!(r#"{{"trace":{renamed},"metrics":{{}}}}"#));
    }

    #[test]
    fn an_absent_trace_is_an_empty_one() {
        let form = |format| Form { version: Version::V2, format, message: None };
        let bytes = form(Format::Protobuf).no_trace();
        let response = TraceByIdResponse::decode(&*bytes).unwrap();
        assert_eq!(response.trace, Some(tempo::Trace::default()));
        let json = form(Format::Json).no_trace();
        assert_eq!(String::from_utf8(json).unwrap(), r#"{"trace":{},"metrics":{}}"#);
    }

    /// Guarantees: what is sent in pieces is one message, and one JSON value.
    #[test]
    fn pieces_make_one_answer() {
        let trace = checkout();
        let halves = trace.spans.split_at(trace.spans.len() / 2);
        let piece = |spans: &[_]| Trace { trace_id: trace.trace_id, spans: spans.to_vec() };
        for version in [Version::V1, Version::V2] {
            let in_pieces = |format| {
                let form = Form { version, format, message: None };
                let first = form.piece(&piece(halves.0), true, false);
                [first, form.piece(&piece(halves.1), false, true)].concat()
            };
            let bytes = in_pieces(Format::Protobuf);
            let found = match version {
                Version::V1 => tempo::Trace::decode(&*bytes).unwrap(),
                Version::V2 => TraceByIdResponse::decode(&*bytes).unwrap().trace.unwrap(),
            };
            let scopes = found.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
            let n_spans: usize = scopes.map(|scope| scope.spans.len()).sum();
            assert_eq!(n_spans, trace.spans.len());
            let json: serde_json::Value = serde_json::from_slice(&in_pieces(Format::Json)).unwrap();
            let list = match version {
                Version::V1 => &json["batches"],
                Version::V2 => &json["trace"]["resourceSpans"],
            };
            assert_eq!(list.as_array().unwrap().len(), found.resource_spans.len());
        }
    }
}
