//! Compaction of the store's blocks, on the catalogues that the store has open.

use std::sync::Arc;

use async_trait::async_trait;
use spandrel_base::clock::SharedClock;
use spandrel_base::task::TaskSet;
use spandrel_catalog::CatalogSnapshot;
use spandrel_compaction::{CompactionOptions, Compactor, TenantTable, Tenants, TenantsError};
use spandrel_ingest::Store;
use spandrel_model::TenantId;
use spandrel_telemetry::Metrics;

/// Starts compaction, unless it is turned off.
pub(crate) fn start(
    store: &Arc<Store>,
    options: Option<CompactionOptions>,
    clock: &SharedClock,
    metrics: Metrics,
) -> TaskSet {
    let tasks = TaskSet::new();
    if let Some(options) = options {
        let objects = Arc::clone(store.objects());
        let tenants = Arc::new(StoreTenants(Arc::clone(store)));
        let compactor = Compactor::new(objects, tenants, options, Arc::clone(clock), metrics);
        let stop = tasks.token();
        tasks.spawn("compaction", async move { compactor.run(stop).await });
    }
    tasks
}

/// The tenants of a store.
pub struct StoreTenants(pub Arc<Store>);

#[async_trait]
impl Tenants for StoreTenants {
    async fn list(&self) -> Result<Vec<TenantId>, TenantsError> {
        Ok(self.0.stored_tenants().await?)
    }

    async fn open(&self, tenant: &TenantId) -> Result<Option<TenantTable>, TenantsError> {
        let catalog = self.0.catalog(tenant).await?;
        let snapshot = self.0.snapshot(tenant).await?.catalog;
        let root = Store::tenant_root(tenant);
        Ok(catalog.zip(snapshot).map(|(catalog, snapshot)| TenantTable { root, catalog, snapshot }))
    }

    async fn publish(&self, tenant: &TenantId, snapshot: Arc<CatalogSnapshot>) {
        self.0.publish_catalog(tenant, snapshot).await;
    }
}
