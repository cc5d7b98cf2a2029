//! `headers` of clients and `response_headers` of servers (`configopaque.MapList`).

use crate::secret::Secret;
use crate::setting::Setting;
use crate::value::{Value, ValueKind};

/// Names and values in the order of the file: `{name: value}`, or `[{name: name, value: value}]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(pub Vec<(String, Secret)>);

impl Headers {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl Setting for Headers {
    const SECRET: bool = true;

    fn from_value(value: &Value) -> Result<Self, String> {
        let pairs: Result<Vec<_>, String> = match &value.kind {
            ValueKind::Null => return Ok(Self::default()),
            ValueKind::Map(entries) => {
                entries.iter().map(|(key, value)| header(&key.text, value)).collect()
            }
            ValueKind::List(pairs) => pairs.iter().map(pair).collect(),
            _ => {
                let found = value.kind.type_name();
                return Err(format!("must be a map, or a list of names and values, not {found}"));
            }
        };
        let pairs = pairs?;
        for (i, (name, _)) in pairs.iter().enumerate() {
            if pairs.iter().take(i).any(|(earlier, _)| earlier == name) {
                return Err(format!("`{name}` is there twice"));
            }
        }
        Ok(Self(pairs))
    }
}

fn pair(pair: &Value) -> Result<(String, Secret), String> {
    let name = pair.member("name").and_then(Value::as_text);
    let known = |key: &str| matches!(key, "name" | "value");
    match (name, pair.member("value"), pair.entries()) {
        (Some(name), Some(value), Some(entries)) if entries.iter().all(|(k, _)| known(&k.text)) => {
            header(name, value)
        }
        _ => Err("each element must have `name` and `value`, and nothing else".to_owned()),
    }
}

fn header(name: &str, value: &Value) -> Result<(String, Secret), String> {
    // What RFC 9110 allows in the name of a field.
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:".contains(c);
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(format!("`{name}` is no name of a header"));
    }
    let value = Secret::from_value(value).map_err(|message| format!("`{name}`: {message}"))?;
    Ok((name.to_owned(), value))
}
