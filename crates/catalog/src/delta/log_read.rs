//! Reads the blocks and application ids out of the Delta log.
//!
//! The numbers of a block that the protocol has no field for are in the `stats` text of its `add`
//! action under the key `spandrel`; `log_write` says why.

use std::collections::BTreeMap;
use std::sync::Arc;

use delta_kernel::arrow::array::{
    Array as _, AsArray as _, Int64Array, RecordBatch, StringArray, StructArray,
};
use delta_kernel::arrow::datatypes::Int64Type;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::schema::{DataType, SchemaRef, StructField, StructType};
use delta_kernel::{EngineData, KernelError};
use serde::Deserialize;

use crate::{BlockEntry, BlockTail, CatalogError, CatalogSnapshot};

/// What the `stats` text of our `add` actions holds; see `docs/formats/catalog.md`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    num_records: u64,
    spandrel: BlockNumbers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockNumbers {
    num_traces: u64,
    min_start_unix_nanos: u64,
    max_end_unix_nanos: u64,
    max_trace_start_unix_nanos: u64,
    max_received_unix_nanos: Option<u64>,
    format_version: u16,
    level: u8,
    tail_bytes: Option<u64>,
    trace_filter_bytes: Option<u64>,
}

/// One change that the log makes to the table.
pub(super) enum Action {
    Add(BlockEntry),
    /// Adds a file that is not a block of ours.
    AddForeign {
        path: String,
        reason: String,
    },
    Remove {
        path: String,
    },
    Application {
        application: String,
        sequence: i64,
    },
}

/// Applies `actions`, oldest first.
///
/// A foreign file is an error only if it is still there at the end: who put it in by mistake can
/// take it out again.
pub(super) fn apply(
    actions: impl IntoIterator<Item = Action>,
    catalog: &mut CatalogSnapshot,
) -> Result<(), CatalogError> {
    let mut foreign = BTreeMap::new();
    for action in actions {
        match action {
            Action::Add(entry) => {
                catalog.blocks.insert(entry.id, Arc::new(entry));
            }
            Action::AddForeign { path, reason } => {
                foreign.insert(path, reason);
            }
            Action::Remove { path } => {
                foreign.remove(&path);
                if let Some(id) = BlockEntry::id_in_path(&path) {
                    catalog.blocks.remove(&id);
                }
            }
            Action::Application { application, sequence } => {
                catalog.application_ids.insert(application, sequence);
            }
        }
    }
    match foreign.pop_first() {
        Some((path, reason)) => Err(CatalogError::ForeignFile { path, reason }),
        None => Ok(()),
    }
}

/// The fields of the log that [`read`] wants; everything else is skipped by the parsers.
pub(super) fn read_schema() -> Result<SchemaRef, CatalogError> {
    let nullable = |name: &str, data_type: DataType| StructField::nullable(name, data_type);
    let action = |name: &str, fields: Vec<StructField>| {
        StructType::try_new(fields).map(|action| StructField::nullable(name, action))
    };
    let actions = [
        action(
            "add",
            vec![
                nullable("path", DataType::STRING),
                nullable("size", DataType::LONG),
                nullable("stats", DataType::STRING),
            ],
        ),
        action("remove", vec![nullable("path", DataType::STRING)]),
        action(
            "txn",
            vec![nullable("appId", DataType::STRING), nullable("version", DataType::LONG)],
        ),
    ];
    actions
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
        .and_then(StructType::try_new)
        .map(Arc::new)
        .map_err(|err| CatalogError::from_kernel("build the schema of the log", err))
}

/// The actions in a batch that was read with [`read_schema`], in the order of the log.
pub(super) fn read(batch: Box<dyn EngineData>) -> Result<Vec<Action>, CatalogError> {
    let batch = ArrowEngineData::try_from_engine_data(batch)
        .map_err(|err| CatalogError::from_kernel("read the log", err))?;
    let batch = batch.record_batch();
    let add = Columns::of(batch, "add")?;
    let (paths, sizes, stats) = (add.text("path")?, add.number("size")?, add.text("stats")?);
    let remove = Columns::of(batch, "remove")?;
    let removed_paths = remove.text("path")?;
    let txn = Columns::of(batch, "txn")?;
    let (applications, sequences) = (txn.text("appId")?, txn.number("version")?);

    let mut actions = Vec::new();
    for row in 0..batch.num_rows() {
        if add.is_present(row) {
            let path = present(paths, row).unwrap_or_default();
            let size = sizes.is_valid(row).then(|| sizes.value(row));
            let parsed = parse_entry(path, size, present(stats, row));
            actions.push(
                parsed
                    .unwrap_or_else(|reason| Action::AddForeign { path: path.to_owned(), reason }),
            );
        }
        if let (true, Some(path)) = (remove.is_present(row), present(removed_paths, row)) {
            let path = path.to_owned();
            actions.push(Action::Remove { path });
        }
        if let (true, Some(application)) = (txn.is_present(row), present(applications, row)) {
            actions.push(Action::Application {
                application: application.to_owned(),
                sequence: sequences.value(row),
            });
        }
    }
    Ok(actions)
}

fn present(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// One kind of action in a batch.
struct Columns<'a>(&'a StructArray);

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch, name: &str) -> Result<Self, CatalogError> {
        let column = batch.column_by_name(name);
        column
            .and_then(|column| column.as_struct_opt())
            .map(Self)
            .ok_or_else(|| unexpected_batch(name))
    }

    fn is_present(&self, row: usize) -> bool {
        self.0.is_valid(row)
    }

    fn text(&self, name: &str) -> Result<&'a StringArray, CatalogError> {
        let column = self.0.column_by_name(name);
        column
            .and_then(|column| column.as_string_opt::<i32>())
            .ok_or_else(|| unexpected_batch(name))
    }

    fn number(&self, name: &str) -> Result<&'a Int64Array, CatalogError> {
        let column = self.0.column_by_name(name);
        column
            .and_then(|column| column.as_primitive_opt::<Int64Type>())
            .ok_or_else(|| unexpected_batch(name))
    }
}

fn unexpected_batch(name: &str) -> CatalogError {
    let err = KernelError::missing_column(name);
    CatalogError::from_kernel("read the log", err)
}

fn parse_entry(path: &str, size: Option<i64>, stats: Option<&str>) -> Result<Action, String> {
    let id = BlockEntry::id_in_path(path).ok_or("its name is not a block id")?;
    let size_bytes = size.and_then(|size| u64::try_from(size).ok()).ok_or("it has no size")?;
    let stats: Stats = serde_json::from_str(stats.ok_or("it has no stats")?)
        .map_err(|err| format!("its stats lack our numbers ({err})"))?;
    let received = stats.spandrel.max_received_unix_nanos;
    let tail = stats.spandrel.tail_bytes.zip(stats.spandrel.trace_filter_bytes);
    let tail = tail.map(|(bytes, trace_filter_bytes)| BlockTail { bytes, trace_filter_bytes });
    Ok(Action::Add(BlockEntry {
        id,
        path: path.to_owned(),
        size_bytes,
        n_spans: stats.num_records,
        n_traces: stats.spandrel.num_traces,
        min_start_unix_nanos: stats.spandrel.min_start_unix_nanos,
        max_end_unix_nanos: stats.spandrel.max_end_unix_nanos,
        max_trace_start_unix_nanos: stats.spandrel.max_trace_start_unix_nanos,
        max_received_unix_nanos: received.unwrap_or_else(|| id.unix_nanos()),
        format_version: stats.spandrel.format_version,
        level: stats.spandrel.level,
        // It is only good for knowing what to read first, so one that cannot be true is not an error.
        tail: tail.filter(|tail| tail.fits(size_bytes)),
    }))
}
