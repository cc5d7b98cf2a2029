//! Writing a block: a run in, the bytes of a file out.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;
use spandrel_columns::arrange::{Arrangement, arrange};
use spandrel_columns::{SpanColumns, TEXT_BYTES_MAX};

use crate::attributes::Attributes;
use crate::derived::derived_columns;
use crate::error::BlockError;
use crate::gather::Source;
use crate::index::{BlockIndex, IndexReader, Section};
use crate::owners::owner_columns;
use crate::summary::{self, AttributeSummary};
use crate::{checksum, file, lists, schema};

/// Settings of a block.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Rows of a row group, exceeded only by a trace that has more.
    pub row_group_rows_max: u32,
    /// Attribute values of more bytes lie apart from all others, where only reads that need them touch
    /// them: texts by their UTF-8, arrays, maps and bytes by their `AnyValue` message. At most
    /// [`TEXT_BYTES_MAX`] counts, so that a text column never has a longer text.
    pub oversized_bytes: usize,
}

impl Default for WriteOptions {
    /// Large enough that dictionaries and indexes are small beside the values, small enough that the
    /// columns of one row group fit in the cache of a core. What people group or filter by (routes,
    /// queries, URLs) is below 1 KiB; bodies and dumps are above.
    fn default() -> Self {
        Self { row_group_rows_max: 256 * 1024, oversized_bytes: 1024 }
    }
}

/// What [`write_observed`] spends its time on. A stage may come more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WriteStage {
    /// The row order and what follows from it.
    Arrange,
    /// Values into the order of the block.
    Gather,
    /// The block index, its footer included.
    Index,
    /// Parquet pages.
    Encode,
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
    /// From the first byte of the block index to the end of the file.
    pub tail_bytes: u64,
    /// As many of these, from the first, are what [`IndexReader::open_head`] needs to read the trace filter.
    pub trace_filter_bytes: u64,
}

/// Writes a run as a block.
///
/// # Errors
/// [`BlockError`] when the run is beyond the limits of the format.
pub fn write(spans: &SpanColumns, options: &WriteOptions) -> Result<WrittenBlock, BlockError> {
    write_observed(spans, options, &mut |_| {})
}

/// As [`write`], and tells `done` when a stage is over.
///
/// # Errors
/// As [`write`].
pub fn write_observed(
    spans: &SpanColumns,
    options: &WriteOptions,
    done: &mut dyn FnMut(WriteStage),
) -> Result<WrittenBlock, BlockError> {
    let arrangement = arrange(spans);
    done(WriteStage::Arrange);
    let source = Source::new(spans, &arrangement);
    let row_groups = row_groups(&arrangement, options.row_group_rows_max);
    let mut columns = source.fixed_columns();
    columns.extend(derived_columns(&source));
    columns.extend(owner_columns(&source));
    let oversized_bytes = options.oversized_bytes.min(TEXT_BYTES_MAX);
    let attributes = [
        Attributes::of_resources(&source, oversized_bytes),
        Attributes::of_scopes(&source, oversized_bytes),
        Attributes::of_spans(&source, oversized_bytes),
    ];
    done(WriteStage::Gather);
    let mut summary = AttributeSummary::new(row_groups.clone(), oversized_bytes);
    attributes.iter().for_each(|attributes| summary.add(attributes));
    summary.add_events_and_links(&source)?;
    let index = summary::index(&source, summary)?;
    done(WriteStage::Index);
    // What few reads need comes last, so that the columns which many need are neighbors.
    let mut apart = Vec::new();
    for attributes in attributes {
        attributes.into_columns(&mut columns, &mut apart);
    }
    columns.append(&mut apart);
    let lists = [lists::events(&source), lists::links(&source)];
    done(WriteStage::Gather);
    let properties = Arc::new(file::properties());
    let mut writer =
        SerializedFileWriter::new(Vec::new(), file::schema(&columns, &lists)?, properties)?;
    let checksums = file::write_row_groups(&mut writer, &columns, &lists, &row_groups)?;
    done(WriteStage::Encode);
    let written = finish(writer, &index, &checksums);
    done(WriteStage::Index);
    written
}

/// Appends index, page checksums and footer.
fn finish(
    mut writer: SerializedFileWriter<Vec<u8>>,
    index: &BlockIndex,
    page_checksums: &[u8],
) -> Result<WrittenBlock, BlockError> {
    let encoded = Bytes::from(index.encode()?);
    let trace_filter_bytes = IndexReader::open(encoded.clone())?.bytes_to(Section::TraceFilter);
    let offset = writer.bytes_written();
    writer.write_all(&encoded)?;
    let end_from = writer.bytes_written();
    writer.write_all(page_checksums)?;
    let place = format!("{offset},{}", encoded.len());
    for (key, value) in [
        (schema::FORMAT_VERSION_KEY, schema::FORMAT_VERSION.to_string()),
        (schema::INDEX_KEY, place),
        (schema::CHECKSUM_KEY, checksum::PLACEHOLDER.to_owned()),
    ] {
        writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
    }
    let mut bytes = writer.into_inner()?;
    checksum::seal(&mut bytes, end_from)?;
    let facts = &index.facts;
    Ok(WrittenBlock {
        n_spans: facts.n_rows,
        n_traces: facts.n_traces,
        min_start_unix_nanos: facts.min_start_unix_nanos,
        max_end_unix_nanos: facts.max_end_unix_nanos,
        max_trace_start_unix_nanos: facts.max_trace_start_unix_nanos,
        tail_bytes: (bytes.len() - offset) as u64,
        trace_filter_bytes: trace_filter_bytes.unwrap_or_default(),
        bytes: bytes.into(),
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
