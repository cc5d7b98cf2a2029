//! The settings of a tenant, made ready for its spans.

use std::sync::Arc;

use spandrel_model::TenantId;
use spandrel_proto::otlp::common::KeyValue;
use spandrel_span_aggregation::{Buckets, TableSettings, Temporality};

use crate::label::{INTRINSIC, label, label_of, own_label};
use crate::settings::{HistogramMode, TenantSettings};

/// Exemplars that a series keeps in one collection interval.
const EXEMPLARS_MAX: usize = 5;

/// What is done with the spans of one tenant.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) settings: TenantSettings,
    /// Labels of span metrics but `job` and `instance`, in the order in which their values are found.
    pub(crate) span_labels: Vec<String>,
    /// Labels of all series.
    pub(crate) shared_labels: Vec<KeyValue>,
    /// Labels of the dimensions of a service graph: of both ends, or of the client and of the server.
    pub(crate) graph_labels: Vec<[String; 2]>,
    /// How many histograms each value is counted in: one, or a classic and a native one.
    pub(crate) copies: usize,
    pub(crate) spans: Arc<TableSettings>,
    pub(crate) edges: Arc<TableSettings>,
    pub(crate) messages: Arc<TableSettings>,
    /// Tables without histograms.
    pub(crate) counters: Arc<TableSettings>,
    /// Series of Prometheus for each series of a table, in the order of the tables of a state.
    pub(crate) weights: [u64; 7],
}

impl Plan {
    pub(crate) fn new(settings: TenantSettings, tenant: &TenantId) -> Self {
        let spans = &settings.span_metrics;
        let graphs = &settings.service_graphs;
        let intrinsic = INTRINSIC.iter().zip(spans.intrinsic_dimensions).filter(|(_, on)| *on);
        let dimensions = spans.dimensions.iter().map(|name| own_label(name));
        let mappings = spans.dimension_mappings.iter().map(|mapping| own_label(&mapping.name));
        let intrinsic = intrinsic.map(|(name, _)| (*name).to_owned());
        let span_labels = intrinsic.chain(dimensions).chain(mappings).collect();
        let mut shared_labels: Vec<KeyValue> =
            settings.external_labels.iter().map(|(name, value)| label(name, value)).collect();
        if !settings.inject_tenant_id_as.is_empty() {
            shared_labels.push(label(&settings.inject_tenant_id_as, tenant.as_str()));
        }
        let graph_labels = graphs.dimensions.iter().map(|name| {
            let prefixed = |prefix: &str| label_of(&format!("{prefix}{name}"));
            match graphs.enable_client_server_prefix {
                true => [prefixed("client_"), prefixed("server_")],
                false => [label_of(name), label_of(name)],
            }
        });
        let graph_labels = graph_labels.collect();
        let buckets = |bounds: &[f64], values: usize| -> Vec<Buckets> {
            let max_size = settings.native_histogram_max_bucket_number;
            let classic = Buckets::Explicit(Arc::from(bounds));
            let native = Buckets::Exponential { max_size };
            let one = match settings.histograms {
                HistogramMode::Classic => vec![classic],
                HistogramMode::Native => vec![native],
                HistogramMode::Both => vec![classic, native],
            };
            std::iter::repeat_n(one, values).flatten().collect()
        };
        let table = |histograms: Vec<Buckets>, more: u64| {
            let series = weight(&histograms, more);
            let limit = (settings.max_active_series / series.max(1)).max(1);
            let limit = if settings.max_active_series == 0 { 0 } else { limit };
            Arc::new(TableSettings {
                histograms,
                cardinality_limit: usize::try_from(limit).unwrap_or(usize::MAX),
                exemplars_max: EXEMPLARS_MAX,
                temporality: Temporality::Cumulative,
                expiration_nanos: 0,
            })
        };
        let processors = settings.processors;
        let with = |on: bool, histograms| if on { histograms } else { Vec::new() };
        let latency = with(processors.latency, buckets(&spans.histogram_buckets, 1));
        let both_ends = with(processors.request_latency, buckets(&graphs.histogram_buckets, 2));
        let between = buckets(&graphs.histogram_buckets, 1);
        let (spans, edges) = (weight(&latency, 2), weight(&both_ends, 2));
        Self {
            weights: [spans, 1, 1, edges, weight(&between, 0), 1, 1],
            spans: table(latency, 2),
            edges: table(both_ends, 2),
            messages: table(between, 0),
            counters: table(Vec::new(), 1),
            copies: if settings.histograms == HistogramMode::Both { 2 } else { 1 },
            span_labels,
            shared_labels,
            graph_labels,
            settings,
        }
    }
}

/// How many series a set of labels is in Prometheus, which counts every bucket.
fn weight(histograms: &[Buckets], more: u64) -> u64 {
    histograms.iter().map(series_of).sum::<u64>() + more
}

fn series_of(buckets: &Buckets) -> u64 {
    match buckets {
        Buckets::Explicit(bounds) => bounds.len() as u64 + 3,
        Buckets::Exponential { .. } => 1,
    }
}
