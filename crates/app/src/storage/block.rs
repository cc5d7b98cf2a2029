//! One block, read from where it lies.

use std::ops::Range;
use std::sync::Arc;

use anyhow::Context;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use spandrel_base::cpu;
use spandrel_block::BlockError;
use spandrel_block::index::TraceTable;
use spandrel_block::read::{BlockFile, Opened, SPAN_COLUMNS_LEFT_OUT, Step, assemble_spans};
use spandrel_catalog::BlockEntry;
use spandrel_ingest::Store;
use spandrel_model::{Span, TenantId};

use super::Storage;

/// The end of a file that the first request fetches; footers and indexes of most blocks fit.
const TAIL_BYTES: u64 = 1 << 20;
/// Rows decoded at a time, unless one trace has more: about the rows of a page.
const RUN_ROWS_MAX: u32 = 16_384;

/// A block with its metadata.
pub(crate) struct StoredBlock {
    pub(crate) tenant: TenantId,
    pub(crate) entry: Arc<BlockEntry>,
    pub(crate) path: Path,
    pub(crate) file: BlockFile,
    objects: Arc<dyn ObjectStore>,
}

/// Whole traces that are decoded together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowRun {
    pub(crate) row_group: usize,
    /// Rows of the block.
    pub(crate) rows: Range<u32>,
}

impl StoredBlock {
    /// Reads footer and index of a block.
    pub(crate) async fn open(
        storage: &Storage,
        tenant: &TenantId,
        entry: &Arc<BlockEntry>,
    ) -> anyhow::Result<Self> {
        let path = Store::block_path(tenant, entry);
        let objects = Arc::clone(&storage.objects);
        let file = open_file(objects.as_ref(), &path, entry.size_bytes).await;
        let file = file.with_context(|| format!("cannot read block {path}"))?;
        Ok(Self { tenant: tenant.clone(), entry: Arc::clone(entry), path, file, objects })
    }

    /// Bytes of the file.
    pub(crate) async fn bytes(&self, range: Range<u64>) -> anyhow::Result<bytes::Bytes> {
        let read = self.objects.get_range(&self.path, range).await;
        read.with_context(|| format!("cannot read block {}", self.path))
    }

    /// How to read all of the block, whole traces at a time.
    pub(crate) fn runs(&self, traces: &TraceTable) -> Result<Vec<RowRun>, BlockError> {
        if traces.n_rows() != self.file.n_rows() {
            return Err(BlockError::NotABlock("its trace table has another number of rows"));
        }
        let mut runs: Vec<RowRun> = Vec::new();
        for trace in traces.iter().filter(|trace| trace.facts.n_rows > 0) {
            let rows = trace.first_row..trace.first_row.saturating_add(trace.facts.n_rows);
            let row_group = self.file.row_group_of(rows.start);
            if rows.end > self.file.row_group_rows(row_group).end {
                return Err(BlockError::NotABlock("a trace lies in two row groups"));
            }
            match runs.last_mut() {
                Some(run)
                    if run.row_group == row_group && rows.end - run.rows.start <= RUN_ROWS_MAX =>
                {
                    run.rows.end = rows.end;
                }
                _ => runs.push(RowRun { row_group, rows }),
            }
        }
        Ok(runs)
    }

    /// The spans of whole traces, in row order.
    pub(crate) async fn spans(&self, run: &RowRun) -> anyhow::Result<Vec<Span>> {
        self.spans_of(run.row_group, std::slice::from_ref(&run.rows)).await
    }

    /// The spans in some ranges of rows of the block, ascending and each of whole traces of one row group.
    pub(crate) async fn spans_of(
        &self,
        row_group: usize,
        rows: &[Range<u32>],
    ) -> anyhow::Result<Vec<Span>> {
        let damaged = || format!("cannot read rows of block {}", self.path);
        let first = self.file.row_group_rows(row_group).start;
        let rows: Vec<_> = rows.iter().map(|rows| rows.start - first..rows.end - first).collect();
        let names = self.file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name));
        let decoder = self.file.decoder(row_group, names, Some(&rows));
        let mut decoder = decoder.with_context(damaged)?;
        loop {
            let step;
            (decoder, step) = cpu::run(move || {
                let step = decoder.step().and_then(|step| match step {
                    Step::Needs(ranges) => Ok(Err(ranges)),
                    Step::Done(None) => Ok(Ok(Vec::new())),
                    Step::Done(Some(batch)) => assemble_spans(&batch).map(Ok),
                });
                (decoder, step)
            })
            .await?;
            match step.with_context(damaged)? {
                Ok(spans) => return Ok(spans),
                Err(ranges) => {
                    let bytes = self.objects.get_ranges(&self.path, &ranges).await;
                    decoder.push(ranges, bytes.with_context(damaged)?).with_context(damaged)?;
                }
            }
        }
    }
}

async fn open_file(
    objects: &dyn ObjectStore,
    path: &Path,
    file_bytes: u64,
) -> anyhow::Result<BlockFile> {
    let mut tail_bytes = TAIL_BYTES.min(file_bytes);
    loop {
        let tail = objects.get_range(path, file_bytes - tail_bytes..file_bytes).await?;
        match cpu::run(move || BlockFile::open(&tail, file_bytes)).await?? {
            Opened::File(file) => return Ok(*file),
            Opened::NeedsTail(needed) if needed <= file_bytes && needed > tail_bytes => {
                tail_bytes = needed;
            }
            Opened::NeedsTail(_) => {
                return Err(BlockError::NotABlock("it is shorter than it says").into());
            }
        }
    }
}
