//! What compaction has to know of tenants, and who tells it.

use std::sync::Arc;

use async_trait::async_trait;
use object_store::path::Path;
use spandrel_catalog::{Catalog, CatalogSnapshot};
use spandrel_model::TenantId;

/// Why tenants cannot be read; only passed on.
pub type TenantsError = Box<dyn std::error::Error + Send + Sync>;

/// The tenants and their catalogues, as the process has them open.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// All tenants that have blocks.
    ///
    /// # Errors
    /// When the object store cannot be read.
    async fn list(&self) -> Result<Vec<TenantId>, TenantsError>;

    /// A tenant's table; `None` when it has none.
    ///
    /// # Errors
    /// When the catalogue cannot be opened.
    async fn open(&self, tenant: &TenantId) -> Result<Option<TenantTable>, TenantsError>;

    /// Lets queries see a state of the catalogue, unless they see a newer one.
    async fn publish(&self, tenant: &TenantId, snapshot: Arc<CatalogSnapshot>);
}

/// One tenant's blocks.
#[derive(Clone)]
pub struct TenantTable {
    /// Root of the table in the object store; the paths of entries are relative to it.
    pub root: Path,
    /// The catalogue.
    pub catalog: Arc<dyn Catalog>,
    /// The state that queries see. Only its blocks are merged: a block that is in a newer state may be one
    /// whose writer does not know yet that its commit was applied.
    pub snapshot: Arc<CatalogSnapshot>,
}
