//! What calls what, added up by path: spans with the same services and operations above them are one node.
//!
//! Of one trace it is its graph, of many their common structure, and two of them can be compared.

use hashbrown::HashMap;
use spandrel_model::{Span, SpanKind, StatusCode};

use crate::{SpanTree, self_nanos};

/// Traces, merged by path.
#[derive(Debug, Clone)]
pub struct Structure {
    nodes: Vec<Node>,
    index: HashMap<Key, u32>,
    names: HashMap<String, u32>,
    nodes_max: usize,
    n_traces: u64,
    n_spans_left_out: u64,
}

/// Spans that have the same path.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The node of their parents, which comes before this one; `None` for tops.
    pub parent: Option<usize>,
    /// Their service; empty if unknown.
    pub service: String,
    /// Their name.
    pub operation: String,
    /// Whether they have no children. Spans that have some and spans that have none are different nodes, as in Jaeger.
    pub is_leaf: bool,
    /// How many they are.
    pub n_spans: u64,
    /// In how many traces.
    pub n_traces: u64,
    /// How many of them failed.
    pub n_errors: u64,
    /// Sum of their durations.
    pub duration_nanos: u128,
    /// Sum of their self times.
    pub self_nanos: u128,
    /// The trace that was counted last.
    last_trace: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    /// One more than the number of the parent's node; 0 for tops.
    parent: u32,
    service: u32,
    operation: u32,
    is_leaf: bool,
}

impl Structure {
    /// Empty, for at most so many nodes. What has no place is counted, not stored.
    pub fn new(nodes_max: usize) -> Self {
        Self {
            nodes: Vec::new(),
            index: HashMap::new(),
            names: HashMap::new(),
            nodes_max: nodes_max.min(u32::MAX as usize - 1),
            n_traces: 0,
            n_spans_left_out: 0,
        }
    }

    /// Adds a trace. A client whose only child is a server stands for nothing that the server does not show, so it
    /// is no node.
    pub fn add(&mut self, spans: &[Span], tree: &SpanTree) {
        self.n_traces += 1;
        let own = self_nanos(spans, tree);
        // Of each span: one more than its node, 0 for none above it; `None` where it was left out.
        let mut places: Vec<Option<u32>> = vec![None; spans.len()];
        for &place in tree.order() {
            let above = match tree.parent(place) {
                Some(parent) => places[parent],
                None => Some(0),
            };
            let Some(parent) = above else {
                self.n_spans_left_out += 1;
                continue;
            };
            if is_half_of_call(spans, tree, place) {
                places[place] = Some(parent);
                continue;
            }
            let span = &spans[place];
            let node = self.node(parent, span, tree.children(place).is_empty());
            let Some(node) = node else {
                self.n_spans_left_out += 1;
                continue;
            };
            places[place] = Some(node as u32 + 1);
            self.count(node, span, own[place]);
        }
    }

    /// The nodes, parents before their children.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// How many traces were added.
    pub fn n_traces(&self) -> u64 {
        self.n_traces
    }

    /// How many spans had no place.
    pub fn n_spans_left_out(&self) -> u64 {
        self.n_spans_left_out
    }

    fn node(&mut self, parent: u32, span: &Span, is_leaf: bool) -> Option<usize> {
        let service = span.resource.service_name().unwrap_or_default();
        let is_full = self.nodes.len() >= self.nodes_max;
        let key = Key {
            parent,
            service: self.name(service, is_full)?,
            operation: self.name(&span.name, is_full)?,
            is_leaf,
        };
        if let Some(node) = self.index.get(&key) {
            return Some(*node as usize);
        }
        if is_full {
            return None;
        }
        let node = self.nodes.len();
        self.index.insert(key, node as u32);
        self.nodes.push(Node {
            parent: parent.checked_sub(1).map(|parent| parent as usize),
            service: service.to_owned(),
            operation: span.name.clone(),
            is_leaf,
            n_spans: 0,
            n_traces: 0,
            n_errors: 0,
            duration_nanos: 0,
            self_nanos: 0,
            last_trace: 0,
        });
        Some(node)
    }

    /// The number of a name; `None` for a new one when there is no place.
    fn name(&mut self, name: &str, is_full: bool) -> Option<u32> {
        if is_full {
            return self.names.get(name).copied();
        }
        let next = self.names.len() as u32;
        Some(*self.names.entry_ref(name).or_insert(next))
    }

    fn count(&mut self, node: usize, span: &Span, own: u64) {
        let trace = self.n_traces;
        let node = &mut self.nodes[node];
        node.n_spans += 1;
        node.n_traces += u64::from(node.last_trace != trace);
        node.last_trace = trace;
        node.n_errors += u64::from(span.status_code == StatusCode::Error);
        let nanos = span.end_unix_nanos.saturating_sub(span.start_unix_nanos);
        node.duration_nanos += u128::from(nanos);
        node.self_nanos += u128::from(own);
    }
}

fn is_half_of_call(spans: &[Span], tree: &SpanTree, span: usize) -> bool {
    spans[span].kind == SpanKind::Client
        && matches!(tree.children(span), [child] if spans[*child].kind == SpanKind::Server)
}
