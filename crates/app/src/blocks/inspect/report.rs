//! What there is to say about a block.

use std::collections::HashMap;

use anyhow::Context;
use serde::Serialize;
use serde_json::{Value, json};
use spandrel_block::index::{
    AttributeEntry, Operation, OperationDirectory, Section, TypeSummary, Values,
};
use spandrel_block::read::ColumnChunk;

use super::super::BlockJson;
use crate::storage::StoredBlock;

/// A block, for people and programs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) block: BlockJson,
    pub(super) written_by: String,
    pub(super) row_groups: Vec<RowGroup>,
    /// Largest first.
    pub(super) columns: Vec<Column>,
    pub(super) index: Index,
    /// Page checksums, page index and footer.
    pub(super) footer_bytes: u64,
    pub(super) attributes: Vec<Attribute>,
    /// Whether every operation of the block is listed by its name.
    pub(super) operations_complete: bool,
    /// Those with the most spans first.
    pub(super) operations: Vec<OperationRow>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowGroup {
    pub(super) rows: u64,
    pub(super) traces: u64,
    pub(super) bytes: u64,
    pub(super) pages: u64,
    pub(super) token_filter_bytes: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Column {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) value_type: String,
    pub(super) encoding: String,
    pub(super) compression: String,
    pub(super) pages: u64,
    pub(super) bytes: u64,
    pub(super) raw_bytes: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    pub(super) bytes: u64,
    pub(super) sections: Vec<IndexSection>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IndexSection {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) raw_bytes: u64,
}

/// A key with one type of values.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attribute {
    pub(super) scope: &'static str,
    pub(super) key: String,
    #[serde(rename = "type")]
    pub(super) value_type: &'static str,
    pub(super) count: u64,
    pub(super) distinct: u64,
    pub(super) distinct_exact: bool,
    pub(super) has_column: bool,
    /// Whether `values` are all there are.
    pub(super) values_complete: bool,
    /// The most frequent first.
    pub(super) values: Vec<ValueCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max: Option<Value>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ValueCount {
    pub(super) value: Value,
    pub(super) count: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperationRow {
    /// Absent when the resource names none.
    pub(super) service: Option<String>,
    /// Absent in the row that sums what is not listed.
    pub(super) name: Option<String>,
    pub(super) kind: &'static str,
    pub(super) spans: u64,
    pub(super) errors: u64,
    pub(super) roots: u64,
    /// Negative durations count as zero.
    pub(super) duration_sum_nanos: u64,
    pub(super) p50_nanos: u64,
    pub(super) p99_nanos: u64,
    pub(super) max_nanos: u64,
}

impl Report {
    pub(super) fn of(block: &StoredBlock) -> anyhow::Result<Self> {
        let (index, entry) = (block.file.index(), &block.entry);
        let damaged = || format!("cannot read block {}", block.path);
        let index_range = block.file.index_range().with_context(damaged)?;
        let sections = Section::ALL.into_iter().map(|section| IndexSection {
            name: section.to_string(),
            bytes: index.stored_bytes(section) as u64,
            raw_bytes: index.raw_bytes(section) as u64,
        });
        let operations = index.operations().with_context(damaged)?;
        let attributes = index.attributes().with_context(damaged)?;
        let chunks = block.file.column_chunks();
        Ok(Self {
            block: BlockJson::new(&block.tenant, entry),
            written_by: index.facts().with_context(damaged)?.writer,
            row_groups: row_groups(block, &chunks).with_context(damaged)?,
            columns: columns(&chunks),
            index: Index {
                bytes: index_range.end.saturating_sub(index_range.start),
                sections: sections.collect(),
            },
            footer_bytes: entry.size_bytes.saturating_sub(index_range.end),
            attributes: attributes.entries().iter().flat_map(attribute_rows).collect(),
            operations_complete: operations.is_complete(),
            operations: operation_rows(&operations),
        })
    }
}

fn row_groups(block: &StoredBlock, chunks: &[ColumnChunk]) -> anyhow::Result<Vec<RowGroup>> {
    let filters = block.file.index().token_filters()?;
    let traces = block.file.index().traces()?;
    let groups = (0..block.file.n_row_groups()).map(|number| {
        let rows = block.file.row_group_rows(number);
        let mine = || chunks.iter().filter(|chunk| chunk.row_group == number);
        RowGroup {
            rows: rows.len() as u64,
            traces: traces.first_rows().iter().filter(|row| rows.contains(row)).count() as u64,
            bytes: mine().map(|chunk| chunk.stored_bytes).sum(),
            pages: mine().map(|chunk| chunk.pages.len() as u64).sum(),
            token_filter_bytes: filters.row_groups.get(number).map_or(0, |f| f.size_bytes() as u64),
        }
    });
    Ok(groups.collect())
}

/// Leaf columns over all row groups.
fn columns(chunks: &[ColumnChunk]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for chunk in chunks {
        let number = *known.entry(&chunk.path).or_insert_with(|| {
            columns.push(Column {
                name: chunk.path.clone(),
                value_type: chunk.value_type.clone(),
                encoding: chunk.encoding.clone(),
                compression: chunk.compression.clone(),
                pages: 0,
                bytes: 0,
                raw_bytes: 0,
            });
            columns.len() - 1
        });
        let Some(column) = columns.get_mut(number) else { continue };
        column.pages += chunk.pages.len() as u64;
        column.bytes += chunk.stored_bytes;
        column.raw_bytes += chunk.raw_bytes;
        if !column.encoding.split(" / ").any(|encoding| encoding == chunk.encoding) {
            column.encoding = format!("{} / {}", column.encoding, chunk.encoding);
        }
    }
    columns.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    columns
}

fn attribute_rows(entry: &AttributeEntry) -> impl Iterator<Item = Attribute> {
    entry.types.iter().map(|summary| {
        let (value_type, values, range) = values_of(summary);
        let (min, max) = range.unzip();
        Attribute {
            scope: entry.scope.as_str(),
            key: entry.key.to_string(),
            value_type,
            count: summary.count,
            distinct: summary.distinct,
            distinct_exact: summary.distinct_exact,
            has_column: summary.column,
            values_complete: summary.complete,
            values,
            min,
            max,
        }
    })
}

/// Name of the type, listed values, least and greatest value.
fn values_of(summary: &TypeSummary) -> (&'static str, Vec<ValueCount>, Option<(Value, Value)>) {
    fn counted<T>(listed: &[(T, u64)], value: impl Fn(&T) -> Value) -> Vec<ValueCount> {
        listed.iter().map(|(v, count)| ValueCount { value: value(v), count: *count }).collect()
    }
    match &summary.values {
        Values::Strings(listed) => ("string", counted(listed, |text| json!(text)), None),
        Values::Ints { min, max, top } => {
            ("int", counted(top, |number| json!(number)), Some((json!(min), json!(max))))
        }
        Values::Doubles { range } => {
            ("double", Vec::new(), range.map(|(min, max)| (json!(min), json!(max))))
        }
        Values::Bools(listed) => ("bool", counted(listed, |truth| json!(truth)), None),
        Values::Others => ("other", Vec::new(), None),
    }
}

fn operation_rows(directory: &OperationDirectory) -> Vec<OperationRow> {
    let mut rows: Vec<OperationRow> = directory.operations().iter().map(operation_row).collect();
    // Stable: equal counts stay in the order of service and name.
    rows.sort_by_key(|row| std::cmp::Reverse(row.spans));
    rows
}

fn operation_row(operation: &Operation) -> OperationRow {
    let stats = &operation.stats;
    let quantile = |q| stats.durations.quantile(q).unwrap_or_default();
    OperationRow {
        service: operation.service.as_deref().map(str::to_owned),
        name: operation.name.as_deref().map(str::to_owned),
        kind: operation.kind.as_str(),
        spans: stats.n_spans,
        errors: stats.n_errors,
        roots: stats.n_roots,
        duration_sum_nanos: u64::try_from(stats.durations.sum()).unwrap_or(u64::MAX),
        p50_nanos: quantile(0.5),
        p99_nanos: quantile(0.99),
        max_nanos: stats.durations.max().unwrap_or_default(),
    }
}
