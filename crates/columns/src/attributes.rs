//! Attributes of spans: one column per key and type, found by the order in which senders repeat them.
//!
//! SDKs send the attributes of one kind of span in the same order every time, so the key that followed
//! last time is guessed to follow again; the hash table is asked only when the guess is wrong.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::{BytesColumn, Sparse, StringColumn};

const HASHER: FixedState = FixedState::with_seed(0x4b45_5953);
const NONE: u32 = u32::MAX;

/// A value as the decoder found it.
#[derive(Debug, Clone, Copy)]
pub enum RawValue<'a> {
    /// UTF-8 text, unchecked.
    String(&'a [u8]),
    /// A signed integer.
    Int(i64),
    /// A float.
    Double(f64),
    /// A truth value.
    Bool(bool),
    /// Anything else: the protobuf bytes of the OTLP `AnyValue` (array, map, bytes, empty), or a text
    /// above [`crate::TEXT_BYTES_MAX`], kept out of the typed columns.
    Other(&'a [u8]),
}

impl RawValue<'_> {
    fn type_index(&self) -> u8 {
        match self {
            Self::String(_) => 0,
            Self::Int(_) => 1,
            Self::Double(_) => 2,
            Self::Bool(_) => 3,
            Self::Other(_) => 4,
        }
    }
}

/// All values of one key. A row has a value in at most one of the columns.
#[derive(Debug, Clone)]
pub struct KeyColumns {
    /// The key.
    pub key: Box<str>,
    /// Text values.
    pub strings: StringColumn,
    /// Integer values.
    pub ints: Sparse<i64>,
    /// Float values.
    pub doubles: Sparse<f64>,
    /// Truth values.
    pub bools: Sparse<bool>,
    /// OTLP `AnyValue` messages of all other values.
    pub others: BytesColumn,
    last_row: u32,
    last_type: u8,
    /// Index of the key that followed this one the last time.
    next: u32,
}

impl KeyColumns {
    fn new(key: &str) -> Self {
        Self {
            key: key.into(),
            strings: StringColumn::default(),
            ints: Sparse::default(),
            doubles: Sparse::default(),
            bools: Sparse::default(),
            others: BytesColumn::default(),
            last_row: NONE,
            last_type: 0,
            next: NONE,
        }
    }

    /// How many rows have a value under this key.
    pub fn len(&self) -> usize {
        self.strings.codes.len()
            + self.ints.len()
            + self.doubles.len()
            + self.bools.len()
            + self.others.len()
    }

    /// Whether no row has a value under this key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn push(&mut self, row: u32, value: RawValue<'_>) {
        if self.last_row == row && self.last_type != value.type_index() {
            self.truncate(row);
        }
        self.last_row = row;
        self.last_type = value.type_index();
        match value {
            RawValue::String(text) => self.strings.push(row, text),
            RawValue::Int(number) => self.ints.push(row, number),
            RawValue::Double(number) => self.doubles.push(row, number),
            RawValue::Bool(truth) => self.bools.push(row, truth),
            RawValue::Other(any_value) => self.others.push(row, any_value),
        }
    }

    fn truncate(&mut self, row: u32) {
        self.strings.codes.truncate(row);
        self.ints.truncate(row);
        self.doubles.truncate(row);
        self.bools.truncate(row);
        self.others.truncate(row);
        self.last_row = NONE;
    }

    fn append(&mut self, other: &Self, row_offset: u32) {
        self.strings.append(&other.strings, row_offset);
        self.ints.append(&other.ints, row_offset, |value| value);
        self.doubles.append(&other.doubles, row_offset, |value| value);
        self.bools.append(&other.bools, row_offset, |value| value);
        self.others.append(&other.others, row_offset);
    }

    fn size_bytes(&self) -> usize {
        size_of::<Self>()
            + self.key.len()
            + self.strings.size_bytes()
            + self.ints.size_bytes()
            + self.doubles.size_bytes()
            + self.bools.size_bytes()
            + self.others.size_bytes()
    }
}

/// The attributes of all spans of a run.
#[derive(Debug, Clone, Default)]
pub struct AttributeColumns {
    keys: Vec<KeyColumns>,
    index: HashTable<u32>,
    /// Index of the key pushed last.
    last: u32,
}

impl AttributeColumns {
    /// All keys in order of first appearance. A key may have no value left.
    pub fn keys(&self) -> &[KeyColumns] {
        &self.keys
    }

    /// The columns of a key.
    pub fn find(&self, key: &str) -> Option<&KeyColumns> {
        let hash = HASHER.hash_one(key.as_bytes());
        self.index
            .find(hash, |&i| &*self.keys[i as usize].key == key)
            .map(|&i| &self.keys[i as usize])
    }

    /// The columns of a key, to be filled as a whole; empty ones when it is new.
    pub fn find_or_add_key(&mut self, key: &str) -> &mut KeyColumns {
        let i = self.find_or_add(key.as_bytes());
        &mut self.keys[i as usize]
    }

    /// All keys, for changes after which nothing is known of the row in work.
    pub(crate) fn keys_mut(&mut self) -> impl Iterator<Item = &mut KeyColumns> {
        self.keys.iter_mut().for_each(|columns| columns.last_row = NONE);
        self.keys.iter_mut()
    }

    /// Sets `key` of `row`, the row in work; a value that the row already has under the key is replaced.
    /// A key that is not valid UTF-8 has its bad bytes replaced.
    pub fn push(&mut self, row: u32, key: &[u8], value: RawValue<'_>) {
        let guess = self.keys.get(self.last as usize).map_or(0, |last| last.next);
        let found = match self.keys.get(guess as usize) {
            Some(columns) if columns.key.as_bytes() == key => guess,
            _ => self.find_or_add(key),
        };
        if let Some(last) = self.keys.get_mut(self.last as usize) {
            last.next = found;
        }
        self.last = found;
        self.keys[found as usize].push(row, value);
    }

    fn find_or_add(&mut self, key: &[u8]) -> u32 {
        let hash = HASHER.hash_one(key);
        let keys = &self.keys;
        if let Some(&i) = self.index.find(hash, |&i| keys[i as usize].key.as_bytes() == key) {
            return i;
        }
        let text = String::from_utf8_lossy(key);
        if text.as_bytes() != key {
            return self.find_or_add(text.as_bytes());
        }
        let i = self.keys.len() as u32;
        self.keys.push(KeyColumns::new(&text));
        let keys = &self.keys;
        self.index.insert_unique(hash, i, |&i| HASHER.hash_one(keys[i as usize].key.as_bytes()));
        i
    }

    pub(crate) fn truncate(&mut self, row: u32) {
        self.keys.iter_mut().for_each(|columns| columns.truncate(row));
    }

    pub(crate) fn append(&mut self, other: &Self, row_offset: u32) {
        for columns in &other.keys {
            let i = self.find_or_add(columns.key.as_bytes());
            self.keys[i as usize].append(columns, row_offset);
        }
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.keys.iter().map(KeyColumns::size_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_duplicate_keys_the_last_one_counts_whatever_its_type() {
        let mut attributes = AttributeColumns::default();
        attributes.push(0, b"a", RawValue::Int(1));
        attributes.push(0, b"b", RawValue::Bool(true));
        attributes.push(0, b"a", RawValue::String(b"x"));
        attributes.push(0, b"a", RawValue::String(b"y"));
        let a = attributes.find("a").unwrap();
        assert_eq!((a.len(), a.strings.get(0)), (1, Some("y")));
    }

    #[test]
    fn truncation_forgets_only_later_rows() {
        let mut attributes = AttributeColumns::default();
        for row in 0..4 {
            attributes.push(row, b"a", RawValue::Int(i64::from(row)));
            attributes.push(row, b"b", RawValue::Other(&[row as u8]));
        }
        attributes.truncate(2);
        attributes.push(2, b"b", RawValue::Other(b"z"));
        assert_eq!(attributes.find("a").unwrap().ints.rows, [0, 1]);
        let b: Vec<_> = attributes.find("b").unwrap().others.iter().collect();
        assert_eq!(b, [(0, &[0][..]), (1, &[1][..]), (2, &b"z"[..])]);
    }
}
