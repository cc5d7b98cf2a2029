//! Static checks of a parsed query: types, constants, and what nothing executes.
//!
//! The verdicts are Tempo's, except that whatever has a clear meaning is accepted: scalar filters of
//! every shape, comparisons of pipelines, attributes of the parent span. What can never make sense
//! is told apart from what the language has but no engine executes; the former is reported first
//! when a query has both in one expression.

use std::fmt::{self, Display, Write as _};

use crate::ast::{
    Aggregate, BinaryOp, FieldExpr, MetricsAggregate, MetricsExpr, MetricsFunction, MetricsSource,
    Pipeline, Query, Root, ScalarExpr, ScalarFilter, SecondStage, SpansetExpr, Stage, UnaryOp,
};
use crate::attribute::{Attribute, Intrinsic, Scope};
use crate::diagnose::located;
use crate::error::{Error, ValidateError};
use crate::operator::types_match;
use crate::parser::parse;
use crate::value::{Static, StaticType};

#[cfg(test)]
mod tests;

/// Attributes in the `by()` of a metrics function.
const MAX_BY: usize = 5;

/// Values per attribute that `compare` can yield.
const MAX_TOP: i64 = 1000;

/// Bytes of a query's part shown in a message.
const MAX_SHOWN: usize = 200;

/// Parses and validates a query.
///
/// # Errors
/// As [`parse`] and [`validate`].
pub fn compile(query: &str) -> Result<Query, Error> {
    let parsed = parse(query)?;
    validate(&parsed).map_err(|error| located(error, query))?;
    Ok(parsed)
}

/// Checks a parsed query; afterwards its regular expressions are compiled.
///
/// # Errors
/// Why the query makes no sense, or what in it nothing executes.
pub fn validate(query: &Query) -> Result<(), ValidateError> {
    match &query.root {
        Root::Pipeline(pipeline) => check_pipeline(pipeline),
        Root::ScalarPipelines(filter) => check_scalar_filter(filter),
        Root::Metrics(expr) => check_metrics(expr),
    }
}

fn invalid(reason: impl Into<String>, part: &impl Display) -> ValidateError {
    let (reason, part) = (reason.into(), shortened(part));
    ValidateError::Invalid { reason, part, position: None, suggestion: None }
}

fn unsupported(what: &'static str, part: &impl Display) -> ValidateError {
    ValidateError::Unsupported { what, part: shortened(part), position: None }
}

fn shortened(part: &impl Display) -> String {
    let mut beginning = Beginning(String::new());
    if write!(beginning, "{part}").is_err() {
        beginning.0.push_str("...");
    }
    beginning.0
}

/// The first bytes of a text, whose rest is not even made.
struct Beginning(String);

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_SHOWN.saturating_sub(self.0.len());
        let fits = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        self.0.push_str(fits);
        if fits.len() == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

fn check_pipeline(pipeline: &Pipeline) -> Result<(), ValidateError> {
    pipeline.stages.iter().try_for_each(|stage| match stage {
        Stage::Spanset(expr) => check_spanset(expr),
        Stage::ScalarFilter(filter) => check_scalar_filter(filter),
        Stage::Group(expr) => {
            check_field(expr)?;
            check_reads_span(expr)
        }
        Stage::Coalesce => Ok(()),
        Stage::Select(attributes) => attributes.iter().try_for_each(check_attribute),
    })
}

fn check_spanset(expr: &SpansetExpr) -> Result<(), ValidateError> {
    match expr {
        SpansetExpr::Filter(expr) => check_filter(expr),
        SpansetExpr::Pipeline(pipeline) => check_pipeline(pipeline),
        SpansetExpr::Operation { lhs, rhs, .. } => {
            check_spanset(lhs)?;
            check_spanset(rhs)
        }
    }
}

/// Checks the expression of a spanset filter.
pub(crate) fn check_filter(expr: &FieldExpr) -> Result<(), ValidateError> {
    check_field(expr)?;
    check_is_condition(expr)
}

/// Checks that an expression can be true or false.
pub(crate) fn check_is_condition(expr: &FieldExpr) -> Result<(), ValidateError> {
    let t = implied_type(expr);
    if matches!(t, StaticType::Bool | StaticType::Dynamic) {
        return Ok(());
    }
    let error = invalid(format!("a filter must be true or false, not {t}"), expr);
    Err(match (t, expr) {
        (StaticType::Status, FieldExpr::Static(_)) => {
            error.suggest(format!("did you mean status = {expr}?"))
        }
        (StaticType::Kind, FieldExpr::Static(_)) => {
            error.suggest(format!("did you mean kind = {expr}?"))
        }
        (StaticType::String, FieldExpr::Static(_)) => {
            error.suggest(format!("did you mean name = {expr}?"))
        }
        (_, FieldExpr::Attribute(_)) => error.suggest("compare it with a value"),
        _ => error,
    })
}

pub(crate) fn check_reads_span(expr: &FieldExpr) -> Result<(), ValidateError> {
    if expr.attributes().next().is_none() {
        return Err(invalid("the expression does not depend on the span", expr));
    }
    Ok(())
}

pub(crate) fn check_attribute(attribute: &Attribute) -> Result<(), ValidateError> {
    if *attribute == Attribute::Intrinsic(Intrinsic::Parent) {
        return Err(unsupported("parent without an attribute is", attribute));
    }
    Ok(())
}

/// Checks a comparison of scalars. They are numbers, so all go with each other.
fn check_scalar_filter(filter: &ScalarFilter) -> Result<(), ValidateError> {
    check_scalar(&filter.lhs)?;
    check_scalar(&filter.rhs)
}

fn check_scalar(expr: &ScalarExpr) -> Result<(), ValidateError> {
    match expr {
        ScalarExpr::Static(_) => Ok(()),
        ScalarExpr::Aggregate(aggregate) => check_aggregate(aggregate),
        ScalarExpr::Pipeline { pipeline, aggregate } => {
            check_pipeline(pipeline)?;
            check_aggregate(aggregate)
        }
        ScalarExpr::Operation { lhs, rhs, .. } => {
            check_scalar(lhs)?;
            check_scalar(rhs)
        }
    }
}

fn check_aggregate(aggregate: &Aggregate) -> Result<(), ValidateError> {
    let Aggregate::Field { field, .. } = aggregate else { return Ok(()) };
    check_field(field)?;
    check_is_number(field)?;
    check_reads_span(field)
}

/// Checks that an expression can be a number.
pub(crate) fn check_is_number(expr: &FieldExpr) -> Result<(), ValidateError> {
    let t = implied_type(expr);
    if t.is_numeric() || t == StaticType::Dynamic {
        return Ok(());
    }
    let error = invalid(format!("aggregates need numbers, not {t}"), expr);
    Err(error.suggest("count() counts spans of any kind"))
}

/// The type of a value, as far as the expression tells.
fn implied_type(expr: &FieldExpr) -> StaticType {
    match expr {
        FieldExpr::Static(value) => value.static_type(),
        FieldExpr::Attribute(attribute) => attribute.static_type(),
        FieldExpr::Pattern(_) => StaticType::String,
        FieldExpr::Unary { op: UnaryOp::Neg, operand } => implied_type(operand),
        FieldExpr::Unary { .. } => StaticType::Bool,
        FieldExpr::Binary { op, lhs, rhs } if op.is_arithmetic() => match implied_type(lhs) {
            StaticType::Dynamic => implied_type(rhs),
            t => t,
        },
        FieldExpr::Binary { .. } => StaticType::Bool,
    }
}

fn check_field(expr: &FieldExpr) -> Result<(), ValidateError> {
    match expr {
        FieldExpr::Unary { operand, .. } => check_field(operand)?,
        FieldExpr::Binary { lhs, rhs, .. } => {
            check_field(lhs)?;
            check_field(rhs)?;
        }
        FieldExpr::Static(_) | FieldExpr::Attribute(_) | FieldExpr::Pattern(_) => {}
    }
    check_node(expr)
}

/// Checks an expression whose operands have been checked.
pub(crate) fn check_node(expr: &FieldExpr) -> Result<(), ValidateError> {
    match expr {
        FieldExpr::Static(_) => Ok(()),
        FieldExpr::Attribute(attribute) => check_attribute(attribute),
        FieldExpr::Pattern(pattern) => {
            let reason = |why: &str| invalid(format!("invalid regular expression, {why}"), expr);
            pattern.check().map_err(reason)
        }
        FieldExpr::Unary { op, operand } => check_unary(*op, operand, expr),
        FieldExpr::Binary { op, lhs, rhs } => check_binary(*op, lhs, rhs, expr),
    }
}

fn check_unary(op: UnaryOp, operand: &FieldExpr, whole: &FieldExpr) -> Result<(), ValidateError> {
    let t = implied_type(operand);
    if !op.accepts(t) {
        return Err(invalid(format!("the operator does not apply to {t}"), whole));
    }
    if op == UnaryOp::NotExists && always_there(operand) {
        return Err(invalid("every span has it, so it is never nil", whole));
    }
    Ok(())
}

/// Intrinsics and the service name, which are never absent.
fn always_there(operand: &FieldExpr) -> bool {
    match operand {
        FieldExpr::Attribute(Attribute::Intrinsic(_)) => true,
        FieldExpr::Attribute(Attribute::Scoped { scope: Scope::Resource, parent, name }) => {
            !parent && name == "service.name"
        }
        _ => false,
    }
}

fn check_binary(
    op: BinaryOp,
    lhs: &FieldExpr,
    rhs: &FieldExpr,
    whole: &FieldExpr,
) -> Result<(), ValidateError> {
    let (left, right) = (implied_type(lhs), implied_type(rhs));
    if !types_match(left, right) {
        let reason = format!("{left} and {right} cannot be operands of {}", op.as_str());
        let error = invalid(reason, whole);
        return Err(match mismatch(left, right) {
            Some(suggestion) => error.suggest(suggestion),
            None => error,
        });
    }
    if let Some(t) = [left, right].into_iter().find(|t| !op.accepts_one(*t)) {
        return Err(invalid(format!("operator {} does not apply to {t}", op.as_str()), whole));
    }
    if op.is_regex() && !matches!(rhs, FieldExpr::Pattern(_)) {
        let reason = "the right side of a regular expression match must be a string";
        return Err(invalid(reason, whole).suggest("put the pattern in quotes"));
    }
    Ok(())
}

/// What was probably meant by operands of two types that do not fit.
fn mismatch(left: StaticType, right: StaticType) -> Option<&'static str> {
    use StaticType as T;
    Some(match (left, right) {
        (T::Status, T::String) | (T::String, T::Status) => {
            "a status is error, ok or unset, without quotes"
        }
        (T::Kind, T::String) | (T::String, T::Kind) => {
            "a kind is server, client, internal, producer, consumer or unspecified, without quotes"
        }
        (T::Duration, T::String) | (T::String, T::Duration) => {
            "a duration is written without quotes, as in 100ms"
        }
        (T::Int | T::Float, T::String) => "a number is written without quotes",
        (T::String, T::Int | T::Float | T::Bool) => "a text is written in quotes",
        _ => return None,
    })
}

fn check_metrics(expr: &MetricsExpr) -> Result<(), ValidateError> {
    match &expr.source {
        MetricsSource::Aggregate { pipeline, aggregate } => {
            check_pipeline(pipeline)?;
            check_metrics_aggregate(aggregate)?;
        }
        MetricsSource::Math { lhs, rhs, .. } => {
            check_math_operand(lhs)?;
            check_math_operand(rhs)?;
        }
        MetricsSource::ScalarMath { operand, .. } => check_math_operand(operand)?,
    }
    if is_compare(expr) && !expr.stages.is_empty() {
        return Err(invalid("compare() cannot be followed by another stage", expr));
    }
    expr.stages.iter().try_for_each(check_second_stage)
}

pub(crate) fn check_second_stage(stage: &SecondStage) -> Result<(), ValidateError> {
    match stage {
        SecondStage::TopK(limit) | SecondStage::BottomK(limit) if *limit <= 0 => {
            Err(invalid("the limit must be above zero", stage))
        }
        _ => Ok(()),
    }
}

fn check_math_operand(expr: &MetricsExpr) -> Result<(), ValidateError> {
    check_metrics(expr)?;
    if is_compare(expr) { Err(invalid("compare() has no arithmetic", expr)) } else { Ok(()) }
}

fn is_compare(expr: &MetricsExpr) -> bool {
    let MetricsSource::Aggregate { aggregate, .. } = &expr.source else { return false };
    matches!(aggregate.function, MetricsFunction::Compare { .. })
}

pub(crate) fn check_metrics_aggregate(aggregate: &MetricsAggregate) -> Result<(), ValidateError> {
    let mut max_by = MAX_BY;
    match &aggregate.function {
        MetricsFunction::Rate | MetricsFunction::CountOverTime => {}
        MetricsFunction::MinOverTime(attribute)
        | MetricsFunction::MaxOverTime(attribute)
        | MetricsFunction::SumOverTime(attribute) => check_attribute(attribute)?,
        // These need one label of their own.
        MetricsFunction::AvgOverTime(attribute) | MetricsFunction::HistogramOverTime(attribute) => {
            max_by -= 1;
            check_attribute(attribute)?;
        }
        MetricsFunction::QuantileOverTime { attribute, quantiles } => {
            max_by -= 1;
            check_attribute(attribute)?;
            if let Some(q) = quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
                return Err(invalid("quantiles lie between 0 and 1", &Static::Float(*q)));
            }
        }
        MetricsFunction::Compare { selection, top, .. } => {
            check_filter(selection)?;
            if !(1..=MAX_TOP).contains(top) {
                let reason = format!("compare() yields between 1 and {MAX_TOP} values");
                return Err(invalid(reason, top));
            }
        }
    }
    aggregate.by.iter().try_for_each(check_attribute)?;
    if aggregate.by.len() > max_by {
        return Err(invalid(format!("by() takes at most {max_by} attributes here"), aggregate));
    }
    Ok(())
}
