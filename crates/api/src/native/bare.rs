//! Bare spans: of a large trace all can be values at once.

use spandrel_model::{Span, SpanKind};

/// About what a bare span takes.
pub(super) const SPAN_BYTES: usize = size_of::<Span>() + 64;

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
