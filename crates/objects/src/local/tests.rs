//! The store against its contract: conditional creation, hidden unfinished files, parts.

use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;

use super::*;

type TestResult = std::result::Result<(), Box<dyn std::error::Error>>;

fn store() -> std::result::Result<(tempfile::TempDir, SyncedLocalFileSystem), Error> {
    let dir = tempfile::tempdir().map_err(generic)?;
    let store = SyncedLocalFileSystem::new(dir.path().join("not/yet/there"))?;
    Ok((dir, store))
}

async fn listed(store: &SyncedLocalFileSystem) -> Result<Vec<String>> {
    let mut names: Vec<String> =
        store.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await?;
    names.sort();
    Ok(names)
}

#[tokio::test]
async fn only_one_of_many_creates_wins() -> TestResult {
    let (_dir, store) = store()?;
    let path = Path::from("_delta_log/00000000000000000000.json");
    let attempts = futures::future::join_all((0..8_u8).map(|writer| {
        let payload = PutPayload::from(vec![writer; 1000]);
        store.put_opts(&path, payload, PutMode::Create.into())
    }))
    .await;

    assert_eq!(attempts.iter().filter(|put| put.is_ok()).count(), 1);
    assert!(attempts.iter().all(|put| matches!(put, Ok(_) | Err(Error::AlreadyExists { .. }))));
    let content = store.get(&path).await?.bytes().await?;
    assert_eq!(content.len(), 1000);
    assert!(content.windows(2).all(|pair| pair.first() == pair.last()));
    Ok(())
}

#[tokio::test]
async fn overwrite_copy_rename_and_delete() -> TestResult {
    let (_dir, store) = store()?;
    let (a, b, c) = (Path::from("a"), Path::from("x/b"), Path::from("y/c"));
    store.put(&a, "one".into()).await?;
    store.put(&a, "two".into()).await?;
    store.copy(&a, &b).await?;
    store.rename(&a, &c).await?;
    assert_eq!(listed(&store).await?, ["x/b", "y/c"]);
    assert_eq!(store.get(&c).await?.bytes().await?, "two");
    assert!(store.copy_if_not_exists(&b, &c).await.is_err());
    store.delete(&b).await?;
    assert_eq!(listed(&store).await?, ["y/c"]);
    Ok(())
}

#[tokio::test]
async fn parts_may_finish_in_any_order() -> TestResult {
    let (_dir, store) = store()?;
    let path = Path::from("blocks/big.parquet");
    let mut upload = store.put_multipart(&path).await?;
    let first = upload.put_part("hello ".into());
    let second = upload.put_part("world".into());
    second.await?;
    assert_eq!(listed(&store).await?, Vec::<String>::new());
    first.await?;
    upload.complete().await?;
    assert!(upload.complete().await.is_err());
    assert_eq!(store.get(&path).await?.bytes().await?, "hello world");
    assert_eq!(listed(&store).await?, ["blocks/big.parquet"]);
    Ok(())
}

#[tokio::test]
async fn abandoned_uploads_leave_nothing() -> TestResult {
    let (dir, store) = store()?;
    let path = Path::from("blocks/big.parquet");
    let mut aborted = store.put_multipart(&path).await?;
    aborted.put_part("half".into()).await?;
    aborted.abort().await?;
    drop(store.put_multipart(&path).await?);
    let left = fs::read_dir(dir.path().join("not/yet/there/blocks"))?.count();
    assert_eq!(left, 0);
    Ok(())
}
