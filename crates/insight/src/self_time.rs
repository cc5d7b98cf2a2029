//! How long spans did their own work.

use spandrel_model::Span;

use crate::SpanTree;

/// Nanoseconds of each span during which none of its children ran, at least 0.
///
/// That is the duration less the union of the children's times, clipped to the span. It is the span's whole duration
/// when a child begins after it ended, as with messages.
pub fn self_nanos(spans: &[Span], tree: &SpanTree) -> Vec<u64> {
    let one = |(span, one): (usize, &Span)| {
        let (start, end) = (one.start_unix_nanos, one.end_unix_nanos);
        let mut covered = 0;
        let mut from = start;
        // Children come by start.
        for child in tree.children(span).iter().filter_map(|child| spans.get(*child)) {
            let (child_start, child_end) =
                (child.start_unix_nanos.max(from), child.end_unix_nanos.min(end));
            if child_end > child_start {
                covered += child_end - child_start;
                from = child_end;
            }
        }
        end.saturating_sub(start).saturating_sub(covered)
    };
    spans.iter().enumerate().map(one).collect()
}
