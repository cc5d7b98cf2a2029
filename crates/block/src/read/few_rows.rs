//! Few rows of many columns: a trace out of a block.
//!
//! The reader of the parquet crate is made for whole columns: for each it makes two contexts of Zstandard, reads the
//! dictionary into an array and passes by the rows in front one level at a time. Of a trace's few rows in a hundred
//! columns that is nearly all the work. Here one context inflates all pages, rows in front are passed by in runs,
//! a dictionary is looked at only when a row has a value, and of its values only those of the rows are taken.
//!
//! Only the shapes that blocks have are here, as in [`crate::encode`]; anything else is an error.

mod arrays;
mod header;
mod hybrid;
mod leaf;
mod levels;
mod pages;
mod values;

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, FieldRef, Schema};
use bytes::Bytes;

use super::BlockFile;
use crate::error::BlockError;
use crate::pages::PageChecksums;
use leaf::Leaf;
use pages::Pages;

/// What is wrong with a column.
type Damage = &'static str;

/// A column on its way out, or a list with the columns of its elements.
struct Root {
    field: FieldRef,
    leaves: Vec<Leaf>,
}

/// Some rows of a row group on their way out of a block.
pub struct FewRows {
    roots: Vec<Root>,
    n_rows: usize,
    ranges: Vec<Range<u64>>,
    checksums: Arc<PageChecksums>,
}

impl BlockFile {
    /// Starts reading columns of some rows of a row group: ascending ranges, counted from its first row. Columns
    /// that the file does not have are left out of the result.
    ///
    /// # Errors
    /// [`BlockError`] when the metadata does not fit the file, or a column is written in a way that blocks are not.
    ///
    /// # Panics
    /// When there is no such row group.
    pub fn few_rows<'n>(
        &self,
        row_group: usize,
        columns: impl IntoIterator<Item = &'n str>,
        rows: &[Range<u32>],
    ) -> Result<FewRows, BlockError> {
        let mut wanted = vec![false; self.fields.len()];
        let numbers = columns.into_iter().filter_map(|name| self.fields.get(name));
        numbers.for_each(|&number| wanted[number] = true);
        let fields = self.metadata.schema().fields();
        let mut roots: Vec<Option<Root>> = fields
            .iter()
            .zip(&wanted)
            .map(|(field, wanted)| {
                wanted.then(|| Root { field: Arc::clone(field), leaves: Vec::new() })
            })
            .collect();
        let metadata = self.metadata.metadata();
        let group = metadata.row_group(row_group);
        let offsets = metadata.offset_index().and_then(|index| index.get(row_group));
        let n_rows = self.row_group_rows(row_group).len() as u32;
        for (number, chunk) in group.columns().iter().enumerate() {
            let root = self.metadata.parquet_schema().get_column_root_idx(number);
            let Some(Some(root)) = roots.get_mut(root) else { continue };
            let damaged = |reason| BlockError::column(root.field.name(), reason);
            let offsets = offsets.and_then(|offsets| offsets.get(number));
            let offsets = offsets.ok_or_else(|| damaged("has no page index"))?;
            let leaf = Leaf::new(chunk, &offsets.page_locations, n_rows, rows).map_err(damaged)?;
            root.leaves.push(leaf);
        }
        let roots: Vec<Root> = roots.into_iter().flatten().collect();
        let n_rows = rows.iter().map(Range::len).sum();
        let ranges = ranges_of(&roots);
        Ok(FewRows { roots, n_rows, ranges, checksums: Arc::clone(&self.pages) })
    }
}

impl FewRows {
    /// The byte ranges of the file that are needed, ascending and apart.
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    /// The columns, given the bytes of [`Self::ranges`] in their order. A column that is null in all of these rows
    /// is left out, as one that the file does not have.
    ///
    /// # Errors
    /// [`BlockError`] when the bytes are damaged, or lengths differ.
    pub fn decode(&self, bytes: Vec<Bytes>) -> Result<RecordBatch, BlockError> {
        for (range, bytes) in self.ranges.iter().zip(&bytes) {
            if range.end - range.start != bytes.len() as u64 {
                return Err(BlockError::Page { offset: range.start });
            }
            self.checksums.verify(range.start, bytes)?;
        }
        let mut pages = Pages::new(&self.ranges, bytes)?;
        let mut fields = Vec::with_capacity(self.roots.len());
        let mut columns = Vec::with_capacity(self.roots.len());
        for root in &self.roots {
            let column = self.column(root, &mut pages);
            let column = column.map_err(|why| BlockError::column(root.field.name(), why))?;
            if let Some(column) = column {
                fields.push(Arc::clone(&root.field));
                columns.push(column);
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.n_rows));
        let schema = Arc::new(Schema::new(fields));
        RecordBatch::try_new_with_options(schema, columns, &options)
            .map_err(|_| BlockError::NotABlock("its columns differ in type or length"))
    }

    fn column(&self, root: &Root, pages: &mut Pages<'_>) -> Result<Option<ArrayRef>, Damage> {
        match (root.field.data_type(), root.leaves.as_slice()) {
            (DataType::List(element), leaves) => {
                let DataType::Struct(fields) = element.data_type() else {
                    return Err("is a list of something else than structs");
                };
                if fields.len() != leaves.len() {
                    return Err("is a list of structs within structs");
                }
                let mut parts = Vec::with_capacity(leaves.len());
                for leaf in leaves {
                    let part = leaf.read(pages)?;
                    // Without elements there is nothing in the other leaves.
                    if part.presence.present.is_empty() {
                        return Ok(None);
                    }
                    parts.push(part);
                }
                arrays::list(element, fields, parts).map(Some)
            }
            (data_type, [leaf]) => {
                let part = leaf.read(pages)?;
                let is_null = !part.presence.present.contains(&true);
                if is_null { Ok(None) } else { arrays::flat(data_type, part).map(Some) }
            }
            _ => Err("has several parts"),
        }
    }
}

/// Where the pages lie, those that follow each other as one.
fn ranges_of(roots: &[Root]) -> Vec<Range<u64>> {
    let pages = roots.iter().flat_map(|root| &root.leaves).flat_map(Leaf::pages);
    let mut pages: Vec<Range<u64>> = pages.collect();
    pages.sort_unstable_by_key(|page| page.start);
    let mut ranges: Vec<Range<u64>> = Vec::with_capacity(pages.len());
    for page in pages {
        match ranges.last_mut() {
            Some(last) if last.end == page.start => last.end = page.end,
            _ => ranges.push(page),
        }
    }
    ranges
}
