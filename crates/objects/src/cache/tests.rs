//! The cache against a store that counts: what is asked for, what is kept, what survives.

use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt as _, PutMode};
use spandrel_objects_testing::LatencyStore;
use spandrel_telemetry::{CacheResult, Metrics};
use tempfile::TempDir;

use super::*;

const CHUNK: u64 = 1_000;

struct Fixture {
    dir: TempDir,
    store: Arc<LatencyStore>,
    metrics: Metrics,
}

impl Fixture {
    fn new() -> Self {
        let store = LatencyStore::new(Arc::new(InMemory::new()));
        Self { dir: TempDir::new().unwrap(), store: Arc::new(store), metrics: Metrics::new() }
    }

    async fn cache(&self, bytes_max: u64) -> CachedStore {
        let mut options = CacheOptions::new(self.dir.path().join("cache"), bytes_max);
        options.chunk_bytes = CHUNK as u32;
        let inner = Arc::clone(&self.store) as Arc<dyn ObjectStore>;
        CachedStore::open(inner, "test", &options, self.metrics.objects().cache.clone())
            .await
            .unwrap()
    }

    fn requests(&self) -> u64 {
        self.store.take_counts().requests
    }

    fn lookups(&self, result: CacheResult) -> u64 {
        self.metrics.objects().cache.lookups.get(&result)
    }

    fn files(&self) -> Vec<std::path::PathBuf> {
        let files = std::fs::read_dir(self.dir.path().join("cache")).unwrap();
        let files = files.map(|entry| entry.unwrap().path());
        files.filter(|path| path.file_name().unwrap() != "LOCK").collect()
    }
}

fn block(name: &str) -> Path {
    Path::from(format!("tenants/a/blocks/{name}.parquet"))
}

fn content(length: u64, seed: u64) -> Bytes {
    (0..length).map(|i| (i.wrapping_mul(31).wrapping_add(seed) >> 2) as u8).collect()
}

#[tokio::test(start_paused = true)]
async fn a_second_read_asks_for_nothing_also_after_a_restart() {
    let fixture = Fixture::new();
    let (path, bytes) = (block("one"), content(10_500, 1));
    fixture.store.put(&path, bytes.clone().into()).await.unwrap();
    let cache = fixture.cache(1 << 20).await;
    fixture.requests();

    let tail = cache.get_range(&path, 9_300..10_500).await.unwrap();
    assert_eq!((tail, fixture.requests()), (bytes.slice(9_300..), 1));
    cache.settle().await;
    let again = cache.get_range(&path, 9_000..10_499).await.unwrap();
    assert_eq!((again, fixture.requests()), (bytes.slice(9_000..10_499), 0));

    // Three pieces that lie apart are one round, two requests besides what is known.
    let ranges = [100..200, 5_500..7_200, 9_999..10_001];
    let got = cache.get_ranges(&path, &ranges).await.unwrap();
    let expected: Vec<_> =
        ranges.iter().map(|range| bytes.slice(range.start as usize..range.end as usize)).collect();
    assert_eq!(got, expected);
    let counts = fixture.store.take_counts();
    assert_eq!((counts.requests, counts.rounds), (2, 1));
    cache.settle().await;
    drop(cache);

    let cache = fixture.cache(1 << 20).await;
    assert_eq!(cache.get_ranges(&path, &ranges).await.unwrap(), expected);
    let result = cache
        .get_opts(&path, GetOptions { range: Some((100..200).into()), ..Default::default() })
        .await
        .unwrap();
    let head = cache.head(&path).await.unwrap();
    assert_eq!((result.range.clone(), &result.meta), (100..200, &head));
    assert_eq!(fixture.requests(), 1, "the head");
}

#[tokio::test(start_paused = true)]
async fn beyond_the_end_is_what_the_store_says() {
    let fixture = Fixture::new();
    let (path, bytes) = (block("one"), content(2_500, 1));
    fixture.store.put(&path, bytes.clone().into()).await.unwrap();
    let cache = fixture.cache(1 << 20).await;
    for _ in 0..2 {
        let over = cache.get_range(&path, 1_900..30_000_000).await.unwrap();
        assert_eq!(over, bytes.slice(1_900..));
        assert!(cache.get_range(&path, 2_500..2_600).await.is_err());
        assert!(cache.get_range(&path, 9_500..9_600).await.is_err());
        cache.settle().await;
    }
    let missing = cache.get_range(&block("two"), 0..10).await;
    assert!(matches!(missing, Err(object_store::Error::NotFound { .. })), "{missing:?}");
}

#[tokio::test(start_paused = true)]
async fn only_blocks_are_kept_and_never_beyond_a_change() {
    let fixture = Fixture::new();
    let cache = fixture.cache(1 << 20).await;
    let changing = [
        "tenants/a/_delta_log/00000000000000000001.json",
        "tenants/blocks/_delta_log/00000000000000000064.checkpoint.parquet",
        "tenants/a/blocks/one.parquet.tmp",
        "tenants/a/one.parquet",
    ];
    for path in changing.map(Path::from) {
        for content in ["old!", "new!"] {
            cache.put(&path, content.into()).await.unwrap();
            assert_eq!(cache.get_range(&path, 0..4).await.unwrap(), content);
            cache.settle().await;
        }
    }
    assert_eq!(fixture.files(), Vec::<std::path::PathBuf>::new());

    let (path, other) = (block("one"), block("two"));
    cache.put(&path, content(50, 1).into()).await.unwrap();
    cache.put(&other, content(50, 2).into()).await.unwrap();
    for seed in 3..6 {
        cache.get_range(&path, 0..50).await.unwrap();
        cache.settle().await;
        assert_eq!(fixture.files().len(), 1);
        match seed {
            3 => drop(cache.put(&path, content(50, seed).into()).await.unwrap()),
            4 => cache.copy(&other, &path).await.unwrap(),
            _ => {
                let mut upload = cache.put_multipart(&path).await.unwrap();
                upload.put_part(content(50, seed).into()).await.unwrap();
                cache.get_range(&path, 0..50).await.unwrap();
                upload.complete().await.unwrap();
            }
        }
        let expected = content(50, if seed == 4 { 2 } else { seed });
        assert_eq!(cache.get_range(&path, 0..50).await.unwrap(), expected);
        cache.settle().await;
    }
    cache.delete(&path).await.unwrap();
    assert!(cache.get_range(&path, 0..50).await.is_err());
    let create = cache.put_opts(&other, "x".into(), PutMode::Create.into()).await;
    assert!(matches!(create, Err(object_store::Error::AlreadyExists { .. })));
}

#[tokio::test(start_paused = true)]
async fn damage_is_a_miss_and_is_repaired() {
    let fixture = Fixture::new();
    let (path, bytes) = (block("one"), content(900, 1));
    fixture.store.put(&path, bytes.clone().into()).await.unwrap();
    let cache = fixture.cache(1 << 20).await;
    for damage in [&b"SPCHUNK1"[..], b"", b"SPCHUNK1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        cache.get_range(&path, 0..900).await.unwrap();
        cache.settle().await;
        let files = fixture.files();
        let [file] = &files[..] else { panic!("{files:?}") };
        spandrel_base::fs::replace(file, damage).unwrap();
        fixture.requests();
        assert_eq!(cache.get_range(&path, 0..900).await.unwrap(), bytes);
        assert_eq!(fixture.requests(), 1);
        cache.settle().await;
    }
    assert_eq!(fixture.lookups(CacheResult::Damaged), 3);
    std::fs::remove_file(&fixture.files()[0]).unwrap();
    assert_eq!(cache.get_range(&path, 0..900).await.unwrap(), bytes);
}

#[tokio::test(start_paused = true)]
async fn the_size_limit_holds_also_for_what_an_earlier_process_left() {
    let fixture = Fixture::new();
    let cache = fixture.cache(20 * CHUNK).await;
    let path = block("one");
    fixture.store.put(&path, content(100 * CHUNK, 1).into()).await.unwrap();
    for chunk in 0..100 {
        cache.get_range(&path, chunk * CHUNK..chunk * CHUNK + 1).await.unwrap();
        cache.settle().await;
    }
    let size = |fixture: &Fixture| -> u64 {
        fixture.files().iter().map(|file| file.metadata().unwrap().len()).sum()
    };
    let full = size(&fixture);
    assert!((15 * CHUNK..=20 * CHUNK).contains(&full), "{full}");
    assert_eq!(fixture.metrics.objects().cache.bytes.get(), full as i64);
    drop(cache);
    let cache = fixture.cache(5 * CHUNK).await;
    assert!(size(&fixture) <= 5 * CHUNK);
    assert_eq!(fixture.metrics.objects().cache.bytes.get(), size(&fixture) as i64);
    drop(cache);
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_cannot_be_written_is_no_error() {
    let fixture = Fixture::new();
    let (path, bytes) = (block("one"), content(900, 1));
    fixture.store.put(&path, bytes.clone().into()).await.unwrap();
    let cache = fixture.cache(1 << 20).await;
    // Works for root too, unlike permissions.
    std::fs::remove_dir_all(fixture.dir.path().join("cache")).unwrap();
    for _ in 0..2 {
        assert_eq!(cache.get_range(&path, 0..900).await.unwrap(), bytes);
        cache.settle().await;
    }
    assert_eq!(fixture.metrics.objects().cache.not_kept.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_directory_belongs_to_one_process_at_a_time() {
    let fixture = Fixture::new();
    let _cache = fixture.cache(1 << 20).await;
    let options = CacheOptions::new(fixture.dir.path().join("cache"), 1 << 20);
    let inner = Arc::clone(&fixture.store) as Arc<dyn ObjectStore>;
    let metrics = fixture.metrics.objects().cache.clone();
    let second = CachedStore::open(inner, "test", &options, metrics).await;
    assert!(matches!(second, Err(ObjectsError::Cache { .. })), "{second:?}");
}
