//! Rows back to a run: Arrow columns into [`SpanColumns`], column by column, without spans in between.
//!
//! Texts stay codes, attribute columns become sparse columns, and each distinct resource and scope is built
//! once. What comes out can be appended to other runs and written again; the derived columns are not looked
//! at, because writing computes them. The attributes of resources and scopes come in the order of their
//! keys, so that equal ones out of different blocks are one in the tables.

mod attributes;
mod lists;
mod owners;
mod values;

use arrow_array::RecordBatch;
use arrow_array::types::{Int32Type, Int64Type};
use spandrel_columns::{SpanColumns, Sparse, StringColumn};
use spandrel_model::{AttributeScope, Resource, Scope, SpanId, TraceId};

use crate::error::BlockError;
use crate::schema;
use owners::Owners;
use values::{counts, fixed, numbers, strings};

/// Turns a batch that holds all columns but [`super::SPAN_COLUMNS_LEFT_OUT`] of the rows of whole traces
/// into a run with the same rows.
///
/// # Errors
/// [`BlockError`] when a column has another type than this version writes, or a value is damaged.
pub fn read_run(batch: &RecordBatch) -> Result<SpanColumns, BlockError> {
    let trace_ids = fixed::<16>(batch, schema::TRACE_ID)?;
    let trace_ids = required(schema::TRACE_ID, trace_ids, batch)?.map(TraceId).collect();
    run_of(trace_ids, batch)
}

/// The same of rows of one trace, whose id is known and not looked for in the batch: the dictionary with the ids of all
/// traces of a block is among its largest.
///
/// # Errors
/// As [`read_run`].
pub fn read_run_of_trace(
    trace_id: TraceId,
    batch: &RecordBatch,
) -> Result<SpanColumns, BlockError> {
    run_of(vec![trace_id; batch.num_rows()], batch)
}

fn run_of(trace_ids: Vec<TraceId>, batch: &RecordBatch) -> Result<SpanColumns, BlockError> {
    let mut spans = SpanColumns { trace_ids, ..SpanColumns::default() };
    let span_ids = fixed::<8>(batch, schema::SPAN_ID)?;
    spans.span_ids = required(schema::SPAN_ID, span_ids, batch)?.map(SpanId).collect();
    spans.parent_span_ids = parents(batch, &spans.span_ids)?;
    let starts = numbers::<Int64Type>(batch, schema::START)?;
    spans.start_unix_nanos = required(schema::START, starts, batch)?.collect();
    let durations = numbers::<Int64Type>(batch, schema::DURATION)?;
    spans.duration_nanos = required(schema::DURATION, durations, batch)?.collect();
    spans.kinds = small_numbers(batch, schema::KIND, 5)?;
    spans.status_codes = small_numbers(batch, schema::STATUS_CODE, 2)?;
    let StringColumn { dictionary, codes } = strings(batch, schema::NAME)?;
    spans.name_dictionary = dictionary;
    spans.names = required(schema::NAME, codes, batch)?.collect();
    spans.status_messages = strings(batch, schema::STATUS_MESSAGE)?;
    spans.trace_states = strings(batch, schema::TRACE_STATE)?;
    spans.flags = counts(batch, schema::FLAGS)?;
    spans.dropped.attributes = counts(batch, schema::DROPPED_ATTRIBUTES)?;
    spans.dropped.events = counts(batch, schema::DROPPED_EVENTS)?;
    spans.dropped.links = counts(batch, schema::DROPPED_LINKS)?;
    read_owners(batch, &mut spans)?;
    attributes::read(batch, &mut spans.attributes)?;
    lists::read_events(batch, &spans.start_unix_nanos, &mut spans.events)?;
    lists::read_links(batch, &mut spans.links)?;
    Ok(spans)
}

/// The values of a column that has one in every row.
fn required<T>(
    name: &str,
    column: Sparse<T>,
    batch: &RecordBatch,
) -> Result<impl Iterator<Item = T>, BlockError> {
    if column.rows.len() == batch.num_rows() {
        Ok(column.values.into_iter())
    } else {
        Err(BlockError::column(name, "lacks values"))
    }
}

/// Numbers of an enum; those above `max` are 0.
fn small_numbers(batch: &RecordBatch, name: &str, max: u8) -> Result<Vec<u8>, BlockError> {
    let numbers = required(name, numbers::<Int32Type>(batch, name)?, batch)?;
    let known = |number: i32| u8::try_from(number).ok().filter(|number| *number <= max);
    Ok(numbers.map(|number| known(number).unwrap_or_default()).collect())
}

fn parents(batch: &RecordBatch, span_ids: &[SpanId]) -> Result<Vec<SpanId>, BlockError> {
    let name = schema::PARENT_ROW_OFFSET;
    let offsets = required(name, numbers::<Int32Type>(batch, name)?, batch)?;
    let parents = offsets.enumerate().map(|(row, offset)| match offset {
        0 => Some(SpanId::default()),
        offset => row.checked_sub(offset.cast_unsigned() as usize).map(|row| span_ids[row]),
    });
    let parents: Option<Vec<_>> = parents.collect();
    let mut parents = parents.ok_or_else(|| BlockError::column(name, "points before the trace"))?;
    let missing = fixed::<8>(batch, schema::PARENT_SPAN_ID)?;
    for (row, id) in missing.rows.into_iter().zip(missing.values) {
        if parents[row as usize].is_zero() {
            parents[row as usize] = SpanId(id);
        }
    }
    Ok(parents)
}

fn read_owners(batch: &RecordBatch, spans: &mut SpanColumns) -> Result<(), BlockError> {
    let resources = Owners::new(batch, AttributeScope::Resource)?;
    let table = &mut spans.resource_table;
    spans.resources = resources.intern(table, |attributes, row| {
        Ok(Resource {
            attributes,
            dropped_attributes_count: row.count(schema::RESOURCE_DROPPED_ATTRIBUTES),
            schema_url: row.text(schema::RESOURCE_SCHEMA_URL),
        })
    })?;
    let scopes = Owners::new(batch, AttributeScope::Instrumentation)?;
    let table = &mut spans.scope_table;
    spans.scopes = scopes.intern(table, |attributes, row| {
        Ok(Scope {
            name: row.text(schema::SCOPE_NAME),
            version: row.text(schema::SCOPE_VERSION),
            attributes,
            dropped_attributes_count: row.count(schema::SCOPE_DROPPED_ATTRIBUTES),
            schema_url: row.text(schema::SCOPE_SCHEMA_URL),
        })
    })?;
    Ok(())
}
