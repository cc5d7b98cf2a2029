//! What is generated, and how: Tempo's options under Tempo's names.

mod read;
mod remote_write;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use spandrel_metrics_exporters::remote_write::RemoteWriteSettings;
use spandrel_model::TenantId;

use crate::filter::FilterPolicy;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{0}")]
    Invalid(String),
}

/// All settings: what holds for every tenant, and what differs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GeneratorSettings {
    /// What holds where nothing else is said.
    pub defaults: TenantSettings,
    /// Tenants with settings of their own, complete.
    pub tenants: BTreeMap<TenantId, TenantSettings>,
    /// Where generated metrics are written to; nowhere by default.
    pub remote_write: Vec<RemoteWriteSettings>,
}

impl GeneratorSettings {
    /// The settings of a tenant, without what it sets itself.
    pub fn of(&self, tenant: &TenantId) -> &TenantSettings {
        self.tenants.get(tenant).unwrap_or(&self.defaults)
    }
}

/// Which processors run; each of Tempo's names turns one or several on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processors {
    /// `span-metrics`, `span-metrics-count`
    pub calls: bool,
    /// `span-metrics`, `span-metrics-latency`
    pub latency: bool,
    /// `span-metrics`, `span-metrics-size`
    pub size: bool,
    /// `service-graphs`, `service-graphs-request`
    pub requests: bool,
    /// `service-graphs`, `service-graphs-latency`
    pub request_latency: bool,
    /// `host-info`
    pub hosts: bool,
}

impl Processors {
    /// None.
    pub const NONE: Self = Self {
        calls: false,
        latency: false,
        size: false,
        requests: false,
        request_latency: false,
        hosts: false,
    };

    /// Whether span metrics of any kind are made.
    pub fn spans(self) -> bool {
        self.calls || self.latency || self.size
    }

    /// Whether spans are paired.
    pub fn graph(self) -> bool {
        self.requests || self.request_latency
    }
}

/// Which histograms there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HistogramMode {
    /// Over given bounds.
    #[default]
    Classic,
    /// Native ones.
    Native,
    /// Both, under one name.
    Both,
}

/// The settings of one tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantSettings {
    /// Which processors run.
    pub processors: Processors,
    /// Series as Prometheus counts them (a histogram is as many as it has buckets, and two); 0 for as many as
    /// memory allows.
    pub max_active_series: u64,
    /// Values of one label beyond which all others become `__cardinality_overflow__`; 0 for no limit.
    pub max_cardinality_per_label: usize,
    /// How often metrics are written.
    pub collection_interval: Duration,
    /// Whether nothing is written or shown.
    pub disable_collection: bool,
    /// How long after its last span a series ends.
    pub stale_duration: Duration,
    /// Spans that ended longer ago, or end later than that from now, are left out; zero for no limit.
    pub ingestion_time_range_slack: Duration,
    /// The label of exemplars with the trace id.
    pub trace_id_label_name: String,
    /// Which histograms there are.
    pub histograms: HistogramMode,
    /// Buckets of a native histogram.
    pub native_histogram_max_bucket_number: usize,
    /// Whether ids in span names are replaced once a service has too many names.
    pub span_name_sanitization: bool,
    /// Bytes of a label's value; longer ones are cut.
    pub max_label_value_length: usize,
    /// Labels of all series.
    pub external_labels: BTreeMap<String, String>,
    /// The label with the name of the tenant; empty for none.
    pub inject_tenant_id_as: String,
    /// Span metrics.
    pub span_metrics: SpanMetricsSettings,
    /// Service graphs.
    pub service_graphs: ServiceGraphSettings,
    /// Hosts.
    pub host_info: HostInfoSettings,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            processors: Processors {
                calls: true,
                latency: true,
                size: true,
                requests: true,
                request_latency: true,
                hosts: false,
            },
            max_active_series: 100_000,
            max_cardinality_per_label: 0,
            collection_interval: Duration::from_secs(15),
            disable_collection: false,
            stale_duration: Duration::from_secs(15 * 60),
            ingestion_time_range_slack: Duration::from_secs(30),
            trace_id_label_name: "traceID".to_owned(),
            histograms: HistogramMode::Classic,
            native_histogram_max_bucket_number: 100,
            span_name_sanitization: false,
            max_label_value_length: 2048,
            external_labels: BTreeMap::new(),
            inject_tenant_id_as: String::new(),
            span_metrics: SpanMetricsSettings::default(),
            service_graphs: ServiceGraphSettings::default(),
            host_info: HostInfoSettings::default(),
        }
    }
}

/// `processor::span_metrics`
#[derive(Debug, Clone, PartialEq)]
pub struct SpanMetricsSettings {
    /// Upper bounds in seconds.
    pub histogram_buckets: Vec<f64>,
    /// Which of service, span_name, span_kind, status_code, status_message are labels, in this order.
    pub intrinsic_dimensions: [bool; 5],
    /// Attributes that are labels.
    pub dimensions: Vec<String>,
    /// Labels made of several attributes.
    pub dimension_mappings: Vec<DimensionMapping>,
    /// Which spans count.
    pub filter_policies: Vec<FilterPolicy>,
    /// Whether there is `traces_target_info`, and `job` and `instance` on the other series.
    pub enable_target_info: bool,
    /// Attributes of resources that are not in `traces_target_info`.
    pub target_info_excluded_dimensions: Vec<String>,
    /// Whether `instance` is a label.
    pub enable_instance_label: bool,
    /// The attribute that says how many spans one stands for; empty for none.
    pub span_multiplier_key: String,
    /// Whether the sampling threshold in the tracestate says so.
    pub enable_tracestate_span_multiplier: bool,
}

impl Default for SpanMetricsSettings {
    fn default() -> Self {
        Self {
            histogram_buckets: (0..14).map(|n| 0.002 * f64::from(1 << n)).collect(),
            intrinsic_dimensions: [true, true, true, true, false],
            dimensions: Vec::new(),
            dimension_mappings: Vec::new(),
            filter_policies: Vec::new(),
            enable_target_info: false,
            target_info_excluded_dimensions: Vec::new(),
            enable_instance_label: true,
            span_multiplier_key: String::new(),
            enable_tracestate_span_multiplier: false,
        }
    }
}

/// A label made of several attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DimensionMapping {
    /// The label.
    pub name: String,
    /// The attributes, in the order of their values.
    pub source_labels: Vec<String>,
    /// Between two values.
    pub join: String,
}

/// `processor::service_graphs`
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceGraphSettings {
    /// How long half an edge waits for the other.
    pub wait: Duration,
    /// Halves that wait.
    pub max_items: usize,
    /// Upper bounds in seconds.
    pub histogram_buckets: Vec<f64>,
    /// Attributes of either end that are labels.
    pub dimensions: Vec<String>,
    /// Whether those labels are there for each end.
    pub enable_client_server_prefix: bool,
    /// Whether the time between sending and receiving a message has a histogram.
    pub enable_messaging_system_latency_histogram: bool,
    /// Whether a label says which end was not seen.
    pub enable_virtual_node_label: bool,
    /// Attributes with which a client says whom it called.
    pub peer_attributes: Vec<String>,
    /// Attributes that a call of a database has one of.
    pub database_name_attributes: Vec<String>,
    /// Which spans are paired.
    pub filter_policies: Vec<FilterPolicy>,
    /// The attribute that says how many spans one stands for; empty for none.
    pub span_multiplier_key: String,
    /// Whether the sampling threshold in the tracestate says so.
    pub enable_tracestate_span_multiplier: bool,
}

impl Default for ServiceGraphSettings {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            wait: Duration::from_secs(10),
            max_items: 10_000,
            histogram_buckets: (0..8).map(|n| 0.1 * f64::from(1 << n)).collect(),
            dimensions: Vec::new(),
            enable_client_server_prefix: false,
            enable_messaging_system_latency_histogram: false,
            enable_virtual_node_label: false,
            peer_attributes: names(&["peer.service", "db.name", "db.system", "db.system.name"]),
            database_name_attributes: names(&[
                "db.namespace",
                "db.name",
                "db.system",
                "db.system.name",
            ]),
            filter_policies: Vec::new(),
            span_multiplier_key: String::new(),
            enable_tracestate_span_multiplier: false,
        }
    }
}

/// `processor::host_info`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostInfoSettings {
    /// Attributes of resources that name a host; the first that is there counts.
    pub host_identifiers: Vec<String>,
    /// The metric.
    pub metric_name: String,
}

impl Default for HostInfoSettings {
    fn default() -> Self {
        Self {
            host_identifiers: vec!["k8s.node.name".to_owned(), "host.id".to_owned()],
            metric_name: "traces_host_info".to_owned(),
        }
    }
}
