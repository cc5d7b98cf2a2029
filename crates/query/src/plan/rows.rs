//! A plan over the rows of one unit.

use futures::future::{BoxFuture, FutureExt};
use spandrel_trace_values::{Forest, inverse};

use super::{Plan, Step};
use crate::QueryError;
use crate::filter::RowMask;
use crate::scan::{Counters, passing_rows, rows_of_repeated_ids};
use crate::unit::{TracesOfRows, Unit};

/// The rows of a unit that a plan leaves.
pub(crate) struct Candidates<'a> {
    plan: &'a Plan,
    unit: &'a Unit,
    counters: &'a Counters,
    traces: Option<TracesOfRows>,
    forest: Option<Forest>,
}

impl<'a> Candidates<'a> {
    pub(crate) fn new(plan: &'a Plan, unit: &'a Unit, counters: &'a Counters) -> Self {
        Self { plan, unit, counters, traces: None, forest: None }
    }

    /// A trace that lies in the unit as a whole and that the pipeline finds has a row among these.
    pub(crate) async fn rows(mut self) -> Result<RowMask, QueryError> {
        let all = RowMask::new_set(self.unit.n_rows());
        let mask = self.step(&self.plan.steps, all).await?;
        // If one row is a copy of the other, the numbers that the unit knows are not those of the trace.
        Ok(if self.plan.shape { &mask | &rows_of_repeated_ids(self.unit).await? } else { mask })
    }

    /// Sides of which one decides are read only when the other has left rows.
    fn step<'s>(
        &'s mut self,
        step: &'s Step,
        rows: RowMask,
    ) -> BoxFuture<'s, Result<RowMask, QueryError>> {
        async move {
            if rows.count_set_bits() == 0 {
                return Ok(rows);
            }
            Ok(match step {
                Step::Filter(number) => {
                    let filter = &self.plan.filters[*number];
                    &rows & &passing_rows(filter, self.unit, self.counters).await?
                }
                Step::Or(left, right) => {
                    let left = self.step(left, rows.clone()).await?;
                    &left | &self.step(right, rows).await?
                }
                Step::And(left, right) => {
                    let left = self.step(left, rows.clone()).await?;
                    if left.count_set_bits() == 0 {
                        return Ok(left);
                    }
                    let right = self.step(right, rows).await?;
                    self.of_traces_with_both(&left, &right)?
                }
                Step::Related { relation, union, left, right } => {
                    let left = self.step(left, rows.clone()).await?;
                    if left.count_set_bits() == 0 {
                        return Ok(left);
                    }
                    let right = self.step(right, rows).await?;
                    if right.count_set_bits() == 0 {
                        return Ok(right);
                    }
                    let forest = self.forest().await?;
                    let found = &right & &RowMask::from(forest.related(*relation, &marks(&left)));
                    if !union {
                        return Ok(found);
                    }
                    let back = forest.related(inverse(*relation), &marks(&right));
                    &found | &(&left & &RowMask::from(back))
                }
                Step::Stages(steps) => {
                    let mut rows = rows;
                    for step in steps {
                        rows = self.step(step, rows).await?;
                    }
                    rows
                }
                Step::AtLeast(least) => self.of_traces_with(*least, &rows)?,
            })
        }
        .boxed()
    }

    fn traces(&mut self) -> Result<&TracesOfRows, QueryError> {
        let traces = match self.traces.take() {
            Some(traces) => traces,
            None => self.unit.traces_of_rows()?,
        };
        Ok(self.traces.insert(traces))
    }

    async fn forest(&mut self) -> Result<&Forest, QueryError> {
        let forest = match self.forest.take() {
            Some(forest) => forest,
            None => {
                let unit = self.unit;
                unit.forest(self.traces()?).await?
            }
        };
        Ok(self.forest.insert(forest))
    }

    fn of_traces_with_both(
        &mut self,
        left: &RowMask,
        right: &RowMask,
    ) -> Result<RowMask, QueryError> {
        let (left_counts, right_counts) = (self.counts(left)?, self.counts(right)?);
        let traces = self.traces()?;
        let both = RowMask::collect_bool(traces.of_row.len(), |row| {
            let trace = traces.of_row[row] as usize;
            left_counts[trace] > 0 && right_counts[trace] > 0
        });
        Ok(&(left | right) & &both)
    }

    fn of_traces_with(&mut self, least: u64, rows: &RowMask) -> Result<RowMask, QueryError> {
        let counts = self.counts(rows)?;
        let traces = self.traces()?;
        let enough = RowMask::collect_bool(traces.of_row.len(), |row| {
            u64::from(counts[traces.of_row[row] as usize]) >= least
        });
        Ok(rows & &enough)
    }

    /// How many of the rows each trace has.
    fn counts(&mut self, rows: &RowMask) -> Result<Vec<u32>, QueryError> {
        let traces = self.traces()?;
        let mut counts = vec![0_u32; traces.n_traces];
        rows.set_indices().for_each(|row| counts[traces.of_row[row] as usize] += 1);
        Ok(counts)
    }
}

fn marks(rows: &RowMask) -> Vec<bool> {
    rows.iter().collect()
}
