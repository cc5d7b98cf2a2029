//! Queries, pipelines and their stages.

use super::spanset::{Node, Part};
use super::{Level, Parser};
use crate::ast::{
    Aggregate, AggregateFunction, Hint, Pipeline, Query, Root, ScalarExpr, SpansetExpr, Stage,
};
use crate::attribute::Attribute;
use crate::error::ParseError;
use crate::token::TokenKind;
use crate::validate::{check_is_number, check_reads_span};

impl Parser {
    /// A whole query up to the end of the text.
    pub(super) fn query(&mut self) -> Result<Query, ParseError> {
        let (node, _) = self.content()?;
        let root = match node {
            Node::Spanset { expr, .. } | Node::Piped(expr) => Root::Pipeline(single(expr)),
            Node::Pipeline(pipeline) => Root::Pipeline(pipeline),
            Node::ScalarFilter(filter) => {
                Root::Pipeline(Pipeline { stages: vec![Stage::ScalarFilter(filter)] })
            }
            Node::ScalarPipelines(filter) => Root::ScalarPipelines(filter),
            Node::Metrics(expr) => Root::Metrics(expr),
            // A number is no query: a comparison must follow.
            Node::Scalar(_) | Node::ScalarPipeline(_) => return Err(self.unexpected(&[])),
        };
        let mut hints = Vec::new();
        while self.take(TokenKind::With) {
            self.hints(&mut hints)?;
        }
        if self.kind() != TokenKind::End || self.lex_error.is_some() {
            return Err(self.unexpected(&[TokenKind::With.text()]));
        }
        Ok(Query { root, hints })
    }

    fn hints(&mut self, hints: &mut Vec<Hint>) -> Result<(), ParseError> {
        self.expect(TokenKind::OpenParens)?;
        loop {
            let key = self.text(TokenKind::Identifier)?;
            self.expect(TokenKind::Equal)?;
            let Some(value) = self.literal()? else { return Err(self.unexpected(&[])) };
            hints.push(Hint { key, value });
            if !self.take(TokenKind::Comma) {
                return self.expect(TokenKind::CloseParens);
            }
        }
    }

    /// What stands at the top or between parentheses: one expression, or stages joined by `|`.
    pub(super) fn content(&mut self) -> Result<Part, ParseError> {
        if !matches!(self.kind(), TokenKind::By | TokenKind::Select) {
            let (node, height) = self.expression(Level::Logical)?;
            return match node {
                Node::Metrics(mut expr) => {
                    self.second_stages(&mut expr.stages)?;
                    Ok((Node::Metrics(expr), height))
                }
                node if self.kind() != TokenKind::Pipe => Ok((node, height)),
                Node::Spanset { expr, .. } => self.pipeline(Stage::Spanset(expr), height),
                Node::ScalarFilter(filter) => self.pipeline(Stage::ScalarFilter(filter), height),
                node => Ok((node, height)),
            };
        }
        let stage = self.stage()?;
        self.pipeline(stage, 0)
    }

    /// The rest of a pipeline behind its first stage. Ends with an aggregate for a scalar pipeline
    /// and with a metrics function for a metrics query.
    fn pipeline(&mut self, first: Stage, mut height: usize) -> Result<Part, ParseError> {
        let mut stages = vec![first];
        while self.take(TokenKind::Pipe) {
            if let Some(aggregate) = self.metrics_aggregate()? {
                let expr = self.metrics_query(Pipeline { stages }, aggregate)?;
                return Ok((Node::Metrics(expr), height));
            }
            if is_stage_keyword(self.kind()) {
                stages.push(self.stage()?);
                continue;
            }
            let start = self.index;
            let (node, node_height) = self.expression(Level::Logical)?;
            height = height.max(node_height);
            match node {
                Node::Spanset { expr, .. } => stages.push(Stage::Spanset(expr)),
                Node::ScalarFilter(filter) => stages.push(Stage::ScalarFilter(filter)),
                Node::Scalar(ScalarExpr::Aggregate(aggregate))
                    if self.kind() == TokenKind::CloseParens =>
                {
                    let pipeline = Box::new(Pipeline { stages });
                    let scalar = ScalarExpr::Pipeline { pipeline, aggregate };
                    return Ok((Node::ScalarPipeline(scalar), self.height(height, 0)?));
                }
                Node::Scalar(_) => return Err(self.unexpected(&[])),
                _ => {
                    self.index = start;
                    return Err(self.unexpected(&[]));
                }
            }
        }
        Ok((Node::Pipeline(Pipeline { stages }), height))
    }

    /// `by(...)`, `coalesce()` or `select(...)`.
    fn stage(&mut self) -> Result<Stage, ParseError> {
        let kind = self.kind();
        self.bump();
        self.expect(TokenKind::OpenParens)?;
        match kind {
            TokenKind::By => {
                let start = self.index;
                let expr = self.field()?;
                self.note_check(start, || check_reads_span(&expr));
                self.field_end(TokenKind::CloseParens)?;
                Ok(Stage::Group(expr))
            }
            TokenKind::Select => self.attributes().map(Stage::Select),
            _ => {
                self.expect(TokenKind::CloseParens)?;
                Ok(Stage::Coalesce)
            }
        }
    }

    /// Attributes separated by commas, with the parenthesis that closes the list.
    pub(super) fn attributes(&mut self) -> Result<Vec<Attribute>, ParseError> {
        let mut attributes = vec![self.attribute()?];
        while self.take(TokenKind::Comma) {
            attributes.push(self.attribute()?);
        }
        self.expect(TokenKind::CloseParens)?;
        Ok(attributes)
    }

    /// An aggregate; none when the current token begins something else.
    pub(super) fn aggregate(&mut self) -> Result<Option<Aggregate>, ParseError> {
        let function = match self.kind() {
            TokenKind::Count => None,
            TokenKind::Avg => Some(AggregateFunction::Avg),
            TokenKind::Min => Some(AggregateFunction::Min),
            TokenKind::Max => Some(AggregateFunction::Max),
            TokenKind::Sum => Some(AggregateFunction::Sum),
            _ => return Ok(None),
        };
        self.bump();
        self.expect(TokenKind::OpenParens)?;
        let Some(function) = function else {
            self.expect(TokenKind::CloseParens)?;
            return Ok(Some(Aggregate::Count));
        };
        let start = self.index;
        let field = self.field()?;
        self.note_check(start, || check_is_number(&field));
        self.note_check(start, || check_reads_span(&field));
        self.field_end(TokenKind::CloseParens)?;
        Ok(Some(Aggregate::Field { function, field }))
    }
}

/// A pipeline of one spanset expression.
fn single(expr: SpansetExpr) -> Pipeline {
    Pipeline { stages: vec![Stage::Spanset(expr)] }
}

fn is_stage_keyword(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::By | TokenKind::Coalesce | TokenKind::Select)
}
