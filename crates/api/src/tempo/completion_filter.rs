//! The `q` of a request for names or values: what its author has written of a query until now.
//!
//! [`filter_of`] is the one place that reads it. As long as the language has no parser for unfinished queries, one
//! that does not compile narrows nothing: more names than necessary beat none.

use spandrel_traceql::ast::{Root, SpansetExpr, Stage};
use spandrel_traceql::{FieldExpr, compile};

/// The filter to narrow with; none when there is nothing to narrow by.
pub(super) fn filter_of(q: Option<&str>) -> Option<FieldExpr> {
    let query = compile(q?).ok()?;
    let Root::Pipeline(pipeline) = query.root else { return None };
    // What comes behind the first filter is about other spans, or about all of them together.
    match pipeline.stages.into_iter().next() {
        Some(Stage::Spanset(SpansetExpr::Filter(filter))) => Some(filter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_not_finished_is_ignored() {
        let text = |q: &str| filter_of(Some(q)).map(|filter| filter.to_string());
        assert_eq!(text("{ .a = 1 }").as_deref(), Some(".a = 1"));
        assert_eq!(text("{ .a = 1 } | count() > 2").as_deref(), Some(".a = 1"));
        assert_eq!(text("{ .a = }"), None);
        assert_eq!(text("{ .a = 1 } > { }"), None);
        assert_eq!(filter_of(None), None);
    }
}
