//! Which field a path names.

use super::{ClientField, EventField, Field, ResourceField, ScopeField, SpanField};
use crate::ast::PathTree;
use crate::context::{Context, OTHER_SIGNALS};
use crate::suggest;

const RESOURCE: [(&str, ResourceField); 3] = [
    ("attributes", ResourceField::Attributes),
    ("dropped_attributes_count", ResourceField::DroppedAttributesCount),
    ("schema_url", ResourceField::SchemaUrl),
];

const SCOPE: [(&str, ScopeField); 5] = [
    ("name", ScopeField::Name),
    ("version", ScopeField::Version),
    ("attributes", ScopeField::Attributes),
    ("dropped_attributes_count", ScopeField::DroppedAttributesCount),
    ("schema_url", ScopeField::SchemaUrl),
];

const SPAN: [(&str, SpanField); 25] = [
    ("trace_id", SpanField::TraceId),
    ("trace_id.string", SpanField::TraceIdText),
    ("span_id", SpanField::SpanId),
    ("span_id.string", SpanField::SpanIdText),
    ("parent_span_id", SpanField::ParentSpanId),
    ("parent_span_id.string", SpanField::ParentSpanIdText),
    ("trace_state", SpanField::TraceState),
    ("flags", SpanField::Flags),
    ("name", SpanField::Name),
    ("kind", SpanField::Kind),
    ("kind.string", SpanField::KindText),
    ("kind.deprecated_string", SpanField::KindDeprecatedText),
    ("start_time", SpanField::StartTime),
    ("end_time", SpanField::EndTime),
    ("start_time_unix_nano", SpanField::StartTimeUnixNano),
    ("end_time_unix_nano", SpanField::EndTimeUnixNano),
    ("attributes", SpanField::Attributes),
    ("dropped_attributes_count", SpanField::DroppedAttributesCount),
    ("events", SpanField::Events),
    ("dropped_events_count", SpanField::DroppedEventsCount),
    ("links", SpanField::Links),
    ("dropped_links_count", SpanField::DroppedLinksCount),
    ("status", SpanField::Status),
    ("status.code", SpanField::StatusCode),
    ("status.message", SpanField::StatusMessage),
];

const EVENT: [(&str, EventField); 6] = [
    ("name", EventField::Name),
    ("time", EventField::Time),
    ("time_unix_nano", EventField::TimeUnixNano),
    ("attributes", EventField::Attributes),
    ("dropped_attributes_count", EventField::DroppedAttributesCount),
    ("event_index", EventField::Index),
];

const CLIENT: [(&str, ClientField); 4] = [
    ("client.addr", ClientField::Address),
    ("client.metadata", ClientField::Metadata),
    ("client.auth.attributes", ClientField::AuthAttributes),
    ("grpc.metadata", ClientField::Metadata),
];

/// The field that `path` names in `context`.
///
/// # Errors
/// The message for a path that names none, or one that is not reachable from there.
pub(crate) fn resolve(path: &PathTree, context: Context) -> Result<Field, String> {
    let names: Vec<&str> = path.segments.iter().map(|segment| segment.name.as_str()).collect();
    let (first, rest) = names.split_first().ok_or("an empty path")?;
    let prefixed = !rest.is_empty();
    if prefixed && OTHER_SIGNALS.contains(first) {
        return Err(format!("`{}` belongs to another signal than traces", names.join(".")));
    }
    if *first == "otelcol" {
        return find(&CLIENT, "otelcol", &rest.join(".")).map(Field::Client);
    }
    let owner = Context::from_name(first).filter(|_| prefixed);
    let field = match owner {
        Some(owner) if owner > context => {
            let name = names.join(".");
            return Err(format!("`{name}` cannot be reached from the context {context}"));
        }
        Some(owner) => {
            let rest = rest.join(".");
            if rest == "cache" && owner != context {
                let message = format!(
                    "`{first}.cache` cannot be reached from the context {context}: \
                     each context has a cache of its own, write `{context}.cache`"
                );
                return Err(message);
            }
            lookup(owner, &rest)?
        }
        None => lookup(context, &names.join("."))?,
    };
    let (_, before) = path.segments.split_last().ok_or("an empty path")?;
    if before.iter().any(|segment| !segment.keys.is_empty()) {
        return Err("keys may stand only behind the last name of a path".to_owned());
    }
    Ok(field)
}

fn lookup(context: Context, name: &str) -> Result<Field, String> {
    if name == "cache" {
        return Ok(Field::Cache);
    }
    let owner = context.name();
    match context {
        Context::Resource => find(&RESOURCE, owner, name).map(Field::Resource),
        Context::Scope => find(&SCOPE, owner, name).map(Field::Scope),
        Context::Span => find(&SPAN, owner, name).map(Field::Span),
        Context::SpanEvent => find(&EVENT, owner, name).map(Field::Event),
    }
}

fn find<T: Copy>(fields: &[(&str, T)], owner: &str, name: &str) -> Result<T, String> {
    match fields.iter().find(|(known, _)| *known == name) {
        Some((_, field)) => Ok(*field),
        None => {
            let hint = suggest::hint(name, fields.iter().map(|(known, _)| *known));
            Err(format!("{owner} has no path `{name}`{hint}"))
        }
    }
}
