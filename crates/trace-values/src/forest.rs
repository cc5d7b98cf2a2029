//! Who is whose parent among the spans of one trace or of many, and which spans stand in a relation.
//!
//! Every question is answered by one pass over the spans in depth-first order, in which parents come before
//! their children: marks travel down along it, or up against it. So an operator costs the same however
//! deep or wide a trace is.

use spandrel_traceql::ast::Relation;

/// Stands for no parent.
pub const NO_PARENT: u32 = u32::MAX;

/// Trees of spans. Spans are known by number.
#[derive(Debug, Clone, Default)]
pub struct Forest {
    /// The parent of each span, [`NO_PARENT`] for the top of a tree.
    parents: Vec<u32>,
    /// All spans, parents before their children.
    order: Vec<u32>,
    /// What spans with the same parent have in common: the number of the parent, or a number from the number
    /// of spans on.
    families: Vec<u32>,
    n_families: usize,
}

impl Forest {
    /// A forest of spans with these parents. `family_of_top` numbers the parents that are not there: tops
    /// of the same number are siblings. It is asked in order of the spans.
    pub fn new(
        parents: Vec<u32>,
        order: Vec<u32>,
        mut family_of_top: impl FnMut(usize) -> u32,
    ) -> Self {
        let n_spans = parents.len();
        let mut n_families = n_spans;
        let mut families = Vec::with_capacity(n_spans);
        for (span, parent) in parents.iter().enumerate() {
            let family = match *parent {
                NO_PARENT => n_spans + family_of_top(span) as usize,
                parent => parent as usize,
            };
            n_families = n_families.max(family + 1);
            families.push(family as u32);
        }
        Self { parents, order, families, n_families }
    }

    /// The parent of a span.
    pub fn parent(&self, span: usize) -> Option<usize> {
        self.parents.get(span).filter(|parent| **parent != NO_PARENT).map(|parent| *parent as usize)
    }

    /// All spans, parents before their children.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Which spans stand in the relation to a span that is marked, themselves marked or not.
    ///
    /// # Panics
    /// When there is not one mark per span.
    pub fn related(&self, relation: Relation, marks: &[bool]) -> Vec<bool> {
        assert_eq!(marks.len(), self.parents.len(), "one mark per span");
        let mut related = vec![false; marks.len()];
        match relation {
            Relation::Child => {
                for (span, related) in related.iter_mut().enumerate() {
                    *related = self.parent(span).is_some_and(|parent| marks[parent]);
                }
            }
            Relation::Parent => {
                let marked = (0..marks.len()).filter(|span| marks[*span]);
                marked.filter_map(|span| self.parent(span)).for_each(|span| related[span] = true);
            }
            Relation::Descendant => {
                for span in self.order.iter().map(|span| *span as usize) {
                    if let Some(parent) = self.parent(span) {
                        related[span] = marks[parent] || related[parent];
                    }
                }
            }
            Relation::Ancestor => {
                for span in self.order.iter().rev().map(|span| *span as usize) {
                    if let Some(parent) = self.parent(span) {
                        related[parent] |= marks[span] || related[span];
                    }
                }
            }
            Relation::Sibling => {
                let mut marked = vec![0_u32; self.n_families];
                for (family, mark) in self.families.iter().zip(marks) {
                    marked[*family as usize] += u32::from(*mark);
                }
                for (span, related) in related.iter_mut().enumerate() {
                    let others = marked[self.families[span] as usize] - u32::from(marks[span]);
                    *related = others > 0;
                }
            }
        }
        related
    }
}

/// The relation seen from the other side.
pub fn inverse(relation: Relation) -> Relation {
    match relation {
        Relation::Child => Relation::Parent,
        Relation::Parent => Relation::Child,
        Relation::Descendant => Relation::Ancestor,
        Relation::Ancestor => Relation::Descendant,
        Relation::Sibling => Relation::Sibling,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two trees: 0 with children 1 and 3, 1 with child 2; 4 with child 5. Both tops lack the same parent.
    fn forest() -> Forest {
        let parents = vec![NO_PARENT, 0, 1, 0, NO_PARENT, 4];
        Forest::new(parents, (0..6).collect(), |_| 0)
    }

    fn related(relation: Relation, marked: &[usize]) -> Vec<usize> {
        let marks: Vec<bool> = (0..6).map(|span| marked.contains(&span)).collect();
        let related = forest().related(relation, &marks);
        (0..6).filter(|span| related[*span]).collect()
    }

    #[test]
    fn relations_of_a_small_forest() {
        for (relation, marked, wanted) in [
            (Relation::Child, &[0, 2][..], &[1, 3][..]),
            (Relation::Parent, &[2, 3, 4], &[0, 1]),
            (Relation::Descendant, &[0], &[1, 2, 3]),
            (Relation::Descendant, &[1, 4], &[2, 5]),
            (Relation::Ancestor, &[2, 4], &[0, 1]),
            (Relation::Ancestor, &[0], &[]),
            (Relation::Sibling, &[1], &[3]),
            (Relation::Sibling, &[1, 3], &[1, 3]),
            (Relation::Sibling, &[0], &[4]),
            (Relation::Sibling, &[2], &[]),
        ] {
            assert_eq!(related(relation, marked), wanted, "{relation:?} {marked:?}");
        }
    }

    #[test]
    fn relations_have_two_sides() {
        let relations = [
            Relation::Child,
            Relation::Parent,
            Relation::Descendant,
            Relation::Ancestor,
            Relation::Sibling,
        ];
        for relation in relations {
            for (a, b) in (0..6).flat_map(|a| (0..6).map(move |b| (a, b))) {
                let there = related(relation, &[a]).contains(&b);
                let back = related(inverse(relation), &[b]).contains(&a);
                assert_eq!(there, back, "{relation:?} {a} {b}");
            }
        }
    }

    #[test]
    fn a_deep_trace_takes_one_pass() {
        let n_spans = 1_000_000;
        let parents = (0..n_spans).map(|span: u32| span.checked_sub(1).unwrap_or(NO_PARENT));
        let forest = Forest::new(parents.collect(), (0..n_spans).collect(), |_| 0);
        let mut marks = vec![true; n_spans as usize];
        assert_eq!(
            forest.related(Relation::Descendant, &marks).iter().filter(|r| **r).count(),
            999_999
        );
        marks.fill(false);
        marks[999_999] = true;
        assert_eq!(
            forest.related(Relation::Ancestor, &marks).iter().filter(|r| **r).count(),
            999_999
        );
    }
}
