//! Reading a block: what lies where, which bytes are needed, and Arrow arrays from them.
//!
//! Nothing here does I/O. [`BlockFile::open`] takes the end of the file; [`ColumnDecoder`] asks for byte
//! ranges until it can return the columns. Texts come as `Dictionary(Int32, Utf8)`, so that predicates and
//! groups work on codes. Oversized values come as `BinaryView`: one that many rows share is there once.
//! Whole columns point into the pages; [`FewRows`] takes what it wants out of them.

mod assemble;
mod chunks;
mod columns;
mod few_rows;
mod owners;
mod run;

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use bytes::Bytes;
use hashbrown::HashMap;
use parquet::DecodeResult;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_schema};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder};

pub use assemble::{SPAN_COLUMNS_LEFT_OUT, assemble_spans};
pub use chunks::ColumnChunk;
pub use few_rows::FewRows;
pub use run::{read_run, read_run_of_trace};

use crate::checksum::{self, Verified};
use crate::error::BlockError;
use crate::index::IndexReader;
use crate::pages::PageChecksums;
use crate::schema::{self, AttributeType, parse_attribute_column};
use spandrel_model::AttributeScope;

/// The metadata and the index of a block.
pub struct BlockFile {
    metadata: ArrowReaderMetadata,
    index: IndexReader,
    pages: Arc<PageChecksums>,
    /// Column name to root field.
    fields: HashMap<String, usize>,
    /// First row of each row group, and the number of rows at the end.
    row_group_starts: Vec<u32>,
}

/// Outcome of [`BlockFile::open`].
pub enum Opened {
    /// The block can be read.
    File(Box<BlockFile>),
    /// The given end of the file was too short: call again with at least this many bytes.
    NeedsTail(u64),
}

impl BlockFile {
    /// Reads metadata and index from the last bytes of a file of `file_bytes` bytes.
    ///
    /// # Errors
    /// [`BlockError`] when the file is damaged, not a block, or of a newer version.
    pub fn open(tail: &Bytes, file_bytes: u64) -> Result<Opened, BlockError> {
        let tail_start = file_bytes
            .checked_sub(tail.len() as u64)
            .ok_or(BlockError::NotABlock("its end is longer than the file"))?;
        if let Verified::NeedsTail(bytes) = checksum::verify(tail, file_bytes)? {
            return Ok(Opened::NeedsTail(bytes));
        }
        let mut decoder = ParquetMetaDataPushDecoder::try_new(file_bytes)?
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        decoder.push_range(tail_start..file_bytes, tail.clone())?;
        let metadata = match decoder.try_decode()? {
            DecodeResult::Data(metadata) => metadata,
            DecodeResult::NeedsData(ranges) => {
                let start = ranges.iter().map(|range| range.start).min().unwrap_or(0);
                if start >= tail_start {
                    return Err(BlockError::NotABlock("the footer lies about its length"));
                }
                return Ok(Opened::NeedsTail(file_bytes - start));
            }
            DecodeResult::Finished => return Err(BlockError::NotABlock("no metadata")),
        };
        let index_range = index_range(&metadata, file_bytes)?;
        if index_range.start < tail_start {
            return Ok(Opened::NeedsTail(file_bytes - index_range.start));
        }
        let slice = |offset: u64| (offset - tail_start) as usize;
        // A copy, because the file outlives the tail, most of which may be column chunks.
        let index = &tail[slice(index_range.start)..slice(index_range.end)];
        let index = Bytes::copy_from_slice(index);
        let pages = PageChecksums::locate(&metadata)?;
        let checksums = slice(index_range.end)..slice(index_range.end) + pages.len() * 4;
        let checksums =
            tail.get(checksums).ok_or(BlockError::NotABlock("it has no page checksums"))?;
        let pages = PageChecksums::new(pages, checksums);
        let file = Self::new(metadata, IndexReader::open(index)?, pages)?;
        Ok(Opened::File(Box::new(file)))
    }

    fn new(
        metadata: ParquetMetaData,
        index: IndexReader,
        pages: PageChecksums,
    ) -> Result<Self, BlockError> {
        let descriptor = metadata.file_metadata().schema_descr();
        let inferred = parquet_to_arrow_schema(descriptor, None)?;
        let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let fields = inferred.fields().iter().map(|field| match field.data_type() {
            DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(text.clone())),
            _ if is_oversized_column(field.name()) => {
                Arc::new(field.as_ref().clone().with_data_type(DataType::BinaryView))
            }
            _ => Arc::clone(field),
        });
        let arrow_schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let names = arrow_schema.fields().iter().enumerate();
        let fields = names.map(|(i, field)| (field.name().clone(), i)).collect();
        let mut row_group_starts = vec![0];
        for row_group in metadata.row_groups() {
            let rows = u32::try_from(row_group.num_rows())
                .map_err(|_| BlockError::NotABlock("a row group has too many rows"))?;
            let last = row_group_starts[row_group_starts.len() - 1];
            let next = rows.checked_add(last).ok_or(BlockError::NotABlock("too many rows"))?;
            row_group_starts.push(next);
        }
        let options = ArrowReaderOptions::new().with_schema(arrow_schema);
        let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), options)?;
        Ok(Self { metadata, index, pages: Arc::new(pages), fields, row_group_starts })
    }

    /// The block index.
    pub fn index(&self) -> &IndexReader {
        &self.index
    }

    /// Bytes of memory that this takes, with all sections of the index decoded once.
    pub fn memory_bytes(&self) -> usize {
        let metadata = self.metadata.metadata().memory_size();
        self.index.memory_bytes() + metadata + self.pages.memory_bytes()
    }

    /// How many rows the block has.
    pub fn n_rows(&self) -> u32 {
        self.row_group_starts[self.row_group_starts.len() - 1]
    }

    /// How many row groups the block has.
    pub fn n_row_groups(&self) -> usize {
        self.row_group_starts.len() - 1
    }

    /// Block rows of a row group.
    ///
    /// # Panics
    /// When there is no such row group.
    pub fn row_group_rows(&self, row_group: usize) -> Range<u32> {
        self.row_group_starts[row_group]..self.row_group_starts[row_group + 1]
    }

    /// The row group that holds a block row.
    pub fn row_group_of(&self, row: u32) -> usize {
        self.row_group_starts.partition_point(|start| *start <= row) - 1
    }

    /// Whether the file has the column. A column that it does not have is null in every row.
    pub fn has_column(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// Names of all columns, in file order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.metadata.schema().fields().iter().map(|field| field.name().as_str())
    }

    /// All attribute columns: name, scope, key and type.
    pub fn attribute_columns(
        &self,
    ) -> impl Iterator<Item = (&str, AttributeScope, &str, AttributeType)> {
        self.columns().filter_map(|name| {
            let (scope, key, kind) = parse_attribute_column(name)?;
            Some((name, scope, key, kind))
        })
    }

    /// Compressed bytes of each column over all row groups; lists count as one column.
    pub fn column_bytes(&self) -> Vec<(String, u64)> {
        let metadata = self.metadata.metadata();
        let mut sizes: Vec<(String, u64)> =
            self.columns().map(|name| (name.to_owned(), 0)).collect();
        for chunk in metadata.row_groups().iter().flat_map(|row_group| row_group.columns()) {
            let root = chunk.column_path().parts().first();
            let field = root.and_then(|name| self.fields.get(name));
            if let Some(size) = field.and_then(|i| sizes.get_mut(*i)) {
                size.1 += chunk.compressed_size().max(0).cast_unsigned();
            }
        }
        sizes
    }

    /// Bytes that the values of a column in a row group take in memory, as far as the file tells: those of
    /// its pages before compression. Zero when the file does not have the column.
    ///
    /// # Panics
    /// When there is no such row group.
    pub fn raw_bytes(&self, row_group: usize, column: &str) -> u64 {
        let chunks = self.metadata.metadata().row_group(row_group).columns().iter();
        let chunks = chunks
            .filter(|chunk| chunk.column_path().parts().first().is_some_and(|name| name == column));
        chunks.map(|chunk| chunk.uncompressed_size().max(0).cast_unsigned()).sum()
    }

    /// Starts reading columns of a row group, of all its rows or of some (ascending ranges, counted from
    /// the row group's first). Columns that the file does not have are left out of the result.
    ///
    /// # Errors
    /// [`BlockError`] when the metadata does not fit the file.
    ///
    /// # Panics
    /// When there is no such row group.
    pub fn decoder<'n>(
        &self,
        row_group: usize,
        columns: impl IntoIterator<Item = &'n str>,
        rows: Option<&[Range<u32>]>,
    ) -> Result<ColumnDecoder, BlockError> {
        let n_rows = self.row_group_rows(row_group).len();
        let roots = columns.into_iter().filter_map(|name| self.fields.get(name).copied());
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), roots);
        let mut builder = ParquetPushDecoderBuilder::new_with_metadata(self.metadata.clone())
            .with_row_groups(vec![row_group])
            .with_projection(mask)
            .with_batch_size(rows.map_or(n_rows, |rows| rows.iter().map(Range::len).sum()).max(1));
        if let Some(rows) = rows {
            let rows = rows.iter().map(|rows| rows.start as usize..rows.end as usize);
            let selection = RowSelection::from_consecutive_ranges(rows, n_rows);
            builder = builder.with_row_selection(selection);
        }
        Ok(ColumnDecoder { decoder: builder.build()?, pages: Arc::clone(&self.pages) })
    }
}

fn is_oversized_column(name: &str) -> bool {
    [schema::SPAN_OVERSIZED, schema::RESOURCE_OVERSIZED, schema::SCOPE_OVERSIZED].contains(&name)
}

/// Where the index lies, from the metadata, after a check of the version.
fn index_range(metadata: &ParquetMetaData, file_bytes: u64) -> Result<Range<u64>, BlockError> {
    let pairs = metadata.file_metadata().key_value_metadata();
    let find = |key: &str| {
        let pair = pairs.into_iter().flatten().find(|pair| pair.key == key)?;
        pair.value.as_deref()
    };
    let version = find(schema::FORMAT_VERSION_KEY).and_then(|text| text.parse().ok());
    let version: u16 = version.ok_or(BlockError::NotABlock("it has no format version"))?;
    if version > schema::FORMAT_VERSION {
        let supported = schema::FORMAT_VERSION;
        return Err(BlockError::UnsupportedVersion { found: version, supported });
    }
    let place = find(schema::INDEX_KEY).and_then(|text| {
        let (offset, length) = text.split_once(',')?;
        let offset: u64 = offset.parse().ok()?;
        Some(offset..offset.checked_add(length.parse().ok()?)?)
    });
    let place = place.ok_or(BlockError::NotABlock("it has no index"))?;
    if place.end > file_bytes {
        return Err(BlockError::NotABlock("the index lies outside of the file"));
    }
    Ok(place)
}

/// Columns on their way out of a block.
pub struct ColumnDecoder {
    decoder: ParquetPushDecoder,
    pages: Arc<PageChecksums>,
}

/// Outcome of [`ColumnDecoder::step`].
pub enum Step {
    /// Push these byte ranges of the file, then step again.
    Needs(Vec<Range<u64>>),
    /// The columns, all rows in one batch; no batch when no row was asked for.
    Done(Option<RecordBatch>),
}

impl ColumnDecoder {
    /// Decodes, or says what is missing.
    ///
    /// # Errors
    /// [`BlockError`] when pages are damaged.
    pub fn step(&mut self) -> Result<Step, BlockError> {
        Ok(match self.decoder.try_decode()? {
            DecodeResult::NeedsData(ranges) => Step::Needs(ranges),
            DecodeResult::Data(batch) => Step::Done(Some(batch)),
            DecodeResult::Finished => Step::Done(None),
        })
    }

    /// Hands over bytes that [`Step::Needs`] named, in its order.
    ///
    /// # Errors
    /// [`BlockError`] when the bytes are damaged, or lengths differ.
    pub fn push(&mut self, ranges: Vec<Range<u64>>, bytes: Vec<Bytes>) -> Result<(), BlockError> {
        for (range, bytes) in ranges.iter().zip(&bytes) {
            if range.end - range.start != bytes.len() as u64 {
                return Err(BlockError::Page { offset: range.start });
            }
            self.pages.verify(range.start, bytes)?;
        }
        Ok(self.decoder.push_ranges(ranges, bytes)?)
    }
}
