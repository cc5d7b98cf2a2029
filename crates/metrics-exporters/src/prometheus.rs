//! `prometheus`: the last value of every series on a page of its own listener.
//!
//! Deltas are added up; what has not been updated for `metric_expiration` is gone. Names are translated as the
//! Collector does it, so that dashboards find what they look for.

mod accumulator;
pub(crate) mod exponential;
pub(crate) mod family;
pub(crate) mod naming;
mod number;
mod page;
pub(crate) mod point;
mod protobuf;
mod secure;
mod serve;
pub(crate) mod settings;
mod text;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_base::clock::SharedClock;
use spandrel_base::task::TaskSet;
use spandrel_config::blocks::Transport;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, MetricBatch,
    MetricConsumer,
};
use spandrel_tls::Tls;
use tokio::net::TcpListener;

use accumulator::Accumulator;
pub use naming::Naming;
use page::render;
pub use page::{PageFormat, render_batches};
use secure::SecureListener;
pub use settings::{PrometheusSettings, ResourceLabels};

/// How long open requests may take to end at shutdown.
const STOP: Duration = Duration::from_secs(10);

/// Shows metrics to Prometheus.
pub struct PrometheusExporter {
    shared: Arc<Shared>,
    tls: Option<Tls>,
    tasks: TaskSet,
    listening: Mutex<Option<SocketAddr>>,
}

struct Shared {
    settings: PrometheusSettings,
    accumulator: Mutex<Accumulator>,
    clock: SharedClock,
}

impl PrometheusExporter {
    /// An exporter that listens once it is started.
    ///
    /// # Errors
    /// [`ComponentError`] when the settings want something of the listener that it cannot do.
    pub fn new(
        settings: PrometheusSettings,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let http = &settings.http;
        let refused =
            [(http.auth.is_some(), "auth"), (http.transport != Transport::Tcp, "transport")];
        if let Some((_, key)) = refused.iter().find(|(wanted, _)| *wanted) {
            return Err(ComponentError::new(format!("`{key}` is not supported by this listener")));
        }
        let tls = http.tls.as_ref().map(Tls::load).transpose();
        let tls = tls.map_err(|error| ComponentError::new(error.to_string()))?;
        let accumulator = Accumulator::new(settings.metric_expiration, &context.memory);
        let shared =
            Shared { settings, accumulator: Mutex::new(accumulator), clock: context.clock };
        let (tasks, listening) = (TaskSet::new(), Mutex::new(None));
        Ok(Self { shared: Arc::new(shared), tls, tasks, listening })
    }

    /// Where it listens, once it does.
    pub fn local_address(&self) -> Option<SocketAddr> {
        *self.listening.lock()
    }

    /// The page as it would be answered now to who can read all names.
    pub fn page(&self, format: PageFormat) -> Vec<u8> {
        self.shared.page(format, self.shared.settings.naming.escape)
    }
}

impl Shared {
    /// With `escape`, names have letters, digits and underscores only, whatever the settings say.
    fn page(&self, format: PageFormat, escape: bool) -> Vec<u8> {
        let mut accumulator = self.accumulator.lock();
        accumulator.expire(self.clock.monotonic());
        render(&self.settings, accumulator.series(), format, escape)
    }
}

#[async_trait::async_trait]
impl MetricConsumer for PrometheusExporter {
    async fn consume_metrics(&self, batch: MetricBatch) -> Result<Accepted, ConsumeError> {
        let now = self.shared.clock.monotonic();
        let mut accumulator = self.shared.accumulator.lock();
        accumulator.expire_sometimes(now);
        Ok(accumulator.add(&batch, now))
    }
}

#[async_trait::async_trait]
impl Component for PrometheusExporter {
    async fn start(&self) -> Result<(), ComponentError> {
        let endpoint = &self.shared.settings.http.endpoint;
        let listener = TcpListener::bind(endpoint).await.map_err(|error| {
            ComponentError::new(format!("cannot listen on {endpoint}: {error}"))
        })?;
        *self.listening.lock() = listener.local_addr().ok();
        let token = self.tasks.token();
        let router = serve::router(Arc::clone(&self.shared));
        let tls = self.tls.clone();
        self.tasks.spawn("prometheus page", async move {
            let stop = token.cancelled_owned();
            let served = match tls {
                Some(tls) => {
                    let listener = SecureListener::new(listener, tls);
                    axum::serve(listener, router).with_graceful_shutdown(stop).await
                }
                None => axum::serve(listener, router).with_graceful_shutdown(stop).await,
            };
            if let Err(error) = served {
                tracing::error!(error = %error, "the prometheus page is no longer served");
            }
        });
        Ok(())
    }

    async fn shutdown(&self) {
        if self.tasks.shutdown(STOP).await.is_err() {
            tracing::warn!("requests for the prometheus page were cut off");
        }
    }
}
