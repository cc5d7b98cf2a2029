//! A span as a list of all that it says, so that two of them can be told apart field by field.

use std::collections::BTreeMap;

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, EntityRef, InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link};
use spandrel_proto::otlp::trace::{Span, Status};

use super::model::FullSpan;

/// Texts by place: a group of fields, and where in it behind a slash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Nothing is hidden: a place that comes twice is there twice.
    pub(super) fn put(&mut self, place: impl Into<String>, text: impl ToString) {
        let mut place = place.into();
        while self.0.contains_key(&place) {
            place.push_str("/again");
        }
        self.0.insert(place, text.to_string());
    }

    fn attributes(&mut self, place: &str, attributes: &[KeyValue]) {
        for pair in attributes {
            self.put(format!("{place}/{}", pair.key), value(pair.value.as_ref()));
        }
    }

    /// Places whose text differs or that one of the two lacks: this text, and the other.
    fn differing<'f>(&'f self, other: &'f Self) -> BTreeMap<&'f str, [&'f str; 2]> {
        let places = self.0.keys().chain(other.0.keys());
        let text = |of: &'f Self, place: &str| of.0.get(place).map_or("(none)", String::as_str);
        places
            .map(|place| (place.as_str(), [text(self, place), text(other, place)]))
            .filter(|(_, [one, two])| one != two)
            .collect()
    }

    /// The differences from what was expected, one in a line.
    pub(super) fn differences(&self, expected: &Self) -> Vec<String> {
        let lines = expected.differing(self).into_iter();
        lines.map(|(place, [wanted, found])| format!("{place}: {found}, not {wanted}")).collect()
    }

    /// Groups that differ.
    pub(super) fn groups_differing(&self, other: &Self) -> Vec<String> {
        let places = self.differing(other).into_keys();
        let mut groups: Vec<_> =
            places.map(|place| place.split('/').next().unwrap().to_owned()).collect();
        groups.dedup();
        groups
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// With its type; no value and an empty one are the same.
fn value(of: Option<&AnyValue>) -> String {
    match of.and_then(|any| any.value.as_ref()) {
        None => "empty".to_owned(),
        Some(Value::StringValue(text)) => format!("{text:?}"),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        Some(Value::IntValue(number)) => format!("int {number}"),
        Some(Value::DoubleValue(number)) => format!("double {number:?}"),
        Some(Value::BytesValue(bytes)) => format!("bytes {}", hex(bytes)),
        Some(Value::ArrayValue(array)) => {
            let values: Vec<_> = array.values.iter().map(|one| value(Some(one))).collect();
            format!("[{}]", values.join(", "))
        }
        Some(Value::KvlistValue(list)) => {
            let mut pairs: Vec<_> = list.values.iter().map(pair_text).collect();
            pairs.sort();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

fn pair_text(pair: &KeyValue) -> String {
    format!("{}: {}", pair.key, value(pair.value.as_ref()))
}

/// All fields of OTLP: one that is added there does not compile here until it is looked at.
pub(super) fn fields_of(full: &FullSpan) -> Fields {
    let mut fields = Fields::default();
    let FullSpan { resource, resource_schema_url, scope, scope_schema_url, span } = full;
    fields.put("resource schema URL", resource_schema_url);
    fields.put("scope schema URL", scope_schema_url);
    let Resource { attributes, dropped_attributes_count, entity_refs } = resource;
    fields.attributes("resource attributes", attributes);
    fields.put("resource dropped counts", dropped_attributes_count);
    for (place, entity) in entity_refs.iter().enumerate() {
        let EntityRef { schema_url, r#type, id_keys, description_keys } = entity;
        let text = format!("{schema_url} {type} {id_keys:?} {description_keys:?}");
        fields.put(format!("entity references/{place}"), text);
    }
    let InstrumentationScope { name, version, attributes, dropped_attributes_count } = scope;
    fields.put("scope name and version", format!("{name} {version}"));
    fields.attributes("scope attributes", attributes);
    fields.put("scope dropped counts", dropped_attributes_count);
    put_span(&mut fields, span);
    fields
}

fn put_span(fields: &mut Fields, span: &Span) {
    let Span {
        trace_id,
        span_id,
        trace_state,
        parent_span_id,
        flags,
        name,
        kind,
        start_time_unix_nano,
        end_time_unix_nano,
        attributes,
        dropped_attributes_count,
        events,
        dropped_events_count,
        links,
        dropped_links_count,
        status,
    } = span;
    fields.put("ids", format!("{} {} {}", hex(trace_id), hex(span_id), hex(parent_span_id)));
    fields.put("trace state", trace_state);
    fields.put("flags", flags);
    fields.put("name", name);
    fields.put("kind", kind);
    fields.put("times/start", start_time_unix_nano);
    fields.put("times/end", end_time_unix_nano);
    fields.attributes("attributes", attributes);
    let dropped = [dropped_attributes_count, dropped_events_count, dropped_links_count];
    fields.put("dropped counts", format!("{dropped:?}"));
    for (place, event) in events.iter().enumerate() {
        let Event { time_unix_nano, name, attributes, dropped_attributes_count } = event;
        fields.put(format!("event times/{place}"), time_unix_nano);
        fields.put(format!("event names/{place}"), name);
        fields.attributes(&format!("event attributes/{place}"), attributes);
        fields.put(format!("event dropped counts/{place}"), dropped_attributes_count);
    }
    for (place, link) in links.iter().enumerate() {
        let Link { trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags } =
            link;
        fields.put(format!("links/{place}"), format!("{} {}", hex(trace_id), hex(span_id)));
        fields.put(format!("link trace state/{place}"), trace_state);
        fields.attributes(&format!("link attributes/{place}"), attributes);
        fields.put(format!("link dropped counts/{place}"), dropped_attributes_count);
        fields.put(format!("link flags/{place}"), flags);
    }
    let Status { message, code } = status.clone().unwrap_or_default();
    fields.put("status", format!("{code} {message}"));
}
