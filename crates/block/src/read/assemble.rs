//! Rows back to spans.

use arrow_array::RecordBatch;
use arrow_array::types::Int64Type;
use spandrel_model::{
    AttributeScope, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TraceId,
};

use super::columns::Columns;
use super::owners::{AttributeReader, Owners};
use crate::error::BlockError;
use crate::schema;

/// Columns that a span does not need.
pub const SPAN_COLUMNS_LEFT_OUT: [&str; 11] = [
    schema::SUBTREE_ROWS,
    schema::DEPTH,
    schema::ROOT_NAME,
    schema::ROOT_SERVICE,
    schema::TRACE_DURATION,
    schema::CHILD_TIME,
    schema::CRITICAL_TIME,
    schema::ERROR_ORIGIN,
    schema::SPAN_OVERSIZED_SIZES,
    schema::RESOURCE_OVERSIZED_SIZES,
    schema::SCOPE_OVERSIZED_SIZES,
];

/// Turns a batch that holds all columns but [`SPAN_COLUMNS_LEFT_OUT`] of the rows of whole traces into
/// spans, in row order.
///
/// # Errors
/// [`BlockError`] when a column has another type than this version writes, or a value is damaged.
pub fn assemble_spans(batch: &RecordBatch) -> Result<Vec<Span>, BlockError> {
    let columns = Columns::new(batch);
    let trace_ids = columns.fixed::<16>(schema::TRACE_ID)?;
    let span_ids = columns.fixed::<8>(schema::SPAN_ID)?;
    let parents = columns.parents(&span_ids)?;
    let mut spans = Vec::with_capacity(batch.num_rows());
    let mut resources = Owners::new(batch, AttributeScope::Resource);
    let mut scopes = Owners::new(batch, AttributeScope::Instrumentation);
    let span_attributes = AttributeReader::new(batch, AttributeScope::Span);
    let starts = columns.numbers::<Int64Type>(schema::START);
    let durations = columns.numbers::<Int64Type>(schema::DURATION);
    let count = |name| columns.counts(name);
    let (flags, dropped_attributes) = (count(schema::FLAGS), count(schema::DROPPED_ATTRIBUTES));
    let (dropped_events, dropped_links) =
        (count(schema::DROPPED_EVENTS), count(schema::DROPPED_LINKS));
    let (kinds, codes) = (count(schema::KIND), count(schema::STATUS_CODE));
    let names = columns.texts(schema::NAME);
    let (messages, states) =
        (columns.texts(schema::STATUS_MESSAGE), columns.texts(schema::TRACE_STATE));
    for row in 0..batch.num_rows() {
        let start = starts(row).unwrap_or_default();
        let duration = durations(row).unwrap_or_default();
        spans.push(Span {
            trace_id: TraceId(trace_ids[row]),
            span_id: SpanId(span_ids[row]),
            parent_span_id: parents[row],
            trace_state: states(row),
            flags: flags(row),
            name: names(row),
            kind: SpanKind::from_number(u8::try_from(kinds(row)).unwrap_or_default()),
            start_unix_nanos: start.cast_unsigned(),
            end_unix_nanos: start.cast_unsigned().saturating_add_signed(duration),
            attributes: span_attributes.read(row)?,
            dropped_attributes_count: dropped_attributes(row),
            events: columns.events(row, start)?,
            dropped_events_count: dropped_events(row),
            links: columns.links(row)?,
            dropped_links_count: dropped_links(row),
            status_code: StatusCode::from_number(u8::try_from(codes(row)).unwrap_or_default()),
            status_message: messages(row),
            resource: resources.get(row, |attributes, columns| Resource {
                attributes,
                dropped_attributes_count: columns.counts(schema::RESOURCE_DROPPED_ATTRIBUTES)(row),
                schema_url: columns.texts(schema::RESOURCE_SCHEMA_URL)(row),
            })?,
            scope: scopes.get(row, |attributes, columns| Scope {
                name: columns.texts(schema::SCOPE_NAME)(row),
                version: columns.texts(schema::SCOPE_VERSION)(row),
                attributes,
                dropped_attributes_count: columns.counts(schema::SCOPE_DROPPED_ATTRIBUTES)(row),
                schema_url: columns.texts(schema::SCOPE_SCHEMA_URL)(row),
            })?,
        });
    }
    Ok(spans)
}
