//! The blocks of a data directory or an object store, for commands that only look.
//!
//! Nothing is locked and nothing is written, so a server may be running on the same blocks. What it holds in
//! its log and in memory is not seen here; ask the server for that.

mod block;
#[cfg(test)]
pub(crate) mod test_store;
mod traces;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use futures::StreamExt;
use object_store::ObjectStore;
use object_store::path::Path;
use spandrel_base::clock::SystemClock;
use spandrel_catalog::{BlockEntry, Catalog, CatalogSnapshot, DeltaCatalog};
use spandrel_ingest::Store;
use spandrel_model::TenantId;
use spandrel_objects::{Location, ObjectsOptions};
use spandrel_telemetry::Metrics;

pub(crate) use block::{RowRun, StoredBlock};
pub(crate) use traces::TraceReader;

/// Which blocks to look at.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StorageArgs {
    /// The data directory; a server may be running on it
    #[arg(
        long,
        env = "SPANDREL_DATA_DIR",
        hide_env = true,
        value_name = "DIR",
        default_value = "spandrel-data"
    )]
    pub(crate) data_dir: PathBuf,

    /// Where blocks lie, if not in the data directory: s3://bucket/prefix and so on, as for serve
    #[arg(long, env = "SPANDREL_STORAGE", hide_env = true, value_name = "URL")]
    pub(crate) storage: Option<String>,

    /// Only this tenant
    #[arg(long, value_parser = parse_tenant)]
    pub(crate) tenant: Option<TenantId>,
}

/// Checks the name of a tenant.
pub(crate) fn parse_tenant(text: &str) -> Result<TenantId, String> {
    TenantId::new(text).map_err(|error| error.to_string())
}

/// Where blocks lie.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// As the user named it.
    name: String,
}

/// The blocks of one tenant at one moment, those with the oldest spans first.
#[derive(Debug, Clone)]
pub(crate) struct TenantBlocks {
    pub(crate) tenant: TenantId,
    pub(crate) entries: Vec<Arc<BlockEntry>>,
}

impl Storage {
    /// Opens a data directory, which must exist, or an object store.
    pub(crate) async fn open(args: &StorageArgs) -> anyhow::Result<Self> {
        let local = Location::local(&args.data_dir);
        let location = args.storage.as_deref().map(Location::parse).transpose()?.unwrap_or(local);
        let name = location.to_string();
        // A directory that is opened is created.
        if location.local_dir().is_some_and(|dir| !dir.is_dir()) {
            bail!("there is no data directory {name}; name it with --data-dir");
        }
        let (options, clock) = (ObjectsOptions::default(), Arc::new(SystemClock::new()));
        let objects = spandrel_objects::open_at(&location, &options, clock, &Metrics::new()).await;
        Ok(Self { objects: objects.with_context(|| format!("cannot open {name}"))?, name })
    }

    /// The blocks of the tenant that the user named, or of all.
    pub(crate) async fn blocks(&self, args: &StorageArgs) -> anyhow::Result<Vec<TenantBlocks>> {
        let mut tenants = self.tenants().await?;
        if let Some(wanted) = &args.tenant {
            if !tenants.contains(wanted) {
                let names: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
                let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                bail!("there is no tenant {wanted} in {}; tenants there: {names}", self.name);
            }
            tenants.retain(|tenant| tenant == wanted);
        }
        let mut found = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            let mut entries: Vec<_> = self.table(&tenant).await?.blocks().cloned().collect();
            entries.sort_by_key(|entry| (entry.min_start_unix_nanos, entry.id));
            found.push(TenantBlocks { tenant, entries });
        }
        Ok(found)
    }

    /// Tenants that have a table.
    async fn tenants(&self) -> anyhow::Result<BTreeSet<TenantId>> {
        let listed = self.objects.list_with_delimiter(Some(&Path::from("tenants"))).await;
        let listed = listed.with_context(|| format!("cannot list the tenants of {}", self.name))?;
        let mut tenants = BTreeSet::new();
        for prefix in listed.common_prefixes {
            // The only character of a tenant's name that a path escapes.
            let name = prefix.filename().unwrap_or_default().replace("%2A", "*");
            let Ok(tenant) = TenantId::new(&name) else { continue };
            let log = Store::tenant_root(&tenant).join("_delta_log");
            if self.objects.list(Some(&log)).next().await.is_some() {
                tenants.insert(tenant);
            }
        }
        Ok(tenants)
    }

    /// The table of a tenant that has one. Without columns to add, opening it writes nothing.
    async fn table(&self, tenant: &TenantId) -> anyhow::Result<Arc<CatalogSnapshot>> {
        let (objects, root) = (Arc::clone(&self.objects), Store::tenant_root(tenant));
        let opened = DeltaCatalog::open(objects, root, &[], Arc::new(SystemClock::new())).await;
        let unreadable = || format!("cannot read the table of tenant {tenant}");
        opened.with_context(unreadable)?.snapshot().await.with_context(unreadable)
    }
}
