//! Why a question has no answer.

use spandrel_base::cpu::CpuError;
use spandrel_base::memory::MemoryExhausted;
use spandrel_base::outcome::OutcomeCode;
use spandrel_block::BlockError;
use spandrel_ingest::StoreError;
use spandrel_otlp::DecodeError;
use spandrel_traceql::EvalError;

use crate::memory;

/// A query failed.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The query is valid TraceQL, but it asks for something else than is answered here.
    #[error("{0} are not supported here: a search answers with traces")]
    NotExecuted(&'static str),
    /// The query finds traces; series were asked for.
    #[error("not a metrics query: it finds traces; add a function such as | rate() to get series")]
    NotMetrics,
    /// The query cannot be computed for some span, for example a division by zero.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// It took longer than its deadline.
    #[error("query exceeded its deadline of {0:?}; narrow the time range or the filter")]
    Deadline(std::time::Duration),
    /// The tenant has set that its queries look at less time.
    #[error(
        "time range is longer than the tenant's {name} of {limit:?}; expected 'start' and 'end' no \
            further apart"
    )]
    RangeTooLong {
        /// The limit.
        name: &'static str,
        /// What it allows.
        limit: std::time::Duration,
    },
    /// The step is too short for the range.
    #[error("too many intervals; expected at most {max}: take a longer step or a shorter range")]
    TooManyIntervals {
        /// How many there may be.
        max: usize,
    },
    /// So many watch already what arrives.
    #[error("{max} live tails are open already; expected somebody to close one")]
    TooManyTails {
        /// How many there may be.
        max: usize,
    },
    /// It needs more memory than it may have.
    #[error("{}", memory::message(.0))]
    Memory(#[from] MemoryExhausted),
    /// The tenant's blocks cannot be listed.
    #[error("cannot read the list of blocks")]
    Store(#[from] StoreError),
    /// A block cannot be fetched.
    #[error("cannot read block {path}")]
    Objects {
        /// Its file.
        path: String,
        /// What the store said.
        #[source]
        source: object_store::Error,
    },
    /// A block is damaged.
    #[error("cannot read block {path}")]
    Block {
        /// Its file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: BlockError,
    },
    /// A live span is damaged.
    #[error("cannot read a live span")]
    Live(#[from] DecodeError),
    /// The work could not be done.
    #[error(transparent)]
    Cpu(#[from] CpuError),
}

impl QueryError {
    /// Whether the query needs more memory than it may ever have, so that asking again cannot help.
    pub fn needs_too_much(&self) -> bool {
        matches!(self, Self::Memory(exhausted) if memory::is_own(exhausted))
    }

    /// What the client is told, by protocol.
    pub fn code(&self) -> OutcomeCode {
        match self {
            Self::NotExecuted(_)
            | Self::NotMetrics
            | Self::Eval(_)
            | Self::RangeTooLong { .. }
            | Self::TooManyIntervals { .. } => OutcomeCode::InvalidArgument,
            Self::Deadline(_) => OutcomeCode::DeadlineExceeded,
            Self::Memory(_) | Self::TooManyTails { .. } => OutcomeCode::ResourceExhausted,
            Self::Store(_)
            | Self::Objects { .. }
            | Self::Block { .. }
            | Self::Live(_)
            | Self::Cpu(_) => OutcomeCode::Internal,
        }
    }
}
