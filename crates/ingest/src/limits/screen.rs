//! Which spans of a batch a tenant's limits reject.

use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;
use spandrel_model::TraceId;
use spandrel_otlp::{DecodeError, SpanFacts, screen_request};
use spandrel_telemetry::RejectReason;

use super::traces::{Amount, LiveTraces};
use super::{Gate, TenantLimits};

/// Limits on spans, by the name that operators know and in the order in which they are looked at.
const REASONS: [(RejectReason, &str); 4] = [
    (RejectReason::AttributeBytes, "max_attribute_bytes"),
    (RejectReason::SpanAttributes, "max_attributes_per_span"),
    (RejectReason::TraceSpans, "max_spans_per_trace"),
    (RejectReason::TraceBytes, "max_bytes_per_trace"),
];

/// Spans that limits reject, by [`REASONS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rejections([u64; REASONS.len()]);

impl Rejections {
    /// All of them.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Those that occurred.
    pub(crate) fn by_reason(&self) -> impl Iterator<Item = (RejectReason, u64)> {
        let reasons = REASONS.iter().map(|(reason, _)| *reason);
        reasons.zip(self.0).filter(|(_, spans)| *spans > 0)
    }

    /// In words for the sender; empty when there are none.
    pub(crate) fn message(&self) -> String {
        let over = REASONS.iter().zip(self.0).filter(|(_, spans)| *spans > 0);
        let over: Vec<_> =
            over.map(|((_, limit), spans)| format!("{spans} over {limit}")).collect();
        if over.is_empty() {
            return String::new();
        }
        format!("spans rejected by limits of the tenant: {}", over.join(", "))
    }
}

/// What is left of a batch.
pub(crate) struct Screened {
    pub(crate) otlp: Bytes,
    pub(crate) rejections: Rejections,
    pub(crate) charge: TraceCharge,
}

impl Gate {
    /// Rejects the spans that are over a limit and counts the others into their traces.
    pub(crate) fn screen(self: &Arc<Self>, otlp: &Bytes) -> Result<Screened, DecodeError> {
        let limits = self.limits();
        let charge = TraceCharge { gate: Arc::clone(self), by_trace: HashMap::new() };
        let mut screened =
            Screened { otlp: otlp.clone(), rejections: Rejections::default(), charge };
        if !limits.limits_spans() {
            return Ok(screened);
        }
        let mut traces = limits.limits_traces().then(|| self.traces.lock());
        let by_trace = &mut screened.charge.by_trace;
        let counts = &mut screened.rejections.0;
        let left = screen_request(otlp, |facts| {
            let over = over(&limits, traces.as_deref(), facts);
            if let Some(over) = over {
                counts[over] += 1;
            } else if let Some(traces) = &mut traces {
                traces.add(facts.trace_id, facts.n_bytes as u64);
                let amount: &mut Amount = by_trace.entry(facts.trace_id).or_default();
                amount.spans += 1;
                amount.bytes += facts.n_bytes as u64;
            }
            over.is_none()
        });
        // Giving the charge back, should this fail, takes the lock again.
        drop(traces);
        if let Some(left) = left? {
            screened.otlp = left.into();
        }
        Ok(screened)
    }
}

/// The index in [`REASONS`] of the first limit that a span is over.
fn over(limits: &TenantLimits, traces: Option<&LiveTraces>, facts: &SpanFacts) -> Option<usize> {
    let exceeds = |value: u64, max: Option<u64>| max.is_some_and(|max| value > max);
    // What no trace can hold has a reason of its own to be rejected.
    let live = traces.filter(|_| !facts.trace_id.is_zero()).map(|traces| traces.of(facts.trace_id));
    let live = live.map(|live| (live.spans + 1, live.bytes.saturating_add(facts.n_bytes as u64)));
    let checks = [
        exceeds(facts.value_bytes_max as u64, limits.max_attribute_bytes),
        exceeds(facts.n_attributes as u64, limits.max_attributes_per_span),
        live.is_some_and(|(spans, _)| exceeds(spans, limits.max_spans_per_trace)),
        live.is_some_and(|(_, bytes)| exceeds(bytes, limits.max_bytes_per_trace)),
    ];
    checks.iter().position(|over| *over)
}

/// What a batch added to its traces; taken back when it is dropped, because a batch that is not stored has
/// no live spans.
pub(crate) struct TraceCharge {
    gate: Arc<Gate>,
    by_trace: HashMap<TraceId, Amount>,
}

impl TraceCharge {
    /// The batch was stored.
    pub(crate) fn keep(mut self) {
        self.by_trace.clear();
    }
}

impl Drop for TraceCharge {
    fn drop(&mut self) {
        if !self.by_trace.is_empty() {
            let mut traces = self.gate.traces.lock();
            self.by_trace.drain().for_each(|(trace_id, amount)| traces.remove(trace_id, amount));
        }
    }
}
