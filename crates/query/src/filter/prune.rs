//! What a filter can never match, known from a block's index alone.
//!
//! Every answer is about possibility: a condition *may* hold for some span of the block, and it may fail for
//! some. Both are over-estimated, so that `!` can swap them; a block is left out only when the whole filter
//! cannot hold. The block's operations (service, name, kind, with the range of durations) are looked at one by
//! one, so that `service = x && duration > 1s` leaves out blocks in which that service was never slow.

use std::ops::Range;

use spandrel_block::index::{AttributeEntry, Operation, TokenValue, TypeSummary, Values, token};
use spandrel_model::AttributeScope;
use spandrel_trace_values::kind_word;
use spandrel_traceql::ast::BinaryOp;
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Scope, Static};

use super::{Leaf, Node, Possible, trace_facts};
use crate::QueryError;
use crate::block_cache::OpenBlock;

/// What the index says about a filter and the spans of a row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may hold for one.
    Possible,
    /// It holds for none: no value that the directories list, and no range, lets it.
    RuledOutByStatistics,
    /// It holds for none: the value that it asks for has no token.
    RuledOutByTokens,
}

fn possible(evidence: &Evidence<'_>, node: &Node) -> Result<bool, QueryError> {
    if !evidence.node(node, None)?.holds {
        return Ok(false);
    }
    if !reads_operation(node) {
        return Ok(true);
    }
    let operations = evidence.block.operations()?;
    if !operations.is_complete() {
        return Ok(true);
    }
    for operation in operations.operations() {
        if evidence.node(node, Some(operation))?.holds {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an operation can tell more than the block as a whole.
fn reads_operation(node: &Node) -> bool {
    match node {
        Node::And(left, right) | Node::Or(left, right) => {
            reads_operation(left) || reads_operation(right)
        }
        Node::Not(operand) => reads_operation(operand),
        Node::Leaf(leaf) if leaf.of_parent => false,
        Node::Leaf(leaf) => match &leaf.attribute {
            Attribute::Intrinsic(intrinsic) => {
                matches!(intrinsic, Intrinsic::Name | Intrinsic::Kind | Intrinsic::Duration)
            }
            attribute => is_service(attribute),
        },
        Node::Const(_) | Node::Rows { .. } => false,
    }
}

fn is_service(attribute: &Attribute) -> bool {
    matches!(
        attribute,
        Attribute::Scoped { scope: Scope::Resource, parent: false, name } if name == "service.name"
    )
}

/// What is known of the spans of a row group.
#[derive(Clone, Copy)]
pub(crate) struct Evidence<'a> {
    block: &'a OpenBlock,
    row_group: usize,
    /// Whether parents of its spans, and the root, may lie elsewhere.
    split: bool,
    /// Whether tokens are asked.
    tokens: bool,
}

impl<'a> Evidence<'a> {
    /// For traces that lie in the row group as a whole.
    pub(crate) fn of_whole_traces(block: &'a OpenBlock, row_group: usize) -> Self {
        Self { block, row_group, split: false, tokens: true }
    }

    /// For traces that also lie elsewhere.
    pub(crate) fn of_split_traces(block: &'a OpenBlock, row_group: usize) -> Self {
        Self { split: true, ..Self::of_whole_traces(block, row_group) }
    }

    /// Whether the filter may hold for some span.
    pub(crate) fn verdict(&self, node: &Node) -> Result<Verdict, QueryError> {
        if possible(self, node)? {
            return Ok(Verdict::Possible);
        }
        let by_tokens = possible(&Self { tokens: false, ..*self }, node)?;
        Ok(if by_tokens { Verdict::RuledOutByTokens } else { Verdict::RuledOutByStatistics })
    }
}

impl Evidence<'_> {
    fn node(&self, node: &Node, operation: Option<&Operation>) -> Result<Possible, QueryError> {
        node.possible(&mut |leaf| match operation {
            Some(operation) => self.operation_leaf(leaf, operation),
            None => self.block_leaf(leaf),
        })
    }

    fn operation_leaf(&self, leaf: &Leaf, operation: &Operation) -> Result<Possible, QueryError> {
        if leaf.of_parent {
            return self.block_leaf(leaf);
        }
        let one = |value: &Static| Ok(Possible::of(leaf, value));
        match &leaf.attribute {
            Attribute::Intrinsic(Intrinsic::Duration) => {
                let durations = &operation.stats.durations;
                let range = durations.min().zip(durations.max());
                Ok(duration_range(leaf, range))
            }
            Attribute::Intrinsic(Intrinsic::Name) => match &operation.name {
                Some(name) => one(&Static::String(name.to_string())),
                None => Ok(Possible::UNKNOWN),
            },
            Attribute::Intrinsic(Intrinsic::Kind) if operation.name.is_some() => {
                one(&Static::Kind(kind_word(operation.kind)))
            }
            attribute if is_service(attribute) => match &operation.service {
                Some(service) => one(&Static::String(service.to_string())),
                // Not a text, which the directory of attributes knows better.
                None => self.block_leaf(leaf),
            },
            _ => self.block_leaf(leaf),
        }
    }

    fn block_leaf(&self, leaf: &Leaf) -> Result<Possible, QueryError> {
        if leaf.of_parent && self.split {
            return Ok(Possible::UNKNOWN);
        }
        let possible = self.own_leaf(leaf)?;
        // A span may have no parent.
        Ok(match leaf.of_parent {
            true => possible.or_else(Possible::of(leaf, &Static::Nil)),
            false => possible,
        })
    }

    fn own_leaf(&self, leaf: &Leaf) -> Result<Possible, QueryError> {
        match &leaf.attribute {
            Attribute::Scoped { scope, name, .. } => match scope {
                Scope::None => {
                    let span = self.owner(leaf, AttributeScope::Span, name)?;
                    let resource = self.owner(leaf, AttributeScope::Resource, name)?;
                    Ok(span.or_else(resource))
                }
                Scope::Span => self.owner(leaf, AttributeScope::Span, name),
                Scope::Resource => self.owner(leaf, AttributeScope::Resource, name),
                Scope::Instrumentation => self.owner(leaf, AttributeScope::Instrumentation, name),
                Scope::Event => self.elements(leaf, AttributeScope::Event, name),
                Scope::Link => self.elements(leaf, AttributeScope::Link, name),
            },
            Attribute::Intrinsic(Intrinsic::TraceId) => self.trace_id(leaf),
            Attribute::Intrinsic(_) if self.split => Ok(Possible::UNKNOWN),
            Attribute::Intrinsic(intrinsic) => {
                trace_facts::possible(leaf, *intrinsic, self.block, self.row_group)
            }
        }
    }

    /// `trace:id = "..."`: the one condition on ids that the index can answer.
    fn trace_id(&self, leaf: &Leaf) -> Result<Possible, QueryError> {
        let Some(Static::String(text)) = equal_to(&leaf.expr) else { return Ok(Possible::UNKNOWN) };
        if !self.tokens {
            return Ok(Possible::UNKNOWN);
        }
        let holds = match spandrel_model::TraceId::from_hex(text) {
            Ok(id) => self.block.trace_filter()?.may_contain(id),
            Err(_) => false,
        };
        Ok(Possible { holds, fails: true })
    }

    /// Values of an owner that every span has: absent ones are nil.
    fn owner(&self, leaf: &Leaf, scope: AttributeScope, key: &str) -> Result<Possible, QueryError> {
        let nil = Possible::of(leaf, &Static::Nil);
        let Some(entry) = self.block.attributes()?.find(scope, key) else { return Ok(nil) };
        Ok(nil.or_else(self.values(leaf, scope, key, entry)?))
    }

    /// Values of events or links: a span without any passes nothing.
    fn elements(
        &self,
        leaf: &Leaf,
        scope: AttributeScope,
        key: &str,
    ) -> Result<Possible, QueryError> {
        // Read twice, the elements are combined with each other: no single one can tell.
        if leaf.expr.attributes().count() > 1 {
            return Ok(Possible::UNKNOWN);
        }
        let none = Possible::of(leaf, &Static::Several(Vec::new()));
        let nil = Possible::of(leaf, &Static::Several(vec![Static::Nil]));
        let absent = Possible { holds: none.holds || nil.holds, fails: true };
        let Some(entry) = self.block.attributes()?.find(scope, key) else { return Ok(absent) };
        Ok(absent.or_else(self.values(leaf, scope, key, entry)?))
    }

    fn values(
        &self,
        leaf: &Leaf,
        scope: AttributeScope,
        key: &str,
        entry: &AttributeEntry,
    ) -> Result<Possible, QueryError> {
        let typed = entry.types.iter().map(|summary| typed_values(leaf, summary));
        let mut possible = typed.fold(Possible { holds: false, fails: false }, Possible::or_else);
        // Arrays and the like have no tokens, so only plain values can be ruled out by them.
        let plain = !entry.types.iter().any(|summary| matches!(summary.values, Values::Others));
        if self.tokens
            && possible.holds
            && plain
            && let Some(value) = equal_to(&leaf.expr).and_then(token_value)
        {
            let token = token(scope, key, value);
            possible.holds = self.block.tokens()?.may_contain(self.row_group, token);
        }
        Ok(possible)
    }
}

/// What the listed values, or the range of them, allow.
fn typed_values(leaf: &Leaf, summary: &TypeSummary) -> Possible {
    let listed: Vec<Static> = match &summary.values {
        Values::Strings(texts) => {
            texts.iter().map(|(text, _)| Static::String(text.to_string())).collect()
        }
        Values::Ints { min, max, top } if summary.complete => {
            debug_assert!(min <= max);
            top.iter().map(|(number, _)| Static::Int(*number)).collect()
        }
        Values::Ints { min, max, .. } => {
            let holds = leaf.number.is_none_or(|test| test.may_pass_between(*min, *max));
            return Possible { holds, fails: true };
        }
        Values::Bools(truths) => truths.iter().map(|(truth, _)| Static::Bool(*truth)).collect(),
        Values::Doubles { .. } | Values::Others => return Possible::UNKNOWN,
    };
    if !summary.complete {
        return Possible::UNKNOWN;
    }
    let possible = listed.iter().map(|value| Possible::of(leaf, value));
    possible.fold(Possible { holds: false, fails: false }, Possible::or_else)
}

fn duration_range(leaf: &Leaf, range: Option<(u64, u64)>) -> Possible {
    let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
    let Some((test, (min, max))) = leaf.number.zip(range) else { return Possible::UNKNOWN };
    // Spans that end before they start are recorded as 0, whatever their negative duration.
    let min = if min == 0 { i64::MIN } else { signed(min) };
    Possible { holds: test.may_pass_between(min, signed(max)), fails: true }
}

/// The literal that the attribute must equal for the condition to hold.
pub(super) fn equal_to(expr: &FieldExpr) -> Option<&Static> {
    let FieldExpr::Binary { op: BinaryOp::Equal, lhs, rhs } = expr else { return None };
    match (&**lhs, &**rhs) {
        (FieldExpr::Attribute(_), FieldExpr::Static(value))
        | (FieldExpr::Static(value), FieldExpr::Attribute(_)) => Some(value),
        _ => None,
    }
}

fn token_value(value: &Static) -> Option<TokenValue<'_>> {
    match value {
        Static::String(text) => Some(TokenValue::Str(text)),
        Static::Int(number) | Static::Duration(number) => Some(TokenValue::Int(*number)),
        Static::Float(number) => Some(TokenValue::Double(*number)),
        Static::Bool(truth) => Some(TokenValue::Bool(*truth)),
        _ => None,
    }
}

/// Row groups of a block that the filter cannot rule out.
pub(crate) fn row_groups(node: &Node, block: &OpenBlock) -> Result<Vec<usize>, QueryError> {
    let all: Range<usize> = 0..block.file.n_row_groups();
    let mut kept = Vec::new();
    for row_group in all {
        if possible(&Evidence::of_whole_traces(block, row_group), node)? {
            kept.push(row_group);
        }
    }
    Ok(kept)
}
