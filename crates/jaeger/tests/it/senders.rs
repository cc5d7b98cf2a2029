//! What senders write: one batch in each encoding.

use bytes::Bytes;
use prost::Message;
use spandrel_jaeger::{JaegerError, agent_call, post_spans, thrift_batch};
use spandrel_proto::jaeger::{
    Batch, KeyValue, PostSpansRequest, Process, Span, SpanRef, SpanRefType, ValueType,
};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::well_known::{Duration, Timestamp};
use spandrel_translate::thrift::{Protocol, Writer};
use spandrel_translate::{Room, Translated};

pub(crate) fn decode(translated: &Translated) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(translated.otlp.clone()).unwrap()
}

/// The batch as `api_v2` has it.
pub(crate) fn by_protobuf(batch: Batch) -> Result<Translated, JaegerError> {
    let request = PostSpansRequest { batch: Some(batch) };
    let mut grant = |_| true;
    post_spans(&Bytes::from(request.encode_to_vec()), &mut Room::new(&mut grant))
}

/// The same batch in Thrift, over HTTP and over UDP; both must say the same.
pub(crate) fn by_thrift(batch: &Batch, protocol: Protocol) -> Result<Translated, JaegerError> {
    let mut grant = |_| true;
    let mut body = Writer::new(protocol);
    body.body(|fields| write_batch(fields, batch));
    let bare = thrift_batch(&body.into_bytes(), protocol, &mut Room::new(&mut grant));
    let call = agent_call(&datagram(batch, protocol), protocol, &mut Room::new(&mut grant));
    assert_eq!(bare, call);
    bare
}

pub(crate) fn datagram(batch: &Batch, protocol: Protocol) -> Vec<u8> {
    let mut call = Writer::new(protocol);
    call.oneway("emitBatch");
    call.body(|arguments| arguments.structure(1, |fields| write_batch(fields, batch)));
    call.into_bytes()
}

fn write_batch(fields: &mut Writer, batch: &Batch) {
    let process = batch.process.clone().unwrap_or_default();
    fields.structure(1, |fields| {
        fields.bytes(1, &process.service_name);
        fields.list(2, &process.tags, write_tag);
    });
    fields.list(2, &batch.spans, write_span);
    fields.i64(3, 17);
}

fn write_span(fields: &mut Writer, span: &Span) {
    let (high, low) = trace_id(&span.trace_id);
    let start = micros(span.start_time.as_ref().map(|time| (time.seconds, time.nanos)));
    let duration = micros(span.duration.as_ref().map(|time| (time.seconds, time.nanos)));
    fields.i64(1, low);
    fields.i64(2, high);
    fields.i64(3, id(&span.span_id));
    fields.i64(4, 0);
    fields.bytes(5, &span.operation_name);
    fields.list(6, &span.references, |fields, reference: &SpanRef| {
        let (high, low) = trace_id(&reference.trace_id);
        fields.i32(1, reference.ref_type);
        fields.i64(2, low);
        fields.i64(3, high);
        fields.i64(4, id(&reference.span_id));
    });
    fields.i32(7, 1);
    fields.i64(8, start);
    fields.i64(9, duration);
    fields.list(10, &span.tags, write_tag);
    fields.list(11, &span.logs, |fields, log| {
        fields.i64(1, micros(log.timestamp.as_ref().map(|time| (time.seconds, time.nanos))));
        fields.list(2, &log.fields, write_tag);
    });
}

/// Thrift numbers the types in another order.
fn write_tag(fields: &mut Writer, tag: &KeyValue) {
    fields.bytes(1, &tag.key);
    let kind = match ValueType::try_from(tag.v_type).unwrap() {
        ValueType::String => 0,
        ValueType::Float64 => 1,
        ValueType::Bool => 2,
        ValueType::Int64 => 3,
        ValueType::Binary => 4,
    };
    fields.i32(2, kind);
    match kind {
        0 => fields.bytes(3, &tag.v_str),
        1 => fields.double(4, tag.v_float64),
        2 => fields.bool(5, tag.v_bool),
        3 => fields.i64(6, tag.v_int64),
        _ => fields.bytes(7, &tag.v_binary),
    }
}

fn micros(time: Option<(i64, i32)>) -> i64 {
    time.map_or(0, |(seconds, nanos)| seconds * 1_000_000 + i64::from(nanos) / 1_000)
}

fn id(bytes: &[u8]) -> i64 {
    i64::from_be_bytes(bytes.try_into().unwrap())
}

fn trace_id(bytes: &[u8]) -> (i64, i64) {
    (id(&bytes[..8]), id(&bytes[8..]))
}

pub(crate) fn timestamp(micros: i64) -> Option<Timestamp> {
    let nanos = (micros % 1_000_000 * 1_000) as i32;
    Some(Timestamp { seconds: micros / 1_000_000, nanos })
}

pub(crate) fn duration(micros: i64) -> Option<Duration> {
    let nanos = (micros % 1_000_000 * 1_000) as i32;
    Some(Duration { seconds: micros / 1_000_000, nanos })
}

pub(crate) fn text(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), v_str: value.to_owned(), ..KeyValue::default() }
}

pub(crate) fn process(service_name: &str, tags: &[KeyValue]) -> Process {
    Process { service_name: service_name.to_owned(), tags: tags.to_vec() }
}

pub(crate) fn reference(kind: SpanRefType, trace: u128, span: u64) -> SpanRef {
    SpanRef {
        trace_id: Bytes::copy_from_slice(&trace.to_be_bytes()),
        span_id: Bytes::copy_from_slice(&span.to_be_bytes()),
        ref_type: kind as i32,
    }
}

pub(crate) fn span(trace: u128, id: u64, name: &str) -> Span {
    Span {
        trace_id: Bytes::copy_from_slice(&trace.to_be_bytes()),
        span_id: Bytes::copy_from_slice(&id.to_be_bytes()),
        operation_name: name.to_owned(),
        start_time: timestamp(1_485_467_191_639_875),
        duration: duration(22_938),
        ..Span::default()
    }
}
