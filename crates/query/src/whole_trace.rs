//! One whole trace out of its parts: every span once, in an order that does not depend on where they lay.
//!
//! Senders repeat requests whose answer they did not get, so a span may be stored several times, in one unit
//! or in several. Copies are alike in everything but the order of attributes, which a unit does not keep.
//! Different spans that share an id (the client and server halves of Zipkin) all stay.

use std::cmp::{Ordering, Reverse};

use hashbrown::{HashMap, HashSet};
use spandrel_model::{Span, SpanId, Trace, TraceId};
use spandrel_otlp::encode_trace;
use spandrel_retention::{threshold_of, without_threshold};
use spandrel_trace_values::arrange_spans;

use crate::key_order::KeyOrder;

/// Whether two spans have the same id.
pub(crate) fn ids_repeat(spans: &[Span]) -> bool {
    let mut seen = HashSet::with_capacity(spans.len());
    !spans.iter().all(|span| seen.insert(span.span_id))
}

/// The trace of these spans, which come from `n_parts` units, each in the order of its rows.
pub fn whole_trace(trace_id: TraceId, mut spans: Vec<Span>, n_parts: usize) -> Trace {
    let repeat = ids_repeat(&spans);
    if repeat {
        remove_copies(&mut spans);
    }
    if repeat || n_parts > 1 {
        let order = arrange_spans(&spans).order;
        let mut unordered: Vec<Option<Span>> = spans.into_iter().map(Some).collect();
        spans = order.iter().filter_map(|&row| unordered[row as usize].take()).collect();
    }
    Trace { trace_id, spans }
}

/// Leaves one of several copies, and puts spans that share an id in the order of what is in them: the
/// order of arrival, which decides between spans that are alike in all that is arranged by, is not
/// the same in all units.
pub(crate) fn remove_copies(spans: &mut Vec<Span>) {
    let mut counts: HashMap<SpanId, u32> = HashMap::with_capacity(spans.len());
    spans.iter().for_each(|span| *counts.entry(span.span_id).or_default() += 1);
    let content = |span: &Span| (counts[&span.span_id] > 1).then(|| content_of(span));
    let mut keyed: Vec<_> = spans.drain(..).map(|span| (content(&span), span)).collect();
    // Of copies of which some were sampled since, the one with the highest threshold says what it stands for.
    let sampled =
        |span: &Span| (Reverse(threshold_of(&span.trace_state)), span.trace_state.clone());
    keyed.sort_by(|(a, x), (b, y)| {
        a.cmp(b).then_with(|| a.as_ref().map_or(Ordering::Equal, |_| sampled(x).cmp(&sampled(y))))
    });
    keyed.dedup_by(|a, b| a.0.is_some() && a.0 == b.0);
    spans.extend(keyed.into_iter().map(|(_, span)| span));
}

/// Everything that is in a span as it was sent, as bytes; attributes in the order of their keys.
fn content_of(span: &Span) -> Vec<u8> {
    let mut span = span.clone();
    span.trace_state = without_threshold(&span.trace_state);
    KeyOrder::default().apply(&mut span);
    let mut bytes = Vec::new();
    encode_trace(&Trace { trace_id: span.trace_id, spans: vec![span] }, &mut bytes);
    bytes
}
