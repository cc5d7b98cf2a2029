//! How answers and failures are sent: JSON, protobuf, or JSON in the short form for language models, as the client
//! asks; failures as plain text.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use prost::Message;

use super::jsonpb::{Jsonpb, to_json};
use crate::error::ApiError;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Protobuf,
    /// Where there is no such form, this is JSON.
    Llm,
}

impl Format {
    const JSON: &str = "application/json";
    const PROTOBUF: &str = "application/protobuf";
    const LLM: &str = "application/vnd.grafana.llm";

    /// What `Accept` asks for: the first of protobuf, JSON and the form for language models that it names, wherever
    /// it stands in the header; JSON when it names none.
    pub(super) fn accepted_by(headers: &HeaderMap) -> Self {
        let names = |wanted: &str| {
            headers.get_all(ACCEPT).iter().any(|value: &HeaderValue| {
                let types = value.to_str().unwrap_or_default().split(',');
                let mut names =
                    types.map(|media| media.split(';').next().unwrap_or_default().trim());
                names.any(|name| name.eq_ignore_ascii_case(wanted))
            })
        };
        if names(Self::PROTOBUF) {
            Self::Protobuf
        } else if !names(Self::JSON) && names(Self::LLM) {
            Self::Llm
        } else {
            Self::Json
        }
    }

    /// An answer with this body, which is in the form already.
    pub(super) fn response(self, body: impl Into<Body>) -> Response {
        let content_type = match self {
            Self::Json => Self::JSON,
            Self::Protobuf => Self::PROTOBUF,
            Self::Llm => "application/vnd.grafana.llm+json",
        };
        ([(CONTENT_TYPE, content_type)], body.into()).into_response()
    }

    /// An answer with this message.
    pub(super) fn message(self, message: &(impl Message + Jsonpb)) -> Response {
        match self {
            Self::Json | Self::Llm => Self::Json.response(to_json(message)),
            Self::Protobuf => self.response(message.encode_to_vec()),
        }
    }
}

/// A failure as Tempo tells it: the text alone.
pub(crate) struct Failure(pub(super) ApiError);

impl Failure {
    /// What a path below one that exists gets when there is nothing.
    pub(super) fn no_page() -> Response {
        (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
    }
}

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
            ("application/json, application/protobuf", Format::Protobuf),
            ("application/vnd.grafana.llm", Format::Llm),
            ("application/vnd.grafana.llm, application/json", Format::Json),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(Format::accepted_by(&headers), format, "{accept}");
        }
        assert_eq!(Format::accepted_by(&HeaderMap::new()), Format::Json);
    }
}
