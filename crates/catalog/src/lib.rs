//! Which blocks exist: a Delta Lake table per tenant, on any object store.
//!
//! [`Catalog`] is the trait that the rest of the program uses; [`DeltaCatalog`] implements it with
//! atomic commits by conditional put: no lock service, no database. The store must create objects atomically
//! and keep what it reported as written; `spandrel-objects` opens such stores.
//!
//! Invariant: a block is visible exactly when a commit that adds it is in the log and no later
//! commit removes it. The log is the only state; everything in memory can be rebuilt from it.
//! What is written is described in `docs/formats/catalog.md`, why in `docs/adr/0002-catalogue.md`.

mod block_id;
mod catalog;
mod delta;
mod entry;
mod error;
mod schema;
mod snapshot;

pub use block_id::{BlockId, ParseBlockIdError};
pub use catalog::Catalog;
pub use delta::DeltaCatalog;
pub use entry::{BlockEntry, BlockTail, Commit};
pub use error::CatalogError;
pub use schema::{ColumnType, START_TIME_COLUMN, TableColumn};
pub use snapshot::CatalogSnapshot;
