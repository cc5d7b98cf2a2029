//! Checking texts that are not run here, such as those of logs and metrics.

use crate::ast::{Call, Expression, Tree};
use crate::error::OttlError;
use crate::functions::{Functions, is_known_elsewhere};
use crate::parser;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `editor(arguments) [where condition]`.
    Statement,
    /// A condition.
    Condition,
    /// A value.
    Value,
}

/// Checks grammar and names of functions; paths and enums may be any.
///
/// # Errors
/// When `text` is none of that kind, or names a function that no signal has.
pub fn parse_syntax(kind: Kind, text: &str, functions: &Functions) -> Result<(), OttlError> {
    match kind {
        Kind::Statement => {
            let tree = parser::statement(text)?;
            call(tree.editor.offset, &tree.editor.kind, functions)?;
            tree.condition.as_ref().map_or(Ok(()), |condition| check(condition, functions))
        }
        Kind::Condition => check(&parser::condition(text)?, functions),
        Kind::Value => check(&parser::value(text)?, functions),
    }
}

/// `text` in the usual form, with as few parentheses as it needs.
///
/// # Errors
/// When `text` is none of that kind.
pub fn print_syntax(kind: Kind, text: &str) -> Result<String, OttlError> {
    Ok(match kind {
        Kind::Statement => parser::statement(text)?.to_string(),
        Kind::Condition => parser::condition(text)?.kind.to_string(),
        Kind::Value => parser::value(text)?.kind.to_string(),
    })
}

fn call(offset: usize, call: &Call, functions: &Functions) -> Result<(), OttlError> {
    if !is_known_elsewhere(&call.name) {
        functions.find(&call.name).map_err(|message| OttlError::new(offset, message))?;
    }
    call.arguments.iter().try_for_each(|argument| check(&argument.value, functions))?;
    call.keys.iter().try_for_each(|key| check(key, functions))
}

fn check(tree: &Tree, functions: &Functions) -> Result<(), OttlError> {
    match &tree.kind {
        Expression::Call(inner) => call(tree.offset, inner, functions),
        Expression::Path(path) => path
            .segments
            .iter()
            .try_for_each(|segment| segment.keys.iter().try_for_each(|key| check(key, functions))),
        Expression::List(members) | Expression::And(members) | Expression::Or(members) => {
            members.iter().try_for_each(|member| check(member, functions))
        }
        Expression::Map(entries) => {
            entries.iter().try_for_each(|(_, value)| check(value, functions))
        }
        Expression::Lambda { body: inner, .. }
        | Expression::Negate(inner)
        | Expression::Not(inner) => check(inner, functions),
        Expression::Math(_, left, right) | Expression::Compare(_, left, right) => {
            check(left, functions)?;
            check(right, functions)
        }
        Expression::Nil
        | Expression::Bool(_)
        | Expression::Int(_)
        | Expression::Double(_)
        | Expression::Bytes(_)
        | Expression::Text(_)
        | Expression::Name(_) => Ok(()),
    }
}
