//! Tempo's messages as its clients read them from JSON: a field that is not in the definition is an error, 64-bit
//! integers are texts, 32-bit ones are numbers. Written after `proto/tempo/tempo.proto`.

#![expect(dead_code, reason = "fields are there to be decoded")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::harness::Answer;

/// Decodes an answer, or fails with what is wrong in it.
pub(crate) fn decode<T: DeserializeOwned>(answer: &Answer) -> T {
    assert_eq!(answer.header("content-type"), "application/json", "{}", answer.text());
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

/// An integer of 64 bits.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Long(pub(crate) i128);

impl TryFrom<String> for Long {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SearchResponse {
    #[serde(default)]
    pub(crate) traces: Vec<TraceMetadata>,
    pub(crate) metrics: Option<SearchMetrics>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TraceMetadata {
    #[serde(rename = "traceID")]
    pub(crate) trace_id: String,
    root_service_name: Option<String>,
    root_trace_name: Option<String>,
    start_time_unix_nano: Option<Long>,
    duration_ms: Option<u32>,
    span_set: Option<SpanSet>,
    #[serde(default)]
    pub(crate) span_sets: Vec<SpanSet>,
    #[serde(default)]
    service_stats: BTreeMap<String, ServiceStats>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ServiceStats {
    span_count: Option<u32>,
    error_count: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SpanSet {
    #[serde(default)]
    pub(crate) spans: Vec<MatchedSpan>,
    matched: Option<u32>,
    #[serde(default)]
    attributes: Vec<KeyValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MatchedSpan {
    #[serde(rename = "spanID")]
    span_id: String,
    name: Option<String>,
    start_time_unix_nano: Option<Long>,
    duration_nanos: Option<Long>,
    #[serde(default)]
    pub(crate) attributes: Vec<KeyValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct KeyValue {
    pub(crate) key: String,
    value: Option<AnyValue>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum AnyValue {
    #[serde(rename = "stringValue")]
    String(String),
    #[serde(rename = "boolValue")]
    Bool(bool),
    #[serde(rename = "intValue")]
    Int(Long),
    #[serde(rename = "doubleValue")]
    Double(serde_json::Value),
    #[serde(rename = "arrayValue")]
    Array(ArrayValue),
    #[serde(rename = "kvlistValue")]
    Kvlist(KeyValueList),
    #[serde(rename = "bytesValue")]
    Bytes(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArrayValue {
    #[serde(default)]
    values: Vec<AnyValue>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyValueList {
    #[serde(default)]
    values: Vec<KeyValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SearchMetrics {
    inspected_traces: Option<u32>,
    inspected_bytes: Option<Long>,
    total_blocks: Option<u32>,
    pub(crate) completed_jobs: Option<u32>,
    pub(crate) total_jobs: Option<u32>,
    total_block_bytes: Option<Long>,
    inspected_spans: Option<Long>,
    backend_reads: Option<Long>,
    backend_bytes: Option<Long>,
    #[serde(default)]
    additional_metrics: BTreeMap<String, Long>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MetadataMetrics {
    inspected_bytes: Option<Long>,
    pub(crate) total_jobs: Option<u32>,
    pub(crate) completed_jobs: Option<u32>,
    pub(crate) total_blocks: Option<u32>,
    total_block_bytes: Option<Long>,
    backend_reads: Option<Long>,
    backend_bytes: Option<Long>,
    #[serde(default)]
    pub(crate) additional_metrics: BTreeMap<String, Long>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SearchTagsResponse {
    #[serde(default)]
    pub(crate) tag_names: Vec<String>,
    pub(crate) metrics: Option<MetadataMetrics>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SearchTagsV2Response {
    #[serde(default)]
    pub(crate) scopes: Vec<TagsScope>,
    pub(crate) metrics: Option<MetadataMetrics>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TagsScope {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SearchTagValuesResponse {
    #[serde(default)]
    pub(crate) tag_values: Vec<String>,
    pub(crate) metrics: Option<MetadataMetrics>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SearchTagValuesV2Response {
    #[serde(default)]
    pub(crate) tag_values: Vec<TagValue>,
    pub(crate) metrics: Option<MetadataMetrics>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TagValue {
    pub(crate) r#type: String,
    pub(crate) value: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TraceByIdResponse {
    /// Grafana looks into it without asking.
    pub(crate) trace: Trace,
    metrics: Option<TraceByIdMetrics>,
    pub(crate) status: Option<String>,
    pub(crate) message: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TraceByIdMetrics {
    inspected_bytes: Option<Long>,
    backend_reads: Option<Long>,
    backend_bytes: Option<Long>,
    #[serde(default)]
    additional_metrics: BTreeMap<String, Long>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Trace {
    #[serde(default)]
    pub(crate) resource_spans: Vec<ResourceSpans>,
}

/// The first version of the endpoint has the list under another name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceV1 {
    pub(crate) batches: Vec<ResourceSpans>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResourceSpans {
    resource: Option<Resource>,
    #[serde(default)]
    pub(crate) scope_spans: Vec<ScopeSpans>,
    schema_url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Resource {
    #[serde(default)]
    attributes: Vec<KeyValue>,
    dropped_attributes_count: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScopeSpans {
    scope: Option<Scope>,
    #[serde(default)]
    pub(crate) spans: Vec<Span>,
    schema_url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Scope {
    name: Option<String>,
    version: Option<String>,
    #[serde(default)]
    attributes: Vec<KeyValue>,
    dropped_attributes_count: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Span {
    trace_id: String,
    span_id: String,
    trace_state: Option<String>,
    parent_span_id: Option<String>,
    flags: Option<u32>,
    pub(crate) name: Option<String>,
    kind: Option<String>,
    start_time_unix_nano: Option<Long>,
    end_time_unix_nano: Option<Long>,
    #[serde(default)]
    attributes: Vec<KeyValue>,
    dropped_attributes_count: Option<u32>,
    #[serde(default)]
    events: Vec<Event>,
    dropped_events_count: Option<u32>,
    #[serde(default)]
    links: Vec<Link>,
    dropped_links_count: Option<u32>,
    status: Option<Status>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Event {
    time_unix_nano: Option<Long>,
    name: Option<String>,
    #[serde(default)]
    attributes: Vec<KeyValue>,
    dropped_attributes_count: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Link {
    trace_id: String,
    span_id: String,
    trace_state: Option<String>,
    #[serde(default)]
    attributes: Vec<KeyValue>,
    dropped_attributes_count: Option<u32>,
    flags: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Status {
    message: Option<String>,
    code: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct QueryRangeResponse {
    #[serde(default)]
    pub(crate) series: Vec<TimeSeries>,
    pub(crate) metrics: Option<SearchMetrics>,
    pub(crate) status: Option<String>,
    pub(crate) message: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TimeSeries {
    #[serde(default)]
    pub(crate) labels: Vec<KeyValue>,
    #[serde(default)]
    pub(crate) samples: Vec<Sample>,
    #[serde(default)]
    pub(crate) exemplars: Vec<Exemplar>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Sample {
    pub(crate) timestamp_ms: Option<Long>,
    value: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Exemplar {
    #[serde(default)]
    labels: Vec<KeyValue>,
    value: Option<f64>,
    timestamp_ms: Option<Long>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct QueryInstantResponse {
    #[serde(default)]
    pub(crate) series: Vec<InstantSeries>,
    pub(crate) metrics: Option<SearchMetrics>,
    pub(crate) status: Option<String>,
    pub(crate) message: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct InstantSeries {
    #[serde(default)]
    labels: Vec<KeyValue>,
    value: Option<f64>,
}
