//! Opening blocks: many at a time where many are wanted, and no more of them than that.
//!
//! A store that is far away takes its time for each request, however many are sent side by side; so what is
//! needed of many blocks is asked for at once. How many bytes are on their way at the same time is bounded
//! over all queries by the [block cache](crate::block_cache::BlockCache).

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use spandrel_block::index::TraceFilter;
use spandrel_catalog::BlockEntry;
use spandrel_ingest::Store;
use spandrel_model::TraceId;

use crate::block_cache::{OpenBlock, tail_bytes};
use crate::engine::{OPENING, View};
use crate::{QueryEngine, QueryError};

/// Requests that one query has under way for blocks of which it does not keep much.
const REQUESTS_MAX: usize = 256;

/// About what a store delivers while somebody waits for one answer. Less than that is not worth a round of its
/// own to know whether it is needed.
const ROUND_BYTES: u64 = 2 << 20;

impl QueryEngine {
    /// A block with its metadata and index.
    pub(crate) async fn open(
        &self,
        view: &View,
        entry: &Arc<BlockEntry>,
    ) -> Result<Arc<OpenBlock>, QueryError> {
        self.blocks.open(Store::block_path(&view.tenant, entry), entry).await
    }

    /// Some blocks, opened side by side. All of them are done when this returns: a future that began to open
    /// a block and is then not polled keeps everybody else waiting who wants that block or a core.
    pub(crate) async fn open_some(
        &self,
        view: &View,
        entries: &[&Arc<BlockEntry>],
    ) -> Result<Vec<Arc<OpenBlock>>, QueryError> {
        let opens = entries.iter().map(|entry| self.open(view, entry));
        stream::iter(opens).buffered(OPENING).boxed().try_collect().await
    }

    /// Shows each of these blocks, opened, as they come; the number is the place among `entries`. Holds no
    /// more than [`REQUESTS_MAX`] of them, and those whose tails fit on the way.
    pub(crate) async fn visit_blocks(
        &self,
        view: &View,
        entries: &[&Arc<BlockEntry>],
        mut visit: impl FnMut(usize, Arc<OpenBlock>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let opens = entries.iter().enumerate().map(|(number, entry)| async move {
            Ok::<_, QueryError>((number, self.open(view, entry).await?))
        });
        // The visit does not wait for anything, so whoever opens is polled again at once.
        let mut opened = stream::iter(opens).buffer_unordered(REQUESTS_MAX).boxed();
        while let Some((number, block)) = opened.try_next().await? {
            visit(number, block)?;
        }
        Ok(())
    }

    /// Blocks that may hold spans of some traces, in the view's order.
    pub(crate) async fn blocks_of_traces(
        &self,
        view: &View,
        ids: &[TraceId],
    ) -> Result<Vec<Arc<OpenBlock>>, QueryError> {
        let entries = view.entries.iter();
        let known: Vec<_> = entries.map(|entry| self.blocks.known_trace_filter(entry.id)).collect();
        let unknown = view.entries.iter().zip(&known).filter(|(_, known)| known.is_none());
        let unknown: Vec<_> = unknown.map(|(entry, _)| entry).collect();
        let mut learned = self.trace_filters(view, &unknown).await?.into_iter();
        let mut admitted = Vec::new();
        for (entry, known) in view.entries.iter().zip(known) {
            let Some(filter) = known.or_else(|| learned.next()) else { continue };
            if ids.iter().any(|id| filter.may_contain(*id)) {
                admitted.push(entry);
            }
        }
        self.open_some(view, &admitted).await
    }

    /// The trace filters of these blocks, in their order. They are read without the rest of the tails where
    /// those are much more.
    async fn trace_filters(
        &self,
        view: &View,
        entries: &[&Arc<BlockEntry>],
    ) -> Result<Vec<Arc<TraceFilter>>, QueryError> {
        let all_bytes: u64 = entries.iter().map(|entry| tail_bytes(entry)).sum();
        let filters = entries.iter().map(|entry| async move {
            let path = Store::block_path(&view.tenant, entry);
            self.blocks.read_trace_filter(path, entry, all_bytes <= ROUND_BYTES).await
        });
        stream::iter(filters).buffered(REQUESTS_MAX).boxed().try_collect().await
    }
}
