//! Blocks that queries have opened: metadata and index stay in memory, rows do not.

use std::cmp::Reverse;
use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use futures::future::try_join_all;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use spandrel_base::cpu;
use spandrel_block::BlockError;
use spandrel_block::index::{
    AttributeDirectory, IndexReader, OperationDirectory, TokenFilters, TraceFilter, TraceTable,
};
use spandrel_block::read::{BlockFile, Opened, Step};
use spandrel_catalog::{BlockEntry, BlockId};
use spandrel_service_model::Rollup;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::memory::Held;
use crate::{QueryError, memory};

/// What the first read of a block fetches whose entry does not say where its tail begins. Index and footer of
/// a block of 200,000 spans take about half of it; when it is too little, a second read fetches the rest.
const TAIL_BYTES: u64 = 1 << 20;

/// Bytes of tails that are on their way at the same time, over all queries.
const UNDER_WAY_BYTES_MAX: u64 = 64 << 20;
/// In pieces of this size; each begun one counts as a whole.
const COUNTED_BYTES: u64 = 4 << 10;

/// Columns that are decoded one after the other; more are decoded side by side.
const COLUMNS_IN_TURN: usize = 16;

/// Bytes at the end of a block that have to be read to open it, as far as its entry tells.
pub(crate) fn tail_bytes(entry: &BlockEntry) -> u64 {
    entry.tail.map_or(TAIL_BYTES, |tail| tail.bytes).min(entry.size_bytes)
}

/// A block that can be read.
pub(crate) struct OpenBlock {
    pub(crate) path: Path,
    pub(crate) file: BlockFile,
    objects: Arc<dyn ObjectStore>,
    traces: OnceLock<TraceTable>,
    tokens: OnceLock<TokenFilters>,
    attributes: OnceLock<AttributeDirectory>,
    operations: OnceLock<OperationDirectory>,
    services: OnceLock<Option<Rollup>>,
}

/// Reads the value of a section once, and keeps it.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident: $kind:ty = $read:ident) => {
        $(#[$doc])*
        pub(crate) fn $name(&self) -> Result<&$kind, QueryError> {
            if let Some(section) = self.$name.get() {
                return Ok(section);
            }
            let section = self.file.index().$read().map_err(|error| self.damaged(error.into()))?;
            Ok(self.$name.get_or_init(|| section))
        }
    };
}

impl OpenBlock {
    section!(
        /// The traces in row order.
        traces: TraceTable = traces
    );
    section!(
        /// Rules row groups out for a value.
        tokens: TokenFilters = token_filters
    );
    section!(
        /// Keys, types and top values.
        attributes: AttributeDirectory = attributes
    );
    section!(
        /// Services and span names with their figures.
        operations: OperationDirectory = operations
    );

    /// Figures by operation and edge over time; `None` when the block is from before they were written.
    pub(crate) fn services(&self) -> Result<Option<&Rollup>, QueryError> {
        if let Some(section) = self.services.get() {
            return Ok(section.as_ref());
        }
        let section = self.file.index().services().map_err(|error| self.damaged(error.into()))?;
        Ok(self.services.get_or_init(|| section).as_ref())
    }

    /// Rules the block out for a trace id. [`BlockCache`] keeps it.
    pub(crate) fn trace_filter(&self) -> Result<TraceFilter, QueryError> {
        self.file.index().trace_filter().map_err(|error| self.damaged(error.into()))
    }

    pub(crate) fn damaged(&self, source: BlockError) -> QueryError {
        QueryError::Block { path: self.path.to_string(), source }
    }

    /// About what columns of some rows take when they are decoded.
    fn estimate(&self, row_group: usize, names: &[&str], rows: Option<&[Range<u32>]>) -> usize {
        let n_all = self.file.row_group_rows(row_group).len().max(1);
        let n_rows = rows.map_or(n_all, |rows| rows.iter().map(Range::len).sum());
        let column = |name: &&str| {
            let raw_bytes = usize::try_from(self.file.raw_bytes(row_group, name));
            let raw_bytes = raw_bytes.unwrap_or(usize::MAX) / n_all;
            // Dictionary codes are packed in the file and four bytes each in memory.
            raw_bytes.max(4).saturating_mul(n_rows)
        };
        names.iter().map(column).fold(0, usize::saturating_add)
    }

    /// [`Self::columns`] of few rows: what takes time is each column's page, so the columns are dealt out to the
    /// cores. Columns that are null in all of the rows are left out as well.
    pub(crate) async fn columns_of_few_rows(
        &self,
        row_group: usize,
        names: impl IntoIterator<Item = &str>,
        rows: &[Range<u32>],
    ) -> Result<Option<Columns>, QueryError> {
        let mut names: Vec<&str> =
            names.into_iter().filter(|name| self.file.has_column(name)).collect();
        if names.is_empty() {
            return Ok(None);
        }
        // Dealt out by size, so that no core gets all the large pages.
        names.sort_by_cached_key(|name| Reverse(self.file.raw_bytes(row_group, name)));
        let hands = names.len().div_ceil(COLUMNS_IN_TURN).min(cpu::cores()).max(1);
        let hand = |first| names.iter().copied().skip(first).step_by(hands).collect();
        let parts = (0..hands).map(|first| self.hand_of_few_rows(row_group, hand(first), rows));
        let parts = try_join_all(parts).await?;
        let joined = parts.into_iter().map(Ok).reduce(|all, part| all?.and(part?));
        joined.transpose().map_err(|source| self.damaged(source))
    }

    async fn hand_of_few_rows(
        &self,
        row_group: usize,
        names: Vec<&str>,
        rows: &[Range<u32>],
    ) -> Result<Columns, QueryError> {
        let mut held = memory::reserve(self.estimate(row_group, &names, Some(rows)))?;
        let damaged = |source| self.damaged(source);
        let few = self.file.few_rows(row_group, names, rows).map_err(damaged)?;
        let bytes = self.objects.get_ranges(&self.path, few.ranges()).await;
        let bytes = bytes.map_err(|source| not_read(&self.path, source))?;
        let batch = cpu::run(move || few.decode(bytes)).await?.map_err(damaged)?;
        let n_bytes = batch.get_array_memory_size();
        held.try_grow(n_bytes.saturating_sub(held.bytes()))?;
        held.shrink_to(n_bytes);
        Ok(Columns { batch, held: vec![Held::new(held)] })
    }

    /// Columns of a row group, of all its rows or of some (ascending ranges, counted from the row group's
    /// first); those that the block does not have are left out. Their memory is reserved before they are
    /// fetched, and held as long as the columns.
    pub(crate) async fn columns(
        &self,
        row_group: usize,
        names: impl IntoIterator<Item = &str>,
        rows: Option<&[Range<u32>]>,
    ) -> Result<Option<Columns>, QueryError> {
        let present: Vec<&str> =
            names.into_iter().filter(|name| self.file.has_column(name)).collect();
        if present.is_empty() {
            return Ok(None);
        }
        let mut held = memory::reserve(self.estimate(row_group, &present, rows))?;
        let damaged = |source| self.damaged(source);
        let mut decoder = self.file.decoder(row_group, present, rows).map_err(damaged)?;
        // The first step only says what is needed; those behind it decode.
        let mut step = decoder.step();
        loop {
            match step.map_err(damaged)? {
                Step::Done(None) => return Ok(None),
                Step::Done(Some(batch)) => {
                    let n_bytes = batch.get_array_memory_size();
                    held.try_grow(n_bytes.saturating_sub(held.bytes()))?;
                    held.shrink_to(n_bytes);
                    return Ok(Some(Columns { batch, held: vec![Held::new(held)] }));
                }
                Step::Needs(ranges) => {
                    let fetched = self.objects.get_ranges(&self.path, &ranges).await;
                    let bytes = fetched.map_err(|source| not_read(&self.path, source))?;
                    decoder.push(ranges, bytes).map_err(damaged)?;
                    (decoder, step) = cpu::run(move || {
                        let step = decoder.step();
                        (decoder, step)
                    })
                    .await?;
                }
            }
        }
    }
}

/// Columns of some rows, and their memory.
pub(crate) struct Columns {
    batch: RecordBatch,
    /// For whoever keeps a column longer than the batch.
    pub(crate) held: Vec<Held>,
}

impl Columns {
    /// These columns and others of the same rows.
    fn and(mut self, other: Self) -> Result<Self, BlockError> {
        let fields = [self.batch.schema_ref(), other.batch.schema_ref()];
        let fields: Vec<_> =
            fields.iter().flat_map(|schema| schema.fields().iter().cloned()).collect();
        let arrays = [self.batch.columns(), other.batch.columns()].concat();
        self.held.extend(other.held);
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
        let batch = batch.map_err(|_| BlockError::NotABlock("its columns differ in length"))?;
        Ok(Self { batch, held: self.held })
    }
}

impl Deref for Columns {
    type Target = RecordBatch;

    fn deref(&self) -> &RecordBatch {
        &self.batch
    }
}

fn not_read(path: &Path, source: object_store::Error) -> QueryError {
    QueryError::Objects { path: path.to_string(), source }
}

#[derive(Clone)]
struct ByIndexSize;

impl Weighter<BlockId, Arc<OpenBlock>> for ByIndexSize {
    fn weight(&self, _: &BlockId, block: &Arc<OpenBlock>) -> u64 {
        block.file.memory_bytes() as u64
    }
}

#[derive(Clone)]
struct ByFilterSize;

impl Weighter<BlockId, Arc<TraceFilter>> for ByFilterSize {
    fn weight(&self, _: &BlockId, filter: &Arc<TraceFilter>) -> u64 {
        (size_of::<TraceFilter>() + filter.size_bytes()) as u64
    }
}

/// Open blocks by id, the least useful ones forgotten when they take too much memory.
///
/// The trace filters have room of their own: every trace by id asks those of all blocks, and they are a
/// hundredth of what an open block takes.
pub(crate) struct BlockCache {
    objects: Arc<dyn ObjectStore>,
    blocks: Cache<BlockId, Arc<OpenBlock>, ByIndexSize>,
    trace_filters: Cache<BlockId, Arc<TraceFilter>, ByFilterSize>,
    /// A permit for every [`COUNTED_BYTES`] that are read of tails.
    under_way: Semaphore,
}

impl BlockCache {
    pub(crate) fn new(objects: Arc<dyn ObjectStore>, bytes_max: u64) -> Self {
        let for_filters = bytes_max / 4;
        Self {
            objects,
            blocks: Cache::with_weighter(1024, bytes_max - for_filters, ByIndexSize),
            trace_filters: Cache::with_weighter(16 * 1024, for_filters, ByFilterSize),
            under_way: Semaphore::new(permits(UNDER_WAY_BYTES_MAX) as usize),
        }
    }

    /// Room for blocks, in bytes.
    pub(crate) fn capacity(&self) -> u64 {
        self.blocks.capacity()
    }

    /// The trace filter of a block, if it is in memory.
    pub(crate) fn known_trace_filter(&self, id: BlockId) -> Option<Arc<TraceFilter>> {
        self.trace_filters.get(&id)
    }

    /// The block, from memory or from the store.
    pub(crate) async fn open(
        &self,
        path: Path,
        entry: &BlockEntry,
    ) -> Result<Arc<OpenBlock>, QueryError> {
        self.blocks.get_or_insert_async(&entry.id, self.read(path, entry)).await
    }

    /// The trace filter of a block, from memory or from the store: without the rest of the tail unless `whole`
    /// or the block is open. Several may read one at the same time: nobody waits for a filter that
    /// somebody else is not reading on.
    pub(crate) async fn read_trace_filter(
        &self,
        path: Path,
        entry: &BlockEntry,
        whole: bool,
    ) -> Result<Arc<TraceFilter>, QueryError> {
        if !whole
            && self.blocks.peek(&entry.id).is_none()
            && let Some(filter) = self.read_head(&path, entry).await?
        {
            return Ok(self.remember(entry.id, filter));
        }
        let block = self.open(path, entry).await?;
        match self.known_trace_filter(entry.id) {
            Some(filter) => Ok(filter),
            None => Ok(self.remember(entry.id, block.trace_filter()?)),
        }
    }

    fn remember(&self, id: BlockId, filter: TraceFilter) -> Arc<TraceFilter> {
        let filter = Arc::new(filter);
        self.trace_filters.insert(id, Arc::clone(&filter));
        filter
    }

    /// The filter at the begin of a block's tail; `None` when it is not where the entry says, if it says it.
    async fn read_head(
        &self,
        path: &Path,
        entry: &BlockEntry,
    ) -> Result<Option<TraceFilter>, QueryError> {
        let Some(tail) = entry.tail.filter(|tail| tail.bytes <= entry.size_bytes) else {
            return Ok(None);
        };
        let start = entry.size_bytes - tail.bytes;
        let head = start..start + tail.trace_filter_bytes.min(tail.bytes);
        let _permit = self.permit(head.end - head.start).await;
        let head = self.objects.get_range(path, head).await;
        let head = head.map_err(|source| not_read(path, source))?;
        Ok(IndexReader::open_head(head).and_then(|head| head.trace_filter()).ok())
    }

    async fn read(&self, path: Path, entry: &BlockEntry) -> Result<Arc<OpenBlock>, QueryError> {
        let mut tail_bytes = tail_bytes(entry);
        let _permit = self.permit(tail_bytes).await;
        loop {
            let range = entry.size_bytes - tail_bytes..entry.size_bytes;
            let tail = self.objects.get_range(&path, range).await;
            let tail = tail.map_err(|source| not_read(&path, source))?;
            let size_bytes = entry.size_bytes;
            let opened = cpu::run(move || BlockFile::open(&tail, size_bytes)).await?;
            let damaged = |source| QueryError::Block { path: path.to_string(), source };
            match opened.map_err(damaged)? {
                Opened::NeedsTail(needed) if needed <= size_bytes && needed > tail_bytes => {
                    tail_bytes = needed;
                }
                Opened::NeedsTail(_) => {
                    return Err(damaged(BlockError::NotABlock("it is shorter than it says")));
                }
                Opened::File(file) => {
                    let block = self.opened(path, *file);
                    // It stays when the block has been forgotten.
                    self.remember(entry.id, block.trace_filter()?);
                    return Ok(Arc::new(block));
                }
            }
        }
    }

    fn opened(&self, path: Path, file: BlockFile) -> OpenBlock {
        OpenBlock {
            path,
            file,
            objects: Arc::clone(&self.objects),
            traces: OnceLock::new(),
            tokens: OnceLock::new(),
            attributes: OnceLock::new(),
            operations: OnceLock::new(),
            services: OnceLock::new(),
        }
    }

    /// Waits until so many bytes may be under way; more than all of them count as all.
    async fn permit(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let n_permits = permits(bytes.min(UNDER_WAY_BYTES_MAX));
        // It is never closed; without a permit nothing is bounded, but nothing fails either.
        self.under_way.acquire_many(n_permits).await.ok()
    }
}

fn permits(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(COUNTED_BYTES)).unwrap_or(u32::MAX)
}
