//! Metrics functions and what follows them.

use super::field::binary_op;
use super::{Level, Parser};
use crate::ast::{
    MetricsAggregate, MetricsExpr, MetricsFunction, MetricsSource, Pipeline, ScalarExpr,
    SecondStage,
};
use crate::attribute::Attribute;
use crate::error::ParseError;
use crate::token::TokenKind;
use crate::validate::{check_metrics_aggregate, check_second_stage};
use crate::value::Static;

/// How many values per attribute `compare` yields unless told otherwise.
const DEFAULT_TOP: i64 = 10;

impl Parser {
    /// A metrics function with its `by(...)`; none when the current token begins something else.
    pub(super) fn metrics_aggregate(&mut self) -> Result<Option<MetricsAggregate>, ParseError> {
        let kind = self.kind();
        let of_attribute: Option<fn(Attribute) -> MetricsFunction> = match kind {
            TokenKind::MinOverTime => Some(MetricsFunction::MinOverTime),
            TokenKind::MaxOverTime => Some(MetricsFunction::MaxOverTime),
            TokenKind::AvgOverTime => Some(MetricsFunction::AvgOverTime),
            TokenKind::SumOverTime => Some(MetricsFunction::SumOverTime),
            TokenKind::HistogramOverTime => Some(MetricsFunction::HistogramOverTime),
            TokenKind::Rate
            | TokenKind::CountOverTime
            | TokenKind::QuantileOverTime
            | TokenKind::Compare => None,
            _ => return Ok(None),
        };
        let start = self.index;
        self.bump();
        self.expect(TokenKind::OpenParens)?;
        let function = match (kind, of_attribute) {
            (_, Some(function)) => function(self.attribute()?),
            (TokenKind::Rate, _) => MetricsFunction::Rate,
            (TokenKind::CountOverTime, _) => MetricsFunction::CountOverTime,
            (TokenKind::QuantileOverTime, _) => self.quantiles()?,
            _ => self.compare()?,
        };
        self.expect(TokenKind::CloseParens)?;
        let mut by = Vec::new();
        if self.take(TokenKind::By) {
            self.expect(TokenKind::OpenParens)?;
            by = self.attributes()?;
        }
        let aggregate = MetricsAggregate { function, by };
        self.note_check(start, || check_metrics_aggregate(&aggregate));
        Ok(Some(aggregate))
    }

    fn quantiles(&mut self) -> Result<MetricsFunction, ParseError> {
        let attribute = self.attribute()?;
        let mut quantiles = Vec::new();
        loop {
            self.expect(TokenKind::Comma)?;
            let quantile = match self.kind() {
                TokenKind::Float | TokenKind::Integer => self.literal()?,
                _ => None,
            };
            let Some(quantile) = quantile.and_then(|value| value.as_float()) else {
                return Err(self.unexpected(&["FLOAT", "INTEGER"]));
            };
            quantiles.push(quantile);
            if self.kind() != TokenKind::Comma {
                return Ok(MetricsFunction::QuantileOverTime { attribute, quantiles });
            }
        }
    }

    fn compare(&mut self) -> Result<MetricsFunction, ParseError> {
        let selection = self.filter()?;
        let mut top = DEFAULT_TOP;
        let mut window = None;
        if self.take(TokenKind::Comma) {
            top = self.integer()?;
            if self.take(TokenKind::Comma) {
                let start = self.integer()?;
                self.expect(TokenKind::Comma)?;
                window = Some((start, self.integer()?));
            }
        }
        Ok(MetricsFunction::Compare { selection, top, window })
    }

    /// The series of a pipeline with all that follows.
    pub(super) fn metrics_query(
        &mut self,
        pipeline: Pipeline,
        aggregate: MetricsAggregate,
    ) -> Result<MetricsExpr, ParseError> {
        let source = MetricsSource::Aggregate { pipeline, aggregate };
        let mut stages = Vec::new();
        self.second_stages(&mut stages)?;
        Ok(MetricsExpr { source, stages })
    }

    /// Comparisons, `| topk(n)` and `| bottomk(n)`, as many as follow.
    pub(super) fn second_stages(
        &mut self,
        stages: &mut Vec<SecondStage>,
    ) -> Result<(), ParseError> {
        loop {
            if let Some((op, _)) = binary_op(self.kind())
                && op.is_comparison()
            {
                self.bump();
                let value = self.stage_value()?;
                stages.push(SecondStage::Filter { op, value });
                continue;
            }
            if self.kind() != TokenKind::Pipe {
                return Ok(());
            }
            self.bump();
            let stage: fn(i64) -> SecondStage = match self.kind() {
                TokenKind::TopK => SecondStage::TopK,
                TokenKind::BottomK => SecondStage::BottomK,
                _ => return Err(self.unexpected(&["topk", "bottomk"])),
            };
            let start = self.index;
            self.bump();
            self.expect(TokenKind::OpenParens)?;
            let stage = stage(self.integer()?);
            self.expect(TokenKind::CloseParens)?;
            self.note_check(start, || check_second_stage(&stage));
            stages.push(stage);
        }
    }

    /// What series are compared with: a duration, counted in seconds, or arithmetic of numbers.
    pub(super) fn stage_value(&mut self) -> Result<f64, ParseError> {
        let kind = if self.kind() == TokenKind::Sub { self.kind_after() } else { self.kind() };
        if kind == TokenKind::Duration {
            let nanoseconds = self.number()?.as_float();
            return nanoseconds.map(|ns| ns / 1e9).ok_or_else(|| self.unexpected(&[]));
        }
        let start = self.index;
        let value = self.constant(Level::Add)?.as_float();
        value.ok_or_else(|| {
            self.index = start;
            self.error("syntax error: constant has no value")
        })
    }

    /// Arithmetic of numbers without durations, nil when it divides by zero.
    fn constant(&mut self, least: Level) -> Result<Static, ParseError> {
        let mut value = if self.take(TokenKind::OpenParens) {
            let value = self.nested(|parser| parser.constant(Level::Add))?;
            self.field_end(TokenKind::CloseParens)?;
            value
        } else {
            match self.kind() {
                TokenKind::Duration => return Err(self.unexpected(&[])),
                TokenKind::Sub if self.kind_after() == TokenKind::Duration => {
                    self.bump();
                    return Err(self.unexpected(&[]));
                }
                _ => self.number()?,
            }
        };
        while let Some((op, level)) = binary_op(self.kind())
            && matches!(level, Level::Add | Level::Multiply)
            && op != crate::ast::BinaryOp::Mod
            && level >= least
        {
            self.bump();
            let rhs = self.constant(level.right())?;
            value =
                match ScalarExpr::operation(op, ScalarExpr::Static(value), ScalarExpr::Static(rhs))
                {
                    Some(ScalarExpr::Static(value)) => value,
                    _ => Static::Nil,
                };
        }
        Ok(value)
    }
}
