//! Connectors of the Collector.
//!
//! Names and labels are those of the OpenTelemetry Collector. The label `connector` is a component id of the
//! configuration, so the number of series is bounded by it.

use prometheus_client::encoding::EncodeLabelSet;

use crate::Counter;
use crate::instrument::{CounterFamily, Registrar};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectorLabels {
    connector: String,
}

/// Instruments of all connectors.
#[derive(Debug, Clone)]
pub struct ConnectorMetrics {
    total_edges: CounterFamily<ConnectorLabels>,
    expired_edges: CounterFamily<ConnectorLabels>,
    dropped_spans: CounterFamily<ConnectorLabels>,
}

/// The counters of one `service_graph`.
#[derive(Debug, Clone)]
pub struct ServiceGraphCounters {
    /// Edges that were begun.
    pub total_edges: Counter,
    /// Edges whose other half did not come in time.
    pub expired_edges: Counter,
    /// Spans for whose edge there was no room.
    pub dropped_spans: Counter,
}

impl ConnectorMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            total_edges: registrar.counters(
                "otelcol_connector_servicegraph_total_edges",
                "Edges of a service graph that were begun",
                &[],
            ),
            expired_edges: registrar.counters(
                "otelcol_connector_servicegraph_expired_edges",
                "Edges of a service graph whose other half did not come in time",
                &[],
            ),
            dropped_spans: registrar.counters(
                "otelcol_connector_servicegraph_dropped_spans",
                "Spans for whose edge a service graph had no room",
                &[],
            ),
        }
    }

    /// The counters of the `service_graph` with this component id.
    pub fn service_graph(&self, component: &str) -> ServiceGraphCounters {
        let labels = ConnectorLabels { connector: component.to_owned() };
        ServiceGraphCounters {
            total_edges: self.total_edges.series(&labels),
            expired_edges: self.expired_edges.series(&labels),
            dropped_spans: self.dropped_spans.series(&labels),
        }
    }
}
