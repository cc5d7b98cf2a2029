//! Actions on attributes, as `attributes` and `resource` know them.
//!
//! What an action sets is encoded beforehand: once when it is a value of the configuration, once per request when
//! it comes from the request. Per span, nothing is allocated for it.

mod read;
#[cfg(test)]
mod tests;

use sha1::{Digest as _, Sha1};
use spandrel_otlp::DecodeError;
use spandrel_pipeline::Client;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_re2::Regex;

use crate::values;
use crate::wire::{Attributes, Pair, key_value};

/// Actions, in the order in which they are executed.
#[derive(Debug, Clone)]
pub(crate) struct Actions(Vec<Action>);

#[derive(Debug, Clone)]
struct Action {
    /// Empty when only `pattern` says what it is about.
    key: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Set { when: When, source: Source, default: Option<Value> },
    Delete { pattern: Option<Regex> },
    Hash { pattern: Option<Regex> },
    Extract { pattern: Regex, names: Vec<String> },
    Convert(Type),
}

/// Insert, update, upsert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Absent,
    Present,
    Always,
}

#[derive(Debug, Clone, PartialEq)]
enum Source {
    Value(Value),
    Attribute(String),
    Metadata(String),
    Auth(String),
    ClientAddress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Int,
    Double,
    String,
}

/// Actions with what they set, for one request.
pub(crate) struct Prepared<'s> {
    actions: &'s Actions,
    /// The `KeyValue` of each action that does not look at attributes for it; empty when there is none.
    pairs: Vec<Vec<u8>>,
}

impl Actions {
    /// Makes them ready for a request of `client`.
    pub(crate) fn prepare(&self, client: &Client) -> Prepared<'_> {
        let pair = |action: &Action| {
            let Kind::Set { source, default, .. } = &action.kind else { return Vec::new() };
            let found = source.of_request(client).or_else(|| default.clone());
            found.map(|value| key_value(&action.key, value)).unwrap_or_default()
        };
        Prepared { actions: self, pairs: self.0.iter().map(pair).collect() }
    }
}

impl Source {
    /// The value, unless it comes from an attribute.
    fn of_request(&self, client: &Client) -> Option<Value> {
        let text = match self {
            Self::Value(value) => return Some(value.clone()),
            Self::Attribute(_) => return None,
            Self::Metadata(key) => match client.metadata(key) {
                [] => return None,
                values => values.join(";"),
            },
            Self::Auth(key) => client.auth.get(key)?.clone(),
            Self::ClientAddress => client.address?.ip().to_string(),
        };
        Some(Value::StringValue(text))
    }
}

impl<'a> Prepared<'a> {
    /// Executes them.
    pub(crate) fn apply(&'a self, attributes: &mut Attributes<'a>) -> Result<(), DecodeError> {
        for (action, pair) in self.actions.0.iter().zip(&self.pairs) {
            match &action.kind {
                Kind::Set { when, source, .. } => {
                    action.set(attributes, *when, source, pair)?;
                }
                Kind::Delete { pattern } => {
                    attributes.remove(&action.key);
                    for key in matching(attributes, pattern.as_ref()) {
                        attributes.remove(&key);
                    }
                }
                Kind::Hash { pattern } => {
                    hash(attributes, &action.key);
                    for key in matching(attributes, pattern.as_ref()) {
                        hash(attributes, &key);
                    }
                }
                Kind::Extract { pattern, names } => {
                    extract(attributes, &action.key, pattern, names);
                }
                Kind::Convert(to) => convert(attributes, &action.key, *to),
            }
        }
        Ok(())
    }
}

impl Action {
    fn set<'a>(
        &self,
        attributes: &mut Attributes<'a>,
        when: When,
        source: &Source,
        pair: &'a [u8],
    ) -> Result<(), DecodeError> {
        let wanted = match when {
            When::Always => true,
            When::Absent => !attributes.contains(&self.key),
            When::Present => attributes.contains(&self.key),
        };
        if !wanted {
            return Ok(());
        }
        if let Source::Attribute(from) = source
            && let Some(value) = attributes.get(from)
        {
            let value = value.to_vec();
            attributes.set(&self.key, value);
        } else if !pair.is_empty() {
            attributes.set_pair(Pair::read(pair)?);
        }
        Ok(())
    }
}

fn matching(attributes: &Attributes<'_>, pattern: Option<&Regex>) -> Vec<String> {
    pattern.map_or_else(Vec::new, |pattern| attributes.keys(|key| pattern.is_match(key)))
}

/// SHA-1 of what the Collector takes for the bytes of a value, in hex; an empty text when there are none.
fn hash(attributes: &mut Attributes<'_>, key: &str) {
    if !attributes.contains(key) {
        return;
    }
    let bytes = match attributes.decode(key) {
        Some(Value::StringValue(text)) => text.into_bytes(),
        Some(Value::BoolValue(value)) => vec![u8::from(value)],
        Some(Value::IntValue(value)) => value.to_le_bytes().to_vec(),
        Some(Value::DoubleValue(value)) => value.to_bits().to_le_bytes().to_vec(),
        Some(Value::BytesValue(_) | Value::ArrayValue(_) | Value::KvlistValue(_)) | None => {
            Vec::new()
        }
    };
    let hash = if bytes.is_empty() { String::new() } else { hex(&Sha1::digest(&bytes)) };
    attributes.set_text(key, &hash);
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn extract(attributes: &mut Attributes<'_>, key: &str, pattern: &Regex, names: &[String]) {
    let Some(Value::StringValue(text)) = attributes.decode(key) else { return };
    let Some(groups) = pattern.groups(&text) else { return };
    for (name, group) in names.iter().zip(groups.into_iter().skip(1)) {
        let found = group.and_then(|range| text.get(range)).unwrap_or_default();
        attributes.set_text(name, found);
    }
}

/// A value that cannot be converted stays as it is.
fn convert(attributes: &mut Attributes<'_>, key: &str, to: Type) {
    let Some(value) = attributes.decode(key) else { return };
    let converted = match (to, &value) {
        (Type::String, Value::StringValue(_)) => None,
        (Type::String, value) => Some(Value::StringValue(values::as_text(value))),
        (Type::Int, Value::StringValue(text)) => text.parse().ok().map(Value::IntValue),
        (Type::Int, Value::DoubleValue(value)) => Some(Value::IntValue(*value as i64)),
        (Type::Int, Value::BoolValue(value)) => Some(Value::IntValue(i64::from(*value))),
        (Type::Double, Value::StringValue(text)) => text.parse().ok().map(Value::DoubleValue),
        (Type::Double, Value::IntValue(value)) => Some(Value::DoubleValue(*value as f64)),
        (Type::Double, Value::BoolValue(value)) => {
            Some(Value::DoubleValue(if *value { 1.0 } else { 0.0 }))
        }
        (Type::Int | Type::Double, _) => None,
    };
    if let Some(value) = converted {
        attributes.set_value(key, value);
    }
}
