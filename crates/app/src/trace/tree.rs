//! The order in which spans are drawn: each below its parent, siblings by start.
//!
//! A trace may be broken in every way: parents that were never received, ids that occur twice, spans
//! that are their own ancestors. Every span is drawn exactly once all the same.

use std::collections::HashMap;

use super::Span;

/// One line of the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// The span.
    pub(super) span_idx: usize,
    /// How many ancestors are drawn above it.
    pub(super) depth: usize,
    /// Whether it names a parent that is not in the trace.
    pub(super) misses_parent: bool,
}

/// Depth-first order from the roots; where ids occur twice, children belong to the first.
pub(super) fn rows(spans: &[Span]) -> Vec<Row> {
    let mut by_start: Vec<usize> = (0..spans.len()).collect();
    by_start.sort_by_key(|&i| (spans[i].start_unix_nanos, i));
    let mut first_with: HashMap<&[u8], usize> = HashMap::new();
    for (i, span) in spans.iter().enumerate() {
        first_with.entry(&span.id).or_insert(i);
    }
    let parent_of = |i: usize| {
        let parent = first_with.get(spans[i].parent_id.as_slice()).copied();
        parent.filter(|&parent| parent != i && !spans[i].parent_id.is_empty())
    };
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
    let mut roots = Vec::new();
    for &i in &by_start {
        match parent_of(i) {
            Some(parent) => children[parent].push(i),
            None => roots.push(i),
        }
    }
    let mut drawn = vec![false; spans.len()];
    let mut rows = Vec::with_capacity(spans.len());
    // Spans in a cycle are reached from no root, so every span gets a turn at the end.
    for start in roots.into_iter().chain(by_start) {
        let mut open = vec![(start, 0)];
        while let Some((i, depth)) = open.pop() {
            if std::mem::replace(&mut drawn[i], true) {
                continue;
            }
            let misses_parent = parent_of(i).is_none() && !spans[i].parent_id.is_empty();
            rows.push(Row { span_idx: i, depth, misses_parent });
            open.extend(children[i].iter().rev().map(|&child| (child, depth + 1)));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::tests_fixture::span;
    use super::*;

    /// Spans as `(id, parent, start)`; the drawing as `id` indented by depth, `?` for a missing parent.
    #[track_caller]
    fn check(spans: &[(u8, u8, u64)], expected: &[&str]) {
        let spans: Vec<_> = spans
            .iter()
            .map(|&(id, parent, start)| span(id, parent, "s", "n", (start, start + 1)))
            .collect();
        let drawn: Vec<String> = rows(&spans)
            .into_iter()
            .map(|row| {
                let mark = if row.misses_parent { "?" } else { "" };
                format!("{}{}{mark}", " ".repeat(row.depth), spans[row.span_idx].id[0])
            })
            .collect();
        assert_eq!(drawn, expected);
    }

    #[test]
    fn children_follow_their_parent_by_start() {
        check(&[(3, 1, 5), (1, 0, 0), (2, 1, 9), (4, 3, 6)], &["1", " 3", "  4", " 2"]);
    }

    #[test]
    fn broken_traces_are_drawn_whole() {
        check(&[(1, 9, 0), (2, 1, 1)], &["1?", " 2"]);
        check(&[(1, 1, 0)], &["1?"]);
        check(&[(1, 2, 0), (2, 1, 1)], &["1", " 2"]);
        check(&[(1, 0, 0), (1, 0, 1), (2, 1, 2)], &["1", " 2", "1"]);
        check(&[], &[]);
    }
}
