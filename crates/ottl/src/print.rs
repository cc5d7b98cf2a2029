//! Trees as text that reads back as the same tree.

use std::fmt::{self, Display, Formatter, Write};

use crate::ast::{Call, Expression, MathOp, PathTree, StatementTree, Tree};
use crate::lexer::quote;

impl Display for StatementTree {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.editor.kind)?;
        match &self.condition {
            Some(condition) => write!(f, " where {}", condition.kind),
            None => Ok(()),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (index, argument) in self.arguments.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            if let Some(name) = &argument.name {
                write!(f, "{name}=")?;
            }
            write!(f, "{}", argument.value.kind)?;
        }
        f.write_char(')')?;
        keys(&self.keys, f)
    }
}

impl Display for PathTree {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().enumerate() {
            if index > 0 {
                f.write_char('.')?;
            }
            f.write_str(&segment.name)?;
            keys(&segment.keys, f)?;
        }
        Ok(())
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Double(value) => double(*value, f),
            Self::Bytes(bytes) => write!(f, "0x{}", crate::hex::encode(bytes)),
            Self::Text(text) => f.write_str(&quote(text)),
            Self::Name(name) => f.write_str(name),
            Self::Path(path) => write!(f, "{path}"),
            Self::Call(call) => write!(f, "{call}"),
            Self::List(members) => {
                f.write_char('[')?;
                separated(members, f)?;
                f.write_char(']')
            }
            Self::Map(entries) => {
                f.write_char('{')?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{}: {}", quote(key), value.kind)?;
                }
                f.write_char('}')
            }
            Self::Lambda { parameters, body } => {
                write!(f, "({}) => {}", parameters.join(", "), body.kind)
            }
            Self::Negate(inner) => write!(f, "-({})", inner.kind),
            Self::Math(op, left, right) => {
                operand(left, binds(&self_level(*op), left, false), f)?;
                write!(f, " {} ", op.sign())?;
                operand(right, binds(&self_level(*op), right, true), f)
            }
            Self::Compare(op, left, right) => {
                operand(left, matches!(left.kind, Self::Lambda { .. }), f)?;
                write!(f, " {} {}", op.sign(), right.kind)
            }
            Self::Not(inner) => {
                f.write_str("not ")?;
                operand(inner, matches!(inner.kind, Self::And(_) | Self::Or(_) | Self::Not(_)), f)
            }
            Self::And(members) => joined(members, " and ", f),
            Self::Or(members) => joined(members, " or ", f),
        }
    }
}

/// Conditions with a word between them.
fn joined(members: &[Tree], word: &str, f: &mut Formatter<'_>) -> fmt::Result {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        let wider = matches!(member.kind, Expression::Or(_));
        operand(member, wider, f)?;
    }
    Ok(())
}

/// How tightly a calculation binds.
fn self_level(op: MathOp) -> u8 {
    match op {
        MathOp::Add | MathOp::Subtract => 1,
        MathOp::Multiply | MathOp::Divide => 2,
    }
}

/// Whether `inner` needs parentheses as an operand of a calculation of that `level`.
fn binds(level: &u8, inner: &Tree, right: bool) -> bool {
    match inner.kind {
        Expression::Math(op, ..) => self_level(op) < *level || (right && self_level(op) == *level),
        _ => false,
    }
}

fn operand(tree: &Tree, parentheses: bool, f: &mut Formatter<'_>) -> fmt::Result {
    match parentheses {
        true => write!(f, "({})", tree.kind),
        false => write!(f, "{}", tree.kind),
    }
}

fn keys(keys: &[Tree], f: &mut Formatter<'_>) -> fmt::Result {
    keys.iter().try_for_each(|key| write!(f, "[{}]", key.kind))
}

fn separated(trees: &[Tree], f: &mut Formatter<'_>) -> fmt::Result {
    for (index, tree) in trees.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        write!(f, "{comma}{}", tree.kind)?;
    }
    Ok(())
}

/// Always with a point, and without exponent where that stays readable.
fn double(value: f64, f: &mut Formatter<'_>) -> fmt::Result {
    let size = value.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) {
        return write!(f, "{value:?}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => {
            write!(f, "{mantissa}.0e{exponent}")
        }
        _ => f.write_str(&text),
    }
}
