//! Two structures side by side: of two traces, or of two sets of traces.

use hashbrown::HashMap;

use crate::{Node, Structure};

/// A node of either side.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference<'a> {
    /// The parent, by its place among the differences, where it comes before this one; `None` for tops.
    pub parent: Option<usize>,
    /// The node in the first structure.
    pub before: Option<&'a Node>,
    /// The node in the second structure.
    pub after: Option<&'a Node>,
    /// What happened to the number of spans per trace.
    pub change: Change,
}

/// How the number of spans per trace differs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Not at all.
    Same,
    /// The second structure has no such path.
    Removed,
    /// The first structure has no such path.
    Added,
    /// There are more; how much, in percent of the greater number.
    More(f64),
    /// There are fewer; how much, in percent of the greater number.
    Less(f64),
}

type Key<'a> = (Option<usize>, &'a str, &'a str, bool);

/// Every path of either structure, parents before their children. Counts are compared per trace, so that sets of
/// different sizes can be.
pub fn compare<'a>(before: &'a Structure, after: &'a Structure) -> Vec<Difference<'a>> {
    let mut index: HashMap<Key<'a>, usize> = HashMap::new();
    let mut differences: Vec<Difference<'a>> = Vec::new();
    for (structure, is_after) in [(before, false), (after, true)] {
        let mut places: Vec<usize> = Vec::with_capacity(structure.nodes().len());
        for node in structure.nodes() {
            let parent = node.parent.and_then(|parent| places.get(parent)).copied();
            let key = (parent, node.service.as_str(), node.operation.as_str(), node.is_leaf);
            let place = *index.entry(key).or_insert_with(|| {
                differences.push(Difference {
                    parent,
                    before: None,
                    after: None,
                    change: Change::Same,
                });
                differences.len() - 1
            });
            places.push(place);
            let side = &mut differences[place];
            *(if is_after { &mut side.after } else { &mut side.before }) = Some(node);
        }
    }
    for difference in &mut differences {
        difference.change = match (difference.before, difference.after) {
            (Some(was), Some(is)) => change(
                was.n_spans as f64 / before.n_traces() as f64,
                is.n_spans as f64 / after.n_traces() as f64,
            ),
            (None, _) => Change::Added,
            (Some(_), None) => Change::Removed,
        };
    }
    differences
}

fn change(before: f64, after: f64) -> Change {
    let percent = (before - after).abs() / before.max(after) * 100.0;
    if before < after {
        Change::More(percent)
    } else if before > after {
        Change::Less(percent)
    } else {
        Change::Same
    }
}
