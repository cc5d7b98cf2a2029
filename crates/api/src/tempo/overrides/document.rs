//! What a tenant may set, as Tempo spells it. Whatever else is in a document is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::go_duration;

/// All of it. What is absent is as the operator has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) forwarders: Option<Vec<String>>,
    pub(super) cost_attribution: CostAttribution,
    pub(super) metrics_generator: MetricsGenerator,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CostAttribution {
    /// Labels by the attribute that they are taken from; an empty one is called as the attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dimensions: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MetricsGenerator {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) processors: Option<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) disable_collection: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) collection_interval: Option<GoDuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trace_id_label_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ingestion_time_range_slack: Option<GoDuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) generate_native_histograms: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) native_histogram_max_bucket_number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) native_histogram_bucket_factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) native_histogram_min_reset_duration: Option<GoDuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) span_name_sanitization: Option<String>,
    pub(super) processor: Processor,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Processor {
    pub(super) service_graphs: ServiceGraphs,
    pub(super) span_metrics: SpanMetrics,
    pub(super) host_info: HostInfo,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ServiceGraphs {
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_client_server_prefix: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_messaging_system_latency_histogram: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_virtual_node_label: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_attributes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filter_policies: Option<Vec<FilterPolicy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) histogram_buckets: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_multiplier_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_tracestate_span_multiplier: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SpanMetrics {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dimensions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) intrinsic_dimensions: Option<BTreeMap<String, bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dimension_mappings: Option<Vec<DimensionMapping>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_target_info: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filter_policies: Option<Vec<FilterPolicy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) histogram_buckets: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_info_excluded_dimensions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_instance_label: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_multiplier_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_tracestate_span_multiplier: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HostInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    host_identifiers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metric_name: Option<String>,
}

/// A label out of several attributes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DimensionMapping {
    pub(super) name: String,
    pub(super) source_labels: Vec<String>,
    pub(super) join: String,
}

/// Which spans count.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FilterPolicy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) include: Option<PolicyMatch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) include_any: Option<PolicyMatch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exclude: Option<PolicyMatch>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyMatch {
    pub(super) match_type: String,
    pub(super) attributes: Vec<PolicyAttribute>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyAttribute {
    pub(super) key: String,
    pub(super) value: Value,
}

/// A duration: nanoseconds, or a text such as `5m0s`, as which it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GoDuration(pub(super) i64);

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&go_duration::format(self.0))
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        let nanos = match &value {
            Value::String(text) => go_duration::parse(text),
            value => value.as_i64().filter(|nanos| *nanos >= 0),
        };
        nanos.map(Self).ok_or_else(|| {
            D::Error::custom(format_args!("expected a duration such as 15s or 5m, got {value}"))
        })
    }
}
