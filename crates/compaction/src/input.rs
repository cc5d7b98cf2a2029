//! A block that is merged: opened by its end, read some rows at a time.

use std::ops::Range;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use spandrel_base::cpu;
use spandrel_block::BlockError;
use spandrel_block::index::TraceTable;
use spandrel_block::read::{BlockFile, Opened, SPAN_COLUMNS_LEFT_OUT, Step, read_run};
use spandrel_catalog::{BlockEntry, BlockId};
use spandrel_columns::SpanColumns;

use crate::CompactionError;

/// What the first read of a block fetches; index and footer of most blocks are smaller.
const TAIL_BYTES: u64 = 1 << 20;

/// Rows that are decoded at a time, unless a trace has more.
const READ_ROWS_MAX: u32 = 64 * 1024;

/// Rows of a row group, as ascending ranges counted from its first.
pub(crate) struct Read {
    row_group: usize,
    rows: Vec<Range<u32>>,
}

impl Read {
    /// How many rows.
    pub(crate) fn n_rows(&self) -> u32 {
        self.rows.iter().map(|rows| rows.end - rows.start).sum()
    }
}

/// An open block.
pub(crate) struct Input {
    id: BlockId,
    path: Path,
    objects: Arc<dyn ObjectStore>,
    pub(crate) file: BlockFile,
}

/// Where the file of a block lies below its tenant's root.
pub(crate) fn file_path(root: &Path, entry: &BlockEntry) -> Path {
    entry.path.split('/').fold(root.clone(), |path, part| path.join(part))
}

impl Input {
    pub(crate) async fn open(
        objects: &Arc<dyn ObjectStore>,
        root: &Path,
        entry: &BlockEntry,
    ) -> Result<Self, CompactionError> {
        let (id, path) = (entry.id, file_path(root, entry));
        let size_bytes = entry.size_bytes;
        let damaged = |source| CompactionError::Input { block: id, source };
        let mut tail_bytes = TAIL_BYTES.min(size_bytes);
        loop {
            let range = size_bytes - tail_bytes..size_bytes;
            let tail = objects.get_range(&path, range).await;
            let tail = tail.map_err(|source| not_read(&path, source))?;
            let opened = cpu::run(move || BlockFile::open(&tail, size_bytes)).await?;
            match opened.map_err(damaged)? {
                Opened::NeedsTail(needed) if needed <= size_bytes && needed > tail_bytes => {
                    tail_bytes = needed;
                }
                Opened::NeedsTail(_) => {
                    return Err(damaged(BlockError::NotABlock("it is shorter than it says")));
                }
                Opened::File(file) => {
                    return Ok(Self { id, path, objects: Arc::clone(objects), file: *file });
                }
            }
        }
    }

    pub(crate) fn damaged(&self, source: BlockError) -> CompactionError {
        CompactionError::Input { block: self.id, source }
    }

    /// The traces in row order; they cover the rows.
    pub(crate) fn traces(&self) -> Result<TraceTable, CompactionError> {
        let table = self.file.index().traces().map_err(|error| self.damaged(error.into()))?;
        if table.n_rows() != self.file.n_rows() {
            let reason = "its trace table does not cover its rows";
            return Err(self.damaged(BlockError::NotABlock(reason)));
        }
        Ok(table)
    }

    /// Where traces lie, given by their first row and the one behind their last, ascending, in pieces to be
    /// decoded at a time.
    pub(crate) fn reads(
        &self,
        traces: impl Iterator<Item = [u32; 2]>,
    ) -> Result<Vec<Read>, CompactionError> {
        let mut reads: Vec<Read> = Vec::new();
        let mut n_rows = 0;
        for [first, end] in traces.filter(|[first, end]| first < end) {
            let row_group = self.file.row_group_of(first);
            let rows = self.file.row_group_rows(row_group);
            if end > rows.end {
                let reason = "a trace lies in two row groups";
                return Err(self.damaged(BlockError::NotABlock(reason)));
            }
            let rows = first - rows.start..end - rows.start;
            n_rows += end - first;
            match reads.last_mut() {
                Some(last) if last.row_group == row_group && n_rows <= READ_ROWS_MAX => {
                    match last.rows.last_mut() {
                        Some(range) if range.end == rows.start => range.end = rows.end,
                        _ => last.rows.push(rows),
                    }
                }
                _ => {
                    n_rows = end - first;
                    reads.push(Read { row_group, rows: vec![rows] });
                }
            }
        }
        Ok(reads)
    }

    /// Adds rows, those of whole traces, to a run.
    pub(crate) async fn read(
        &self,
        read: Read,
        mut into: SpanColumns,
    ) -> Result<SpanColumns, CompactionError> {
        let n_rows = read.n_rows() as usize;
        let expected = into.len() as usize + n_rows;
        let columns = self.file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name));
        let decoder = self.file.decoder(read.row_group, columns, Some(&read.rows));
        let mut decoder = decoder.map_err(|source| self.damaged(source))?;
        // The first step only says what is needed; those behind it decode.
        let mut step = decoder.step();
        while let Step::Needs(ranges) = step.map_err(|source| self.damaged(source))? {
            let fetched = self.objects.get_ranges(&self.path, &ranges).await;
            let bytes = fetched.map_err(|source| not_read(&self.path, source))?;
            decoder.push(ranges, bytes).map_err(|source| self.damaged(source))?;
            (decoder, step, into) = cpu::run(move || {
                let step = decoder.step().and_then(|step| {
                    if let Step::Done(Some(batch)) = &step {
                        into.append(&read_run(batch)?);
                    }
                    Ok(step)
                });
                (decoder, step, into)
            })
            .await?;
        }
        if into.len() as usize == expected {
            Ok(into)
        } else {
            Err(self.damaged(BlockError::NotABlock("it lacks rows")))
        }
    }
}

fn not_read(path: &Path, source: object_store::Error) -> CompactionError {
    CompactionError::Objects { operation: "read", path: path.to_string(), source }
}
