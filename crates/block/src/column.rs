//! A column on its way into a block: values in block order, without nulls.

/// Values, or the distinct ones of a coded column.
pub(crate) enum Values<'a> {
    /// `INT32`.
    I32(Vec<i32>),
    /// `INT64`.
    I64(Vec<i64>),
    /// `DOUBLE`.
    F64(Vec<f64>),
    /// `BOOLEAN`.
    Bool(Vec<bool>),
    /// `BYTE_ARRAY` with the logical type string.
    Text(Strings<'a>),
    /// `BYTE_ARRAY`.
    Binary(Strings<'a>),
    /// `FIXED_LEN_BYTE_ARRAY` of this length, one after the other.
    Fixed(usize, Vec<u8>),
}

/// Byte strings by number.
pub(crate) enum Strings<'a> {
    /// Those of a run.
    Borrowed(Vec<&'a [u8]>),
    /// Those made for the block.
    Owned(OwnedStrings),
}

impl<'a> Strings<'a> {
    /// The strings with codes `0..len` of a dictionary.
    pub(crate) fn of(dictionary: &'a spandrel_columns::Dictionary) -> Self {
        Self::Borrowed((0..dictionary.len() as u32).map(|i| dictionary.get_bytes(i)).collect())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Borrowed(strings) => strings.len(),
            Self::Owned(strings) => strings.ends.len(),
        }
    }

    /// A string by its number.
    pub(crate) fn get(&self, i: usize) -> &[u8] {
        match self {
            Self::Borrowed(strings) => strings[i],
            Self::Owned(strings) => {
                let start = if i == 0 { 0 } else { strings.ends[i - 1] };
                &strings.bytes[start..strings.ends[i]]
            }
        }
    }
}

/// Byte strings in one buffer.
#[derive(Default)]
pub(crate) struct OwnedStrings {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl OwnedStrings {
    /// Adds to the string in work.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Ends the string in work.
    pub(crate) fn end(&mut self) {
        self.ends.push(self.bytes.len());
    }
}

/// Which rows have a value.
pub(crate) enum Presence {
    /// All of them.
    Required,
    /// These, ascending.
    Rows(Vec<u32>),
}

/// How the column is written. Everything but random bytes is compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// A dictionary; plain where most values differ.
    Dictionary,
    /// Values one after the other, not compressed: for random bytes.
    Random,
    /// `BYTE_STREAM_SPLIT`: for times and durations.
    ByteStreamSplit,
    /// Small plain pages, of which a read of a few rows touches few. A dictionary, which every such read
    /// has to touch, only up to so many bytes and where it saves most of the values.
    Oversized {
        /// Bytes of the dictionary page before compression.
        dictionary_bytes_max: usize,
    },
}

/// Which statistics the file keeps of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statistics {
    /// None: the block index knows better.
    None,
    /// Minimum and maximum by row group and page.
    Page,
}

/// A leaf column.
pub(crate) struct Column<'a> {
    /// See [`crate::schema`].
    pub(crate) name: String,
    pub(crate) values: Values<'a>,
    /// When given, the values are distinct and these are the rows' numbers in them.
    pub(crate) codes: Option<Vec<u32>>,
    pub(crate) presence: Presence,
    pub(crate) encoding: Encoding,
    pub(crate) statistics: Statistics,
}

impl<'a> Column<'a> {
    /// A column with a value in every row.
    pub(crate) fn required(name: &str, values: Values<'a>, encoding: Encoding) -> Self {
        Self {
            name: name.to_owned(),
            values,
            codes: None,
            presence: Presence::Required,
            encoding,
            statistics: Statistics::None,
        }
    }

    /// A dictionary column with a value in every row: distinct values and codes.
    pub(crate) fn required_codes(name: &str, distinct: Values<'a>, codes: Vec<u32>) -> Self {
        Self { codes: Some(codes), ..Self::required(name, distinct, Encoding::Dictionary) }
    }

    /// A column of some rows, ascending; `None` when there are none.
    pub(crate) fn optional(
        name: impl Into<String>,
        rows: Vec<u32>,
        values: Values<'a>,
        encoding: Encoding,
    ) -> Option<Self> {
        (!rows.is_empty()).then(|| Self::nullable(name, rows, values, encoding))
    }

    /// A dictionary column of some rows: distinct values, and a code per row; `None` when there are none.
    pub(crate) fn optional_codes(
        name: impl Into<String>,
        rows: Vec<u32>,
        distinct: Values<'a>,
        codes: Vec<u32>,
    ) -> Option<Self> {
        (!rows.is_empty()).then(|| Self::nullable_codes(name, rows, distinct, codes))
    }

    /// A column of some rows, ascending, or of none.
    pub(crate) fn nullable(
        name: impl Into<String>,
        rows: Vec<u32>,
        values: Values<'a>,
        encoding: Encoding,
    ) -> Self {
        debug_assert!(rows.is_sorted(), "rows ascend");
        Self {
            name: name.into(),
            values,
            codes: None,
            presence: Presence::Rows(rows),
            encoding,
            statistics: Statistics::None,
        }
    }

    /// A dictionary column of some rows, ascending, or of none: distinct values, and a code per row.
    pub(crate) fn nullable_codes(
        name: impl Into<String>,
        rows: Vec<u32>,
        distinct: Values<'a>,
        codes: Vec<u32>,
    ) -> Self {
        Self { codes: Some(codes), ..Self::nullable(name, rows, distinct, Encoding::Dictionary) }
    }

    pub(crate) fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    pub(crate) fn with_page_statistics(mut self) -> Self {
        self.statistics = Statistics::Page;
        self
    }
}
