//! Expressions over spansets, scalars and series, which share parentheses and operators.
//!
//! What an expression is shows only while it is read: `(` may open a spanset expression, a
//! pipeline, a number or a metrics query. So one climbing parser reads them all into a [`Node`],
//! and [`Parser::combine`] decides which operators join which.

use super::field::binary_op;
use super::{Level, Parser};
use crate::ast::{
    BinaryOp, FieldExpr, MetricsExpr, MetricsSource, Pipeline, Relation, ScalarExpr, ScalarFilter,
    SecondStage, SpansetExpr, SpansetOp, Stage, StructuralMode,
};
use crate::error::ParseError;
use crate::token::TokenKind;
use crate::validate::check_is_condition;
use crate::value::Static;

/// Something read, with its height.
pub(super) type Part = (Node, usize);

/// What was read.
pub(super) enum Node {
    /// A spanset expression; bare when not in parentheses.
    Spanset { expr: SpansetExpr, bare: bool },
    /// A pipeline in parentheses, or the whole of one.
    Pipeline(Pipeline),
    /// Pipelines joined by operators.
    Piped(SpansetExpr),
    /// A number or aggregates.
    Scalar(ScalarExpr),
    /// A comparison of scalars.
    ScalarFilter(ScalarFilter),
    /// An aggregate of a pipeline in parentheses.
    ScalarPipeline(ScalarExpr),
    /// A comparison of scalar pipelines.
    ScalarPipelines(ScalarFilter),
    /// Series.
    Metrics(MetricsExpr),
}

/// An operator as its left operand makes it be understood.
#[derive(Clone, Copy)]
enum Operator {
    Spanset(SpansetOp),
    Scalar(BinaryOp),
    Series(BinaryOp),
}

impl Parser {
    /// An expression whose operators bind at least as tightly as `least`.
    pub(super) fn expression(&mut self, least: Level) -> Result<Part, ParseError> {
        let (mut node, mut height) = self.operand()?;
        while let Some((operator, level)) = operator(&node, self.kind())
            && level >= least
        {
            self.bump();
            if let Operator::Series(op) = operator
                && op.is_comparison()
                && let Node::Metrics(expr) = &mut node
            {
                let value = self.stage_value()?;
                expr.stages.push(SecondStage::Filter { op, value });
                continue;
            }
            if let Operator::Spanset(_) = operator {
                self.spanset_must_follow(&node)?;
            }
            let start = self.index;
            let (rhs, rhs_height) = if level == Level::Power {
                self.nested(|parser| parser.expression(level.right()))?
            } else {
                self.expression(level.right())?
            };
            height = self.height(height, rhs_height)?;
            node = match combine(operator, node, rhs) {
                Some(node) => node,
                None => {
                    self.index = start;
                    return Err(self.unexpected(&[]));
                }
            };
        }
        Ok((node, height))
    }

    fn spanset_must_follow(&self, lhs: &Node) -> Result<(), ParseError> {
        let bare = matches!(lhs, Node::Spanset { .. });
        match self.kind() {
            TokenKind::OpenParens => Ok(()),
            TokenKind::OpenBrace if bare => Ok(()),
            _ if bare => Err(self.unexpected(&["{", "("])),
            _ => Err(self.unexpected(&["("])),
        }
    }

    fn operand(&mut self) -> Result<Part, ParseError> {
        match self.kind() {
            TokenKind::OpenBrace => {
                let expr = SpansetExpr::Filter(self.filter()?);
                return Ok((Node::Spanset { expr, bare: true }, 0));
            }
            TokenKind::OpenParens => return self.nested(Self::parentheses),
            _ => {}
        }
        if let Some(aggregate) = self.aggregate()? {
            // Its canonical text stands in parentheses, which counts.
            return Ok((Node::Scalar(ScalarExpr::Aggregate(aggregate)), 1));
        }
        let value = self.number()?;
        Ok((Node::Scalar(ScalarExpr::Static(value)), 0))
    }

    /// A spanset filter, without what may follow it.
    pub(super) fn filter(&mut self) -> Result<FieldExpr, ParseError> {
        self.expect(TokenKind::OpenBrace)?;
        if self.take(TokenKind::CloseBrace) {
            return Ok(FieldExpr::Static(Static::Bool(true)));
        }
        let start = self.index;
        let expr = self.field()?;
        self.note_check(start, || check_is_condition(&expr));
        self.field_end(TokenKind::CloseBrace)?;
        Ok(expr)
    }

    fn parentheses(&mut self) -> Result<Part, ParseError> {
        self.expect(TokenKind::OpenParens)?;
        let (node, height) = self.content()?;
        let node = match node {
            Node::Spanset { expr, .. } => Node::Spanset { expr, bare: false },
            Node::ScalarFilter(filter) => {
                Node::Pipeline(Pipeline { stages: vec![Stage::ScalarFilter(filter)] })
            }
            Node::ScalarPipelines(_) => return Err(self.unexpected(&[])),
            node => node,
        };
        self.field_end(TokenKind::CloseParens)?;
        Ok((node, height))
    }

    /// A number or duration with an optional sign, which binds tighter than every operator.
    pub(super) fn number(&mut self) -> Result<Static, ParseError> {
        if let Some(value) = self.smallest_integer() {
            return Ok(value);
        }
        let negative = self.kind() == TokenKind::Sub;
        let kind = if negative { self.kind_after() } else { self.kind() };
        if !matches!(kind, TokenKind::Integer | TokenKind::Float | TokenKind::Duration) {
            if negative {
                self.bump();
            }
            return Err(self.unexpected(&[]));
        }
        if negative {
            self.bump();
        }
        match self.literal()? {
            Some(Static::Int(n)) if negative => Ok(Static::Int(n.wrapping_neg())),
            Some(Static::Float(x)) if negative => Ok(Static::Float(-x)),
            Some(Static::Duration(ns)) if negative => Ok(Static::Duration(ns.wrapping_neg())),
            Some(value) => Ok(value),
            None => Err(self.unexpected(&[])),
        }
    }
}

/// What `kind` means behind `lhs`, if it is an operator there.
fn operator(lhs: &Node, kind: TokenKind) -> Option<(Operator, Level)> {
    match lhs {
        Node::Spanset { .. } | Node::Pipeline(_) | Node::Piped(_) => {
            let op = spanset_op(kind)?;
            let level = if matches!(op, SpansetOp::Structural { .. }) {
                Level::Compare
            } else {
                Level::Logical
            };
            Some((Operator::Spanset(op), level))
        }
        Node::Scalar(_) | Node::ScalarPipeline(_) => {
            let (op, level) = binary_op(kind)?;
            (op.is_arithmetic() || op.is_comparison()).then_some((Operator::Scalar(op), level))
        }
        Node::Metrics(_) => {
            let (op, level) = binary_op(kind)?;
            (is_series_math(op) || op.is_comparison()).then_some((Operator::Series(op), level))
        }
        Node::ScalarFilter(_) | Node::ScalarPipelines(_) => None,
    }
}

fn is_series_math(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div)
}

/// Joins two operands; none when they do not go together.
fn combine(operator: Operator, lhs: Node, rhs: Node) -> Option<Node> {
    match operator {
        Operator::Spanset(op) => combine_spansets(op, lhs, rhs),
        Operator::Scalar(op) if matches!(rhs, Node::Metrics(_)) => combine_series(op, lhs, rhs),
        Operator::Scalar(op) => combine_scalars(op, lhs, rhs),
        Operator::Series(op) => combine_series(op, lhs, rhs),
    }
}

fn combine_spansets(op: SpansetOp, lhs: Node, rhs: Node) -> Option<Node> {
    let bare = |node: &Node| matches!(node, Node::Spanset { bare: true, .. });
    let piped = |node: &Node| matches!(node, Node::Pipeline(_) | Node::Piped(_));
    let (lhs_piped, rhs_piped) = (piped(&lhs), piped(&rhs));
    if (bare(&lhs) && rhs_piped) || (lhs_piped && bare(&rhs)) {
        return None;
    }
    let operand = |node| match node {
        Node::Spanset { expr, .. } | Node::Piped(expr) => Some(Box::new(expr)),
        Node::Pipeline(pipeline) => Some(Box::new(SpansetExpr::Pipeline(pipeline))),
        _ => None,
    };
    let expr = SpansetExpr::Operation { op, lhs: operand(lhs)?, rhs: operand(rhs)? };
    if lhs_piped || rhs_piped {
        return Some(Node::Piped(expr));
    }
    Some(Node::Spanset { expr, bare: true })
}

fn combine_scalars(op: BinaryOp, lhs: Node, rhs: Node) -> Option<Node> {
    let (lhs, rhs, piped) = match (lhs, rhs) {
        (Node::Scalar(lhs), Node::Scalar(rhs)) => (lhs, rhs, false),
        (Node::ScalarPipeline(lhs), Node::ScalarPipeline(rhs)) => (lhs, rhs, true),
        (Node::ScalarPipeline(lhs), Node::Scalar(rhs @ ScalarExpr::Static(_)))
        | (Node::Scalar(lhs @ ScalarExpr::Static(_)), Node::ScalarPipeline(rhs)) => {
            (lhs, rhs, true)
        }
        _ => return None,
    };
    let constant = matches!((&lhs, &rhs), (ScalarExpr::Static(_), ScalarExpr::Static(_)));
    if op.is_comparison() {
        let filter = ScalarFilter { op, lhs, rhs };
        return match (constant, piped) {
            (true, _) => None,
            (false, true) => Some(Node::ScalarPipelines(filter)),
            (false, false) => Some(Node::ScalarFilter(filter)),
        };
    }
    let scalar = ScalarExpr::operation(op, lhs, rhs)?;
    Some(if piped { Node::ScalarPipeline(scalar) } else { Node::Scalar(scalar) })
}

fn combine_series(op: BinaryOp, lhs: Node, rhs: Node) -> Option<Node> {
    if !is_series_math(op) {
        return None;
    }
    let source = match (lhs, rhs) {
        (Node::Metrics(lhs), Node::Metrics(rhs)) => {
            MetricsSource::Math { op, lhs: Box::new(lhs), rhs: Box::new(rhs) }
        }
        (Node::Metrics(operand), Node::Scalar(scalar)) => MetricsSource::ScalarMath {
            op,
            scalar: scalar.series_operand()?,
            scalar_on_left: false,
            operand: Box::new(operand),
        },
        (Node::Scalar(scalar), Node::Metrics(operand)) => MetricsSource::ScalarMath {
            op,
            scalar: scalar.series_operand()?,
            scalar_on_left: true,
            operand: Box::new(operand),
        },
        _ => return None,
    };
    Some(Node::Metrics(MetricsExpr { source, stages: Vec::new() }))
}

/// Whether a token can stand between two spansets.
pub(crate) fn is_spanset_op(kind: TokenKind) -> bool {
    spanset_op(kind).is_some()
}

fn spanset_op(kind: TokenKind) -> Option<SpansetOp> {
    use {Relation as R, StructuralMode as M};
    let (relation, mode) = match kind {
        TokenKind::And => return Some(SpansetOp::And),
        TokenKind::Or => return Some(SpansetOp::Or),
        TokenKind::Greater => (R::Child, M::Matching),
        TokenKind::Less => (R::Parent, M::Matching),
        TokenKind::Descendant => (R::Descendant, M::Matching),
        TokenKind::Ancestor => (R::Ancestor, M::Matching),
        TokenKind::Sibling => (R::Sibling, M::Matching),
        TokenKind::NotChild => (R::Child, M::Not),
        TokenKind::NotParent => (R::Parent, M::Not),
        TokenKind::NotDescendant => (R::Descendant, M::Not),
        TokenKind::NotAncestor => (R::Ancestor, M::Not),
        TokenKind::NotRegex => (R::Sibling, M::Not),
        TokenKind::UnionChild => (R::Child, M::Union),
        TokenKind::UnionParent => (R::Parent, M::Union),
        TokenKind::UnionDescendant => (R::Descendant, M::Union),
        TokenKind::UnionAncestor => (R::Ancestor, M::Union),
        TokenKind::UnionSibling => (R::Sibling, M::Union),
        _ => return None,
    };
    Some(SpansetOp::Structural { relation, mode })
}
