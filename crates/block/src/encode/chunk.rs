//! The pages of one column chunk, and what the footer says about them.

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, Type as Physical, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::thrift::{Page, push_page_header};
use crate::error::BlockError;

/// Level of zstd; level 3 gives one percent for half of the speed.
const LEVEL: i32 = 1;

/// Memory and the compressor, used again for every page of a block.
pub(crate) struct Compressor {
    zstd: zstd::bulk::Compressor<'static>,
    buffer: Vec<u8>,
}

impl Compressor {
    pub(crate) fn new() -> Result<Self, BlockError> {
        Ok(Self { zstd: zstd::bulk::Compressor::new(LEVEL)?, buffer: Vec::new() })
    }

    /// The compressed bytes.
    pub(crate) fn compress(&mut self, raw: &[u8]) -> Result<&[u8], BlockError> {
        self.buffer.clear();
        self.buffer.reserve(zstd::zstd_safe::compress_bound(raw.len()));
        self.zstd.compress_to_buffer(raw, &mut self.buffer)?;
        Ok(&self.buffer)
    }
}

/// A column chunk in the making. Offsets count from its first byte.
pub(crate) struct Chunk<'z> {
    /// `None` for pages that are stored as they are.
    compressor: Option<&'z mut Compressor>,
    bytes: Vec<u8>,
    raw_bytes: usize,
    dictionary_bytes: Option<usize>,
    encodings: Vec<Encoding>,
    offsets: OffsetIndexBuilder,
    bounds: Vec<(i64, i64)>,
    n_values: usize,
    n_rows: usize,
}

impl<'z> Chunk<'z> {
    pub(crate) fn new(compressor: Option<&'z mut Compressor>) -> Self {
        Self {
            compressor,
            bytes: Vec::new(),
            raw_bytes: 0,
            dictionary_bytes: None,
            encodings: vec![Encoding::RLE],
            offsets: OffsetIndexBuilder::new(),
            bounds: Vec::new(),
            n_values: 0,
            n_rows: 0,
        }
    }

    /// How large a page body becomes.
    pub(crate) fn compressed_bytes(&mut self, raw: &[u8]) -> Result<usize, BlockError> {
        Ok(match &mut self.compressor {
            Some(compressor) => compressor.compress(raw)?.len(),
            None => raw.len(),
        })
    }

    /// Appends the dictionary page, which comes first.
    pub(crate) fn push_dictionary(
        &mut self,
        n_values: usize,
        raw: &[u8],
    ) -> Result<(), BlockError> {
        self.push_page(Page::Dictionary { n_values }, raw)?;
        self.dictionary_bytes = Some(self.bytes.len());
        self.add_encoding(Encoding::PLAIN);
        Ok(())
    }

    /// Appends a data page: `n_values` with nulls, levels and values in `raw`.
    pub(crate) fn push_data(
        &mut self,
        n_rows: usize,
        n_values: usize,
        encoding: Encoding,
        raw: &[u8],
    ) -> Result<(), BlockError> {
        let offset = self.bytes.len();
        self.push_page(Page::Data { n_values, encoding }, raw)?;
        self.offsets.append_offset_and_size(offset as i64, (self.bytes.len() - offset) as i32);
        self.offsets.append_row_count(n_rows as i64);
        self.add_encoding(encoding);
        self.n_values += n_values;
        self.n_rows += n_rows;
        Ok(())
    }

    /// Takes note of the least and the greatest value of the page that was pushed last.
    pub(crate) fn push_bounds(&mut self, least: i64, greatest: i64) {
        self.bounds.push((least, greatest));
    }

    fn add_encoding(&mut self, encoding: Encoding) {
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
    }

    fn push_page(&mut self, page: Page, raw: &[u8]) -> Result<(), BlockError> {
        if i32::try_from(raw.len()).is_err() {
            return Err(BlockError::column("", "a page has more than 2 GiB"));
        }
        let body = match &mut self.compressor {
            Some(compressor) => compressor.compress(raw)?,
            None => raw,
        };
        let header_from = self.bytes.len();
        push_page_header(page, raw.len(), body, &mut self.bytes);
        self.raw_bytes += self.bytes.len() - header_from + raw.len();
        self.bytes.extend_from_slice(body);
        Ok(())
    }

    /// The bytes of the chunk and its metadata.
    pub(crate) fn finish(
        self,
        column: &ColumnDescPtr,
    ) -> Result<(Bytes, ColumnCloseResult), BlockError> {
        let compression = match self.compressor {
            Some(_) => Compression::ZSTD(ZstdLevel::try_new(LEVEL)?),
            None => Compression::UNCOMPRESSED,
        };
        let mut metadata = ColumnChunkMetaData::builder(column.clone())
            .set_encodings(self.encodings)
            .set_compression(compression)
            .set_num_values(self.n_values as i64)
            .set_total_compressed_size(self.bytes.len() as i64)
            .set_total_uncompressed_size(self.raw_bytes as i64)
            .set_data_page_offset(self.dictionary_bytes.unwrap_or(0) as i64)
            .set_dictionary_page_offset(self.dictionary_bytes.map(|_| 0));
        let least = self.bounds.iter().map(|bounds| bounds.0).min();
        let greatest = self.bounds.iter().map(|bounds| bounds.1).max();
        let mut column_index = None;
        if least.is_some() {
            let statistics = Statistics::int64(least, greatest, None, Some(0), false);
            metadata = metadata.set_statistics(statistics);
            let mut pages = ColumnIndexBuilder::new(Physical::INT64);
            pages.set_boundary_order(BoundaryOrder::UNORDERED);
            for (least, greatest) in self.bounds {
                pages.append(false, least.to_le_bytes().into(), greatest.to_le_bytes().into(), 0);
            }
            column_index = Some(pages.build()?);
        }
        let close = ColumnCloseResult {
            bytes_written: self.bytes.len() as u64,
            rows_written: self.n_rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index,
            offset_index: Some(self.offsets.build()),
        };
        Ok((self.bytes.into(), close))
    }
}
