//! Turns changes of blocks into rows from which the Delta library makes actions of the log.
//!
//! An `add` action has no field for most numbers of a block, and the Delta library cannot write
//! `tags`, so they travel in the `stats` text under the key `spandrel`, beside the statistics of
//! the protocol. Readers skip keys that they do not know, and checkpoints keep the text as it is.

use std::sync::Arc;

use delta_kernel::EngineData;
use delta_kernel::arrow::array::{
    Array as _, ArrayRef, BooleanArray, Int64Array, MapArray, RecordBatch, StringArray,
    StructArray, UInt64Array, new_null_array,
};
use delta_kernel::arrow::buffer::OffsetBuffer;
use delta_kernel::arrow::datatypes::{DataType as ArrowType, Field, Fields, Schema as ArrowSchema};
use delta_kernel::arrow::error::ArrowError;
use delta_kernel::engine::arrow_conversion::TryIntoArrow as _;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::engine_data::FilteredEngineData;
use delta_kernel::scan::scan_row_schema;
use delta_kernel::schema::{DataType, MapType};

use crate::{BlockEntry, BlockTail, START_TIME_COLUMN};

/// The `add` actions for `entries`; `with_bounds` when the table has [`START_TIME_COLUMN`].
pub(super) fn adds(
    entries: &[BlockEntry],
    modified_unix_millis: u64,
    with_bounds: bool,
) -> Result<Box<dyn EngineData>, ArrowError> {
    let paths = StringArray::from_iter_values(entries.iter().map(|entry| &entry.path));
    let batch = RecordBatch::try_from_iter([
        ("path", Arc::new(paths) as ArrayRef),
        ("partitionValues", no_partition_values(entries.len())?),
        ("size", longs(entries, |entry| Some(entry.size_bytes))),
        ("modificationTime", longs(entries, |_| Some(modified_unix_millis))),
        ("stats", stats(entries, with_bounds)?),
    ])?;
    Ok(Box::new(ArrowEngineData::new(batch)))
}

fn stats(entries: &[BlockEntry], with_bounds: bool) -> Result<ArrayRef, ArrowError> {
    let unsigned = |value: fn(&BlockEntry) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(entries.iter().map(value)))
    };
    let received = entries.iter().map(|entry| {
        let received = entry.max_received_unix_nanos;
        (received != entry.id.unix_nanos()).then_some(received)
    });
    let received: ArrayRef = Arc::new(received.collect::<UInt64Array>());
    let of_tail = |value: fn(&BlockTail) -> u64| -> ArrayRef {
        let values = entries.iter().map(|entry| entry.tail.as_ref().map(value));
        Arc::new(values.collect::<UInt64Array>())
    };
    let numbers = structure(vec![
        ("numTraces", unsigned(|entry| entry.n_traces)),
        ("minStartUnixNanos", unsigned(|entry| entry.min_start_unix_nanos)),
        ("maxEndUnixNanos", unsigned(|entry| entry.max_end_unix_nanos)),
        ("maxTraceStartUnixNanos", unsigned(|entry| entry.max_trace_start_unix_nanos)),
        ("maxReceivedUnixNanos", received),
        ("formatVersion", unsigned(|entry| u64::from(entry.format_version))),
        ("level", unsigned(|entry| u64::from(entry.level))),
        ("tailBytes", of_tail(|tail| tail.bytes)),
        ("traceFilterBytes", of_tail(|tail| tail.trace_filter_bytes)),
    ])?;
    let mut fields =
        vec![("numRecords", longs(entries, |entry| Some(entry.n_spans))), ("spandrel", numbers)];
    if with_bounds {
        // The last end is never before any start (see `BlockEntry`), so it bounds the starts: wider
        // than needed, which `tightBounds` says.
        let lower = longs(entries, |entry| Some(entry.min_start_unix_nanos));
        let upper = longs(entries, |entry| Some(entry.max_end_unix_nanos));
        fields.push(("minValues", structure(vec![(START_TIME_COLUMN, lower)])?));
        fields.push(("maxValues", structure(vec![(START_TIME_COLUMN, upper)])?));
        let tight = BooleanArray::from(vec![false; entries.len()]);
        fields.push(("tightBounds", Arc::new(tight)));
    }
    structure(fields)
}

/// A column of the protocol's only integer type; absent where the value does not fit.
fn longs(entries: &[BlockEntry], value: impl Fn(&BlockEntry) -> Option<u64>) -> ArrayRef {
    let values =
        entries.iter().map(|entry| value(entry).and_then(|value| i64::try_from(value).ok()));
    Arc::new(values.collect::<Int64Array>())
}

fn structure(columns: Vec<(&str, ArrayRef)>) -> Result<ArrayRef, ArrowError> {
    let fields: Fields = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    Ok(Arc::new(StructArray::try_new(fields, columns, None)?))
}

/// The rows from which the Delta library makes `remove` actions for the blocks with these ids.
///
/// It expects the rows of a scan; those would need a replay of the whole log, while everything
/// that a `remove` action says is in the entries.
pub(super) fn removes(entries: &[BlockEntry]) -> Result<FilteredEngineData, ArrowError> {
    let rows = scan_rows(entries)?;
    Ok(FilteredEngineData::with_all_rows_selected(Box::new(ArrowEngineData::new(rows))))
}

fn scan_rows(entries: &[BlockEntry]) -> Result<RecordBatch, ArrowError> {
    let schema: ArrowSchema = scan_row_schema().as_ref().try_into_arrow()?;
    let columns = schema
        .fields()
        .iter()
        .map(|field| match (field.name().as_str(), field.data_type()) {
            ("path", _) => {
                Ok(Arc::new(StringArray::from_iter_values(entries.iter().map(|entry| &entry.path)))
                    as ArrayRef)
            }
            ("size", _) => Ok(longs(entries, |entry| Some(entry.size_bytes))),
            ("fileConstantValues", ArrowType::Struct(constants)) => {
                constant_values(constants, entries.len())
            }
            (_, data_type) => Ok(new_null_array(data_type, entries.len())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(Arc::new(schema), columns)
}

fn constant_values(constants: &Fields, rows: usize) -> Result<ArrayRef, ArrowError> {
    let columns = constants
        .iter()
        .map(|field| match (field.name().as_str(), field.data_type()) {
            ("partitionValues", ArrowType::Map(entries, _)) => empty_maps(entries, rows),
            (_, data_type) => Ok(new_null_array(data_type, rows)),
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(StructArray::try_new(constants.clone(), columns, None)?))
}

/// The table is not partitioned, and the protocol wants an empty map rather than none.
fn no_partition_values(rows: usize) -> Result<ArrayRef, ArrowError> {
    let map = MapType::new(DataType::STRING, DataType::STRING, true);
    let map: ArrowType = (&DataType::from(map)).try_into_arrow()?;
    match &map {
        ArrowType::Map(entries, _) => empty_maps(entries, rows),
        other => Err(ArrowError::SchemaError(format!("{other} is not a map"))),
    }
}

fn empty_maps(entries: &Arc<Field>, rows: usize) -> Result<ArrayRef, ArrowError> {
    let ArrowType::Struct(fields) = entries.data_type() else {
        return Err(ArrowError::SchemaError(format!("map entries are {}", entries.data_type())));
    };
    let none = StructArray::new_null(fields.clone(), 0);
    let offsets = OffsetBuffer::new_zeroed(rows);
    Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, none, None, false)?))
}
