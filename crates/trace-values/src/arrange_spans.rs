//! The tree of a trace that is given as spans.

use std::sync::Arc;

use hashbrown::HashMap;
use spandrel_columns::arrange::{Arrangement, arrange};
use spandrel_columns::{RawSpan, SpanColumns};
use spandrel_model::Span;

/// The order of spans of one trace, and what follows from their tree.
pub fn arrange_spans(spans: &[Span]) -> Arrangement {
    let mut columns = SpanColumns::default();
    let scope = columns.scope_table.insert(b"", Arc::default());
    let mut resources = HashMap::new();
    for span in spans {
        let address = Arc::as_ptr(&span.resource);
        let resource = *resources.entry(address).or_insert_with(|| {
            let source = address.addr().to_ne_bytes();
            columns.resource_table.insert(&source, Arc::clone(&span.resource))
        });
        columns.push(RawSpan {
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent_span_id: span.parent_span_id.unwrap_or_default(),
            start_unix_nanos: span.start_unix_nanos.cast_signed(),
            duration_nanos: span.duration_nanos(),
            kind: span.kind as u8,
            status_code: span.status_code as u8,
            name: span.name.as_bytes(),
            resource,
            scope,
            ..RawSpan::default()
        });
    }
    arrange(&columns)
}
