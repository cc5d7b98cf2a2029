//! Which values of an attribute are the most frequent.

use spandrel_traceql::Static;

use super::Area;
use super::values::{AttributeValues, Cell};
use crate::labels::order;

/// The values of an attribute with their cells, each slot once.
pub(super) struct Ranking {
    /// By number.
    pub(super) values: Vec<Static>,
    /// By value.
    cells: Vec<Cell>,
    n_intervals: usize,
}

impl Ranking {
    pub(super) fn of(mut attribute: AttributeValues, n_intervals: usize) -> Self {
        attribute.join();
        let mut values = vec![Static::Nil; attribute.values.len()];
        for (value, number) in attribute.values {
            values[number as usize] = value;
        }
        Self { values, cells: attribute.cells, n_intervals }
    }

    /// The numbers of the values with the most spans in an area, the most frequent first, and how many values have any.
    pub(super) fn most_frequent(&self, area: Area, top: usize) -> (Vec<usize>, usize) {
        let mut totals = vec![0_u64; self.values.len()];
        for cell in self.cells.iter().filter(|cell| cell.is_in(area)) {
            totals[cell.value as usize] += cell.spans;
        }
        let mut found: Vec<usize> = (0..totals.len()).filter(|value| totals[*value] > 0).collect();
        let n_values = found.len();
        let by_rank = |a: &usize, b: &usize| {
            let by_total = totals[*b].cmp(&totals[*a]);
            by_total.then_with(|| order(&self.values[*a], &self.values[*b]))
        };
        if top < n_values {
            found.select_nth_unstable_by(top, by_rank);
            found.truncate(top);
        }
        found.sort_by(by_rank);
        (found, n_values)
    }

    /// Spans by interval.
    pub(super) fn spans(&self, value: usize, area: Area) -> Vec<u64> {
        let begin = self.cells.partition_point(|cell| (cell.value as usize) < value);
        let own = self.cells[begin..].iter().take_while(|cell| cell.value as usize == value);
        self.by_interval(own, area)
    }

    /// Spans by interval, of all values.
    pub(super) fn total(&self, area: Area) -> Vec<u64> {
        self.by_interval(self.cells.iter(), area)
    }

    fn by_interval<'c>(&self, cells: impl Iterator<Item = &'c Cell>, area: Area) -> Vec<u64> {
        let mut sums = vec![0; self.n_intervals];
        for cell in cells.filter(|cell| cell.is_in(area)) {
            sums[cell.interval()] += cell.spans;
        }
        sums
    }
}
