//! The process: what is started in which order, and stopped in which.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use spandrel_api::{ApiOptions, ApiState, Dialect, Overrides, jaeger_grpc_routes, router};
use spandrel_base::clock::{SharedClock, SystemClock};
use spandrel_base::fs::{DirLock, create_dir_all_synced};
use spandrel_base::task::TaskSet;
use spandrel_collector::{Collector, Plan, Shared};
use spandrel_compaction::OwnRetention;
use spandrel_ingest::{Store, StoreError};
use spandrel_objects::{Location, ObjectsError, ObjectsOptions};
use spandrel_pipeline::TraceConsumer;
use spandrel_query::{QueryEngine, QueryOptions};
use spandrel_receivers::{GrpcOptions, HttpOptions, OtlpOptions};
use spandrel_telemetry::Metrics;

use crate::gate::{Gate, Phase, Readiness};
use crate::listener::{BoundPort, HttpListeners};
use crate::memory::Memory;
use crate::overrides::{self, Target};
use crate::receive::Receive;
use crate::settings::Settings;
use crate::status::OwnMetrics;
use crate::status_pages::{Running, StatusPages};
use crate::{ListenAddresses, ServerError, ServerOptions, compaction, status};

/// An orderly stop takes at most this long.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);
/// The part of it for requests that bring spans.
const RECEIVE_DEADLINE: Duration = Duration::from_secs(3);
/// The part of it for a compaction, which stops at its next step.
const COMPACTION_DEADLINE: Duration = Duration::from_secs(1);
/// The part of it that is kept for queries, which are stopped last.
const QUERY_DEADLINE: Duration = Duration::from_secs(2);

/// A running server. Dropping it stops everything at once; acknowledged spans are in the log.
pub struct Server {
    addresses: ListenAddresses,
    readiness: Readiness,
    clock: SharedClock,
    receive: Receive,
    listeners: HttpListeners,
    store: Arc<Store>,
    /// Compaction, unless another process does it, and looks for overrides of tenants.
    background: TaskSet,
    /// Last, so that it is freed after everything that writes into the directory is gone.
    _lock: DirLock,
}

impl Server {
    /// Starts everything and returns when spans and queries are taken. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// [`ServerError`]; nothing is left running then.
    pub async fn start(options: ServerOptions) -> Result<Self, ServerError> {
        Self::start_with(options, None).await
    }

    /// The same, with the pipelines of a Collector's configuration in front of the store: what listens for spans
    /// and for health checks is in the plan.
    ///
    /// # Errors
    /// [`ServerError`]; nothing is left running then.
    pub async fn start_with_pipelines(
        options: ServerOptions,
        plan: Plan,
    ) -> Result<Self, ServerError> {
        Self::start_with(options, Some(plan)).await
    }

    async fn start_with(options: ServerOptions, plan: Option<Plan>) -> Result<Self, ServerError> {
        let settings = Settings::of(&options);
        let switches = Switches { api: options.api, overrides_api: options.overrides_api };
        let ServerOptions {
            data_dir,
            storage,
            objects,
            listen,
            mut store,
            mut query,
            mut compaction,
            memory,
            ..
        } = options;
        let memory = Memory::new(memory);
        let mut otlp = otlp_options(&listen);
        memory.divide(&mut store, &mut query, &mut otlp);
        memory.give(compaction.as_mut());
        let clock: SharedClock = Arc::new(SystemClock::new());
        let metrics = Metrics::new();
        let readiness = Readiness::new();

        let _lock = lock_dir(&data_dir)?;
        let ports = Ports::bind(&listen, plan.is_none()).await?;
        let addresses = ports.addresses(&listen);
        let (tempo, jaeger) = (Gate::default(), Gate::default());
        let listeners = HttpListeners::default();
        let own = OwnMetrics { metrics: metrics.clone(), memory };
        let pages = StatusPages::new(readiness.clone(), settings, compaction.is_some());
        let query_port = |gate: &Gate| {
            status::query_port(readiness.clone(), own.clone(), pages.clone(), gate.clone())
        };
        listeners.serve(ports.http, query_port(&tempo));
        listeners.serve(ports.jaeger_http, query_port(&jaeger));
        if let Some(health) = ports.health {
            listeners.serve(health, status::health_port(readiness.clone(), Arc::clone(&clock)));
        }
        listeners.serve(ports.telemetry, status::telemetry_port(own));

        let objects = open_objects(&storage, &objects, &clock, &metrics).await?;
        let store = Store::open(store, objects, Arc::clone(&clock), metrics.clone()).await;
        let pipelines_dir = data_dir.join("pipelines");
        let failed =
            |source: StoreError| ServerError::Store { dir: data_dir, source: source.into() };
        let store = store.map(Arc::new).map_err(failed)?;
        let ages = compaction.as_ref().map(|options| (options.retention, &options.own_retention));
        let state = switches.open(&store, query, (&clock, &metrics), ages);
        let overrides = overrides_in_force(&state).await;
        pages.started(Running::of(&state, &store));
        tempo.open(router(state.clone(), Dialect::Tempo));
        jaeger.open(router(state.clone(), Dialect::Jaeger));

        let consumer = Arc::clone(&store) as Arc<dyn TraceConsumer>;
        if let Some(port) = ports.jaeger_grpc {
            listeners.serve(port, jaeger_grpc_routes(state, Arc::clone(&consumer)));
        }
        let shared = Shared {
            clock: Arc::clone(&clock),
            metrics: metrics.clone(),
            memory: otlp.memory.clone(),
            data_dir: pipelines_dir,
            store: None,
        };
        let started = match plan {
            Some(plan) => Receive::start_pipelines(plan, consumer, shared).await,
            None => Receive::start(otlp, listen.jaeger_receiver, consumer, shared).await,
        };
        let receive = match started {
            Ok(receive) => receive,
            Err(error) => {
                // The routes hold the store, and it holds the lock of the log, which somebody who tries
                // again at once must find free.
                store.shutdown(SHUTDOWN_DEADLINE).await;
                listeners.shutdown(QUERY_DEADLINE).await;
                return Err(error);
            }
        };
        let background = compaction::start(&store, compaction, &clock, metrics);
        if let Some(overrides) = overrides {
            overrides::watch(overrides, &background);
        }
        readiness.set(Phase::Ready);
        let addresses = receive.addresses(addresses);
        Ok(Self { addresses, readiness, clock, receive, listeners, store, background, _lock })
    }

    /// Where it listens, with the real ports.
    pub fn addresses(&self) -> ListenAddresses {
        self.addresses
    }

    /// The pipelines, if spans come through some.
    pub fn collector(&self) -> Option<Arc<Collector>> {
        match &self.receive {
            Receive::Direct { .. } => None,
            Receive::Pipelines(collector) => Some(Arc::clone(collector)),
        }
    }

    /// Serves until `shutdown` returns or something vital dies, then stops in order.
    ///
    /// # Errors
    /// [`ServerError::VitalTask`] when something vital died.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
        // Both branches of a failure before the signal: a process that has lost a part must say so.
        let died = tokio::select! {
            biased;
            task = self.store.failed() => Some(task),
            task = self.listeners.failed() => Some(task),
            failure = self.background.first_failure() => {
                Some(format!("{}: {}", failure.name, failure.message))
            }
            () = shutdown => None,
        };
        if let Some(task) = &died {
            tracing::error!(task, "a vital task has died, stopping");
        }
        self.stop().await;
        died.map_or(Ok(()), |task| Err(ServerError::VitalTask { task }))
    }

    async fn stop(self) {
        let began = self.clock.monotonic();
        let left =
            || SHUTDOWN_DEADLINE.saturating_sub(self.clock.monotonic().saturating_sub(began));
        tracing::info!(deadline = ?SHUTDOWN_DEADLINE, "stopping");
        self.readiness.set(Phase::Stopping);
        // A merge under way is given up; it would only be in the way of the last flush.
        if self.background.shutdown(COMPACTION_DEADLINE).await.is_err() {
            tracing::warn!("a compaction did not stop in time");
        }
        self.receive.shutdown(RECEIVE_DEADLINE).await;
        self.store.shutdown(left().saturating_sub(QUERY_DEADLINE)).await;
        self.listeners.shutdown(left()).await;
        tracing::info!(took = ?self.clock.monotonic().saturating_sub(began), "stopped");
    }
}

/// The optional parts of the query APIs.
struct Switches {
    api: ApiOptions,
    overrides_api: bool,
}

impl Switches {
    /// Opens the query APIs on a store. `ages` are those at which compaction gives spans up: the operator's, and
    /// those of tenants.
    fn open(
        self,
        store: &Arc<Store>,
        query: QueryOptions,
        (clock, metrics): (&SharedClock, &Metrics),
        ages: Option<(Option<Duration>, &OwnRetention)>,
    ) -> ApiState {
        let engine = Arc::new(QueryEngine::new(Arc::clone(store), query, metrics.clone()));
        let state = ApiState::new(Arc::clone(&engine), Arc::clone(clock), metrics.clone());
        let state = state.with_options(self.api);
        if !self.overrides_api {
            return state;
        }
        let target = Target {
            store: Arc::clone(store),
            engine,
            retention: ages.and_then(|(retention, _)| retention),
            own_retention: ages.map(|(_, own)| own.clone()).unwrap_or_default(),
        };
        let objects = Arc::clone(store.objects());
        state.with_overrides(Overrides::new(objects, Arc::new(target)))
    }
}

/// What tenants set for themselves, if they may, with what they had set before in force.
async fn overrides_in_force(state: &ApiState) -> Option<Overrides> {
    let overrides = state.overrides()?.clone();
    overrides::first_look(&overrides).await;
    Some(overrides)
}

/// The place for blocks and catalogues. One that is remote is tried out: it must not turn out later that it
/// cannot be committed to. One that does not answer may do so later; until then spans stay in the log.
async fn open_objects(
    place: &Location,
    options: &ObjectsOptions,
    clock: &SharedClock,
    metrics: &Metrics,
) -> Result<Arc<dyn ObjectStore>, ServerError> {
    let failed = |source: ObjectsError| ServerError::Objects {
        place: place.to_string(),
        source: source.into(),
    };
    let opened = spandrel_objects::open_at(place, options, Arc::clone(clock), metrics).await;
    let objects = opened.map_err(failed)?;
    if place.is_remote() {
        match spandrel_objects::check(&*objects, &place.to_string()).await {
            Ok(()) => {}
            Err(ObjectsError::Unreachable { source, .. }) => {
                tracing::warn!(%place, error = %source, "the store of blocks does not answer yet");
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(objects)
}

/// Creates the data directory where needed, and keeps other processes out of it.
fn lock_dir(dir: &Path) -> Result<DirLock, ServerError> {
    let locked = create_dir_all_synced(dir).and_then(|()| DirLock::acquire(dir));
    locked.map_err(|source| ServerError::DataDir { dir: dir.to_owned(), source })
}

fn otlp_options(listen: &ListenAddresses) -> OtlpOptions {
    OtlpOptions {
        grpc: Some(GrpcOptions::new(listen.otlp_grpc)),
        http: Some(HttpOptions::new(listen.otlp_http)),
        ..OtlpOptions::default()
    }
}

/// The ports other than the receivers' own.
struct Ports {
    http: BoundPort,
    jaeger_http: BoundPort,
    jaeger_grpc: Option<BoundPort>,
    /// Only where no pipeline's configuration says where health is checked.
    health: Option<BoundPort>,
    telemetry: BoundPort,
}

impl Ports {
    async fn bind(listen: &ListenAddresses, with_health: bool) -> Result<Self, ServerError> {
        let health = match with_health {
            true => Some(BoundPort::bind("the health check", "health", listen.health).await?),
            false => None,
        };
        let jaeger_grpc = match listen.jaeger_grpc {
            Some(at) => Some(BoundPort::bind("Jaeger's API over gRPC", "jaeger-grpc", at).await?),
            None => None,
        };
        let telemetry = "the process's own metrics";
        Ok(Self {
            http: BoundPort::bind("Tempo's API", "http", listen.http).await?,
            jaeger_http: BoundPort::bind("Jaeger's API", "jaeger-http", listen.jaeger_http).await?,
            jaeger_grpc,
            health,
            telemetry: BoundPort::bind(telemetry, "telemetry", listen.telemetry).await?,
        })
    }

    /// The configured addresses, with the real ports of these.
    fn addresses(&self, configured: &ListenAddresses) -> ListenAddresses {
        ListenAddresses {
            http: self.http.address,
            jaeger_http: self.jaeger_http.address,
            jaeger_grpc: self.jaeger_grpc.as_ref().map(|port| port.address),
            health: self.health.as_ref().map_or(configured.health, |health| health.address),
            telemetry: self.telemetry.address,
            ..*configured
        }
    }
}
