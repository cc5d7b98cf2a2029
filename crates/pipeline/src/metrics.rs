//! The metrics signal: what connectors make from spans, on its way to a page or a server.

use std::sync::Arc;

use spandrel_model::TenantId;
use spandrel_proto::otlp::collector_metrics::ExportMetricsServiceRequest;
use spandrel_proto::otlp::metrics::metric::Data;

use crate::{Accepted, Client, Component, ConsumeError};

/// Metrics of one tenant.
#[derive(Debug, Clone)]
pub struct MetricBatch {
    /// Whose spans they are about.
    pub tenant: TenantId,
    /// Who sent the spans; nobody when the metrics are about an interval and not about a request.
    pub client: Arc<Client>,
    /// The metrics; never changed, so that several exporters can share them.
    pub metrics: Arc<ExportMetricsServiceRequest>,
}

impl MetricBatch {
    /// Metrics that no single request stands behind.
    pub fn new(tenant: TenantId, metrics: ExportMetricsServiceRequest) -> Self {
        Self { tenant, client: Arc::default(), metrics: Arc::new(metrics) }
    }

    /// How many data points there are.
    pub fn data_point_count(&self) -> u64 {
        let resources = self.metrics.resource_metrics.iter();
        let metrics =
            resources.flat_map(|resource| &resource.scope_metrics).flat_map(|s| &s.metrics);
        metrics.map(|metric| metric.data.as_ref().map_or(0, data_points) as u64).sum()
    }
}

fn data_points(data: &Data) -> usize {
    match data {
        Data::Gauge(gauge) => gauge.data_points.len(),
        Data::Sum(sum) => sum.data_points.len(),
        Data::Histogram(histogram) => histogram.data_points.len(),
        Data::ExponentialHistogram(histogram) => histogram.data_points.len(),
        Data::Summary(summary) => summary.data_points.len(),
    }
}

/// Takes metrics.
///
/// # Contract
/// That of [`crate::TraceConsumer`], with data points in the place of spans.
#[async_trait::async_trait]
pub trait MetricConsumer: Send + Sync {
    /// Takes the batch, or says why not.
    async fn consume_metrics(&self, batch: MetricBatch) -> Result<Accepted, ConsumeError>;
}

/// A component that takes metrics; `Arc<dyn MetricComponent>` upcasts to both.
pub trait MetricComponent: MetricConsumer + Component {}

impl<T: MetricConsumer + Component> MetricComponent for T {}
