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
}

impl<'a> Source<'a> {
    pub(crate) fn new(spans: &'a SpanColumns, arrangement: &'a Arrangement) -> Self {
        let mut positions = vec![0; arrangement.order.len()];
        for (block_row, &row) in arrangement.order.iter().enumerate() {
            positions[row as usize] = block_row as u32;
        }
        Self { spans, arrangement, positions }
    }

    /// The values of all rows in block order.
    fn gather<T: Copy, U>(&self, values: &[T], map: impl Fn(T) -> U) -> Vec<U> {
        self.arrangement.order.iter().map(|&row| map(values[row as usize])).collect()
    }

    /// Block rows and values of a sparse column, ordered by block row. A column that covers much of the
    /// run is scattered into place in linear time; a thin one is sorted.
    pub(crate) fn pairs<T: Copy>(&self, column: &Sparse<T>) -> Vec<(u32, T)> {
        let n_rows = self.positions.len();
        if column.len() * 8 < n_rows {
            let moved = column.iter().map(|(row, value)| (self.positions[row as usize], value));
            let mut pairs: Vec<_> = moved.collect();
            pairs.sort_unstable_by_key(|pair| pair.0);
            return pairs;
        }
        let mut slots = vec![None; n_rows];
        for (row, value) in column.iter() {
            slots[self.positions[row as usize] as usize] = Some(value);
        }
        let present = slots.into_iter().enumerate();
        present.filter_map(|(row, value)| Some((row as u32, value?))).collect()
    }

    /// The columns that every block has, and the derived ones.
    pub(crate) fn fixed_columns(&self) -> Vec<Column> {
        let (spans, facts) = (self.spans, self.arrangement);
        let i32s = |values: &[u32]| Values::I32(values.iter().map(|&value| value.cast_signed()).collect());
        let names = spans.name_dictionary.iter().collect::<Strings>();
        let trace_ids = self.gather(&spans.trace_ids, |id| id.0.to_vec().into());
        let span_ids = self.gather(&spans.span_ids, |id| id.0.to_vec().into());
        let starts = Values::I64(self.gather(&spans.start_unix_nanos, |nanos| nanos));
        let durations = Values::I64(self.gather(&spans.duration_nanos, |nanos| nanos));
        let kinds = Values::I32(self.gather(&spans.kinds, i32::from));
        let codes = Values::I32(self.gather(&spans.status_codes, i32::from));
        let mut columns = vec![
            Column::required(schema::TRACE_ID, Values::Fixed(16, trace_ids), Encoding::Dictionary),
            Column::required(schema::SPAN_ID, Values::Fixed(8, span_ids), Encoding::Random),
            Column::required(
                schema::PARENT_ROW_OFFSET,
                i32s(&facts.parent_offsets),
                Encoding::Dictionary,
            ),
            Column::required(schema::SUBTREE_ROWS, i32s(&facts.subtree_rows), Encoding::Dictionary),
            Column::required(schema::DEPTH, i32s(&facts.depths), Encoding::Dictionary),
            Column::required(schema::START, starts, Encoding::Delta).with_page_statistics(),
            Column::required(schema::DURATION, durations, Encoding::ByteStreamSplit)
                .with_page_statistics(),
            Column::required(
                schema::NAME,
                Values::Text(names, self.gather(&spans.names, |code| code)),
                Encoding::Dictionary,
            ),
            Column::required(schema::KIND, kinds, Encoding::Dictionary),
            Column::required(schema::STATUS_CODE, codes, Encoding::Dictionary),
        ];
        columns.extend(self.missing_parents());
        columns.extend(self.text(schema::STATUS_MESSAGE, &spans.status_messages));
        columns.extend(self.text(schema::TRACE_STATE, &spans.trace_states));
        columns.extend(self.numbers(schema::FLAGS, &spans.flags));
        columns.extend(self.numbers(schema::DROPPED_ATTRIBUTES, &spans.dropped.attributes));
        columns.extend(self.numbers(schema::DROPPED_EVENTS, &spans.dropped.events));
        columns.extend(self.numbers(schema::DROPPED_LINKS, &spans.dropped.links));
        columns.extend(self.derived());
        columns
    }

    fn text(&self, name: &str, column: &StringColumn) -> Option<Column> {
        let strings = column.dictionary.iter().collect();
        let wrap = |codes| Values::Text(strings, codes);
        Column::optional(name, self.pairs(&column.codes), Encoding::Dictionary, wrap)
    }

    fn numbers(&self, name: &str, column: &Sparse<u32>) -> Option<Column> {
        let pairs = self.pairs(column).into_iter().map(|(row, value)| (row, value.cast_signed()));
        Column::optional(name, pairs.collect(), Encoding::Dictionary, Values::I32)
    }

    fn missing_parents(&self) -> Option<Column> {
        let rows = self.arrangement.order.iter().zip(&self.arrangement.parent_offsets).enumerate();
        let pairs = rows.filter_map(|(block_row, (&row, &offset))| {
            let parent = self.spans.parent_span_ids[row as usize];
            (offset == 0 && !parent.is_zero()).then(|| (block_row as u32, parent.0.to_vec().into()))
        });
        let wrap = |ids| Values::Fixed(8, ids);
        Column::optional(schema::PARENT_SPAN_ID, pairs.collect(), Encoding::Random, wrap)
    }

    /// Name and service of each trace's root, and the times that follow from the tree.
    fn derived(&self) -> Vec<Column> {
        let (spans, facts) = (self.spans, self.arrangement);
        let services: Vec<Option<&str>> =
            spans.resource_table.values().iter().map(|resource| resource.service_name()).collect();
        let service_strings: Strings = services.iter().map(|name| name.unwrap_or_default()).collect();
        let (mut names, mut root_services) = (Vec::new(), Vec::new());
        let mut durations = Vec::with_capacity(facts.order.len());
        for trace in &facts.traces {
            let nanos = trace.end_unix_nanos.saturating_sub(trace.start_unix_nanos);
            durations.extend(std::iter::repeat_n(nanos, trace.n_rows as usize));
            let Some(root) = trace.root_row else { continue };
            let run_row = facts.order[root as usize] as usize;
            let resource = spans.resources[run_row];
            let rows = trace.first_row..trace.first_row + trace.n_rows;
            names.extend(rows.clone().map(|row| (row, spans.names[run_row])));
            if services[resource as usize].is_some() {
                root_services.extend(rows.map(|row| (row, resource)));
            }
        }
        let name_strings = spans.name_dictionary.iter().collect();
        let mut child = Vec::new();
        let mut critical = Vec::new();
        for (block_row, &row) in facts.order.iter().enumerate() {
            let child_nanos = facts.child_nanos[block_row];
            if child_nanos != 0 {
                child.push((block_row as u32, child_nanos));
            }
            let self_nanos = spans.duration_nanos[row as usize].saturating_sub(child_nanos);
            if facts.critical_nanos[block_row] != self_nanos {
                critical.push((block_row as u32, facts.critical_nanos[block_row]));
            }
        }
        let origins = facts.error_origins.iter().enumerate();
        let origins = origins.filter(|(_, origin)| **origin).map(|(row, _)| (row as u32, true));
        let text = |strings| |codes| Values::Text(strings, codes);
        [
            Some(Column::required(
                schema::TRACE_DURATION,
                Values::I64(durations),
                Encoding::Dictionary,
            )),
            Column::optional(schema::ROOT_NAME, names, Encoding::Dictionary, text(name_strings)),
            Column::optional(
                schema::ROOT_SERVICE,
                root_services,
                Encoding::Dictionary,
                text(service_strings),
            ),
            Column::optional(schema::CHILD_TIME, child, Encoding::ByteStreamSplit, Values::I64),
            Column::optional(schema::CRITICAL_TIME, critical, Encoding::Dictionary, Values::I64),
            Column::optional(
                schema::ERROR_ORIGIN,
                origins.collect(),
                Encoding::Dictionary,
                Values::Bool,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
