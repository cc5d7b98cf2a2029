//! Where links are kept: beside the blocks, each in an object of its own, those with a name apart.
//!
//! ```text
//! links/<tenant>/<short>.json          {"path": "/search?q=...", "name": null, "createdUnixNanos": 17...}
//! links/<tenant>/saved/<short>.json    the same, with a name
//! ```
//!
//! The short text is a hash of what is kept, so that keeping the same again changes nothing. It is put only if no
//! object has its name; when another link has it, the hash is taken with the next seed.

use std::fmt;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode};
use serde::{Deserialize, Serialize};
use spandrel_model::TenantId;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const ROOT: &str = "links";
const SAVED: &str = "saved";
/// Links of a tenant without a name.
const UNNAMED_MAX: usize = 10_000;
/// Links of a tenant with a name: all of them are read to be listed.
const NAMED_MAX: usize = 200;
/// Seeds that are tried; that two links of a tenant have the same hash is as good as impossible by chance.
const SEEDS: u64 = 4;
/// Objects that are read at the same time.
const READ_AT_ONCE: usize = 16;
/// Digits and letters that nobody takes for one another.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 50 bits.
const SHORT_LENGTH: usize = 10;

/// Why links cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinksError {
    /// There is no such link.
    #[error("there is no such short link")]
    Absent,
    /// The tenant has as many as it may.
    #[error("the tenant has {0} such links, which is the most; delete one first")]
    Full(usize),
    /// The object store fails.
    #[error("cannot access the links of the tenant")]
    Objects(#[from] Error),
    /// What is stored is not what was written.
    #[error("a stored link is damaged")]
    Damaged(#[source] serde_json::Error),
}

/// What follows `/s/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Short(String);

impl Short {
    /// `None` when no link can have it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_short =
            text.len() == SHORT_LENGTH && text.bytes().all(|byte| DIGITS.contains(&byte));
        is_short.then(|| Self(text.to_owned()))
    }

    fn of(link: &Link, seed: u64) -> Self {
        let name = link.name.as_deref().unwrap_or_default();
        let hash = xxh3_64_with_seed(format!("{}\n{name}", link.path).as_bytes(), seed);
        let digit = |place: usize| {
            let at = usize::try_from((hash >> (5 * place)) & 31).unwrap_or_default();
            char::from(DIGITS[at])
        };
        Self((0..SHORT_LENGTH).map(digit).collect())
    }
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address of the interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Link {
    /// Path and query.
    pub(super) path: String,
    pub(super) name: Option<String>,
    pub(super) created_unix_nanos: u64,
}

impl Link {
    fn leads_as(&self, other: &Self) -> bool {
        (&self.path, &self.name) == (&other.path, &other.name)
    }
}

/// The links of all tenants, in an object store. Clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct LinkStore(Arc<dyn ObjectStore>);

impl LinkStore {
    /// Links beside the blocks in this store.
    pub(crate) fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self(objects)
    }

    /// Keeps a link; one that is there already is returned as it is.
    pub(super) async fn create(
        &self,
        tenant: &TenantId,
        link: Link,
    ) -> Result<(Short, Link), LinksError> {
        let is_named = link.name.is_some();
        for seed in 0..SEEDS {
            let short = Short::of(&link, seed);
            let path = path(tenant, &short, is_named);
            match self.read(&path).await? {
                Some(there) if there.leads_as(&link) => return Ok((short, there)),
                Some(_) => continue,
                None => {}
            }
            self.check_room(tenant, is_named).await?;
            let body = serde_json::to_vec(&link).expect("text and numbers are JSON");
            match self.0.put_opts(&path, body.into(), PutMode::Create.into()).await {
                Ok(_) => return Ok((short, link)),
                // Somebody was faster, most likely with the same link.
                Err(Error::AlreadyExists { .. }) => match self.read(&path).await? {
                    Some(there) if there.leads_as(&link) => return Ok((short, there)),
                    _ => {}
                },
                Err(error) => return Err(error.into()),
            }
        }
        Err(LinksError::Full(most(is_named)))
    }

    /// The link of a short text.
    pub(super) async fn get(
        &self,
        tenant: &TenantId,
        short: &Short,
    ) -> Result<Option<Link>, LinksError> {
        match self.read(&path(tenant, short, false)).await? {
            Some(link) => Ok(Some(link)),
            None => self.read(&path(tenant, short, true)).await,
        }
    }

    /// Links with a name, the latest first.
    pub(super) async fn saved(&self, tenant: &TenantId) -> Result<Vec<(Short, Link)>, LinksError> {
        let shorts = self.shorts(tenant, true).await?;
        let read = shorts.into_iter().map(async |short| {
            match self.read(&path(tenant, &short, true)).await {
                // The others are still to be had; this one can be deleted.
                Err(error @ LinksError::Damaged(_)) => {
                    tracing::warn!(%tenant, %short, %error, "a short link is left out");
                    Ok(None)
                }
                link => link.map(|link| link.map(|link| (short, link))),
            }
        });
        let read = futures::stream::iter(read).buffered(READ_AT_ONCE);
        // One that was deleted meanwhile is none.
        let found: Vec<Option<(Short, Link)>> = read.try_collect().await?;
        let mut found: Vec<(Short, Link)> = found.into_iter().flatten().collect();
        found.sort_by(|(_, a), (_, b)| {
            b.created_unix_nanos.cmp(&a.created_unix_nanos).then_with(|| a.name.cmp(&b.name))
        });
        Ok(found)
    }

    /// Deletes a link.
    pub(super) async fn delete(&self, tenant: &TenantId, short: &Short) -> Result<(), LinksError> {
        let mut is_there = false;
        for is_named in [false, true] {
            let path = path(tenant, short, is_named);
            match self.0.head(&path).await {
                Ok(_) => {
                    is_there = true;
                    self.0.delete(&path).await?;
                }
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if is_there { Ok(()) } else { Err(LinksError::Absent) }
    }

    async fn check_room(&self, tenant: &TenantId, is_named: bool) -> Result<(), LinksError> {
        let n_max = most(is_named);
        let has_room = self.shorts(tenant, is_named).await?.len() < n_max;
        if has_room { Ok(()) } else { Err(LinksError::Full(n_max)) }
    }

    /// The short texts of a tenant's links of one kind; not many more than there may be.
    async fn shorts(&self, tenant: &TenantId, is_named: bool) -> Result<Vec<Short>, LinksError> {
        let folder = folder(tenant, is_named);
        let depth = folder.parts().count() + 1;
        let mut listed = self.0.list(Some(&folder));
        let mut shorts = Vec::new();
        while let Some(object) = listed.try_next().await? {
            let file =
                object.location.filename().filter(|_| object.location.parts().count() == depth);
            shorts.extend(file.and_then(|file| Short::parse(file.strip_suffix(".json")?)));
            if shorts.len() >= most(is_named) {
                break;
            }
        }
        Ok(shorts)
    }

    async fn read(&self, path: &Path) -> Result<Option<Link>, LinksError> {
        let bytes = match self.0.get(path).await {
            Ok(found) => found.bytes().await?,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(LinksError::Damaged)
    }
}

fn most(is_named: bool) -> usize {
    if is_named { NAMED_MAX } else { UNNAMED_MAX }
}

fn folder(tenant: &TenantId, is_named: bool) -> Path {
    let folder = Path::from(ROOT).join(tenant.as_str());
    if is_named { folder.join(SAVED) } else { folder }
}

fn path(tenant: &TenantId, short: &Short, is_named: bool) -> Path {
    folder(tenant, is_named).join(format!("{short}.json"))
}

#[cfg(test)]
mod tests {
    use object_store::PutPayload;
    use object_store::memory::InMemory;

    use super::*;

    fn link(path: &str, name: Option<&str>) -> Link {
        Link { path: path.to_owned(), name: name.map(str::to_owned), created_unix_nanos: 7 }
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[tokio::test]
    async fn the_same_link_is_kept_once() {
        let store = LinkStore::new(Arc::new(InMemory::new()));
        let own = tenant("team-*");
        let (short, kept) = store.create(&own, link("/map", None)).await.unwrap();
        assert_eq!(Short::parse(&short.to_string()), Some(short.clone()));
        let again = Link { created_unix_nanos: 8, ..link("/map", None) };
        assert_eq!(store.create(&own, again).await.unwrap(), (short.clone(), kept.clone()));
        let (named, _) = store.create(&own, link("/map", Some("the map"))).await.unwrap();
        assert_ne!(named, short);
        assert_eq!(store.get(&own, &short).await.unwrap(), Some(kept));
        assert_eq!(store.get(&tenant("team-b"), &short).await.unwrap(), None);
        assert_eq!(store.saved(&own).await.unwrap(), [(named, link("/map", Some("the map")))]);
    }

    #[tokio::test]
    async fn another_link_with_the_same_hash_gets_another_text() {
        let objects = Arc::new(InMemory::new());
        let store = LinkStore::new(Arc::clone(&objects) as _);
        let own = tenant("a");
        let wanted = link("/map", None);
        let taken = path(&own, &Short::of(&wanted, 0), false);
        let other = serde_json::to_vec(&link("/search", None)).unwrap();
        objects.put(&taken, PutPayload::from(other)).await.unwrap();
        let (short, _) = store.create(&own, wanted.clone()).await.unwrap();
        assert_eq!(short, Short::of(&wanted, 1));
        assert_eq!(store.get(&own, &short).await.unwrap(), Some(wanted));
    }

    #[tokio::test]
    async fn what_is_full_takes_what_it_has_and_nothing_else() {
        let store = LinkStore::new(Arc::new(InMemory::new()));
        let own = tenant("a");
        let named = async |n: usize| store.create(&own, link("/map", Some(&n.to_string()))).await;
        for n in 0..NAMED_MAX {
            named(n).await.unwrap();
        }
        assert!(matches!(named(NAMED_MAX).await, Err(LinksError::Full(NAMED_MAX))));
        let (short, _) = named(3).await.unwrap();
        store.create(&tenant("b"), link("/map", Some("x"))).await.unwrap();
        store.create(&own, link("/map", None)).await.unwrap();
        store.delete(&own, &short).await.unwrap();
        assert!(matches!(store.delete(&own, &short).await, Err(LinksError::Absent)));
        named(NAMED_MAX).await.unwrap();
    }

    #[tokio::test]
    async fn damage_is_told_and_is_in_the_way_of_no_other() {
        let objects = Arc::new(InMemory::new());
        let (store, own) = (LinkStore::new(Arc::clone(&objects) as _), tenant("a"));
        let (_, whole) = store.create(&own, link("/search", Some("whole"))).await.unwrap();
        let (short, _) = store.create(&own, link("/map", Some("damaged"))).await.unwrap();
        let path = path(&own, &short, true);
        objects.put(&path, PutPayload::from_static(b"{")).await.unwrap();
        assert!(matches!(store.get(&own, &short).await, Err(LinksError::Damaged(_))));
        let saved: Vec<Link> =
            store.saved(&own).await.unwrap().into_iter().map(|(_, link)| link).collect();
        assert_eq!(saved, [whole]);
        store.delete(&own, &short).await.unwrap();
        assert_eq!(store.get(&own, &short).await.unwrap(), None);
    }
}
