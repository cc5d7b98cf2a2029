//! Why a request has no answer; texts that clients know are Zipkin's.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use spandrel_base::cpu::CpuError;
use spandrel_base::outcome::OutcomeCode;
use spandrel_model::TenantIdError;
use spandrel_query::QueryError;
use spandrel_zipkin::ZipkinError;

/// A request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ZipkinApiError {
    /// The tenant's name is malformed.
    #[error("header X-Scope-OrgID: {0}")]
    Tenant(#[from] TenantIdError),
    /// No tenant is named where one has to be.
    #[error("no org id")]
    NoTenant,
    /// A parameter that must be there is not.
    #[error("parameter {0} is missing")]
    Missing(&'static str),
    /// A parameter is not a number.
    #[error("parameter {name} is not a whole number: {value}")]
    Number {
        /// The parameter.
        name: &'static str,
        /// What it is.
        value: String,
    },
    /// Parameters that cannot be; the text says why.
    #[error("{0}")]
    Impossible(&'static str),
    /// Several traces are asked for, one of them twice.
    #[error("redundant traceId: {0}")]
    Redundant(String),
    /// An id is not hexadecimal.
    #[error("{0} should be lower-hex encoded with no prefix")]
    NotHex(String),
    /// An id is too short or too long.
    #[error("{0} should be a 1 to 32 character lower-hex string with no prefix")]
    TraceIdLength(String),
    /// There is no such trace.
    #[error("{0} not found")]
    TraceNotFound(String),
    /// The engine has no answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A stored span has no ids that Zipkin knows.
    #[error(transparent)]
    Span(#[from] ZipkinError),
    /// A stored span cannot be read.
    #[error("stored spans cannot be read")]
    Decode(#[from] prost::DecodeError),
    /// The answer could not be written.
    #[error(transparent)]
    Cpu(#[from] CpuError),
}

impl ZipkinApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::TraceNotFound(_) => StatusCode::NOT_FOUND,
            Self::NoTenant => StatusCode::UNAUTHORIZED,
            Self::Query(error) => query_status(error.code()),
            Self::Span(_) | Self::Decode(_) | Self::Cpu(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Tenant(_)
            | Self::Missing(_)
            | Self::Number { .. }
            | Self::Impossible(_)
            | Self::Redundant(_)
            | Self::NotHex(_)
            | Self::TraceIdLength(_) => StatusCode::BAD_REQUEST,
        }
    }
}

fn query_status(code: OutcomeCode) -> StatusCode {
    match code {
        OutcomeCode::InvalidArgument => StatusCode::BAD_REQUEST,
        OutcomeCode::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        OutcomeCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        OutcomeCode::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for ZipkinApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            let causes =
                std::iter::successors(Some(&self as &dyn std::error::Error), |e| e.source());
            let texts: Vec<String> = causes.map(ToString::to_string).collect();
            tracing::error!(error = texts.join(": "), "query failed");
        }
        (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], self.to_string()).into_response()
    }
}
