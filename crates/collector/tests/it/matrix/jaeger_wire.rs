//! Jaeger's spans as its clients write them: Thrift, and protobuf over gRPC.

use spandrel_proto::jaeger::{
    Batch, KeyValue, Log, PostSpansRequest, Process, Span, SpanRef, SpanRefType, ValueType,
};
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::well_known::{Duration, Timestamp};
use spandrel_translate::thrift::{Protocol, Writer};

use super::jaeger::{JaegerSpan, Tag};

const NANOS: u64 = 1_000_000_000;

/// `Batch` of `jaeger.thrift`, of spans of one process.
pub(super) fn thrift_batch(spans: &[JaegerSpan]) -> Vec<u8> {
    let mut writer = Writer::new(Protocol::Binary);
    writer.body(|writer| put_batch(writer, spans));
    writer.into_bytes()
}

/// The call `emitBatch` of `agent.thrift`.
pub(super) fn agent_call(spans: &[JaegerSpan], protocol: Protocol) -> Vec<u8> {
    let mut writer = Writer::new(protocol);
    writer.oneway("emitBatch");
    writer.body(|arguments| arguments.structure(1, |batch| put_batch(batch, spans)));
    writer.into_bytes()
}

fn put_batch(batch: &mut Writer, spans: &[JaegerSpan]) {
    batch.structure(1, |process| {
        process.bytes(1, &spans[0].service);
        process.list(2, &spans[0].process_tags, put_tag);
    });
    batch.list(2, spans, put_span);
}

fn put_span(fields: &mut Writer, span: &JaegerSpan) {
    fields.i64(1, (span.trace_id as u64).cast_signed());
    fields.i64(2, ((span.trace_id >> 64) as u64).cast_signed());
    fields.i64(3, span.span_id.cast_signed());
    fields.i64(4, span.parent.cast_signed());
    fields.bytes(5, &span.name);
    fields.list(6, &span.follows, |reference, (trace, id)| {
        reference.i32(1, 1);
        reference.i64(2, (*trace as u64).cast_signed());
        reference.i64(3, ((trace >> 64) as u64).cast_signed());
        reference.i64(4, id.cast_signed());
    });
    fields.i32(7, span.flags.cast_signed());
    fields.i64(8, (span.start / 1_000).cast_signed());
    fields.i64(9, (span.duration / 1_000).cast_signed());
    fields.list(10, &span.tags, put_tag);
    fields.list(11, &span.logs, |log, (time, tags)| {
        log.i64(1, (time / 1_000).cast_signed());
        log.list(2, tags, put_tag);
    });
}

fn put_tag(fields: &mut Writer, (key, value): &Tag) {
    fields.bytes(1, key);
    match value {
        Value::StringValue(text) => {
            fields.i32(2, 0);
            fields.bytes(3, text);
        }
        Value::DoubleValue(number) => {
            fields.i32(2, 1);
            fields.double(4, *number);
        }
        Value::BoolValue(truth) => {
            fields.i32(2, 2);
            fields.bool(5, *truth);
        }
        Value::IntValue(number) => {
            fields.i32(2, 3);
            fields.i64(6, *number);
        }
        Value::BytesValue(bytes) => {
            fields.i32(2, 4);
            fields.bytes(7, bytes);
        }
        Value::ArrayValue(_) | Value::KvlistValue(_) => panic!("no tag has such a value"),
    }
}

/// `PostSpansRequest` of spans of one process.
pub(super) fn post_spans(spans: &[JaegerSpan]) -> PostSpansRequest {
    let process = Process {
        service_name: spans[0].service.clone(),
        tags: spans[0].process_tags.iter().map(key_value).collect(),
    };
    let spans = spans.iter().map(proto_span).collect();
    PostSpansRequest { batch: Some(Batch { spans, process: Some(process) }) }
}

fn proto_span(span: &JaegerSpan) -> Span {
    let reference = |kind: SpanRefType, trace: u128, id: u64| SpanRef {
        trace_id: trace.to_be_bytes().to_vec().into(),
        span_id: id.to_be_bytes().to_vec().into(),
        ref_type: kind as i32,
    };
    let parent =
        (span.parent != 0).then(|| reference(SpanRefType::ChildOf, span.trace_id, span.parent));
    let follows =
        span.follows.iter().map(|(trace, id)| reference(SpanRefType::FollowsFrom, *trace, *id));
    let log = |(time, tags): &(u64, Vec<Tag>)| Log {
        timestamp: Some(timestamp(*time)),
        fields: tags.iter().map(key_value).collect(),
    };
    Span {
        trace_id: span.trace_id.to_be_bytes().to_vec().into(),
        span_id: span.span_id.to_be_bytes().to_vec().into(),
        operation_name: span.name.clone(),
        references: parent.into_iter().chain(follows).collect(),
        flags: span.flags,
        start_time: Some(timestamp(span.start)),
        duration: Some(Duration {
            seconds: (span.duration / NANOS).cast_signed(),
            nanos: (span.duration % NANOS) as i32,
        }),
        tags: span.tags.iter().map(key_value).collect(),
        logs: span.logs.iter().map(log).collect(),
        ..Span::default()
    }
}

fn timestamp(nanos: u64) -> Timestamp {
    Timestamp { seconds: (nanos / NANOS).cast_signed(), nanos: (nanos % NANOS) as i32 }
}

fn key_value((key, value): &Tag) -> KeyValue {
    let mut tag = KeyValue { key: key.clone(), ..KeyValue::default() };
    match value {
        Value::StringValue(text) => tag.v_str.clone_from(text),
        Value::BoolValue(truth) => {
            tag.set_v_type(ValueType::Bool);
            tag.v_bool = *truth;
        }
        Value::IntValue(number) => {
            tag.set_v_type(ValueType::Int64);
            tag.v_int64 = *number;
        }
        Value::DoubleValue(number) => {
            tag.set_v_type(ValueType::Float64);
            tag.v_float64 = *number;
        }
        Value::BytesValue(bytes) => {
            tag.set_v_type(ValueType::Binary);
            tag.v_binary = bytes.clone();
        }
        Value::ArrayValue(_) | Value::KvlistValue(_) => panic!("no tag has such a value"),
    }
    tag
}
