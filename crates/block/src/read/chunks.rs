//! What a block's file is made of, for tools that show or check it: column chunks, their pages, and where
//! the index lies.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, LogicalType, Type as Physical};
use parquet::file::metadata::ColumnChunkMetaData;

use super::{BlockFile, index_range};
use crate::error::BlockError;

/// The values of one leaf column in one row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnChunk {
    /// Number of the row group.
    pub row_group: usize,
    /// Name of the column; a list's leaves share it.
    pub column: String,
    /// The whole path of the leaf, such as `events.list.element.name`; else as `column`.
    pub path: String,
    /// Type of the values: `string`, `binary`, `fixed(16)`, `int32`, `int64`, `double`, `boolean`.
    pub value_type: String,
    /// How the values are written, such as `dictionary` or `byte stream split`.
    pub encoding: String,
    /// How the pages are compressed, such as `zstd` or `none`.
    pub compression: String,
    /// Bytes in the file, page headers included.
    pub stored_bytes: u64,
    /// Bytes of the same pages before compression.
    pub raw_bytes: u64,
    /// Whether the first page is a dictionary.
    pub has_dictionary: bool,
    /// Where the pages lie in the file: ascending, the dictionary first.
    pub pages: Vec<Range<u64>>,
}

impl BlockFile {
    /// All column chunks, in the order of the file.
    pub fn column_chunks(&self) -> Vec<ColumnChunk> {
        let metadata = self.metadata.metadata();
        let mut pages = self.pages.ranges().iter();
        let mut chunks = Vec::new();
        for (row_group, group) in metadata.row_groups().iter().enumerate() {
            for (number, chunk) in group.columns().iter().enumerate() {
                let offsets = metadata.offset_index().and_then(|index| index.get(row_group));
                let offsets = offsets.and_then(|chunks| chunks.get(number));
                let n_data_pages = offsets.map_or(0, |index| index.page_locations.len());
                let has_dictionary = n_data_pages > 0 && chunk.dictionary_page_offset().is_some();
                let n_pages = n_data_pages + usize::from(has_dictionary);
                let pages = pages.by_ref().take(n_pages).cloned().collect();
                chunks.push(describe(chunk, row_group, has_dictionary, pages));
            }
        }
        chunks
    }

    /// Checks bytes that begin at `offset` of the file and consist of whole pages.
    ///
    /// # Errors
    /// [`BlockError::Page`] names the first page that is not what was written.
    pub fn verify_pages(&self, offset: u64, bytes: &Bytes) -> Result<(), BlockError> {
        self.pages.verify(offset, bytes)
    }

    /// Where the block index lies in the file; the pages lie before it.
    ///
    /// # Errors
    /// [`BlockError::NotABlock`] when the footer does not say so.
    pub fn index_range(&self) -> Result<Range<u64>, BlockError> {
        index_range(self.metadata.metadata(), u64::MAX)
    }
}

fn describe(
    chunk: &ColumnChunkMetaData,
    row_group: usize,
    has_dictionary: bool,
    pages: Vec<Range<u64>>,
) -> ColumnChunk {
    let path = chunk.column_path();
    ColumnChunk {
        row_group,
        column: path.parts().first().cloned().unwrap_or_default(),
        path: path.string(),
        value_type: value_type(chunk),
        encoding: encoding(chunk),
        compression: match chunk.compression() {
            Compression::UNCOMPRESSED => "none".to_owned(),
            // The level is the writer's affair and not in the file.
            Compression::ZSTD(_) => "zstd".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        },
        stored_bytes: chunk.compressed_size().max(0).cast_unsigned(),
        raw_bytes: chunk.uncompressed_size().max(0).cast_unsigned(),
        has_dictionary,
        pages,
    }
}

fn value_type(chunk: &ColumnChunkMetaData) -> String {
    let descriptor = chunk.column_descr();
    match (descriptor.physical_type(), descriptor.logical_type_ref()) {
        (Physical::BYTE_ARRAY, Some(LogicalType::String)) => "string".to_owned(),
        (Physical::BYTE_ARRAY, _) => "binary".to_owned(),
        (Physical::FIXED_LEN_BYTE_ARRAY, _) => format!("fixed({})", descriptor.type_length()),
        (physical, _) => physical.to_string().to_lowercase(),
    }
}

/// The encodings of the values. Those of levels and of the dictionary page itself go without saying.
fn encoding(chunk: &ColumnChunkMetaData) -> String {
    let all: Vec<Encoding> = chunk.encodings().collect();
    let dictionary = all.contains(&Encoding::RLE_DICTIONARY);
    let goes_without_saying = |encoding: &Encoding| match encoding {
        Encoding::PLAIN => dictionary,
        Encoding::RLE => all.len() > 1,
        _ => false,
    };
    let names = all.iter().filter(|encoding| !goes_without_saying(encoding));
    let names = names.map(|encoding| match encoding {
        Encoding::RLE_DICTIONARY => "dictionary".to_owned(),
        other => other.to_string().to_lowercase().replace('_', " "),
    });
    names.collect::<Vec<_>>().join(", ")
}
