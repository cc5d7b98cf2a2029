//! Deletes the part of the log that a checkpoint has made superfluous.
//!
//! A commit every few seconds makes thousands of small files a day, and every listing pays for
//! them. Files that are older than [`LOG_RETENTION`] and than the newest checkpoint go, oldest
//! first; what a deletion that is cut short leaves behind goes next time.

use std::time::Duration;

use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore as _, ObjectStoreExt as _, Result};

use super::table::{LOG_DIR, Table};

/// How long a log file is kept after it was written; also the table property
/// `delta.logRetentionDuration`. A reader that follows the log must look more often than this.
pub(super) const LOG_RETENTION: Duration = Duration::from_secs(60 * 60);

/// Digits of the version with which the name of every log file begins.
const VERSION_DIGITS: usize = 20;

/// Deletes the old log files before `checkpoint`, a version with a checkpoint; returns how many.
pub(super) async fn remove_old_log_files(table: &Table, checkpoint: u64) -> Result<usize> {
    let now_millis = table.clock.now_unix_nanos() / 1_000_000;
    let retention_millis = u64::try_from(LOG_RETENTION.as_millis()).unwrap_or(u64::MAX);
    let newest_to_delete = now_millis.saturating_sub(retention_millis);
    let is_old = |file: &ObjectMeta| {
        u64::try_from(file.last_modified.timestamp_millis())
            .is_ok_and(|modified| modified <= newest_to_delete)
    };

    let files = table.store.list(Some(&Path::from(LOG_DIR)));
    let mut superfluous: Vec<Path> = files
        .try_filter(|file| {
            let before_checkpoint = version_of(&file.location).is_some_and(|v| v < checkpoint);
            std::future::ready(before_checkpoint && is_old(file))
        })
        .map_ok(|file| file.location)
        .try_collect()
        .await?;
    superfluous.sort_unstable();
    for path in &superfluous {
        table.store.delete(path).await?;
    }
    Ok(superfluous.len())
}

/// The version in the name of a commit, checksum or checkpoint directly in the log directory.
fn version_of(path: &Path) -> Option<u64> {
    if path.parts().count() != 2 {
        return None;
    }
    let (digits, rest) = path.filename()?.split_at_checked(VERSION_DIGITS)?;
    let is_log_file = [".json", ".crc", ".checkpoint.parquet"].contains(&rest);
    digits.parse().ok().filter(|_| is_log_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versioned_log_files_have_a_version() {
        let version = |path: &str| version_of(&Path::from(path));
        assert_eq!(version("_delta_log/00000000000000000042.json"), Some(42));
        assert_eq!(version("_delta_log/00000000000000000042.checkpoint.parquet"), Some(42));
        assert_eq!(version("_delta_log/_last_checkpoint"), None);
        assert_eq!(version("_delta_log/00000000000000000042.json.tmp"), None);
        assert_eq!(version("_delta_log/_sidecars/00000000000000000042.json"), None);
    }
}
