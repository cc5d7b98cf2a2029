//! Writing a block: a run in, the bytes of a file out.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;
use spandrel_columns::SpanColumns;
use spandrel_columns::arrange::{Arrangement, arrange};

use crate::attributes::Attributes;
use crate::error::BlockError;
use crate::gather::Source;
use crate::index::BlockIndex;
use crate::owners::owner_columns;
use crate::summary::{self, AttributeSummary};
use crate::{file, lists, schema};

/// Settings of a block.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Rows of a row group, exceeded only by a trace that has more.
    pub row_group_rows_max: u32,
}

impl Default for WriteOptions {
    /// Large enough that dictionaries and indexes are small beside the values, small enough that the
    /// columns of one row group fit in the cache of a core.
    fn default() -> Self {
        Self { row_group_rows_max: 256 * 1024 }
    }
}

/// A finished block.
#[derive(Debug)]
pub struct WrittenBlock {
    /// The file.
    pub bytes: Bytes,
    /// Spans in it.
    pub n_spans: u32,
    /// Traces in it.
    pub n_traces: u32,
    /// Start of the earliest span, Unix nanoseconds.
    pub min_start_unix_nanos: i64,
    /// End of the span that ends last.
    pub max_end_unix_nanos: i64,
    /// Start of the trace that starts last.
    pub max_trace_start_unix_nanos: i64,
}

/// Writes a run as a block.
///
/// # Errors
/// [`BlockError`] when the run is beyond the limits of the format.
pub fn write(spans: &SpanColumns, options: &WriteOptions) -> Result<WrittenBlock, BlockError> {
    let arrangement = arrange(spans);
    let source = Source::new(spans, &arrangement);
    let row_groups = row_groups(&arrangement, options.row_group_rows_max);
    let mut columns = source.fixed_columns();
    columns.extend(owner_columns(&source));
    let mut summary = AttributeSummary::new(row_groups.clone());
    for attributes in [
        Attributes::of_resources(&source),
        Attributes::of_scopes(&source),
        Attributes::of_spans(&source),
    ] {
        summary.add(&attributes);
        columns.extend(attributes.into_columns());
    }
    summary.add_events_and_links(&source)?;
    let index = summary::index(&source, summary)?;
    let lists: Vec<_> = [lists::events(&source), lists::links(&source)].into_iter().flatten().collect();
    let properties = Arc::new(file::properties(&columns, &lists));
    let mut writer =
        SerializedFileWriter::new(Vec::new(), file::schema(&columns, &lists)?, properties)?;
    file::write_row_groups(&mut writer, &columns, &lists, &row_groups)?;
    finish(writer, &index)
}

/// Appends index and footer.
fn finish(
    mut writer: SerializedFileWriter<Vec<u8>>,
    index: &BlockIndex,
) -> Result<WrittenBlock, BlockError> {
    let encoded = index.encode()?;
    let offset = writer.bytes_written();
    writer.write_all(&encoded)?;
    let place = format!("{offset},{}", encoded.len());
    for (key, value) in
        [(schema::FORMAT_VERSION_KEY, schema::FORMAT_VERSION.to_string()), (schema::INDEX_KEY, place)]
    {
        writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
    }
    let facts = &index.facts;
    Ok(WrittenBlock {
        n_spans: facts.n_rows,
        n_traces: facts.n_traces,
        min_start_unix_nanos: facts.min_start_unix_nanos,
        max_end_unix_nanos: facts.max_end_unix_nanos,
        max_trace_start_unix_nanos: facts.max_trace_start_unix_nanos,
        bytes: writer.into_inner()?.into(),
    })
}

/// Block rows of each row group; a trace lies in one.
fn row_groups(arrangement: &Arrangement, rows_max: u32) -> Vec<Range<u32>> {
    let mut row_groups = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for trace in &arrangement.traces {
        let next = trace.first_row + trace.n_rows;
        if next - start > rows_max && end > start {
            row_groups.push(start..end);
            start = end;
        }
        end = next;
    }
    if end > start {
        row_groups.push(start..end);
    }
    row_groups
}
