//! Answers that are not errors.

use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use spandrel_zipkin::{Span, to_json, to_protobuf};

/// With this many services or fewer a new one is looked for, so names are not cached: as in Zipkin.
const SERVICES_UNCACHED: usize = 3;

/// JSON.
pub(crate) fn json(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// A list of anything.
pub(crate) fn list<T: Serialize>(items: &[T]) -> Response {
    json(serde_json::to_vec(items).expect("texts and numbers can be written"))
}

/// Sorted names, which clients may keep once there are some.
pub(crate) fn names(names: &[String], n_services: usize) -> Response {
    let mut response = list(names);
    if n_services > SERVICES_UNCACHED {
        let value = http::HeaderValue::from_static("max-age=300, must-revalidate");
        response.headers_mut().insert(CACHE_CONTROL, value);
    }
    response
}

/// One trace, in protobuf for whoever asks for that.
pub(crate) fn trace(spans: &[Span], headers: &HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    match accepted.is_some_and(|accepted| accepted.contains("application/x-protobuf")) {
        true => ([(CONTENT_TYPE, "application/x-protobuf")], to_protobuf(spans)).into_response(),
        false => json(to_json(spans)),
    }
}

/// Several traces: a list of lists.
pub(crate) fn traces(traces: &[Vec<Span>]) -> Vec<u8> {
    let mut body = vec![b'['];
    for (place, spans) in traces.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.extend(to_json(spans));
    }
    body.push(b']');
    body
}
