//! Where errors began, and how far up they went.

use spandrel_model::{Span, StatusCode};

use crate::SpanTree;

/// A span that failed although nothing below it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorOrigin {
    /// The span, by index.
    pub span: usize,
    /// The highest ancestor that failed without a break between; the span itself if its parent did not fail.
    pub reached: usize,
    /// How many ancestors failed on the way.
    pub n_propagated: usize,
    /// Whether the error came up to the top of the tree; if not, somebody handled it.
    pub reached_top: bool,
}

/// The origins in depth-first order. [`propagation`] lists the spans on the way of one.
pub fn error_origins(spans: &[Span], tree: &SpanTree) -> Vec<ErrorOrigin> {
    let failed = |span: usize| spans[span].status_code == StatusCode::Error;
    let mut failed_below = vec![false; spans.len()];
    for &span in tree.order().iter().rev() {
        if let Some(parent) = tree.parent(span) {
            failed_below[parent] |= failed_below[span] || failed(span);
        }
    }
    // Of each span that failed: the highest ancestor that failed without a break between.
    let mut reached: Vec<usize> = (0..spans.len()).collect();
    let mut origins = Vec::new();
    for &span in tree.order() {
        if !failed(span) {
            continue;
        }
        if let Some(parent) = tree.parent(span).filter(|parent| failed(*parent)) {
            reached[span] = reached[parent];
        }
        if !failed_below[span] {
            let reached = reached[span];
            origins.push(ErrorOrigin {
                span,
                reached,
                n_propagated: tree.depth(span) - tree.depth(reached),
                reached_top: tree.parent(reached).is_none(),
            });
        }
    }
    origins
}

/// The spans that an error went through, from its origin up.
pub fn propagation<'a>(
    tree: &'a SpanTree,
    origin: &ErrorOrigin,
) -> impl Iterator<Item = usize> + use<'a> {
    let n_spans = origin.n_propagated + 1;
    std::iter::successors(Some(origin.span), |span| tree.parent(*span)).take(n_spans)
}
