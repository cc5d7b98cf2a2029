//! Where overrides are kept: beside the blocks, each version in an object of its own.
//!
//! ```text
//! overrides/<tenant>/00000000000000000003.json     {"document": {...}}
//! ```
//!
//! The object with the highest number is what counts. A new version is put only if no object has its number, which is
//! the one condition that every store knows; so of two writers that saw the same version, one is refused. A deletion
//! is a version without document. Old versions stay a while, so that a writer who slept for long still finds the
//! number that it wants to take occupied.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::TryStreamExt;
use http::StatusCode;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spandrel_model::TenantId;

/// The version of what does not exist.
const NEW: u64 = 0;
/// Versions that stay behind the newest one.
const KEPT_VERSIONS: u64 = 100;
const ROOT: &str = "overrides";
/// A file that is read again when it was deleted while it was looked for.
const READ_TRIES: usize = 3;

/// Why overrides cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum OverridesError {
    /// The tenant has none, or the API is off.
    #[error("no overrides are set")]
    Absent,
    /// A change does not say what it is a change of.
    #[error(
        "must specify If-Match header: the ETag of GET /api/overrides, or 0 to create overrides"
    )]
    NoVersion,
    /// A change is one of another version than the one that is there.
    #[error(
        "version does not match: If-Match is '{expected}', the current version is {}; GET \
            /api/overrides again", .found.map_or("another".to_owned(), |found| found.to_string())
    )]
    Version {
        /// What the change says.
        expected: String,
        /// What is there.
        found: Option<u64>,
    },
    /// Others were always faster.
    #[error("overrides have been modified while they were patched, try again")]
    Busy,
    /// The object store fails.
    #[error("cannot access the overrides of the tenant")]
    Objects(#[from] Error),
    /// A change asks for more than the operator allows.
    #[error(
        "overrides conflict with the operator's limits: {0}; set it no higher, or pass \
            skip-conflicting-overrides-check=true: the lower one stays in force"
    )]
    Conflict(String),
    /// What is stored has another meaning than this version knows.
    #[error("version {version} of the overrides of tenant {tenant} is not understood: {message}")]
    Unknown {
        /// The tenant.
        tenant: TenantId,
        /// Which of its versions.
        version: u64,
        /// What is not understood.
        message: String,
    },
    /// What is stored is not what was written.
    #[error("the stored overrides {path} are damaged")]
    Damaged {
        /// The object.
        path: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

impl OverridesError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Absent => StatusCode::NOT_FOUND,
            Self::NoVersion => StatusCode::PRECONDITION_REQUIRED,
            Self::Version { .. } => StatusCode::PRECONDITION_FAILED,
            Self::Conflict(_) => StatusCode::BAD_REQUEST,
            Self::Busy | Self::Objects(_) | Self::Unknown { .. } | Self::Damaged { .. } => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}

/// The overrides of all tenants, in an object store. Clones are cheap.
#[derive(Debug, Clone)]
pub(super) struct OverridesStore(Arc<dyn ObjectStore>);

/// What a tenant has set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Versioned {
    /// `None` when it has set nothing.
    pub(super) document: Option<Value>,
    /// To be named by the next change.
    pub(super) version: u64,
}

/// What an object holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    document: Option<Value>,
}

impl OverridesStore {
    /// Overrides beside the blocks in this store.
    pub(super) fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self(objects)
    }

    /// The newest version of each tenant that has set something, or had.
    pub(super) async fn versions(&self) -> Result<BTreeMap<TenantId, u64>, OverridesError> {
        let mut listed = self.0.list(Some(&Path::from(ROOT)));
        let mut versions = BTreeMap::new();
        while let Some(object) = listed.try_next().await? {
            let parts: Vec<_> = object.location.parts().collect();
            let [_, tenant, file] = parts.as_slice() else { continue };
            // The only character of a tenant's name that a path escapes.
            let tenant = TenantId::new(&tenant.as_ref().replace("%2A", "*"));
            let Some((tenant, version)) = tenant.ok().zip(version_in(file.as_ref())) else {
                continue;
            };
            let newest = versions.entry(tenant).or_insert(version);
            *newest = version.max(*newest);
        }
        Ok(versions)
    }

    /// What a tenant has set.
    pub(super) async fn get(&self, tenant: &TenantId) -> Result<Versioned, OverridesError> {
        let mut tries = 1;
        loop {
            let newest = self.newest(tenant).await?;
            if newest == NEW {
                return Ok(Versioned { document: None, version: NEW });
            }
            match self.read(tenant, newest).await {
                // Many newer versions have come since it was listed.
                Err(OverridesError::Objects(Error::NotFound { .. })) if tries < READ_TRIES => {
                    tries += 1;
                }
                read => {
                    let document = read?;
                    return Ok(Versioned { document, version: newest });
                }
            }
        }
    }

    /// Sets everything, or nothing, in place of the given version; returns the new one.
    pub(super) async fn set(
        &self,
        tenant: &TenantId,
        document: Option<Value>,
        version: u64,
    ) -> Result<u64, OverridesError> {
        let current = self.get(tenant).await?;
        let differs = |found| OverridesError::Version { expected: version.to_string(), found };
        // What was deleted does not exist, as what never was.
        let creates = version == NEW && current.document.is_none();
        if !creates && current.version != version {
            return Err(differs(Some(current.version)));
        }
        if document.is_none() && current.document.is_none() {
            return Err(OverridesError::Absent);
        }
        let next = current.version + 1;
        let body = serde_json::to_vec(&Stored { document }).expect("a document is JSON");
        let put = self.0.put_opts(&path(tenant, next), body.into(), PutMode::Create.into()).await;
        match put {
            Ok(_) => {}
            Err(Error::AlreadyExists { .. }) => return Err(differs(None)),
            Err(error) => return Err(error.into()),
        }
        self.forget(tenant, next).await;
        Ok(next)
    }

    /// Deletes versions that nobody looks at any more. What fails is done the next time.
    async fn forget(&self, tenant: &TenantId, newest: u64) {
        let Some(old) = newest.checked_sub(KEPT_VERSIONS) else { return };
        if let Err(error) = self.0.delete(&path(tenant, old)).await
            && !matches!(error, Error::NotFound { .. })
        {
            tracing::warn!(%error, "an old version of overrides was not deleted");
        }
    }

    async fn newest(&self, tenant: &TenantId) -> Result<u64, OverridesError> {
        let folder = Path::from(ROOT).join(tenant.as_str());
        let mut listed = self.0.list(Some(&folder));
        let mut newest = NEW;
        while let Some(object) = listed.try_next().await? {
            newest = newest.max(object.location.filename().and_then(version_in).unwrap_or(NEW));
        }
        Ok(newest)
    }

    async fn read(&self, tenant: &TenantId, version: u64) -> Result<Option<Value>, OverridesError> {
        let path = path(tenant, version);
        let bytes = self.0.get(&path).await?.bytes().await?;
        let stored: Stored = serde_json::from_slice(&bytes)
            .map_err(|source| OverridesError::Damaged { path: path.to_string(), source })?;
        Ok(stored.document)
    }
}

/// The version that a file holds.
fn version_in(file: &str) -> Option<u64> {
    file.strip_suffix(".json")?.parse().ok()
}

fn path(tenant: &TenantId, version: u64) -> Path {
    Path::from(ROOT).join(tenant.as_str()).join(format!("{version:020}.json"))
}

#[cfg(test)]
mod tests {
    use object_store::PutPayload;
    use object_store::memory::InMemory;
    use serde_json::json;

    use super::*;

    fn tenant() -> TenantId {
        TenantId::new("team-*").unwrap()
    }

    #[tokio::test]
    async fn versions_follow_each_other() {
        let store = OverridesStore::new(Arc::new(InMemory::new()));
        let tenant = tenant();
        assert_eq!(store.get(&tenant).await.unwrap().version, NEW);
        let set = async |n: u64, version| store.set(&tenant, Some(json!(n)), version).await;
        assert_eq!(set(1, 0).await.unwrap(), 1);
        assert!(matches!(set(2, 0).await, Err(OverridesError::Version { found: Some(1), .. })));
        assert_eq!(set(2, 1).await.unwrap(), 2);
        assert_eq!(
            store.get(&tenant).await.unwrap(),
            Versioned { document: Some(json!(2)), version: 2 }
        );
        assert_eq!(store.set(&tenant, None, 2).await.unwrap(), 3);
        assert_eq!(store.get(&tenant).await.unwrap().document, None);
        assert!(matches!(store.set(&tenant, None, 3).await, Err(OverridesError::Absent)));
        // What is gone may be created again, as if it had never been.
        assert_eq!(set(4, 0).await.unwrap(), 4);
        assert_eq!(store.versions().await.unwrap(), [(tenant, 4)].into());
    }

    #[tokio::test]
    async fn of_writers_at_the_same_time_one_wins() {
        let store = OverridesStore::new(Arc::new(InMemory::new()));
        let tenant = tenant();
        let writers = (0..8).map(|n| store.set(&tenant, Some(json!(n)), NEW));
        let results = futures::future::join_all(writers).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    }

    #[tokio::test]
    async fn old_versions_are_forgotten() {
        let objects = Arc::new(InMemory::new());
        let store = OverridesStore::new(Arc::clone(&objects) as _);
        for version in 0..KEPT_VERSIONS + 5 {
            store.set(&tenant(), Some(json!(version)), version).await.unwrap();
        }
        let listed: Vec<_> = objects.list(None).try_collect().await.unwrap();
        assert_eq!(listed.len() as u64, KEPT_VERSIONS);
    }

    #[tokio::test]
    async fn damage_is_told() {
        let objects = Arc::new(InMemory::new());
        objects.put(&path(&tenant(), 1), PutPayload::from_static(b"{")).await.unwrap();
        let read = OverridesStore::new(objects).get(&tenant()).await;
        assert!(matches!(read, Err(OverridesError::Damaged { .. })));
    }
}
