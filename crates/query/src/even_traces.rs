//! Some of the traces of a time range, spread evenly over all of them, each whole, one after the other into something
//! that does not grow with them.
//!
//! Which traces are taken is decided by a hash of their ids: those with the smallest hashes. So the traces of an hour
//! are taken from all of the hour, the same ones each time, whatever blocks they lie in; and the largest hash among them
//! tells how many traces there are, within about one part in the square root of how many were taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use spandrel_base::cpu;
use spandrel_model::{TenantId, Trace, TraceId};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::block_cache::OpenBlock;
use crate::engine::View;
use crate::gather::{Gather, SpanColumnsWanted, memory_of};
use crate::{QueryEngine, QueryError, TimeRange, memory};

/// Chance that depends on trace ids alone decides elsewhere, too: this must not be the same chance.
const SEED: u64 = 0x7370_616e_6472_656c;
/// Spans that are gathered at a time. A trace with more spans is gathered alone.
const GATHERED_SPANS_MAX: usize = 8 * 1024;
/// Traces that are gathered at a time.
const GATHERED_TRACES_MAX: usize = 512;
/// A trace with more spans is left out.
const TRACE_SPANS_MAX: usize = 100_000;
/// What is held of a trace before it is gathered.
const PLACE_BYTES: usize = 128;

/// Which traces are wanted.
#[derive(Debug, Clone, Copy)]
pub struct TraceSample {
    /// Traces that overlap this range, with one of their spans at least.
    pub range: TimeRange,
    /// So many of them at most.
    pub traces_max: usize,
}

/// How the traces that were taken stand to all of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleShare {
    /// How many are taken, those that are left out for their size included.
    pub n_taken: usize,
    /// How many there are; estimated when not all of them are taken.
    pub n_all: u64,
}

impl SampleShare {
    /// Whether not all of them are taken.
    pub fn is_cut(&self) -> bool {
        self.n_all > self.n_taken as u64
    }

    /// The share of all traces that is taken, above 0 and at most 1.
    pub fn fraction(&self) -> f64 {
        if self.is_cut() { self.n_taken as f64 / self.n_all as f64 } else { 1.0 }
    }
}

/// What became of the traces.
#[derive(Debug, Clone)]
pub struct SampledTraces<T> {
    /// What they were folded into.
    pub value: T,
    /// How they stand to all traces of the range.
    pub share: SampleShare,
    /// Traces that were left out because they are too large to be looked at whole.
    pub too_large: u64,
}

impl QueryEngine {
    /// Folds some of the traces of a range, each whole with everything that is in its spans, in the order of their
    /// starts. `begin` is asked for what they are folded into, when it is known how many there are.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn fold_evenly<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        sample: TraceSample,
        begin: impl FnOnce(SampleShare) -> T,
        fold: fn(&mut T, &Trace),
    ) -> Result<SampledTraces<T>, QueryError> {
        self.within_deadline(async {
            let view = self.view(tenant, sample.range).await?;
            let _held = memory::reserve(sample.traces_max.saturating_mul(PLACE_BYTES))?;
            let taken = take(self, &view, sample).await?;
            let share = taken.share();
            let value = begin(share);
            let gather = Gather { engine: self, view: &view, wanted: SpanColumnsWanted::All };
            let (value, too_large) = fold_all(&gather, &taken.in_order(), value, fold).await?;
            Ok(SampledTraces { value, share, too_large })
        })
        .await
    }
}

/// A trace as far as it is known before it is read.
#[derive(Debug, Clone, Copy)]
struct Place {
    start_unix_nanos: i64,
    n_spans: usize,
}

/// The traces with the smallest hashes so far.
struct Taken {
    /// By hash and id.
    places: BTreeMap<(u64, TraceId), Place>,
    max: usize,
    range: TimeRange,
    is_cut: bool,
}

impl Taken {
    /// A part of a trace in one unit; the parts of a trace are added up.
    fn add(&mut self, trace_id: TraceId, (start, end): (i64, i64), n_rows: u32) {
        if !self.range.overlaps(start, end) {
            return;
        }
        let key = (xxh3_64_with_seed(&trace_id.0, SEED), trace_id);
        if let Some(place) = self.places.get_mut(&key) {
            place.start_unix_nanos = place.start_unix_nanos.min(start);
            place.n_spans += n_rows as usize;
            return;
        }
        if self.places.len() >= self.max {
            self.is_cut = true;
            // What was put out once has a hash that is too large ever after.
            if self.places.last_key_value().is_none_or(|(last, _)| *last < key) {
                return;
            }
            self.places.pop_last();
        }
        let place = Place { start_unix_nanos: start, n_spans: n_rows as usize };
        self.places.insert(key, place);
    }

    fn share(&self) -> SampleShare {
        let n_taken = self.places.len();
        let n_all = match self.places.last_key_value() {
            Some(((largest, _), _)) if self.is_cut => {
                // Of n hashes spread evenly over all numbers, the k-th is about k / n of the way.
                let way = (*largest as f64 / u64::MAX as f64).max(f64::MIN_POSITIVE);
                let estimate = n_taken.saturating_sub(1) as f64 / way;
                (estimate as u64).max(n_taken as u64 + 1)
            }
            _ => n_taken as u64,
        };
        SampleShare { n_taken, n_all }
    }

    /// The ids with their spans, by start.
    fn in_order(self) -> Vec<(TraceId, usize)> {
        let mut places: Vec<_> = self.places.into_iter().collect();
        places.sort_unstable_by_key(|((_, id), place)| (place.start_unix_nanos, *id));
        places.into_iter().map(|((_, id), place)| (id, place.n_spans)).collect()
    }
}

async fn take(
    engine: &QueryEngine,
    view: &View,
    TraceSample { range, traces_max }: TraceSample,
) -> Result<Taken, QueryError> {
    let mut taken = Taken { places: BTreeMap::new(), max: traces_max, range, is_cut: false };
    for run in view.live_in_range() {
        for trace in &run.arrangement().traces {
            taken.add(trace.trace_id, (trace.start_unix_nanos, trace.end_unix_nanos), trace.n_rows);
        }
    }
    let of_block = |_, block: Arc<OpenBlock>| {
        for row in block.traces()?.iter() {
            let facts = row.facts;
            taken.add(facts.trace_id, (facts.start_unix_nanos, facts.end_unix_nanos), facts.n_rows);
        }
        Ok(())
    };
    engine.visit_blocks(view, &view.in_range(), of_block).await?;
    Ok(taken)
}

/// Returns how many were left out because they are too large as well.
async fn fold_all<T: Send + 'static>(
    gather: &Gather<'_>,
    traces: &[(TraceId, usize)],
    mut value: T,
    fold: fn(&mut T, &Trace),
) -> Result<(T, u64), QueryError> {
    let (mut left, mut too_large) = (traces, 0);
    while !left.is_empty() {
        let (some, rest) = left.split_at(n_together(left));
        left = rest;
        if let [(_, n_spans)] = some
            && *n_spans > TRACE_SPANS_MAX
        {
            too_large += 1;
            continue;
        }
        let ids: Vec<TraceId> = some.iter().map(|(id, _)| *id).collect();
        let traces = gather.traces(&ids).await?;
        // Each is written down once more on the way into the value.
        let spans = traces.iter().flat_map(|trace| &trace.spans);
        let held = memory::reserve(2 * spans.map(memory_of).sum::<usize>())?;
        value = cpu::run(move || {
            let _held = held;
            traces.iter().for_each(|trace| fold(&mut value, trace));
            value
        })
        .await?;
    }
    Ok((value, too_large))
}

/// How many of the first ones are gathered together; at least one, and a large one alone.
fn n_together(traces: &[(TraceId, usize)]) -> usize {
    let mut sum = 0;
    let fits = |(_, n_spans): &&(TraceId, usize)| {
        sum += *n_spans;
        sum <= GATHERED_SPANS_MAX
    };
    traces.iter().take(GATHERED_TRACES_MAX).take_while(fits).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> TraceId {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        TraceId(id)
    }

    /// The same ones, whatever the order of their parts, and about as many in all as there are.
    #[test]
    fn the_smallest_hashes_are_taken_and_tell_how_many_there_are() {
        let take = |numbers: &mut dyn Iterator<Item = u64>| {
            let range = TimeRange::ALL;
            let mut taken = Taken { places: BTreeMap::new(), max: 1000, range, is_cut: false };
            for number in numbers {
                let start = number as i64;
                taken.add(id(number), (start + 5, start + 9), 2);
                taken.add(id(number), (start, start + 1), 1);
            }
            (taken.share(), taken.in_order())
        };
        let (share, up) = take(&mut (0..20_000));
        let (_, down) = take(&mut (0..20_000).rev());
        assert_eq!(up, down);
        assert_eq!((share.n_taken, share.is_cut()), (1000, true));
        assert!((18_000..22_000).contains(&share.n_all), "{share:?}");
        assert!(up.iter().all(|(_, n_spans)| *n_spans == 3), "parts are added up");
        assert!(up.is_sorted(), "ids are starts here");
        // From everywhere in the range.
        let mut tenths = [0; 10];
        up.iter().for_each(|(id, _)| tenths[usize::from(id.0[14]) * 256 / 2000 % 10] += 1);
        assert!(tenths.iter().all(|n| *n > 50), "{tenths:?}");
    }

    #[test]
    fn what_fits_is_taken_whole_and_counted() {
        let range = TimeRange { start_unix_nanos: 10, end_unix_nanos: 20 };
        let mut taken = Taken { places: BTreeMap::new(), max: 3, range, is_cut: false };
        for (number, start, end) in [(1, 0, 9), (2, 0, 10), (3, 20, 30), (4, 21, 30)] {
            taken.add(id(number), (start, end), 1);
        }
        let share = taken.share();
        assert_eq!((share.n_taken, share.n_all, share.fraction()), (2, 2, 1.0));
        assert_eq!(taken.in_order(), [(id(2), 1), (id(3), 1)]);
    }

    #[test]
    fn large_traces_are_gathered_alone() {
        let traces = |sizes: &[usize]| sizes.iter().map(|n| (id(0), *n)).collect::<Vec<_>>();
        assert_eq!(n_together(&traces(&[GATHERED_SPANS_MAX + 1, 1])), 1);
        assert_eq!(n_together(&traces(&[1, 2, GATHERED_SPANS_MAX])), 2);
    }
}
