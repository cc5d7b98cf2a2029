//! What Datadog's spans carry in JSON (`/v0.4/traces`), as a tracer would write them, and how they are read back by the
//! rules of the Collector's receiver.

use serde_json::{Map, Value as Json, json};
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, SpanKind};
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_proto::otlp::trace::{Span, Status};

use super::model::{FullSpan, pair, text};
use super::zipkin::text_of;

/// Attributes that are numbers, and those that are texts.
type Split<'a> = (Vec<(&'a str, f64)>, Vec<(&'a str, String)>);

/// Numbers are doubles, and everything else is a text; JSON has no infinities, so they are texts as well.
fn split(attributes: &[KeyValue]) -> Split<'_> {
    let (mut numbers, mut texts) = (Vec::new(), Vec::new());
    for pair in attributes {
        let any = pair.value.as_ref().unwrap();
        match &any.value {
            Some(Value::IntValue(number)) => numbers.push((pair.key.as_str(), *number as f64)),
            Some(Value::DoubleValue(number)) if number.is_finite() => {
                numbers.push((pair.key.as_str(), *number));
            }
            _ => texts.push((pair.key.as_str(), text_of(any))),
        }
    }
    (numbers, texts)
}

fn kind_name(kind: SpanKind) -> Option<&'static str> {
    match kind {
        SpanKind::Unspecified => None,
        SpanKind::Internal => Some("internal"),
        SpanKind::Server => Some("server"),
        SpanKind::Client => Some("client"),
        SpanKind::Producer => Some("producer"),
        SpanKind::Consumer => Some("consumer"),
    }
}

fn service(full: &FullSpan) -> String {
    text_of(full.resource.attributes[0].value.as_ref().unwrap())
}

/// A message, if it is an error with one.
fn error_message(full: &FullSpan) -> Option<String> {
    let (code, message) = full.status();
    (code == StatusCode::Error && !message.is_empty()).then_some(message)
}

/// A list of traces. Not carried: the resource but for its service, the scope, trace state, events, links, dropped
/// counts, flags, the status of what is no error.
pub(super) fn datadog_json(spans: &[FullSpan]) -> Vec<u8> {
    let span = |full: &FullSpan| {
        let (numbers, texts) = split(&full.span.attributes);
        let mut meta: Map<String, Json> =
            texts.into_iter().map(|(key, text)| (key.to_owned(), json!(text))).collect();
        let high = (full.trace_id() >> 64) as u64;
        let more = [
            ("span.kind", kind_name(full.kind()).map(str::to_owned)),
            ("error.message", error_message(full)),
            ("_dd.p.tid", (high != 0).then(|| format!("{high:016x}"))),
        ];
        for (key, said) in more {
            meta.extend(said.map(|said| (key.to_owned(), json!(said))));
        }
        let numbers = numbers.into_iter().map(|(key, number)| (key.to_owned(), json!(number)));
        json!({
            "service": service(full),
            "name": full.span.name,
            "resource": "shop",
            "trace_id": full.trace_id() as u64,
            "span_id": full.span_id(),
            "parent_id": full.parent(),
            "start": full.span.start_time_unix_nano,
            "duration": full.span.end_time_unix_nano - full.span.start_time_unix_nano,
            "error": i32::from(full.status().0 == StatusCode::Error),
            "meta": meta,
            "metrics": numbers.collect::<Map<_, _>>(),
        })
    };
    let traces = spans.chunk_by(|one, next| one.trace_id() == next.trace_id());
    let traces: Vec<Vec<Json>> = traces.map(|trace| trace.iter().map(span).collect()).collect();
    serde_json::to_vec(&traces).unwrap()
}

/// What comes of a span in OTLP. The message of an error is an event as well.
pub(super) fn of_datadog(of: &FullSpan) -> FullSpan {
    let resource =
        vec![pair("telemetry.sdk.name", text("Datadog")), pair("service.name", text(&service(of)))];
    let mut attributes = vec![
        pair("dd.span.Resource", text("shop")),
        pair("datadog.span.id", text(&of.span_id().to_string())),
        pair("datadog.trace.id", text(&(of.trace_id() as u64).to_string())),
    ];
    let (numbers, texts) = split(&of.span.attributes);
    attributes.extend(texts.into_iter().map(|(key, said)| pair(key, text(&said))));
    let numbers = numbers.into_iter();
    attributes.extend(numbers.map(|(key, number)| pair(key, Value::DoubleValue(number))));
    let message = error_message(of);
    let exception = message.as_ref().map(|message| Event {
        time_unix_nano: of.span.end_time_unix_nano,
        name: "exception".to_owned(),
        attributes: vec![pair("exception.message", text(message))],
        ..Event::default()
    });
    let is_error = of.status().0 == StatusCode::Error;
    let code = if is_error { StatusCode::Error } else { StatusCode::Unset };
    let span = Span {
        trace_id: of.span.trace_id.clone(),
        span_id: of.span.span_id.clone(),
        parent_span_id: of.span.parent_span_id.clone(),
        name: of.span.name.clone(),
        kind: of.span.kind,
        start_time_unix_nano: of.span.start_time_unix_nano,
        end_time_unix_nano: of.span.end_time_unix_nano,
        attributes,
        events: exception.into_iter().collect(),
        status: Some(Status { message: message.unwrap_or_default(), code: code as i32 }),
        ..Span::default()
    };
    let scope = InstrumentationScope { name: "Datadog".to_owned(), ..Default::default() };
    let resource = Resource { attributes: resource, ..Resource::default() };
    FullSpan { resource, scope, span, ..FullSpan::default() }
}
