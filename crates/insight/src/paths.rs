//! Which spans are the same call: those with the same service, name and kind, below spans that are the same call.

use hashbrown::HashMap;
use spandrel_model::{Span, SpanKind};

use crate::SpanTree;

/// Paths of spans, each once, of one trace or of many.
#[derive(Debug, Clone)]
pub struct Paths {
    nodes: Vec<Path>,
    index: HashMap<Key, u32>,
    names: HashMap<String, u32>,
    nodes_max: usize,
}

/// What spans of one path have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The path of their parents, which comes before this one; `None` for tops.
    pub parent: Option<usize>,
    /// Their service; empty if unknown.
    pub service: String,
    /// Their name.
    pub name: String,
    /// Their kind.
    pub kind: SpanKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    parent: Option<u32>,
    service: u32,
    name: u32,
    kind: SpanKind,
}

impl Paths {
    /// None yet, and at most so many.
    pub fn new(nodes_max: usize) -> Self {
        Self {
            nodes: Vec::new(),
            index: HashMap::new(),
            names: HashMap::new(),
            nodes_max: nodes_max.min(u32::MAX as usize),
        }
    }

    /// The paths, parents before their children.
    pub fn nodes(&self) -> &[Path] {
        &self.nodes
    }

    /// The path of each span of a trace, by number; `None` for those that have no place, and for all below them.
    pub fn place(&mut self, spans: &[Span], tree: &SpanTree) -> Vec<Option<usize>> {
        let mut places: Vec<Option<u32>> = vec![None; spans.len()];
        for &span in tree.order() {
            let parent = match tree.parent(span) {
                None => None,
                Some(above) => match places[above] {
                    None => continue,
                    place => place,
                },
            };
            places[span] = self.node(parent, &spans[span]);
        }
        places.into_iter().map(|place| place.map(|place| place as usize)).collect()
    }

    fn node(&mut self, parent: Option<u32>, span: &Span) -> Option<u32> {
        let service = span.resource.service_name().unwrap_or_default();
        let is_full = self.nodes.len() >= self.nodes_max;
        let key = Key {
            parent,
            service: self.number(service, is_full)?,
            name: self.number(&span.name, is_full)?,
            kind: span.kind,
        };
        if let Some(node) = self.index.get(&key) {
            return Some(*node);
        }
        if is_full {
            return None;
        }
        let node = self.nodes.len() as u32;
        self.index.insert(key, node);
        self.nodes.push(Path {
            parent: parent.map(|parent| parent as usize),
            service: service.to_owned(),
            name: span.name.clone(),
            kind: span.kind,
        });
        Some(node)
    }

    /// The number of a text; `None` for a new one when there is no place.
    fn number(&mut self, text: &str, is_full: bool) -> Option<u32> {
        if is_full {
            return self.names.get(text).copied();
        }
        let next = self.names.len() as u32;
        Some(*self.names.entry_ref(text).or_insert(next))
    }
}
