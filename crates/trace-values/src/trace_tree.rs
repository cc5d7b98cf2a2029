//! The tree of one whole trace, whose spans are in depth-first order.
//!
//! Where all ids differ, that order is most of the tree already: a parent comes before its children, so a
//! parent id that belongs to a later span closes a circle, and does not count. Where ids repeat, the
//! arrangement of blocks says which of the spans is the parent.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use spandrel_columns::arrange::Arrangement;
use spandrel_model::{Span, SpanId, Trace};
use spandrel_traceql::Intrinsic;

use crate::forest::{Forest, NO_PARENT};
use crate::{Shape, arrange_spans};

/// Who is whose parent. Spans that lack the same parent are siblings; so are roots.
pub(crate) fn tree_of(trace: &Trace) -> Forest {
    let spans = &trace.spans;
    let (parents, order) = match parents_by_id(spans) {
        Some(parents) => (parents, (0..spans.len() as u32).collect()),
        None => arranged(spans),
    };
    let mut missing: HashMap<Option<SpanId>, u32> = HashMap::new();
    Forest::new(parents, order, |span| {
        let next = missing.len() as u32;
        *missing.entry(spans[span].parent_span_id).or_insert(next)
    })
}

/// The parent of each span; `None` when an id repeats.
fn parents_by_id(spans: &[Span]) -> Option<Vec<u32>> {
    let mut by_id: HashMap<SpanId, u32> = HashMap::with_capacity(spans.len());
    for (index, span) in spans.iter().enumerate() {
        match by_id.entry(span.span_id) {
            Entry::Vacant(entry) => entry.insert(index as u32),
            Entry::Occupied(_) => return None,
        };
    }
    let parent = |(index, span): (usize, &Span)| {
        let parent = span.parent_span_id.and_then(|id| by_id.get(&id).copied());
        parent.filter(|parent| (*parent as usize) < index).unwrap_or(NO_PARENT)
    };
    Some(spans.iter().enumerate().map(parent).collect())
}

/// The parent of each span, and all spans in an order in which parents come first.
fn arranged(spans: &[Span]) -> (Vec<u32>, Vec<u32>) {
    let Arrangement { order, parent_offsets, .. } = arrange_spans(spans);
    let mut parents = vec![NO_PARENT; spans.len()];
    for (row, offset) in parent_offsets.iter().enumerate() {
        if *offset > 0 {
            parents[order[row] as usize] = order[row - *offset as usize];
        }
    }
    (parents, order)
}

/// Numbers of all spans, by index in the trace.
pub(crate) fn shape_numbers(trace: &Trace, tree: &Forest, intrinsic: Intrinsic) -> Vec<i64> {
    let order = tree.order();
    let n_spans = order.len();
    let mut rows = vec![0_u32; n_spans];
    for (row, span) in order.iter().enumerate() {
        rows[*span as usize] = row as u32;
    }
    let mut parent_offsets = vec![0; n_spans];
    let mut depths = vec![0; n_spans];
    let mut subtree_rows = vec![1; n_spans];
    let parent_row =
        |row: usize| tree.parent(order[row] as usize).map(|parent| rows[parent] as usize);
    for row in 0..n_spans {
        if let Some(parent) = parent_row(row) {
            parent_offsets[row] = (row - parent) as u32;
            depths[row] = depths[parent] + 1;
        }
    }
    for row in (0..n_spans).rev() {
        if let Some(parent) = parent_row(row) {
            subtree_rows[parent] += subtree_rows[row];
        }
    }
    let shape = Shape {
        parent_offsets: &parent_offsets,
        subtree_rows: &subtree_rows,
        depths: &depths,
        trace_starts: &[0],
    };
    let is_root = |row: usize| trace.spans[order[row] as usize].parent_span_id.is_none();
    let in_order = shape.numbers(intrinsic, is_root);
    rows.iter().map(|row| in_order[*row as usize]).collect()
}
