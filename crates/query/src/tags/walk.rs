//! The way over live runs and blocks that names and values have in common.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use spandrel_model::Trace;
use spandrel_traceql::{Attribute, FieldExpr, Static};

use super::{TagsInspected, of_traces};
use crate::block_cache::OpenBlock;
use crate::engine::{OPENING, View};
use crate::filter::{Node, needs_whole_trace, row_groups};
use crate::gather::SpanColumnsWanted;
use crate::scan::{Counters, passing_rows};
use crate::unit::Unit;
use crate::{Jobs, QueryEngine, QueryError, TimeRange};

/// What is collected on the way.
pub(super) trait Collect: Send {
    /// Whether a limit was reached, and reading more is of no use.
    fn is_full(&self) -> bool;

    /// Takes everything of a block from its directories. Returns whether they hold all of it.
    fn listed(&mut self, block: &OpenBlock) -> Result<bool, QueryError>;

    /// Takes everything of some rows of a unit; `None` is all of them.
    fn rows(
        &mut self,
        unit: &Unit,
        rows: Option<&crate::filter::RowMask>,
        counters: &Counters,
    ) -> impl Future<Output = Result<(), QueryError>> + Send;

    /// What of the spans of whole traces it needs, beside what the filter needs.
    fn wanted(&self, filter: Vec<Attribute>) -> WantedOfTraces;

    /// Takes everything of some spans of a whole trace.
    fn spans(&mut self, trace: &Trace, indexes: &[usize]);

    /// Reports what is new.
    fn report(&mut self, inspected: TagsInspected) -> impl Future<Output = ()> + Send;
}

/// The columns of whole traces that are needed.
pub(super) enum WantedOfTraces {
    All,
    For(Vec<Attribute>),
}

impl WantedOfTraces {
    pub(super) fn columns(&self) -> SpanColumnsWanted<'_> {
        match self {
            Self::All => SpanColumnsWanted::All,
            Self::For(attributes) => SpanColumnsWanted::For(attributes),
        }
    }
}

/// Where a walk is.
pub(super) struct Walk<'a> {
    pub(super) engine: &'a QueryEngine,
    pub(super) view: &'a View,
    pub(super) counters: Counters,
    inspected: TagsInspected,
}

impl Walk<'_> {
    /// What a scan has read in all until now.
    pub(super) fn note_bytes(&self, scan: &Counters) {
        self.counters.bytes.store(scan.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// One more job is done to its end.
    pub(super) async fn done(&mut self, collect: &mut impl Collect) {
        self.inspected.jobs.done += 1;
        self.inspected.bytes = self.counters.bytes.load(Ordering::Relaxed);
        collect.report(self.inspected).await;
    }

    fn finish(mut self) -> TagsInspected {
        self.inspected.bytes = self.counters.bytes.load(Ordering::Relaxed);
        self.inspected
    }
}

/// Collects from everything in the view's range, until it is full.
pub(super) async fn walk(
    engine: &QueryEngine,
    view: &View,
    filter: Option<&FieldExpr>,
    collect: &mut impl Collect,
) -> Result<TagsInspected, QueryError> {
    let entries = view.in_range();
    let inspected = TagsInspected {
        jobs: Jobs { done: 0, total: 1 + entries.len() as u64 },
        blocks: entries.len() as u64,
        block_bytes: entries.iter().map(|entry| entry.size_bytes).sum(),
        bytes: 0,
    };
    let mut walk = Walk { engine, view, counters: Counters::default(), inspected };
    // A filter that every span passes is none.
    let filter = filter.filter(|expr| !matches!(expr, FieldExpr::Static(Static::Bool(true))));
    match filter {
        Some(filter) if filter.attributes().any(needs_whole_trace) => {
            of_traces::walk(&mut walk, filter, collect).await?;
        }
        _ => by_unit(&mut walk, filter, collect).await?,
    }
    Ok(walk.finish())
}

async fn by_unit(
    walk: &mut Walk<'_>,
    filter: Option<&FieldExpr>,
    collect: &mut impl Collect,
) -> Result<(), QueryError> {
    let node = filter.map(|filter| Node::compile(filter, false));
    let view = walk.view;
    let looked = Looked { node: node.as_ref(), range: view.range(), counters: &walk.counters };
    for run in &view.live {
        looked.unit(&Unit::Live(Arc::clone(run)), collect).await?;
        if collect.is_full() {
            return Ok(());
        }
        // Nothing here waits for anything, so this is where a deadline or a client that left stops it.
        tokio::task::yield_now().await;
    }
    walk.done(collect).await;
    for entries in view.in_range().chunks(OPENING) {
        let opened = walk.engine.open_some(view, entries).await?;
        for (entry, block) in entries.iter().zip(&opened) {
            let range = view.range();
            // Of what lies inside as a whole, nobody has to look at times.
            let range = if range.covers_block(entry) { TimeRange::ALL } else { range };
            let looked = Looked { node: node.as_ref(), range, counters: &walk.counters };
            looked.block(block, collect).await?;
            if collect.is_full() {
                return Ok(());
            }
            walk.done(collect).await;
        }
    }
    Ok(())
}

/// What of a unit is looked at.
struct Looked<'a> {
    /// What a row has to satisfy.
    node: Option<&'a Node>,
    /// When a moment of its span has to be.
    range: TimeRange,
    counters: &'a Counters,
}

impl Looked<'_> {
    /// Collects from the directories of a block, or else from its row groups.
    async fn block(
        &self,
        block: &Arc<OpenBlock>,
        collect: &mut impl Collect,
    ) -> Result<(), QueryError> {
        let is_all = self.node.is_none() && self.range == TimeRange::ALL;
        if is_all && collect.listed(block)? {
            return Ok(());
        }
        let kept = match self.node {
            None => (0..block.file.n_row_groups()).collect(),
            Some(node) => row_groups(node, block)?,
        };
        for row_group in kept {
            if collect.is_full() {
                return Ok(());
            }
            self.unit(&Unit::Block(Arc::clone(block), row_group), collect).await?;
        }
        Ok(())
    }

    async fn unit(&self, unit: &Unit, collect: &mut impl Collect) -> Result<(), QueryError> {
        let mut mask = None;
        if self.range != TimeRange::ALL {
            let inside = unit.rows_in(self.range).await?;
            if inside.count_set_bits() == 0 {
                return Ok(());
            }
            mask = Some(inside);
        }
        if let Some(node) = self.node {
            let passing = passing_rows(node, unit, self.counters).await?;
            let both = mask.map_or_else(|| passing.clone(), |inside| &inside & &passing);
            if both.count_set_bits() == 0 {
                return Ok(());
            }
            mask = Some(both);
        }
        collect.rows(unit, mask.as_ref(), self.counters).await
    }
}
