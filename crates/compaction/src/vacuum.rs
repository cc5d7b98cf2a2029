//! Files that no catalogue entry names are deleted after a grace time.
//!
//! They are outputs of merges that lost a race, blocks of processes that died before their commit, and, most of
//! all, blocks that a merge or retention removed.
//!
//! # Safety
//! - The files are listed before the catalogue is read, so a file that is committed meanwhile is seen as such.
//! - A file is deleted when for the whole grace time it lay there, by its own date and by the time in its name,
//!   and this process has known it to be named by nobody. So a query that holds an older snapshot keeps its
//!   files for that long after their removal, and a writer has that long to commit what it wrote. After a
//!   restart the time starts anew.
//! - Only files named like blocks below `blocks/` are looked at.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use hashbrown::HashMap;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use spandrel_base::clock::Clock;
use spandrel_catalog::BlockId;

use crate::retention::nanos;
use crate::{CompactionError, TenantTable};

/// What is remembered of one tenant between two vacuums.
#[derive(Default)]
pub(crate) struct Vacuum {
    /// Since when a file is known to be named by no entry, in monotonic time.
    unnamed_since: HashMap<Path, Duration>,
}

impl Vacuum {
    /// Deletes what may go, and returns how many files that were.
    pub(crate) async fn run(
        &mut self,
        objects: &Arc<dyn ObjectStore>,
        table: &TenantTable,
        clock: &dyn Clock,
        grace: Duration,
    ) -> Result<u64, CompactionError> {
        let blocks = table.root.clone().join("blocks");
        let listed = objects.list(Some(&blocks)).try_filter_map(async |meta: ObjectMeta| {
            Ok(block_id(&meta.location).map(|id| (meta, id)))
        });
        let listed: Vec<_> =
            listed.try_collect().await.map_err(|source| failed("list", &blocks, source))?;
        let snapshot = table.catalog.snapshot().await?;
        let is_named = |id| snapshot.block(id).is_some() || table.snapshot.block(id).is_some();
        let (now, now_unix_nanos) = (clock.monotonic(), clock.now_unix_nanos());
        let unnamed = listed.into_iter().filter(|(_, id)| !is_named(*id));
        let unnamed: Vec<_> = unnamed
            .map(|(meta, id)| {
                let since = self.unnamed_since.get(&meta.location).copied().unwrap_or(now);
                (meta, id, since)
            })
            .collect();
        self.unnamed_since =
            unnamed.iter().map(|(meta, _, since)| (meta.location.clone(), *since)).collect();
        let is_old = |meta: &ObjectMeta, id: BlockId| {
            let written = modified_unix_nanos(meta).max(id.unix_nanos());
            written.saturating_add(nanos(grace)) <= now_unix_nanos
        };
        let mut deleted = 0;
        for (meta, id, since) in unnamed {
            if now.saturating_sub(since) < grace || !is_old(&meta, id) {
                continue;
            }
            let path = &meta.location;
            // Whoever writes it again is about to commit it.
            match objects.head(path).await {
                Ok(meta) if is_old(&meta, id) => {}
                Ok(_) | Err(object_store::Error::NotFound { .. }) => continue,
                Err(source) => return Err(failed("look at", path, source)),
            }
            match objects.delete(path).await {
                Ok(()) => deleted += 1,
                Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(failed("delete", path, source)),
            }
            self.unnamed_since.remove(path);
        }
        Ok(deleted)
    }
}

fn failed(operation: &'static str, path: &Path, source: object_store::Error) -> CompactionError {
    CompactionError::Objects { operation, path: path.to_string(), source }
}

/// The block whose file this is, if it is named exactly like one.
fn block_id(path: &Path) -> Option<BlockId> {
    let stem = path.filename()?.strip_suffix(".parquet")?;
    let id: BlockId = stem.parse().ok()?;
    (id.to_string() == stem).then_some(id)
}

fn modified_unix_nanos(meta: &ObjectMeta) -> u64 {
    let millis = u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0);
    millis.saturating_mul(1_000_000)
}
