//! Writes runs as blocks and reads them back, whole or in part.

use std::ops::Range;

use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use spandrel_block::read::{
    BlockFile, ColumnDecoder, Opened, SPAN_COLUMNS_LEFT_OUT, Step, assemble_spans, read_run,
};
use spandrel_block::{BlockError, WriteOptions, write};
use spandrel_columns::SpanColumns;
use spandrel_columns::arrange::arrange;
use spandrel_model::{Attribute, Resource, Scope, Span};
use spandrel_otlp::span_at;

/// A block in memory.
pub(crate) struct Block {
    pub(crate) bytes: Bytes,
    pub(crate) file: Box<BlockFile>,
}

impl Block {
    pub(crate) fn of(run: &SpanColumns, row_group_rows_max: u32) -> Self {
        Self::with(run, &WriteOptions { row_group_rows_max, ..WriteOptions::default() })
    }

    pub(crate) fn with(run: &SpanColumns, options: &WriteOptions) -> Self {
        let written = write(run, options).unwrap();
        assert_eq!(written.n_spans, run.len());
        Self::open(written.bytes).unwrap()
    }

    pub(crate) fn open(bytes: Bytes) -> Result<Self, BlockError> {
        match BlockFile::open(&bytes, bytes.len() as u64)? {
            Opened::File(file) => Ok(Self { bytes, file }),
            Opened::NeedsTail(_) => Err(BlockError::NotABlock("the whole file is not enough")),
        }
    }

    pub(crate) fn read<'n>(
        &self,
        row_group: usize,
        columns: impl IntoIterator<Item = &'n str>,
        rows: Option<Range<u32>>,
    ) -> Result<Option<RecordBatch>, BlockError> {
        let rows = rows.as_slice();
        let decoder = self.file.decoder(row_group, columns, (!rows.is_empty()).then_some(rows))?;
        decode(decoder, &self.bytes)
    }

    /// Columns of few rows of a row group.
    pub(crate) fn few_rows<'n>(
        &self,
        row_group: usize,
        columns: impl IntoIterator<Item = &'n str>,
        rows: &[Range<u32>],
    ) -> Result<RecordBatch, BlockError> {
        let few = self.file.few_rows(row_group, columns, rows)?;
        let bytes = few.ranges().iter().map(|range| part(&self.bytes, range)).collect();
        few.decode(bytes)
    }

    /// All columns of the rows of a row group.
    pub(crate) fn read_all(
        &self,
        row_group: usize,
        rows: Option<Range<u32>>,
    ) -> Result<Option<RecordBatch>, BlockError> {
        self.read(row_group, self.file.columns(), rows)
    }

    /// Some rows of a row group as a run, those of whole traces.
    pub(crate) fn run(
        &self,
        row_group: usize,
        rows: Option<Range<u32>>,
    ) -> Result<SpanColumns, BlockError> {
        let columns = self.file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name));
        let batch = self.read(row_group, columns, rows)?;
        batch.map_or_else(|| Ok(SpanColumns::default()), |batch| read_run(&batch))
    }

    /// All rows of the block as one run.
    pub(crate) fn whole_run(&self) -> Result<SpanColumns, BlockError> {
        let mut whole = SpanColumns::default();
        for row_group in 0..self.file.n_row_groups() {
            whole.append(&self.run(row_group, None)?);
        }
        Ok(whole)
    }

    /// All spans of the block in its order.
    pub(crate) fn spans(&self) -> Result<Vec<Span>, BlockError> {
        let mut spans = Vec::new();
        for row_group in 0..self.file.n_row_groups() {
            let columns = self.file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name));
            if let Some(batch) = self.read(row_group, columns, None)? {
                spans.extend(assemble_spans(&batch)?);
            }
        }
        Ok(spans)
    }
}

/// Feeds a decoder from the bytes of the file.
pub(crate) fn decode(
    mut decoder: ColumnDecoder,
    bytes: &Bytes,
) -> Result<Option<RecordBatch>, BlockError> {
    loop {
        match decoder.step()? {
            Step::Done(batch) => return Ok(batch),
            Step::Needs(ranges) => {
                let slices = ranges.iter().map(|range| part(bytes, range)).collect();
                decoder.push(ranges, slices)?;
            }
        }
    }
}

/// The bytes of the file in this range, as far as it has them.
fn part(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let end = range.end.min(bytes.len() as u64);
    bytes.slice(range.start.min(end) as usize..end as usize)
}

/// Reads all columns of some rows of each row group in both ways, and compares them.
pub(crate) fn assert_few_rows(block: &Block) {
    for row_group in 0..block.file.n_row_groups() {
        let n = block.file.row_group_rows(row_group).len() as u32;
        let sets: [&[(u32, u32)]; 5] = [
            &[(0, 1)],
            &[(0, n)],
            &[(n - 1, n)],
            &[(n / 3, n / 2 + 1)],
            &[(0, n / 5), (n / 4, n / 2), (n - n / 3, n)],
        ];
        for rows in sets {
            let rows = rows.iter().filter(|(start, end)| start < end);
            let rows: Vec<Range<u32>> = rows.map(|(start, end)| *start..*end).collect();
            if rows.is_empty() {
                continue;
            }
            let names: Vec<&str> = block.file.columns().collect();
            let decoder =
                block.file.decoder(row_group, names.iter().copied(), Some(&rows)).unwrap();
            let wanted = decode(decoder, &block.bytes).unwrap().unwrap();
            let few = block.few_rows(row_group, names, &rows).unwrap();
            assert_eq!(few.num_rows(), wanted.num_rows());
            for (field, wanted) in wanted.schema().fields().iter().zip(wanted.columns()) {
                match few.column_by_name(field.name()) {
                    Some(column) => assert_eq!(column, wanted, "{field} {rows:?}"),
                    None => {
                        assert_eq!(wanted.logical_null_count(), wanted.len(), "{field} {rows:?}")
                    }
                }
            }
        }
    }
}

/// The spans of a run in block order, in the form in which spans are compared.
pub(crate) fn expected(run: &SpanColumns) -> Vec<String> {
    let spans = arrange(run).order.into_iter().map(|row| span_at(run, row).unwrap());
    spans.map(comparable).collect()
}

/// Writes the run, reads it back, as spans and as a run, and compares every span. The run is then written
/// and read once more.
pub(crate) fn assert_round_trip(run: &SpanColumns, row_group_rows_max: u32) -> Block {
    let options = WriteOptions { row_group_rows_max, ..WriteOptions::default() };
    assert_round_trip_with(run, &options)
}

/// As [`assert_round_trip`].
pub(crate) fn assert_round_trip_with(run: &SpanColumns, options: &WriteOptions) -> Block {
    let block = Block::with(run, options);
    let expected = expected(run);
    assert_same(&block.spans().unwrap(), &expected);
    assert_few_rows(&block);
    let again = block.whole_run().unwrap();
    assert_same(&spans_of(&again), &expected);
    let rewritten = Block::with(&again, options);
    assert_same(&rewritten.spans().unwrap(), &expected);
    block
}

/// The spans of a run in its order.
pub(crate) fn spans_of(run: &SpanColumns) -> Vec<Span> {
    (0..run.len()).map(|row| span_at(run, row).unwrap()).collect()
}

/// Compares spans one by one, for a readable failure.
pub(crate) fn assert_same(spans: &[Span], expected: &[String]) {
    assert_eq!(spans.len(), expected.len());
    for (row, (span, expected)) in spans.iter().zip(expected).enumerate() {
        let span = comparable(span.clone());
        assert!(span == *expected, "row {row}:\n{span:.4000}\nexpected\n{expected:.4000}");
    }
}

/// A span as text, its attributes sorted: their order is not kept. Text, so that a NaN equals itself.
pub(crate) fn comparable(mut span: Span) -> String {
    sort(&mut span.attributes);
    let mut resource = Resource::clone(&span.resource);
    sort(&mut resource.attributes);
    span.resource = resource.into();
    let mut scope = Scope::clone(&span.scope);
    sort(&mut scope.attributes);
    span.scope = scope.into();
    format!("{span:#?}")
}

fn sort(attributes: &mut [Attribute]) {
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
}
