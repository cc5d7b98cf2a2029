//! The backends: a ring, and an exporter for each.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use futures::future::join_all;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, Otlp, TraceBatch,
    TraceConsumer, Traces,
};
use tokio::sync::watch;

use super::resolver::with_port;
use super::ring::Ring;
use super::routing::{ResourceMemo, Routing};
use crate::extensions::Extensions;
use crate::otlp_grpc::{OtlpGrpcExporter, OtlpGrpcSettings};
use crate::sending::{Exported, Payload, SendError};
use crate::wire::split;

/// All backends of an exporter.
pub(super) struct Backends {
    routing: Routing,
    protocol: OtlpGrpcSettings,
    extensions: Extensions,
    context: ComponentContext,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
    current: watch::Sender<Arc<Members>>,
}

/// A ring and the exporters of its endpoints, in the ring's order.
#[derive(Default)]
pub(super) struct Members {
    pub(super) ring: Ring,
    exporters: Vec<Arc<OtlpGrpcExporter>>,
}

impl Backends {
    pub(super) fn new(
        routing: Routing,
        protocol: OtlpGrpcSettings,
        extensions: Extensions,
        context: ComponentContext,
    ) -> Self {
        let (changing, current) = Default::default();
        Self { routing, protocol, extensions, context, changing, current }
    }

    /// Counts a look-up of the backends.
    pub(super) fn record_resolution(&self, resolver: &'static str, success: bool) {
        self.context.metrics.load_balancers().record_resolution(resolver, success);
    }

    /// Makes these the backends. Exporters of those that stay are kept; what those that go had not sent is sent
    /// to the new owners.
    pub(super) async fn change_to(
        self: &Arc<Self>,
        resolver: &'static str,
        endpoints: Vec<String>,
    ) -> Result<(), ComponentError> {
        let _one_at_a_time = self.changing.lock().await;
        let before = Arc::clone(&self.current.borrow());
        if before.ring.endpoints == endpoints {
            return Ok(());
        }
        if endpoints.is_empty() {
            // Better old addresses than none.
            tracing::warn!(exporter = %self.context.id, "the name has no addresses, backends stay");
            return Ok(());
        }
        let known: BTreeMap<&String, &Arc<OtlpGrpcExporter>> =
            before.ring.endpoints.iter().zip(&before.exporters).collect();
        let mut exporters = Vec::with_capacity(endpoints.len());
        for endpoint in &endpoints {
            exporters.push(match known.get(endpoint) {
                Some(exporter) => Arc::clone(exporter),
                None => self.start_exporter(endpoint).await?,
            });
        }
        let gone: Vec<Arc<OtlpGrpcExporter>> = known
            .iter()
            .filter(|(endpoint, _)| !endpoints.contains(endpoint))
            .map(|(_, exporter)| Arc::clone(exporter))
            .collect();
        tracing::info!(exporter = %self.context.id, ?endpoints, "backends changed");
        let metrics = self.context.metrics.load_balancers();
        metrics.record_update(resolver, endpoints.len() as u64);
        self.current.send_replace(Arc::new(Members { ring: Ring::new(endpoints), exporters }));
        join_all(gone.iter().map(|exporter| exporter.shutdown())).await;
        Ok(())
    }

    async fn start_exporter(
        self: &Arc<Self>,
        endpoint: &str,
    ) -> Result<Arc<OtlpGrpcExporter>, ComponentError> {
        let mut settings = self.protocol.clone();
        settings.client.endpoint = with_port(endpoint);
        let context = ComponentContext {
            // One name for all, because addresses of a name server are no labels: their number has no bound.
            id: format!("{}/backends", self.context.id).into(),
            ..self.context.clone()
        };
        let mut exporter = OtlpGrpcExporter::new(settings, &self.extensions, context)?;
        exporter.hand_over_to(Arc::new(NewOwners(Arc::downgrade(self))));
        exporter.start().await?;
        Ok(Arc::new(exporter))
    }

    /// Sends a request to its owners.
    pub(super) async fn send(&self, payload: Payload) -> Result<Exported, SendError> {
        let members = Arc::clone(&self.current.borrow());
        if members.exporters.is_empty() {
            return Err(SendError::retryable("there are no backends yet"));
        }
        let mut memo = ResourceMemo::default();
        let parts = split(&payload.otlp, |span| {
            members.ring.owner(&self.routing.key(span, &mut memo)).unwrap_or(0)
        });
        let parts = parts.map_err(|error| {
            let message = format!("not an OTLP request: {error}");
            SendError::Permanent { message, is_content: true }
        })?;
        let sends = parts.into_iter().zip(&members.exporters).filter(|(part, _)| part.spans > 0);
        let sends = sends.map(|(part, exporter)| {
            exporter.consume(TraceBatch {
                tenant: payload.tenant.clone(),
                client: Arc::clone(&payload.client),
                traces: Traces::Otlp(Otlp::counted(part.otlp, part.spans)),
            })
        });
        merge(join_all(sends).await)
    }

    /// Stops all exporters.
    pub(super) async fn stop(&self) {
        let _one_at_a_time = self.changing.lock().await;
        let members = self.current.send_replace(Arc::default());
        join_all(members.exporters.iter().map(|exporter| exporter.shutdown())).await;
    }
}

/// One outcome of those of all parts: retryable when one is, so that nothing is given up that might be sent.
fn merge(outcomes: Vec<Result<Accepted, ConsumeError>>) -> Result<Exported, SendError> {
    let mut exported = Exported::default();
    let mut permanent = None;
    for outcome in outcomes {
        match outcome {
            Ok(accepted) => {
                exported.rejected_spans += accepted.rejected_spans;
                if !accepted.message.is_empty() {
                    exported.message = accepted.message;
                }
            }
            Err(
                ConsumeError::Unavailable { message, retry_after, .. }
                | ConsumeError::OverLimit { message, retry_after, .. },
            ) => return Err(SendError::Retryable { message, delay: Some(retry_after) }),
            Err(error) => permanent = Some(SendError::permanent(error.to_string())),
        }
    }
    permanent.map_or(Ok(exported), Err)
}

/// Takes what an exporter has not sent when its backend is gone.
struct NewOwners(Weak<Backends>);

#[async_trait::async_trait]
impl TraceConsumer for NewOwners {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let TraceBatch { tenant, client, traces } = batch;
        let spans = traces.span_count();
        let payload = Payload { tenant, client, otlp: traces.into_otlp(), spans };
        let sent = match self.0.upgrade() {
            Some(backends) => backends.send(payload).await,
            None => Err(SendError::retryable("the exporter is shutting down")),
        };
        let exported = sent.map_err(|error| crate::sending::to_consume_error(error, spans))?;
        let Exported { rejected_spans, message } = exported;
        Ok(Accepted {
            accepted_spans: spans.saturating_sub(rejected_spans),
            rejected_spans,
            message,
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
