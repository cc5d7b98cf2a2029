//! Who is whose parent in one trace, and the depth-first order that follows.

use hashbrown::HashMap;
use spandrel_model::{Span, SpanId, SpanKind};

/// Stands for no parent.
const NONE: u32 = u32::MAX;

/// The trees of one trace. Children of a span are sorted by start, then by id.
///
/// Of several spans with one id, a server adopts the children, else the first to start.
#[derive(Debug, Clone, Default)]
pub struct SpanTree {
    parents: Vec<u32>,
    tops: Vec<(usize, Top)>,
    /// The children of span `i` are `children[first_children[i]..first_children[i + 1]]`.
    first_children: Vec<u32>,
    children: Vec<usize>,
    order: Vec<usize>,
    depths: Vec<u32>,
}

/// Why a span has no parent in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Top {
    /// It names none.
    Root,
    /// The parent that it names is not in the trace.
    MissingParent(SpanId),
    /// It names itself.
    OwnParent,
    /// It is the first to start of spans that are each other's ancestors; its parent is left out.
    Cycle,
}

impl SpanTree {
    /// The tree of these spans.
    ///
    /// # Panics
    /// With more than four billion spans.
    pub fn new(spans: &[Span]) -> Self {
        assert!(spans.len() < NONE as usize, "spans are numbered with 32 bits");
        let mut sorted: Vec<usize> = (0..spans.len()).collect();
        sorted.sort_unstable_by_key(|&span| {
            (spans[span].start_unix_nanos, spans[span].span_id, span)
        });
        let mut tree = Self { parents: vec![NONE; spans.len()], ..Self::default() };
        let mut why = tree.find_parents(spans, &sorted);
        tree.break_cycles(&sorted, &mut why);
        tree.link(&sorted, &why);
        tree.walk();
        tree
    }

    /// How many spans there are.
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Whether there are no spans.
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }

    /// The parent of a span; `None` for tops and numbers that are no span's.
    pub fn parent(&self, span: usize) -> Option<usize> {
        self.parents.get(span).filter(|parent| **parent != NONE).map(|parent| *parent as usize)
    }

    /// The spans without a parent and why they have none: roots first, then by start.
    pub fn tops(&self) -> &[(usize, Top)] {
        &self.tops
    }

    /// The children of a span by start; none for numbers that are no span's.
    pub fn children(&self, span: usize) -> &[usize] {
        let bounds = (self.first_children.get(span), self.first_children.get(span + 1));
        let (Some(&first), Some(&last)) = bounds else { return &[] };
        &self.children[first as usize..last as usize]
    }

    /// All spans depth-first: parents before their children.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Steps up to the top of the span's tree; 0 for tops.
    pub fn depth(&self, span: usize) -> usize {
        self.depths.get(span).map_or(0, |depth| *depth as usize)
    }

    fn find_parents(&mut self, spans: &[Span], sorted: &[usize]) -> Vec<Option<Top>> {
        let mut by_id: HashMap<SpanId, u32> = HashMap::with_capacity(spans.len());
        for &span in sorted {
            let one = &spans[span];
            let first = by_id.entry(one.span_id).or_insert(span as u32);
            let is_server = |span: &Span| span.kind == SpanKind::Server;
            if is_server(one) && !is_server(&spans[*first as usize]) {
                *first = span as u32;
            }
        }
        let mut why = vec![None; spans.len()];
        for (span, one) in spans.iter().enumerate() {
            let parent_id = one.parent_span_id.filter(|id| !id.is_zero());
            why[span] = match parent_id {
                None => Some(Top::Root),
                Some(id) if id == one.span_id => Some(Top::OwnParent),
                Some(id) => match by_id.get(&id) {
                    None => Some(Top::MissingParent(id)),
                    Some(&parent) => {
                        self.parents[span] = parent;
                        None
                    }
                },
            };
        }
        why
    }

    /// Makes the first span of every cycle a top.
    fn break_cycles(&mut self, sorted: &[usize], why: &mut [Option<Top>]) {
        let mut rank = vec![0_u32; sorted.len()];
        for (place, &span) in sorted.iter().enumerate() {
            rank[span] = place as u32;
        }
        // Which walk came by first; 0 for none.
        let mut visits = vec![0_u32; sorted.len()];
        for start in 0..sorted.len() {
            let walk = start as u32 + 1;
            let mut span = start;
            while visits[span] == 0 {
                visits[span] = walk;
                let Some(parent) = self.parent(span) else { break };
                span = parent;
                if visits[span] == walk {
                    let first = self.first_of_cycle(span, &rank);
                    self.parents[first] = NONE;
                    why[first] = Some(Top::Cycle);
                    break;
                }
            }
        }
    }

    fn first_of_cycle(&self, on_cycle: usize, rank: &[u32]) -> usize {
        let mut first = on_cycle;
        let mut span = on_cycle;
        while let Some(parent) = self.parent(span) {
            if rank[parent] < rank[first] {
                first = parent;
            }
            span = parent;
            if span == on_cycle {
                break;
            }
        }
        first
    }

    fn link(&mut self, sorted: &[usize], why: &[Option<Top>]) {
        let mut counts = vec![0_u32; self.len() + 1];
        for parent in self.parents.iter().filter(|parent| **parent != NONE) {
            counts[*parent as usize + 1] += 1;
        }
        let mut sum = 0;
        for count in &mut counts {
            sum += *count;
            *count = sum;
        }
        let mut next = counts.clone();
        self.first_children = counts;
        self.children = vec![0; sum as usize];
        for &span in sorted {
            match self.parent(span) {
                Some(parent) => {
                    self.children[next[parent] as usize] = span;
                    next[parent] += 1;
                }
                None => self.tops.push((span, why[span].unwrap_or(Top::Root))),
            }
        }
        self.tops.sort_by_key(|(_, why)| *why != Top::Root);
    }

    fn walk(&mut self) {
        let mut order = Vec::with_capacity(self.len());
        let mut depths = vec![0_u32; self.len()];
        let mut open: Vec<usize> = self.tops.iter().rev().map(|(span, _)| *span).collect();
        while let Some(span) = open.pop() {
            order.push(span);
            for &child in self.children(span).iter().rev() {
                depths[child] = depths[span] + 1;
                open.push(child);
            }
        }
        self.order = order;
        self.depths = depths;
    }
}
