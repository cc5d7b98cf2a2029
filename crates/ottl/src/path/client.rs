//! Paths below `otelcol`.

use std::borrow::Cow;

use spandrel_proto::otlp::common::KeyValue;

use super::ClientField;
use crate::error::EvalError;
use crate::value::{Key, Value, any_text, entry, out_of_bounds};
use crate::view::Client;

/// The value of `field` at `keys`.
pub(super) fn get<'v>(
    client: Client<'v>,
    field: ClientField,
    keys: &[Key<'v>],
) -> Result<Value<'v>, EvalError> {
    let value = match (field, keys.first()) {
        (ClientField::Address, _) => {
            client.address.map_or(Value::Nil, |address| Value::owned(address.to_string()))
        }
        (ClientField::Metadata, Some(Key::Name(name))) => {
            let found = client.metadata.and_then(|metadata| metadata.get(&*lower(name)));
            let rest = keys.get(1..).unwrap_or_default();
            return match found {
                None => Ok(Value::Nil),
                Some(values) => values_at(values, rest),
            };
        }
        (ClientField::AuthAttributes, Some(Key::Name(name))) => {
            let found = client.auth.and_then(|auth| auth.get(&**name));
            let value = found.map_or(Value::Nil, |text| Value::text(text));
            let mut rest = keys.iter().skip(1);
            return rest.try_fold(value, |value, key| value.get(key));
        }
        (ClientField::Metadata, _) => Value::map(all_metadata(client)),
        (ClientField::AuthAttributes, _) => {
            let all = client.auth.into_iter().flatten();
            Value::map(all.map(|(key, value)| entry(key, any_text(value))).collect())
        }
    };
    keys.iter().try_fold(value, |value, key| value.get(key))
}

/// Borrows the single value that almost every path asks for.
fn values_at<'v>(values: &'v [String], keys: &[Key<'v>]) -> Result<Value<'v>, EvalError> {
    let Some((Key::Index(index), rest)) = keys.split_first() else {
        let list = Value::strings(values);
        return keys.iter().try_fold(list, |value, key| value.get(key));
    };
    let found = usize::try_from(*index).ok().and_then(|index| values.get(index));
    let value = found.map(|text| Value::text(text));
    let value = value.ok_or_else(|| out_of_bounds(*index, values.len()))?;
    rest.iter().try_fold(value, |value, key| value.get(key))
}

fn all_metadata(client: Client<'_>) -> Vec<KeyValue> {
    let all = client.metadata.into_iter().flatten();
    let entries =
        all.filter_map(|(key, values)| Some(entry(key, Value::strings(values).into_any()?)));
    entries.collect()
}

fn lower(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}
