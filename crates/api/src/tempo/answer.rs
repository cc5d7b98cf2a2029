//! How answers and failures are sent: JSON or protobuf as the client asks, failures as plain text.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use prost::Message;

use super::jsonpb::{Jsonpb, to_json};
use crate::error::ApiError;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Protobuf,
}

impl Format {
    const PROTOBUF: &str = "application/protobuf";

    /// What `Accept` asks for: JSON unless it names protobuf.
    pub(super) fn accepted_by(headers: &HeaderMap) -> Self {
        let names_protobuf = |value: &HeaderValue| {
            let types = value.to_str().unwrap_or_default().split(',');
            let mut names = types.map(|media| media.split(';').next().unwrap_or_default().trim());
            names.any(|name| name.eq_ignore_ascii_case(Self::PROTOBUF))
        };
        if headers.get_all(ACCEPT).iter().any(names_protobuf) { Self::Protobuf } else { Self::Json }
    }

    /// An answer with this body, which is in the form already.
    pub(super) fn response(self, body: impl Into<Body>) -> Response {
        let content_type = match self {
            Self::Json => "application/json",
            Self::Protobuf => Self::PROTOBUF,
        };
        ([(CONTENT_TYPE, content_type)], body.into()).into_response()
    }

    /// An answer with this message.
    pub(super) fn message(self, message: &(impl Message + Jsonpb)) -> Response {
        self.response(match self {
            Self::Json => to_json(message),
            Self::Protobuf => message.encode_to_vec(),
        })
    }
}

/// A failure as Tempo tells it: the text alone.
pub(super) struct Failure(ApiError);

impl<E: Into<ApiError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.log();
        (self.0.status(), self.0.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protobuf_is_sent_to_those_who_name_it() {
        for (accept, format) in [
            ("*/*", Format::Json),
            ("application/json", Format::Json),
            ("application/protobuf", Format::Protobuf),
            ("text/html, Application/Protobuf;q=0.9", Format::Protobuf),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(Format::accepted_by(&headers), format, "{accept}");
        }
        assert_eq!(Format::accepted_by(&HeaderMap::new()), Format::Json);
    }
}
