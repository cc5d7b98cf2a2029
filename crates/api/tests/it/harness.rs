//! A store, an engine and a router; and traces to put in.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use serde_json::Value;
use spandrel_api::{
    ApiOptions, ApiState, Dialect, LinkTemplates, Overrides, OverridesTarget, TenantOverrides,
    endpoints, jaeger_grpc_routes, router,
};
use spandrel_base::clock::{ManualClock, SharedClock};
use spandrel_base::task::TaskSet;
use spandrel_ingest::{CutOptions, Store, StoreOptions, TenantLimits};
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeLimits, json_to_protobuf};
use spandrel_pipeline::{TraceBatch, TraceConsumer};
use spandrel_query::{QueryEngine, QueryOptions};
use spandrel_telemetry::Metrics;
use tempfile::TempDir;
use tokio::net::TcpListener;
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
        let consumer = Arc::clone(&store) as Arc<dyn TraceConsumer>;
        let state = ApiState::new(Arc::new(engine), clock, metrics.clone());
        let state = state.with_consumer(consumer);
        let router = router(state.clone(), default);
        Server { metrics, router, state, store, _site: Arc::clone(self) }
    }
}

pub(crate) struct Server {
    pub(crate) metrics: Metrics,
    pub(crate) store: Arc<Store>,
    router: Router,
    state: ApiState,
    _site: Arc<Site>,
}

/// Whose limits overrides meet. They have no effect here.
struct Operator;

impl OverridesTarget for Operator {
    fn operator(&self, _: &TenantId) -> TenantOverrides {
        let ingest = TenantLimits { rate_limit_bytes: Some(1_000), ..TenantLimits::default() };
        let retention = Some(Duration::from_secs(48 * 3600));
        TenantOverrides { ingest, retention, ..TenantOverrides::default() }
    }

    fn put_in_force(&self, _: &BTreeMap<TenantId, TenantOverrides>) {}
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

    /// The names and data of server-sent events.
    pub(crate) fn events(&self) -> Vec<(String, Value)> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        let events = self.text().split_terminator("\n\n").map(|event| {
            let lines = event.strip_prefix("event: ").and_then(|rest| rest.split_once("\ndata: "));
            let (name, data) = lines.unwrap_or_else(|| panic!("{event}"));
            (name.to_owned(), serde_json::from_str(data).unwrap())
        });
        events.collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    pub(crate) async fn start(default: Dialect) -> Self {
        Self::start_with(default, Arc::new(InMemory::new()), QueryOptions::default()).await
    }

    /// With switches, and the API for overrides.
    pub(crate) async fn start_switched(options: ApiOptions) -> Self {
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let mut server =
            Self::start_with(Dialect::Tempo, Arc::clone(&objects), QueryOptions::default()).await;
        let state = server.state.clone().with_options(options);
        let state = state.with_overrides(Overrides::new(objects, Arc::new(Operator)));
        server.router = router(state, Dialect::Tempo);
        server
    }

    pub(crate) async fn start_with(
        default: Dialect,
        objects: Arc<dyn ObjectStore>,
        query: QueryOptions,
    ) -> Self {
        let site = Arc::new(Site::new(objects, ManualClock::new(NOW_UNIX_NANOS)));
        site.start(default, query).await
    }

    /// Serves on a port of its own, as long as the tasks are kept.
    pub(crate) async fn listen(&self) -> (SocketAddr, TaskSet) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = TaskSet::new();
        let routes = self.routes();
        tasks.spawn("http", async move { axum::serve(listener, routes).await.unwrap() });
        (address, tasks)
    }

    /// Serves Jaeger's services over gRPC on a port of their own, as long as the tasks are kept.
    pub(crate) async fn listen_jaeger_grpc(&self) -> (SocketAddr, TaskSet) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = TaskSet::new();
        let consumer = Arc::clone(&self.store) as Arc<dyn TraceConsumer>;
        let routes = jaeger_grpc_routes(self.state.clone(), consumer);
        tasks.spawn("grpc", async move { axum::serve(listener, routes).await.unwrap() });
        (address, tasks)
    }

    /// The paths of all routes.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        endpoints(&self.state)
    }

    /// From now on with links that lead elsewhere.
    pub(crate) fn set_link_templates(&mut self, templates: LinkTemplates) {
        self.router = router(self.state.clone().with_link_templates(templates), Dialect::Tempo);
    }

    /// What a listener serves.
    pub(crate) fn routes(&self) -> Router {
        self.router.clone()
    }

    /// Stores OTLP JSON.
    pub(crate) async fn store(&self, otlp_json: &str) {
        self.store_for(TenantId::single(), otlp_json).await;
    }

    /// Stores OTLP JSON of a tenant.
    pub(crate) async fn store_for(&self, tenant: TenantId, otlp_json: &str) {
        let limits = DecodeLimits::default();
        let otlp = json_to_protobuf(otlp_json.as_bytes(), &limits).unwrap();
        let batch = TraceBatch::otlp(tenant, otlp);
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
        self.send(Method::GET, path, headers, String::new()).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

/// Runs the same questions over live spans and over a block, of [`CHECKOUT`].
pub(crate) async fn live_and_flushed<F>(dialect: Dialect, ask: F)
where
    F: AsyncFn(&Server),
{
    let server = Server::start(dialect).await;
    server.store(CHECKOUT).await;
    ask(&server).await;
    server.flush().await;
    ask(&server).await;
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

/// One span of a service that fails when its number is even, in a trace of its own. Later numbers start later.
pub(crate) fn numbered(number: u64, service: &str) -> String {
    let start = 1_485_432_000_000_000_000 + number * 1_000_000_000;
    let end = start + 1_000_000;
    let (id, code) = (number + 1, if number.is_multiple_of(2) { 2 } else { 1 });
    format!(
        r#"{{"resourceSpans":[{{
            "resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}},
            "scopeSpans":[{{"spans":[{{
                "traceId":"{id:032x}","spanId":"{id:016x}","name":"span {number}","kind":2,
                "startTimeUnixNano":"{start}","endTimeUnixNano":"{end}",
                "attributes":[{{"key":"number","value":{{"intValue":"{number}"}}}},
                    {{"key":"only.{number}","value":{{"boolValue":true}}}}],
                "status":{{"code":{code}}}}}]}}]}}]}}"#
    )
}
