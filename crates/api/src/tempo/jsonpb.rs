//! Protobuf messages as JSON, the way Tempo's clients insist on: fields in lower camel case, 64-bit
//! integers as strings, default values left out, nothing extra. Grafana refuses an answer with
//! a field that it does not know.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write as _;

/// A message that can be written as an object.
pub(crate) trait Jsonpb {
    /// Writes the fields, in the order of the definition.
    fn write_fields(&self, object: &mut Object<'_>);
}

/// A message as JSON.
pub(crate) fn to_json(message: &impl Jsonpb) -> Vec<u8> {
    let mut out = Vec::new();
    write_object(&mut out, |object| message.write_fields(object));
    out
}

/// An object that is being written.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

fn write_object(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    fill(&mut Object { out, is_empty: true });
    out.push(b'}');
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a vector takes all bytes");
}

fn write_list<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

impl Object<'_> {
    /// Begins a member; whatever is written next is its value.
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        write_text(self.out, key);
        self.out.push(b':');
        self.out
    }

    fn raw(&mut self, key: &str, value: impl Display) {
        write!(self.key(key), "{value}").expect("a vector takes all bytes");
    }

    /// A text, left out when empty.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.set_text(key, text);
        }
    }

    /// A text that is written even when empty: a member of a `oneof`.
    pub(crate) fn set_text(&mut self, key: &str, text: &str) {
        write_text(self.key(key), text);
    }

    /// A list of texts, left out when empty.
    pub(crate) fn texts(&mut self, key: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.set_texts(key, texts);
        }
    }

    /// A list of texts that is written even when empty, as Tempo does in its answers: there it is a list without
    /// elements, not an absent one.
    pub(crate) fn set_texts(&mut self, key: &str, texts: &[String]) {
        write_list(self.key(key), texts, |out, text| write_text(out, text));
    }

    /// A 32-bit number, left out when zero.
    pub(crate) fn uint32(&mut self, key: &str, number: u32) {
        if number != 0 {
            self.raw(key, number);
        }
    }

    /// A 64-bit number, left out when zero.
    pub(crate) fn uint64(&mut self, key: &str, number: u64) {
        if number != 0 {
            self.set_int64(key, number);
        }
    }

    /// A 64-bit number that is written even when zero.
    pub(crate) fn set_int64(&mut self, key: &str, number: impl Display) {
        self.raw(key, format_args!("\"{number}\""));
    }

    /// A truth value that is written even when false.
    pub(crate) fn set_bool(&mut self, key: &str, truth: bool) {
        self.raw(key, truth);
    }

    /// A float, left out when zero.
    pub(crate) fn double(&mut self, key: &str, number: f64) {
        if number != 0.0 {
            self.set_double(key, number);
        }
    }

    /// A float that is written even when zero.
    pub(crate) fn set_double(&mut self, key: &str, number: f64) {
        if number.is_nan() {
            self.set_text(key, "NaN");
        } else if number.is_infinite() {
            self.set_text(key, if number > 0.0 { "Infinity" } else { "-Infinity" });
        } else {
            self.raw(key, number);
        }
    }

    /// A message, left out when absent; an empty one is `{}`.
    pub(crate) fn message(&mut self, key: &str, message: Option<&impl Jsonpb>) {
        if let Some(message) = message {
            write_object(self.key(key), |object| message.write_fields(object));
        }
    }

    /// A list of messages, left out when empty.
    pub(crate) fn messages(&mut self, key: &str, messages: &[impl Jsonpb]) {
        if !messages.is_empty() {
            self.set_messages(key, messages);
        }
    }

    /// A list of messages that is written even when empty, as [`Self::set_texts`].
    pub(crate) fn set_messages(&mut self, key: &str, messages: &[impl Jsonpb]) {
        write_list(self.key(key), messages, |out, message| {
            write_object(out, |object| message.write_fields(object));
        });
    }

    /// A map to 64-bit numbers, left out when empty.
    pub(crate) fn int64_map(&mut self, key: &str, map: &BTreeMap<String, i64>) {
        if !map.is_empty() {
            write_object(self.key(key), |object| {
                map.iter().for_each(|(name, number)| object.set_int64(name, number));
            });
        }
    }

    /// A map to messages, left out when empty.
    pub(crate) fn message_map(&mut self, key: &str, map: &BTreeMap<String, impl Jsonpb>) {
        if !map.is_empty() {
            write_object(self.key(key), |object| {
                map.iter().for_each(|(name, message)| object.message(name, Some(message)));
            });
        }
    }
}
