//! A list of attributes in which every key is there once.

use std::collections::HashMap;

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};

/// Up to this length a list is searched from its start; a longer one gets an index, because a stranger
/// decides how long it is.
const UNINDEXED_MAX: usize = 32;

/// Attributes in the order in which their keys came first; a later value replaces an earlier one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes {
    list: Vec<KeyValue>,
    /// Key to place; only for long lists.
    index: Option<HashMap<String, usize>>,
}

impl Attributes {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, key: impl Into<String> + AsRef<str>, value: Value) {
        let value = Some(AnyValue { value: Some(value) });
        match self.place(key.as_ref()).and_then(|place| self.list.get_mut(place)) {
            Some(pair) => pair.value = value,
            None => {
                let key = key.into();
                if let Some(index) = &mut self.index {
                    index.insert(key.clone(), self.list.len());
                }
                self.list.push(KeyValue { key, value });
                if self.index.is_none() && self.list.len() > UNINDEXED_MAX {
                    let places = self.list.iter().enumerate();
                    self.index = Some(places.map(|(i, pair)| (pair.key.clone(), i)).collect());
                }
            }
        }
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.list.get(self.place(key)?)?.value.as_ref()?.value.as_ref()
    }

    /// Takes `key` out; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let place = self.place(key)?;
        self.index = None;
        self.list.remove(place).value?.value
    }

    /// The text of `key`, which is empty when the value is no text; `None` when there is no such key.
    pub fn text(&self, key: &str) -> Option<&str> {
        Some(match self.get(key)? {
            Value::StringValue(text) => text,
            _ => "",
        })
    }

    /// [`Attributes::text`], which takes the key out.
    pub fn remove_text(&mut self, key: &str) -> Option<String> {
        Some(match self.remove(key)? {
            Value::StringValue(text) => text,
            _ => String::new(),
        })
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// As OTLP has them.
    pub fn into_list(self) -> Vec<KeyValue> {
        self.list
    }

    fn place(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.list.iter().position(|pair| pair.key == key),
        }
    }
}

/// A text as a value.
pub fn string(text: impl Into<String>) -> Value {
    Value::StringValue(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_there_once_however_many_there_are() {
        for n in [3_i64, 100] {
            let mut attributes = Attributes::new();
            for round in 0..2 {
                for key in 0..n {
                    attributes.put(format!("k{key}"), Value::IntValue(round));
                }
            }
            assert_eq!(attributes.remove("k1"), Some(Value::IntValue(1)));
            assert_eq!(attributes.remove("k1"), None);
            attributes.put("k2", string("last"));
            attributes.put("new", Value::BoolValue(true));
            assert_eq!(attributes.text("k2"), Some("last"));
            assert_eq!(attributes.text("new"), Some(""));
            assert_eq!(attributes.text("k1"), None);
            let keys: Vec<_> = attributes.into_list().into_iter().map(|pair| pair.key).collect();
            let mut expected: Vec<_> =
                (0..n).filter(|key| *key != 1).map(|key| format!("k{key}")).collect();
            expected.push("new".to_owned());
            assert_eq!(keys, expected);
        }
    }
}
