//! Attributes without a column: one OTLP `KeyValueList` message per row.

use spandrel_model::AttributeValue;
use spandrel_otlp::encode_any_value;

use crate::attributes::{Candidate, CandidateValues};
use crate::column::{Column, OwnedStrings, Strings, Values};

/// Attribute lists of rows, gathered key by key.
#[derive(Default)]
pub(crate) struct Residual {
    /// `KeyValueList` messages with one element each.
    messages: Vec<Vec<u8>>,
    /// Block row and number of the message.
    elements: Vec<(u32, u32)>,
}

impl Residual {
    /// Adds a key with all its rows.
    pub(crate) fn push(&mut self, candidate: &Candidate<'_>) {
        let key = candidate.key;
        match &candidate.values {
            CandidateValues::String(strings, codes) => {
                let first = self.messages.len() as u32;
                let texts = strings.iter().map(|text| AttributeValue::String((*text).to_owned()));
                self.messages.extend(texts.map(|text| key_value(key, &any_value(&text))));
                self.elements.extend(codes.iter().map(|(row, code)| (row, first + code)));
            }
            CandidateValues::Other(messages, codes) => {
                let first = self.messages.len() as u32;
                self.messages.extend(messages.iter().map(|message| key_value(key, message)));
                self.elements.extend(codes.iter().map(|(row, code)| (row, first + code)));
            }
            CandidateValues::Int(values) => {
                self.push_each(key, values.iter().map(|(row, v)| (row, AttributeValue::Int(v))));
            }
            CandidateValues::Double(values) => {
                self.push_each(key, values.iter().map(|(row, v)| (row, AttributeValue::Double(v))));
            }
            CandidateValues::Bool(values) => {
                self.push_each(key, values.iter().map(|(row, v)| (row, AttributeValue::Bool(v))));
            }
        }
    }

    fn push_each(&mut self, key: &str, values: impl Iterator<Item = (u32, AttributeValue)>) {
        for (row, value) in values {
            self.elements.push((row, self.messages.len() as u32));
            self.messages.push(key_value(key, &any_value(&value)));
        }
    }

    /// The lists; rows that have the same elements share one, so that an attribute of a resource
    /// is not copied for each of its spans.
    pub(crate) fn into_column(mut self, name: &str) -> Option<Column<'static>> {
        // Stable: the elements of a row keep the order of the keys.
        self.elements.sort_by_key(|element| element.0);
        let mut known = hashbrown::HashMap::new();
        let mut lists = OwnedStrings::default();
        let (mut rows, mut codes) = (Vec::new(), Vec::new());
        for elements in self.elements.chunk_by(|a, b| a.0 == b.0) {
            let numbers: Vec<u32> = elements.iter().map(|element| element.1).collect();
            let next = known.len() as u32;
            let code = *known.entry(numbers).or_insert_with_key(|numbers| {
                for &number in numbers {
                    lists.extend(&self.messages[number as usize]);
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

fn any_value(value: &AttributeValue) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_any_value(value, &mut bytes);
    bytes
}

/// A `KeyValueList` message with one element: field 1, a `KeyValue` with key (1) and value (2).
fn key_value(key: &str, any_value: &[u8]) -> Vec<u8> {
    let mut element = Vec::with_capacity(key.len() + any_value.len() + 8);
    push_field(&mut element, 1, key.as_bytes());
    push_field(&mut element, 2, any_value);
    let mut list = Vec::with_capacity(element.len() + 6);
    push_field(&mut list, 1, &element);
    list
}

fn push_field(into: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    into.push(number << 3 | 2);
    let mut length = bytes.len();
    while length >= 0x80 {
        into.push(length as u8 | 0x80);
        length >>= 7;
    }
    into.push(length as u8);
    into.extend_from_slice(bytes);
}
