//! Everything of it together: what a process starts and stops.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures::future::BoxFuture;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::TraceConsumer;
use tokio::net::TcpListener;

use crate::{
    Adaptive, AdaptiveOptions, FileStrategies, Observed, RemoteSamplingError, Strategies,
    StrategyFile, StrategySource, keep_adapting, keep_reloading, sampling_grpc_beside,
    sampling_grpc_routes, sampling_router,
};

/// How clients are served.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteSamplingOptions {
    /// Where strategies are asked for over HTTP, customarily at port 5778.
    pub http: Option<SocketAddr>,
    /// Where strategies are asked for over gRPC, customarily at port 5779.
    pub grpc: Option<SocketAddr>,
    /// What they are.
    pub strategies: StrategyOptions,
}

/// Where strategies come from.
#[derive(Debug, Clone, PartialEq)]
pub enum StrategyOptions {
    /// This share of all traces.
    Probability(f64),
    /// A file.
    File {
        /// Where it is.
        file: StrategyFile,
        /// How often it is read again; zero for never.
        reload_interval: Duration,
        /// The share of traces of services for which it has nothing.
        default_probability: f64,
    },
    /// What arrives.
    Adaptive {
        /// How they are computed.
        options: AdaptiveOptions,
        /// Where they are kept over a restart.
        state_file: PathBuf,
    },
}

impl Default for RemoteSamplingOptions {
    /// Nothing is listened for, and every trace is wanted: the store is made for all of them.
    fn default() -> Self {
        Self { http: None, grpc: None, strategies: StrategyOptions::Probability(1.0) }
    }
}

/// The running service. Dropping it stops it at once.
pub struct RemoteSampling {
    http: Option<SocketAddr>,
    grpc: Option<SocketAddr>,
    adaptive: Option<Arc<Adaptive>>,
    source: Arc<dyn StrategySource>,
    tasks: TaskSet,
}

impl RemoteSampling {
    /// Starts to answer. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`RemoteSamplingError`] when an address cannot be listened on or the strategies cannot be read; nothing is
    /// left running then.
    pub fn start(
        options: RemoteSamplingOptions,
    ) -> BoxFuture<'static, Result<Self, RemoteSamplingError>> {
        Box::pin(async move {
            let tasks = TaskSet::new();
            let mut adaptive = None;
            let source: Arc<dyn StrategySource> = match options.strategies {
                StrategyOptions::Probability(share) => Arc::new(Strategies::probabilistic(share)),
                StrategyOptions::File { file, reload_interval, default_probability } => {
                    let strategies =
                        Arc::new(FileStrategies::open(file, default_probability).await?);
                    if !reload_interval.is_zero() {
                        let reloading = keep_reloading(Arc::clone(&strategies), reload_interval);
                        spawn(&tasks, "sampling strategies", reloading);
                    }
                    strategies
                }
                StrategyOptions::Adaptive { options, state_file } => {
                    let computed = Arc::new(Adaptive::new(options));
                    if let Err(error) = computed.load(&state_file) {
                        // They are computed again within minutes.
                        tracing::warn!(%error, "sampling probabilities of an earlier run are lost");
                    }
                    let adapting = keep_adapting(Arc::clone(&computed), state_file);
                    spawn(&tasks, "sampling probabilities", adapting);
                    adaptive = Some(Arc::clone(&computed));
                    computed
                }
            };
            let http = serve(&tasks, options.http, || sampling_router(Arc::clone(&source))).await?;
            let grpc = serve(&tasks, options.grpc, || {
                sampling_grpc_routes(Arc::clone(&source)).into_axum_router()
            });
            let grpc = grpc.await?;
            Ok(Self { http, grpc, adaptive, source, tasks })
        })
    }

    /// Where it listens over HTTP, with the real port.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Where it listens over gRPC, with the real port.
    pub fn grpc(&self) -> Option<SocketAddr> {
        self.grpc
    }

    /// The same answers over gRPC for a port that serves other calls besides.
    pub fn grpc_beside(&self) -> Router {
        sampling_grpc_beside(Arc::clone(&self.source))
    }

    /// Counts what `next` accepts, if strategies are computed from that; else it is `next`.
    pub fn observing(&self, next: Arc<dyn TraceConsumer>) -> Arc<dyn TraceConsumer> {
        match &self.adaptive {
            Some(adaptive) => Arc::new(Observed::new(next, Arc::clone(adaptive))),
            None => next,
        }
    }

    /// Closes the ports and lets requests that have begun finish until `deadline`.
    pub fn shutdown(&self, deadline: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if self.tasks.shutdown(deadline).await.is_err() {
                tracing::warn!("requests for sampling strategies were cut off");
            }
        })
    }
}

fn spawn(tasks: &TaskSet, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
    let stop = tasks.token();
    tasks.spawn(name, async move {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = work => {}
        }
    });
}

async fn serve(
    tasks: &TaskSet,
    address: Option<SocketAddr>,
    routes: impl FnOnce() -> Router,
) -> Result<Option<SocketAddr>, RemoteSamplingError> {
    let Some(address) = address else { return Ok(None) };
    let failed = |source: io::Error| RemoteSamplingError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let real = listener.local_addr().map_err(failed)?;
    let (routes, stop) = (routes(), tasks.token());
    tasks.spawn("remote sampling", async move {
        let serving = axum::serve(listener, routes);
        if let Err(error) = serving.with_graceful_shutdown(stop.cancelled_owned()).await {
            tracing::warn!(%error, "sampling strategies are not served any more");
        }
    });
    Ok(Some(real))
}
