//! A store, an engine and a router; and traces to put in.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use serde_json::Value;
use spandrel_api::{ApiState, Dialect, router};
use spandrel_base::clock::{ManualClock, SharedClock};
use spandrel_ingest::{CutOptions, Store, StoreOptions};
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeLimits, json_to_protobuf};
use spandrel_pipeline::{TraceBatch, TraceConsumer};
use spandrel_query::{QueryEngine, QueryOptions};
use spandrel_telemetry::Metrics;
use tempfile::TempDir;
use tower::ServiceExt;

/// 2017-01-27, the day after the traces of Jaeger's suite.
pub(crate) const NOW_UNIX_NANOS: u64 = 1_485_475_200_000_000_000;

/// What outlives a server: its log and its objects.
pub(crate) struct Site {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) cut: CutOptions,
    wal: TempDir,
}

impl Site {
    pub(crate) fn new(objects: Arc<dyn ObjectStore>, clock: ManualClock) -> Self {
        let wal = tempfile::tempdir().unwrap();
        Self { objects, clock: Arc::new(clock), cut: CutOptions::default(), wal }
    }

    pub(crate) async fn start(self: &Arc<Self>, default: Dialect, query: QueryOptions) -> Server {
        let metrics = Metrics::new();
        let clock: SharedClock = Arc::clone(&self.clock) as _;
        let mut options = StoreOptions::new(self.wal.path());
        options.cut = self.cut.clone();
        let objects = Arc::clone(&self.objects);
        let store = Store::open(options, objects, Arc::clone(&clock), metrics.clone());
        let store = Arc::new(store.await.unwrap());
        let engine = QueryEngine::new(Arc::clone(&store), query, metrics.clone());
        let state = ApiState::new(Arc::new(engine), clock, metrics.clone());
        Server { metrics, router: router(state, default), store, _site: Arc::clone(self) }
    }
}

pub(crate) struct Server {
    pub(crate) metrics: Metrics,
    pub(crate) store: Arc<Store>,
    router: Router,
    _site: Arc<Site>,
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
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    pub(crate) async fn start(default: Dialect) -> Self {
        Self::start_with(default, Arc::new(InMemory::new()), QueryOptions::default()).await
    }

    pub(crate) async fn start_with(
        default: Dialect,
        objects: Arc<dyn ObjectStore>,
        query: QueryOptions,
    ) -> Self {
        let site = Arc::new(Site::new(objects, ManualClock::new(NOW_UNIX_NANOS)));
        site.start(default, query).await
    }

    /// What a listener serves.
    pub(crate) fn routes(&self) -> Router {
        self.router.clone()
    }

    /// Stores OTLP JSON.
    pub(crate) async fn store(&self, otlp_json: &str) {
        let limits = DecodeLimits::default();
        let otlp = json_to_protobuf(otlp_json.as_bytes(), &limits).unwrap();
        let batch = TraceBatch { tenant: TenantId::single(), otlp: otlp.into() };
        let accepted = self.store.consume(batch).await.unwrap();
        assert_eq!(accepted.rejected_spans, 0, "{}", accepted.message);
    }

    /// Turns everything live into blocks.
    pub(crate) async fn flush(&self) {
        assert!(self.store.flush(Duration::from_secs(30)).await);
    }

    /// Lets go of the log.
    pub(crate) async fn stop(&self) {
        self.store.shutdown(Duration::from_secs(30)).await;
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

/// A server span of `frontend` and below it a failed client span of `bank`, with ids that begin
/// with zeros.
pub(crate) const CHECKOUT: &str = r#"{"resourceSpans":[
    {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"frontend"}}]},
     "scopeSpans":[{"scope":{"name":"otel.http"},"spans":[{
        "traceId":"00000000000000000000000000000abc","spanId":"000000000000000a","name":"GET /checkout",
        "kind":2,"startTimeUnixNano":"1485432000000000000","endTimeUnixNano":"1485432000250000000",
        "attributes":[{"key":"http.status_code","value":{"intValue":"500"}}]}]}]},
    {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"bank"}}]},
     "scopeSpans":[{"scope":{},"spans":[{
        "traceId":"00000000000000000000000000000abc","spanId":"000000000000000b",
        "parentSpanId":"000000000000000a","name":"charge","kind":3,
        "startTimeUnixNano":"1485432000100000000","endTimeUnixNano":"1485432000200000000",
        "attributes":[{"key":"amount","value":{"doubleValue":72.5}},{"key":"vip","value":{"boolValue":true}}],
        "status":{"code":2,"message":"card declined"}}]}]}]}"#;
