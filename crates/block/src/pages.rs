//! Checksums of all pages, headers included.
//!
//! Parquet's own page checksum leaves out the header, and a header that lies about an encoding makes
//! readers fail in odd ways or, worse, not at all. So the CRC-32 of every page lies behind the block
//! index: 4 bytes little-endian per page, by row group, column and place, a dictionary first. The checksum
//! of the file's end covers them. What fails here never reaches the Parquet reader.

use std::ops::Range;

use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ParquetMetaData;

use crate::error::BlockError;

/// The checksums of a finished chunk, whose offsets count from its first byte.
pub(crate) fn of_chunk(bytes: &[u8], close: &ColumnCloseResult, out: &mut Vec<u8>) {
    let pages = close.offset_index.iter().flat_map(|index| &index.page_locations);
    let first = pages.clone().map(|page| page.offset as usize).next().unwrap_or(0);
    let data = pages.map(|page| {
        let start = page.offset as usize;
        start..start + page.compressed_page_size as usize
    });
    let dictionary = close.metadata.dictionary_page_offset().map(|_| 0..first);
    for page in dictionary.into_iter().chain(data) {
        out.extend_from_slice(&crc32fast::hash(&bytes[page]).to_le_bytes());
    }
}

/// What each page of a block has to be.
pub(crate) struct PageChecksums {
    /// Ascending, without overlap.
    pages: Vec<Range<u64>>,
    checksums: Vec<u32>,
}

impl PageChecksums {
    /// Where the pages lie according to the metadata.
    pub(crate) fn locate(metadata: &ParquetMetaData) -> Result<Vec<Range<u64>>, BlockError> {
        let missing = || BlockError::NotABlock("it has no page index");
        let mut located = Vec::new();
        let offsets = metadata.offset_index();
        for (row_group, chunks) in metadata.row_groups().iter().enumerate() {
            let offsets = offsets.and_then(|offsets| offsets.get(row_group)).ok_or_else(missing)?;
            if offsets.len() != chunks.num_columns() {
                return Err(missing());
            }
            for (chunk, offsets) in chunks.columns().iter().zip(offsets) {
                let page = |offset: i64, bytes: i64| {
                    let start = u64::try_from(offset).ok()?;
                    Some(start..start.checked_add(u64::try_from(bytes).ok()?)?)
                };
                let first = offsets.page_locations.first().map(|page| page.offset);
                let dictionary = chunk.dictionary_page_offset().zip(first);
                let dictionary =
                    dictionary.map(|(offset, first)| page(offset, first.checked_sub(offset)?));
                let data = offsets.page_locations.iter();
                let data = data.map(|found| page(found.offset, found.compressed_page_size.into()));
                for page in dictionary.into_iter().chain(data) {
                    located.push(page.ok_or_else(missing)?);
                }
            }
        }
        if !located.is_sorted_by(|a, b| a.end <= b.start) {
            return Err(BlockError::NotABlock("its pages are out of order"));
        }
        Ok(located)
    }

    /// The checksums of the located pages.
    pub(crate) fn new(pages: Vec<Range<u64>>, bytes: &[u8]) -> Self {
        let checksums =
            bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        Self { pages, checksums }
    }

    /// Where the pages lie, in the order of the file.
    pub(crate) fn ranges(&self) -> &[Range<u64>] {
        &self.pages
    }

    /// Bytes of memory that this takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.pages.len() * (size_of::<Range<u64>>() + size_of::<u32>())
    }

    /// Checks bytes that begin at this offset of the file and consist of whole pages.
    pub(crate) fn verify(&self, offset: u64, bytes: &[u8]) -> Result<(), BlockError> {
        let end = offset.saturating_add(bytes.len() as u64);
        let first = self.pages.partition_point(|page| page.start < offset);
        let mut verified_to = offset;
        for (page, checksum) in self.pages.iter().zip(&self.checksums).skip(first) {
            if page.end > end {
                break;
            }
            let within = (page.start - offset) as usize..(page.end - offset) as usize;
            let damaged = bytes.get(within).is_none_or(|page| crc32fast::hash(page) != *checksum);
            if damaged || page.start != verified_to {
                return Err(BlockError::Page { offset: page.start });
            }
            verified_to = page.end;
        }
        if verified_to == end { Ok(()) } else { Err(BlockError::Page { offset: verified_to }) }
    }
}
