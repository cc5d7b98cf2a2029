//! From a run and its arrangement to columns in block order.

use spandrel_columns::arrange::Arrangement;
use spandrel_columns::{SpanColumns, Sparse, StringColumn};

use crate::column::{Column, Encoding, Strings, Values};
use crate::schema;

/// A run with the row order of its block.
pub(crate) struct Source<'a> {
    pub(crate) spans: &'a SpanColumns,
    pub(crate) arrangement: &'a Arrangement,
    /// Row of the run to block row: the inverse of `arrangement.order`.
    pub(crate) positions: Vec<u32>,
    /// Number of the resource of each block row.
    pub(crate) resources: Vec<u32>,
    /// Number of the scope of each block row.
    pub(crate) scopes: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl<'a> Source<'a> {
    pub(crate) fn new(spans: &'a SpanColumns, arrangement: &'a Arrangement) -> Self {
        let order = &arrangement.order;
        let mut positions = vec![0; order.len()];
        for (block_row, &row) in order.iter().enumerate() {
            positions[row as usize] = block_row as u32;
        }
        let moved = |values: &[u32]| order.iter().map(|&row| values[row as usize]).collect();
        let (resources, scopes) = (moved(&spans.resources), moved(&spans.scopes));
        Self { spans, arrangement, positions, resources, scopes }
    }

    /// The values of all rows in block order.
    fn gather<T: Copy, U>(&self, values: &[T], map: impl Fn(T) -> U) -> Vec<U> {
        self.arrangement.order.iter().map(|&row| map(values[row as usize])).collect()
    }

    /// The bytes of all rows in block order.
    fn gather_bytes<const N: usize>(&self, bytes_of: impl Fn(usize) -> [u8; N]) -> Vec<u8> {
        self.arrangement.order.iter().flat_map(|&row| bytes_of(row as usize)).collect()
    }

    /// A sparse column in block order. One that covers much of the run is scattered into place in
    /// linear time; a thin one is sorted.
    pub(crate) fn moved<T: Copy>(&self, column: &Sparse<T>) -> Sparse<T> {
        let n_rows = self.positions.len();
        let mut moved = Sparse::default();
        moved.rows.reserve(column.len());
        moved.values.reserve(column.len());
        if column.len() * 8 < n_rows {
            let pairs = column.iter().map(|(row, value)| (self.positions[row as usize], value));
            let mut pairs: Vec<_> = pairs.collect();
            pairs.sort_unstable_by_key(|pair| pair.0);
            (moved.rows, moved.values) = pairs.into_iter().unzip();
            return moved;
        }
        let mut indexes = vec![NONE; n_rows];
        for (index, &row) in column.rows.iter().enumerate() {
            indexes[self.positions[row as usize] as usize] = index as u32;
        }
        for (row, &index) in indexes.iter().enumerate() {
            if index != NONE {
                moved.rows.push(row as u32);
                moved.values.push(column.values[index as usize]);
            }
        }
        moved
    }

    /// The columns that every block has, and those of some rows that are no attributes.
    pub(crate) fn fixed_columns(&self) -> Vec<Column<'a>> {
        let (spans, facts) = (self.spans, self.arrangement);
        let i32s =
            |values: &[u32]| Values::I32(values.iter().map(|&value| value.cast_signed()).collect());
        let span_ids = self.gather_bytes(|row| spans.span_ids[row].0);
        let starts = Values::I64(self.gather(&spans.start_unix_nanos, |nanos| nanos));
        let durations = Values::I64(self.gather(&spans.duration_nanos, |nanos| nanos));
        let numbers = |name, values| Column::required(name, values, Encoding::Dictionary);
        let mut columns = vec![
            self.trace_ids(),
            Column::required(schema::SPAN_ID, Values::Fixed(8, span_ids), Encoding::Random),
            numbers(schema::PARENT_ROW_OFFSET, i32s(&facts.parent_offsets)),
            numbers(schema::SUBTREE_ROWS, i32s(&facts.subtree_rows)),
            numbers(schema::DEPTH, i32s(&facts.depths)),
            Column::required(schema::START, starts, Encoding::ByteStreamSplit)
                .with_page_statistics(),
            Column::required(schema::DURATION, durations, Encoding::ByteStreamSplit)
                .with_page_statistics(),
            Column::required_codes(
                schema::NAME,
                Values::Text(Strings::of(&spans.name_dictionary)),
                self.gather(&spans.names, |code| code),
            ),
            numbers(schema::KIND, Values::I32(self.gather(&spans.kinds, i32::from))),
            numbers(schema::STATUS_CODE, Values::I32(self.gather(&spans.status_codes, i32::from))),
        ];
        columns.extend(self.missing_parents());
        columns.extend(self.text(schema::STATUS_MESSAGE, &spans.status_messages));
        columns.extend(self.text(schema::TRACE_STATE, &spans.trace_states));
        columns.extend(self.numbers(schema::FLAGS, &spans.flags));
        columns.extend(self.numbers(schema::DROPPED_ATTRIBUTES, &spans.dropped.attributes));
        columns.extend(self.numbers(schema::DROPPED_EVENTS, &spans.dropped.events));
        columns.extend(self.numbers(schema::DROPPED_LINKS, &spans.dropped.links));
        columns
    }

    fn trace_ids(&self) -> Column<'a> {
        let traces = &self.arrangement.traces;
        let ids = traces.iter().flat_map(|trace| trace.trace_id.0).collect();
        Column::required_codes(schema::TRACE_ID, Values::Fixed(16, ids), self.of_traces(0..))
    }

    /// One value per trace, repeated for its rows.
    pub(crate) fn of_traces<T: Copy>(&self, values: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut repeated = Vec::with_capacity(self.positions.len());
        for (trace, value) in self.arrangement.traces.iter().zip(values) {
            repeated.resize(repeated.len() + trace.n_rows as usize, value);
        }
        repeated
    }

    fn text(&self, name: &str, column: &'a StringColumn) -> Option<Column<'a>> {
        let strings = Values::Text(Strings::of(&column.dictionary));
        let codes = self.moved(&column.codes);
        Column::optional_codes(name, codes.rows, strings, codes.values)
    }

    fn numbers(&self, name: &str, column: &Sparse<u32>) -> Option<Column<'a>> {
        let Sparse { rows, values } = self.moved(column);
        let values = values.into_iter().map(u32::cast_signed).collect();
        Column::optional(name, rows, Values::I32(values), Encoding::Dictionary)
    }

    fn missing_parents(&self) -> Option<Column<'a>> {
        let (mut rows, mut ids) = (Vec::new(), Vec::new());
        let offsets = self.arrangement.order.iter().zip(&self.arrangement.parent_offsets);
        for (block_row, (&row, &offset)) in offsets.enumerate() {
            let parent = self.spans.parent_span_ids[row as usize];
            if offset == 0 && !parent.is_zero() {
                rows.push(block_row as u32);
                ids.extend_from_slice(&parent.0);
            }
        }
        Column::optional(schema::PARENT_SPAN_ID, rows, Values::Fixed(8, ids), Encoding::Random)
    }
}
