//! The definitions, written down as plainly as possible and compared on random runs.
//!
//! Ids and times come from small ranges, so that shared ids, copies, cycles, missing parents,
//! overlaps and ties are frequent.

use proptest::prelude::*;

use super::*;

/// Field order is the order of siblings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    start: i64,
    id: u8,
    duration: i64,
    kind: u8,
    parent: u8,
    status: u8,
    name: &'static str,
    service: &'static str,
    trace: u8,
}

impl Span {
    fn end(&self) -> i64 {
        self.start + self.duration
    }

    fn failed(&self) -> bool {
        self.status == 2
    }
}

fn any_span() -> impl Strategy<Value = Span> {
    let ids = (1..4u8, 1..10u8, 0..10u8);
    let words =
        (prop::sample::select(vec!["get", "put"]), prop::sample::select(vec!["", "a", "b"]));
    (ids, 0..30i64, -3..25i64, 0..6u8, 0..3u8, words).prop_map(
        |((trace, id, parent), start, duration, kind, status, (name, service))| Span {
            start,
            id,
            duration,
            kind,
            parent,
            status,
            name,
            service,
            trace,
        },
    )
}

fn columns(spans: &[Span]) -> SpanColumns {
    let mut columns = SpanColumns::default();
    for span in spans {
        let resource = resource(&mut columns, span.service);
        columns.push(RawSpan {
            trace_id: trace_id(span.trace),
            span_id: SpanId([span.id; 8]),
            parent_span_id: SpanId([span.parent; 8]),
            start_unix_nanos: span.start,
            duration_nanos: span.duration,
            kind: span.kind,
            status_code: span.status,
            name: span.name.as_bytes(),
            resource,
            ..RawSpan::default()
        });
    }
    columns
}

/// One trace: its spans in order of siblings, with their rows in the run.
struct Trace<'a> {
    spans: Vec<(&'a Span, u32)>,
    /// Indexes in `spans`.
    parents: Vec<Option<usize>>,
}

impl<'a> Trace<'a> {
    fn new(all: &'a [Span], trace: u8) -> Self {
        let mut spans: Vec<_> =
            all.iter().zip(0..).filter(|(span, _)| span.trace == trace).collect();
        spans.sort();
        let with_cycles: Vec<_> =
            spans.iter().map(|(span, _)| Self::adopter(&spans, span)).collect();
        let is_first_of_cycle = |i: usize| {
            let ancestors = std::iter::successors(with_cycles[i], |&parent| with_cycles[parent]);
            let mut cycle: Vec<usize> = ancestors.take(spans.len()).collect();
            let Some(end) = cycle.iter().position(|&ancestor| ancestor == i) else {
                return false;
            };
            cycle.truncate(end);
            cycle.iter().all(|&other| i <= other)
        };
        let parents = (0..spans.len())
            .map(|i| if is_first_of_cycle(i) { None } else { with_cycles[i] })
            .collect();
        Self { spans, parents }
    }

    fn adopter(spans: &[(&Span, u32)], child: &Span) -> Option<usize> {
        if child.parent == child.id {
            return None;
        }
        let has_id = |i: &usize| spans[*i].0.id == child.parent;
        let is_server = |i: &usize| spans[*i].0.kind == SpanKind::Server as u8;
        let first_server = (0..spans.len()).filter(has_id).find(is_server);
        first_server.or_else(|| (0..spans.len()).find(has_id))
    }

    fn root(&self) -> Option<&Span> {
        self.spans.iter().map(|(span, _)| *span).find(|span| span.parent == 0)
    }

    fn children(&self, parent: usize) -> Vec<usize> {
        (0..self.spans.len()).filter(|&i| self.parents[i] == Some(parent)).collect()
    }

    fn push(&self, out: &mut Arrangement) {
        let first_row = out.order.len();
        let tops = || (0..self.spans.len()).filter(|&i| self.parents[i].is_none());
        let is_root = |i: &usize| self.spans[*i].0.parent == 0;
        for top in tops().filter(is_root).chain(tops().filter(|i| !is_root(i))) {
            let row = out.order.len();
            self.push_subtree(top, row, 0, out);
            let span = self.spans[top].0;
            self.walk_critical_path(top, (span.start, span.end()), &out.order.clone(), out);
        }
        let spans = || self.spans.iter().map(|(span, _)| span);
        out.traces.push(TraceFacts {
            trace_id: trace_id(spans().next().unwrap().trace),
            first_row: first_row as u32,
            n_rows: self.spans.len() as u32,
            start_unix_nanos: spans().map(|span| span.start).min().unwrap(),
            end_unix_nanos: spans().map(|span| span.end()).max().unwrap(),
            root_row: self.root().map(|_| first_row as u32),
            n_errors: spans().filter(|span| span.failed()).count() as u32,
        });
    }

    fn push_subtree(&self, i: usize, parent_row: usize, depth: u32, out: &mut Arrangement) {
        let (span, run_row) = self.spans[i];
        let children = self.children(i);
        let child_ran = |time: &i64| {
            let runs = |span: &Span| (span.start..span.end()).contains(time);
            children.iter().any(|&child| runs(self.spans[child].0))
        };
        let row = out.order.len();
        out.order.push(run_row);
        out.parent_offsets.push((row - parent_row) as u32);
        out.subtree_rows.push(0);
        out.depths.push(depth);
        out.child_nanos.push((span.start..span.end()).filter(child_ran).count() as i64);
        out.critical_nanos.push(0);
        let child_failed = children.iter().any(|&child| self.spans[child].0.failed());
        out.error_origins.push(span.failed() && !child_failed);
        for child in children {
            self.push_subtree(child, row, depth + 1, out);
        }
        out.subtree_rows[row] = (out.order.len() - row) as u32;
    }

    /// Span `i` is on the path during all of `window`.
    fn walk_critical_path(
        &self,
        i: usize,
        window: (i64, i64),
        order: &[u32],
        out: &mut Arrangement,
    ) {
        let (span, run_row) = self.spans[i];
        let row = order.iter().position(|&row| row == run_row).unwrap();
        let mut until = window.1;
        loop {
            let mut last: Option<(usize, i64, i64)> = None;
            for child in self.children(i) {
                let child_span = self.spans[child].0;
                let [start, end] = [child_span.start.max(window.0), child_span.end().min(window.1)];
                let is_cut = span.kind == SpanKind::Producer as u8
                    && child_span.kind == SpanKind::Consumer as u8;
                let is_later = last.is_none_or(|(_, _, last_end)| end > last_end);
                if !is_cut && start < end && end <= until && is_later {
                    last = Some((child, start, end));
                }
            }
            let Some((child, start, end)) = last else {
                break;
            };
            out.critical_nanos[row] += until - end;
            self.walk_critical_path(child, (start, end), order, out);
            until = start;
        }
        out.critical_nanos[row] += (until - window.0).max(0);
    }
}

fn arrange_plainly(spans: &[Span]) -> Arrangement {
    let mut traces: Vec<Trace<'_>> = (1..4)
        .map(|trace| Trace::new(spans, trace))
        .filter(|trace| !trace.spans.is_empty())
        .collect();
    traces.sort_by_key(|trace| {
        let root = trace.root();
        let first = trace.spans[0].0;
        (root.is_none(), root.map(|root| (root.name, root.service)), first.start, first.trace)
    });
    let mut out = Arrangement::default();
    traces.iter().for_each(|trace| trace.push(&mut out));
    out
}

fn any_run_and_permutation() -> impl Strategy<Value = (Vec<Span>, Vec<Span>)> {
    prop::collection::vec(any_span(), 0..40)
        .prop_flat_map(|spans| (Just(spans.clone()), Just(spans).prop_shuffle()))
}

/// Failing runs are printed, not written beside the sources.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_fast_way_finds_what_the_definitions_say(
        spans in prop::collection::vec(any_span(), 0..40),
    ) {
        prop_assert_eq!(arrange(&columns(&spans)), arrange_plainly(&spans));
    }

    #[test]
    fn the_order_of_arrival_does_not_matter((spans, permuted) in any_run_and_permutation()) {
        let in_block_order = |spans: &[Span]| {
            let mut arrangement = arrange(&columns(spans));
            let order = std::mem::take(&mut arrangement.order);
            let rows: Vec<Span> = order.iter().map(|&row| spans[row as usize].clone()).collect();
            (rows, arrangement)
        };
        prop_assert_eq!(in_block_order(&spans), in_block_order(&permuted));
    }
}
