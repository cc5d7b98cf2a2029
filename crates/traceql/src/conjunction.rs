//! Queries that are a row of conditions which must all hold: what an editor can show as one chip per condition.

use crate::ast::{BinaryOp, FieldExpr, Query, UnaryOp};
use crate::attribute::Attribute;
use crate::value::Static;

/// A condition on one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is compared.
    pub attribute: Attribute,
    /// How: a comparison, or one of the operators of regular expressions.
    pub op: BinaryOp,
    /// With what, as a query spells it; texts stand in double quotes.
    pub literal: String,
}

/// The conditions of a query that is one spanset filter in which all of them are joined by `&&`, none for `{ }`.
/// `None` for every other query, and for one with hints.
#[must_use]
pub fn conjunction(query: &Query) -> Option<Vec<Condition>> {
    let filter = query.spanset_filter().filter(|_| query.hints.is_empty())?;
    let mut conditions = Vec::new();
    if *filter != FieldExpr::Static(Static::Bool(true)) {
        collect(filter, &mut conditions)?;
    }
    Some(conditions)
}

fn collect(expr: &FieldExpr, into: &mut Vec<Condition>) -> Option<()> {
    let condition = match expr {
        FieldExpr::Binary { op: BinaryOp::And, lhs, rhs } => {
            collect(lhs, into)?;
            return collect(rhs, into);
        }
        FieldExpr::Binary { op, lhs, rhs } => match (lhs.as_ref(), rhs.as_ref()) {
            (FieldExpr::Attribute(attribute), operand) => of(attribute, *op, operand)?,
            (operand, FieldExpr::Attribute(attribute)) => of(attribute, turned(*op)?, operand)?,
            _ => return None,
        },
        FieldExpr::Unary { op: UnaryOp::Exists, operand } => of_nil(operand, BinaryOp::NotEqual)?,
        FieldExpr::Unary { op: UnaryOp::NotExists, operand } => of_nil(operand, BinaryOp::Equal)?,
        _ => return None,
    };
    into.push(condition);
    Some(())
}

fn of(attribute: &Attribute, op: BinaryOp, operand: &FieldExpr) -> Option<Condition> {
    let literal = match operand {
        FieldExpr::Static(Static::String(text)) if op.is_comparison() => quoted(text),
        FieldExpr::Static(value) if op.is_comparison() => value.to_string(),
        FieldExpr::Pattern(pattern) if op.is_regex() => quoted(pattern.source()),
        _ => return None,
    };
    Some(Condition { attribute: attribute.clone(), op, literal })
}

fn of_nil(operand: &FieldExpr, op: BinaryOp) -> Option<Condition> {
    let FieldExpr::Attribute(attribute) = operand else { return None };
    Some(Condition { attribute: attribute.clone(), op, literal: Static::Nil.to_string() })
}

/// The operator that says the same with its operands exchanged.
fn turned(op: BinaryOp) -> Option<BinaryOp> {
    Some(match op {
        BinaryOp::Equal | BinaryOp::NotEqual => op,
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        _ => return None,
    })
}

/// A text as a literal in double quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c.is_control() || c == '\u{feff}' => {
                literal.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile;

    fn chips(text: &str) -> Option<Vec<String>> {
        let query = compile(text).unwrap();
        let chips = conjunction(&query)?;
        let chip =
            |chip: &Condition| format!("{} {} {}", chip.attribute, chip.op.as_str(), chip.literal);
        // They are the query again.
        let joined: Vec<String> = chips.iter().map(chip).collect();
        let again = compile(&format!("{{ {} }}", joined.join(" && "))).unwrap();
        assert_eq!(conjunction(&again), Some(chips), "{text}");
        Some(joined)
    }

    #[test]
    fn a_row_of_conditions_is_chips() {
        for (query, wanted) in [
            ("{ }", &[][..]),
            ("{ true }", &[]),
            ("{ .a = 1 }", &[".a = 1"]),
            (
                "{ resource.service.name = `x` && (duration > 1s && status != error) }",
                &["resource.service.name = \"x\"", "duration > 1s", "status != error"],
            ),
            ("{ span.\"a b\" =~ `\"q\\d` }", &["span.\"a b\" =~ \"\\\"q\\\\d\""]),
            ("{ 5 < .a && 1 = .b }", &[".a > 5", ".b = 1"]),
            ("{ .a = nil && nil != .b }", &[".a = nil", ".b != nil"]),
            ("{ .a = -1 && .b = 1.5 && .c = true }", &[".a = -1", ".b = 1.5", ".c = true"]),
            ("{ .a = \"\\u0001\\t\\n\" }", &[".a = \"\\u0001\\t\\n\""]),
        ] {
            assert_eq!(
                chips(query).as_deref(),
                Some(&wanted.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
                "{query}"
            );
        }
    }

    #[test]
    fn everything_else_is_none() {
        for query in [
            "{ .a = 1 || .b = 2 }",
            "{ !(.a = 1) }",
            "{ .a }",
            "{ .a = .b }",
            "{ .a + 1 = 2 }",
            "{ .a = 1 } | count() > 2",
            "{ .a = 1 } >> { .b = 2 }",
            "{ .a = 1 } | rate()",
            "{ .a = 1 } with(most_recent=true)",
            "{ false }",
        ] {
            assert_eq!(chips(query), None, "{query}");
        }
    }
}
