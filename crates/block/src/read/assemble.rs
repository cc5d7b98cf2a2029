//! Rows back to spans.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use hashbrown::HashMap;
use spandrel_model::{
    Attribute, AttributeScope, AttributeValue, Event, Link, Resource, Scope, Span, SpanId, SpanKind,
    StatusCode, TraceId,
};
use spandrel_otlp::decode_key_value_list;

use crate::error::BlockError;
use crate::lists::{event_field, link_field};
use crate::schema::{self, AttributeType, parse_attribute_column, residual_column};

/// Columns that a span does not need.
pub const SPAN_COLUMNS_LEFT_OUT: [&str; 8] = [
    schema::SUBTREE_ROWS,
    schema::DEPTH,
    schema::ROOT_NAME,
    schema::ROOT_SERVICE,
    schema::TRACE_DURATION,
    schema::CHILD_TIME,
    schema::CRITICAL_TIME,
    schema::ERROR_ORIGIN,
];

/// Turns a batch that holds all columns but [`SPAN_COLUMNS_LEFT_OUT`] of the rows of whole traces into
/// spans, in row order.
///
/// # Errors
/// [`BlockError`] when a column has another type than this version writes, or a value is damaged.
pub fn assemble_spans(batch: &RecordBatch) -> Result<Vec<Span>, BlockError> {
    let columns = Columns { batch };
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
        let end = start.wrapping_add(durations(row).unwrap_or_default());
        spans.push(Span {
            trace_id: TraceId(trace_ids[row]),
            span_id: SpanId(span_ids[row]),
            parent_span_id: parents[row],
            trace_state: states(row),
            flags: flags(row),
            name: names(row),
            kind: SpanKind::from_number(u8::try_from(kinds(row)).unwrap_or_default()),
            start_unix_nanos: start.cast_unsigned(),
            end_unix_nanos: end.cast_unsigned(),
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

/// Typed access to the columns of a batch or of a list's elements; missing columns read as null.
struct Columns<'a> {
    batch: &'a RecordBatch,
}

impl Columns<'_> {
    fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.batch.column_by_name(name)
    }

    fn fixed<const N: usize>(&self, name: &str) -> Result<Vec<[u8; N]>, BlockError> {
        let column = self.column(name).ok_or_else(|| BlockError::column(name, "is missing"))?;
        fixed_values(name, column)
    }

    fn numbers<T: ArrowPrimitiveType>(
        &self,
        name: &str,
    ) -> impl Fn(usize) -> Option<T::Native> + use<T> {
        let column = self.column(name).and_then(|column| column.as_primitive_opt::<T>().cloned());
        move |row| column.as_ref().filter(|column| column.is_valid(row)).map(|column| column.value(row))
    }

    fn counts(&self, name: &str) -> impl Fn(usize) -> u32 + use<> {
        let numbers = self.numbers::<Int32Type>(name);
        move |row| numbers(row).unwrap_or_default().cast_unsigned()
    }

    fn texts(&self, name: &str) -> impl Fn(usize) -> String + use<> {
        let column = self.column(name).cloned();
        move |row| {
            let text = column.as_ref().and_then(|column| text_at(column, row));
            text.unwrap_or_default().to_owned()
        }
    }

    fn parents(&self, span_ids: &[[u8; 8]]) -> Result<Vec<Option<SpanId>>, BlockError> {
        let offsets = self.counts(schema::PARENT_ROW_OFFSET);
        let missing = self.column(schema::PARENT_SPAN_ID);
        (0..span_ids.len())
            .map(|row| {
                let offset = offsets(row) as usize;
                if offset > 0 {
                    let parent = row.checked_sub(offset).map(|parent| SpanId(span_ids[parent]));
                    return parent.map(Some).ok_or_else(|| {
                        BlockError::column(schema::PARENT_ROW_OFFSET, "points before the trace")
                    });
                }
                let parent = missing.and_then(|column| fixed_at(column, row));
                Ok(parent.map(SpanId))
            })
            .collect()
    }

    /// The elements of a list column in a row.
    fn elements(&self, name: &str, row: usize) -> Result<Option<StructArray>, BlockError> {
        let Some(column) = self.column(name) else { return Ok(None) };
        let list = column
            .as_list_opt::<i32>()
            .ok_or_else(|| BlockError::column(name, "is not a list"))?;
        if list.is_null(row) {
            return Ok(None);
        }
        let elements = list.value(row);
        let elements = elements.as_struct_opt();
        Ok(Some(elements.ok_or_else(|| BlockError::column(name, "is not a list of structs"))?.clone()))
    }

    fn events(&self, row: usize, start: i64) -> Result<Vec<Event>, BlockError> {
        let Some(elements) = self.elements(schema::EVENTS, row)? else { return Ok(Vec::new()) };
        let batch = RecordBatch::from(elements);
        let fields = Columns { batch: &batch };
        let offsets = fields.numbers::<Int64Type>(event_field::TIME_OFFSET);
        let names = fields.texts(event_field::NAME);
        let dropped = fields.counts(event_field::DROPPED_ATTRIBUTES);
        (0..batch.num_rows())
            .map(|i| {
                let time = start.wrapping_add(offsets(i).unwrap_or_default());
                Ok(Event {
                    time_unix_nanos: time.cast_unsigned(),
                    name: names(i),
                    attributes: attribute_list(fields.column(event_field::ATTRIBUTES), i)?,
                    dropped_attributes_count: dropped(i),
                })
            })
            .collect()
    }

    fn links(&self, row: usize) -> Result<Vec<Link>, BlockError> {
        let Some(elements) = self.elements(schema::LINKS, row)? else { return Ok(Vec::new()) };
        let batch = RecordBatch::from(elements);
        let fields = Columns { batch: &batch };
        let trace_ids = fields.fixed::<16>(link_field::TRACE_ID)?;
        let span_ids = fields.fixed::<8>(link_field::SPAN_ID)?;
        let states = fields.texts(link_field::TRACE_STATE);
        let flags = fields.counts(link_field::FLAGS);
        let dropped = fields.counts(link_field::DROPPED_ATTRIBUTES);
        (0..batch.num_rows())
            .map(|i| {
                Ok(Link {
                    trace_id: TraceId(trace_ids[i]),
                    span_id: SpanId(span_ids[i]),
                    trace_state: states(i),
                    flags: flags(i),
                    attributes: attribute_list(fields.column(link_field::ATTRIBUTES), i)?,
                    dropped_attributes_count: dropped(i),
                })
            })
            .collect()
    }
}

fn fixed_at<const N: usize>(column: &ArrayRef, row: usize) -> Option<[u8; N]> {
    let column = column.as_fixed_size_binary_opt()?;
    if column.is_null(row) {
        return None;
    }
    column.value(row).try_into().ok()
}

fn fixed_values<const N: usize>(name: &str, column: &ArrayRef) -> Result<Vec<[u8; N]>, BlockError> {
    let values = (0..column.len()).map(|row| fixed_at(column, row));
    values.collect::<Option<_>>().ok_or_else(|| BlockError::column(name, "has null or odd values"))
}

fn text_at(column: &ArrayRef, row: usize) -> Option<&str> {
    if column.is_null(row) {
        return None;
    }
    match column.as_dictionary_opt::<Int32Type>() {
        Some(dictionary) => {
            let values = dictionary.values().as_string_opt::<i32>()?;
            dictionary.key(row).map(|key| values.value(key))
        }
        None => column.as_string_opt::<i32>().map(|column| column.value(row)),
    }
}

fn attribute_list(column: Option<&ArrayRef>, row: usize) -> Result<Vec<Attribute>, BlockError> {
    let bytes = column.and_then(|column| column.as_binary_opt::<i32>());
    let Some(bytes) = bytes.filter(|column| column.is_valid(row)) else { return Ok(Vec::new()) };
    decode_key_value_list(bytes.value(row))
        .map_err(|source| BlockError::Attributes { row: row as u32, source })
}

/// The attributes of one owner.
struct AttributeReader<'a> {
    columns: Vec<(&'a str, AttributeType, &'a ArrayRef)>,
    residual: Option<&'a ArrayRef>,
}

impl<'a> AttributeReader<'a> {
    fn new(batch: &'a RecordBatch, owner: AttributeScope) -> Self {
        let fields = batch.schema_ref().fields().iter().zip(batch.columns());
        let columns = fields.filter_map(|(field, column)| {
            let (scope, key, kind) = parse_attribute_column(field.name())?;
            (scope == owner).then_some((key, kind, column))
        });
        Self {
            columns: columns.collect(),
            residual: batch.column_by_name(residual_column(owner)),
        }
    }

    fn read(&self, row: usize) -> Result<Vec<Attribute>, BlockError> {
        let mut attributes = Vec::new();
        for &(key, kind, column) in &self.columns {
            if column.is_null(row) {
                continue;
            }
            let value = match kind {
                AttributeType::String => {
                    text_at(column, row).map(|text| AttributeValue::String(text.to_owned()))
                }
                AttributeType::Int => {
                    column.as_primitive_opt::<Int64Type>().map(|c| AttributeValue::Int(c.value(row)))
                }
                AttributeType::Double => column
                    .as_primitive_opt::<Float64Type>()
                    .map(|c| AttributeValue::Double(c.value(row))),
                AttributeType::Bool => {
                    column.as_boolean_opt().map(|c| AttributeValue::Bool(c.value(row)))
                }
            };
            let value = value.ok_or_else(|| BlockError::column(key, "has an unexpected type"))?;
            attributes.push(Attribute { key: key.to_owned(), value });
        }
        attributes.extend(attribute_list(self.residual, row)?);
        Ok(attributes)
    }

    /// What distinguishes the owner of this row from others: codes and values of all its columns.
    fn identity(&self, row: usize) -> Vec<u8> {
        let mut identity = Vec::new();
        for &(_, kind, column) in &self.columns {
            identity.push(u8::from(column.is_valid(row)));
            if column.is_null(row) {
                continue;
            }
            let bits = match kind {
                AttributeType::String => {
                    let codes = column.as_dictionary_opt::<Int32Type>();
                    codes.and_then(|codes| codes.key(row)).unwrap_or_default() as u64
                }
                AttributeType::Int => {
                    let numbers = column.as_primitive_opt::<Int64Type>();
                    numbers.map_or(0, |numbers| numbers.value(row).cast_unsigned())
                }
                AttributeType::Double => {
                    let numbers = column.as_primitive_opt::<Float64Type>();
                    numbers.map_or(0, |numbers| numbers.value(row).to_bits())
                }
                AttributeType::Bool => {
                    u64::from(column.as_boolean_opt().is_some_and(|truths| truths.value(row)))
                }
            };
            identity.extend_from_slice(&bits.to_le_bytes());
        }
        let residual = self.residual.and_then(|column| column.as_binary_opt::<i32>());
        if let Some(residual) = residual.filter(|column| column.is_valid(row)) {
            identity.extend_from_slice(residual.value(row));
        }
        identity
    }
}

/// Resources or scopes, shared by the rows that have the same one.
struct Owners<'a, T> {
    batch: &'a RecordBatch,
    reader: AttributeReader<'a>,
    /// The owner's own columns besides attributes.
    columns: Vec<&'a ArrayRef>,
    known: HashMap<Vec<u8>, Arc<T>>,
}

impl<'a, T> Owners<'a, T> {
    fn new(batch: &'a RecordBatch, scope: AttributeScope) -> Self {
        let names: &[&str] = match scope {
            AttributeScope::Resource => {
                &[schema::RESOURCE_SCHEMA_URL, schema::RESOURCE_DROPPED_ATTRIBUTES]
            }
            _ => &[
                schema::SCOPE_NAME,
                schema::SCOPE_VERSION,
                schema::SCOPE_SCHEMA_URL,
                schema::SCOPE_DROPPED_ATTRIBUTES,
            ],
        };
        let columns = names.iter().filter_map(|name| batch.column_by_name(name)).collect();
        let reader = AttributeReader::new(batch, scope);
        Self { batch, reader, columns, known: HashMap::new() }
    }

    fn get(
        &mut self,
        row: usize,
        build: impl FnOnce(Vec<Attribute>, &Columns<'_>) -> T,
    ) -> Result<Arc<T>, BlockError> {
        let mut identity = self.reader.identity(row);
        for column in &self.columns {
            let number = column.as_primitive_opt::<Int32Type>().filter(|c| c.is_valid(row));
            let number = number.map_or(0, |column| column.value(row));
            identity.extend_from_slice(&number.to_le_bytes());
            identity.extend_from_slice(text_at(column, row).unwrap_or_default().as_bytes());
            identity.push(0xff);
        }
        if let Some(owner) = self.known.get(&identity) {
            return Ok(Arc::clone(owner));
        }
        let owner = Arc::new(build(self.reader.read(row)?, &Columns { batch: self.batch }));
        self.known.insert(identity, Arc::clone(&owner));
        Ok(owner)
    }
}
