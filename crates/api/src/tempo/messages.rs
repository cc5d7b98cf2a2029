//! The JSON form of the messages that Tempo's search endpoints answer with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use spandrel_proto::tempo::{
    MetadataMetrics, SearchMetrics, SearchResponse, SearchTagValuesResponse,
    SearchTagValuesV2Response, SearchTagsResponse, SearchTagsV2Response, SearchTagsV2Scope,
    ServiceStats, Span, SpanSet, TagValue, TraceSearchMetadata,
};

use super::jsonpb::{Jsonpb, Object};

impl Jsonpb for SearchResponse {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.set_messages("traces", &self.traces);
        object.message("metrics", self.metrics.as_ref());
    }
}

impl Jsonpb for TraceSearchMetadata {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.text("traceID", &self.trace_id);
        object.text("rootServiceName", &self.root_service_name);
        object.text("rootTraceName", &self.root_trace_name);
        object.uint64("startTimeUnixNano", self.start_time_unix_nano);
        object.uint32("durationMs", self.duration_ms);
        object.message("spanSet", self.span_set.as_ref());
        object.messages("spanSets", &self.span_sets);
        object.message_map("serviceStats", &self.service_stats);
    }
}

impl Jsonpb for ServiceStats {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.uint32("spanCount", self.span_count);
        object.uint32("errorCount", self.error_count);
    }
}

impl Jsonpb for SpanSet {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.messages("spans", &self.spans);
        object.uint32("matched", self.matched);
        object.messages("attributes", &self.attributes);
    }
}

impl Jsonpb for Span {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.text("spanID", &self.span_id);
        object.text("name", &self.name);
        object.uint64("startTimeUnixNano", self.start_time_unix_nano);
        object.uint64("durationNanos", self.duration_nanos);
        object.messages("attributes", &self.attributes);
    }
}

impl Jsonpb for SearchMetrics {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.uint32("inspectedTraces", self.inspected_traces);
        object.uint64("inspectedBytes", self.inspected_bytes);
        object.uint32("totalBlocks", self.total_blocks);
        object.uint32("completedJobs", self.completed_jobs);
        object.uint32("totalJobs", self.total_jobs);
        object.uint64("totalBlockBytes", self.total_block_bytes);
        object.uint64("inspectedSpans", self.inspected_spans);
        object.uint64("backendReads", self.backend_reads);
        object.uint64("backendBytes", self.backend_bytes);
        object.int64_map("additionalMetrics", &self.additional_metrics);
    }
}

impl Jsonpb for MetadataMetrics {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.uint64("inspectedBytes", self.inspected_bytes);
        object.uint32("totalJobs", self.total_jobs);
        object.uint32("completedJobs", self.completed_jobs);
        object.uint32("totalBlocks", self.total_blocks);
        object.uint64("totalBlockBytes", self.total_block_bytes);
        object.uint64("backendReads", self.backend_reads);
        object.uint64("backendBytes", self.backend_bytes);
        object.int64_map("additionalMetrics", &self.additional_metrics);
    }
}

impl Jsonpb for SearchTagsResponse {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.set_texts("tagNames", &self.tag_names);
        object.message("metrics", self.metrics.as_ref());
    }
}

impl Jsonpb for SearchTagsV2Response {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.set_messages("scopes", &self.scopes);
        object.message("metrics", self.metrics.as_ref());
    }
}

impl Jsonpb for SearchTagsV2Scope {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.text("name", &self.name);
        object.texts("tags", &self.tags);
    }
}

impl Jsonpb for SearchTagValuesResponse {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.set_texts("tagValues", &self.tag_values);
        object.message("metrics", self.metrics.as_ref());
    }
}

impl Jsonpb for SearchTagValuesV2Response {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.set_messages("tagValues", &self.tag_values);
        object.message("metrics", self.metrics.as_ref());
    }
}

impl Jsonpb for TagValue {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.text("type", &self.r#type);
        object.text("value", &self.value);
    }
}

impl Jsonpb for KeyValue {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.text("key", &self.key);
        object.message("value", self.value.as_ref());
    }
}

impl Jsonpb for AnyValue {
    fn write_fields(&self, object: &mut Object<'_>) {
        match &self.value {
            None => {}
            Some(Value::StringValue(text)) => object.set_text("stringValue", text),
            Some(Value::BoolValue(truth)) => object.set_bool("boolValue", *truth),
            Some(Value::IntValue(number)) => object.set_int64("intValue", number),
            Some(Value::DoubleValue(number)) => object.set_double("doubleValue", *number),
            Some(Value::ArrayValue(array)) => object.message("arrayValue", Some(array)),
            Some(Value::KvlistValue(map)) => object.message("kvlistValue", Some(map)),
            Some(Value::BytesValue(bytes)) => {
                object.set_text("bytesValue", &STANDARD.encode(bytes));
            }
        }
    }
}

impl Jsonpb for ArrayValue {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.messages("values", &self.values);
    }
}

impl Jsonpb for KeyValueList {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.messages("values", &self.values);
    }
}
