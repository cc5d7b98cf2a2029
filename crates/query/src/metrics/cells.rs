//! Cells: the pairs of group and interval that a unit has rows in.

use hashbrown::HashMap;

/// Up to this many possible cells each has its place; beyond, places are given to those that occur.
const DENSE_MAX: usize = 1 << 18;

/// The place of rows that do not count.
pub(super) const NOWHERE: u32 = 0;

/// Places of cells, from 1.
pub(super) enum Cells {
    Dense { n_groups: usize, n_intervals: usize },
    Sparse { places: HashMap<(u32, u32), u32>, cells: Vec<(u32, u32)> },
}

impl Cells {
    pub(super) fn new(n_groups: usize, n_intervals: usize) -> Self {
        match n_groups.checked_mul(n_intervals) {
            Some(n) if n <= DENSE_MAX => Self::Dense { n_groups, n_intervals },
            _ => Self::Sparse { places: HashMap::new(), cells: Vec::new() },
        }
    }

    /// One more than the last place.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Dense { n_groups, n_intervals } => n_groups * n_intervals + 1,
            Self::Sparse { cells, .. } => cells.len() + 1,
        }
    }

    /// The place of a cell.
    pub(super) fn place(&mut self, group: u32, interval: u32) -> u32 {
        match self {
            Self::Dense { n_intervals, .. } => group * *n_intervals as u32 + interval + 1,
            Self::Sparse { places, cells } => {
                *places.entry((group, interval)).or_insert_with(|| {
                    cells.push((group, interval));
                    cells.len() as u32
                })
            }
        }
    }

    /// Group and interval of a place from 1 on.
    pub(super) fn cell(&self, place: usize) -> (usize, usize) {
        match self {
            Self::Dense { n_intervals, .. } => {
                ((place - 1) / n_intervals, (place - 1) % n_intervals)
            }
            Self::Sparse { cells, .. } => {
                let (group, interval) = cells[place - 1];
                (group as usize, interval as usize)
            }
        }
    }
}
