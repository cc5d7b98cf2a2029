//! The tables of the tenants as compaction sees them: through a node, or in a process of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use object_store::ObjectStore;
use parking_lot::Mutex;
use spandrel_base::clock::SharedClock;
use spandrel_catalog::{Catalog, CatalogSnapshot, DeltaCatalog};
use spandrel_compaction::{TenantTable, Tenants, TenantsError};
use spandrel_ingest::Store;
use spandrel_model::TenantId;

use crate::traffic::TENANTS;

/// The tenants of every world.
pub(crate) fn tenants() -> Vec<TenantId> {
    let tenants = TENANTS.iter().filter_map(|name| TenantId::new(name).ok());
    tenants.collect()
}

/// The tables as a node has them open.
pub(crate) struct NodeTables(pub(crate) Arc<Store>);

#[async_trait]
impl Tenants for NodeTables {
    async fn list(&self) -> Result<Vec<TenantId>, TenantsError> {
        Ok(tenants())
    }

    async fn open(&self, tenant: &TenantId) -> Result<Option<TenantTable>, TenantsError> {
        let Some(catalog) = self.0.catalog(tenant).await? else { return Ok(None) };
        let Some(snapshot) = self.0.snapshot(tenant).await?.catalog else { return Ok(None) };
        Ok(Some(TenantTable { root: Store::tenant_root(tenant), catalog, snapshot }))
    }

    async fn publish(&self, tenant: &TenantId, snapshot: Arc<CatalogSnapshot>) {
        self.0.publish_catalog(tenant, snapshot).await;
    }
}

/// The tables of a process that only compacts. It takes blocks that their writer may not know to be committed.
pub(crate) struct OwnTables {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) clock: SharedClock,
    pub(crate) open: Mutex<BTreeMap<TenantId, Arc<DeltaCatalog>>>,
}

impl OwnTables {
    async fn catalog(&self, tenant: &TenantId) -> Result<Option<Arc<DeltaCatalog>>, TenantsError> {
        if let Some(catalog) = self.open.lock().get(tenant) {
            return Ok(Some(Arc::clone(catalog)));
        }
        let root = Store::tenant_root(tenant);
        let log = root.clone().join("_delta_log");
        // Opening creates, so it is only looked for.
        if self.objects.list(Some(&log)).try_next().await?.is_none() {
            return Ok(None);
        }
        let (objects, clock) = (Arc::clone(&self.objects), Arc::clone(&self.clock));
        let catalog = Arc::new(DeltaCatalog::open(objects, root, &[], clock).await?);
        self.open.lock().insert(tenant.clone(), Arc::clone(&catalog));
        Ok(Some(catalog))
    }
}

#[async_trait]
impl Tenants for OwnTables {
    async fn list(&self) -> Result<Vec<TenantId>, TenantsError> {
        Ok(tenants())
    }

    async fn open(&self, tenant: &TenantId) -> Result<Option<TenantTable>, TenantsError> {
        let Some(catalog) = self.catalog(tenant).await? else { return Ok(None) };
        let snapshot = catalog.snapshot().await?;
        Ok(Some(TenantTable { root: Store::tenant_root(tenant), catalog, snapshot }))
    }

    async fn publish(&self, _tenant: &TenantId, _snapshot: Arc<CatalogSnapshot>) {
        // Nobody asks this process.
    }
}
