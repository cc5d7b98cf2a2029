//! The exceptions among the events of the rows of a unit.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef};
use spandrel_block::{event_field, schema};
use spandrel_ingest::LiveRun;
use spandrel_model::{Attribute, AttributeValue, Span};
use spandrel_otlp::decode_key_value_list;

use super::frame::top_own_frame;
use crate::QueryError;
use crate::block_cache::Columns;
use crate::metrics::{Rows, Starts};
use crate::unit::Unit;

/// The name of an event that is an exception, by OpenTelemetry's conventions.
const NAME: &str = "exception";
/// What its attributes begin with.
const PREFIX: &str = "exception.";
/// Characters of a message that are kept.
const MESSAGE_CHARS_MAX: usize = 1000;

/// An exception, and the row of its span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) row: usize,
    pub(super) unix_nanos: i64,
    pub(super) type_name: String,
    pub(super) message: String,
    pub(super) frame: Option<String>,
}

/// The events of a unit.
pub(super) enum Events {
    Live(Arc<LiveRun>),
    Stored { lists: ArrayRef, starts: Starts, _columns: Columns },
}

impl Events {
    /// `None` when the unit has none.
    pub(super) async fn of(unit: &Unit) -> Result<Option<Self>, QueryError> {
        match unit {
            Unit::Live(run) if run.spans().events.rows.is_empty() => Ok(None),
            Unit::Live(run) => Ok(Some(Self::Live(Arc::clone(run)))),
            Unit::Block(block, row_group) => {
                let columns = block.columns(*row_group, [schema::EVENTS], None).await?;
                let Some(columns) = columns else { return Ok(None) };
                let lists = columns.column_by_name(schema::EVENTS).cloned();
                let Some(lists) = lists else { return Ok(None) };
                let starts = Starts::of(unit).await?;
                Ok(Some(Self::Stored { lists, starts, _columns: columns }))
            }
        }
    }

    /// Those of some rows that are exceptions.
    pub(super) fn exceptions(&self, rows: &Rows) -> Result<Vec<Found>, QueryError> {
        match self {
            Self::Live(run) => of_run(run, rows),
            Self::Stored { lists, starts, .. } => of_lists(lists, starts, rows),
        }
    }
}

fn of_run(run: &LiveRun, rows: &Rows) -> Result<Vec<Found>, QueryError> {
    let events = &run.spans().events;
    let mut found = Vec::new();
    let times = events.rows.iter().zip(&events.time_unix_nanos);
    let codes = events.names.iter().zip(&events.attributes);
    for ((row, nanos), (name, attributes)) in times.zip(codes) {
        let row = *row as usize;
        if !rows.contains(row) {
            continue;
        }
        let list = events.attribute_lists.get(*attributes);
        let name = events.name_dictionary.get(*name);
        found.extend(of_list(row, nanos.cast_signed(), name, list)?);
    }
    Ok(found)
}

fn of_lists(lists: &ArrayRef, starts: &Starts, rows: &Rows) -> Result<Vec<Found>, QueryError> {
    let mut found = Vec::new();
    let Some(lists) = lists.as_list_opt::<i32>() else { return Ok(found) };
    let Some(elements) = lists.values().as_struct_opt() else { return Ok(found) };
    let field = |name| elements.column_by_name(name);
    let names = field(event_field::NAME).and_then(|names| names.as_string_opt::<i32>());
    let attributes = field(event_field::ATTRIBUTES).and_then(|lists| lists.as_binary_opt::<i32>());
    let offsets =
        field(event_field::TIME_OFFSET).and_then(|times| times.as_primitive_opt::<Int64Type>());
    for row in rows.iter().filter(|row| *row < lists.len() && lists.is_valid(*row)) {
        let (from, to) =
            (lists.value_offsets()[row] as usize, lists.value_offsets()[row + 1] as usize);
        let start = starts.nanos.get(row).copied().unwrap_or_default();
        for event in from..to {
            let name = names.filter(|names| names.is_valid(event)).map(|names| names.value(event));
            let list = attributes.filter(|lists| lists.is_valid(event));
            let list = list.map(|lists| lists.value(event)).unwrap_or_default();
            let offset =
                offsets.filter(|times| times.is_valid(event)).map(|times| times.value(event));
            let nanos = start.saturating_add(offset.unwrap_or_default());
            found.extend(of_list(row, nanos, name.unwrap_or_default(), list)?);
        }
    }
    Ok(found)
}

/// The exception that an event with these encoded attributes is, if it is one.
fn of_list(
    row: usize,
    unix_nanos: i64,
    name: &str,
    list: &[u8],
) -> Result<Option<Found>, QueryError> {
    // Looking for the bytes first spares decoding most lists.
    let has_prefix = || list.windows(PREFIX.len()).any(|bytes| bytes == PREFIX.as_bytes());
    if name != NAME && !has_prefix() {
        return Ok(None);
    }
    Ok(of_attributes(row, unix_nanos, name, &decode_key_value_list(list)?))
}

fn of_attributes(
    row: usize,
    unix_nanos: i64,
    name: &str,
    attributes: &[Attribute],
) -> Option<Found> {
    let text = |key: &str| {
        let found = attributes.iter().rfind(|attribute| attribute.key == key)?;
        match &found.value {
            AttributeValue::String(text) => Some(text.as_str()),
            _ => None,
        }
    };
    let (type_name, message) = (text("exception.type"), text("exception.message"));
    if name != NAME && type_name.is_none() && message.is_none() {
        return None;
    }
    Some(Found {
        row,
        unix_nanos,
        type_name: type_name.unwrap_or_default().to_owned(),
        message: message.unwrap_or_default().chars().take(MESSAGE_CHARS_MAX).collect(),
        frame: text("exception.stacktrace").and_then(top_own_frame),
    })
}

/// The exceptions of a span, as its events have them.
pub(super) fn of_span(row: usize, span: &Span) -> impl Iterator<Item = Found> {
    span.events.iter().filter_map(move |event| {
        of_attributes(row, event.time_unix_nanos.cast_signed(), &event.name, &event.attributes)
    })
}
