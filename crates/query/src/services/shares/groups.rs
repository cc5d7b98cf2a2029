//! Traces by the first block that has a part of them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
use spandrel_catalog::{BlockEntry, BlockId};
use spandrel_model::TraceId;

use crate::block_cache::OpenBlock;
use crate::engine::View;
use crate::{QueryEngine, QueryError};

/// Traces with the same first block.
pub(super) struct Group {
    pub(super) first: BlockId,
    pub(super) traces: Vec<TraceId>,
    /// Numbers of the blocks that have parts of them, ascending.
    pub(super) blocks: Vec<usize>,
    /// Tells other traces, and the same ones with parts in other blocks.
    pub(super) fingerprint: u64,
}

/// What is known of a trace while its parts are looked for.
struct Found {
    first: usize,
    n_parts: usize,
    hasher: DefaultHasher,
}

/// Groups traces by the first of the blocks, which are in order, and the traces that fewer than two of them have a
/// part of.
pub(super) async fn of_traces(
    engine: &QueryEngine,
    view: &View,
    blocks: &[&Arc<BlockEntry>],
    traces: HashSet<TraceId>,
) -> Result<(Vec<Group>, Vec<TraceId>), QueryError> {
    let mut parts: Vec<Vec<TraceId>> = vec![Vec::new(); blocks.len()];
    let find = |number: usize, block: Arc<OpenBlock>| {
        let ids = block.traces()?.ids().iter();
        parts[number] = ids.filter(|id| traces.contains(*id)).copied().collect();
        Ok(())
    };
    engine.visit_blocks(view, blocks, find).await?;
    let mut all: HashMap<TraceId, Found> = HashMap::with_capacity(traces.len());
    for (number, (entry, ids)) in blocks.iter().zip(&parts).enumerate() {
        for id in ids {
            let found = match all.entry(*id) {
                Entry::Occupied(found) => found.into_mut(),
                Entry::Vacant(vacant) => {
                    let mut hasher = DefaultHasher::new();
                    id.hash(&mut hasher);
                    vacant.insert(Found { first: number, n_parts: 0, hasher })
                }
            };
            found.n_parts += 1;
            entry.id.hash(&mut found.hasher);
        }
    }
    let mut groups: HashMap<usize, Group> = HashMap::new();
    for (number, ids) in parts.iter().enumerate() {
        for id in ids {
            let Some(found) = all.get(id).filter(|found| found.n_parts > 1) else { continue };
            let group = groups.entry(found.first).or_insert_with(|| Group {
                first: blocks[found.first].id,
                traces: Vec::new(),
                blocks: Vec::new(),
                fingerprint: 0,
            });
            if group.blocks.last() != Some(&number) {
                group.blocks.push(number);
            }
            if number == found.first {
                group.traces.push(*id);
                group.fingerprint = group.fingerprint.wrapping_add(found.hasher.finish());
            }
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_unstable_by_key(|group| group.blocks.first().copied());
    let is_alone = |id: &TraceId| all.get(id).is_none_or(|found| found.n_parts < 2);
    Ok((groups, traces.into_iter().filter(is_alone).collect()))
}
