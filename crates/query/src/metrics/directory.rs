//! Counts that the index of a block knows without a row being read.

use std::sync::Arc;

use spandrel_block::index::{Operation, Values};
use spandrel_catalog::BlockEntry;
use spandrel_model::AttributeScope;
use spandrel_series::Function;
use spandrel_trace_values::kind_word;
use spandrel_traceql::{Attribute, Intrinsic, Scope, Static};

use super::leaf::Sink;
use super::scan::Scan;
use crate::QueryError;
use crate::block_cache::OpenBlock;
use crate::filter::Node;

/// Adds the spans of a block from its directory of operations. Returns whether it could: when all spans count,
/// each once, in the same interval, and by nothing else than service, name and kind.
pub(super) fn count(
    scan: &Scan<'_>,
    entry: &Arc<BlockEntry>,
    block: &OpenBlock,
    sink: &mut Sink,
) -> Result<bool, QueryError> {
    let plan = scan.plan;
    let Sink::Series(partial, _) = sink else { return Ok(false) };
    let plain = partial.function() == Function::Count
        && matches!(scan.filter.node, Node::Const(true))
        && !plan.settings.extrapolate
        && plan.settings.exemplars_max == 0
        && plan.aggregate.by.iter().all(is_listed);
    let Some(interval) = interval_of(scan, entry).filter(|_| plain) else { return Ok(false) };
    if scan.apart.has_some_in(block)? {
        return Ok(false);
    }
    let operations = block.operations()?;
    let needs_names = plan.aggregate.by.iter().any(|attribute| !is_service(attribute));
    if needs_names && !operations.is_complete() {
        return Ok(false);
    }
    let by_service = plan.aggregate.by.iter().any(is_service);
    if by_service && !services_are_texts(block)? {
        return Ok(false);
    }
    for operation in operations.operations() {
        let values = plan.aggregate.by.iter().map(|attribute| value(operation, attribute));
        let group = partial.group(&values.collect::<Vec<_>>());
        partial.add_count(group, interval, operation.stats.n_spans);
    }
    sink.hold()?;
    Ok(true)
}

/// The interval that all spans of a block start in.
fn interval_of(scan: &Scan<'_>, entry: &BlockEntry) -> Option<usize> {
    let intervals = &scan.plan.settings.intervals;
    let at = |nanos: u64| i64::try_from(nanos).ok().and_then(|nanos| intervals.of(nanos));
    let first = at(entry.min_start_unix_nanos)?;
    (at(entry.max_end_unix_nanos)? == first).then_some(first)
}

fn is_service(attribute: &Attribute) -> bool {
    matches!(
        attribute,
        Attribute::Scoped { scope: Scope::Resource, parent: false, name } if name == "service.name"
    )
}

fn is_listed(attribute: &Attribute) -> bool {
    is_service(attribute)
        || matches!(attribute, Attribute::Intrinsic(Intrinsic::Name | Intrinsic::Kind))
}

/// Whether a service that the directory does not name is one that is not there.
fn services_are_texts(block: &OpenBlock) -> Result<bool, QueryError> {
    let entry = block.attributes()?.find(AttributeScope::Resource, "service.name");
    let texts = |entry: &spandrel_block::index::AttributeEntry| {
        let mut types = entry.types.iter();
        types.all(|summary| matches!(summary.values, Values::Strings(_)))
            && entry.oversized().is_none()
    };
    Ok(entry.is_none_or(texts))
}

fn value(operation: &Operation, attribute: &Attribute) -> Static {
    let text = |text: &Option<Arc<str>>| {
        text.as_ref().map_or(Static::Nil, |text| Static::String(text.to_string()))
    };
    match attribute {
        Attribute::Intrinsic(Intrinsic::Name) => text(&operation.name),
        Attribute::Intrinsic(_) => Static::Kind(kind_word(operation.kind)),
        Attribute::Scoped { .. } => text(&operation.service),
    }
}
