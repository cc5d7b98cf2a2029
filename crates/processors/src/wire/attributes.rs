//! The attributes of one message while they are changed: those that nobody touches stay bytes.

use std::borrow::Cow;

use prost::Message as _;
use spandrel_otlp::DecodeError;
use spandrel_otlp::wire::{Reader, begin, end, put_bytes_field};
use spandrel_proto::otlp::common::{AnyValue, KeyValue, any_value};

use super::RESOURCE_ATTRIBUTES;
use super::edit::{Edit, Editor};
use super::span::Pair;

/// Attributes in the order in which they lie, with the edits so far.
#[derive(Debug, Default)]
pub(crate) struct Attributes<'a> {
    entries: Vec<Entry<'a>>,
    changed: bool,
    /// How many of the entries were read, and where the last of them ends in the message, for as long as they are as
    /// they were read: then writing is copying, with what is new behind them.
    as_read: Option<(usize, usize)>,
}

#[derive(Debug)]
struct Entry<'a> {
    key: Cow<'a, [u8]>,
    /// The `AnyValue`.
    value: Cow<'a, [u8]>,
    /// The `KeyValue` when it is as it came, or prepared.
    pair: Option<&'a [u8]>,
}

impl<'a> Entry<'a> {
    fn of(pair: Pair<'a>) -> Self {
        Self {
            key: Cow::Borrowed(pair.key),
            value: Cow::Borrowed(pair.value),
            pair: Some(pair.message),
        }
    }
}

impl<'a> Attributes<'a> {
    /// Takes the attributes of a message, which are its field `number`.
    pub(crate) fn read(&mut self, message: &'a [u8], number: u32) -> Result<(), DecodeError> {
        self.clear();
        let mut end = message.len();
        let mut fields = Reader::new(message, "attributes");
        while let Some(pair) = fields.next_message(number)? {
            end = message.len() - fields.rest().len();
            self.entries.push(Entry::of(Pair::read(pair)?));
        }
        self.as_read = Some((self.entries.len(), end));
        Ok(())
    }

    /// Takes attributes that were read before.
    pub(crate) fn take(&mut self, pairs: &[Pair<'a>]) {
        self.clear();
        self.entries.extend(pairs.iter().map(|pair| Entry::of(*pair)));
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.changed = false;
        self.as_read = None;
    }

    /// Whether anything was changed.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed
    }

    /// Whether there is an attribute of that key.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// The `AnyValue` of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&[u8]> {
        self.entries.get(self.position(key)?).map(|entry| &*entry.value)
    }

    /// The value of a key; nothing when it is damaged.
    pub(crate) fn decode(&self, key: &str) -> Option<any_value::Value> {
        AnyValue::decode(self.get(key)?).ok()?.value
    }

    /// Keys that `wanted` says yes to.
    pub(crate) fn keys(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let keys = self.entries.iter().filter_map(|entry| std::str::from_utf8(&entry.key).ok());
        keys.filter(|key| wanted(key)).map(str::to_owned).collect()
    }

    /// Sets a key to the `AnyValue`.
    pub(crate) fn set(&mut self, key: &str, any_value: Vec<u8>) {
        let key = Cow::Owned(key.as_bytes().to_vec());
        self.put(Entry { key, value: Cow::Owned(any_value), pair: None });
    }

    /// Sets an attribute that was prepared.
    pub(crate) fn set_pair(&mut self, pair: Pair<'a>) {
        self.put(Entry::of(pair));
    }

    /// Sets a key to a value.
    pub(crate) fn set_value(&mut self, key: &str, value: any_value::Value) {
        self.set(key, AnyValue { value: Some(value) }.encode_to_vec());
    }

    /// Sets a key to a text.
    pub(crate) fn set_text(&mut self, key: &str, text: &str) {
        let mut any_value = Vec::with_capacity(text.len() + 4);
        put_bytes_field(&mut any_value, 1, text.as_bytes());
        self.set(key, any_value);
    }

    /// Removes a key, all copies of it. Returns whether it was there.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| *entry.key != *key.as_bytes());
        let removed = self.entries.len() != before;
        if removed {
            self.changed = true;
            self.as_read = None;
        }
        removed
    }

    fn put(&mut self, entry: Entry<'a>) {
        let position = self.entries.iter().rposition(|old| old.key == entry.key);
        match position.and_then(|position| self.entries.get_mut(position)) {
            Some(old) if old.value == entry.value => {}
            Some(old) => {
                *old = entry;
                self.changed = true;
                self.as_read = None;
            }
            None => {
                self.entries.push(entry);
                self.changed = true;
            }
        }
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.entries.iter().rposition(|entry| *entry.key == *key.as_bytes())
    }

    /// Appends `message`, from which these were read, with these attributes in the place of its own, which are field
    /// `number`.
    pub(crate) fn write(
        &self,
        message: &[u8],
        number: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let Some((n_read, end)) = self.as_read else {
            return self.write_replacing(message, number, out, |_, _| false);
        };
        let (before, after) = message.split_at_checked(end).unwrap_or((message, &[]));
        out.extend_from_slice(before);
        put_entries(self.entries.get(n_read..).unwrap_or_default(), number, out);
        out.extend_from_slice(after);
        Ok(())
    }

    /// The same, and `replace` may write something else in the place of a field, by its number.
    pub(crate) fn write_replacing(
        &self,
        message: &[u8],
        number: u32,
        out: &mut Vec<u8>,
        mut replace: impl FnMut(u32, &mut Vec<u8>) -> bool,
    ) -> Result<(), DecodeError> {
        let mut is_written = false;
        let mut fields = Reader::new(message, "attributes");
        while let Some(field) = fields.next_raw()? {
            if field.message(number).is_some() {
                if !std::mem::replace(&mut is_written, true) {
                    put_entries(&self.entries, number, out);
                }
            } else if !replace(field.number, out) {
                out.extend_from_slice(field.raw);
            }
        }
        if !is_written {
            put_entries(&self.entries, number, out);
        }
        Ok(())
    }
}

fn put_entries(entries: &[Entry<'_>], number: u32, out: &mut Vec<u8>) {
    for entry in entries {
        match entry.pair {
            Some(pair) => put_bytes_field(out, number, pair),
            None => {
                let expected = entry.key.len() + entry.value.len() + 4;
                let open = begin(out, number, expected);
                put_bytes_field(out, 1, &entry.key);
                put_bytes_field(out, 2, &entry.value);
                end(out, &open);
            }
        }
    }
}

/// The `KeyValue` of a key and a value.
pub(crate) fn key_value(key: &str, value: any_value::Value) -> Vec<u8> {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }.encode_to_vec()
}

/// Changes the attributes of resources, and leaves spans alone.
pub(crate) struct ResourceEditor<'a, F> {
    attributes: Attributes<'a>,
    change: F,
}

impl<'a, F> ResourceEditor<'a, F>
where
    F: FnMut(&mut Attributes<'a>) -> Result<(), DecodeError>,
{
    pub(crate) fn new(change: F) -> Self {
        Self { attributes: Attributes::default(), change }
    }
}

impl<'a, F> Editor<'a> for ResourceEditor<'a, F>
where
    F: FnMut(&mut Attributes<'a>) -> Result<(), DecodeError>,
{
    fn resource(&mut self, resource: &'a [u8], out: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        self.attributes.read(resource, RESOURCE_ATTRIBUTES)?;
        (self.change)(&mut self.attributes)?;
        if !self.attributes.is_changed() {
            return Ok(Edit::Keep);
        }
        self.attributes.write(resource, RESOURCE_ATTRIBUTES, out)?;
        Ok(Edit::Replace)
    }

    fn wants_spans(&self) -> bool {
        false
    }
}
