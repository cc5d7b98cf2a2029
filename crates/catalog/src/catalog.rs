//! The catalogue as the rest of the program sees it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{CatalogError, CatalogSnapshot, Commit};

/// Which blocks of one tenant exist.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// The newest state, including what other processes committed before the call.
    ///
    /// Costs one request to the store when nothing changed since the last call.
    ///
    /// # Errors
    /// [`CatalogError::Log`] when the store or the log cannot be read,
    /// [`CatalogError::Unsupported`] when somebody upgraded the table beyond this version.
    async fn snapshot(&self) -> Result<Arc<CatalogSnapshot>, CatalogError>;

    /// Applies `commit` as a whole or not at all, and returns the state that contains it.
    ///
    /// The data of added blocks must be durable before the call. A commit that loses a race
    /// against another writer is tried again on the new state. A commit that adds blocks may be
    /// repeated after an error: when the table already shows its outcome, nothing is written.
    ///
    /// # Errors
    /// [`CatalogError::Conflict`] when a removed block is not in the table or an added one already
    /// is; [`CatalogError::ApplicationIdBehind`] when the table already contains the sequence;
    /// [`CatalogError::InvalidCommit`] when the commit contradicts itself. After
    /// [`CatalogError::Log`] it is unknown whether the commit was applied: repeat it.
    async fn commit(&self, commit: Commit) -> Result<Arc<CatalogSnapshot>, CatalogError>;
}
