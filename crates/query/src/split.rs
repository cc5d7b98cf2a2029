//! Traces that lie in several units, for conditions on the whole trace.
//!
//! A unit that holds a part of a trace cannot know its duration or its root. The trace tables of all units together
//! can: so of the split traces only those are read of which these facts leave a chance.

use std::cmp::Reverse;
use std::convert::Infallible;
use std::sync::Arc;

use hashbrown::HashMap;
use spandrel_model::TraceId;
use spandrel_traceql::{Attribute, Intrinsic, Static};

use crate::block_cache::OpenBlock;
use crate::engine::View;
use crate::filter::{Leaf, Node, Possible};
use crate::scan::Candidate;
use crate::{QueryEngine, QueryError};

/// What the units together know of a trace.
#[derive(Debug, Clone, Copy)]
struct Facts {
    n_units: u32,
    n_rows: u32,
    start: i64,
    end: i64,
}

/// The split traces for which the filter may hold.
pub(crate) async fn possible_split_traces(
    engine: &QueryEngine,
    view: &View,
    node: &Node,
) -> Result<Vec<Candidate>, QueryError> {
    let mut traces: HashMap<TraceId, Facts> = HashMap::new();
    let mut note = |trace_id, n_rows: u32, start: i64, end: i64| {
        let known = traces.entry(trace_id).or_insert(Facts { n_units: 0, n_rows: 0, start, end });
        known.n_units += 1;
        known.n_rows = known.n_rows.saturating_add(n_rows);
        known.start = known.start.min(start);
        known.end = known.end.max(end);
    };
    for run in &view.live {
        let known = &run.arrangement().traces;
        known.iter().for_each(|trace| {
            note(trace.trace_id, trace.n_rows, trace.start_unix_nanos, trace.end_unix_nanos);
        });
    }
    let noted = |_, block: Arc<OpenBlock>| {
        let table = block.traces()?;
        let n_rows = table.first_rows().windows(2).map(|rows| rows[1] - rows[0]);
        let times = table.starts().iter().zip(table.ends());
        for ((id, n_rows), (start, end)) in table.ids().iter().zip(n_rows).zip(times) {
            note(*id, n_rows, *start, *end);
        }
        Ok(())
    };
    engine.visit_blocks(view, &view.near_range(), noted).await?;
    let possible = |facts: &Facts| {
        let mut of_leaf = |leaf: &Leaf| Ok::<_, Infallible>(of_trace(leaf, facts));
        match node.possible(&mut of_leaf) {
            Ok(possible) => possible.holds,
            Err(never) => match never {},
        }
    };
    let split = traces.into_iter().filter(|(_, facts)| facts.n_units > 1 && possible(facts));
    let candidate = |(trace_id, facts): (_, Facts)| Candidate {
        start: Reverse(facts.start),
        trace_id,
        n_rows: facts.n_rows,
    };
    Ok(split.map(candidate).collect())
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
