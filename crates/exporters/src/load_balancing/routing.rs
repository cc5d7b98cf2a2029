//! What decides about the backend of a span.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use prost::Message as _;
use spandrel_otlp::wire::Reader;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::Span;

use crate::wire::SpanBytes;

const KINDS: [&str; 6] = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];

/// `routing_key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Routing {
    TraceId,
    /// Attributes of the resource or the span, and `span.name` and `span.kind`; for `service` it is `service.name`.
    Attributes(Vec<String>),
}

impl Routing {
    /// The key of a span as bytes; what cannot be read has the key of what is not there.
    pub(super) fn key(&self, span: &SpanBytes<'_>, memo: &mut ResourceMemo) -> Vec<u8> {
        match self {
            Self::TraceId => trace_id(span.span).to_vec(),
            Self::Attributes(names) => {
                memo.look_at(span.resource);
                // The span is decoded only when the resource does not have all.
                let mut decoded = None;
                let mut key = String::new();
                for name in names {
                    let _ = write!(key, "{name}=");
                    if let Some(value) = value_of(&memo.resource.attributes, name) {
                        put_value(&mut key, value);
                    } else {
                        let decoded = decoded
                            .get_or_insert_with(|| Span::decode(span.span).unwrap_or_default());
                        put_of_span(&mut key, decoded, name);
                    }
                    key.push('|');
                }
                key.into_bytes()
            }
        }
    }
}

/// The resource that was decoded last: spans of one resource follow each other.
#[derive(Default)]
pub(super) struct ResourceMemo {
    bytes: Bytes,
    resource: Resource,
}

impl ResourceMemo {
    fn look_at(&mut self, resource: &[u8]) {
        if self.bytes != resource {
            self.bytes = Bytes::copy_from_slice(resource);
            self.resource = Resource::decode(resource).unwrap_or_default();
        }
    }
}

fn trace_id(span: &[u8]) -> &[u8] {
    Reader::new(span, "Span").next_message(1).ok().flatten().unwrap_or_default()
}

fn value_of<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a AnyValue> {
    attributes.iter().find(|pair| pair.key == name).and_then(|pair| pair.value.as_ref())
}

fn put_of_span(key: &mut String, span: &Span, name: &str) {
    match name {
        "span.name" => key.push_str(&span.name),
        "span.kind" => {
            let kind = usize::try_from(span.kind).ok().and_then(|kind| KINDS.get(kind));
            key.push_str(kind.copied().unwrap_or_default());
        }
        _ => {
            if let Some(value) = value_of(&span.attributes, name) {
                put_value(key, value);
            }
        }
    }
}

fn put_value(key: &mut String, value: &AnyValue) {
    let _ = match &value.value {
        None => Ok(()),
        Some(Value::StringValue(text)) => key.write_str(text),
        Some(Value::BoolValue(value)) => write!(key, "{value}"),
        Some(Value::IntValue(value)) => write!(key, "{value}"),
        Some(Value::DoubleValue(value)) => write!(key, "{value}"),
        Some(Value::BytesValue(bytes)) => key.write_str(&STANDARD.encode(bytes)),
        Some(Value::ArrayValue(array)) => {
            put_list(key, ['[', ']'], &array.values, put_value);
            Ok(())
        }
        Some(Value::KvlistValue(list)) => {
            let mut pairs: Vec<&KeyValue> = list.values.iter().collect();
            pairs.sort_by(|a, b| a.key.cmp(&b.key));
            put_list(key, ['{', '}'], &pairs, |key, pair| {
                let _ = write!(key, "{}:", pair.key);
                if let Some(value) = &pair.value {
                    put_value(key, value);
                }
            });
            Ok(())
        }
    };
}

fn put_list<T>(
    key: &mut String,
    [open, close]: [char; 2],
    items: &[T],
    put: impl Fn(&mut String, &T),
) {
    key.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            key.push(',');
        }
        put(key, item);
    }
    key.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(key: &str, value: &str) -> KeyValue {
        let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
        KeyValue { key: key.to_owned(), value: Some(value) }
    }

    #[test]
    fn keys_are_written_as_in_the_collector() {
        let resource = Resource {
            attributes: vec![text("service.name", "shop"), text("zone", "a")],
            ..Resource::default()
        };
        let span = Span {
            trace_id: Bytes::from_static(&[7; 16]),
            name: "GET /".to_owned(),
            kind: 2,
            attributes: vec![text("zone", "of the span"), text("user", "x")],
            ..Span::default()
        };
        let (resource, span) = (resource.encode_to_vec(), span.encode_to_vec());
        let key = |routing: Routing| {
            let bytes = SpanBytes { resource: &resource, span: &span };
            routing.key(&bytes, &mut ResourceMemo::default())
        };
        assert_eq!(key(Routing::TraceId), [7; 16]);
        let names = |names: &[&str]| {
            Routing::Attributes(names.iter().map(|name| (*name).to_owned()).collect())
        };
        assert_eq!(key(names(&["service.name"])), b"service.name=shop|");
        let all = key(names(&["zone", "user", "span.name", "span.kind", "none"]));
        let expected = "zone=a|user=x|span.name=GET /|span.kind=Server|none=|";
        assert_eq!(String::from_utf8(all).unwrap(), expected);
    }
}
