//! Traces of which some spans have only the lower half of the id.
//!
//! Instrumentation of Zipkin that knows 64 bits drops the upper half of an id that it is given, so a request that
//! passes through it has two ids. Zipkin's links are those of both together.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use spandrel_base::memory::Reservation;
use spandrel_model::TraceId;

use crate::block_cache::OpenBlock;
use crate::engine::View;
use crate::{QueryEngine, QueryError, memory};

/// The upper half of an id of 64 bits.
const NOTHING: [u8; 8] = [0; 8];

/// Ids of the same requests: of 64 bits, and of more.
#[derive(Default)]
pub(super) struct Halves {
    longer: HashMap<TraceId, TraceId>,
    shorter: HashMap<TraceId, TraceId>,
    _held: Option<Reservation>,
}

impl Halves {
    /// Those near the time range of a view. Where several longer ids have the same lower half, the first one counts.
    pub(super) async fn find(engine: &QueryEngine, view: &View) -> Result<Self, QueryError> {
        let mut held = memory::reserve(0)?;
        let mut short: HashSet<TraceId> = HashSet::new();
        each_id(engine, view, |id| {
            if is_short(id) && short.insert(*id) {
                held.try_grow(2 * size_of::<TraceId>())?;
            }
            Ok(())
        })
        .await?;
        let mut longer: HashMap<TraceId, TraceId> = HashMap::new();
        if !short.is_empty() {
            each_id(engine, view, |id| {
                let lower = lower_half(id);
                if !is_short(id) && short.contains(&lower) {
                    held.try_grow(4 * size_of::<(TraceId, TraceId)>())?;
                    let known = longer.entry(lower).or_insert(*id);
                    *known = *id.min(known);
                }
                Ok(())
            })
            .await?;
        }
        let shorter = longer.iter().map(|(short, long)| (*long, *short)).collect();
        Ok(Self { longer, shorter, _held: Some(held) })
    }

    /// All of these ids, those of a request side by side.
    pub(super) fn pairs(&self) -> Vec<TraceId> {
        self.longer.iter().flat_map(|(short, long)| [*long, *short]).collect()
    }

    /// Whether there is another id of the same request.
    pub(super) fn has(&self, id: &TraceId) -> bool {
        self.longer.contains_key(id) || self.shorter.contains_key(id)
    }

    /// The id that stands for the request.
    pub(super) fn longer(&self, id: TraceId) -> TraceId {
        self.longer.get(&id).copied().unwrap_or(id)
    }

    /// The other id of the request for which this one stands.
    pub(super) fn shorter(&self, id: &TraceId) -> Option<TraceId> {
        self.shorter.get(id).copied()
    }
}

fn is_short(id: &TraceId) -> bool {
    id.0.starts_with(&NOTHING)
}

fn lower_half(id: &TraceId) -> TraceId {
    let mut lower = *id;
    lower.0[..NOTHING.len()].copy_from_slice(&NOTHING);
    lower
}

async fn each_id(
    engine: &QueryEngine,
    view: &View,
    mut each: impl FnMut(&TraceId) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    for run in &view.live {
        run.arrangement().traces.iter().try_for_each(|trace| each(&trace.trace_id))?;
    }
    let of_block = |_, block: Arc<OpenBlock>| block.traces()?.ids().iter().try_for_each(&mut each);
    engine.visit_blocks(view, &view.near_range(), of_block).await
}
