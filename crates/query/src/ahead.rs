//! How far a search looks ahead: blocks are opened newest first, and their indexes say what is worth reading.
//!
//! While the indexes prove that what is open cannot fill the answer, more blocks are opened, many at a time,
//! before any column is read: a value that few spans have costs two rounds of requests for the tails of all
//! blocks, however many there are. A filter that the newest block may satisfy opens that one alone.

use std::collections::VecDeque;
use std::sync::Arc;

use spandrel_catalog::BlockEntry;

use crate::block_cache::{OpenBlock, tail_bytes};
use crate::engine::View;
use crate::scan::Scan;
use crate::{QueryEngine, QueryError};

/// Blocks that are opened together at most, and that are kept open until they are read.
const BLOCKS_MAX: usize = 256;
/// How much further a search looks when what it has read was not enough.
const GROWTH: usize = 4;
/// The index says how many spans may pass at most; it is looked so many times further than that asks for.
const OPTIMISM: f64 = 8.0;

/// A block with row groups that the index could not rule out.
pub(crate) struct Promising<'a> {
    pub(crate) entry: &'a Arc<BlockEntry>,
    pub(crate) block: Arc<OpenBlock>,
    /// Ascending, at least one.
    pub(crate) row_groups: Vec<usize>,
    /// About as many spans may pass the filter.
    spans_max: u64,
}

/// The blocks of a search that were not read yet, newest first.
pub(crate) struct Ahead<'a> {
    engine: &'a QueryEngine,
    view: &'a View,
    scan: &'a Scan,
    promising: VecDeque<Promising<'a>>,
    /// Not opened yet.
    rest: &'a [&'a Arc<BlockEntry>],
    /// Blocks to open the next time.
    next: usize,
    /// Spans in the blocks that were opened, and about how many of them may pass.
    opened: (u64, u64),
}

impl<'a> Ahead<'a> {
    /// Looks at `entries`, of which those with the newest trace come first.
    pub(crate) fn new(
        engine: &'a QueryEngine,
        view: &'a View,
        scan: &'a Scan,
        entries: &'a [&'a Arc<BlockEntry>],
    ) -> Self {
        let promising = VecDeque::new();
        Self { engine, view, scan, promising, rest: entries, next: 1, opened: (0, 0) }
    }

    /// Opens blocks until those that wait to be read may hold `room` traces, or none of the rest `may_enter`
    /// the answer.
    pub(crate) async fn look(
        &mut self,
        room: usize,
        may_enter: impl Fn(&BlockEntry) -> bool,
    ) -> Result<(), QueryError> {
        let room = room as u64;
        let mut wanted = self.next;
        loop {
            let expected = self.promising.iter().map(|block| block.spans_max);
            let expected = expected.fold(0, u64::saturating_add);
            let enough = !self.promising.is_empty() && expected >= room;
            if enough || self.promising.len() >= BLOCKS_MAX {
                return Ok(());
            }
            let entering = self.rest.iter().take_while(|entry| may_enter(entry)).count();
            let n_blocks = self.affordable(wanted.min(entering));
            if n_blocks == 0 {
                return Ok(());
            }
            let (some, rest) = self.rest.split_at(n_blocks);
            self.open(some).await?;
            self.rest = rest;
            self.next = (self.next * GROWTH).min(BLOCKS_MAX);
            // When the answer is full, a newer trace may still push one out.
            wanted = self.blocks_for(room.max(1));
        }
    }

    /// How many of the next blocks it takes for about `room` spans that pass, if they are like those before
    /// them.
    fn blocks_for(&self, room: u64) -> usize {
        let (n_spans, may_pass) = self.opened;
        let passing_share = may_pass as f64 / n_spans.max(1) as f64;
        let mut expected = 0.0;
        let few = self.rest.iter().take_while(|entry| {
            let more = expected < OPTIMISM * room as f64;
            expected += entry.n_spans as f64 * passing_share;
            more
        });
        few.count()
    }

    /// At most so many blocks, that the open ones do not drive each other out of memory.
    fn affordable(&self, n_blocks: usize) -> usize {
        let bytes_max = self.engine.blocks.capacity() / 2;
        let mut bytes = 0;
        let some = self.rest.iter().take(n_blocks.min(BLOCKS_MAX)).take_while(|entry| {
            bytes += tail_bytes(entry);
            bytes <= bytes_max
        });
        some.count().max(n_blocks.min(1))
    }

    async fn open(&mut self, entries: &'a [&'a Arc<BlockEntry>]) -> Result<(), QueryError> {
        let Self { engine, view, scan, opened, .. } = self;
        let mut found = Vec::new();
        let visit = |number: usize, block: Arc<OpenBlock>| {
            let row_groups = scan.row_groups(&block)?;
            let entry: &'a Arc<BlockEntry> = entries[number];
            opened.0 += entry.n_spans;
            if row_groups.is_empty() {
                return Ok(());
            }
            let spans_max = scan.plan.spans_max(&block)?;
            opened.1 += spans_max;
            found.push((number, Promising { entry, block, row_groups, spans_max }));
            Ok(())
        };
        engine.visit_blocks(view, entries, visit).await?;
        // They came as they were ready.
        found.sort_by_key(|(number, _)| *number);
        self.promising.extend(found.into_iter().map(|(_, block)| block));
        Ok(())
    }

    /// The next blocks to read: so many, and more while all of them together cannot hold `room` traces. None
    /// when nothing that is left `may_enter` the answer.
    pub(crate) fn take(
        &mut self,
        n_blocks: usize,
        room: usize,
        may_enter: impl Fn(&BlockEntry) -> bool,
    ) -> Vec<Promising<'a>> {
        let (mut some, mut expected) = (Vec::new(), 0_u64);
        while some.len() < n_blocks || expected < room as u64 {
            let next = self.promising.pop_front_if(|next| may_enter(next.entry));
            let Some(next) = next else { break };
            expected = expected.saturating_add(next.spans_max);
            some.push(next);
        }
        some
    }

    /// Blocks that were neither read nor ruled out.
    pub(crate) fn n_left(&self) -> usize {
        self.promising.len() + self.rest.len()
    }

    /// The one of them with the newest trace.
    pub(crate) fn next(&self) -> Option<&Arc<BlockEntry>> {
        self.promising.front().map(|block| block.entry).or(self.rest.first().copied())
    }
}
