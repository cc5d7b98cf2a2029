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
    pub(super) forwarders: Option<Vec<String>>,
    pub(super) cost_attribution: CostAttribution,
    pub(super) metrics_generator: MetricsGenerator,
    // Tempo has these for operators alone. Who sets none gets the document that Tempo's clients know.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) ingestion: Ingestion,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) global: Global,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) read: Read,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) compaction: Compaction,
}

impl Document {
    /// As it is kept: everything that it says, in one spelling.
    pub(super) fn to_json(&self) -> Value {
        let mut json = serde_json::to_value(self).expect("a document is JSON");
        leave_out_absent(&mut json);
        json
    }
}

impl MetricsGenerator {
    /// What it says, as text; `None` when that is nothing.
    pub(super) fn to_json(&self) -> Option<String> {
        if is_default(self) {
            return None;
        }
        let mut json = serde_json::to_value(self).expect("a document is JSON");
        leave_out_absent(&mut json);
        Some(json.to_string())
    }
}

/// Leaves out what is not set. What is in lists was given by somebody, null or not.
fn leave_out_absent(json: &mut Value) {
    let Value::Object(members) = json else { return };
    members.retain(|_, member| !member.is_null());
    members.values_mut().for_each(leave_out_absent);
}

fn is_default<T: Default + PartialEq>(section: &T) -> bool {
    *section == T::default()
}

/// What may be sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ingestion {
    pub(super) rate_limit_bytes: Option<u64>,
    pub(super) burst_size_bytes: Option<u64>,
    pub(super) rate_limit_spans: Option<u64>,
    pub(super) burst_size_spans: Option<u64>,
    pub(super) max_live_bytes: Option<u64>,
    pub(super) max_attribute_bytes: Option<u64>,
    pub(super) max_attributes_per_span: Option<u64>,
}

/// How large a trace may be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Global {
    pub(super) max_bytes_per_trace: Option<u64>,
    pub(super) max_spans_per_trace: Option<u64>,
}

/// What may be asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Read {
    pub(super) max_search_duration: Option<GoDuration>,
    pub(super) max_metrics_duration: Option<GoDuration>,
    pub(super) max_bytes_per_tag_values_query: Option<u64>,
}

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Compaction {
    pub(super) block_retention: Option<GoDuration>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CostAttribution {
    /// Labels by the attribute that they are taken from; an empty one is called as the attribute.
    pub(super) dimensions: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MetricsGenerator {
    pub(super) processors: Option<BTreeSet<String>>,
    pub(super) disable_collection: Option<bool>,
    pub(super) collection_interval: Option<GoDuration>,
    pub(super) trace_id_label_name: Option<String>,
    pub(super) ingestion_time_range_slack: Option<GoDuration>,
    pub(super) generate_native_histograms: Option<String>,
    pub(super) native_histogram_max_bucket_number: Option<u32>,
    pub(super) native_histogram_bucket_factor: Option<f64>,
    pub(super) native_histogram_min_reset_duration: Option<GoDuration>,
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
    dimensions: Option<Vec<String>>,
    enable_client_server_prefix: Option<bool>,
    enable_messaging_system_latency_histogram: Option<bool>,
    enable_virtual_node_label: Option<bool>,
    peer_attributes: Option<Vec<String>>,
    pub(super) filter_policies: Option<Vec<FilterPolicy>>,
    pub(super) histogram_buckets: Option<Vec<f64>>,
    span_multiplier_key: Option<String>,
    enable_tracestate_span_multiplier: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SpanMetrics {
    pub(super) dimensions: Option<Vec<String>>,
    pub(super) intrinsic_dimensions: Option<BTreeMap<String, bool>>,
    pub(super) dimension_mappings: Option<Vec<DimensionMapping>>,
    enable_target_info: Option<bool>,
    pub(super) filter_policies: Option<Vec<FilterPolicy>>,
    pub(super) histogram_buckets: Option<Vec<f64>>,
    target_info_excluded_dimensions: Option<Vec<String>>,
    enable_instance_label: Option<bool>,
    span_multiplier_key: Option<String>,
    enable_tracestate_span_multiplier: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HostInfo {
    host_identifiers: Option<Vec<String>>,
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

/// A duration: nanoseconds, or a text such as `14d` or `5m0s`, as which it is written.
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
            Value::String(text) => go_duration::parse_long(text),
            value => value.as_i64().filter(|nanos| *nanos >= 0),
        };
        nanos.map(Self).ok_or_else(|| {
            D::Error::custom(format_args!("expected a duration such as 15s or 5m, got {value}"))
        })
    }
}
