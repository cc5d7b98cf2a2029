//! Page headers in Thrift's compact protocol: what reading needs of them.

use super::Damage;

const CUT: Damage = "has a page whose header is cut";

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    /// The values of a dictionary, plain.
    Dictionary,
    /// Levels and values.
    Data {
        /// Values, nulls included.
        n_levels: usize,
        /// How the values are written.
        encoding: Encoding,
    },
}

/// How values are written. `parquet.thrift` has the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// One after the other.
    Plain,
    /// Codes of the dictionary's values, their width in front.
    Codes,
    /// Truth values in runs, their length in front.
    Runs,
    /// The first bytes of all values, then the second bytes, and so on.
    Split,
}

/// Header of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) kind: PageKind,
    /// Bytes of the body before compression.
    pub(super) raw_bytes: usize,
}

/// The header and what follows it.
pub(super) fn parse(page: &[u8]) -> Result<(PageHeader, &[u8]), Damage> {
    let mut input = Input(page);
    let (mut page_type, mut raw_bytes, mut n_levels, mut encoding) = (None, None, None, None);
    input.fields(|input, id, kind| match (id, kind) {
        (1, I32) => input.number(&mut page_type),
        (2, I32) => input.number(&mut raw_bytes),
        (5 | 7, STRUCT) => input.fields(|input, id, kind| match (id, kind) {
            (1, I32) => input.number(&mut n_levels),
            (2, I32) => input.number(&mut encoding),
            _ => input.skip(kind),
        }),
        _ => input.skip(kind),
    })?;
    let count = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
    let raw_bytes = count(raw_bytes).ok_or("has a page of no size")?;
    let kind = match (page_type, encoding) {
        // Old writers call a dictionary's encoding what codes have.
        (Some(2), Some(0 | 2)) => PageKind::Dictionary,
        (Some(0), Some(encoding)) => {
            let encoding = match encoding {
                0 => Encoding::Plain,
                2 | 8 => Encoding::Codes,
                3 => Encoding::Runs,
                9 => Encoding::Split,
                _ => return Err("has a page with an encoding that blocks do not have"),
            };
            PageKind::Data { n_levels: count(n_levels).ok_or("has a page of no values")?, encoding }
        }
        _ => return Err("has a page of a kind that blocks do not have"),
    };
    Ok((PageHeader { kind, raw_bytes }, input.0))
}

const I32: u8 = 5;
const STRUCT: u8 = 12;

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Result<u8, Damage> {
        let (first, rest) = self.0.split_first().ok_or(CUT)?;
        self.0 = rest;
        Ok(*first)
    }

    fn varint(&mut self) -> Result<u64, Damage> {
        let (value, rest) = super::hybrid::varint(self.0).ok_or(CUT)?;
        self.0 = rest;
        Ok(value)
    }

    fn number(&mut self, into: &mut Option<i64>) -> Result<(), Damage> {
        let value = self.varint()?;
        *into = Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()));
        Ok(())
    }

    /// Calls `read` with the number and the type of each field, which takes its value.
    fn fields(
        &mut self,
        mut read: impl FnMut(&mut Self, i64, u8) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        let mut last = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            let mut id = Some(last + i64::from(head >> 4));
            if head >> 4 == 0 {
                self.number(&mut id)?;
            }
            last = id.unwrap_or_default() & 0xffff;
            read(self, last, head & 0xf)?;
        }
    }

    fn skip(&mut self, kind: u8) -> Result<(), Damage> {
        match kind {
            // Truth values are in the type.
            1 | 2 => Ok(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            8 => {
                let length = usize::try_from(self.varint()?).map_err(|_| CUT)?;
                self.0 = self.0.get(length..).ok_or(CUT)?;
                Ok(())
            }
            _ => Err("has a page header with fields that blocks do not have"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::thrift::{Page, push_page_header};

    #[test]
    fn what_is_written_is_read() {
        let encoding = parquet::basic::Encoding::BYTE_STREAM_SPLIT;
        let pages = [
            (
                Page::Data { n_values: 16_384, encoding },
                PageKind::Data { n_levels: 16_384, encoding: Encoding::Split },
            ),
            (Page::Dictionary { n_values: 3 }, PageKind::Dictionary),
        ];
        for (page, kind) in pages {
            let mut written = Vec::new();
            push_page_header(page, 70_000, b"body", &mut written);
            let header_bytes = written.len();
            written.extend_from_slice(b"body");
            let read = parse(&written).unwrap();
            assert_eq!(read, (PageHeader { kind, raw_bytes: 70_000 }, &b"body"[..]));
            for cut in 0..header_bytes {
                assert!(parse(&written[..cut]).is_err(), "{cut}");
            }
        }
    }
}
