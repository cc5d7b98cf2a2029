//! The order and the tree of a trace's spans, the slow and plain way.

use std::collections::BTreeMap;

use spandrel_model::{Attribute, Span, SpanId, SpanKind};

/// Everything in a span, whatever the order of its attributes.
pub(crate) fn content(span: &Span) -> String {
    let sort = |attributes: &mut Vec<Attribute>| attributes.sort_by(|a, b| a.key.cmp(&b.key));
    let mut span = span.clone();
    let (mut resource, mut scope) = ((*span.resource).clone(), (*span.scope).clone());
    sort(&mut span.attributes);
    span.events.iter_mut().for_each(|event| sort(&mut event.attributes));
    span.links.iter_mut().for_each(|link| sort(&mut link.attributes));
    sort(&mut resource.attributes);
    sort(&mut scope.attributes);
    (span.resource, span.scope) = (resource.into(), scope.into());
    format!("{span:?}")
}

/// Numbers of one span.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers {
    pub(crate) child_count: i64,
    pub(crate) left: i64,
    pub(crate) right: i64,
    pub(crate) parent: i64,
    /// Where the parent stands, if it is there.
    pub(crate) parent_index: Option<usize>,
}

/// Puts spans into depth-first order, and numbers them.
pub(crate) fn tree(spans: Vec<Span>) -> (Vec<Span>, Vec<Numbers>) {
    let mut spans = spans;
    let key = |span: &Span| {
        let service = span.resource.service_name().unwrap_or_default().to_owned();
        (
            (span.start_unix_nanos, span.span_id, span.duration_nanos(), span.kind),
            (span.parent_span_id, span.status_code as u8, span.name.clone(), service),
        )
    };
    spans.sort_by_key(key);
    let parents = parents(&spans);
    let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    let (mut roots, mut strays) = (Vec::new(), Vec::new());
    for (i, span) in spans.iter().enumerate() {
        match parents[i] {
            Some(parent) => children.entry(Some(parent)).or_default().push(i),
            None if span.parent_span_id.is_none() => roots.push(i),
            None => strays.push(i),
        }
    }
    let mut walk = Walk { children, order: Vec::new(), numbers: BTreeMap::new(), next: 1 };
    roots.iter().for_each(|&root| walk.enter(root, -1));
    walk.next = i64::MIN;
    strays.iter().for_each(|&stray| walk.enter(stray, 0));
    let place_of = |parent| walk.order.iter().position(|i| *i == parent).unwrap();
    let numbers =
        |i: &usize| Numbers { parent_index: parents[*i].map(place_of), ..walk.numbers[i] };
    let numbers = walk.order.iter().map(numbers).collect();
    (walk.order.iter().map(|&i| spans[i].clone()).collect(), numbers)
}

struct Walk {
    children: BTreeMap<Option<usize>, Vec<usize>>,
    order: Vec<usize>,
    numbers: BTreeMap<usize, Numbers>,
    /// Below zero where no root leads to.
    next: i64,
}

impl Walk {
    fn enter(&mut self, span: usize, parent: i64) {
        self.order.push(span);
        let connected = self.next > 0;
        let left = if connected { self.next } else { 0 };
        self.next += 1;
        let children = self.children.get(&Some(span)).cloned().unwrap_or_default();
        children.iter().for_each(|&child| self.enter(child, left));
        let right = if connected { self.next } else { 0 };
        self.next += 1;
        let child_count = children.len() as i64;
        let numbers = Numbers { child_count, left, right, parent, parent_index: None };
        self.numbers.insert(span, numbers);
    }
}

/// The parent of each span: of spans that share an id a server, then the earliest; nobody is their own
/// ancestor, the earliest span of a circle has no parent.
fn parents(spans: &[Span]) -> Vec<Option<usize>> {
    let find = |id: SpanId| {
        let found = spans.iter().enumerate().filter(|(_, span)| span.span_id == id);
        found.min_by_key(|(i, span)| (span.kind != SpanKind::Server, *i)).map(|(i, _)| i)
    };
    let parent = |span: &Span| span.parent_span_id.filter(|id| *id != span.span_id).and_then(find);
    let mut parents: Vec<Option<usize>> = spans.iter().map(parent).collect();
    for i in 0..spans.len() {
        // Whoever comes back to where it began without meeting an earlier span begins a circle.
        let mut at = i;
        for _ in 0..spans.len() {
            match parents[at] {
                Some(parent) if parent == i => {
                    parents[i] = None;
                    break;
                }
                Some(parent) if parent > i => at = parent,
                _ => break,
            }
        }
    }
    parents
}
