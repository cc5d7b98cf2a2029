//! Differences of groups, out of the rows of their traces.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use spandrel_catalog::BlockEntry;
use spandrel_model::TraceId;
use spandrel_service_model::{Call, EdgeChange, EdgeKey, Names, SpanFacts};

use super::groups::Group;
use super::{Difference, minute_of};
use crate::engine::View;
use crate::services::apart::{PartOfTrace, each_part};
use crate::services::steps::Steps;
use crate::services::tally::{Question, Tally};
use crate::{QueryEngine, QueryError, TimeRange, memory};

/// A trace with its parts, one after the other.
#[derive(Default)]
struct Parts {
    spans: Vec<SpanFacts>,
    /// How many spans each part has, and whether the roll-up of its block counts it.
    parts: Vec<(usize, bool)>,
}

/// A difference that is being summed.
#[derive(Default)]
struct Sums {
    cells: HashMap<(i64, EdgeKey), EdgeChange>,
    minutes: HashSet<(i64, TraceId)>,
    with_copies: Vec<TraceId>,
}

impl Sums {
    fn add(&mut self, id: TraceId, call: &Call, times: i64) {
        let minute = minute_of(call.at_unix_nanos);
        self.minutes.insert((minute, id));
        self.cells.entry((minute, EdgeKey::of(call))).or_default().record(call, times);
    }
}

/// The differences of these groups, in their order; `blocks` are those that the numbers in the groups stand for.
pub(super) async fn differences(
    engine: &QueryEngine,
    view: &View,
    blocks: &[&Arc<BlockEntry>],
    groups: &[Group],
) -> Result<Vec<Difference>, QueryError> {
    let ids = || groups.iter().flat_map(|group| &group.traces);
    let mut held = memory::reserve(ids().count() * 2 * size_of::<(TraceId, Parts)>())?;
    let wanted: HashSet<TraceId> = ids().copied().collect();
    let mut numbers: Vec<usize> = groups.iter().flat_map(|group| &group.blocks).copied().collect();
    numbers.sort_unstable();
    numbers.dedup();
    let blocks: Vec<_> = numbers.iter().filter_map(|number| blocks.get(*number).copied()).collect();
    let mut traces: HashMap<TraceId, Parts> = HashMap::with_capacity(wanted.len());
    let question = Question::Calls { services: Vec::new() };
    let range = TimeRange::ALL;
    let mut tally = Tally::new(question, Names::default(), Steps::one(range), range);
    let add = |_: &mut Tally, part: PartOfTrace<'_>| {
        let trace = traces.entry(part.trace_id).or_default();
        trace.parts.push((part.spans.len(), !part.is_doubtful));
        trace.spans.extend_from_slice(part.spans);
    };
    each_part((engine, view), &blocks, &wanted, (&mut tally, &mut held), add).await?;
    let mut all = Vec::new();
    for group in groups {
        let mut sums = Sums::default();
        for id in &group.traces {
            if let Some(trace) = traces.remove(id) {
                add_trace(*id, &trace, &mut tally, &mut sums);
            }
        }
        all.push(difference(group.fingerprint, sums, &tally.names));
        // Computing needs no I/O: this is where a deadline or a client that left stops the query.
        tokio::task::yield_now().await;
    }
    Ok(all)
}

fn add_trace(id: TraceId, trace: &Parts, tally: &mut Tally, sums: &mut Sums) {
    if tally.may_have_copies(&trace.spans) {
        sums.with_copies.push(id);
        return;
    }
    tally.calls_of(&trace.spans).iter().for_each(|call| sums.add(id, call, 1));
    let mut rest = trace.spans.as_slice();
    for (n_spans, is_counted) in &trace.parts {
        let Some((own, others)) = rest.split_at_checked(*n_spans) else { break };
        rest = others;
        if *is_counted {
            tally.calls_of(own).iter().for_each(|call| sums.add(id, call, -1));
        }
    }
}

/// The sums with the names that they use, and without what cancels out.
fn difference(fingerprint: u64, sums: Sums, names: &Names) -> Difference {
    let Sums { cells, minutes, with_copies } = sums;
    let mut minutes: Vec<(i64, TraceId)> = minutes.into_iter().collect();
    minutes.sort_unstable();
    let (mut codes, mut used) = (HashMap::new(), Vec::new());
    let mut code = |old: u32| {
        *codes.entry(old).or_insert_with(|| {
            used.push(Arc::clone(names.text(old)));
            (used.len() - 1) as u32
        })
    };
    let cells = cells.into_iter().filter(|(_, change)| !change.is_none());
    let cells = cells.map(|((minute, key), change)| {
        let [client, server, system] = [key.client, key.server, key.system].map(&mut code);
        (minute, EdgeKey { client, server, system, ..key }, change)
    });
    let mut cells: Vec<_> = cells.collect();
    cells.sort_unstable_by_key(|(minute, key, _)| (*minute, *key));
    Difference { fingerprint, names: used, cells, minutes, with_copies }
}
