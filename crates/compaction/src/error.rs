//! Why a part of compaction failed. Nothing is lost by any of it: inputs stay until a commit replaces them.

use spandrel_base::cpu::CpuError;
use spandrel_block::BlockError;
use spandrel_catalog::{BlockId, CatalogError};
use spandrel_otlp::DecodeError;

/// Errors of [`crate::Compactor`].
#[derive(Debug, thiserror::Error)]
pub enum CompactionError {
    /// The object store failed.
    #[error("cannot {operation} {path}")]
    Objects {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which object.
        path: String,
        /// What the store said.
        #[source]
        source: object_store::Error,
    },
    /// An input cannot be read.
    #[error("block {block} cannot be read")]
    Input {
        /// The block.
        block: BlockId,
        /// What is wrong with it.
        #[source]
        source: BlockError,
    },
    /// An output cannot be written.
    #[error("merged block cannot be written")]
    Output(#[source] BlockError),
    /// A span that was read cannot be decoded.
    #[error("a span of the merge cannot be decoded")]
    Span(#[from] DecodeError),
    /// CPU-bound work panicked or was not started.
    #[error(transparent)]
    Cpu(#[from] CpuError),
    /// The catalogue failed.
    #[error("catalogue failed")]
    Catalog(#[from] CatalogError),
    /// The tenants or one of their catalogues cannot be read.
    #[error("tenants cannot be read")]
    Tenants(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Writing took so long that a vacuum may have taken the first outputs for orphans.
    #[error("the merge took longer than its outputs are safe from a vacuum")]
    TooSlow,
}
