//! Reading paths.

use std::borrow::Cow;

use spandrel_proto::otlp::common::any_value::Value as Any;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::trace::{Span, Status};

use super::{
    EventField, Field, Path, ResourceField, ScopeField, SpanField, client, ids, trace_state,
};
use crate::error::EvalError;
use crate::expression::Env;
use crate::time::Time;
use crate::value::{Key, Value, any_text, entry};
use crate::view::View;

impl Path {
    /// The value there; nil where there is nothing.
    pub(crate) fn get<'v>(&'v self, env: &Env<'v>) -> Result<Value<'v>, EvalError> {
        if let Field::Client(field) = self.field {
            let keys: Result<Vec<_>, _> = self.keys.iter().map(|key| key.evaluate(env)).collect();
            return client::get(env.view.client, field, &keys?);
        }
        let value = field(&env.view, self.field);
        let Some((first, rest)) = self.keys.split_first() else { return Ok(value) };
        let first = first.evaluate(env)?;
        let value = match (self.field, &first, value) {
            (
                Field::Span(SpanField::TraceState),
                Key::Name(name),
                Value::String(Cow::Borrowed(state)),
            ) => Value::text(trace_state::get(state, name)),
            (.., value) => value.get(&first)?,
        };
        rest.iter().try_fold(value, |value, key| value.get(&key.evaluate(env)?))
    }
}

fn field<'v>(view: &View<'v>, field: Field) -> Value<'v> {
    match field {
        Field::Cache => attributes(view.cache),
        Field::Resource(field) => resource(view, field),
        Field::Scope(field) => scope(view, field),
        Field::Span(field) => view.span.map_or(Value::Nil, |span| self::span(span, field)),
        Field::Event(field) => event(view, field),
        Field::Client(_) => Value::Nil,
    }
}

fn attributes(entries: &[KeyValue]) -> Value<'_> {
    Value::Map(Cow::Borrowed(entries))
}

fn resource<'v>(view: &View<'v>, field: ResourceField) -> Value<'v> {
    match field {
        ResourceField::Attributes => {
            attributes(view.resource.map_or(&[], |resource| &resource.attributes))
        }
        ResourceField::DroppedAttributesCount => {
            count(view.resource.map_or(0, |resource| resource.dropped_attributes_count))
        }
        ResourceField::SchemaUrl => Value::text(view.resource_schema_url),
    }
}

fn scope<'v>(view: &View<'v>, field: ScopeField) -> Value<'v> {
    match field {
        ScopeField::Name => Value::text(view.scope.map_or("", |scope| &scope.name)),
        ScopeField::Version => Value::text(view.scope.map_or("", |scope| &scope.version)),
        ScopeField::Attributes => attributes(view.scope.map_or(&[], |scope| &scope.attributes)),
        ScopeField::DroppedAttributesCount => {
            count(view.scope.map_or(0, |scope| scope.dropped_attributes_count))
        }
        ScopeField::SchemaUrl => Value::text(view.scope_schema_url),
    }
}

fn span(span: &Span, field: SpanField) -> Value<'_> {
    match field {
        SpanField::TraceId => Value::TraceId(ids::fixed(&span.trace_id)),
        SpanField::TraceIdText => id_text(&ids::fixed::<16>(&span.trace_id)),
        SpanField::SpanId => Value::SpanId(ids::fixed(&span.span_id)),
        SpanField::SpanIdText => id_text(&ids::fixed::<8>(&span.span_id)),
        SpanField::ParentSpanId => Value::SpanId(ids::fixed(&span.parent_span_id)),
        SpanField::ParentSpanIdText => id_text(&ids::fixed::<8>(&span.parent_span_id)),
        SpanField::TraceState => Value::text(&span.trace_state),
        SpanField::Flags => count(span.flags),
        SpanField::Name => Value::text(&span.name),
        SpanField::Kind => Value::Int(span.kind.into()),
        SpanField::KindText => Value::text(ids::kind_name(span.kind)),
        SpanField::KindDeprecatedText => Value::text(ids::kind_deprecated_name(span.kind)),
        SpanField::StartTime => time(span.start_time_unix_nano),
        SpanField::EndTime => time(span.end_time_unix_nano),
        SpanField::StartTimeUnixNano => Value::Int(span.start_time_unix_nano.cast_signed()),
        SpanField::EndTimeUnixNano => Value::Int(span.end_time_unix_nano.cast_signed()),
        SpanField::Attributes => attributes(&span.attributes),
        SpanField::DroppedAttributesCount => count(span.dropped_attributes_count),
        SpanField::Events => Value::Events(Cow::Borrowed(&span.events)),
        SpanField::DroppedEventsCount => count(span.dropped_events_count),
        SpanField::Links => Value::Links(Cow::Borrowed(&span.links)),
        SpanField::DroppedLinksCount => count(span.dropped_links_count),
        SpanField::Status => status(span.status.as_ref()),
        SpanField::StatusCode => {
            Value::Int(span.status.as_ref().map_or(0, |status| status.code.into()))
        }
        SpanField::StatusMessage => {
            Value::text(span.status.as_ref().map_or("", |status| &status.message))
        }
    }
}

fn event<'v>(view: &View<'v>, field: EventField) -> Value<'v> {
    let Some((index, event)) = view.event else { return Value::Nil };
    match field {
        EventField::Name => Value::text(&event.name),
        EventField::Time => time(event.time_unix_nano),
        EventField::TimeUnixNano => Value::Int(event.time_unix_nano.cast_signed()),
        EventField::Attributes => attributes(&event.attributes),
        EventField::DroppedAttributesCount => count(event.dropped_attributes_count),
        EventField::Index => Value::Int(i64::try_from(index).unwrap_or(i64::MAX)),
    }
}

fn count<'v>(count: u32) -> Value<'v> {
    Value::Int(count.into())
}

fn time<'v>(unix_nanos: u64) -> Value<'v> {
    Value::Time(Time::utc(unix_nanos.into()))
}

fn id_text<'v>(id: &[u8]) -> Value<'v> {
    Value::owned(crate::hex::encode(id))
}

fn status<'v>(status: Option<&Status>) -> Value<'v> {
    let code = status.map_or(0, |status| status.code);
    let message = status.map_or("", |status| &status.message);
    let code = AnyValue { value: Some(Any::IntValue(code.into())) };
    Value::map(vec![entry("code", code), entry("message", any_text(message))])
}
