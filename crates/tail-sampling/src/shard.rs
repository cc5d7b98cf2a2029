//! The undecided traces of one part of all trace ids, and when each is due.
//!
//! A trace waits in the bucket of its tick. To be decided it is taken: its fragments leave, its entry stays so that
//! spans which come in the meantime join it, and [`Shard::finish`] ends both. Nothing here evaluates a policy or does
//! I/O, except that with `span-ingest` a part is judged as it arrives: it is small, and what it joins depends on it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use spandrel_base::memory::Reservation;

use crate::decisions::{Decided, DecisionCache};
use crate::fragment::Fragment;
use crate::key::TraceKey;
use crate::policy::Decision;
use crate::split::Piece;

/// What a trace costs beside its fragments: its entry, and its places in a bucket and among the decisions.
pub(crate) const TRACE_OVERHEAD_BYTES: usize = 256;

/// Traces that wait, and decisions about earlier ones.
pub(crate) struct Shard {
    traces: HashMap<TraceKey, Trace>,
    /// Keys by the tick at which they are due. A key whose trace has moved to another tick, or is gone, is passed over.
    due: BTreeMap<u64, VecDeque<TraceKey>>,
    pub(crate) decisions: DecisionCache,
    /// Bytes of memory that the traces hold.
    held_bytes: usize,
    held: Reservation,
    /// Fragments in memory that are on disk as well, in the order of their arrival.
    loaded: VecDeque<(TraceKey, usize)>,
    /// Traces that wait and are not taken.
    waiting: usize,
}

#[derive(Default)]
struct Trace {
    fragments: Vec<Fragment>,
    spans: u64,
    bytes: u64,
    held_bytes: usize,
    arrived: Duration,
    due: u64,
    /// Its decision is being made.
    taken: bool,
}

/// A trace on its way to a decision, or past it.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) key: TraceKey,
    pub(crate) fragments: Vec<Fragment>,
    pub(crate) spans: u64,
    /// Of its `ResourceSpans` fields.
    pub(crate) bytes: u64,
    pub(crate) arrived: Duration,
}

/// How spans that arrive are treated.
pub(crate) struct Arrival<'a> {
    pub(crate) now: Duration,
    /// The tick at which a new trace is due.
    pub(crate) due: u64,
    /// The same after its root has come.
    pub(crate) due_after_root: Option<u64>,
    /// A larger trace is not sampled.
    pub(crate) trace_bytes_max: u64,
    /// Judges a part by itself; `None`: whole traces are judged later.
    pub(crate) judge: Option<&'a dyn Fn(&Piece) -> Decision>,
}

/// What became of spans that arrived.
pub(crate) enum Added {
    /// They wait; whether they began a trace.
    Waiting { new: bool },
    /// Their trace was decided before.
    Late(Fragment, Decided),
    /// Their trace was decided because of them.
    Decided(Taken, Decision),
    /// Their trace has become too large.
    TooLarge(Taken),
}

impl Shard {
    pub(crate) fn new(held: Reservation, decisions: DecisionCache) -> Self {
        Self {
            traces: HashMap::new(),
            due: BTreeMap::new(),
            decisions,
            held_bytes: 0,
            held,
            loaded: VecDeque::new(),
            waiting: 0,
        }
    }

    /// Traces that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The tick at which the trace that is due next was put in; it may have moved.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let (tick, _) = self.due.first_key_value()?;
        (self.waiting > 0).then_some(*tick)
    }

    /// Takes in spans. Their memory is to be counted by [`Shard::count_held`] after, unless they are handed back.
    pub(crate) fn add(&mut self, key: TraceKey, piece: Piece, arrival: &Arrival<'_>) -> Added {
        let (mut judged, mut new) = (None, false);
        let trace = match self.traces.entry(key) {
            Entry::Occupied(waiting) => waiting.into_mut(),
            Entry::Vacant(vacant) => {
                if let Some(decided) = self.decisions.get(&key) {
                    return Added::Late(piece.fragment, decided);
                }
                new = true;
                self.due.entry(arrival.due).or_default().push_back(key);
                self.waiting += 1;
                self.held_bytes += TRACE_OVERHEAD_BYTES;
                let (arrived, due) = (arrival.now, arrival.due);
                let held_bytes = TRACE_OVERHEAD_BYTES;
                vacant.insert(Trace { arrived, due, held_bytes, ..Trace::default() })
            }
        };
        if let Some(judge) = arrival.judge {
            judged = Some(judge(&piece));
        }
        let (has_root, fragment) = (piece.has_root, piece.fragment);
        if fragment.place.is_some() && fragment.content().is_some() {
            self.loaded.push_back((key, trace.fragments.len()));
        }
        self.held_bytes += trace.push(fragment);
        let bytes = trace.bytes;
        if let Some(decision @ (Decision::Sampled(_) | Decision::Dropped)) = judged
            && let Some(taken) = self.take_now(key, decision, arrival.now)
        {
            return Added::Decided(taken, decision);
        }
        if bytes > arrival.trace_bytes_max
            && let Some(taken) = self.take_now(key, Decision::NotSampled, arrival.now)
        {
            return Added::TooLarge(taken);
        }
        if has_root && let Some(due) = arrival.due_after_root {
            self.bring_forward(key, due);
        }
        Added::Waiting { new }
    }

    /// Reserves what the traces hold now.
    pub(crate) fn count_held(&mut self) {
        self.held.set_anyway(self.held_bytes);
    }

    /// Moves a trace that waits to an earlier tick.
    fn bring_forward(&mut self, key: TraceKey, due: u64) {
        if let Some(trace) = self.traces.get_mut(&key)
            && !trace.taken
            && due < trace.due
        {
            trace.due = due;
            self.due.entry(due).or_default().push_back(key);
        }
    }

    /// Ends a trace at once, unless its decision is being made already.
    fn take_now(&mut self, key: TraceKey, decision: Decision, now: Duration) -> Option<Taken> {
        if self.traces.get(&key)?.taken {
            return None;
        }
        let trace = self.traces.remove(&key)?;
        self.waiting -= 1;
        self.held_bytes -= trace.held_bytes;
        self.remember(key, decision, now);
        Some(trace.taken_as(key))
    }

    /// Takes up to `max` traces that are due at `tick` or before, the oldest first.
    pub(crate) fn take_due(&mut self, tick: u64, max: usize) -> Vec<Taken> {
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some(mut bucket) = self.due.first_entry()
            && *bucket.key() <= tick
        {
            let due = *bucket.key();
            let key = bucket.get_mut().pop_front();
            if bucket.get().is_empty() {
                bucket.remove();
            }
            let Some(key) = key else { continue };
            let Some(trace) = self.traces.get_mut(&key) else { continue };
            if trace.taken || trace.due != due {
                continue;
            }
            trace.taken = true;
            self.waiting -= 1;
            let fragments = std::mem::take(&mut trace.fragments);
            let Trace { spans, bytes, arrived, .. } = *trace;
            taken.push(Taken { key, fragments, spans, bytes, arrived });
        }
        self.forget_unloadable();
        taken
    }

    /// Ends a trace that was taken. Spans that came since are returned with it.
    pub(crate) fn finish(&mut self, taken: &mut Taken, decision: Decision, now: Duration) {
        let Some(trace) = self.traces.remove(&taken.key) else { return };
        self.held_bytes -= trace.held_bytes;
        taken.fragments.extend(trace.fragments);
        self.remember(taken.key, decision, now);
    }

    fn remember(&mut self, key: TraceKey, decision: Decision, at: Duration) {
        let sampled = match decision {
            Decision::Sampled(threshold) => Some(threshold),
            Decision::NotSampled | Decision::Dropped => None,
        };
        self.decisions.insert(key, Decided { sampled, at });
    }

    /// Gives up the copies in memory of the oldest fragments that are on disk, until `bytes` have become free or
    /// there are no more. Returns how many became free.
    pub(crate) fn unload(&mut self, bytes: usize) -> usize {
        let mut freed = 0;
        while freed < bytes
            && let Some((key, place)) = self.loaded.pop_front()
        {
            let Some(trace) = self.traces.get_mut(&key).filter(|trace| !trace.taken) else {
                continue;
            };
            let n_bytes = trace.fragments.get_mut(place).map_or(0, Fragment::unload);
            trace.held_bytes -= n_bytes;
            freed += n_bytes;
        }
        self.held_bytes -= freed;
        self.count_held();
        freed
    }

    /// When the oldest fragment that could be unloaded arrived.
    pub(crate) fn oldest_loaded(&mut self) -> Option<Duration> {
        self.forget_unloadable();
        let (key, _) = self.loaded.front()?;
        self.traces.get(key).map(|trace| trace.arrived)
    }

    /// Drops what is no longer there from the front of the order of unloading, so that it stays as long as the
    /// traces that wait.
    fn forget_unloadable(&mut self) {
        while let Some((key, _)) = self.loaded.front()
            && self.traces.get(key).is_none_or(|trace| trace.taken)
        {
            self.loaded.pop_front();
        }
    }
}

impl Trace {
    /// Returns the bytes of memory that the fragment holds.
    fn push(&mut self, fragment: Fragment) -> usize {
        let held_bytes = fragment.held_now();
        self.spans += fragment.spans;
        self.bytes += fragment.encoded_bytes as u64;
        self.held_bytes += held_bytes;
        self.fragments.push(fragment);
        held_bytes
    }

    fn taken_as(self, key: TraceKey) -> Taken {
        let Self { fragments, spans, bytes, arrived, .. } = self;
        Taken { key, fragments, spans, bytes, arrived }
    }
}
