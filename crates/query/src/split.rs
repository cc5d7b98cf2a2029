//! Traces that lie in several units, for conditions on the whole trace.
//!
//! A unit that holds a part of a trace cannot know its duration or its root. The trace tables of all units together
//! can: so of the split traces only those are read of which these facts leave a chance.

use std::convert::Infallible;

use hashbrown::HashMap;
use spandrel_model::TraceId;
use spandrel_traceql::{Attribute, Intrinsic, Static};

use crate::engine::{OPENING, View};
use crate::filter::{Leaf, Node, Possible};
use crate::{QueryEngine, QueryError};

/// What the units together know of a trace.
#[derive(Debug, Clone, Copy)]
struct Facts {
    n_units: u32,
    start: i64,
    end: i64,
}

/// The split traces for which the filter may hold, with their starts.
pub(crate) async fn possible_split_traces(
    engine: &QueryEngine,
    view: &View,
    node: &Node,
) -> Result<Vec<(TraceId, i64)>, QueryError> {
    let mut traces: HashMap<TraceId, Facts> = HashMap::new();
    let mut note = |trace_id, start: i64, end: i64| {
        let known = traces.entry(trace_id).or_insert(Facts { n_units: 0, start, end });
        known.n_units += 1;
        known.start = known.start.min(start);
        known.end = known.end.max(end);
    };
    for run in &view.live {
        let known = &run.arrangement().traces;
        known.iter().for_each(|trace| {
            note(trace.trace_id, trace.start_unix_nanos, trace.end_unix_nanos);
        });
    }
    for entries in view.near_range().chunks(OPENING) {
        for block in engine.open_some(view, entries).await? {
            let table = block.traces()?;
            let times = table.starts().iter().zip(table.ends());
            table.ids().iter().zip(times).for_each(|(id, (start, end))| note(*id, *start, *end));
        }
    }
    let possible = |facts: &Facts| {
        let mut of_leaf = |leaf: &Leaf| Ok::<_, Infallible>(of_trace(leaf, facts));
        match node.possible(&mut of_leaf) {
            Ok(possible) => possible.holds,
            Err(never) => match never {},
        }
    };
    let split = traces.into_iter().filter(|(_, facts)| facts.n_units > 1 && possible(facts));
    Ok(split.map(|(trace_id, facts)| (trace_id, facts.start)).collect())
}

/// The duration is the one fact that parts add up to without reading a span.
fn of_trace(leaf: &Leaf, facts: &Facts) -> Possible {
    match &leaf.attribute {
        Attribute::Intrinsic(Intrinsic::TraceDuration) => {
            Possible::of(leaf, &Static::Duration(facts.end.saturating_sub(facts.start)))
        }
        _ => Possible::UNKNOWN,
    }
}
