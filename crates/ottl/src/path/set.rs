//! Writing paths.

use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::trace::{Span, Status};

use super::{EventField, Field, Path, ResourceField, ScopeField, SpanField, ids, trace_state};
use crate::error::EvalError;
use crate::value::{Key, Value};
use crate::view::Target;

impl Path {
    /// Writes `value` at the place that `keys`, those of the path, lead to. Maps and lists on the way there
    /// are made where they are missing.
    pub(crate) fn set(
        &self,
        target: &mut Target<'_>,
        keys: &[Key<'_>],
        value: Value<'static>,
    ) -> Result<(), EvalError> {
        if let Field::Span(SpanField::TraceState) = self.field
            && let Some(Key::Name(name)) = keys.first()
        {
            let span = target.span()?;
            span.trace_state = trace_state::put(&span.trace_state, name, &text(value)?);
            return Ok(());
        }
        if !keys.is_empty() {
            let value = value.storable("set")?;
            *self.value_mut_or_insert(target, keys)? = value;
            return Ok(());
        }
        match self.field {
            Field::Cache => target.cache = map(value)?,
            Field::Resource(field) => resource(target, field, value)?,
            Field::Scope(field) => scope(target, field, value)?,
            Field::Span(field) => span(target.span()?, field, value)?,
            Field::Event(field) => event(target, field, value)?,
            Field::Client(_) => return Err(EvalError::ReadOnly("what belongs to the client")),
        }
        Ok(())
    }
}

fn resource(
    target: &mut Target<'_>,
    field: ResourceField,
    value: Value<'static>,
) -> Result<(), EvalError> {
    match field {
        ResourceField::Attributes => target.resource().attributes = map(value)?,
        ResourceField::DroppedAttributesCount => {
            target.resource().dropped_attributes_count = count(&value)?;
        }
        ResourceField::SchemaUrl => *target.resource_schema_url() = text(value)?,
    }
    Ok(())
}

fn scope(
    target: &mut Target<'_>,
    field: ScopeField,
    value: Value<'static>,
) -> Result<(), EvalError> {
    match field {
        ScopeField::Name => target.scope()?.name = text(value)?,
        ScopeField::Version => target.scope()?.version = text(value)?,
        ScopeField::Attributes => target.scope()?.attributes = map(value)?,
        ScopeField::DroppedAttributesCount => {
            target.scope()?.dropped_attributes_count = count(&value)?;
        }
        ScopeField::SchemaUrl => *target.scope_schema_url()? = text(value)?,
    }
    Ok(())
}

fn span(span: &mut Span, field: SpanField, value: Value<'static>) -> Result<(), EvalError> {
    match field {
        SpanField::TraceId => match value {
            Value::TraceId(id) => span.trace_id = id.to_vec().into(),
            other => return Err(wrong("a trace id", &other)),
        },
        SpanField::SpanId => span.span_id = span_id(&value)?.to_vec().into(),
        SpanField::ParentSpanId => span.parent_span_id = span_id(&value)?.to_vec().into(),
        SpanField::TraceIdText => span.trace_id = id_of_text::<16>(value)?.to_vec().into(),
        SpanField::SpanIdText => span.span_id = id_of_text::<8>(value)?.to_vec().into(),
        SpanField::ParentSpanIdText => {
            span.parent_span_id = id_of_text::<8>(value)?.to_vec().into();
        }
        SpanField::TraceState => span.trace_state = text(value)?,
        SpanField::Flags => span.flags = count(&value)?,
        SpanField::Name => span.name = text(value)?,
        SpanField::Kind => span.kind = small(&value)?,
        SpanField::KindText => span.kind = kind(&text(value)?, ids::kind_of_name)?,
        SpanField::KindDeprecatedText => {
            span.kind = kind(&text(value)?, ids::kind_of_deprecated_name)?;
        }
        SpanField::StartTime => span.start_time_unix_nano = time(&value)?,
        SpanField::EndTime => span.end_time_unix_nano = time(&value)?,
        SpanField::StartTimeUnixNano => span.start_time_unix_nano = int(&value)?.cast_unsigned(),
        SpanField::EndTimeUnixNano => span.end_time_unix_nano = int(&value)?.cast_unsigned(),
        SpanField::Attributes => span.attributes = map(value)?,
        SpanField::DroppedAttributesCount => span.dropped_attributes_count = count(&value)?,
        SpanField::Events => match value {
            Value::Events(events) => span.events = events.into_owned(),
            other => return Err(wrong("events", &other)),
        },
        SpanField::DroppedEventsCount => span.dropped_events_count = count(&value)?,
        SpanField::Links => match value {
            Value::Links(links) => span.links = links.into_owned(),
            other => return Err(wrong("links", &other)),
        },
        SpanField::DroppedLinksCount => span.dropped_links_count = count(&value)?,
        SpanField::Status => span.status = Some(status(value)?),
        SpanField::StatusCode => span.status.get_or_insert_default().code = small(&value)?,
        SpanField::StatusMessage => span.status.get_or_insert_default().message = text(value)?,
    }
    Ok(())
}

fn event(
    target: &mut Target<'_>,
    field: EventField,
    value: Value<'static>,
) -> Result<(), EvalError> {
    let event = target.event()?;
    match field {
        EventField::Name => event.name = text(value)?,
        EventField::Time => event.time_unix_nano = time(&value)?,
        EventField::TimeUnixNano => event.time_unix_nano = int(&value)?.cast_unsigned(),
        EventField::Attributes => event.attributes = map(value)?,
        EventField::DroppedAttributesCount => event.dropped_attributes_count = count(&value)?,
        EventField::Index => return Err(EvalError::ReadOnly("event_index")),
    }
    Ok(())
}

fn wrong(expected: &'static str, got: &Value<'_>) -> EvalError {
    EvalError::Type { place: "set", expected, got: got.type_name() }
}

fn text(value: Value<'static>) -> Result<String, EvalError> {
    match value {
        Value::String(text) => Ok(text.into_owned()),
        other => Err(wrong("a string", &other)),
    }
}

fn map(value: Value<'static>) -> Result<Vec<KeyValue>, EvalError> {
    match value {
        Value::Map(entries) => Ok(entries.into_owned()),
        other => Err(wrong("a map", &other)),
    }
}

fn int(value: &Value<'_>) -> Result<i64, EvalError> {
    match value {
        Value::Int(value) => Ok(*value),
        other => Err(wrong("an int", other)),
    }
}

fn count(value: &Value<'_>) -> Result<u32, EvalError> {
    let number = int(value)?;
    u32::try_from(number).map_err(|_| EvalError::refused(format_args!("set: {number} is no count")))
}

fn small(value: &Value<'_>) -> Result<i32, EvalError> {
    let number = int(value)?;
    i32::try_from(number)
        .map_err(|_| EvalError::refused(format_args!("set: {number} is no number of an enum")))
}

fn time(value: &Value<'_>) -> Result<u64, EvalError> {
    match value {
        Value::Time(time) => u64::try_from(time.unix_nanos)
            .map_err(|_| EvalError::refused(format_args!("set: {time} is before 1970"))),
        other => Err(wrong("a time", other)),
    }
}

fn span_id(value: &Value<'_>) -> Result<[u8; 8], EvalError> {
    match value {
        Value::SpanId(id) => Ok(*id),
        other => Err(wrong("a span id", other)),
    }
}

fn id_of_text<const N: usize>(value: Value<'static>) -> Result<[u8; N], EvalError> {
    let text = text(value)?;
    let bytes = crate::hex::decode(&text).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| {
        EvalError::refused(format_args!("set: {text:?} is no id of {} hexadecimal digits", N * 2))
    })
}

fn kind(name: &str, known: fn(&str) -> Option<i32>) -> Result<i32, EvalError> {
    known(name).ok_or_else(|| EvalError::refused(format_args!("set: {name:?} is no span kind")))
}

fn status(value: Value<'static>) -> Result<Status, EvalError> {
    let mut status = Status::default();
    for KeyValue { key, value } in map(value)? {
        let value = value.map_or(Value::Nil, Value::of_owned);
        match key.as_str() {
            "code" => status.code = small(&value)?,
            "message" => status.message = text(value)?,
            _ => return Err(EvalError::refused(format_args!("set: a status has no {key:?}"))),
        }
    }
    Ok(status)
}
