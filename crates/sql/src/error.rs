//! Why a question has no answer.

use std::time::Duration;

use datafusion::common::DataFusionError;
use spandrel_base::memory::MemoryExhausted;
use spandrel_base::outcome::OutcomeCode;
use spandrel_query::QueryError;

/// An SQL query failed.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// It is not SQL, asks for what is not there, or cannot be computed for some row. The text says what.
    #[error("{0}")]
    Invalid(String),
    /// It took longer than its deadline.
    #[error(
        "query exceeded its deadline of {0:?}; narrow the time range (start_time) or the conditions"
    )]
    Deadline(Duration),
    /// It needs more memory than it may have.
    #[error(transparent)]
    Memory(QueryError),
    /// Spans could not be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The planner or an operator is at fault.
    #[error("{0}")]
    Internal(String),
}

/// What to say of a column that does not exist.
const ATTRIBUTES_HINT: &str = "\nAttributes are read with a function: attr('http.route'), span_attr('...'), resource_attr('...').";

impl SqlError {
    /// Whether the query needs more memory than it may ever have, so that asking again cannot help.
    pub fn needs_too_much(&self) -> bool {
        matches!(self, Self::Memory(error) | Self::Query(error) if error.needs_too_much())
    }

    /// What the client is told, by protocol.
    pub fn code(&self) -> OutcomeCode {
        match self {
            Self::Invalid(_) => OutcomeCode::InvalidArgument,
            Self::Deadline(_) => OutcomeCode::DeadlineExceeded,
            Self::Memory(error) | Self::Query(error) => error.code(),
            Self::Internal(_) => OutcomeCode::Internal,
        }
    }

    /// The error of DataFusion; `refused` is what the query's budget said when it last refused.
    pub(crate) fn of(error: DataFusionError, refused: Option<MemoryExhausted>) -> Self {
        match error {
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
                Self::of(*inner, refused)
            }
            DataFusionError::External(inner) => match inner.downcast::<QueryError>() {
                Ok(error) => Self::Query(*error),
                Err(other) => match other.downcast::<DataFusionError>() {
                    Ok(error) => Self::of(*error, refused),
                    Err(other) => Self::Internal(other.to_string()),
                },
            },
            error => Self::of_root(&error, refused),
        }
    }

    fn of_root(error: &DataFusionError, refused: Option<MemoryExhausted>) -> Self {
        let text = error.strip_backtrace();
        match (error.find_root(), refused) {
            (DataFusionError::ResourcesExhausted(_), Some(refused)) => {
                Self::Memory(QueryError::Memory(refused))
            }
            (DataFusionError::SchemaError(..), _) if text.contains("No field named") => {
                Self::Invalid(text + ATTRIBUTES_HINT)
            }
            // The parts of a query share what went wrong in one of them, so it cannot be taken out.
            (DataFusionError::External(inner), _) => match inner.downcast_ref::<QueryError>() {
                Some(QueryError::Memory(refused)) => {
                    Self::Memory(QueryError::Memory(refused.clone()))
                }
                _ => Self::Internal(text),
            },
            (
                DataFusionError::Internal(_)
                | DataFusionError::IoError(_)
                | DataFusionError::ExecutionJoin(_)
                | DataFusionError::ResourcesExhausted(_),
                _,
            ) => Self::Internal(text),
            _ => Self::Invalid(text),
        }
    }
}
