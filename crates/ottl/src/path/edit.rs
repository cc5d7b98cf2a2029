//! Access to maps and values where they are, for editors that change them in place.

use std::borrow::Cow;

use spandrel_proto::otlp::common::any_value::Value as Any;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, KeyValue, KeyValueList};

use super::{EventField, Field, KeyExpression, Path, ResourceField, ScopeField, SpanField};
use crate::error::EvalError;
use crate::expression::Env;
use crate::value::{Key, out_of_bounds};
use crate::view::{Target, View};

impl Path {
    /// The keys as they are now; nothing is borrowed from `view`.
    pub(crate) fn keys_now(&self, view: View<'_>) -> Result<Vec<Key<'_>>, EvalError> {
        let mut keys = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            keys.push(match key {
                KeyExpression::Constant(Key::Name(name)) => Key::Name(Cow::Borrowed(name)),
                KeyExpression::Constant(Key::Index(index)) => Key::Index(*index),
                KeyExpression::Computed(_) => match key.evaluate(&Env::new(view))? {
                    Key::Name(name) => Key::Name(Cow::Owned(name.into_owned())),
                    Key::Index(index) => Key::Index(index),
                },
            });
        }
        Ok(keys)
    }

    /// The map there; none when there is nothing, or something else.
    pub(crate) fn map_mut<'t>(
        &self,
        target: &'t mut Target<'_>,
        keys: &[Key<'_>],
    ) -> Result<Option<&'t mut Vec<KeyValue>>, EvalError> {
        if keys.is_empty() {
            return self.entries(target).map(Some);
        }
        let found = self.value_mut(target, keys)?.and_then(|any| any.value.as_mut());
        Ok(match found {
            Some(Any::KvlistValue(map)) => Some(&mut map.values),
            _ => None,
        })
    }

    /// The value there; none when there is nothing.
    pub(crate) fn value_mut<'t>(
        &self,
        target: &'t mut Target<'_>,
        keys: &[Key<'_>],
    ) -> Result<Option<&'t mut AnyValue>, EvalError> {
        let Some((Key::Name(first), rest)) = keys.split_first() else {
            return Err(EvalError::ReadOnly("a map by index"));
        };
        let entries = self.entries(target)?;
        let found = entries.iter_mut().find(|entry| entry.key == **first);
        let place = found.map(|entry| entry.value.get_or_insert_default());
        let Some(mut at) = place else { return Ok(None) };
        for key in rest {
            let next = match (at.value.as_mut(), key) {
                (Some(Any::KvlistValue(map)), Key::Name(name)) => {
                    let entry = map.values.iter_mut().find(|entry| entry.key == **name);
                    entry.map(|entry| entry.value.get_or_insert_default())
                }
                (Some(Any::ArrayValue(list)), Key::Index(index)) => {
                    usize::try_from(*index).ok().and_then(|index| list.values.get_mut(index))
                }
                _ => None,
            };
            let Some(next) = next else { return Ok(None) };
            at = next;
        }
        Ok(Some(at))
    }

    /// The value there, made when there is nothing; members of lists are not.
    pub(crate) fn value_mut_or_insert<'t>(
        &self,
        target: &'t mut Target<'_>,
        keys: &[Key<'_>],
    ) -> Result<&'t mut AnyValue, EvalError> {
        let Some((Key::Name(first), rest)) = keys.split_first() else {
            return Err(EvalError::ReadOnly("a map by index"));
        };
        let mut at = slot(self.entries(target)?, first);
        for key in rest {
            at = match key {
                Key::Name(name) => {
                    if at.value.is_none() {
                        at.value = Some(Any::KvlistValue(KeyValueList::default()));
                    }
                    match at.value.as_mut() {
                        Some(Any::KvlistValue(map)) => slot(&mut map.values, name),
                        _ => return Err(EvalError::ReadOnly("a key of what is no map")),
                    }
                }
                Key::Index(index) => match at.value.as_mut() {
                    Some(Any::ArrayValue(ArrayValue { values })) => {
                        let length = values.len();
                        let found = usize::try_from(*index).ok().and_then(|i| values.get_mut(i));
                        found.ok_or_else(|| out_of_bounds(*index, length))?
                    }
                    _ => return Err(EvalError::ReadOnly("a member of what is no list")),
                },
            };
        }
        Ok(at)
    }

    /// The map behind the field itself.
    fn entries<'t>(&self, target: &'t mut Target<'_>) -> Result<&'t mut Vec<KeyValue>, EvalError> {
        match self.field {
            Field::Cache => Ok(&mut target.cache),
            Field::Resource(ResourceField::Attributes) => Ok(&mut target.resource().attributes),
            Field::Scope(ScopeField::Attributes) => Ok(&mut target.scope()?.attributes),
            Field::Span(SpanField::Attributes) => Ok(&mut target.span()?.attributes),
            Field::Event(EventField::Attributes) => Ok(&mut target.event()?.attributes),
            _ => Err(EvalError::ReadOnly("a key of a path that is no map")),
        }
    }
}

/// The value of `key`, made when there is none.
fn slot<'t>(entries: &'t mut Vec<KeyValue>, key: &str) -> &'t mut AnyValue {
    if !entries.iter().any(|entry| entry.key == key) {
        entries.push(KeyValue { key: key.to_owned(), value: None });
    }
    let found = entries.iter_mut().find(|entry| entry.key == key);
    found.expect("pushed above when it was not there").value.get_or_insert_default()
}
