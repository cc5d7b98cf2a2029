//! Live spans: what is durable in the WAL and not yet in a block.
//!
//! A segment is a list of runs in order of arrival. A group that the WAL has taken becomes a run; small
//! groups are merged into the last run, so that a trickle of requests does not make thousands of runs.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hashbrown::HashMap;
use spandrel_columns::SpanColumns;
use spandrel_columns::arrange::{Arrangement, TraceFacts, arrange};
use spandrel_model::TraceId;

/// A run takes the next group in as long as it stays below both; copying it, should a query hold it, then
/// costs about a millisecond.
const MERGED_RUN_SPANS: u32 = 4_096;
const MERGED_RUN_BYTES: usize = 2 << 20;

/// Spans that do not change any more, unless the run is the last one and still small.
#[derive(Default)]
pub struct LiveRun {
    spans: SpanColumns,
    first_position: u64,
    size_bytes: usize,
    shape: OnceLock<Shape>,
}

/// What is computed when a query first asks for it.
struct Shape {
    arrangement: Arrangement,
    /// Trace id to index in the arrangement's traces.
    by_id: HashMap<TraceId, u32>,
}

impl LiveRun {
    /// A run of these spans.
    pub fn new(spans: SpanColumns) -> Self {
        Self::at(0, spans)
    }

    fn at(first_position: u64, spans: SpanColumns) -> Self {
        Self { size_bytes: spans.size_bytes(), spans, first_position, shape: OnceLock::new() }
    }

    /// How many spans of the tenant were made searchable before the first one here, since the store was opened. The
    /// others follow it one by one, and so do the runs of a snapshot.
    pub fn first_position(&self) -> u64 {
        self.first_position
    }

    /// The spans in order of arrival.
    pub fn spans(&self) -> &SpanColumns {
        &self.spans
    }

    /// The shape of the traces, as far as this run knows them; computed when first asked for.
    pub fn arrangement(&self) -> &Arrangement {
        &self.shape().arrangement
    }

    /// What the run knows of a trace.
    pub fn find(&self, trace_id: TraceId) -> Option<&TraceFacts> {
        let shape = self.shape();
        shape.by_id.get(&trace_id).map(|&index| &shape.arrangement.traces[index as usize])
    }

    /// Whether these spans may be added.
    fn takes(&self, spans: &SpanColumns, n_bytes: usize) -> bool {
        self.spans.len().saturating_add(spans.len()) <= MERGED_RUN_SPANS
            && self.size_bytes + n_bytes <= MERGED_RUN_BYTES
    }

    fn append(&mut self, spans: &SpanColumns) {
        self.spans.append(spans);
        self.size_bytes = self.spans.size_bytes();
        self.shape = OnceLock::new();
    }

    fn shape(&self) -> &Shape {
        self.shape.get_or_init(|| {
            let arrangement = arrange(&self.spans);
            let traces = arrangement.traces.iter().zip(0..);
            let by_id = traces.map(|(trace, index)| (trace.trace_id, index)).collect();
            Shape { arrangement, by_id }
        })
    }
}

impl Clone for LiveRun {
    /// The copy is about to be appended to, so it does not keep the arrangement.
    fn clone(&self) -> Self {
        Self::at(self.first_position, self.spans.clone())
    }
}

/// A growing list of runs that will become one block.
#[derive(Clone, Default)]
pub(crate) struct LiveSegment {
    /// As [`LiveRun::first_position`].
    pub(crate) first_position: u64,
    pub(crate) runs: Vec<Arc<LiveRun>>,
    pub(crate) n_spans: u32,
    pub(crate) size_bytes: usize,
    /// Sequence numbers of the WAL records it holds: first, and last.
    pub(crate) seqs: Option<(u64, u64)>,
    /// When its first span arrived, by the monotonic clock.
    pub(crate) opened_at: Duration,
}

impl LiveSegment {
    pub(crate) fn is_empty(&self) -> bool {
        self.n_spans == 0
    }

    /// Adds spans that the WAL holds in records of these sequence numbers, all of them in one step: a
    /// segment must not end between spans of the same records.
    pub(crate) fn publish(&mut self, runs: Vec<SpanColumns>, seqs: (u64, u64), now: Duration) {
        if self.is_empty() {
            self.opened_at = now;
        }
        self.seqs = Some((self.seqs.map_or(seqs.0, |own| own.0), seqs.1));
        for spans in runs {
            self.push(spans);
        }
    }

    /// The position of the span that comes next.
    pub(crate) fn next_position(&self) -> u64 {
        self.first_position + u64::from(self.n_spans)
    }

    fn push(&mut self, spans: SpanColumns) {
        let position = self.next_position();
        self.n_spans += spans.len();
        let n_bytes = spans.size_bytes();
        match self.runs.last_mut() {
            Some(last) if last.takes(&spans, n_bytes) => {
                self.size_bytes -= last.size_bytes;
                let run = Arc::make_mut(last);
                run.append(&spans);
                self.size_bytes += run.size_bytes;
            }
            _ => {
                self.size_bytes += n_bytes;
                self.runs.push(Arc::new(LiveRun::at(position, spans)));
            }
        }
    }

    /// All spans of the segment in one run.
    pub(crate) fn merge(&self) -> SpanColumns {
        let mut merged = SpanColumns::default();
        for run in &self.runs {
            merged.append(&run.spans);
        }
        merged
    }
}
