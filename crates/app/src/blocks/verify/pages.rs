//! The bytes of a file: the first magic, every page against its checksum, every section of the index.

use std::collections::BTreeSet;
use std::ops::Range;

use bytes::Bytes;
use spandrel_block::index::{IndexError, IndexReader, Section};
use spandrel_block::read::ColumnChunk;

use super::{Fault, Found, Outcome, root_cause};
use crate::storage::StoredBlock;

const MAGIC: &[u8] = b"PAR1";

/// Returns the row groups of which a page is damaged.
pub(super) async fn check(
    block: &StoredBlock,
    outcome: &mut Outcome,
    found: &mut Found,
) -> BTreeSet<usize> {
    check_layout(block, found).await;
    for section in Section::ALL {
        if let Err(error) = read_section(block.file.index(), section) {
            found.push("index", error.to_string());
        }
    }
    let mut damaged = BTreeSet::new();
    for chunk in block.file.column_chunks() {
        outcome.pages += chunk.pages.len() as u64;
        if !check_chunk(block, &chunk, found).await {
            damaged.insert(chunk.row_group);
        }
    }
    damaged
}

/// Between the first magic and the index every byte belongs to a page.
async fn check_layout(block: &StoredBlock, found: &mut Found) {
    match block.bytes(0..MAGIC.len() as u64).await {
        Ok(bytes) if bytes == MAGIC => {}
        Ok(_) => found.push("file", "it does not begin with PAR1"),
        Err(error) => found.push("file", root_cause(&error)),
    }
    let index = match block.file.index_range() {
        Ok(range) => range,
        Err(error) => return found.push("footer", error.to_string()),
    };
    let mut covered_to = MAGIC.len() as u64;
    let chunks = block.file.column_chunks();
    let pages = chunks.iter().flat_map(|chunk| &chunk.pages);
    for page in pages.chain([&index]) {
        if page.start != covered_to {
            found.push("file", format!("bytes {covered_to} to {} belong to no page", page.start));
        }
        covered_to = page.end;
    }
}

/// Decodes a section, which checks it.
fn read_section(index: &IndexReader, section: Section) -> Result<(), IndexError> {
    match section {
        Section::Facts => index.facts().map(drop),
        Section::TraceFilter => index.trace_filter().map(drop),
        Section::Traces => index.traces().map(drop),
        Section::TokenFilters => index.token_filters().map(drop),
        Section::Attributes => index.attributes().map(drop),
        Section::Operations => index.operations().map(drop),
        Section::Services => index.services().map(drop),
    }
}

/// Whether all pages of a chunk are as they were written.
async fn check_chunk(block: &StoredBlock, chunk: &ColumnChunk, found: &mut Found) -> bool {
    let (Some(first), Some(last)) = (chunk.pages.first(), chunk.pages.last()) else { return true };
    let place = |page: Option<usize>, offset: u64, message: &str| Fault {
        part: "page",
        row_group: Some(chunk.row_group),
        column: Some(chunk.path.clone()),
        page,
        offset: Some(offset),
        message: message.to_owned(),
        ..Fault::default()
    };
    let bytes = match block.bytes(first.start..last.end).await {
        Ok(bytes) => bytes,
        Err(error) => {
            found.place(place(None, first.start, &root_cause(&error)));
            return false;
        }
    };
    let verified = verify(block, first.start, &chunk.pages, &bytes).await;
    let mut is_whole = true;
    for (number, page) in chunk.pages.iter().enumerate() {
        if !verified.get(number).copied().unwrap_or(false) {
            is_whole = false;
            let what = if number == 0 && chunk.has_dictionary { "dictionary" } else { "data" };
            let message = format!("the checksum of the {what} page differs");
            found.place(place(Some(number), page.start, &message));
        }
    }
    is_whole
}

/// For each page whether it is as it was written; `bytes` begin at `offset` of the file.
async fn verify(
    block: &StoredBlock,
    offset: u64,
    pages: &[Range<u64>],
    bytes: &Bytes,
) -> Vec<bool> {
    let slice = |page: &Range<u64>| {
        let range = (page.start - offset) as usize..(page.end - offset) as usize;
        (range.end <= bytes.len()).then(|| bytes.slice(range))
    };
    // The usual case is one pass over all of them.
    if block.file.verify_pages(offset, bytes).is_ok() {
        return vec![true; pages.len()];
    }
    pages
        .iter()
        .map(|page| {
            slice(page).is_some_and(|bytes| block.file.verify_pages(page.start, &bytes).is_ok())
        })
        .collect()
}
