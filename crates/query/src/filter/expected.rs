//! About how many spans of a block may pass a filter, from the attributes that the index lists.
//!
//! Only good for deciding how much to read at once: what may pass at all is for [`super::prune`] to say.

use spandrel_block::index::{AttributeEntry, Values};
use spandrel_model::AttributeScope;
use spandrel_traceql::{Attribute, Scope, Static};

use super::prune::equal_to;
use super::{Leaf, Node};
use crate::QueryError;
use crate::block_cache::OpenBlock;

/// About how many spans of the block pass at most.
pub(crate) fn spans_max(node: &Node, block: &OpenBlock) -> Result<u64, QueryError> {
    let all = u64::from(block.file.n_rows());
    let passing = match node {
        Node::Const(false) => 0,
        Node::And(left, right) => spans_max(left, block)?.min(spans_max(right, block)?),
        Node::Or(left, right) => spans_max(left, block)?.saturating_add(spans_max(right, block)?),
        Node::Leaf(leaf) => spans_with(leaf, block)?.unwrap_or(all),
        _ => all,
    };
    Ok(passing.min(all))
}

/// Spans with the one value that the leaf asks for; `None` when it does not ask for one.
fn spans_with(leaf: &Leaf, block: &OpenBlock) -> Result<Option<u64>, QueryError> {
    let Some(value) = equal_to(&leaf.expr) else { return Ok(None) };
    let Attribute::Scoped { scope, parent: false, name } = &leaf.attribute else { return Ok(None) };
    let scopes: &[AttributeScope] = match scope {
        Scope::None => &[AttributeScope::Span, AttributeScope::Resource],
        Scope::Span => &[AttributeScope::Span],
        Scope::Resource => &[AttributeScope::Resource],
        Scope::Instrumentation => &[AttributeScope::Instrumentation],
        Scope::Event => &[AttributeScope::Event],
        Scope::Link => &[AttributeScope::Link],
    };
    let directory = block.attributes()?;
    let entries = scopes.iter().filter_map(|scope| directory.find(*scope, name));
    Ok(entries
        .map(|entry| count_of(entry, value))
        .try_fold(0, |sum: u64, count| count.map(|count| sum.saturating_add(count))))
}

fn count_of(entry: &AttributeEntry, value: &Static) -> Option<u64> {
    entry.types.iter().find_map(|summary| match (&summary.values, value) {
        (Values::Strings(listed), Static::String(wanted)) => {
            let found = listed.iter().find(|(text, _)| **text == **wanted);
            // What is not listed is no more frequent than what is, unless it is long.
            Some(found.or(listed.last()).map_or(summary.count / summary.distinct.max(1), |l| l.1))
        }
        (Values::Ints { top, .. }, Static::Int(wanted)) => {
            Some(top.iter().find(|(number, _)| number == wanted).or(top.last()).map_or(0, |l| l.1))
        }
        (Values::Bools(counts), Static::Bool(wanted)) => {
            Some(counts.iter().find(|(truth, _)| truth == wanted).map_or(0, |found| found.1))
        }
        _ => None,
    })
}
