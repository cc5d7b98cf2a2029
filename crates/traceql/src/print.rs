//! Canonical spelling of syntax trees: text that parses back to an equal tree.
//!
//! The spelling is Tempo's where it has one, because it shows in series and spanset labels: binary
//! operands that are themselves operations stand in parentheses, stages join with a bare `|`,
//! strings stand in backticks.

use std::fmt;

use crate::ast::{
    Aggregate, BinaryOp, FieldExpr, Hint, Pipeline, Query, Root, ScalarExpr, ScalarFilter,
    SpansetExpr, Stage, UnaryOp,
};
use crate::value::{Static, write_string};

mod metrics;
#[cfg(test)]
mod tests;

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Root::Pipeline(pipeline) => write!(f, "{pipeline}")?,
            Root::ScalarPipelines(filter) => write!(f, "{filter}")?,
            Root::Metrics(expr) => write!(f, "{expr}")?,
        }
        if !self.hints.is_empty() {
            f.write_str(" with(")?;
            write_joined(f, &self.hints)?;
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// Items with commas between them.
fn write_joined(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display]) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(",")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, stage) in self.stages.iter().enumerate() {
            if i > 0 {
                f.write_str("|")?;
            }
            write!(f, "{stage}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spanset(expr) => write!(f, "{expr}"),
            Self::ScalarFilter(filter) => write!(f, "{filter}"),
            Self::Group(expr) => write!(f, "by({expr})"),
            Self::Coalesce => f.write_str("coalesce()"),
            Self::Select(attributes) => {
                f.write_str("select(")?;
                write_joined(f, attributes)?;
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for SpansetExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(expr) => write!(f, "{{ {expr} }}"),
            Self::Pipeline(pipeline) => write!(f, "{pipeline}"),
            Self::Operation { op, lhs, rhs } => write!(f, "({lhs}) {} ({rhs})", op.as_str()),
        }
    }
}

impl fmt::Display for ScalarFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, lhs, rhs } = self;
        write!(f, "{} {} {}", Operand(lhs), op.as_str(), Operand(rhs))
    }
}

impl fmt::Display for ScalarExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(value) => write!(f, "{value}"),
            Self::Aggregate(aggregate) => write!(f, "{aggregate}"),
            Self::Pipeline { pipeline, aggregate } => write!(f, "{pipeline}|{aggregate}"),
            Self::Operation { op, lhs, rhs } => {
                write!(f, "{} {} {}", Operand(lhs), op.as_str(), Operand(rhs))
            }
        }
    }
}

/// A scalar as operand: all but constants in parentheses.
struct Operand<'a>(&'a ScalarExpr);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ScalarExpr::Static(value) => write!(f, "{value}"),
            expr => write!(f, "({expr})"),
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("count()"),
            Self::Field { function, field } => write!(f, "{}({field})", function.as_str()),
        }
    }
}

impl fmt::Display for FieldExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(value) => write!(f, "{value}"),
            Self::Attribute(attribute) => write!(f, "{attribute}"),
            Self::Pattern(pattern) => write_string(f, pattern.source()),
            Self::Unary { op, operand } => {
                let (before, after) = match op {
                    UnaryOp::Not => ("!", ""),
                    UnaryOp::Neg => ("-", ""),
                    UnaryOp::Exists => ("", " != nil"),
                    UnaryOp::NotExists => ("", " = nil"),
                };
                f.write_str(before)?;
                write_operand(f, operand, is_operation(operand))?;
                f.write_str(after)
            }
            Self::Binary { op, lhs, rhs } => {
                write_operand(f, lhs, is_operation(lhs) || sign_reaches_over(*op, lhs))?;
                write!(f, " {} ", op.as_str())?;
                write_operand(f, rhs, is_operation(rhs))
            }
        }
    }
}

fn write_operand(f: &mut fmt::Formatter<'_>, operand: &FieldExpr, parens: bool) -> fmt::Result {
    if parens { write!(f, "({operand})") } else { write!(f, "{operand}") }
}

fn is_operation(expr: &FieldExpr) -> bool {
    matches!(expr, FieldExpr::Unary { .. } | FieldExpr::Binary { .. })
}

/// Whether the sign of a negative constant on the left would be read as applying to the whole
/// product or power.
fn sign_reaches_over(op: BinaryOp, lhs: &FieldExpr) -> bool {
    let negative = match lhs {
        FieldExpr::Static(Static::Int(n) | Static::Duration(n)) => *n < 0,
        FieldExpr::Static(Static::Float(x)) => x.is_sign_negative(),
        _ => false,
    };
    negative && matches!(op, BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Pow)
}
