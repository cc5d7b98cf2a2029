//! The seam for retention by policy: who decides, trace by trace, what a merge keeps.

use std::borrow::Cow;
use std::sync::Arc;

use spandrel_columns::arrange::{TraceFacts, arrange};
use spandrel_columns::{SpanColumns, StringColumn};
use spandrel_model::{Span, Trace};
use spandrel_otlp::span_at;
use spandrel_retention::{Threshold, trace_randomness, with_threshold};
use spandrel_trace_values::arrange_spans;

use crate::CompactionError;
use crate::elsewhere::Elsewhere;

/// Decides which traces stay.
///
/// It is asked about whole traces: the spans that a merge has read and those that other blocks hold. What it says
/// becomes of the spans that are merged; a block that holds another part asks for itself when its time has come. So
/// of a trace that goes, any part alone must go as well. Spans that have not become a block yet are not looked at,
/// so a filter had better keep traces that ended a short while ago.
pub trait TraceFilter: Send + Sync {
    /// What becomes of a trace, whose spans are in depth-first order, and of which a block was received last at
    /// this time. Called once per trace and merge, on a thread for CPU-bound work.
    fn decide(&self, trace: &Trace, received_unix_nanos: u64) -> TraceDecision;
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

/// A filter with what it has to know besides what is merged.
#[derive(Clone)]
pub(crate) struct Filtering {
    pub(crate) filter: Arc<dyn TraceFilter>,
    /// When spans of the inputs were received last, Unix nanoseconds.
    pub(crate) received_unix_nanos: u64,
    /// Parts of their traces in other blocks.
    pub(crate) elsewhere: Arc<Elsewhere>,
}

impl Filtering {
    /// Asks about the traces, and does as the filter says. Returns how many spans went.
    pub(crate) fn apply(&self, spans: &mut SpanColumns) -> Result<u64, CompactionError> {
        let arrangement = arrange(spans);
        let mut stays = vec![true; spans.len() as usize];
        // Rows with their new tracestate.
        let mut recorded: Vec<(u32, String)> = Vec::new();
        for facts in &arrangement.traces {
            let rows = facts.first_row as usize..(facts.first_row + facts.n_rows) as usize;
            let rows = &arrangement.order[rows];
            let Some((trace, received_unix_nanos)) = self.whole(spans, facts, rows)? else {
                continue;
            };
            match self.filter.decide(&trace, received_unix_nanos) {
                TraceDecision::Keep => {}
                TraceDecision::KeepSampled(threshold) => {
                    let randomness = trace_randomness(&trace);
                    for &row in rows {
                        let state = spans.trace_states.get(row).unwrap_or_default();
                        if let Cow::Owned(changed) = with_threshold(state, threshold, randomness) {
                            recorded.push((row, changed));
                        }
                    }
                }
                TraceDecision::Drop => rows.iter().for_each(|&row| stays[row as usize] = false),
            }
        }
        replace_trace_states(spans, recorded);
        let before = spans.len();
        spans.retain(|row| stays[row as usize]);
        Ok(u64::from(before - spans.len()))
    }

    /// A trace with its parts in other blocks, and when a part was received last; `None` when there is more of it
    /// than was read.
    fn whole(
        &self,
        spans: &SpanColumns,
        facts: &TraceFacts,
        rows: &[u32],
    ) -> Result<Option<(Trace, u64)>, CompactionError> {
        let trace_id = facts.trace_id;
        if self.elsewhere.is_unread(trace_id) {
            return Ok(None);
        }
        let here = rows.iter().map(|&row| span_at(spans, row)).collect::<Result<Vec<_>, _>>()?;
        let Some(others) = self.elsewhere.parts_of(trace_id) else {
            return Ok(Some((Trace { trace_id, spans: here }, self.received_unix_nanos)));
        };
        let mut parts = here;
        for &row in others.rows {
            parts.push(span_at(self.elsewhere.spans(), row)?);
        }
        let order = arrange_spans(&parts).order;
        let mut parts: Vec<Option<Span>> = parts.into_iter().map(Some).collect();
        let spans = order.iter().filter_map(|&row| parts[row as usize].take()).collect();
        let received = self.received_unix_nanos.max(others.received_unix_nanos);
        Ok(Some((Trace { trace_id, spans }, received)))
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
