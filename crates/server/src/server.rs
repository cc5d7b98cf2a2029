//! The process: what is started in which order, and stopped in which.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use object_store::ObjectStore;
use parking_lot::Mutex;
use spandrel_api::{ApiOptions, ApiState, LinkTemplates, Overrides};
use spandrel_base::clock::{SharedClock, SystemClock};
use spandrel_base::fs::{DirLock, create_dir_all_synced};
use spandrel_base::memory::MemoryBudget;
use spandrel_base::task::TaskSet;
use spandrel_collector::{Collector, Plan, Shared};
use spandrel_compaction::OwnRetention;
use spandrel_ingest::{Store, StoreError, StoreOptions};
use spandrel_metrics_generator::Generator;
use spandrel_objects::{Location, ObjectsError, ObjectsOptions};
use spandrel_pipeline::TraceConsumer;
use spandrel_query::{QueryEngine, QueryOptions};
use spandrel_receivers::{GrpcOptions, HttpOptions, OtlpOptions};
use spandrel_remote_sampling::{RemoteSampling, RemoteSamplingOptions, StrategyOptions};
use spandrel_telemetry::Metrics;

use crate::front::{Front, Ports};
use crate::gate::{Phase, Readiness};
use crate::generated::{Generated, Writing};
use crate::listener::HttpListeners;
use crate::memory::Memory;
use crate::overrides::{self, Target};
use crate::receive::Receive;
use crate::settings::Settings;
use crate::status_pages::StatusPages;
use crate::{ListenAddresses, ServerError, ServerOptions, compaction, zipkin};

/// An orderly stop takes at most this long.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);
/// The part of it for requests that bring spans.
const RECEIVE_DEADLINE: Duration = Duration::from_secs(3);
/// The part of it for what is left to be written of generated metrics.
const WRITE_DEADLINE: Duration = Duration::from_secs(2);
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
    sampling: RemoteSampling,
    listeners: HttpListeners,
    store: Arc<Store>,
    /// What writes generated metrics.
    writing: Writing,
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
    pub fn start(options: ServerOptions) -> BoxFuture<'static, Result<Self, ServerError>> {
        Box::pin(Self::start_with(options, None))
    }

    /// The same, with the pipelines of a Collector's configuration in front of the store: what listens for spans
    /// and for health checks is in the plan.
    ///
    /// # Errors
    /// [`ServerError`]; nothing is left running then.
    pub fn start_with_pipelines(
        options: ServerOptions,
        plan: Plan,
    ) -> BoxFuture<'static, Result<Self, ServerError>> {
        Box::pin(Self::start_with(options, Some(plan)))
    }

    async fn start_with(options: ServerOptions, plan: Option<Plan>) -> Result<Self, ServerError> {
        let settings = Settings::of(&options);
        let switches = Switches::of(&options);
        let ServerOptions {
            data_dir,
            storage,
            objects,
            listen,
            mut store,
            mut query,
            mut compaction,
            sampling,
            generator,
            memory,
            ..
        } = options;
        let memory = Memory::new(memory);
        let mut otlp = otlp_options(&listen);
        memory.divide(&mut store, &mut query, &mut otlp);
        memory.give(compaction.as_mut());
        let around =
            Around { clock: Arc::new(SystemClock::new()), metrics: Metrics::new(), memory };
        let Around { clock, metrics, .. } = around.clone();
        let readiness = Readiness::new();
        let generated = Generated::new(generator.as_ref(), &around);

        let _lock = lock_dir(&data_dir)?;
        let ports = Ports::bind(&listen, plan.is_none()).await?;
        let sampling = start_sampling(&listen, sampling).await?;
        let addresses = ports.addresses(&listen);
        let pages = StatusPages::new(readiness.clone(), settings, compaction.is_some());
        let mut front = Front::serve(ports, pages, &readiness, &generated, &around);
        let writing = generated.start(generator, &around).await?;

        let store = open_store((&storage, &objects), store, &data_dir, &around).await?;
        let tenant_required = switches.api.tenant_required;
        let (state, target) = switches.open(&store, query, generated.generator(), &around);
        let overrides = overrides_in_force(&state, &target).await;

        let consumer = generated.behind(Arc::clone(&store) as Arc<dyn TraceConsumer>);
        let consumer = sampling.observing(consumer);
        let state = state.with_consumer(Arc::clone(&consumer));
        let zipkin_routes = front.open(&state, tenant_required, &store, &around);
        front.open_jaeger_grpc(state, &consumer, &sampling);
        let shared = around.shared(otlp.memory.clone(), data_dir.join("pipelines"));
        let started = match plan {
            Some(plan) => Receive::start_pipelines(plan, consumer, shared).await,
            None => {
                let reads = zipkin::reads(zipkin_routes);
                Receive::start(otlp, (&listen, reads), consumer, shared).await
            }
        };
        let listeners = front.listeners;
        let receive = match started {
            Ok(receive) => receive,
            Err(error) => {
                release(&store, listeners).await;
                return Err(error);
            }
        };
        let background = compaction::start(&store, compaction, &clock, metrics);
        overrides::watch(overrides, target, &background);
        readiness.set(Phase::Ready);
        let (sampling_http, sampling_grpc) = (sampling.http(), sampling.grpc());
        let addresses =
            ListenAddresses { sampling_http, sampling_grpc, ..receive.addresses(addresses) };
        #[rustfmt::skip]
        let server = Self {
            addresses, readiness, clock, receive, sampling, listeners, store, writing, background, _lock,
        };
        Ok(server)
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
        tokio::join!(
            self.receive.shutdown(RECEIVE_DEADLINE),
            self.sampling.shutdown(RECEIVE_DEADLINE)
        );
        self.writing.shutdown(WRITE_DEADLINE).await;
        self.store.shutdown(left().saturating_sub(QUERY_DEADLINE)).await;
        self.listeners.shutdown(left()).await;
        tracing::info!(took = ?self.clock.monotonic().saturating_sub(began), "stopped");
    }
}

/// What the parts of a server share.
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Metrics,
    pub(crate) memory: Memory,
}

impl Around {
    /// The same for what receives spans.
    fn shared(self, memory: MemoryBudget, data_dir: PathBuf) -> Shared {
        Shared { clock: self.clock, metrics: self.metrics, memory, data_dir, store: None }
    }
}

/// The optional parts of the query APIs.
struct Switches {
    api: ApiOptions,
    link_templates: LinkTemplates,
    overrides_api: bool,
    /// When compaction gives spans up: the operator's age, and those of tenants.
    ages: Option<(Option<Duration>, OwnRetention)>,
}

impl Switches {
    fn of(options: &ServerOptions) -> Self {
        let ages = options.compaction.as_ref();
        let ages = ages.map(|options| (options.retention, options.own_retention.clone()));
        Self {
            api: options.api,
            link_templates: options.link_templates.clone(),
            overrides_api: options.overrides_api,
            ages,
        }
    }

    /// Opens the query APIs on a store, and what limits of tenants go through.
    fn open(
        self,
        store: &Arc<Store>,
        query: QueryOptions,
        generator: Option<Arc<Generator>>,
        Around { clock, metrics, .. }: &Around,
    ) -> (ApiState, Arc<Target>) {
        let engine = Arc::new(QueryEngine::new(Arc::clone(store), query, metrics.clone()));
        let state = ApiState::new(Arc::clone(&engine), Arc::clone(clock), metrics.clone());
        let (retention, own_retention) = self.ages.unwrap_or_default();
        let state = state.with_options(self.api).with_retention(retention);
        let state = state.with_link_templates(self.link_templates);
        let target = Arc::new(Target {
            store: Arc::clone(store),
            engine,
            generator,
            retention,
            own_retention,
            own: Mutex::default(),
        });
        if !self.overrides_api {
            return (state, target);
        }
        let objects = Arc::clone(store.objects());
        (state.with_overrides(Overrides::new(objects, Arc::clone(&target) as _)), target)
    }
}

/// Gives up after a failed start. The routes hold the store, and it holds the lock of the log, which somebody who tries
/// again at once must find free.
async fn release(store: &Store, listeners: HttpListeners) {
    store.shutdown(SHUTDOWN_DEADLINE).await;
    listeners.shutdown(QUERY_DEADLINE).await;
}

/// Puts in force what the operator sets for tenants, and what tenants had set for themselves before, if they may.
async fn overrides_in_force(state: &ApiState, target: &Target) -> Option<Overrides> {
    target.put_operators_in_force();
    let overrides = state.overrides()?.clone();
    overrides::first_look(&overrides).await;
    Some(overrides)
}

/// Opens the store; what is not in blocks yet is replayed from the log.
async fn open_store(
    (place, objects): (&Location, &ObjectsOptions),
    store: StoreOptions,
    data_dir: &Path,
    Around { clock, metrics, .. }: &Around,
) -> Result<Arc<Store>, ServerError> {
    let objects = open_objects(place, objects, clock, metrics).await?;
    let failed =
        |source: StoreError| ServerError::Store { dir: data_dir.to_owned(), source: source.into() };
    let store = Store::open(store, objects, Arc::clone(clock), metrics.clone()).await;
    let store = store.map(Arc::new).map_err(failed)?;
    if let Err(error) = overrides::check(&store) {
        store.shutdown(SHUTDOWN_DEADLINE).await;
        return Err(error.into());
    }
    Ok(store)
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

/// What Jaeger's clients are told about how much to sample.
async fn start_sampling(
    listen: &ListenAddresses,
    strategies: StrategyOptions,
) -> Result<RemoteSampling, ServerError> {
    let (http, grpc) = (listen.sampling_http, listen.sampling_grpc);
    Ok(RemoteSampling::start(RemoteSamplingOptions { http, grpc, strategies }).await?)
}

fn otlp_options(listen: &ListenAddresses) -> OtlpOptions {
    OtlpOptions {
        grpc: Some(GrpcOptions::new(listen.otlp_grpc)),
        http: Some(HttpOptions::new(listen.otlp_http)),
        ..OtlpOptions::default()
    }
}
