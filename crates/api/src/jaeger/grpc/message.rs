//! What several services read out of their messages, and how traces become messages.

use std::borrow::Cow;

use prost::Message;
use prost::bytes::Bytes;
use spandrel_model::{Span, Trace};
use spandrel_otlp::encode_trace;
use spandrel_proto::jaeger as v2;
use spandrel_proto::otlp::trace::TracesData;
use spandrel_proto::well_known::{Duration, Timestamp};
use spandrel_query::TimeRange;

use super::super::adjust::Shown;
use super::super::convert::legacy_spans;
use super::super::legacy_trace::{Log, Process, RefType, Reference, Tag, TagValue};
use super::super::span_query::{TRACES_DEFAULT, TRACES_MAX};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Spans of a message in `api_v2`, as in Jaeger.
const SPANS_V2: usize = 10;
/// Spans of a message in OTLP, and its bytes as far as a span alone is not larger: clients take 4 MiB.
const SPANS_OTLP: usize = 256;
const BYTES_OTLP: usize = 2 << 20;

/// A time in Unix nanoseconds, the nearest one there is.
pub(super) fn nanos(time: &Timestamp) -> i64 {
    time.seconds.saturating_mul(NANOS_PER_SECOND).saturating_add(i64::from(time.nanos))
}

/// From one time to the other; without them from the beginning, to the end.
pub(super) fn range(start: Option<&Timestamp>, end: Option<&Timestamp>) -> TimeRange {
    TimeRange {
        start_unix_nanos: start.map_or(i64::MIN, nanos),
        end_unix_nanos: end.map_or(i64::MAX, nanos),
    }
}

/// A limit of durations in nanoseconds; zero is none.
pub(super) fn duration(duration: Option<&Duration>) -> Option<i64> {
    let duration = duration?;
    let seconds = duration.seconds.saturating_mul(NANOS_PER_SECOND);
    Some(seconds.saturating_add(i64::from(duration.nanos))).filter(|nanos| *nanos > 0)
}

/// How many traces are wanted.
pub(super) fn depth(depth: i32) -> usize {
    let depth = usize::try_from(depth).ok().filter(|depth| *depth > 0);
    depth.unwrap_or(TRACES_DEFAULT).min(TRACES_MAX)
}

/// The text, unless it is empty, which is how protobuf says nothing.
pub(super) fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

pub(super) fn timestamp(nanos: u64) -> Timestamp {
    let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
    Timestamp {
        seconds: nanos / NANOS_PER_SECOND,
        nanos: i32::try_from(nanos % NANOS_PER_SECOND).unwrap_or(0),
    }
}

/// A trace in OTLP, in messages of a size that clients take.
pub(super) fn otlp_messages(trace: Trace) -> Vec<TracesData> {
    let trace_id = trace.trace_id;
    let mut spans = trace.spans.into_iter();
    let mut messages = Vec::new();
    loop {
        let piece: Vec<Span> = spans.by_ref().take(SPANS_OTLP).collect();
        if piece.is_empty() {
            return messages;
        }
        push_otlp(Trace { trace_id, spans: piece }, &mut messages);
    }
}

/// Appends the spans in one message, or in halves of it where that is too large.
fn push_otlp(mut piece: Trace, messages: &mut Vec<TracesData>) {
    let mut bytes = Vec::new();
    encode_trace(&piece, &mut bytes);
    if bytes.len() > BYTES_OTLP && piece.spans.len() > 1 {
        let spans = piece.spans.split_off(piece.spans.len() / 2);
        let rest = Trace { trace_id: piece.trace_id, spans };
        push_otlp(piece, messages);
        push_otlp(rest, messages);
        return;
    }
    let message = TracesData::decode(Bytes::from(bytes));
    messages.push(message.expect("what was just encoded is a message"));
}

/// A trace in Jaeger's model, in messages of a few spans.
pub(super) fn v2_messages(shown: &Shown) -> Vec<v2::SpansResponseChunk> {
    let spans = legacy_spans(&shown.trace, &shown.warnings);
    let spans: Vec<v2::Span> = spans
        .map(|(span, process)| v2::Span {
            trace_id: Bytes::copy_from_slice(&span.trace_id.0),
            span_id: Bytes::copy_from_slice(&span.span_id.0),
            operation_name: span.operation_name.to_owned(),
            references: span.references.iter().map(reference).collect(),
            flags: span.flags,
            start_time: Some(timestamp(span.start_nanos)),
            duration: Some(length(span.duration_nanos)),
            tags: span.tags.into_iter().map(key_value).collect(),
            logs: span.logs.into_iter().map(log).collect(),
            process: Some(v2_process(process)),
            process_id: String::new(),
            warnings: span.warnings.unwrap_or_default(),
        })
        .collect();
    let mut spans = spans.into_iter();
    let chunk = || {
        let spans: Vec<v2::Span> = spans.by_ref().take(SPANS_V2).collect();
        (!spans.is_empty()).then_some(v2::SpansResponseChunk { spans })
    };
    std::iter::from_fn(chunk).collect()
}

fn length(nanos: u64) -> Duration {
    let Timestamp { seconds, nanos } = timestamp(nanos);
    Duration { seconds, nanos }
}

fn reference(reference: &Reference) -> v2::SpanRef {
    let ref_type = match reference.ref_type {
        RefType::ChildOf => v2::SpanRefType::ChildOf,
        RefType::FollowsFrom => v2::SpanRefType::FollowsFrom,
    };
    v2::SpanRef {
        trace_id: Bytes::copy_from_slice(&reference.trace_id.0),
        span_id: Bytes::copy_from_slice(&reference.span_id.0),
        ref_type: ref_type.into(),
    }
}

fn log(log: Log<'_>) -> v2::Log {
    let fields = log.fields.into_iter().map(key_value).collect();
    v2::Log { timestamp: Some(timestamp(log.time_nanos)), fields }
}

fn v2_process(process: Process<'_>) -> v2::Process {
    let tags = process.tags.into_iter().map(key_value).collect();
    v2::Process { service_name: process.service_name.to_owned(), tags }
}

fn key_value(tag: Tag<'_>) -> v2::KeyValue {
    let mut pair = v2::KeyValue { key: tag.key.to_owned(), ..v2::KeyValue::default() };
    let kind = match tag.value {
        TagValue::Text(text) => {
            pair.v_str = Cow::into_owned(text);
            v2::ValueType::String
        }
        TagValue::Bool(truth) => {
            pair.v_bool = truth;
            v2::ValueType::Bool
        }
        TagValue::Int(number) => {
            pair.v_int64 = number;
            v2::ValueType::Int64
        }
        TagValue::Float(number) => {
            pair.v_float64 = number;
            v2::ValueType::Float64
        }
        TagValue::Binary(bytes) => {
            pair.v_binary = Bytes::copy_from_slice(bytes);
            v2::ValueType::Binary
        }
    };
    pair.v_type = kind.into();
    pair
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_trace::{attribute, checkout, string};

    #[test]
    fn messages_are_small_enough_for_clients() {
        let mut trace = checkout();
        let mut span = trace.spans.remove(0);
        span.attributes = vec![attribute("text", string(&"x".repeat(100_000)))];
        trace.spans = vec![span; 700];
        let messages = otlp_messages(trace);
        assert!(messages.iter().all(|message| message.encoded_len() <= BYTES_OTLP));
        let spans = messages.iter().flat_map(|message| &message.resource_spans);
        let spans = spans.flat_map(|of_resource| &of_resource.scope_spans);
        assert_eq!(spans.map(|of_scope| of_scope.spans.len()).sum::<usize>(), 700);
    }

    #[test]
    fn jaeger_spans_come_in_tens_with_their_process() {
        let mut trace = checkout();
        let span = trace.spans.remove(1);
        trace.spans = vec![span; 23];
        let warnings = vec![vec!["late".to_owned()]];
        let chunks = v2_messages(&Shown { trace, warnings });
        let sizes: Vec<usize> = chunks.iter().map(|chunk| chunk.spans.len()).collect();
        assert_eq!(sizes, [10, 10, 3]);
        let span = &chunks[0].spans[0];
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
        assert!(!span.process.as_ref().unwrap().service_name.is_empty());
        assert_eq!(span.warnings, ["late"]);
        let failed = span.tags.iter().find(|tag| tag.key == "error").unwrap();
        assert_eq!((failed.v_type(), failed.v_bool), (v2::ValueType::Bool, true));
        assert_eq!(span.references[0].ref_type(), v2::SpanRefType::ChildOf);
    }

    #[test]
    fn times_beyond_all_bounds_are_the_nearest() {
        let far = Timestamp { seconds: i64::MAX, nanos: 5 };
        assert_eq!(nanos(&far), i64::MAX);
        assert_eq!(nanos(&Timestamp { seconds: i64::MIN, nanos: -5 }), i64::MIN);
        assert_eq!(timestamp(1_500_000_000), Timestamp { seconds: 1, nanos: 500_000_000 });
        assert_eq!((depth(0), depth(-1), depth(7), depth(i32::MAX)), (100, 100, 7, TRACES_MAX));
        assert_eq!(duration(Some(&Duration { seconds: 0, nanos: 0 })), None);
        assert_eq!(duration(Some(&Duration { seconds: 2, nanos: 5 })), Some(2_000_000_005));
    }
}
