//! A column on its way into a block: values in block order, without nulls.

use bytes::Bytes;
use parquet::data_type::{ByteArray, FixedLenByteArray};

/// Values of the rows that have one.
pub(crate) enum Values {
    /// `INT32`.
    I32(Vec<i32>),
    /// `INT64`.
    I64(Vec<i64>),
    /// `DOUBLE`.
    F64(Vec<f64>),
    /// `BOOLEAN`.
    Bool(Vec<bool>),
    /// `BYTE_ARRAY` with the logical type string: distinct strings, and a code per value.
    Text(Strings, Vec<u32>),
    /// `BYTE_ARRAY`.
    Binary(Vec<ByteArray>),
    /// `FIXED_LEN_BYTE_ARRAY` of this length.
    Fixed(i32, Vec<FixedLenByteArray>),
}

/// Which rows have a value.
pub(crate) enum Presence {
    /// All of them.
    Required,
    /// These, ascending.
    Rows(Vec<u32>),
}

/// How the column is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Dictionary while it is small, then plain; zstd.
    Dictionary,
    /// Values one after the other, zstd: for values of which most differ.
    Plain,
    /// Values one after the other, not compressed: for random bytes.
    Random,
    /// `DELTA_BINARY_PACKED`, zstd: for numbers that grow.
    Delta,
    /// `BYTE_STREAM_SPLIT`, zstd: for numbers without order.
    ByteStreamSplit,
}

/// Which statistics the file keeps of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statistics {
    /// None: the block index knows better.
    None,
    /// Minimum and maximum by page.
    Page,
}

/// A leaf column outside of the lists.
pub(crate) struct Column {
    /// See [`crate::schema`].
    pub(crate) name: String,
    pub(crate) values: Values,
    pub(crate) presence: Presence,
    pub(crate) encoding: Encoding,
    pub(crate) statistics: Statistics,
}

impl Column {
    /// A column with a value in every row.
    pub(crate) fn required(name: &str, values: Values, encoding: Encoding) -> Self {
        let presence = Presence::Required;
        Self { name: name.to_owned(), values, presence, encoding, statistics: Statistics::None }
    }

    /// A column of some rows, given in any order of rows; `None` when there are none.
    pub(crate) fn optional<T>(
        name: impl Into<String>,
        mut pairs: Vec<(u32, T)>,
        encoding: Encoding,
        wrap: impl FnOnce(Vec<T>) -> Values,
    ) -> Option<Self> {
        if pairs.is_empty() {
            return None;
        }
        if !pairs.is_sorted_by_key(|pair| pair.0) {
            pairs.sort_unstable_by_key(|pair| pair.0);
        }
        let (rows, values) = pairs.into_iter().unzip();
        Some(Self {
            name: name.into(),
            values: wrap(values),
            presence: Presence::Rows(rows),
            encoding,
            statistics: Statistics::None,
        })
    }

    pub(crate) fn with_page_statistics(mut self) -> Self {
        self.statistics = Statistics::Page;
        self
    }
}

/// Distinct strings as Parquet values that share one buffer.
pub(crate) struct Strings(pub(crate) Vec<ByteArray>);

impl<T: AsRef<str>> FromIterator<T> for Strings {
    fn from_iter<I: IntoIterator<Item = T>>(strings: I) -> Self {
        let mut buffer = Vec::new();
        let mut ends = Vec::new();
        for string in strings {
            buffer.extend_from_slice(string.as_ref().as_bytes());
            ends.push(buffer.len());
        }
        let buffer = Bytes::from(buffer);
        let starts = std::iter::once(0).chain(ends.iter().copied());
        Self(starts.zip(&ends).map(|(start, &end)| buffer.slice(start..end).into()).collect())
    }
}
