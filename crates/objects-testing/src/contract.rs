//! What the program relies on in every store.
//!
//! Each function is one check on an empty store, and panics when the store fails it. [`store_contract`] makes
//! a test of each. The checks ask for no more than all backends can give: a copy that must not
//! overwrite, or an update under a condition, is not among it.

#![expect(
    clippy::missing_panics_doc,
    reason = "a check panics when the store fails it, as said above"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload,
};

/// A store to check.
pub type Store = Arc<dyn ObjectStore>;

/// Makes a test of each check.
///
/// `store_contract!(on_disk, disk_store())` makes a module `on_disk` of tests, each with a store of its own;
/// the expression is evaluated in an async function beside the module and gives a [`Store`] and something to
/// keep alive.
#[macro_export]
macro_rules! store_contract {
    ($backend:ident, $store:expr) => {
        $crate::store_contract!(
            $backend, $store;
            an_object_is_what_was_put_last,
            ranges_are_exact,
            no_bytes_are_an_object,
            what_is_not_there_is_not_found,
            listings_show_what_is_there,
            a_listing_is_longer_than_a_page,
            of_many_creators_one_wins,
            parts_become_an_object_at_once,
            an_aborted_upload_leaves_nothing,
            prefixes_keep_to_themselves,
            odd_names_are_names,
            copies_and_renames,
            many_are_deleted_at_once,
        );
    };
    ($backend:ident, $store:expr; $($check:ident),+ $(,)?) => {
        mod $backend {
            use super::*;
            $(
                #[tokio::test]
                async fn $check() {
                    let (store, _alive) = $store;
                    $crate::contract::$check(store).await;
                }
            )+
        }
    };
}

async fn read(store: &Store, path: &Path) -> Bytes {
    store.get(path).await.expect("it is there").bytes().await.expect("it can be read")
}

async fn names(store: &Store, prefix: Option<&Path>) -> BTreeSet<String> {
    let listed = store.list(prefix).map_ok(|meta| meta.location.to_string());
    listed.try_collect().await.expect("it can be listed")
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// A put is visible when it returns, and replaces what was there.
pub async fn an_object_is_what_was_put_last(store: Store) {
    let path = Path::from("tenants/a/blocks/one.parquet");
    for content in ["first", "second, and longer", "3"] {
        store.put(&path, content.into()).await.expect("a put");
        assert_eq!(read(&store, &path).await, content);
        let head = store.head(&path).await.expect("a head");
        assert_eq!((head.location, head.size), (path.clone(), content.len() as u64));
    }
    let several =
        PutPayload::from_iter([Bytes::from_static(b"in "), Bytes::from_static(b"pieces")]);
    store.put(&path, several).await.expect("a put");
    assert_eq!(read(&store, &path).await, "in pieces");
}

/// Ranges that begin somewhere (Azure knows no others) give the bytes that they name, as far as the object goes.
pub async fn ranges_are_exact(store: Store) {
    let path = Path::from("tenants/a/blocks/one.parquet");
    let content: Bytes = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
    store.put(&path, content.clone().into()).await.expect("a put");
    for range in [0..1, 0..100_000, 50_000..50_010, 99_999..100_000] {
        let got = store.get_range(&path, range.clone()).await.expect("a range");
        assert_eq!(got, content.slice(range.start as usize..range.end as usize), "{range:?}");
    }
    assert_eq!(store.get_range(&path, 99_990..200_000).await.expect("an end"), content[99_990..]);
    assert!(store.get_range(&path, 100_000..100_001).await.is_err());

    let kinds = [(GetRange::Offset(99_000), 99_000..100_000), (GetRange::Bounded(5..10), 5..10)];
    for (range, expected) in kinds {
        let options = GetOptions { range: Some(range), ..GetOptions::default() };
        let result = store.get_opts(&path, options).await.expect("a range");
        assert_eq!((result.range.clone(), result.meta.size), (expected.clone(), 100_000));
        let bytes = result.bytes().await.expect("its bytes");
        assert_eq!(bytes, content.slice(expected.start as usize..expected.end as usize));
    }

    let ranges = [70_000..70_100, 10..20, 15..30, 70_100..70_101, 0..100_000];
    let got = store.get_ranges(&path, &ranges).await.expect("ranges");
    for (range, got) in ranges.iter().zip(got) {
        assert_eq!(got, content.slice(range.start as usize..range.end as usize), "{range:?}");
    }
    assert_eq!(store.get_ranges(&path, &[]).await.expect("no ranges"), Vec::<Bytes>::new());
}

/// An object may be empty.
pub async fn no_bytes_are_an_object(store: Store) {
    let path = Path::from("empty");
    store.put(&path, PutPayload::new()).await.expect("a put");
    assert_eq!(read(&store, &path).await, "");
    assert_eq!(store.head(&path).await.expect("a head").size, 0);
    assert_eq!(names(&store, None).await, set(["empty"]));
}

/// An absent object is told from any other trouble.
pub async fn what_is_not_there_is_not_found(store: Store) {
    store.put(&Path::from("a/b"), "x".into()).await.expect("a put");
    for path in ["absent", "a/absent"].map(Path::from) {
        let got = store.get(&path).await;
        assert!(matches!(got, Err(Error::NotFound { .. })), "{path}: {got:?}");
        let head = store.head(&path).await;
        assert!(matches!(head, Err(Error::NotFound { .. })), "{path}: {head:?}");
        let range = store.get_range(&path, 0..1).await;
        assert!(matches!(range, Err(Error::NotFound { .. })), "{path}: {range:?}");
    }
    // Stores differ in whether they say so.
    let deleted = store.delete(&Path::from("absent")).await;
    assert!(matches!(deleted, Ok(()) | Err(Error::NotFound { .. })), "{deleted:?}");
    assert_eq!(names(&store, Some(&Path::from("absent"))).await, set([]));
}

/// A listing shows every object below a prefix of whole names as soon as it is put, and not after it
/// is deleted.
pub async fn listings_show_what_is_there(store: Store) {
    for name in ["a/1", "a/2", "a/b/3", "ab/4", "5"] {
        store.put(&Path::from(name), name.into()).await.expect("a put");
    }
    assert_eq!(names(&store, None).await, set(["a/1", "a/2", "a/b/3", "ab/4", "5"]));
    let a = Path::from("a");
    assert_eq!(names(&store, Some(&a)).await, set(["a/1", "a/2", "a/b/3"]));

    let shallow = store.list_with_delimiter(Some(&a)).await.expect("a listing");
    let objects: BTreeSet<_> =
        shallow.objects.iter().map(|meta| (meta.location.to_string(), meta.size)).collect();
    assert_eq!(objects, BTreeSet::from([("a/1".to_owned(), 3), ("a/2".to_owned(), 3)]));
    assert_eq!(shallow.common_prefixes, [Path::from("a/b")]);

    let behind = store.list_with_offset(Some(&a), &Path::from("a/1"));
    let behind: BTreeSet<String> =
        behind.map_ok(|meta| meta.location.to_string()).try_collect().await.expect("a listing");
    assert_eq!(behind, set(["a/2", "a/b/3"]));

    store.delete(&Path::from("a/1")).await.expect("a delete");
    store.delete(&Path::from("a/b/3")).await.expect("a delete");
    assert_eq!(names(&store, Some(&a)).await, set(["a/2"]));
    let shallow = store.list_with_delimiter(Some(&Path::from("a/b"))).await.expect("a listing");
    assert_eq!(shallow.objects.len(), 0);
}

/// Stores list a thousand objects at a time.
pub async fn a_listing_is_longer_than_a_page(store: Store) {
    let put = |i: u32| {
        let store = Arc::clone(&store);
        async move { store.put(&Path::from(format!("many/{i:04}")), "x".into()).await }
    };
    let puts = stream::iter((0..1_003).map(put)).buffered(16);
    puts.try_collect::<Vec<_>>().await.expect("all puts");
    assert_eq!(names(&store, Some(&Path::from("many"))).await.len(), 1_003);
    let shallow = store.list_with_delimiter(Some(&Path::from("many"))).await.expect("a listing");
    assert_eq!(shallow.objects.len(), 1_003);
}

/// Of several writers that create one object, one succeeds and the others learn that they did not; the
/// content is that of the winner. Commits of the catalogue rest on this.
pub async fn of_many_creators_one_wins(store: Store) {
    const WRITERS: u8 = 8;
    for round in 0..10 {
        let path = Path::from(format!("_delta_log/{round:020}.json"));
        let create = |writer: u8| {
            let (store, path) = (Arc::clone(&store), path.clone());
            async move {
                let content = PutPayload::from(vec![writer; 1_000]);
                store.put_opts(&path, content, PutMode::Create.into()).await
            }
        };
        let outcomes = join_all((0..WRITERS).map(create)).await;
        let winners: Vec<_> =
            (0..WRITERS).zip(&outcomes).filter(|(_, put)| put.is_ok()).map(|(w, _)| w).collect();
        let [winner] = winners[..] else { panic!("round {round}: {winners:?} all won") };
        for outcome in outcomes.iter().filter(|put| put.is_err()) {
            assert!(matches!(outcome, Err(Error::AlreadyExists { .. })), "{outcome:?}");
        }
        assert_eq!(read(&store, &path).await, vec![winner; 1_000]);
        let late = store.put_opts(&path, "late".into(), PutMode::Create.into()).await;
        assert!(matches!(late, Err(Error::AlreadyExists { .. })), "{late:?}");
        assert_eq!(read(&store, &path).await.len(), 1_000);
    }
}

/// The parts of an upload are nothing until it is completed, and then one object in their order.
pub async fn parts_become_an_object_at_once(store: Store) {
    const PART: usize = 5 << 20;
    let path = Path::from("tenants/a/blocks/large.parquet");
    store.put(&path, "before".into()).await.expect("a put");
    let mut upload = store.put_multipart(&path).await.expect("an upload");
    let part = |fill: u8, length: usize| PutPayload::from(vec![fill; length]);
    let parts = [upload.put_part(part(1, PART)), upload.put_part(part(2, PART))];
    let last = upload.put_part(part(3, 10));
    last.await.expect("a part");
    for part in join_all(parts).await {
        part.expect("a part");
    }
    assert_eq!(read(&store, &path).await, "before");
    upload.complete().await.expect("an object");
    let content = read(&store, &path).await;
    let expected = [vec![1; PART], vec![2; PART], vec![3; 10]].concat();
    assert!(content == expected, "{} bytes of {}", content.len(), expected.len());
    assert_eq!(names(&store, None).await, set([path.as_ref()]));
}

/// What is given up is not there.
pub async fn an_aborted_upload_leaves_nothing(store: Store) {
    let path = Path::from("tenants/a/blocks/large.parquet");
    let mut upload = store.put_multipart(&path).await.expect("an upload");
    upload.put_part("half".into()).await.expect("a part");
    upload.abort().await.expect("an abort");
    assert_eq!(names(&store, None).await, set([]));
    let got = store.get(&path).await;
    assert!(matches!(got, Err(Error::NotFound { .. })), "{got:?}");
}

/// Two stores below different prefixes of one bucket do not see each other, whatever the prefixes are called.
pub async fn prefixes_keep_to_themselves(store: Store) {
    let path = Path::from("tenants/a/blocks/one.parquet");
    let prefixes = ["prod", "prod2", "pro", "tenants"];
    let below = |prefix: &str| -> Store { Arc::new(PrefixStore::new(Arc::clone(&store), prefix)) };
    for prefix in prefixes {
        below(prefix).put(&path, prefix.into()).await.expect("a put");
    }
    for prefix in prefixes {
        let store = below(prefix);
        assert_eq!(read(&store, &path).await, prefix);
        assert_eq!(names(&store, None).await, set([path.as_ref()]));
    }
    below("prod").delete(&path).await.expect("a delete");
    assert_eq!(names(&below("prod"), None).await, set([]));
    assert_eq!(read(&below("prod2"), &path).await, "prod2");
}

/// Names of tenants are odd, and come back as they were.
pub async fn odd_names_are_names(store: Store) {
    let names_in = [
        "with space",
        "50%20acme",
        "a+b=c&d",
        "caf\u{e9} \u{1f980}",
        "quote's \"double\"",
        "semi;colon,comma",
        "tilde~at@bang!",
        "..dots...",
        "hash#mark?",
        "[brackets]{braces}",
        "back\\slash|pipe",
    ];
    let long = "l".repeat(100);
    let mut expected = BTreeSet::new();
    for name in names_in.into_iter().chain([long.as_str()]) {
        let path = Path::from_iter(["tenants", name, "blocks"]).join("x.parquet");
        store.put(&path, name.to_owned().into()).await.expect("a put");
        assert_eq!(read(&store, &path).await, name);
        let directory = Path::from_iter(["tenants", name]);
        assert_eq!(names(&store, Some(&directory)).await, set([path.as_ref()]));
        expected.insert(path.to_string());
    }
    assert_eq!(names(&store, None).await, expected);
    for name in expected {
        let path = Path::parse(name).expect("it came from a path");
        store.delete(&path).await.expect("a delete");
    }
    assert_eq!(names(&store, None).await, set([]));
}

/// A copy leaves the source, a rename does not.
pub async fn copies_and_renames(store: Store) {
    let (a, b, c) = (Path::from("a"), Path::from("x/b"), Path::from("y z/c"));
    store.put(&a, "content".into()).await.expect("a put");
    store.copy(&a, &b).await.expect("a copy");
    store.rename(&a, &c).await.expect("a rename");
    assert_eq!(names(&store, None).await, set(["x/b", "y z/c"]));
    assert_eq!(
        (read(&store, &b).await, read(&store, &c).await),
        ("content".into(), "content".into())
    );
}

/// Vacuum deletes in bulk.
pub async fn many_are_deleted_at_once(store: Store) {
    let paths: Vec<_> = (0..30).map(|i| Path::from(format!("old/{i}"))).collect();
    for path in &paths {
        store.put(path, "x".into()).await.expect("a put");
    }
    store.put(&Path::from("kept"), "x".into()).await.expect("a put");
    let deleted = store.delete_stream(stream::iter(paths.clone().into_iter().map(Ok)).boxed());
    let deleted: BTreeSet<Path> = deleted.try_collect().await.expect("all deletes");
    assert_eq!(deleted, paths.into_iter().collect());
    assert_eq!(names(&store, None).await, set(["kept"]));
}
