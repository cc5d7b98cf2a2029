//! Metrics that are generated from spans: what the generator takes, what it leaves out, how much it holds.
//!
//! Names and labels are those of Tempo's metrics-generator, whose users alert on them. Only the first
//! [`crate::TENANTS_MAX`] tenants become labels; all others share one series.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;

use crate::instrument::{CounterFamily, GaugeFamily, Registrar};
use crate::metrics::limits::{OTHER_TENANTS, TENANTS_MAX};
use crate::{Counter, Gauge};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TenantLabels {
    tenant: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DiscardedLabels {
    tenant: String,
    reason: &'static str,
}

/// Instruments of the generator.
#[derive(Debug, Clone)]
pub struct GeneratorMetrics {
    received: CounterFamily<TenantLabels>,
    discarded: CounterFamily<DiscardedLabels>,
    active_series: GaugeFamily<TenantLabels>,
    max_active_series: GaugeFamily<TenantLabels>,
    series_added: CounterFamily<TenantLabels>,
    series_removed: CounterFamily<TenantLabels>,
    series_limited: CounterFamily<TenantLabels>,
    values_limited: CounterFamily<TenantLabels>,
    edges: CounterFamily<TenantLabels>,
    expired_edges: CounterFamily<TenantLabels>,
    dropped_spans: CounterFamily<TenantLabels>,
    collections_failed: CounterFamily<TenantLabels>,
    named: Arc<Mutex<BTreeSet<String>>>,
}

/// The instruments of one tenant; clones are the same series.
#[derive(Debug, Clone)]
pub struct GeneratorSeries {
    /// Spans that the generator saw.
    pub received: Counter,
    /// Spans that are too old or too far in the future for the next collection.
    pub discarded_slack: Counter,
    /// Spans that a filter policy left out.
    pub discarded_filtered: Counter,
    /// Spans behind a damaged message.
    pub discarded_damaged: Counter,
    /// Series that are held.
    pub active_series: Gauge,
    /// Series that may be held; 0 for as many as memory allows.
    pub max_active_series: Gauge,
    /// Series that began.
    pub series_added: Counter,
    /// Series that ended for want of spans.
    pub series_removed: Counter,
    /// Observations that found no room in a series of their own, and were counted in the overflow series.
    pub series_limited: Counter,
    /// Label values that were replaced because their label had too many.
    pub values_limited: Counter,
    /// Edges of the service graph that were begun.
    pub edges: Counter,
    /// Edges whose other half did not come in time.
    pub expired_edges: Counter,
    /// Spans for whose edge there was no room.
    pub dropped_spans: Counter,
    /// Collections that a remote write did not take.
    pub collections_failed: Counter,
}

impl GeneratorMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        let mut counters = |name, help| registrar.counters(name, help, &[]);
        let received = counters(
            "tempo_metrics_generator_spans_received",
            "Spans that metrics were generated from, or could have been",
        );
        let series_added = counters(
            "tempo_metrics_generator_registry_series_added",
            "Generated series that began",
        );
        let series_removed = counters(
            "tempo_metrics_generator_registry_series_removed",
            "Generated series that ended for want of spans",
        );
        let series_limited = counters(
            "tempo_metrics_generator_registry_series_limited",
            "Observations counted in the overflow series because there was no room for their own",
        );
        let values_limited = counters(
            "tempo_metrics_generator_registry_label_values_limited",
            "Label values replaced because their label had too many",
        );
        let edges = counters(
            "tempo_metrics_generator_processor_service_graphs_edges",
            "Edges of the service graph that were begun",
        );
        let expired_edges = counters(
            "tempo_metrics_generator_processor_service_graphs_expired_edges",
            "Edges of the service graph whose other half did not come in time",
        );
        let dropped_spans = counters(
            "tempo_metrics_generator_processor_service_graphs_dropped_spans",
            "Spans for whose edge the service graph had no room",
        );
        let collections_failed = counters(
            "tempo_metrics_generator_registry_collections_failed",
            "Collections of generated metrics that a remote write did not take",
        );
        Self {
            received,
            discarded: registrar.counters(
                "tempo_metrics_generator_spans_discarded",
                "Spans that no metrics were generated from, by reason",
                &[],
            ),
            active_series: registrar.gauges(
                "tempo_metrics_generator_registry_active_series",
                "Generated series that are held",
                &[],
            ),
            max_active_series: registrar.gauges(
                "tempo_metrics_generator_registry_max_active_series",
                "Generated series that may be held; 0 for as many as memory allows",
                &[],
            ),
            series_added,
            series_removed,
            series_limited,
            values_limited,
            edges,
            expired_edges,
            dropped_spans,
            collections_failed,
            named: Arc::default(),
        }
    }

    /// The instruments of a tenant.
    pub fn tenant(&self, tenant: &str) -> GeneratorSeries {
        let tenant = self.label(tenant).to_owned();
        let discarded =
            |reason| self.discarded.series(&DiscardedLabels { tenant: tenant.clone(), reason });
        let labels = TenantLabels { tenant: tenant.clone() };
        GeneratorSeries {
            received: self.received.series(&labels),
            discarded_slack: discarded("outside_metrics_ingestion_slack"),
            discarded_filtered: discarded("span_metrics_filtered"),
            discarded_damaged: discarded("damaged"),
            active_series: self.active_series.series(&labels),
            max_active_series: self.max_active_series.series(&labels),
            series_added: self.series_added.series(&labels),
            series_removed: self.series_removed.series(&labels),
            series_limited: self.series_limited.series(&labels),
            values_limited: self.values_limited.series(&labels),
            edges: self.edges.series(&labels),
            expired_edges: self.expired_edges.series(&labels),
            dropped_spans: self.dropped_spans.series(&labels),
            collections_failed: self.collections_failed.series(&labels),
        }
    }

    fn label<'t>(&self, tenant: &'t str) -> &'t str {
        // A set of names cannot be left half changed.
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if named.contains(tenant) {
            return tenant;
        }
        if named.len() >= TENANTS_MAX {
            return OTHER_TENANTS;
        }
        named.insert(tenant.to_owned());
        tenant
    }
}
