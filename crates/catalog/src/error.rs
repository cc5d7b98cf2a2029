//! Why the catalogue refused or failed.

use delta_kernel::KernelError;

use crate::BlockId;

/// Errors of [`Catalog`](crate::Catalog) and of opening one.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Another writer removed or added this block first; the caller must plan again.
    #[error("block {block} was {} by another writer", if *.present { "added" } else { "removed" })]
    Conflict {
        /// The block.
        block: BlockId,
        /// Whether the block is in the table now.
        present: bool,
    },
    /// The table already contains this sequence of the application's log.
    #[error("table contains {application} up to {committed}, so {offered} cannot be committed")]
    ApplicationIdBehind {
        /// The application id.
        application: String,
        /// The last sequence in the table.
        committed: i64,
        /// The sequence of the refused commit.
        offered: i64,
    },
    /// The commit contradicts itself.
    #[error("invalid commit: {reason}")]
    InvalidCommit {
        /// What is wrong, as a phrase.
        reason: String,
    },
    /// Other writers won every race; trying again later is safe.
    #[error("gave up after losing {attempts} races against other writers")]
    Contended {
        /// How often the commit was tried.
        attempts: u32,
    },
    /// The table and the caller disagree about a column.
    #[error("column {column}: {reason}")]
    SchemaMismatch {
        /// The column's name.
        column: String,
        /// What is wrong, as a phrase.
        reason: String,
    },
    /// The table lists a file that is not one of our blocks, or whose numbers cannot be read.
    #[error("file {path} in the table is not a block of this program: {reason}")]
    ForeignFile {
        /// The file's path as the log has it.
        path: String,
        /// What is wrong, as a phrase.
        reason: String,
    },
    /// The table needs a version or feature of the Delta protocol that this program lacks.
    #[error("table needs a newer version of this program: {reason}")]
    Unsupported {
        /// What is needed, as Delta names it.
        reason: String,
    },
    /// The store failed, or the log cannot be understood.
    #[error("cannot {operation}")]
    Log {
        /// What was tried, as a verb with its object.
        operation: &'static str,
        /// What the Delta implementation said.
        source: Box<KernelError>,
    },
    /// The store failed.
    #[error("cannot {operation}")]
    Store {
        /// What was tried, as a verb with its object.
        operation: &'static str,
        /// What the store said.
        source: object_store::Error,
    },
    /// The thread that did the work panicked or the runtime is shutting down.
    #[error("catalogue work was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl CatalogError {
    /// Puts an error of the Delta implementation into our words.
    pub(crate) fn from_kernel(operation: &'static str, source: KernelError) -> Self {
        match source {
            KernelError::Unsupported(reason) | KernelError::InvalidProtocol(reason) => {
                Self::Unsupported { reason }
            }
            source => Self::Log { operation, source: Box::new(source) },
        }
    }
}
