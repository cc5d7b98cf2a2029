//! Attributes without a column of their own: one OTLP `KeyValueList` message per row.

use std::borrow::Cow;

use spandrel_columns::Sparse;
use spandrel_model::AttributeValue;
use spandrel_otlp::encode_any_value;

use crate::attributes::CandidateValues;
use crate::column::{Column, OwnedStrings, Strings, Values};

/// Attribute lists of rows, gathered key by key. Values are encoded when the lists are put together, so
/// that large ones are copied once.
#[derive(Default)]
pub(crate) struct AttributeLists<'a> {
    elements: Vec<(&'a str, Element<'a>)>,
    /// Block row and index of the element.
    rows: Vec<(u32, u32)>,
}

/// A value on its way into a list.
enum Element<'a> {
    Text(&'a str),
    /// An encoded `AnyValue` message.
    Message(Cow<'a, [u8]>),
}

impl<'a> AttributeLists<'a> {
    /// Adds a key with all its rows.
    pub(crate) fn push(&mut self, key: &'a str, values: CandidateValues<'a>) {
        match values {
            CandidateValues::String(texts, codes) => {
                self.push_coded(key, texts.into_iter().map(Element::Text), &codes);
            }
            CandidateValues::Other(messages, codes) => {
                self.push_coded(key, messages.into_iter().map(Element::Message), &codes);
            }
            CandidateValues::Int(values) => self.push_each(key, &values, AttributeValue::Int),
            CandidateValues::Double(values) => self.push_each(key, &values, AttributeValue::Double),
            CandidateValues::Bool(values) => self.push_each(key, &values, AttributeValue::Bool),
        }
    }

    fn push_coded(
        &mut self,
        key: &'a str,
        distinct: impl Iterator<Item = Element<'a>>,
        codes: &Sparse<u32>,
    ) {
        let first = self.elements.len() as u32;
        self.elements.extend(distinct.map(|element| (key, element)));
        self.rows.extend(codes.iter().map(|(row, code)| (row, first + code)));
    }

    /// Adds plain values.
    pub(crate) fn push_each<T: Copy>(
        &mut self,
        key: &'a str,
        values: &Sparse<T>,
        value: impl Fn(T) -> AttributeValue,
    ) {
        for (row, plain) in values.iter() {
            let mut message = Vec::new();
            encode_any_value(&value(plain), &mut message);
            self.rows.push((row, self.elements.len() as u32));
            self.elements.push((key, Element::Message(message.into())));
        }
    }

    /// The lists; rows that have the same elements share one, so that an attribute of a resource
    /// is not copied for each of its spans.
    pub(crate) fn into_column(mut self, name: &str) -> Option<Column<'static>> {
        // Stable: the elements of a row keep the order of the keys.
        self.rows.sort_by_key(|element| element.0);
        let mut known = hashbrown::HashMap::new();
        let mut lists = OwnedStrings::default();
        let (mut rows, mut codes) = (Vec::new(), Vec::new());
        for elements in self.rows.chunk_by(|a, b| a.0 == b.0) {
            let numbers: Vec<u32> = elements.iter().map(|element| element.1).collect();
            let next = known.len() as u32;
            let code = *known.entry(numbers).or_insert_with_key(|numbers| {
                for &number in numbers {
                    let (key, value) = &self.elements[number as usize];
                    push_key_value(key, value, &mut lists);
                }
                lists.end();
                next
            });
            rows.push(elements[0].0);
            codes.push(code);
        }
        let lists = Values::Binary(Strings::Owned(lists));
        Column::optional_codes(name, rows, lists, codes)
    }
}

/// Appends a `KeyValueList` message with one element: field 1, a `KeyValue` with key (1) and value (2).
fn push_key_value(key: &str, value: &Element<'_>, into: &mut OwnedStrings) {
    let any_value_bytes = match value {
        Element::Text(text) => field_bytes(text.len()),
        Element::Message(message) => message.len(),
    };
    push_field_header(1, field_bytes(key.len()) + field_bytes(any_value_bytes), into);
    push_field_header(1, key.len(), into);
    into.extend(key.as_bytes());
    push_field_header(2, any_value_bytes, into);
    match value {
        Element::Text(text) => {
            push_field_header(1, text.len(), into);
            into.extend(text.as_bytes());
        }
        Element::Message(message) => into.extend(message),
    }
}

/// Tag and length of a field of bytes.
fn push_field_header(number: u8, mut length: usize, into: &mut OwnedStrings) {
    into.extend(&[number << 3 | 2]);
    while length >= 0x80 {
        into.extend(&[length as u8 | 0x80]);
        length >>= 7;
    }
    into.extend(&[length as u8]);
}

/// Bytes of a field of so many bytes, tag and length included.
fn field_bytes(length: usize) -> usize {
    let length_bytes = (usize::BITS - length.leading_zeros()).div_ceil(7).max(1);
    1 + length_bytes as usize + length
}
