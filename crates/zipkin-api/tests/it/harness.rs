//! A store, its router, and spans sent in Zipkin's JSON.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use object_store::memory::InMemory;
use serde_json::Value;
use spandrel_base::clock::{ManualClock, SharedClock};
use spandrel_ingest::{Store, StoreOptions};
use spandrel_model::TenantId;
use spandrel_pipeline::{TraceBatch, TraceConsumer};
use spandrel_query::{QueryEngine, QueryOptions};
use spandrel_telemetry::Metrics;
use spandrel_translate::Room;
use spandrel_zipkin::{Options, v2_json};
use spandrel_zipkin_api::{ZipkinState, zipkin_router};
use tempfile::TempDir;
use tower::ServiceExt;

/// A midnight, in microseconds.
pub(crate) const T0_MICROS: i64 = 1_485_475_200_000_000;
const NOW_UNIX_NANOS: u64 = 1_485_475_260_000_000_000;

pub(crate) struct Server {
    store: Arc<Store>,
    router: Router,
    _wal: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let wal = tempfile::tempdir().unwrap();
        let metrics = Metrics::new();
        let clock: SharedClock = Arc::new(ManualClock::new(NOW_UNIX_NANOS));
        let options = StoreOptions::new(wal.path());
        let store =
            Store::open(options, Arc::new(InMemory::new()), Arc::clone(&clock), metrics.clone());
        let store = Arc::new(store.await.unwrap());
        let engine = QueryEngine::new(Arc::clone(&store), QueryOptions::default(), metrics.clone());
        let engine = Arc::new(engine);
        let state = ZipkinState { engine, clock, metrics, tenant_required: false };
        Self { store, router: zipkin_router(state), _wal: wal }
    }

    /// Stores spans as the receiver does.
    pub(crate) async fn send(&self, spans: &Value) {
        let mut grant = |_| true;
        let mut room = Room::new(&mut grant);
        let json = Bytes::from(spans.to_string());
        let otlp = v2_json(&json, Options::default(), &mut room).unwrap().otlp;
        let batch = TraceBatch::otlp(TenantId::single(), otlp);
        assert_eq!(self.store.consume(batch).await.unwrap().rejected_spans, 0);
    }

    /// Turns everything live into blocks.
    pub(crate) async fn flush(&self) {
        assert!(self.store.flush(Duration::from_secs(30)).await);
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request(Request::get(path)).await
    }

    pub(crate) async fn request(&self, request: http::request::Builder) -> Answer {
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}
