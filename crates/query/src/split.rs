//! Traces that lie in several units.
//!
//! A unit that holds a part of a trace cannot know its duration, its root, or what its spans have to do with
//! those elsewhere. The trace tables of all units together can say which traces these are, how long they take, and
//! with the indexes of the blocks which conditions may hold in one of their parts: so of the split traces
//! only those are read of which that leaves a chance.
//!
//! The tables are gone through twice: first for which ids come more than once, in eight bytes for each trace, then for
//! what is known of those, which are few.

use std::cmp::Reverse;
use std::convert::Infallible;
use std::sync::Arc;

use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
use spandrel_base::cpu;
use spandrel_base::memory::Reservation;
use spandrel_block::index::TraceTable;
use spandrel_model::TraceId;
use spandrel_traceql::{Attribute, Intrinsic, Static};

use crate::block_cache::OpenBlock;
use crate::engine::View;
use crate::filter::{Evidence, Leaf, Node, Possible, Verdict};
use crate::plan::Plan;
use crate::roots::{NO_ROOT, RootTexts, is_of_root, joined, live_root};
use crate::scan::Candidate;
use crate::{QueryEngine, QueryError, Search, memory};

/// Traces between two reservations of memory.
const RESERVED_TRACES: usize = 4096;

/// What the units together know of a trace.
#[derive(Debug, Clone, Copy)]
struct Facts {
    n_units: u32,
    n_rows: u32,
    start: i64,
    end: i64,
    /// Which filters may hold for a span of a part: one bit each, the last one for all that follow.
    may_hold: u64,
    /// The number of its root, if filters ask for it; `None` when several units have one.
    root: Option<u32>,
}

/// All traces that lie in several of the units near the time range.
pub(crate) struct SplitTraces {
    traces: HashMap<TraceId, Facts>,
    roots: RootTexts,
    _held: Reservation,
}

/// Short forms of the ids of all traces of the units, in the making.
struct Ids {
    all: Vec<u64>,
    held: Reservation,
}

impl Ids {
    fn note(&mut self, trace_id: TraceId) -> Result<(), QueryError> {
        if self.all.len() == self.all.capacity() {
            let more = self.all.len().max(RESERVED_TRACES);
            // Both while one is copied into the other.
            self.held.try_grow(2 * more * size_of::<u64>())?;
            self.all.reserve_exact(more);
        }
        self.all.push(short(trace_id));
        Ok(())
    }

    /// Those that come more than once.
    fn repeated(mut self) -> Repeated {
        self.all.sort_unstable();
        let pairs = self.all.windows(2).filter(|pair| pair[0] == pair[1]);
        let ids: HashSet<u64> = pairs.map(|pair| pair[0]).collect();
        // What a table of them takes is less than what all of them took.
        self.held.shrink_to(ids.capacity() * 2 * size_of::<u64>());
        Repeated { ids, _held: self.held }
    }
}

/// Short forms of ids that come more than once. Different traces may have the same, so one that is in here may be in a
/// single unit all the same.
struct Repeated {
    ids: HashSet<u64>,
    _held: Reservation,
}

impl Repeated {
    fn contains(&self, trace_id: TraceId) -> bool {
        self.ids.contains(&short(trace_id))
    }
}

/// Half of an id, of which a part may be zeros or the time.
fn short(trace_id: TraceId) -> u64 {
    let number = u128::from_be_bytes(trace_id.0);
    (number >> 64) as u64 ^ (number as u64).rotate_left(32)
}

/// The traces of the units that may be split, in the making.
struct Traces {
    by_id: HashMap<TraceId, Facts>,
    repeated: Repeated,
    /// Of all traces, if filters ask for one.
    roots: RootTexts,
    needs_roots: bool,
    held: Reservation,
}

impl Traces {
    fn note(&mut self, trace_id: TraceId, facts: Facts) -> Result<(), QueryError> {
        match self.by_id.entry(trace_id) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.n_units += 1;
                known.n_rows = known.n_rows.saturating_add(facts.n_rows);
                known.start = known.start.min(facts.start);
                known.end = known.end.max(facts.end);
                known.may_hold |= facts.may_hold;
                known.root = facts.root.and_then(|root| joined(known.root, root));
            }
            Entry::Vacant(entry) => {
                entry.insert(facts);
                if self.by_id.len() % RESERVED_TRACES == 1 {
                    // Tables are at least half full most of the time.
                    self.held.try_grow(2 * RESERVED_TRACES * size_of::<(TraceId, Facts)>())?;
                }
            }
        }
        Ok(())
    }
}

impl SplitTraces {
    /// Collects them.
    pub(crate) async fn of(
        engine: &QueryEngine,
        view: &View,
        plan: &Plan,
    ) -> Result<Self, QueryError> {
        let near = view.near_range();
        let mut ids = Ids { all: Vec::new(), held: memory::reserve(0)? };
        for trace in view.live.iter().flat_map(|run| &run.arrangement().traces) {
            ids.note(trace.trace_id)?;
        }
        let noted = |_, block: Arc<OpenBlock>| {
            block.traces()?.ids().iter().try_for_each(|id| ids.note(*id))
        };
        engine.visit_blocks(view, &near, noted).await?;
        let mut all = Traces {
            by_id: HashMap::new(),
            repeated: cpu::run(move || ids.repeated()).await?,
            roots: RootTexts::new(),
            needs_roots: plan.filters.iter().any(asks_for_root),
            held: memory::reserve(0)?,
        };
        for run in &view.live {
            for trace in &run.arrangement().traces {
                if !all.repeated.contains(trace.trace_id) {
                    continue;
                }
                let root = match all.needs_roots {
                    true => all.roots.number(live_root(run, trace), &mut all.held)?,
                    false => NO_ROOT,
                };
                let facts = Facts {
                    n_units: 1,
                    n_rows: trace.n_rows,
                    start: trace.start_unix_nanos,
                    end: trace.end_unix_nanos,
                    may_hold: u64::MAX,
                    root: Some(root),
                };
                all.note(trace.trace_id, facts)?;
            }
        }
        let noted = |_, block: Arc<OpenBlock>| note_block(&block, plan, &mut all);
        engine.visit_blocks(view, &near, noted).await?;
        all.by_id.retain(|_, facts| facts.n_units > 1);
        all.by_id.shrink_to_fit();
        all.held.shrink_to(all.by_id.capacity() * size_of::<(TraceId, Facts)>());
        Ok(Self { traces: all.by_id, roots: all.roots, _held: all.held })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.traces.len()
    }

    pub(crate) fn contains(&self, trace_id: TraceId) -> bool {
        self.traces.contains_key(&trace_id)
    }

    /// Those that the plan may find and that may be in the answer.
    pub(crate) fn candidates(&self, plan: &Plan, search: &Search) -> Vec<Candidate> {
        let possible = |facts: &Facts| {
            let of_facts: Vec<bool> = plan
                .filters
                .iter()
                .map(|filter| {
                    let of_leaf = filter
                        .possible(&mut |leaf| Ok::<_, Infallible>(self.of_trace(leaf, facts)));
                    match of_leaf {
                        Ok(possible) => possible.holds,
                        Err(never) => match never {},
                    }
                })
                .collect();
            plan.possible(|number| of_facts[number] && facts.may_hold & bit(number) != 0)
        };
        let candidate = |(trace_id, facts): (&TraceId, &Facts)| {
            let rank = search.order.rank(facts.start, facts.end);
            let wanted = search.range.overlaps(facts.start, facts.end)
                && search.after.is_none_or(|cursor| cursor.is_before(rank, *trace_id))
                && possible(facts);
            let (trace_id, Facts { n_rows, start, end, .. }) = (*trace_id, *facts);
            wanted.then_some(Candidate { rank: Reverse(rank), trace_id, n_rows, start, end })
        };
        self.traces.iter().filter_map(candidate).collect()
    }

    /// The duration is what parts add up to without reading a span, and the root is what one of them has.
    fn of_trace(&self, leaf: &Leaf, facts: &Facts) -> Possible {
        match (&leaf.attribute, facts.root) {
            (Attribute::Intrinsic(Intrinsic::TraceDuration), _) => {
                Possible::of(leaf, &Static::Duration(facts.end.saturating_sub(facts.start)))
            }
            (attribute, Some(root)) if is_of_root(attribute) => {
                Possible::of(leaf, &Static::String(self.roots.text(root, attribute).to_owned()))
            }
            _ => Possible::UNKNOWN,
        }
    }
}

/// Whether a filter has a condition on the root of the trace.
fn asks_for_root(filter: &Node) -> bool {
    let mut asks = false;
    let leaves = filter.possible(&mut |leaf: &Leaf| {
        asks |= is_of_root(&leaf.attribute);
        Ok::<_, Infallible>(Possible::UNKNOWN)
    });
    asks && leaves.is_ok()
}

fn bit(number: usize) -> u64 {
    1 << number.min(63)
}

fn note_block(block: &OpenBlock, plan: &Plan, all: &mut Traces) -> Result<(), QueryError> {
    let mut may_hold = Vec::with_capacity(block.file.n_row_groups());
    for row_group in 0..block.file.n_row_groups() {
        let evidence = Evidence::of_split_traces(block, row_group);
        let mut bits = 0;
        for (number, filter) in plan.filters.iter().enumerate() {
            if evidence.verdict(filter)? == Verdict::Possible {
                bits |= bit(number);
            }
        }
        may_hold.push(bits);
    }
    let table = block.traces()?;
    let first_rows = table.first_rows().windows(2);
    let times = table.starts().iter().zip(table.ends());
    let mut root_of = RootsOfBlock { table, numbers: HashMap::new() };
    let ids = table.ids().iter().zip(0..);
    for (((id, ordinal), rows), (start, end)) in ids.zip(first_rows).zip(times) {
        if !all.repeated.contains(*id) {
            continue;
        }
        let root = match all.needs_roots {
            true => root_of.number(ordinal, all)?,
            false => NO_ROOT,
        };
        let facts = Facts {
            n_units: 1,
            n_rows: rows[1] - rows[0],
            start: *start,
            end: *end,
            may_hold: may_hold[block.file.row_group_of(rows[0])],
            root: Some(root),
        };
        all.note(*id, facts)?;
    }
    Ok(())
}

/// Roots of the traces of a block, of which many have the same.
struct RootsOfBlock<'a> {
    table: &'a TraceTable,
    /// By the codes of name and service.
    numbers: HashMap<(u32, u32), u32>,
}

impl RootsOfBlock<'_> {
    fn number(&mut self, ordinal: u32, all: &mut Traces) -> Result<u32, QueryError> {
        let of = |codes: &[u32]| codes.get(ordinal as usize).copied().unwrap_or_default();
        let codes = (of(self.table.root_names()), of(self.table.root_services()));
        if let Some(number) = self.numbers.get(&codes) {
            return Ok(*number);
        }
        let trace = self.table.get(ordinal);
        let root = trace.and_then(|trace| {
            Some((trace.facts.root_name?, trace.facts.root_service.unwrap_or_default()))
        });
        let number = all.roots.number(root, &mut all.held)?;
        self.numbers.insert(codes, number);
        Ok(number)
    }
}
