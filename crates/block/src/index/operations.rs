//! The operation directory: how often each operation of each service ran, how often it failed and
//! how long it took, without reading a row.
//!
//! At most [`OPERATIONS_MAX`] operations are listed. When a block has more, the rarest are folded
//! into one entry for each service, which has no name: services and sums stay exact, the list of
//! names does not, and [`OperationDirectory::is_complete`] says so. Entries stand in the order of
//! (service, name, kind); no service before all services, no name before all names.

use std::sync::Arc;

use spandrel_model::SpanKind;

use super::strings::{StringTable, StringTableBuilder};
use super::wire::{Cursor, put_count, put_varint};
use super::{DurationSketch, IndexError};

/// How many operations with a name are listed.
pub const OPERATIONS_MAX: usize = 20_000;

/// Least bytes of an operation: service, name, kind, three counts, and an empty sketch.
const OPERATION_BYTES_MIN: usize = 7;

/// An operation of a service, or what is left of one service's rarest operations.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The service; `None` when the resource names none.
    pub service: Option<Arc<str>>,
    /// The span name; `None` in the entry that sums the operations that are not listed.
    pub name: Option<Arc<str>>,
    /// The span kind; unspecified when there is no name.
    pub kind: SpanKind,
    /// The figures.
    pub stats: OperationStats,
}

impl Operation {
    pub(super) fn sort_key(&self) -> (Option<&str>, Option<&str>, SpanKind) {
        (self.service.as_deref(), self.name.as_deref(), self.kind)
    }
}

/// Figures of a set of spans; mergeable.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperationStats {
    /// Spans.
    pub n_spans: u64,
    /// Spans with status error.
    pub n_errors: u64,
    /// Spans without a parent.
    pub n_roots: u64,
    /// How long the spans took.
    pub durations: DurationSketch,
}

impl OperationStats {
    /// Counts one span.
    pub fn record(&mut self, duration_nanos: u64, is_error: bool, is_root: bool) {
        self.n_spans += 1;
        self.n_errors += u64::from(is_error);
        self.n_roots += u64::from(is_root);
        self.durations.record(duration_nanos);
    }

    /// Counts all spans of `other` too.
    pub fn merge(&mut self, other: &Self) {
        self.n_spans = self.n_spans.saturating_add(other.n_spans);
        self.n_errors = self.n_errors.saturating_add(other.n_errors);
        self.n_roots = self.n_roots.saturating_add(other.n_roots);
        self.durations.merge(&other.durations);
    }
}

/// All operations of the block's spans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperationDirectory {
    operations: Vec<Operation>,
}

impl OperationDirectory {
    /// The directory of operations that are all different.
    pub(super) fn new(mut operations: Vec<Operation>) -> Self {
        operations.sort_unstable_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        Self { operations }
    }

    /// All operations, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Whether every operation of the block is listed by its name.
    pub fn is_complete(&self) -> bool {
        self.operations.iter().all(|operation| operation.name.is_some())
    }

    /// The services of the block, each once, in order; always complete.
    pub fn services(&self) -> impl Iterator<Item = Option<&Arc<str>>> {
        self.operations
            .chunk_by(|a, b| a.service == b.service)
            .filter_map(|run| run.first().map(|operation| operation.service.as_ref()))
    }

    /// The operations of one service, in order; empty when the block does not have it.
    pub fn of_service(&self, service: Option<&str>) -> &[Operation] {
        let from = self.operations.partition_point(|op| op.service.as_deref() < service);
        let rest = self.operations.get(from..).unwrap_or_default();
        let n = rest.partition_point(|op| op.service.as_deref() == service);
        rest.get(..n).unwrap_or_default()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut strings = StringTableBuilder::default();
        let mut body = Vec::new();
        for operation in &self.operations {
            for text in [&operation.service, &operation.name] {
                let code = text.as_ref().map_or(0, |text| u64::from(strings.code(text)) + 1);
                put_varint(&mut body, code);
            }
            body.push(operation.kind as u8);
            put_varint(&mut body, operation.stats.n_spans);
            put_varint(&mut body, operation.stats.n_errors);
            put_varint(&mut body, operation.stats.n_roots);
            operation.stats.durations.encode(&mut body);
        }
        strings.finish().encode(out);
        put_count(out, self.operations.len());
        out.extend_from_slice(&body);
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, IndexError> {
        let strings = StringTable::decode(cursor)?;
        let count = cursor.count(OPERATION_BYTES_MIN)?;
        let operations = cursor.column(count, |cursor| decode_operation(cursor, &strings))?;
        if !operations.is_sorted_by(|a, b| a.sort_key() < b.sort_key()) {
            return Err(cursor.corrupt("operations are out of order"));
        }
        Ok(Self { operations })
    }
}

fn decode_operation(
    cursor: &mut Cursor<'_>,
    strings: &StringTable,
) -> Result<Operation, IndexError> {
    let mut text = || match cursor.varint_u32()?.checked_sub(1) {
        None => Ok(None),
        Some(code) => match strings.get(code) {
            Some(text) => Ok(Some(text.clone())),
            None => Err(cursor.corrupt("code without a text")),
        },
    };
    let (service, name) = (text()?, text()?);
    let kind = SpanKind::from_number(cursor.u8()?);
    let n_spans = cursor.varint()?;
    let n_errors = cursor.varint()?;
    let n_roots = cursor.varint()?;
    let durations = DurationSketch::decode(cursor)?;
    let stats = OperationStats { n_spans, n_errors, n_roots, durations };
    Ok(Operation { service, name, kind, stats })
}
