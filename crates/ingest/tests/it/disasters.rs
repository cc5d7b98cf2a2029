//! Damage to the data folder: what can be read is kept, nothing is invented, nothing is overlooked.

use std::io::Write as _;
use std::sync::Arc;

use object_store::path::Path;
use spandrel_catalog::{Catalog as _, Commit, DeltaCatalog};
use spandrel_ingest::{Store, StoreError};
use spandrel_model::TenantId;

use crate::TestResult;
use crate::fixture::{PATIENCE, Site, single};
use crate::requests::numbered;

fn overwrite(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::File::create(path)?.write_all(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_in_the_middle_costs_only_itself() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    for first in (0..100).step_by(10) {
        store.consume(numbered(first..first + 10)).await?;
    }
    drop(store);
    // Another start makes another segment: damage at the end of the last one would be a torn append.
    drop(site.open().await);
    let segment = site.wal_segments().remove(0);
    let mut bytes = std::fs::read(&segment)?;
    let at = bytes.len() / 2;
    bytes[at] ^= 0x40;
    overwrite(&segment, &bytes)?;

    let store = site.open().await;
    let numbers = store.numbers().await;
    assert_eq!(numbers.len(), 90);
    let lost: Vec<u64> = (0..100).filter(|number| !numbers.contains(number)).collect();
    assert_eq!(lost, (lost[0]..lost[0] + 10).collect::<Vec<_>>());
    assert_eq!(store.metrics.wal().corrupt_records.get(), 1);
    assert_eq!(std::fs::read_dir(site.wal_dir().join("corrupt"))?.count(), 1);
    // The rest of the log lives on.
    store.consume(numbered(100..110)).await?;
    assert!(store.flush().await);
    assert_eq!(store.counts().await, (0, 1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_end_is_cut() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    store.consume(numbered(0..10)).await?;
    store.consume(numbered(10..20)).await?;
    drop(store);
    let segment = site.wal_segments().remove(0);
    let bytes = std::fs::read(&segment)?;
    overwrite(&segment, &bytes[..bytes.len() - 5])?;
    let store = site.open().await;
    assert_eq!(store.numbers().await, (0..10).collect::<Vec<_>>());
    Ok(())
}

/// Numbers that the catalogue knows are given out again after the log lost its end.
#[tokio::test(flavor = "multi_thread")]
async fn after_the_log_lost_its_end_new_records_are_not_taken_for_old_ones() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    for first in (0..100).step_by(10) {
        store.consume(numbered(first..first + 10)).await?;
    }
    assert!(store.flush().await);
    store.store.shutdown(PATIENCE).await;
    drop(store);
    for segment in site.wal_segments() {
        std::fs::remove_file(segment)?;
    }

    let store = site.open().await;
    store.consume(numbered(100..110)).await?;
    drop(store);
    let store = site.open().await;
    assert_eq!(store.counts().await, (10, 1));
    assert!(store.flush().await);
    store.consume(numbered(110..120)).await?;
    drop(store);
    let store = site.open().await;
    assert_eq!(store.counts().await, (10, 2));
    assert_eq!(store.numbers().await, (0..120).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_names_of_the_log_nothing_is_lost() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    let other = TenantId::new("other")?;
    // The other tenant's record keeps the log from being truncated.
    store.consume_as(&other, numbered(1_000..1_010)).await?;
    store.consume(numbered(0..10)).await?;
    store.consume(numbered(10..20)).await?;
    drop(store);
    overwrite(&site.wal_dir().join("names"), b"garbage")?;
    let store = site.open().await;
    assert_eq!(store.numbers().await, (0..20).collect::<Vec<_>>());
    assert_eq!(store.numbers_of(&other).await, (1_000..1_010).collect::<Vec<_>>());
    Ok(())
}

/// Somebody else has committed under the name of this log.
#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_ahead_of_the_log_does_not_swallow_spans() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    store.consume(numbered(0..10)).await?;
    assert!(store.flush().await);
    store.consume(numbered(10..20)).await?;

    let names = std::fs::read_to_string(site.wal_dir().join("names"))?;
    let uuid = names.trim().split_once(' ').map_or("", |(_, uuid)| uuid);
    let catalog = DeltaCatalog::open(
        Arc::clone(&site.objects),
        Store::tenant_root(&single()),
        &[],
        Arc::clone(&site.clock),
    )
    .await?;
    let application_ids = vec![(format!("wal/{uuid}"), 1_000)];
    catalog.commit(Commit { application_ids, ..Commit::default() }).await?;

    assert!(store.flush().await);
    assert_eq!(store.counts().await, (0, 2));
    assert_eq!(store.numbers().await, (0..20).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_used_is_reported() -> TestResult {
    let mut site = Site::new();
    let file = site.dir.path().join("file");
    overwrite(&file, b"")?;
    site.options.wal_dir = file.join("wal");
    assert!(site.try_open().await.is_err());

    // Nothing can be created here, whoever asks.
    site.options.wal_dir = "/proc/spandrel".into();
    assert!(site.try_open().await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_store_at_a_time_has_the_log() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    assert!(matches!(site.try_open().await, Err(StoreError::Wal(_))));
    store.consume(numbered(0..10)).await?;
    drop(store);
    // Dropped without a shutdown, it lets go of it.
    assert_eq!(site.open().await.numbers().await, (0..10).collect::<Vec<_>>());
    assert_eq!(Store::tenant_root(&single()), Path::from("tenants/single-tenant"));
    Ok(())
}
