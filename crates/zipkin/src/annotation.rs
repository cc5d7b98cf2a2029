//! Events with attributes as annotations, and links as tags, as translators from OTLP write them:
//! `name|{"key":"value"}|dropped` and `trace id|span id|trace state|{"key":"value"}|dropped`.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use spandrel_proto::otlp::trace::span::{Event, Link};
use spandrel_translate::{Attributes, span_id, trace_id};

use crate::ZipkinError;
use crate::value_text::object;

/// So many links are looked for.
const LINKS_MAX: usize = 128;
/// In so many places the end of an event's name is looked for.
const NAME_PARTS_MAX: usize = 16;

/// The annotation of an event.
pub(crate) fn annotation_value(event: &Event) -> String {
    match event.attributes.is_empty() && event.dropped_attributes_count == 0 {
        true => event.name.clone(),
        false => {
            let attributes = object(&event.attributes);
            format!("{}|{attributes}|{}", event.name, event.dropped_attributes_count)
        }
    }
}

/// The event of an annotation. A value that is not in that form is a name as a whole.
pub(crate) fn event(time_unix_nano: u64, value: String) -> Event {
    // A name may have such a line in it.
    let parsed = value.match_indices("|{").take(NAME_PARTS_MAX).find_map(|(at, _)| {
        let (name, rest) = value.split_at_checked(at)?;
        let (attributes, dropped) = rest.strip_prefix('|')?.rsplit_once('|')?;
        Some((name.to_owned(), attributes_of(attributes)?, dropped.parse().ok()?))
    });
    match parsed {
        Some((name, attributes, dropped_attributes_count)) => {
            Event { time_unix_nano, name, attributes, dropped_attributes_count }
        }
        None => Event { time_unix_nano, name: value, ..Event::default() },
    }
}

/// The tag of the link at `place`.
pub(crate) fn link_tag(place: usize, link: &Link) -> (String, String) {
    let hex = |id: &[u8]| match id.iter().all(|byte| *byte == 0) {
        true => String::new(),
        false => id.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let attributes = object(&link.attributes);
    let value = format!(
        "{}|{}|{}|{attributes}|{}",
        hex(&link.trace_id),
        hex(&link.span_id),
        link.trace_state,
        link.dropped_attributes_count
    );
    (link_key(place), value)
}

/// Takes the tags that are links.
pub(crate) fn take_links(tags: &mut BTreeMap<String, String>) -> Result<Vec<Link>, ZipkinError> {
    let mut links = Vec::new();
    for place in 0..LINKS_MAX {
        let key = link_key(place);
        let Some(value) = tags.remove(&key) else { break };
        links.push(link(&value).ok_or(ZipkinError::InvalidLink { key })?);
    }
    Ok(links)
}

fn link_key(place: usize) -> String {
    format!("otlp.link.{place}")
}

fn link(value: &str) -> Option<Link> {
    let mut parts = value.splitn(4, '|');
    let (trace, span, trace_state) = (parts.next()?, parts.next()?, parts.next()?);
    let (attributes, dropped) = parts.next()?.rsplit_once('|')?;
    let id = |text: &str, digits: usize| match text.len() {
        0 => Some(0),
        length if length == digits => u128::from_str_radix(text, 16).ok(),
        _ => None,
    };
    Some(Link {
        trace_id: match id(trace, 32)? {
            0 => bytes::Bytes::new(),
            trace => trace_id(trace),
        },
        // 16 digits are 64 bits.
        span_id: span_id(id(span, 16)? as u64),
        trace_state: trace_state.to_owned(),
        attributes: attributes_of(attributes)?,
        dropped_attributes_count: dropped.parse().ok()?,
        ..Link::default()
    })
}

/// The attributes of a JSON object; null values are left out.
fn attributes_of(json: &str) -> Option<Vec<KeyValue>> {
    let Ok(Json::Object(object)) = serde_json::from_str(json) else { return None };
    let mut attributes = Attributes::new();
    for (key, json) in object {
        if let Some(value) = value(json) {
            attributes.put(key, value);
        }
    }
    Some(attributes.into_list())
}

/// A number without a fraction is an integer, however it is written.
fn value(json: Json) -> Option<Value> {
    let any = |json| AnyValue { value: value(json) };
    Some(match json {
        Json::Null => return None,
        Json::Bool(truth) => Value::BoolValue(truth),
        Json::String(text) => Value::StringValue(text),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::IntValue(integer),
            (None, Some(double)) if double.fract() == 0.0 && double.abs() < 9e18 => {
                Value::IntValue(double as i64)
            }
            (None, double) => Value::DoubleValue(double?),
        },
        Json::Array(values) => {
            Value::ArrayValue(ArrayValue { values: values.into_iter().map(any).collect() })
        }
        Json::Object(object) => {
            let pairs =
                object.into_iter().map(|(key, json)| KeyValue { key, value: Some(any(json)) });
            Value::KvlistValue(KeyValueList { values: pairs.collect() })
        }
    })
}

#[cfg(test)]
mod tests {
    use spandrel_translate::string;

    use super::*;

    fn pair(key: &str, value: Value) -> KeyValue {
        KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
    }

    #[test]
    fn events_there_and_back() {
        let attributes = vec![
            pair(
                "array",
                Value::ArrayValue(ArrayValue {
                    values: vec![AnyValue { value: Some(Value::IntValue(1)) }],
                }),
            ),
            pair("double", Value::DoubleValue(1.5)),
            pair("text", string("a|b <c>")),
        ];
        let events = [
            ("plain", vec![], 0),
            ("", vec![], 0),
            ("a|b", vec![], 0),
            ("a|b|c", vec![], 0),
            ("dropped", vec![], 7),
            ("a|b|{c", vec![], 7),
            ("with attributes", attributes, 1),
        ];
        for (name, attributes, dropped_attributes_count) in events {
            let sent = Event {
                time_unix_nano: 1,
                name: name.to_owned(),
                attributes,
                dropped_attributes_count,
            };
            assert_eq!(event(1, annotation_value(&sent)), sent);
        }
    }

    #[test]
    fn links_there_and_back() {
        let links = [
            Link::default(),
            Link {
                trace_id: trace_id(3),
                span_id: span_id(4),
                trace_state: "a=b".to_owned(),
                attributes: vec![pair("k", string("v|w"))],
                dropped_attributes_count: 2,
                ..Link::default()
            },
        ];
        let mut tags: BTreeMap<_, _> =
            links.iter().enumerate().map(|(place, link)| link_tag(place, link)).collect();
        tags.insert("otlp.link.9".to_owned(), "stays".to_owned());
        assert_eq!(take_links(&mut tags).unwrap(), links);
        assert_eq!(tags.len(), 1);
        for broken in ["", "a|b", "x|y|z|{}|0", "|||[]|0", "|||{}|x"] {
            let mut tags = BTreeMap::from([("otlp.link.0".to_owned(), broken.to_owned())]);
            assert!(take_links(&mut tags).is_err(), "{broken}");
        }
    }
}
