//! What a query says when it has no answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use spandrel_base::outcome::OutcomeCode;
use spandrel_block::schema::FORMAT_VERSION;
use spandrel_model::{Span, TenantId, TraceId};
use spandrel_query::{QueryError, QueryOptions, Search, SearchAnswer, TimeRange};

use crate::cases::span;
use crate::place::{Place, Placement};

fn search(query: &str) -> Search {
    let query = spandrel_traceql::compile(query).unwrap();
    Search::newest(query, TimeRange::ALL, 20, 3)
}

async fn ask(place: &Place, tenant: &TenantId, query: &str) -> Result<SearchAnswer, QueryError> {
    place.engine.search(tenant, &search(query)).await
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

fn spans() -> Vec<Span> {
    (1..200).map(|number| span(number, 1, None)).collect()
}

/// Path of the only block of a store.
async fn block_path(place: &Place) -> Path {
    let snapshot = place.store.snapshot(&TenantId::single()).await.unwrap();
    let catalog = snapshot.catalog.unwrap();
    let entry = catalog.blocks().next().unwrap();
    spandrel_ingest::Store::block_path(&TenantId::single(), entry)
}

#[tokio::test]
async fn queries_for_series_are_no_searches() {
    let place = Place::empty().await;
    let error = ask(&place, &TenantId::single(), "{} | rate()").await.unwrap_err();
    assert!(matches!(error, QueryError::NotExecuted("metrics queries")), "{error:?}");
    assert_eq!(error.code(), OutcomeCode::InvalidArgument);
    place.close().await;
}

#[tokio::test]
async fn a_division_by_zero_is_the_clients_fault() {
    for placement in Placement::ALL {
        let place = Place::with(&[spans()], placement).await;
        let tenant = TenantId::single();
        let error = ask(&place, &tenant, "{ .number / 0 = 1 }").await.unwrap_err();
        assert_eq!(error.to_string(), "integer division by zero");
        assert_eq!(error.code(), OutcomeCode::InvalidArgument);
        // What has been decided before is not computed.
        let answer = ask(&place, &tenant, "{ name = `gone` && .number / 0 = 1 }").await.unwrap();
        assert_eq!(answer.traces, []);
        place.close().await;
    }
}

#[tokio::test]
async fn a_damaged_block_is_named_and_concerns_its_tenant_only() {
    for (from_end, what) in [(0, "footer"), (20_000, "index"), (u64::MAX, "pages")] {
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let place = Place::over(Arc::clone(&objects), QueryOptions::default()).await;
        let neighbor = TenantId::new("neighbor").unwrap();
        place.send(&TenantId::single(), &spans()).await;
        place.send(&neighbor, &spans()).await;
        place.flush().await;
        let path = block_path(&place).await;
        let mut bytes = objects.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
        let n_bytes = bytes.len();
        let from_end = usize::try_from(from_end).unwrap_or(usize::MAX).min(n_bytes / 2);
        // Many bytes, so that whatever a reader looks at first is hit.
        let first = if what == "pages" { 4 } else { n_bytes.saturating_sub(from_end + 2_000) };
        let last = if what == "pages" { n_bytes / 2 } else { n_bytes - from_end };
        bytes[first..last].iter_mut().for_each(|byte| *byte ^= 0x5a);
        objects.put(&path, PutPayload::from(bytes)).await.unwrap();

        let error = ask(&place, &TenantId::single(), "{ name =~ `.*1` }").await.unwrap_err();
        assert!(error.to_string().contains(path.as_ref()), "{what}: {error}");
        assert_eq!(error.code(), OutcomeCode::Internal);
        let answer = ask(&place, &neighbor, "{ name =~ `.*1` }").await.unwrap();
        assert_eq!(answer.traces.len(), 20);
        place.close().await;
    }
}

#[tokio::test]
async fn a_block_that_is_gone_is_named() {
    let place = Place::with(&[spans()], Placement::OneBlock).await;
    let tenant = TenantId::single();
    let path = block_path(&place).await;
    let found = ask(&place, &tenant, "{}").await.unwrap();
    assert_eq!(found.traces.len(), 20);
    place.objects.delete(&path).await.unwrap();
    let error = ask(&place, &tenant, "{ name =~ `.*1` }").await.unwrap_err();
    assert!(chain(&error).contains(path.as_ref()), "{error:?}");
    let error = place
        .engine
        .find_trace(&tenant, found.traces[0].trace_id, TimeRange::ALL)
        .await
        .unwrap_err();
    assert!(chain(&error).contains(path.as_ref()), "{error:?}");
    place.close().await;
}

#[tokio::test]
async fn a_block_of_a_newer_format_is_refused() {
    let place = Place::with(&[spans()], Placement::OneBlock).await;
    let path = block_path(&place).await;
    let mut bytes = place.objects.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
    // Behind a key of the footer: field header, length, text.
    let digit = behind(&bytes, b"spandrel.format_version") + 2;
    assert_eq!(bytes[digit], b'0' + u8::try_from(FORMAT_VERSION).unwrap());
    bytes[digit] = b'9';
    seal(&mut bytes);
    place.objects.put(&path, PutPayload::from(bytes)).await.unwrap();
    let error = ask(&place, &TenantId::single(), "{}").await.unwrap_err();
    let text = chain(&error);
    assert!(text.contains(path.as_ref()) && text.contains("version 9"), "{text}");
    place.close().await;
}

/// The place behind the last occurrence of a key.
fn behind(bytes: &[u8], key: &[u8]) -> usize {
    bytes.windows(key.len()).rposition(|window| window == key).unwrap() + key.len()
}

/// Corrects the checksum of the footer, as a program that writes another version would.
fn seal(bytes: &mut [u8]) {
    let crc = behind(bytes, b"spandrel.checksum") + 2;
    let length = std::str::from_utf8(&bytes[crc + 9..crc + 19]).unwrap().parse::<usize>().unwrap();
    bytes[crc..crc + 8].fill(b'0');
    let checksum = format!("{:08x}", crc32fast::hash(&bytes[bytes.len() - length..]));
    bytes[crc..crc + 8].copy_from_slice(checksum.as_bytes());
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_given_up() {
    let objects = Arc::new(Silent { objects: InMemory::new() });
    let options = QueryOptions { deadline: Duration::from_millis(50), ..QueryOptions::default() };
    let place = Place::over(objects, options).await;
    let tenant = TenantId::single();
    place.send(&tenant, &spans()).await;
    place.flush().await;
    let error = ask(&place, &tenant, "{}").await.unwrap_err();
    assert!(matches!(error, QueryError::Deadline(_)), "{error:?}");
    assert_eq!(error.code(), OutcomeCode::DeadlineExceeded);
    let error =
        place.engine.find_trace(&tenant, TraceId([1; 16]), TimeRange::ALL).await.unwrap_err();
    assert!(matches!(error, QueryError::Deadline(_)), "{error:?}");
    place.close().await;
}

/// A store that never answers a request for a part of a block.
#[derive(Debug)]
struct Silent {
    objects: InMemory,
}

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("silent")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Silent {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.objects.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        if path.as_ref().ends_with(".parquet") && !path.as_ref().contains("_delta_log") {
            std::future::pending::<()>().await;
        }
        self.objects.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.objects.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}
