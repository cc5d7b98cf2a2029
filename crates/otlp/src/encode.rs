//! Traces as `TracesData` messages (the same bytes as Tempo's `tempopb.Trace`).
//!
//! Spans are grouped by resource and, within it, by scope, in order of first appearance. Fields that
//! have their default value are left out, as proto3 does, except the ids.

mod group;

use spandrel_model::{Event, Link, Resource, Scope, Span, Trace};

pub(crate) use self::group::{ResourceGroup, ScopeGroup, group_spans};
use crate::value::encode_attributes;
use crate::wire::{
    put_bytes_field, put_fixed32_field, put_fixed64_field, put_message_field, put_varint_field,
};

/// Appends a trace as a `TracesData` message.
pub fn encode_trace(trace: &Trace, out: &mut Vec<u8>) {
    encode_traces([trace], out);
}

/// Appends traces as one `TracesData` message.
pub fn encode_traces<'a>(traces: impl IntoIterator<Item = &'a Trace>, out: &mut Vec<u8>) {
    for group in group_spans(traces.into_iter().flat_map(|trace| &trace.spans)) {
        put_message_field(out, 1, |out| encode_resource_spans(&group, out));
    }
}

fn encode_resource_spans(group: &ResourceGroup<'_>, out: &mut Vec<u8>) {
    put_message_field(out, 1, |out| encode_resource(group.resource, out));
    for scope_group in &group.scopes {
        put_message_field(out, 2, |out| encode_scope_spans(scope_group, out));
    }
    put_text(out, 3, &group.resource.schema_url);
}

fn encode_resource(resource: &Resource, out: &mut Vec<u8>) {
    encode_attributes(1, &resource.attributes, out);
    put_count(out, 2, resource.dropped_attributes_count);
}

fn encode_scope_spans(group: &ScopeGroup<'_>, out: &mut Vec<u8>) {
    put_message_field(out, 1, |out| encode_scope(group.scope, out));
    for span in &group.spans {
        put_message_field(out, 2, |out| encode_span(span, out));
    }
    put_text(out, 3, &group.scope.schema_url);
}

fn encode_scope(scope: &Scope, out: &mut Vec<u8>) {
    put_text(out, 1, &scope.name);
    put_text(out, 2, &scope.version);
    encode_attributes(3, &scope.attributes, out);
    put_count(out, 4, scope.dropped_attributes_count);
}

fn encode_span(span: &Span, out: &mut Vec<u8>) {
    put_bytes_field(out, 1, &span.trace_id.0);
    put_bytes_field(out, 2, &span.span_id.0);
    put_text(out, 3, &span.trace_state);
    if let Some(parent) = span.parent_span_id {
        put_bytes_field(out, 4, &parent.0);
    }
    put_text(out, 5, &span.name);
    put_count(out, 6, span.kind as u32);
    put_time(out, 7, span.start_unix_nanos);
    put_time(out, 8, span.end_unix_nanos);
    encode_attributes(9, &span.attributes, out);
    put_count(out, 10, span.dropped_attributes_count);
    for event in &span.events {
        put_message_field(out, 11, |out| encode_event(event, out));
    }
    put_count(out, 12, span.dropped_events_count);
    for link in &span.links {
        put_message_field(out, 13, |out| encode_link(link, out));
    }
    put_count(out, 14, span.dropped_links_count);
    put_message_field(out, 15, |out| {
        put_text(out, 2, &span.status_message);
        put_count(out, 3, span.status_code as u32);
    });
    put_flags(out, 16, span.flags);
}

fn encode_event(event: &Event, out: &mut Vec<u8>) {
    put_time(out, 1, event.time_unix_nanos);
    put_text(out, 2, &event.name);
    encode_attributes(3, &event.attributes, out);
    put_count(out, 4, event.dropped_attributes_count);
}

fn encode_link(link: &Link, out: &mut Vec<u8>) {
    put_bytes_field(out, 1, &link.trace_id.0);
    put_bytes_field(out, 2, &link.span_id.0);
    put_text(out, 3, &link.trace_state);
    encode_attributes(4, &link.attributes, out);
    put_count(out, 5, link.dropped_attributes_count);
    put_flags(out, 6, link.flags);
}

fn put_text(out: &mut Vec<u8>, field: u32, text: &str) {
    if !text.is_empty() {
        put_bytes_field(out, field, text.as_bytes());
    }
}

fn put_count(out: &mut Vec<u8>, field: u32, count: u32) {
    if count != 0 {
        put_varint_field(out, field, u64::from(count));
    }
}

fn put_time(out: &mut Vec<u8>, field: u32, unix_nanos: u64) {
    if unix_nanos != 0 {
        put_fixed64_field(out, field, unix_nanos);
    }
}

fn put_flags(out: &mut Vec<u8>, field: u32, flags: u32) {
    if flags != 0 {
        put_fixed32_field(out, field, flags);
    }
}

#[cfg(test)]
mod tests;
