//! Exemplars: a span for some of the values, always the same one.

use spandrel_model::{SpanId, TraceId};

/// A span that may stand for a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExemplarSpan {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// Its start.
    pub start_unix_nanos: i64,
    /// What was measured of it, in the unit of the attribute; `None` for functions that measure nothing.
    pub value: Option<f64>,
}

/// The rank of a span among all spans: the least one of an interval stands for it. It depends on the ids alone, so the
/// choice does not depend on where spans lie or in which order they are looked at.
pub fn rank(trace_id: TraceId, span_id: SpanId) -> u64 {
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word: u64, byte| word << 8 | u64::from(*byte));
    let (high, low) = trace_id.0.split_at(8);
    let mixed = word(high).rotate_left(32) ^ word(low).rotate_left(16) ^ word(&span_id.0);
    // The finalizer of SplitMix64: senders may number their ids one after the other.
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

impl ExemplarSpan {
    /// What decides between spans: the rank, and the rest for those that share an id.
    pub(crate) fn order(&self) -> (u64, TraceId, SpanId, i64, u64) {
        let value = self.value.map_or(0, f64::to_bits);
        let rank = rank(self.trace_id, self.span_id);
        (rank, self.trace_id, self.span_id, self.start_unix_nanos, value)
    }

    /// The one of two that stands for both.
    pub(crate) fn better(self, other: Self) -> Self {
        if self.order() <= other.order() { self } else { other }
    }
}
