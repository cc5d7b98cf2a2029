//! The seam for retention by policy: who decides, trace by trace, what a merge keeps.

use std::sync::Arc;

use hashbrown::HashSet;
use spandrel_columns::arrange::arrange;
use spandrel_columns::{SpanColumns, StringColumn};
use spandrel_model::{Trace, TraceId};
use spandrel_otlp::span_at;
use spandrel_retention::{Threshold, record_threshold};

use crate::CompactionError;

/// Decides which traces stay.
///
/// A merge asks only about traces that no other block holds a part of. Spans that have not become a block
/// yet are not looked at, so a filter had better keep traces that ended a short while ago.
pub trait TraceFilter: Send + Sync {
    /// What becomes of a trace, whose spans are in depth-first order. Called once per trace and merge, on a
    /// thread for CPU-bound work.
    fn decide(&self, trace: &Trace) -> TraceDecision;
}

/// What becomes of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceDecision {
    /// It stays as it is.
    Keep,
    /// It stays, and traces like it went because they did not pass this threshold. It is recorded in the
    /// tracestate of every span (`ot=th`), where it says how many spans each of them stands for; doing so
    /// again changes nothing.
    KeepSampled(Threshold),
    /// It goes.
    Drop,
}

/// A filter with what its decisions have to respect.
#[derive(Clone)]
pub(crate) struct Filtering {
    pub(crate) filter: Arc<dyn TraceFilter>,
    /// Traces of which other blocks hold a part; they stay as they are.
    pub(crate) incomplete: Arc<HashSet<TraceId>>,
}

impl Filtering {
    /// Asks about the complete traces, and does as the filter says. Returns how many spans went.
    pub(crate) fn apply(&self, spans: &mut SpanColumns) -> Result<u64, CompactionError> {
        let arrangement = arrange(spans);
        let mut stays = vec![true; spans.len() as usize];
        // Rows with their new tracestate.
        let mut recorded: Vec<(u32, String)> = Vec::new();
        for facts in &arrangement.traces {
            if self.incomplete.contains(&facts.trace_id) {
                continue;
            }
            let rows = facts.first_row as usize..(facts.first_row + facts.n_rows) as usize;
            let rows = &arrangement.order[rows];
            let mut trace = Trace {
                trace_id: facts.trace_id,
                spans: rows.iter().map(|&row| span_at(spans, row)).collect::<Result<_, _>>()?,
            };
            match self.filter.decide(&trace) {
                TraceDecision::Keep => {}
                TraceDecision::KeepSampled(threshold) => {
                    record_threshold(&mut trace, threshold);
                    let states = trace.spans.into_iter().map(|span| span.trace_state);
                    recorded.extend(rows.iter().copied().zip(states));
                }
                TraceDecision::Drop => rows.iter().for_each(|&row| stays[row as usize] = false),
            }
        }
        replace_trace_states(spans, recorded);
        let before = spans.len();
        spans.retain(|row| stays[row as usize]);
        Ok(u64::from(before - spans.len()))
    }
}

fn replace_trace_states(spans: &mut SpanColumns, mut recorded: Vec<(u32, String)>) {
    if recorded.is_empty() {
        return;
    }
    recorded.sort_unstable_by_key(|(row, _)| *row);
    let mut recorded = recorded.into_iter().peekable();
    let mut states = StringColumn::default();
    for row in 0..spans.len() {
        let state = match recorded.next_if(|(recorded, _)| *recorded == row) {
            Some((_, state)) => Some(state),
            None => spans.trace_states.get(row).map(str::to_owned),
        };
        // Without one a row has no value, not an empty one.
        if let Some(state) = state.filter(|state| !state.is_empty()) {
            states.push(row, state.as_bytes());
        }
    }
    spans.trace_states = states;
}
