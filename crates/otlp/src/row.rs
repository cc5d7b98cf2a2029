//! A row of the columns as a plain value, for answers that carry whole spans.

use std::sync::Arc;

use spandrel_columns::{KeyColumns, SpanColumns};
use spandrel_model::{Attribute, AttributeValue, Event, Link, Span, SpanKind, StatusCode};

use crate::DecodeError;
use crate::value::{decode_any_value, decode_key_value_list};

/// The span in a row. Attributes come in the order in which their keys first appeared in the columns;
/// resource and scope are shared with the columns' tables.
///
/// # Errors
/// [`DecodeError`] when a nested value or the attributes of an event or link are malformed, which
/// [`crate::decode_request`] never stores.
///
/// # Panics
/// When there is no such row.
pub fn span_at(columns: &SpanColumns, row: u32) -> Result<Span, DecodeError> {
    let dropped = &columns.dropped;
    Ok(Span {
        trace_state: columns.trace_states.get(row).unwrap_or_default().to_owned(),
        attributes: attributes_at(columns, row)?,
        dropped_attributes_count: dropped.attributes.get(row).unwrap_or_default(),
        events: columns.events_of(row).map(|i| event_at(columns, i)).collect::<Result<_, _>>()?,
        dropped_events_count: dropped.events.get(row).unwrap_or_default(),
        links: columns.links_of(row).map(|i| link_at(columns, i)).collect::<Result<_, _>>()?,
        dropped_links_count: dropped.links.get(row).unwrap_or_default(),
        status_message: columns.status_messages.get(row).unwrap_or_default().to_owned(),
        ..bare_span_at(columns, row)
    })
}

/// The span of a row with ids, flags, times, name, kind, status code and producer, and nothing else: most of what a
/// span takes, as time and as memory, is its attributes.
///
/// # Panics
/// When there is no such row.
pub fn bare_span_at(columns: &SpanColumns, row: u32) -> Span {
    let i = row as usize;
    let start_unix_nanos = columns.start_unix_nanos[i].cast_unsigned();
    let parent = columns.parent_span_ids[i];
    Span {
        trace_id: columns.trace_ids[i],
        span_id: columns.span_ids[i],
        parent_span_id: (!parent.is_zero()).then_some(parent),
        trace_state: String::new(),
        flags: columns.flags.get(row).unwrap_or_default(),
        name: columns.name_dictionary.get(columns.names[i]).to_owned(),
        kind: SpanKind::from_number(columns.kinds[i]),
        start_unix_nanos,
        end_unix_nanos: start_unix_nanos.saturating_add_signed(columns.duration_nanos[i]),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: StatusCode::from_number(columns.status_codes[i]),
        status_message: String::new(),
        resource: Arc::clone(&columns.resource_table.values()[columns.resources[i] as usize]),
        scope: Arc::clone(&columns.scope_table.values()[columns.scopes[i] as usize]),
    }
}

fn attributes_at(columns: &SpanColumns, row: u32) -> Result<Vec<Attribute>, DecodeError> {
    let mut attributes = Vec::new();
    for key in columns.attributes.keys() {
        if let Some(value) = value_at(key, row)? {
            attributes.push(Attribute { key: key.key.to_string(), value });
        }
    }
    Ok(attributes)
}

fn value_at(key: &KeyColumns, row: u32) -> Result<Option<AttributeValue>, DecodeError> {
    if let Some(text) = key.strings.get(row) {
        return Ok(Some(AttributeValue::String(text.to_owned())));
    }
    if let Some(any_value) = key.others.get(row) {
        return decode_any_value(any_value).map(Some);
    }
    let int = || key.ints.get(row).map(AttributeValue::Int);
    let double = || key.doubles.get(row).map(AttributeValue::Double);
    let truth = || key.bools.get(row).map(AttributeValue::Bool);
    Ok(int().or_else(double).or_else(truth))
}

fn event_at(columns: &SpanColumns, i: usize) -> Result<Event, DecodeError> {
    let events = &columns.events;
    Ok(Event {
        time_unix_nanos: events.time_unix_nanos[i],
        name: events.name_dictionary.get(events.names[i]).to_owned(),
        attributes: decode_key_value_list(events.attribute_lists.get(events.attributes[i]))?,
        dropped_attributes_count: events.dropped_attributes_counts[i],
    })
}

fn link_at(columns: &SpanColumns, i: usize) -> Result<Link, DecodeError> {
    let links = &columns.links;
    Ok(Link {
        trace_id: links.trace_ids[i],
        span_id: links.span_ids[i],
        trace_state: links.trace_state_dictionary.get(links.trace_states[i]).to_owned(),
        flags: links.flags[i],
        attributes: decode_key_value_list(links.attribute_lists.get(links.attributes[i]))?,
        dropped_attributes_count: links.dropped_attributes_counts[i],
    })
}
