//! The units of a question, counted.

use hashbrown::HashSet;
use spandrel_model::TraceId;
use spandrel_service_model::facts_of_trace;

use super::tally::Tally;
use crate::engine::View;
use crate::gather::{Gather, SpanColumnsWanted};
use crate::{QueryEngine, QueryError, memory};

/// Traces that are gathered at a time.
const TRACES_AT_A_TIME: usize = 512;

/// Counts everything of a view.
pub(super) async fn count(
    engine: &QueryEngine,
    view: &View,
    tally: &mut Tally,
) -> Result<(), QueryError> {
    let mut held = memory::reserve(0)?;
    let mut ids: HashSet<TraceId> = HashSet::new();
    for run in &view.live {
        ids.extend(run.arrangement().traces.iter().map(|trace| trace.trace_id));
    }
    let add = |_, block: std::sync::Arc<crate::block_cache::OpenBlock>| {
        ids.extend(block.traces()?.ids().iter().copied());
        held.try_grow((ids.len() * 2 * size_of::<TraceId>()).saturating_sub(held.bytes()))?;
        Ok(())
    };
    engine.visit_blocks(view, &view.near_range(), add).await?;
    let ids: Vec<TraceId> = ids.into_iter().collect();
    for ids in ids.chunks(TRACES_AT_A_TIME) {
        add_gathered(engine, view, ids, tally).await?;
        held.try_grow(tally.size_bytes().saturating_sub(held.bytes()))?;
    }
    Ok(())
}

/// Gathers traces whole, every span once, and counts them.
pub(super) async fn add_gathered(
    engine: &QueryEngine,
    view: &View,
    ids: &[TraceId],
    tally: &mut Tally,
) -> Result<(), QueryError> {
    let gather = Gather { engine, view, wanted: SpanColumnsWanted::All };
    for trace in gather.traces(ids).await? {
        let facts = facts_of_trace(&trace, &mut tally.names, &mut tally.peers);
        tally.add_whole(&facts);
        tokio::task::yield_now().await;
    }
    Ok(())
}
