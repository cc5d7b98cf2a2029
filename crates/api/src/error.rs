//! Why a request has no answer, and which status says so.
//!
//! Each dialect wraps these in its own form; texts that clients of Tempo or Jaeger match on are
//! theirs.

use http::StatusCode;
use spandrel_base::cpu::CpuError;
use spandrel_base::outcome::OutcomeCode;
use spandrel_model::{IdError, TenantIdError};
use spandrel_pipeline::ConsumeError;
use spandrel_query::QueryError;
use spandrel_series::IntervalError;
use spandrel_traceql::ParseError;

use crate::OverridesError;
use crate::native::LinksError;

/// The status that nginx and Tempo use for a request whose client gave up.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// A request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The tenant's name is malformed.
    #[error("header X-Scope-OrgID: {0}")]
    Tenant(#[from] TenantIdError),
    /// No tenant is named where one has to be.
    #[error("no org id")]
    NoTenant,
    /// Several tenants are asked where that is not possible; the text says why.
    #[error("multi-tenant query unsupported: {0}; expected one tenant in X-Scope-OrgID")]
    MultiTenant(&'static str),
    /// A trace id is malformed.
    #[error("{}", trace_id_text(.0))]
    TraceId(#[from] IdError),
    /// A parameter has a value that it cannot have.
    #[error("unable to parse param '{name}': expected {expected}, got '{value}'")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        value: String,
    },
    /// A parameter that must be there is not.
    #[error("parameter '{0}' is required")]
    Required(&'static str),
    /// A range of time is empty or reversed. The times are as they were given.
    #[error("http parameter start must be before end. received start={start} end={end}")]
    Reversed {
        /// From.
        start: String,
        /// To.
        end: String,
    },
    /// Parameters contradict each other; the text says which.
    #[error("{0}")]
    Contradiction(&'static str),
    /// A `tag` of a Jaeger search is not a pair.
    #[error("malformed 'tag' parameter, expecting key:value, received: {0}")]
    TagPair(String),
    /// `tags` of a Jaeger search is not a map of strings.
    #[error("malformed 'tags' parameter, cannot unmarshal JSON: {0}")]
    TagMap(serde_json::Error),
    /// The query is not TraceQL; the text begins as Tempo's does.
    #[error(transparent)]
    TraceQl(#[from] spandrel_traceql::Error),
    /// The time range has no intervals.
    #[error(transparent)]
    Intervals(#[from] IntervalError),
    /// The name of a tag is not a TraceQL attribute.
    #[error(
        "unable to parse tag name '{name}': {source}; expected an attribute such as \
            span.http.method or an intrinsic such as name"
    )]
    TagName {
        /// The name.
        name: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// A body is not what it has to be; the text says how.
    #[error("invalid request body: {0}")]
    Body(String),
    /// The settings of a component are wrong; a line for each problem.
    #[error(transparent)]
    Settings(#[from] spandrel_config::Problems),
    /// Traces are too large to be compared.
    #[error(
        "trace diff input too large: {n_spans} spans exceed the limit of {n_max} spans of both \
            traces together"
    )]
    DiffTooLarge {
        /// Spans of both.
        n_spans: usize,
        /// How many there may be.
        n_max: usize,
    },
    /// The spans of a trace that is to be compared lie in too many generations.
    #[error("trace diff input too large: the spans of a trace are nested too deep")]
    DiffTooDeep,
    /// The overrides of a tenant cannot be read or written.
    #[error(transparent)]
    Overrides(#[from] OverridesError),
    /// A short link cannot be kept or read.
    #[error(transparent)]
    Links(#[from] LinksError),
    /// Spans that were made here are not taken.
    #[error(transparent)]
    Consume(#[from] ConsumeError),
    /// There is nothing that takes spans.
    #[error("this process takes no spans")]
    NoIntake,
    /// Limits of the tenant keep a test trace out for good; the text says which.
    #[error("the test trace is not stored as a whole: {0}")]
    TestTraceRejected(String),
    /// A parameter of Jaeger's newer API has a value that it cannot have; the text says why.
    #[error("malformed parameter {name}: {reason}")]
    Malformed {
        /// The parameter.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A search that was to find traces has found none.
    #[error("No traces found")]
    NoTracesFound,
    /// There is no store for traces that are kept for longer.
    #[error("archive span storage was not configured")]
    NoArchive,
    /// There is no such trace.
    #[error("trace not found")]
    TraceNotFound,
    /// The engine has no answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// An SQL query failed.
    #[cfg(feature = "sql")]
    #[error(transparent)]
    Sql(#[from] spandrel_sql::SqlError),
    /// There is no SQL.
    #[cfg(not(feature = "sql"))]
    #[error("this build has no SQL; `cargo build --release --features sql` makes one that has")]
    SqlNotBuilt,
    /// The answer could not be written.
    #[error(transparent)]
    Cpu(#[from] CpuError),
}

impl ApiError {
    /// The HTTP status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        let code = match self {
            Self::TraceNotFound | Self::NoTracesFound => return StatusCode::NOT_FOUND,
            // As Jaeger answers, for whom it is a failure of its own.
            Self::NoArchive => return StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoTenant => return StatusCode::UNAUTHORIZED,
            Self::DiffTooLarge { .. } | Self::DiffTooDeep => return StatusCode::TOO_MANY_REQUESTS,
            Self::Overrides(error) => return error.status(),
            Self::Links(LinksError::Absent) => return StatusCode::NOT_FOUND,
            Self::Links(LinksError::Full(_)) => return StatusCode::UNPROCESSABLE_ENTITY,
            Self::Consume(error) => consume_code(error),
            Self::NoIntake => OutcomeCode::Unimplemented,
            Self::TestTraceRejected(_) => return StatusCode::UNPROCESSABLE_ENTITY,
            Self::Links(LinksError::Objects(_) | LinksError::Damaged(_)) => OutcomeCode::Internal,
            // As Tempo answers when a trace is too large for it: the same question has the same answer.
            Self::Query(error) if error.needs_too_much() => {
                return StatusCode::UNPROCESSABLE_ENTITY;
            }
            Self::Query(error) => error.code(),
            #[cfg(feature = "sql")]
            Self::Sql(error) if error.needs_too_much() => return StatusCode::UNPROCESSABLE_ENTITY,
            #[cfg(feature = "sql")]
            Self::Sql(error) => error.code(),
            #[cfg(not(feature = "sql"))]
            Self::SqlNotBuilt => OutcomeCode::Unimplemented,
            Self::Cpu(_) => OutcomeCode::Internal,
            _ => return StatusCode::BAD_REQUEST,
        };
        query_status(code)
    }

    /// Writes what the server is at fault for to the log, causes included.
    pub(crate) fn log(&self) {
        let is_fault = !matches!(self, Self::NoArchive);
        if is_fault && self.status() == StatusCode::INTERNAL_SERVER_ERROR {
            let causes =
                std::iter::successors(Some(self as &dyn std::error::Error), |e| e.source());
            let texts: Vec<String> = causes.map(ToString::to_string).collect();
            tracing::error!(error = texts.join(": "), "query failed");
        }
    }
}

/// What made the spans is this process, so what is wrong with them is its own fault.
fn consume_code(error: &ConsumeError) -> OutcomeCode {
    match error {
        ConsumeError::OverLimit { .. } => OutcomeCode::ResourceExhausted,
        ConsumeError::Unavailable { .. } => OutcomeCode::Unavailable,
        ConsumeError::Malformed(_) | ConsumeError::TooLarge(_) | ConsumeError::Permanent { .. } => {
            OutcomeCode::Internal
        }
    }
}

/// The statuses of Tempo's query API, which are not those of OTLP.
fn query_status(code: OutcomeCode) -> StatusCode {
    match code {
        OutcomeCode::Ok => StatusCode::OK,
        OutcomeCode::InvalidArgument => StatusCode::BAD_REQUEST,
        OutcomeCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        OutcomeCode::PermissionDenied => StatusCode::FORBIDDEN,
        OutcomeCode::NotFound => StatusCode::NOT_FOUND,
        OutcomeCode::AlreadyExists => StatusCode::CONFLICT,
        OutcomeCode::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        OutcomeCode::Cancelled => {
            StatusCode::from_u16(CLIENT_CLOSED_REQUEST).expect("499 has three digits")
        }
        OutcomeCode::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        OutcomeCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        OutcomeCode::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        OutcomeCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn trace_id_text(error: &IdError) -> String {
    match error {
        IdError::Empty => "trace ID is empty, expected 1 to 32 hex characters".to_owned(),
        IdError::TooLong { .. } => "trace IDs can't be larger than 128 bits".to_owned(),
        IdError::NotHex { found, position } => format!(
            "trace IDs can only contain hex characters: invalid character {found:?} at position \
                {position}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn texts_are_those_that_clients_know() {
        let id = |text: &str| {
            ApiError::from(spandrel_model::TraceId::from_hex(text).unwrap_err()).to_string()
        };
        assert_eq!(
            id("12x"),
            "trace IDs can only contain hex characters: invalid character 'x' at position 3"
        );
        assert_eq!(id(&"0".repeat(33)), "trace IDs can't be larger than 128 bits");
        assert_eq!(ApiError::Required("service").to_string(), "parameter 'service' is required");
    }

    #[test]
    fn engine_failures_have_the_statuses_of_a_query_api() {
        let deadline = ApiError::Query(QueryError::Deadline(Duration::from_secs(1)));
        assert_eq!(deadline.status(), StatusCode::GATEWAY_TIMEOUT);
        let unexecuted = ApiError::Query(QueryError::NotExecuted("metrics queries"));
        assert_eq!(unexecuted.status(), StatusCode::BAD_REQUEST);
        assert_eq!(ApiError::Cpu(CpuError::Stopping).status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
