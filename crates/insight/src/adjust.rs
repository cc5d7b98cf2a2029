//! Repairs a trace before it is shown, as Jaeger does: what it finds is told in warnings, never hidden.
//!
//! In this order: attributes, events and links are sorted and exact copies of spans dropped; a server that shares its
//! id with its client (Zipkin) gets an id of its own; times are moved that cannot be true; addresses become texts;
//! attributes of the SDK go to the resource; links to nothing are dropped. Adjusting an adjusted trace changes nothing
//! more.
//!
//! Copies are dropped first, where Jaeger drops them after it gave out ids: there, copies of a shared server become
//! different spans.

mod attributes;
mod clock_skew;
mod copies;
mod shared_ids;

use std::time::Duration;

use spandrel_model::{Link, Span, Trace};

/// What [`adjust`] may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AdjustOptions {
    /// The furthest that times may be moved. Zero moves none and only warns, which is Jaeger's default.
    pub clock_skew_max: Duration,
}

/// A trace and what was found in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjusted {
    /// The trace; its spans keep their order.
    pub trace: Trace,
    /// Of each span of the trace, by index: what was changed or could not be.
    pub warnings: Vec<Vec<String>>,
}

/// Adjusts the trace.
pub fn adjust(mut trace: Trace, options: AdjustOptions) -> Adjusted {
    copies::sort_parts(&mut trace.spans);
    copies::drop_copies(&mut trace.spans);
    shared_ids::separate(&mut trace.spans);
    let mut warnings = vec![Vec::new(); trace.spans.len()];
    clock_skew::correct(&mut trace.spans, options.clock_skew_max, &mut warnings);
    attributes::write_addresses(&mut trace.spans);
    attributes::move_to_resource(&mut trace.spans);
    for span in &mut trace.spans {
        span.links.retain(|link| !leads_nowhere(link));
    }
    Adjusted { trace, warnings }
}

/// Moves the spans of a trace as [`adjust`] does without a limit, and says how far: those that it moved, by index, and
/// nanoseconds. Of the spans it takes ids, times, kinds and resources. Servers that share their client's id get
/// another: who needs a [`SpanTree`](crate::SpanTree) of the ids as they came makes it first.
pub fn correct_clocks(spans: &mut [Span]) -> Vec<(usize, i64)> {
    shared_ids::separate(spans);
    let starts: Vec<u64> = spans.iter().map(|span| span.start_unix_nanos).collect();
    let mut warnings = vec![Vec::new(); spans.len()];
    clock_skew::correct(spans, Duration::MAX, &mut warnings);
    let moved = spans
        .iter()
        .zip(starts)
        .map(|(span, start)| span.start_unix_nanos.wrapping_sub(start).cast_signed());
    moved.enumerate().filter(|(_, nanos)| *nanos != 0).collect()
}

fn leads_nowhere(link: &Link) -> bool {
    link.trace_id.is_zero() && link.span_id.is_zero()
}
