//! Columns of a row group.

use std::sync::Arc;

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, Int64Array};
use spandrel_block::index::TypeSummary;
use spandrel_block::schema::{self, AttributeType, attribute_column, residual_column};
use spandrel_model::AttributeScope;
use spandrel_otlp::decode_key_value_list;
use spandrel_trace_values::{Shape, find_attribute};
use spandrel_traceql::{Attribute, Intrinsic, Scope, Static};

use super::PartialTrace;
use super::events::Elements;
use crate::QueryError;
use crate::block_cache::{Columns, OpenBlock};
use crate::filter::{Layer, Leaf, LeafColumn, Meaning, RowMask};

/// Reads columns of one row group.
pub(super) struct Reader<'a> {
    pub(super) block: &'a OpenBlock,
    pub(super) row_group: usize,
    /// The only condition that the values are for, if so: it may not need all of them.
    pub(super) leaf: Option<&'a Leaf>,
}

/// The values of an attribute in all rows of a row group, as far as the leaf needs them.
pub(super) async fn column(
    block: &OpenBlock,
    row_group: usize,
    attribute: &Attribute,
    leaf: Option<&Leaf>,
) -> Result<LeafColumn, QueryError> {
    let reader = Reader { block, row_group, leaf };
    let n_rows = block.file.row_group_rows(row_group).len();
    let nil = |layers| LeafColumn { n_rows, layers, absent: Static::Nil };
    Ok(match attribute {
        Attribute::Scoped { parent: true, .. } => nil(Vec::new()),
        Attribute::Scoped { scope, name, .. } => match scope {
            Scope::None => {
                let span = reader.attribute(AttributeScope::Span, name).await?;
                nil(vec![span, reader.attribute(AttributeScope::Resource, name).await?])
            }
            Scope::Span => nil(vec![reader.attribute(AttributeScope::Span, name).await?]),
            Scope::Resource => nil(vec![reader.attribute(AttributeScope::Resource, name).await?]),
            Scope::Instrumentation => {
                nil(vec![reader.attribute(AttributeScope::Instrumentation, name).await?])
            }
            Scope::Event | Scope::Link => reader.elements(attribute, n_rows).await?,
        },
        Attribute::Intrinsic(intrinsic) => reader.intrinsic(*intrinsic, attribute, n_rows).await?,
    })
}

/// The tracestates of all rows of a row group.
pub(super) async fn trace_states(
    block: &OpenBlock,
    row_group: usize,
) -> Result<LeafColumn, QueryError> {
    let reader = Reader { block, row_group, leaf: None };
    let n_rows = block.file.row_group_rows(row_group).len();
    let layers = vec![reader.fixed(schema::TRACE_STATE, Meaning::Text).await?];
    Ok(LeafColumn { n_rows, layers, absent: Static::Nil })
}

impl Reader<'_> {
    async fn batch(&self, names: &[&str]) -> Result<Option<Columns>, QueryError> {
        self.block.columns(self.row_group, names.iter().copied(), None).await
    }

    pub(super) async fn one(&self, name: &str) -> Result<Option<ArrayRef>, QueryError> {
        Ok(self.batch(&[name]).await?.and_then(|batch| batch.column_by_name(name).cloned()))
    }

    async fn attribute(&self, scope: AttributeScope, key: &str) -> Result<Layer, QueryError> {
        let mut layer = Layer::default();
        let Some(entry) = self.block.attributes()?.find(scope, key) else { return Ok(layer) };
        let names = AttributeType::ALL.map(|kind| attribute_column(scope, key, kind));
        let names = names.each_ref().map(String::as_str);
        if let Some(batch) = self.batch(&names).await? {
            for (kind, name) in AttributeType::ALL.into_iter().zip(names) {
                let meaning = match kind {
                    AttributeType::String => Meaning::Text,
                    AttributeType::Int => Meaning::Int,
                    AttributeType::Double => Meaning::Double,
                    AttributeType::Bool => Meaning::Bool,
                };
                let column = batch.column_by_name(name).cloned();
                layer.arrays.extend(column.map(|column| (meaning, column)));
            }
            layer.held.extend(batch.held);
        }
        if entry.types.iter().any(in_residual) {
            layer.others = self.in_lists(residual_column(scope), key).await?;
        }
        if entry.oversized().is_some() {
            self.oversized(entry, &mut layer).await?;
        }
        Ok(layer)
    }

    /// Values under a key in a column of attribute lists, by row, ascending.
    pub(super) async fn in_lists(
        &self,
        name: &str,
        key: &str,
    ) -> Result<Vec<(u32, Static)>, QueryError> {
        let Some(column) = self.one(name).await? else { return Ok(Vec::new()) };
        let Some(lists) = column.as_binary_opt::<i32>() else { return Ok(Vec::new()) };
        let mut values = Vec::new();
        for (row, list) in lists.iter().enumerate() {
            // Looking for the key's bytes first spares decoding most lists.
            let Some(list) = list.filter(|list| contains(list, key.as_bytes())) else { continue };
            let value = find_attribute(&decode_key_value_list(list)?, key);
            if !value.is_nil() {
                values.push((row as u32, value));
            }
        }
        Ok(values)
    }

    async fn elements(
        &self,
        attribute: &Attribute,
        n_rows: usize,
    ) -> Result<LeafColumn, QueryError> {
        let elements = Elements::of(attribute);
        let mut layer = Layer::default();
        if let Some(column) = self.one(elements.column()).await? {
            layer.others = elements.values_of_rows(&column)?;
        }
        let absent = Static::Several(Vec::new());
        Ok(LeafColumn { n_rows, layers: vec![layer], absent })
    }

    async fn intrinsic(
        &self,
        intrinsic: Intrinsic,
        attribute: &Attribute,
        n_rows: usize,
    ) -> Result<LeafColumn, QueryError> {
        let empty = || Static::String(String::new());
        let (name, meaning, absent) = match intrinsic {
            Intrinsic::Duration => (schema::DURATION, Meaning::Duration, Static::Nil),
            Intrinsic::Name => (schema::NAME, Meaning::Text, empty()),
            Intrinsic::Status => (schema::STATUS_CODE, Meaning::Status, Static::Nil),
            Intrinsic::StatusMessage => (schema::STATUS_MESSAGE, Meaning::Text, empty()),
            Intrinsic::Kind => (schema::KIND, Meaning::Kind, Static::Nil),
            Intrinsic::SpanId => (schema::SPAN_ID, Meaning::Hex, Static::Nil),
            Intrinsic::TraceId => (schema::TRACE_ID, Meaning::TrimmedHex, Static::Nil),
            Intrinsic::RootName => (schema::ROOT_NAME, Meaning::Text, empty()),
            Intrinsic::RootServiceName => (schema::ROOT_SERVICE, Meaning::Text, empty()),
            Intrinsic::TraceDuration => (schema::TRACE_DURATION, Meaning::Duration, Static::Nil),
            Intrinsic::InstrumentationName => (schema::SCOPE_NAME, Meaning::Text, empty()),
            Intrinsic::InstrumentationVersion => (schema::SCOPE_VERSION, Meaning::Text, empty()),
            Intrinsic::SpanParentId => return self.parent_ids(n_rows).await,
            Intrinsic::ChildCount
            | Intrinsic::NestedSetLeft
            | Intrinsic::NestedSetRight
            | Intrinsic::NestedSetParent => return self.shape(intrinsic, n_rows).await,
            Intrinsic::EventName
            | Intrinsic::EventTimeSinceStart
            | Intrinsic::LinkTraceId
            | Intrinsic::LinkSpanId => return self.elements(attribute, n_rows).await,
            Intrinsic::Parent => {
                return Ok(LeafColumn { n_rows, layers: Vec::new(), absent: Static::Nil });
            }
        };
        let layers = vec![self.fixed(name, meaning).await?];
        Ok(LeafColumn { n_rows, layers, absent })
    }

    /// One of the columns that have no owner and no key.
    async fn fixed(&self, name: &str, meaning: Meaning) -> Result<Layer, QueryError> {
        let mut layer = Layer::default();
        if let Some(batch) = self.batch(&[name]).await? {
            let column = batch.column_by_name(name).cloned();
            layer.arrays.extend(column.map(|column| (meaning, column)));
            layer.held.extend(batch.held);
        }
        Ok(layer)
    }

    async fn parent_ids(&self, n_rows: usize) -> Result<LeafColumn, QueryError> {
        let names = [schema::SPAN_ID, schema::PARENT_ROW_OFFSET, schema::PARENT_SPAN_ID];
        let batch = self.batch(&names).await?;
        let column = |name| batch.as_ref().and_then(|batch| batch.column_by_name(name));
        let own = column(schema::SPAN_ID).and_then(|ids| ids.as_fixed_size_binary_opt());
        let missing = column(schema::PARENT_SPAN_ID).and_then(|ids| ids.as_fixed_size_binary_opt());
        let offsets = counts(column(schema::PARENT_ROW_OFFSET), n_rows);
        let mut parents = FixedSizeBinaryBuilder::with_capacity(n_rows, 8);
        for (row, offset) in offsets.iter().enumerate() {
            let parent = row.checked_sub(*offset as usize).filter(|_| *offset > 0);
            let found = match (parent, own, missing) {
                (Some(parent), Some(own), _) => parents.append_value(own.value(parent)),
                (None, _, Some(missing)) if missing.is_valid(row) => {
                    parents.append_value(missing.value(row))
                }
                _ => {
                    parents.append_null();
                    Ok(())
                }
            };
            // A block whose ids are not 8 bytes long is damaged; such a span has no parent.
            if found.is_err() {
                parents.append_null();
            }
        }
        let arrays = vec![(Meaning::Hex, Arc::new(parents.finish()) as ArrayRef)];
        let layers = vec![Layer { arrays, ..Layer::default() }];
        Ok(LeafColumn { n_rows, layers, absent: Static::String(String::new()) })
    }

    async fn shape(&self, intrinsic: Intrinsic, n_rows: usize) -> Result<LeafColumn, QueryError> {
        let names = [
            schema::PARENT_ROW_OFFSET,
            schema::SUBTREE_ROWS,
            schema::DEPTH,
            schema::PARENT_SPAN_ID,
        ];
        let batch = self.batch(&names).await?;
        let column = |name| batch.as_ref().and_then(|batch| batch.column_by_name(name));
        let rows = self.block.file.row_group_rows(self.row_group);
        let starts = self.block.traces()?.first_rows().iter();
        let starts = starts.filter(|row| rows.contains(row)).map(|row| row - rows.start);
        let shape = Shape {
            parent_offsets: &counts(column(schema::PARENT_ROW_OFFSET), n_rows),
            subtree_rows: &counts(column(schema::SUBTREE_ROWS), n_rows),
            depths: &counts(column(schema::DEPTH), n_rows),
            trace_starts: &starts.collect::<Vec<_>>(),
        };
        let strays = column(schema::PARENT_SPAN_ID);
        let is_root = |row| strays.is_none_or(|strays| strays.is_null(row));
        let numbers = Int64Array::from(shape.numbers(intrinsic, is_root));
        let arrays = vec![(Meaning::Int, Arc::new(numbers) as ArrayRef)];
        let layers = vec![Layer { arrays, ..Layer::default() }];
        Ok(LeafColumn { n_rows, layers, absent: Static::Nil })
    }
}

/// Whether values of this type lie in the residual column.
pub(crate) fn in_residual(summary: &TypeSummary) -> bool {
    !summary.column && summary.oversized.is_none_or(|oversized| oversized.count < summary.count)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len().max(1)).any(|window| window == part)
}

/// Non-negative numbers of all rows; a missing column is all zeros.
fn counts(column: Option<&ArrayRef>, n_rows: usize) -> Vec<u32> {
    match column.and_then(|column| column.as_primitive_opt::<Int32Type>()) {
        Some(numbers) => numbers.values().iter().map(|number| number.cast_unsigned()).collect(),
        None => vec![0; n_rows],
    }
}

pub(super) fn traces_of(
    block: &OpenBlock,
    row_group: usize,
    mask: &RowMask,
) -> Result<Vec<PartialTrace>, QueryError> {
    let table = block.traces()?;
    let first = block.file.row_group_rows(row_group).start;
    let mut traces = Vec::new();
    let mut next_row = 0;
    for row in mask.set_indices() {
        let row = row as u32 + first;
        // Rows of a trace are adjacent: the first one in the mask decides for all.
        if row < next_row {
            continue;
        }
        let Some(trace) = table.trace_of_row(row).and_then(|ordinal| table.get(ordinal)) else {
            break;
        };
        next_row = trace.first_row + trace.facts.n_rows;
        traces.push(PartialTrace {
            trace_id: trace.facts.trace_id,
            start: trace.facts.start_unix_nanos,
            end: trace.facts.end_unix_nanos,
            n_rows: trace.facts.n_rows,
        });
    }
    Ok(traces)
}
