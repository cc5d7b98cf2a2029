//! Overrides at work: what tenants have set is put into force here, at once what is set in this process, at the next
//! look what was set in others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::ObjectStore;
use serde_json::Value;
use spandrel_model::TenantId;

use super::document::Document;
use super::limits::TenantOverrides;
use super::store::{OverridesStore, Versioned};
use super::{OverridesError, parse};

/// The process that overrides change.
pub trait OverridesTarget: Send + Sync {
    /// What the operator has set for a tenant.
    fn operator(&self, tenant: &TenantId) -> TenantOverrides;

    /// Puts in force what tenants have set for themselves, in place of all that they had set before. Only what is
    /// lower than the operator's limits may have an effect.
    fn put_in_force(&self, own: &BTreeMap<TenantId, TenantOverrides>);
}

/// What tenants set for themselves: kept in an object store, and in force in this process. Clones are cheap.
#[derive(Clone)]
pub struct Overrides {
    pub(super) store: OverridesStore,
    target: Arc<dyn OverridesTarget>,
    seen: Arc<Mutex<BTreeMap<TenantId, Seen>>>,
}

/// The newest version of a tenant's overrides that this process knows.
#[derive(Clone)]
struct Seen {
    version: u64,
    /// `None` when it sets no limit, or nothing at all.
    limits: Option<TenantOverrides>,
}

impl Overrides {
    /// Overrides beside the blocks in `objects`. None are in force before [`Self::refresh`].
    pub fn new(objects: Arc<dyn ObjectStore>, target: Arc<dyn OverridesTarget>) -> Self {
        Self { store: OverridesStore::new(objects), target, seen: Arc::default() }
    }

    /// Tenants that have set something, or had.
    ///
    /// # Errors
    /// [`OverridesError::Objects`].
    pub async fn tenants(&self) -> Result<Vec<TenantId>, OverridesError> {
        Ok(self.store.versions().await?.into_keys().collect())
    }

    /// What a tenant has set, as JSON; `None` when it has set nothing.
    ///
    /// # Errors
    /// [`OverridesError`].
    pub async fn document(&self, tenant: &TenantId) -> Result<Option<String>, OverridesError> {
        Ok(self.store.get(tenant).await?.document.map(|document| document.to_string()))
    }

    /// Puts in force what was set by whatever process. A tenant whose overrides cannot be read keeps those from
    /// before, and the others get theirs.
    ///
    /// # Errors
    /// The first [`OverridesError`].
    pub async fn refresh(&self) -> Result<(), OverridesError> {
        let mut failed = Ok(());
        for (tenant, version) in self.store.versions().await? {
            if self.seen().get(&tenant).is_some_and(|seen| seen.version >= version) {
                continue;
            }
            match self.read(&tenant).await {
                Ok(seen) => self.note(&tenant, seen),
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        failed
    }

    async fn read(&self, tenant: &TenantId) -> Result<Seen, OverridesError> {
        let Versioned { document, version } = self.store.get(tenant).await?;
        let limits = document.as_ref().map(limits_of).transpose();
        let limits = limits.map_err(|message| OverridesError::Unknown {
            tenant: tenant.clone(),
            version,
            message,
        })?;
        Ok(Seen { version, limits })
    }

    /// Puts a version in force that was written just now.
    pub(super) fn written(&self, tenant: &TenantId, version: u64, document: Option<&Document>) {
        self.note(tenant, Seen { version, limits: document.map(TenantOverrides::from) });
    }

    /// What the operator has set for a tenant.
    pub(super) fn operator(&self, tenant: &TenantId) -> TenantOverrides {
        self.target.operator(tenant)
    }

    /// The age at which spans of a tenant are given up: the operator's, or the tenant's own when that is lower.
    pub(crate) fn retention_in_force(&self, tenant: &TenantId) -> Option<Duration> {
        let own = self.seen().get(tenant).and_then(|seen| seen.limits.clone()).unwrap_or_default();
        self.operator(tenant).tightened(&own).retention
    }

    fn note(&self, tenant: &TenantId, new: Seen) {
        let mut all = self.seen();
        // Of two looks at the same time, the slower one may come with an older version.
        if all.get(tenant).is_some_and(|seen| seen.version >= new.version) {
            return;
        }
        let version = new.version;
        all.insert(tenant.clone(), new);
        let limits =
            all.iter().filter_map(|(tenant, seen)| Some((tenant.clone(), seen.limits.clone()?)));
        // Under the lock, so that the last one to know more is the last one to tell.
        self.target.put_in_force(&limits.collect());
        tracing::info!(%tenant, version, "overrides of the tenant in force");
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, BTreeMap<TenantId, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The limits of a stored document; another version of Spandrel may have written it.
fn limits_of(document: &Value) -> Result<TenantOverrides, String> {
    let document = parse(document.to_string().as_bytes()).map_err(|error| error.to_string())?;
    Ok(TenantOverrides::from(&document))
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;
    use serde_json::json;

    use super::*;

    #[derive(Default)]
    struct Target(Mutex<BTreeMap<TenantId, TenantOverrides>>);

    impl OverridesTarget for Target {
        fn operator(&self, _: &TenantId) -> TenantOverrides {
            TenantOverrides::default()
        }

        fn put_in_force(&self, own: &BTreeMap<TenantId, TenantOverrides>) {
            *self.0.lock().unwrap() = own.clone();
        }
    }

    impl Target {
        /// Hours of retention by tenant.
        fn hours(&self) -> Vec<(String, u64)> {
            let own = self.0.lock().unwrap();
            let hours = own.iter().filter_map(|(tenant, own)| Some((tenant, own.retention?)));
            hours.map(|(tenant, age)| (tenant.to_string(), age.as_secs() / 3600)).collect()
        }
    }

    fn process(objects: &Arc<InMemory>) -> (Overrides, Arc<Target>) {
        let target = Arc::new(Target::default());
        (Overrides::new(Arc::clone(objects) as _, Arc::clone(&target) as _), target)
    }

    fn retention(hours: u64) -> Value {
        json!({"compaction": {"block_retention": format!("{hours}h")}})
    }

    /// Scenario: two processes; one sets overrides, changes and deletes them; one of them is damaged in the end.
    #[tokio::test]
    async fn what_others_set_is_in_force_after_a_look() {
        let objects = Arc::new(InMemory::new());
        let (writer, _) = process(&objects);
        let (reader, target) = process(&objects);
        reader.refresh().await.unwrap();
        assert_eq!(target.hours(), []);
        let tenant = |name| TenantId::new(name).unwrap();
        let set = async |name, document, version| {
            writer.store.set(&tenant(name), document, version).await.unwrap();
        };
        set("a", Some(retention(2)), 0).await;
        set("b", Some(retention(3)), 0).await;
        reader.refresh().await.unwrap();
        assert_eq!(target.hours(), [("a".to_owned(), 2), ("b".to_owned(), 3)]);
        set("a", Some(retention(5)), 1).await;
        set("b", None, 1).await;
        reader.refresh().await.unwrap();
        assert_eq!(target.hours(), [("a".to_owned(), 5)]);
        // What cannot be understood leaves what was there, and does not keep others from theirs.
        set("a", Some(json!({"compaction": {"block_retention": "soon"}})), 2).await;
        set("c", Some(retention(7)), 0).await;
        let error = reader.refresh().await.unwrap_err().to_string();
        assert!(error.starts_with("version 3 of the overrides of tenant a is not"), "{error}");
        assert_eq!(target.hours(), [("a".to_owned(), 5), ("c".to_owned(), 7)]);
    }

    #[tokio::test]
    async fn an_older_version_never_replaces_a_newer_one() {
        let (overrides, target) = process(&Arc::new(InMemory::new()));
        let document = |hours| parse(retention(hours).to_string().as_bytes()).unwrap();
        let tenant = TenantId::single();
        overrides.written(&tenant, 2, Some(&document(2)));
        overrides.written(&tenant, 1, Some(&document(1)));
        let own = target.0.lock().unwrap()[&tenant].clone();
        assert_eq!(own.retention, Some(Duration::from_secs(2 * 3600)));
    }
}
