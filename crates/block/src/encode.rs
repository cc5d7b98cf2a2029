//! Columns to Parquet pages.
//!
//! The writer of the parquet crate takes values one by one and hashes each to find its dictionary code.
//! Runs hold codes already, so writing pages from codes is several times faster; it also lets each page
//! carry a checksum and choose the width of codes by what compresses best. Only the shapes that blocks
//! need are here; the parquet crate reads them back in the tests, and assembles the footer.
//!
//! Pages are of version 1, whose levels are compressed together with the values: most attributes are
//! null in most rows, and their levels are as regular as the traces.

mod chunk;
mod distinct;
pub(crate) mod hybrid;
mod levels;
#[cfg(test)]
mod tests;
pub(crate) mod thrift;

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::Encoding as ParquetEncoding;
use parquet::column::writer::ColumnCloseResult;
use parquet::schema::types::ColumnDescPtr;

use crate::column::{Column, Encoding, Statistics, Values};
use crate::error::BlockError;
use chunk::Chunk;
pub(crate) use chunk::Compressor;
use distinct::Distinct;
use levels::Shape;

/// Rows of a data page. Smaller pages make reading one trace cheaper and the file larger.
const PAGE_ROWS: u32 = 16 * 1024;
/// Values of less than this many bytes are not worth a page of their own; but in lists, where readers pass by rows
/// one after the other.
const PAGE_BYTES_MIN: usize = 2 * 1024;
/// Plain strings of more bytes are divided among pages, as long as there are rows to divide.
const PAGE_BYTES_MAX: usize = 1 << 20;
/// As [`PAGE_BYTES_MAX`], for oversized values.
const OVERSIZED_PAGE_BYTES_MAX: usize = 64 << 10;
/// A dictionary of more bytes has to save more than half, because each read of a few rows reads it.
const DICTIONARY_BYTES_MAX: usize = 4 << 20;

/// The pages of a column in these rows of the block. `elements` has the row of each element when the
/// column lies in a list; its own rows are then elements.
pub(crate) fn encode(
    column: &Column<'_>,
    elements: Option<&[u32]>,
    rows: Range<u32>,
    described: &ColumnDescPtr,
    compressor: &mut Compressor,
) -> Result<(Bytes, ColumnCloseResult), BlockError> {
    let shape = Shape { presence: &column.presence, elements };
    let range = shape.values(rows.clone());
    let compressor = (column.encoding != Encoding::Random).then_some(compressor);
    let mut chunk = Chunk::new(compressor);
    let body = Body::choose(column, range.clone(), &mut chunk)?;
    let page_bytes_max = match column.encoding {
        Encoding::Oversized { .. } => OVERSIZED_PAGE_BYTES_MAX,
        _ => PAGE_BYTES_MAX,
    };
    let mut raw = Vec::new();
    let bytes = if elements.is_some() { usize::MAX } else { body.bytes_of(column, range.len()) };
    let mut left: Vec<_> = pages(rows, bytes).collect();
    left.reverse();
    while let Some(rows) = left.pop() {
        let bytes = body.string_bytes(column, shape.values(rows.clone()));
        if rows.len() > 1 && bytes > page_bytes_max {
            let middle = rows.start + rows.len() as u32 / 2;
            left.extend([middle..rows.end, rows.start..middle]);
            continue;
        }
        raw.clear();
        let n_rows = rows.len();
        let page = shape.push(rows, &mut raw);
        body.push(column, range.start, page.values.clone(), &mut raw);
        chunk.push_data(n_rows, page.n_levels, body.encoding(), &raw)?;
        if column.statistics == Statistics::Page
            && let Values::I64(values) = &column.values
        {
            let values = &values[page.values];
            let least = values.iter().copied().min();
            let greatest = values.iter().copied().max();
            chunk.push_bounds(least.unwrap_or(0), greatest.unwrap_or(0));
        }
    }
    chunk.finish(described)
}

/// Rows of each page, for values of about this many bytes in all.
fn pages(rows: Range<u32>, bytes: usize) -> impl Iterator<Item = Range<u32>> {
    let n_pages = rows.len().div_ceil(PAGE_ROWS as usize).min(bytes / PAGE_BYTES_MIN).max(1);
    let page_rows = (rows.len().div_ceil(n_pages) as u32).max(1);
    let starts = rows.clone().step_by(page_rows as usize);
    starts.map(move |start| start..(start + page_rows).min(rows.end))
}

/// How the values of a chunk are written.
enum Body {
    /// Codes of this many bits.
    Codes(Distinct, u32),
    Plain,
    Bits,
    Split,
}

impl Body {
    /// Decides, and writes the dictionary if there is to be one.
    fn choose(
        column: &Column<'_>,
        range: Range<usize>,
        chunk: &mut Chunk<'_>,
    ) -> Result<Self, BlockError> {
        match column.encoding {
            Encoding::Random => return Ok(Self::Plain),
            Encoding::ByteStreamSplit => return Ok(Self::Split),
            Encoding::Oversized { dictionary_bytes_max } => {
                return Self::choose_oversized(column, range, dictionary_bytes_max, chunk);
            }
            Encoding::Dictionary => {}
        }
        if matches!(column.values, Values::Bool(_)) {
            return Ok(Self::Bits);
        }
        let Some(distinct) = Distinct::of(column, range) else { return Ok(Self::Plain) };
        if distinct.values.is_empty() {
            return Ok(Self::Plain);
        }
        let mut raw = Vec::new();
        push_plain(&column.values, distinct.values.iter().map(|&i| i as usize), &mut raw);
        if raw.len() > DICTIONARY_BYTES_MAX && distinct.values.len() * 4 > distinct.codes.len() {
            return Ok(Self::Plain);
        }
        chunk.push_dictionary(distinct.values.len(), &raw)?;
        let width = code_width(&distinct, chunk)?;
        Ok(Self::Codes(distinct, width))
    }

    /// A dictionary if it has at most a quarter of the bytes of all values.
    fn choose_oversized(
        column: &Column<'_>,
        range: Range<usize>,
        dictionary_bytes_max: usize,
        chunk: &mut Chunk<'_>,
    ) -> Result<Self, BlockError> {
        let (Some(codes), Values::Text(strings) | Values::Binary(strings)) =
            (&column.codes, &column.values)
        else {
            return Ok(Self::Plain);
        };
        let distinct = Distinct::renumbered(&codes[range.clone()], strings.len());
        let bytes = |codes: &[u32]| -> usize {
            codes.iter().map(|&code| strings.get(code as usize).len() + size_of::<u32>()).sum()
        };
        let dictionary_bytes = bytes(&distinct.values);
        let is_worth_it = dictionary_bytes <= dictionary_bytes_max.min(bytes(&codes[range]) / 4);
        if distinct.values.is_empty() || !is_worth_it {
            return Ok(Self::Plain);
        }
        let mut raw = Vec::with_capacity(dictionary_bytes);
        push_plain(&column.values, distinct.values.iter().map(|&i| i as usize), &mut raw);
        chunk.push_dictionary(distinct.values.len(), &raw)?;
        let width = hybrid::width_of(distinct.values.len() as u32 - 1);
        Ok(Self::Codes(distinct, width))
    }

    fn encoding(&self) -> ParquetEncoding {
        match self {
            Self::Codes(..) => ParquetEncoding::RLE_DICTIONARY,
            Self::Plain => ParquetEncoding::PLAIN,
            Self::Bits => ParquetEncoding::RLE,
            Self::Split => ParquetEncoding::BYTE_STREAM_SPLIT,
        }
    }

    /// Roughly how many bytes so many values take before compression.
    fn bytes_of(&self, column: &Column<'_>, n_values: usize) -> usize {
        let per_value = match (self, &column.values) {
            (Self::Codes(distinct, _), _) if distinct.values.len() == 1 => 0,
            (Self::Codes(..) | Self::Bits, _) => 1,
            (_, Values::I64(_) | Values::F64(_)) => 8,
            (_, Values::Fixed(length, _)) => *length,
            // Nothing is known about the length of a string; a page of any number of them may be worth it.
            (_, Values::Text(_) | Values::Binary(_)) => PAGE_BYTES_MIN,
            (_, Values::I32(_) | Values::Bool(_)) => 4,
        };
        n_values * per_value
    }

    /// Bytes of the strings at these positions, 0 when they are coded.
    fn string_bytes(&self, column: &Column<'_>, range: Range<usize>) -> usize {
        let (Self::Plain, Values::Text(strings) | Values::Binary(strings)) = (self, &column.values)
        else {
            return 0;
        };
        match &column.codes {
            Some(codes) => codes[range].iter().map(|&code| strings.get(code as usize).len()).sum(),
            None => range.map(|i| strings.get(i).len()).sum(),
        }
    }

    /// Appends the values at these positions; the codes begin at position `first`.
    fn push(&self, column: &Column<'_>, first: usize, range: Range<usize>, out: &mut Vec<u8>) {
        match (self, &column.values) {
            (Self::Codes(distinct, width), _) => {
                out.push(*width as u8);
                let codes = &distinct.codes[range.start - first..range.end - first];
                hybrid::encode(codes, *width, out);
            }
            (Self::Bits, Values::Bool(values)) => push_bits(&values[range], out),
            (Self::Split, Values::I64(values)) => push_split(&values[range], out),
            (_, values) => match &column.codes {
                Some(codes) => {
                    push_plain(values, codes[range].iter().map(|&code| code as usize), out);
                }
                None => push_plain(values, range, out),
            },
        }
    }
}

/// Bits of a code: as few as possible, or whole bytes when zstd finds more in them. Similar traces are
/// neighbors, so the same codes come again and again, but not at the same bit of a byte.
fn code_width(distinct: &Distinct, chunk: &mut Chunk<'_>) -> Result<u32, BlockError> {
    let exact = hybrid::width_of(distinct.values.len() as u32 - 1);
    let whole = exact.next_multiple_of(8);
    if exact == whole || distinct.codes.len() < FEW_CODES {
        return Ok(exact);
    }
    let sample = &distinct.codes[..distinct.codes.len().min(PAGE_ROWS as usize)];
    let mut best = (usize::MAX, exact);
    let mut raw = Vec::new();
    for width in [exact, whole] {
        raw.clear();
        hybrid::encode(sample, width, &mut raw);
        best = best.min((chunk.compressed_bytes(&raw)?, width));
    }
    Ok(best.1)
}

/// Of so few codes the width does not matter.
const FEW_CODES: usize = 512;

fn push_plain(values: &Values<'_>, indexes: impl Iterator<Item = usize>, out: &mut Vec<u8>) {
    match values {
        Values::I32(values) => {
            indexes.for_each(|i| out.extend_from_slice(&values[i].to_le_bytes()))
        }
        Values::I64(values) => {
            indexes.for_each(|i| out.extend_from_slice(&values[i].to_le_bytes()))
        }
        Values::F64(values) => {
            indexes.for_each(|i| out.extend_from_slice(&values[i].to_le_bytes()))
        }
        // Truth values are never plain: see `Body::choose`.
        Values::Bool(_) => {}
        Values::Text(strings) | Values::Binary(strings) => indexes.for_each(|i| {
            let string = strings.get(i);
            out.extend_from_slice(&(string.len() as u32).to_le_bytes());
            out.extend_from_slice(string);
        }),
        Values::Fixed(length, bytes) => {
            indexes.for_each(|i| out.extend_from_slice(&bytes[i * length..(i + 1) * length]));
        }
    }
}

/// Truth values as runs, their length in front.
fn push_bits(values: &[bool], out: &mut Vec<u8>) {
    let bits: Vec<u8> = values.iter().map(|&value| u8::from(value)).collect();
    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    hybrid::encode(&bits, 1, out);
    let length = (out.len() - length_at - 4) as u32;
    out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
}

/// The first bytes of all values, then the second bytes, and so on.
fn push_split(values: &[i64], out: &mut Vec<u8>) {
    for byte in 0..8 {
        out.extend(values.iter().map(|value| (value >> (byte * 8)) as u8));
    }
}
