//! Numbers that follow from the shape of a trace: nested set numbers and child counts.
//!
//! Rows are in depth-first order, so the numbers need no walk: the span at place `i` of its trace (from 0) at
//! depth `d` is entered after `2i - d` steps. Traces with several roots are numbered one root after the
//! other; spans that no root leads to have zeros, as Tempo has it.

use spandrel_traceql::{Attribute, Intrinsic};

/// What the numbers are computed from. Shape: all slices are parallel, in block order; whole traces.
pub struct Shape<'a> {
    /// Row minus row of the parent, 0 for the top of a tree.
    pub parent_offsets: &'a [u32],
    /// Rows of the subtree.
    pub subtree_rows: &'a [u32],
    /// Steps up to the top of the tree.
    pub depths: &'a [u32],
    /// Rows at which a trace begins, ascending.
    pub trace_starts: &'a [u32],
}

impl Shape<'_> {
    /// The numbers of all rows. `is_root` tells of the top of a tree whether it has no parent at all.
    pub fn numbers(&self, intrinsic: Intrinsic, is_root: impl Fn(usize) -> bool) -> Vec<i64> {
        let n_rows = self.depths.len();
        if intrinsic == Intrinsic::ChildCount {
            let mut counts = vec![0; n_rows];
            for (row, offset) in self.parent_offsets.iter().enumerate() {
                if *offset > 0 {
                    counts[row - *offset as usize] += 1;
                }
            }
            return counts;
        }
        let mut numbers = Vec::with_capacity(n_rows);
        let mut lefts = vec![0; n_rows];
        let mut starts = self.trace_starts.iter().peekable();
        let mut first = 0;
        let mut connected = false;
        for row in 0..n_rows {
            if starts.next_if(|start| **start as usize == row).is_some() {
                first = row;
            }
            let depth = i64::from(self.depths[row]);
            if depth == 0 {
                connected = is_root(row);
            }
            let left = 2 * (row - first) as i64 - depth + 1;
            lefts[row] = left;
            let number = match intrinsic {
                _ if !connected => 0,
                Intrinsic::NestedSetRight => left + 2 * i64::from(self.subtree_rows[row]) - 1,
                Intrinsic::NestedSetParent if depth == 0 => -1,
                Intrinsic::NestedSetParent => lefts[row - self.parent_offsets[row] as usize],
                _ => left,
            };
            numbers.push(number);
        }
        numbers
    }
}

/// Whether the attribute is a number that follows from the tree of spans. A span that was sent twice counts
/// once, which a unit does not know.
pub fn needs_shape(attribute: &Attribute) -> bool {
    matches!(
        attribute,
        Attribute::Intrinsic(
            Intrinsic::ChildCount
                | Intrinsic::NestedSetLeft
                | Intrinsic::NestedSetRight
                | Intrinsic::NestedSetParent
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_small_forest() {
        // Trace one: root with two children, the first with a child; a stray. Trace two: a root.
        let shape = Shape {
            parent_offsets: &[0, 1, 1, 3, 0, 0],
            subtree_rows: &[4, 2, 1, 1, 1, 1],
            depths: &[0, 1, 2, 1, 0, 0],
            trace_starts: &[0, 5],
        };
        let numbers = |intrinsic| shape.numbers(intrinsic, |row| row != 4);
        assert_eq!(numbers(Intrinsic::NestedSetLeft), [1, 2, 3, 6, 0, 1]);
        assert_eq!(numbers(Intrinsic::NestedSetRight), [8, 5, 4, 7, 0, 2]);
        assert_eq!(numbers(Intrinsic::NestedSetParent), [-1, 1, 2, 1, 0, -1]);
        assert_eq!(numbers(Intrinsic::ChildCount), [2, 1, 0, 0, 0, 0]);
    }
}
