//! The traces of a unit and who is whose parent in them, as far as the unit knows.

use arrow_array::Int32Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use spandrel_block::schema;
use spandrel_trace_values::{Forest, NO_PARENT};

use super::Unit;
use crate::QueryError;

/// Which rows of a unit belong together.
pub(crate) struct TracesOfRows {
    /// The number of the trace of each row.
    pub(crate) of_row: Vec<u32>,
    /// How many traces there are.
    pub(crate) n_traces: usize,
}

impl Unit {
    /// The traces of the rows.
    pub(crate) fn traces_of_rows(&self) -> Result<TracesOfRows, QueryError> {
        let n_rows = self.n_rows();
        let mut of_row = vec![0; n_rows];
        let n_traces = match self {
            Self::Live(run) => {
                let arrangement = run.arrangement();
                for (number, trace) in arrangement.traces.iter().enumerate() {
                    let rows = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
                    for &row in &arrangement.order[rows] {
                        of_row[row as usize] = number as u32;
                    }
                }
                arrangement.traces.len()
            }
            Self::Block(block, row_group) => {
                let rows = block.file.row_group_rows(*row_group);
                let starts = block.traces()?.first_rows();
                let first = starts.partition_point(|start| *start <= rows.start);
                let mut next = starts.get(first..).unwrap_or_default().iter().peekable();
                let mut number = 0;
                for (row, of_row) in rows.zip(&mut of_row) {
                    number += u32::from(next.next_if(|start| **start == row).is_some());
                    *of_row = number;
                }
                number as usize + 1
            }
        };
        Ok(TracesOfRows { of_row, n_traces })
    }

    /// The trees of the rows. Tops of a trace count as siblings of each other, which not all of them are.
    pub(crate) async fn forest(&self, traces: &TracesOfRows) -> Result<Forest, QueryError> {
        let n_rows = self.n_rows();
        let (parents, order) = match self {
            Self::Live(run) => {
                let arrangement = run.arrangement();
                let mut parents = vec![NO_PARENT; n_rows];
                for (place, offset) in arrangement.parent_offsets.iter().enumerate() {
                    if *offset > 0 {
                        let parent = arrangement.order[place - *offset as usize];
                        parents[arrangement.order[place] as usize] = parent;
                    }
                }
                (parents, arrangement.order.clone())
            }
            Self::Block(block, row_group) => {
                let name = schema::PARENT_ROW_OFFSET;
                let batch = block.columns(*row_group, [name], None).await?;
                let offsets = batch.as_ref().and_then(|batch| batch.column_by_name(name));
                let offsets = offsets.and_then(|offsets| offsets.as_primitive_opt::<Int32Type>());
                (parents_of_block(offsets, n_rows), (0..n_rows as u32).collect())
            }
        };
        Ok(Forest::new(parents, order, |row| traces.of_row[row]))
    }
}

/// A row that says its parent lies before the row group has none.
fn parents_of_block(offsets: Option<&Int32Array>, n_rows: usize) -> Vec<u32> {
    let Some(offsets) = offsets else { return vec![NO_PARENT; n_rows] };
    let parent = |(row, offset): (u32, &i32)| match offset.cast_unsigned() {
        0 => NO_PARENT,
        offset => row.checked_sub(offset).unwrap_or(NO_PARENT),
    };
    (0..n_rows as u32).zip(offsets.values()).map(parent).collect()
}
