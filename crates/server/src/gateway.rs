//! A process that is only a Collector: pipelines, and its own metrics; no store, no queries.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use spandrel_base::clock::{SharedClock, SystemClock};
use spandrel_collector::{Collector, Plan, Shared};
use spandrel_telemetry::Metrics;

use crate::listener::{BoundPort, HttpListeners};
use crate::memory::Memory;
use crate::status::{self, OwnMetrics};
use crate::{MemoryOptions, ServerError};

/// Requests for metrics that have begun may take this long at the end.
const LAST_SCRAPE: Duration = Duration::from_secs(1);

/// A running Collector.
pub struct Gateway {
    collector: Arc<Collector>,
    listeners: HttpListeners,
}

impl Gateway {
    /// Starts the pipelines, and then shows its own metrics at the first address that the configuration names.
    /// Components keep their files below `data_dir`. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ServerError`]; nothing is left running then.
    pub fn start(
        plan: Plan,
        memory: MemoryOptions,
        data_dir: PathBuf,
    ) -> BoxFuture<'static, Result<Self, ServerError>> {
        Box::pin(async move {
            let memory = Memory::new(memory);
            let clock: SharedClock = Arc::new(SystemClock::new());
            let metrics = Metrics::new();
            let listeners = HttpListeners::default();
            if let Some(address) = telemetry_address(&plan).await? {
                let port =
                    BoundPort::bind("the process's own metrics", "telemetry", address).await?;
                let own = OwnMetrics { metrics: metrics.clone(), memory: memory.clone() };
                listeners.serve(port, status::telemetry_port(own));
            }
            let shared =
                Shared { clock, metrics, memory: memory.of_ingest(), data_dir, store: None };
            let collector = Arc::new(Collector::start(plan, shared).await?);
            Ok(Self { collector, listeners })
        })
    }

    /// The pipelines.
    pub fn collector(&self) -> Arc<Collector> {
        Arc::clone(&self.collector)
    }

    /// Runs until `shutdown` returns or something vital dies, then stops in order.
    ///
    /// # Errors
    /// [`ServerError::VitalTask`] when something vital died.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
        let died = tokio::select! {
            biased;
            task = self.listeners.failed() => Some(task),
            () = shutdown => None,
        };
        self.collector.shutdown().await;
        self.listeners.shutdown(LAST_SCRAPE).await;
        died.map_or(Ok(()), |task| Err(ServerError::VitalTask { task }))
    }
}

/// Where the configuration wants the process's own metrics, if anywhere.
///
/// # Errors
/// [`ServerError::TelemetryAddress`] when that is no address.
pub async fn telemetry_address(plan: &Plan) -> Result<Option<SocketAddr>, ServerError> {
    let addresses = &plan.config.service.telemetry.metrics.addresses;
    let Some(address) = addresses.first() else { return Ok(None) };
    // `:8888` is all interfaces, as in the Collector.
    let full = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.clone() };
    let found = tokio::net::lookup_host(&full).await.ok().and_then(|mut found| found.next());
    found.map(Some).ok_or_else(|| ServerError::TelemetryAddress { address: address.clone() })
}
