//! Dependencies by the rules of Zipkin's `DependencyLinker`.
//!
//! A link goes from a service to a service that it calls, as either side of an RPC tells; the side that serves
//! knows better. Source: Zipkin's behavior on the cases of its integration tests.

use spandrel_model::SpanKind;

use crate::tree::NONE;
use crate::{Peers, SpanFacts, TraceTree};

/// A span whose nearest ancestor with a kind is being looked for.
const UNDER_WAY: u32 = u32::MAX - 1;
/// A span of which nothing is known yet.
const UNKNOWN: u32 = u32::MAX - 2;

fn has_kind(span: &SpanFacts) -> bool {
    !matches!(span.kind, SpanKind::Unspecified | SpanKind::Internal)
}

impl TraceTree {
    /// Every link of the trace: parent, child, and whether the call failed. Codes of services.
    pub fn zipkin_links(
        &self,
        spans: &[SpanFacts],
        peers: &Peers,
        mut each: impl FnMut(u32, u32, bool),
    ) {
        let root = root_of(spans);
        let parents = self.linked_parents(root);
        let mut has_children = vec![false; spans.len()];
        for parent in parents.iter().filter(|parent| **parent != NONE) {
            has_children[*parent as usize] = true;
        }
        let ancestors = ancestors(spans, &parents);
        for (index, span) in spans.iter().enumerate() {
            let at = Position {
                ancestor: spans.get(ancestors[index] as usize),
                is_root: index as u32 == root,
                has_children: has_children[index],
            };
            links_of(span, peers, &at, &mut each);
        }
    }

    /// Parents, and the root for spans whose parent is not there.
    fn linked_parents(&self, root: u32) -> Vec<u32> {
        let linked = |(index, parent): (u32, &u32)| match *parent {
            NONE if index != root => root,
            parent => parent,
        };
        (0..).zip(&self.zipkin_parents).map(linked).collect()
    }
}

/// Where a span stands in its trace.
struct Position<'a> {
    /// The nearest ancestor with a kind.
    ancestor: Option<&'a SpanFacts>,
    is_root: bool,
    has_children: bool,
}

/// The span without a parent that starts first.
fn root_of(spans: &[SpanFacts]) -> u32 {
    let roots = (0..).zip(spans).filter(|(_, span)| span.parent_id == 0);
    let first = roots.min_by_key(|(_, span)| (span.start_unix_nanos, span.kind, span.span_id));
    first.map_or(NONE, |(index, _)| index)
}

fn links_of(
    span: &SpanFacts,
    peers: &Peers,
    at: &Position<'_>,
    each: &mut impl FnMut(u32, u32, bool),
) {
    let (own, remote) = (span.service, peers.get(span.peer).service);
    let kind = match span.kind {
        // The server reports.
        SpanKind::Client if at.has_children => return,
        SpanKind::Unspecified | SpanKind::Internal if own != 0 && remote != 0 => SpanKind::Client,
        SpanKind::Unspecified | SpanKind::Internal => return,
        kind => kind,
    };
    let serves = matches!(kind, SpanKind::Server | SpanKind::Consumer);
    let (mut parent, child) = if serves { (remote, own) } else { (own, remote) };
    if serves && at.is_root && parent == 0 {
        return;
    }
    if matches!(kind, SpanKind::Producer | SpanKind::Consumer) {
        if parent != 0 && child != 0 {
            each(parent, child, span.failed);
        }
        return;
    }
    let mut failed = span.failed;
    if let Some(ancestor) = at.ancestor.filter(|ancestor| ancestor.service != 0) {
        if kind == SpanKind::Client && own != 0 && ancestor.service != own {
            each(ancestor.service, own, false);
        }
        if kind == SpanKind::Server || parent == 0 {
            parent = ancestor.service;
        }
        let direct = ancestor.span_id == span.parent_id;
        failed |= ancestor.kind == SpanKind::Client && ancestor.failed && direct;
    }
    if parent != 0 && child != 0 {
        each(parent, child, failed);
    }
}

/// The nearest ancestor with a kind of each span; none beyond the top of a tree or in a cycle.
fn ancestors(spans: &[SpanFacts], parents: &[u32]) -> Vec<u32> {
    let mut found = vec![UNKNOWN; spans.len()];
    let mut path = Vec::new();
    for index in 0..spans.len() as u32 {
        let mut at = index;
        let ancestor = loop {
            match found[at as usize] {
                UNKNOWN => {}
                UNDER_WAY => break NONE,
                known => break known,
            }
            found[at as usize] = UNDER_WAY;
            path.push(at);
            match parents[at as usize] {
                NONE => break NONE,
                parent if has_kind(&spans[parent as usize]) => break parent,
                parent => at = parent,
            }
        };
        for at in path.drain(..) {
            found[at as usize] = ancestor;
        }
    }
    found
}
