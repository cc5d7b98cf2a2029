//! The tree of one trace: who is whose parent, and the depth-first order that follows.
//!
//! A span is known here by its *position*, its index in `keys`, which are sorted like siblings are.
//! So whatever is done in order of positions is done in order of starts, and does not depend on
//! arrival.

use std::cmp::Reverse;

use spandrel_model::{SpanId, SpanKind};

use super::Arrangement;
use super::order::compare_spans;
use crate::SpanColumns;

/// Ends a list of siblings.
const END: u32 = u32::MAX;

/// Shape: all fields but `by_id` and `stack` have one element per span of the trace.
#[derive(Default)]
pub(super) struct Tree {
    keys: Vec<Key>,
    parents: Vec<Parent>,
    /// (span id, whether it is not of kind server, position), sorted: the first of an id adopts all
    /// children.
    by_id: Vec<(u64, Reverse<bool>, u32)>,
    first_children: Vec<u32>,
    next_siblings: Vec<u32>,
    first_root: u32,
    first_stray: u32,
    /// Which walk came by first; 0 for none.
    visits: Vec<u32>,
    /// Block rows by position.
    block_rows: Vec<u32>,
    stack: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Key {
    start_unix_nanos: i64,
    span_id: u64,
    /// In the run.
    row: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parent {
    /// The span is a root.
    None,
    /// The span is a stray.
    Missing,
    /// The position of the parent.
    At(u32),
}

/// Compares like the id itself.
fn number_of(id: SpanId) -> u64 {
    u64::from_be_bytes(id.0)
}

impl Tree {
    /// Makes this the tree of the trace with these rows of the run.
    pub(super) fn build(&mut self, spans: &SpanColumns, rows: &[u32]) {
        self.sort(spans, rows);
        self.find_parents(spans);
        self.link_children();
    }

    fn sort(&mut self, spans: &SpanColumns, rows: &[u32]) {
        self.keys.clear();
        self.keys.extend(rows.iter().map(|&row| Key {
            start_unix_nanos: spans.start_unix_nanos[row as usize],
            span_id: number_of(spans.span_ids[row as usize]),
            row,
        }));
        self.keys.sort_unstable_by(|a, b| {
            (a.start_unix_nanos, a.span_id)
                .cmp(&(b.start_unix_nanos, b.span_id))
                .then_with(|| compare_spans(spans, a.row, b.row))
                .then(a.row.cmp(&b.row))
        });
    }

    fn find_parents(&mut self, spans: &SpanColumns) {
        self.by_id.clear();
        self.by_id.extend(self.keys.iter().zip(0..).map(|(key, position)| {
            let is_server = spans.kinds[key.row as usize] == SpanKind::Server as u8;
            (key.span_id, Reverse(is_server), position)
        }));
        self.by_id.sort_unstable();

        self.parents.clear();
        let mut may_have_cycles = false;
        for (key, position) in self.keys.iter().zip(0..) {
            let id = number_of(spans.parent_span_ids[key.row as usize]);
            let parent = self.find_parent(key, id);
            self.parents.push(parent);
            // Somewhere on a cycle a parent has to come after its child.
            may_have_cycles |= matches!(parent, Parent::At(parent) if parent > position);
        }
        if may_have_cycles {
            self.break_cycles();
        }
    }

    fn find_parent(&self, key: &Key, parent_id: u64) -> Parent {
        if parent_id == 0 {
            return Parent::None;
        }
        if parent_id == key.span_id {
            return Parent::Missing;
        }
        let i = self.by_id.partition_point(|&(id, ..)| id < parent_id);
        match self.by_id.get(i) {
            Some(&(id, _, position)) if id == parent_id => Parent::At(position),
            _ => Parent::Missing,
        }
    }

    /// Makes the first span of every cycle a stray.
    fn break_cycles(&mut self) {
        self.visits.clear();
        self.visits.resize(self.keys.len(), 0);
        for start in 0..self.keys.len() as u32 {
            let walk = start + 1;
            let mut position = start;
            while self.visits[position as usize] == 0 {
                self.visits[position as usize] = walk;
                let Parent::At(parent) = self.parents[position as usize] else {
                    break;
                };
                position = parent;
                if self.visits[position as usize] == walk {
                    self.break_cycle(position);
                    break;
                }
            }
        }
    }

    /// Makes the first span of the cycle through `position` a stray.
    fn break_cycle(&mut self, position: u32) {
        let mut first = position;
        let mut current = position;
        while let Parent::At(parent) = self.parents[current as usize] {
            first = first.min(parent);
            current = parent;
            if current == position {
                break;
            }
        }
        self.parents[first as usize] = Parent::Missing;
    }

    /// Makes the lists of roots, of strays and of every span's children, each in order of
    /// positions.
    fn link_children(&mut self) {
        let n = self.keys.len();
        self.first_children.clear();
        self.first_children.resize(n, END);
        self.next_siblings.clear();
        self.next_siblings.resize(n, END);
        self.first_root = END;
        self.first_stray = END;
        for position in (0..n).rev() {
            let first = match self.parents[position] {
                Parent::None => &mut self.first_root,
                Parent::Missing => &mut self.first_stray,
                Parent::At(parent) => &mut self.first_children[parent as usize],
            };
            self.next_siblings[position] = *first;
            *first = position as u32;
        }
    }

    /// Adds the rows of the trace, depth-first: order, parent offsets, depths and subtree rows.
    pub(super) fn push_rows(&mut self, out: &mut Arrangement) {
        let first_row = out.order.len();
        self.block_rows.clear();
        self.block_rows.resize(self.keys.len(), 0);
        // What is to be visited next lies on top; END marks are taken off like positions.
        self.stack.clear();
        self.stack.extend([self.first_stray, self.first_root]);
        while let Some(position) = self.stack.pop() {
            if position == END {
                continue;
            }
            let position = position as usize;
            let row = out.order.len() as u32;
            self.block_rows[position] = row;
            let (offset, depth) = match self.parents[position] {
                Parent::None | Parent::Missing => (0, 0),
                Parent::At(parent) => {
                    let parent_row = self.block_rows[parent as usize];
                    (row - parent_row, out.depths[parent_row as usize] + 1)
                }
            };
            out.order.push(self.keys[position].row);
            out.parent_offsets.push(offset);
            out.depths.push(depth);
            self.stack.extend([self.next_siblings[position], self.first_children[position]]);
        }
        out.subtree_rows.resize(out.order.len(), 1);
        for row in (first_row..out.order.len()).rev() {
            let offset = out.parent_offsets[row] as usize;
            if offset > 0 {
                out.subtree_rows[row - offset] += out.subtree_rows[row];
            }
        }
    }
}
