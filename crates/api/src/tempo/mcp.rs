//! `/api/mcp`: the Model Context Protocol over HTTP, by which language models ask for traces.
//!
//! The part of the protocol that a server of plain tools needs: requests are answered one by one in JSON, there are
//! no sessions and nothing is sent unasked, so `GET` and `DELETE` are not allowed. A tool is a request to an endpoint
//! of the HTTP API, on behalf of the same tenant; its answer is the endpoint's.

mod arguments;
mod docs;
mod protocol;
mod tools;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use self::protocol::{Reply, VERSIONS};
use crate::ApiState;
use crate::routes::Routes;

/// Bytes of a request.
const REQUEST_BYTES_MAX: usize = 1 << 20;
/// Requests that come together.
const BATCH_MAX: usize = 20;
const VERSION_HEADER: &str = "mcp-protocol-version";

/// What tools are answered with.
#[derive(Clone)]
struct Server {
    state: ApiState,
    /// The endpoints of the HTTP API.
    endpoints: Router,
}

/// Adds the endpoint. `endpoints` are what tools ask.
pub(super) fn with_mcp(routes: Routes, endpoints: Router, state: &ApiState) -> Routes {
    let server = Server { state: state.clone(), endpoints };
    let handler = move |headers: HeaderMap, body: Bytes| {
        let server = server.clone();
        async move { server.answer(&headers, &body).await }
    };
    let methods = post(handler).layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX));
    routes.route("/api/mcp", "mcp", methods)
}

impl Server {
    async fn answer(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        if !is_same_origin(headers) {
            return (StatusCode::FORBIDDEN, "requests of other sites are refused\n")
                .into_response();
        }
        let version = headers.get(VERSION_HEADER).map(|version| version.to_str().unwrap_or("?"));
        if version.is_some_and(|version| !VERSIONS.contains(&version)) {
            let text = format!("unsupported {VERSION_HEADER}: expected one of {VERSIONS:?}\n");
            return (StatusCode::BAD_REQUEST, text).into_response();
        }
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return json(StatusCode::BAD_REQUEST, &protocol::not_json());
        };
        let answer = match request {
            Value::Array(requests) if requests.is_empty() || requests.len() > BATCH_MAX => {
                return json(StatusCode::BAD_REQUEST, &protocol::bad_batch(BATCH_MAX));
            }
            Value::Array(requests) => {
                let mut answers = Vec::new();
                for request in requests {
                    answers.extend(self.answer_one(headers, request).await);
                }
                (!answers.is_empty()).then_some(Value::Array(answers))
            }
            request => self.answer_one(headers, request).await,
        };
        match answer {
            Some(answer) => json(StatusCode::OK, &answer),
            // Notifications are only taken note of.
            None => StatusCode::ACCEPTED.into_response(),
        }
    }

    async fn answer_one(&self, headers: &HeaderMap, request: Value) -> Option<Value> {
        let call = match protocol::read(request) {
            Ok(call) => call?,
            Err(refusal) => return Some(refusal),
        };
        let reply = match call.method.as_str() {
            "initialize" => Ok(protocol::initialize(&call.params)),
            "ping" => Ok(serde_json::json!({})),
            "tools/list" => Ok(tools::list()),
            "tools/call" => tools::call(self, headers, &call.params).await,
            "resources/list" => Ok(docs::resources()),
            "resources/templates/list" => Ok(serde_json::json!({ "resourceTemplates": [] })),
            "resources/read" => docs::read_resource(&call.params),
            other => Err(Reply::unknown_method(other)),
        };
        Some(protocol::reply(&call.id, reply))
    }
}

fn json(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// Whether a browser that sends this has the page from here: other pages must not ask on behalf of whoever looks
/// at them. Programs send no origin.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let from = origin.split_once("://").map_or("", |(_, from)| from);
    !host.is_empty() && from.eq_ignore_ascii_case(host)
}
