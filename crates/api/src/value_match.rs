//! Filters that match an attribute's value by its text, for APIs whose tags have no types.
//!
//! A value equals a text when it would be printed so: `500` matches the integer 500, the float 500
//! and the string `500`; `true` matches the truth value and the string.

use spandrel_traceql::ast::{BinaryOp, Pipeline, Root, SpansetExpr, Stage};
use spandrel_traceql::{Attribute, FieldExpr, Query, Static};

use crate::go_json;

/// How many tags one search may have. It bounds the depth of the filter, over which others recurse.
pub(crate) const TAGS_MAX: usize = 100;

/// All expressions at once; none is true of every span.
pub(crate) fn all_of(exprs: impl IntoIterator<Item = FieldExpr>) -> FieldExpr {
    let joined = exprs.into_iter().reduce(|lhs, rhs| FieldExpr::binary(BinaryOp::And, lhs, rhs));
    joined.unwrap_or(FieldExpr::Static(Static::Bool(true)))
}

/// At least one of the expressions; none is true of no span.
pub(crate) fn any_of(exprs: impl IntoIterator<Item = FieldExpr>) -> FieldExpr {
    let joined = exprs.into_iter().reduce(|lhs, rhs| FieldExpr::binary(BinaryOp::Or, lhs, rhs));
    joined.unwrap_or(FieldExpr::Static(Static::Bool(false)))
}

/// A comparison of an attribute with a constant.
pub(crate) fn compare(attribute: impl Into<Attribute>, op: BinaryOp, value: Static) -> FieldExpr {
    let attribute = FieldExpr::Attribute(attribute.into());
    FieldExpr::binary(op, attribute, FieldExpr::Static(value))
}

/// Whether the attribute is this string.
pub(crate) fn is_string(attribute: impl Into<Attribute>, text: &str) -> FieldExpr {
    compare(attribute, BinaryOp::Equal, Static::String(text.to_owned()))
}

/// Whether the attribute's value, of whatever type, prints as the text.
pub(crate) fn prints_as(attribute: &Attribute, text: &str) -> FieldExpr {
    let literals = [Some(Static::String(text.to_owned())), typed_literal(text)];
    let equals = |literal| compare(attribute.clone(), BinaryOp::Equal, literal);
    any_of(literals.into_iter().flatten().map(equals))
}

/// The number or truth value that prints as the text. An integer literal equals floats as well.
fn typed_literal(text: &str) -> Option<Static> {
    if let Ok(truth) = text.parse() {
        return Some(Static::Bool(truth));
    }
    if let Ok(number) = text.parse::<i64>() {
        return (number.to_string() == text).then_some(Static::Int(number));
    }
    let number: f64 = text.parse().ok()?;
    let prints_so = number.is_finite() && go_json::float_text(number) == text;
    prints_so.then_some(Static::Float(number))
}

/// A search that is a single filter.
pub(crate) fn filter_query(filter: FieldExpr) -> Query {
    let stages = vec![Stage::Spanset(SpansetExpr::Filter(filter))];
    Query { root: Root::Pipeline(Pipeline { stages }), hints: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_filter(text: &str) -> String {
        filter_query(prints_as(&Attribute::unscoped("x"), text)).to_string()
    }

    #[test]
    fn a_text_matches_every_type_that_prints_so() {
        for (text, filter) in [
            ("GET", "{ .x = `GET` }"),
            ("500", "{ (.x = `500`) || (.x = 500) }"),
            ("-1", "{ (.x = `-1`) || (.x = -1) }"),
            ("72.5", "{ (.x = `72.5`) || (.x = 72.5) }"),
            ("true", "{ (.x = `true`) || (.x = true) }"),
        ] {
            assert_eq!(text_filter(text), filter);
        }
    }

    #[test]
    fn a_text_that_no_number_prints_as_is_a_string_only() {
        for text in ["007", "+5", "1e3", "72.50", "NaN", "inf", "True"] {
            assert_eq!(text_filter(text), format!("{{ .x = `{text}` }}"));
        }
    }

    #[test]
    fn no_conditions_are_true() {
        assert_eq!(filter_query(all_of([])).to_string(), "{ true }");
        assert_eq!(filter_query(any_of([])).to_string(), "{ false }");
    }
}
