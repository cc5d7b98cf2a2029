//! Which rows lie in a range of time.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use spandrel_block::{BlockError, schema};

use super::Unit;
use crate::filter::RowMask;
use crate::{QueryError, TimeRange};

impl Unit {
    /// The rows of which a moment lies in the range.
    pub(crate) async fn rows_in(&self, range: TimeRange) -> Result<RowMask, QueryError> {
        match self {
            Self::Live(run) => {
                let spans = run.spans();
                Ok(mask(&spans.start_unix_nanos, &spans.duration_nanos, range))
            }
            Self::Block(block, row_group) => {
                let names = [schema::START, schema::DURATION];
                let columns = block.columns(*row_group, names, None).await?;
                let missing = || block.damaged(BlockError::NotABlock("it has no times of spans"));
                let columns = columns.ok_or_else(missing)?;
                let [starts, durations] = names.map(|name| {
                    let column = columns.column_by_name(name);
                    column.and_then(|column| column.as_primitive_opt::<Int64Type>())
                });
                let (starts, durations) = starts.zip(durations).ok_or_else(missing)?;
                Ok(mask(starts.values(), durations.values(), range))
            }
        }
    }
}

fn mask(starts: &[i64], durations: &[i64], range: TimeRange) -> RowMask {
    let times = starts.iter().zip(durations);
    times.map(|(start, nanos)| range.overlaps(*start, start.saturating_add(*nanos))).collect()
}
