//! Spans with what their place in a trace depends on, and nothing else: of a large trace all can be values at once.

use spandrel_model::{Span, SpanKind};
use spandrel_query::{QueryError, TraceSpans};

/// Spans that are whole values at the same time.
const PIECE_SPANS: usize = 4096;

/// About what a bare span takes.
pub(super) const SPAN_BYTES: usize = size_of::<Span>() + 64;

/// All spans of a trace, bare, and the trace's id.
pub(super) fn bare_spans(trace: &TraceSpans) -> Result<(String, Vec<Span>), QueryError> {
    let n_spans = trace.n_spans();
    let (mut trace_id, mut spans) = (String::new(), Vec::with_capacity(n_spans));
    for first in (0..n_spans).step_by(PIECE_SPANS) {
        let piece = trace.piece(first, PIECE_SPANS)?;
        trace_id = piece.trace_id.to_string();
        spans.extend(piece.spans.into_iter().map(bare_span));
    }
    Ok((trace_id, spans))
}

/// The span with ids, times, name, kind, status and producer.
pub(super) fn bare_span(span: Span) -> Span {
    Span {
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        trace_state: String::new(),
        status_message: String::new(),
        ..span
    }
}

/// The kind in the word of a query.
pub(super) fn kind_word(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "unspecified",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}
