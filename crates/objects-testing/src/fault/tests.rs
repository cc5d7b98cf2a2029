//! Each fault does what it says, and chance repeats itself.

use futures::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::{ObjectStoreExt as _, PutMode};

use super::*;

fn store(seed: u64) -> (Arc<dyn ObjectStore>, FaultStore) {
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    (Arc::clone(&inner), FaultStore::new(inner, seed))
}

async fn content(store: &dyn ObjectStore, path: &Path) -> Option<String> {
    let bytes = store.get(path).await.ok()?.bytes().await.unwrap();
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn writes_fail_as_told() {
    let path = Path::from("blocks/a");
    for (fault, answer_is_ok, stored) in [
        (Fault::ErrorBefore, false, None),
        (Fault::ErrorAfter, false, Some("content")),
        (Fault::TimeoutBefore, false, None),
        (Fault::TimeoutAfter, false, Some("content")),
        (Fault::TornWrite, false, Some("con")),
        (Fault::DuplicatedWrite, true, Some("content")),
        (Fault::LostAcknowledgment, false, Some("content")),
    ] {
        let (inner, faulty) = store(1);
        faulty.inject(fault, "blocks/");
        assert!(faulty.put(&Path::from("else"), "x".into()).await.is_ok());
        let create = PutMode::Create.into();
        let put = faulty.put_opts(&path, "content".into(), create).await;
        assert_eq!(put.is_ok(), answer_is_ok, "{fault:?}: {put:?}");
        let is_taken = matches!(put, Err(Error::AlreadyExists { .. }));
        assert_eq!(is_taken, fault == Fault::LostAcknowledgment);
        assert_eq!(content(&*inner, &path).await.as_deref(), stored, "{fault:?}");
        let happened = Injected { fault, operation: Operation::Put, path: path.clone() };
        assert_eq!(faulty.injected(), [happened]);
        assert!(faulty.put(&path, "again".into()).await.is_ok());
    }
}

#[tokio::test]
async fn a_duplicate_arrives_late() {
    let (inner, faulty) = store(1);
    let path = Path::from("a");
    faulty.inject(Fault::DuplicatedWrite, "");
    faulty.put(&path, "old".into()).await.unwrap();
    faulty.put(&path, "new".into()).await.unwrap();
    for _ in 0..=DUPLICATE_WITHIN {
        faulty.head(&path).await.unwrap();
    }
    assert_eq!(content(&*inner, &path).await.as_deref(), Some("old"));
}

#[tokio::test]
async fn a_stale_listing_shows_the_past() {
    let (_inner, faulty) = store(1);
    let names = async |faulty: &FaultStore| {
        let listed = faulty.list(Some(&Path::from("d")));
        let names = listed.map_ok(|meta| meta.location.to_string());
        let mut names: Vec<String> = names.try_collect().await.unwrap();
        names.sort();
        names
    };
    for i in 0..STALE_WRITES + 2 {
        faulty.put(&Path::from(format!("d/{i}")), "x".into()).await.unwrap();
    }
    faulty.delete(&Path::from("d/0")).await.unwrap();
    faulty.inject(Fault::StaleList, "d");
    assert_eq!(names(&faulty).await, ["d/0", "d/1", "d/2"]);
    faulty.inject(Fault::StaleList, "d");
    let shallow = faulty.list_with_delimiter(Some(&Path::from("d"))).await.unwrap();
    assert_eq!(shallow.objects.len(), 3);
    assert_eq!(names(&faulty).await.len(), STALE_WRITES + 1);
}

#[tokio::test]
async fn a_store_that_is_down_does_nothing() {
    let (inner, faulty) = store(1);
    let path = Path::from("a");
    faulty.set_down(true);
    assert!(faulty.put(&path, "x".into()).await.is_err());
    assert!(faulty.put_multipart(&path).await.is_err());
    assert!(faulty.list(None).try_next().await.is_err());
    assert!(faulty.delete(&path).await.is_err());
    faulty.set_down(false);
    assert_eq!(content(&*inner, &path).await, None);
    assert!(faulty.put(&path, "x".into()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_meets_the_same_faults() {
    let run = async |seed: u64| {
        let (_inner, faulty) = store(seed);
        faulty.set_rates(FaultRates { torn_write: 50, stale_list: 50, ..FaultRates::cloud(50) });
        for i in 0..300 {
            let path = Path::from(format!("d/{}", i % 7));
            let _ = faulty.put(&path, "content".into()).await;
            let _ = faulty.get(&path).await;
            let _ = faulty.list_with_delimiter(None).await;
        }
        faulty.injected()
    };
    let first = run(7).await;
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
    for (fault, _) in FaultRates::default().each() {
        assert!(first.iter().any(|injected| injected.fault == fault), "{fault:?}");
    }
}
