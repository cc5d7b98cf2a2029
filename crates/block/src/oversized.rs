//! Oversized attribute values on their way into a block.
//!
//! A value is oversized when it has more than [`crate::WriteOptions::oversized_bytes`]: a text by its UTF-8,
//! any other value by its `AnyValue` message. Numbers and truth values never are.

use std::borrow::Cow;

use hashbrown::HashMap;
use spandrel_columns::{Sparse, StringColumn};
use spandrel_model::{AttributeScope, AttributeValue};

use crate::attributes::CandidateValues;
use crate::column::{Column, Encoding};
use crate::residual::AttributeLists;
use crate::schema;

/// A span has its own copy of each value from its sender, so writing all of them costs no more than
/// they did before; reading one span costs a dictionary of this many bytes at most.
const SPAN_DICTIONARY_BYTES_MAX: usize = 4 << 20;
/// A value of a resource came once for any number of spans and may not become as many values.
const OWNER_DICTIONARY_BYTES_MAX: usize = 1 << 30;

/// The oversized values of one owner, gathered key by key.
pub(crate) struct Oversized<'a> {
    scope: AttributeScope,
    values: AttributeLists<'a>,
    sizes: AttributeLists<'a>,
}

impl<'a> Oversized<'a> {
    pub(crate) fn new(scope: AttributeScope) -> Self {
        Self { scope, values: AttributeLists::default(), sizes: AttributeLists::default() }
    }

    /// Adds a key with all its rows.
    pub(crate) fn push(&mut self, key: &'a str, values: CandidateValues<'a>) {
        let Some((sizes, codes)) = values.sizes_above(0) else { return };
        self.sizes.push_each(key, codes, |code| AttributeValue::Int(sizes[code as usize] as i64));
        self.values.push(key, values);
    }

    /// The values and the sizes.
    pub(crate) fn into_columns(self) -> impl Iterator<Item = Column<'a>> {
        let dictionary_bytes_max = match self.scope {
            AttributeScope::Span => SPAN_DICTIONARY_BYTES_MAX,
            _ => OWNER_DICTIONARY_BYTES_MAX,
        };
        let values = self.values.into_column(schema::oversized_column(self.scope));
        let values =
            values.map(|column| column.with_encoding(Encoding::Oversized { dictionary_bytes_max }));
        let sizes = self.sizes.into_column(schema::oversized_sizes_column(self.scope));
        values.into_iter().chain(sizes)
    }
}

/// How many of the values are not oversized.
pub(crate) fn n_others(values: &CandidateValues<'_>, oversized_bytes: usize) -> usize {
    match values.sizes_above(oversized_bytes) {
        Some((sizes, codes)) => {
            codes.values.iter().filter(|code| sizes[**code as usize] <= oversized_bytes).count()
        }
        None => values.len(),
    }
}

/// The values that are not oversized, and those that are.
pub(crate) fn split(
    values: CandidateValues<'_>,
    oversized_bytes: usize,
) -> (CandidateValues<'_>, Option<CandidateValues<'_>>) {
    if n_others(&values, oversized_bytes) == values.len() {
        return (values, None);
    }
    match values {
        CandidateValues::String(texts, codes) => {
            let ([small, large], [small_codes, large_codes]) =
                split_coded(texts, &codes, |text| text.len() > oversized_bytes);
            let large = CandidateValues::String(large, large_codes);
            (CandidateValues::String(small, small_codes), Some(large))
        }
        CandidateValues::Other(messages, codes) => {
            let ([small, large], [small_codes, large_codes]) =
                split_coded(messages, &codes, |message| message.len() > oversized_bytes);
            let large = CandidateValues::Other(large, large_codes);
            (CandidateValues::Other(small, small_codes), Some(large))
        }
        plain => (plain, None),
    }
}

/// Distinct values and codes of the values that are not, and of those that are.
fn split_coded<T>(
    distinct: Vec<T>,
    codes: &Sparse<u32>,
    is_oversized: impl Fn(&T) -> bool,
) -> ([Vec<T>; 2], [Sparse<u32>; 2]) {
    let mut split = [Vec::new(), Vec::new()];
    let places: Vec<(usize, u32)> = distinct
        .into_iter()
        .map(|value| {
            let side = usize::from(is_oversized(&value));
            split[side].push(value);
            (side, split[side].len() as u32 - 1)
        })
        .collect();
    let mut split_codes = [Sparse::default(), Sparse::default()];
    for (row, code) in codes.iter() {
        let (side, code) = places[code as usize];
        split_codes[side].push(row, code);
    }
    (split, split_codes)
}

/// The text of an `AnyValue` message that has nothing but a text, as senders write it. Other spellings of a
/// text, such as one with unknown fields, are rare enough to be treated as no text.
pub(crate) fn text_of(any_value: &[u8]) -> Option<&str> {
    let (tag, mut rest) = any_value.split_first()?;
    let (mut length, mut shift) = (0_usize, 0_u32);
    while let Some((byte, behind)) = rest.split_first() {
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        (rest, shift) = (behind, shift + 7);
        if byte & 0x80 == 0 {
            break;
        }
    }
    (*tag == 0x0a && rest.len() == length).then(|| std::str::from_utf8(rest).ok())?
}

/// Texts among messages, which a run keeps there when they are longer than its columns take.
pub(crate) struct TextsAndMessages<'a> {
    /// Distinct.
    texts: Vec<&'a str>,
    text_codes: Sparse<u32>,
    /// What is no text.
    pub(crate) messages: Vec<Cow<'a, [u8]>>,
    pub(crate) message_codes: Sparse<u32>,
}

impl<'a> TextsAndMessages<'a> {
    /// Of rows, ascending, and their `AnyValue` messages.
    pub(crate) fn of(messages: impl Iterator<Item = (u32, &'a [u8])>) -> Self {
        let mut all = Self {
            texts: Vec::new(),
            text_codes: Sparse::default(),
            messages: Vec::new(),
            message_codes: Sparse::default(),
        };
        let mut known = HashMap::new();
        for (row, message) in messages {
            if let Some(text) = text_of(message) {
                let code = *known.entry(text).or_insert_with(|| {
                    all.texts.push(text);
                    all.texts.len() as u32 - 1
                });
                all.text_codes.push(row, code);
            } else {
                all.message_codes.push(row, all.messages.len() as u32);
                all.messages.push(Cow::Borrowed(message));
            }
        }
        all
    }

    /// These texts and those of a column, which has none in the rows of these.
    pub(crate) fn with_strings(
        &self,
        column: &'a StringColumn,
    ) -> (Vec<&'a str>, Cow<'a, Sparse<u32>>) {
        let mut texts: Vec<&str> = column.dictionary.iter().collect();
        if self.texts.is_empty() {
            return (texts, Cow::Borrowed(&column.codes));
        }
        let first = texts.len() as u32;
        texts.extend(&self.texts);
        let long = self.text_codes.iter().map(|(row, code)| (row, first + code));
        let mut codes: Vec<(u32, u32)> = column.codes.iter().chain(long).collect();
        codes.sort_unstable_by_key(|code| code.0);
        let (rows, values) = codes.into_iter().unzip();
        (texts, Cow::Owned(Sparse { rows, values }))
    }
}

#[cfg(test)]
mod tests {
    use spandrel_otlp::encode_any_value;

    use super::*;

    #[test]
    fn a_text_is_found_in_its_message_and_nothing_else_is_one() {
        for length in [0, 1, 127, 128, 20_000, 3 << 20] {
            let (text, mut message) = ("x".repeat(length), Vec::new());
            encode_any_value(&AttributeValue::String(text.clone()), &mut message);
            assert_eq!(text_of(&message), Some(text.as_str()));
            assert_eq!(text_of(&message[..message.len() - 1]).is_some(), length == 0);
            assert_eq!(text_of(&[&message[..], &[0x0a, 0]].concat()), None, "two values");
        }
        let mut message = Vec::new();
        encode_any_value(&AttributeValue::Bytes(b"abc".to_vec()), &mut message);
        assert_eq!(text_of(&message), None);
        assert_eq!(text_of(&[0x0a, 1, 0xff]), None, "not UTF-8");
        assert_eq!(text_of(&[]), None);
        assert_eq!(text_of(&[&[0x0a][..], &[0xff; 20]].concat()), None);
    }

    #[test]
    fn values_are_split_by_their_size() {
        let codes = Sparse { rows: vec![1, 4, 5, 9], values: vec![2, 0, 2, 1] };
        let texts = || CandidateValues::String(vec!["longer", "b", "cc"], codes.clone());
        let (small, large) = split(texts(), 2);
        let (
            CandidateValues::String(small, small_codes),
            Some(CandidateValues::String(large, large_codes)),
        ) = (small, large)
        else {
            panic!("the type changed")
        };
        assert_eq!(
            (small, small_codes.rows, small_codes.values),
            (vec!["b", "cc"], vec![1, 5, 9], vec![1, 1, 0])
        );
        assert_eq!(
            (large, large_codes.rows, large_codes.values),
            (vec!["longer"], vec![4], vec![0])
        );
        assert_eq!(n_others(&texts(), 2), 3);
        assert!(split(texts(), 6).1.is_none());
    }
}
