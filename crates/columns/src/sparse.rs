//! Values for some rows: what is absent costs nothing.

use std::ops::Range;

use crate::Dictionary;

/// Shape: `rows.len() == values.len()`, rows strictly ascending.
#[derive(Debug, Clone)]
pub struct Sparse<T> {
    /// Rows that have a value.
    pub rows: Vec<u32>,
    /// Their values.
    pub values: Vec<T>,
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), values: Vec::new() }
    }
}

impl<T: Copy> Sparse<T> {
    /// Sets the value of `row`, which must not lie before the last row that has one.
    pub fn push(&mut self, row: u32, value: T) {
        match self.rows.last() {
            Some(&last) if last == row => {
                self.values.pop();
            }
            _ => self.rows.push(row),
        }
        self.values.push(value);
    }

    /// The value of a row.
    pub fn get(&self, row: u32) -> Option<T> {
        self.rows.binary_search(&row).ok().map(|i| self.values[i])
    }

    /// How many rows have a value.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row has a value.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Rows and values in row order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, T)> {
        self.rows.iter().copied().zip(self.values.iter().copied())
    }

    /// Forgets the values of `row` and of all rows behind it.
    pub(crate) fn truncate(&mut self, row: u32) {
        let kept = self.rows.partition_point(|&present| present < row);
        self.rows.truncate(kept);
        self.values.truncate(kept);
    }

    /// Appends another column whose row 0 is row `row_offset` here.
    pub(crate) fn append(&mut self, other: &Self, row_offset: u32, map: impl Fn(T) -> T) {
        self.rows.extend(other.rows.iter().map(|row| row + row_offset));
        self.values.extend(other.values.iter().map(|&value| map(value)));
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.rows.len() * (4 + size_of::<T>())
    }
}

/// Strings of some rows, as codes into a dictionary of their own.
#[derive(Debug, Clone, Default)]
pub struct StringColumn {
    /// The distinct strings. May hold strings that no row uses any more.
    pub dictionary: Dictionary,
    /// The codes.
    pub codes: Sparse<u32>,
}

impl StringColumn {
    /// Sets the string of `row`, which must not lie before the last row that has one.
    pub fn push(&mut self, row: u32, text: &[u8]) {
        let code = self.dictionary.intern(text);
        self.codes.push(row, code);
    }

    /// The string of a row.
    pub fn get(&self, row: u32) -> Option<&str> {
        self.codes.get(row).map(|code| self.dictionary.get(code))
    }

    pub(crate) fn append(&mut self, other: &Self, row_offset: u32) {
        let map: Vec<u32> = (0..other.dictionary.len() as u32)
            .map(|code| self.dictionary.intern(other.dictionary.get_bytes(code)))
            .collect();
        self.codes.append(&other.codes, row_offset, |code| map[code as usize]);
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.dictionary.size_bytes() + self.codes.size_bytes()
    }
}

/// Byte strings of some rows, not deduplicated.
#[derive(Debug, Clone, Default)]
pub struct BytesColumn {
    bytes: Vec<u8>,
    ranges: Sparse<(u32, u32)>,
}

impl BytesColumn {
    /// Sets the bytes of `row`, which must not lie before the last row that has some.
    pub fn push(&mut self, row: u32, value: &[u8]) {
        let range = self.store(value);
        self.ranges.push(row, (range.start, range.end));
    }

    /// Rows and bytes in row order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.ranges
            .iter()
            .map(|(row, (start, end))| (row, &self.bytes[start as usize..end as usize]))
    }

    /// The bytes of a row.
    pub fn get(&self, row: u32) -> Option<&[u8]> {
        self.ranges.get(row).map(|(start, end)| &self.bytes[start as usize..end as usize])
    }

    /// How many rows have bytes.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether no row has bytes.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    fn store(&mut self, value: &[u8]) -> Range<u32> {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(value);
        start..u32::try_from(self.bytes.len()).expect("a run holds under 4 GiB")
    }

    /// Where the bytes of each row lie; ranges may be left out, not reordered.
    pub(crate) fn ranges_mut(&mut self) -> &mut Sparse<(u32, u32)> {
        &mut self.ranges
    }

    pub(crate) fn truncate(&mut self, row: u32) {
        self.ranges.truncate(row);
        let end = self.ranges.values.last().map_or(0, |range| range.1);
        self.bytes.truncate(end as usize);
    }

    pub(crate) fn append(&mut self, other: &Self, row_offset: u32) {
        let shift = self.bytes.len() as u32;
        self.bytes.extend_from_slice(&other.bytes);
        self.ranges.append(&other.ranges, row_offset, |(start, end)| (start + shift, end + shift));
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.bytes.len() + self.ranges.size_bytes()
    }
}
