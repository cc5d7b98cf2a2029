//! Which context texts are about, from the prefixes of their paths.
//!
//! The narrowest context that a path names wins: everything wider can be reached from there. When a function
//! or enum does not exist in it, the next narrower one is tried.

use crate::ast::{Call, Expression, Tree};
use crate::context::{Context, ENUMS, OTHER_SIGNALS, enum_value};
use crate::error::OttlError;
use crate::functions::Functions;
use crate::parser;

/// The context of a condition.
///
/// # Errors
/// When `text` is no condition, names no context, or one of another signal.
pub fn infer_condition(text: &str, functions: &Functions) -> Result<Context, OttlError> {
    let mut hints = Hints::default();
    hints.tree(&parser::condition(text)?);
    hints.infer(functions)
}

/// The context that statements, and the conditions of their group, share.
///
/// # Errors
/// When a text is wrong, or together they name no context, or one of another signal.
pub fn infer_statements<T: AsRef<str>, U: AsRef<str>>(
    statements: &[T],
    conditions: &[U],
    functions: &Functions,
) -> Result<Context, OttlError> {
    let mut hints = Hints::default();
    for text in statements {
        let tree = parser::statement(text.as_ref())?;
        hints.call(tree.editor.offset, &tree.editor.kind);
        if let Some(condition) = &tree.condition {
            hints.tree(condition);
        }
    }
    for text in conditions {
        hints.tree(&parser::condition(text.as_ref())?);
    }
    hints.infer(functions)
}

/// What the texts use.
#[derive(Default)]
struct Hints {
    contexts: Vec<Context>,
    /// The first path of another signal.
    foreign: Option<(usize, String)>,
    /// The first path without a context before it.
    bare: Option<(usize, String)>,
    functions: Vec<(usize, String)>,
    enums: Vec<String>,
    locals: Vec<String>,
}

impl Hints {
    fn call(&mut self, offset: usize, call: &Call) {
        self.functions.push((offset, call.name.clone()));
        for argument in &call.arguments {
            self.tree(&argument.value);
        }
        call.keys.iter().for_each(|key| self.tree(key));
    }

    fn tree(&mut self, tree: &Tree) {
        match &tree.kind {
            Expression::Path(path) => {
                for segment in &path.segments {
                    segment.keys.iter().for_each(|key| self.tree(key));
                }
                let Some(first) = path.segments.first() else { return };
                let name = first.name.as_str();
                let several = path.segments.len() > 1;
                if several && let Some(context) = Context::from_name(name) {
                    self.contexts.push(context);
                } else if several && OTHER_SIGNALS.contains(&name) {
                    self.foreign.get_or_insert((tree.offset, path.to_string()));
                } else if name != "otelcol" && !self.locals.iter().any(|local| local == name) {
                    self.bare.get_or_insert((tree.offset, path.to_string()));
                }
            }
            Expression::Call(call) => self.call(tree.offset, call),
            Expression::Name(name) => self.enums.push(name.clone()),
            Expression::List(members) | Expression::And(members) | Expression::Or(members) => {
                members.iter().for_each(|member| self.tree(member));
            }
            Expression::Map(entries) => entries.iter().for_each(|(_, value)| self.tree(value)),
            Expression::Lambda { parameters, body } => {
                let outer = self.locals.len();
                self.locals.extend(parameters.iter().cloned());
                self.tree(body);
                self.locals.truncate(outer);
            }
            Expression::Negate(inner) | Expression::Not(inner) => self.tree(inner),
            Expression::Math(_, left, right) | Expression::Compare(_, left, right) => {
                self.tree(left);
                self.tree(right);
            }
            Expression::Nil
            | Expression::Bool(_)
            | Expression::Int(_)
            | Expression::Double(_)
            | Expression::Bytes(_)
            | Expression::Text(_) => {}
        }
    }

    fn infer(&self, functions: &Functions) -> Result<Context, OttlError> {
        if let Some((offset, path)) = &self.foreign {
            let message = format!("`{path}` belongs to another signal than traces");
            return Err(OttlError::new(*offset, message));
        }
        if let Some((offset, path)) = &self.bare {
            let message = format!("`{path}` says no context: write it as in `span.{path}`");
            return Err(OttlError::new(*offset, message));
        }
        let mut required = Vec::new();
        for (offset, name) in &self.functions {
            let found = functions.find(name).map_err(|m| OttlError::new(*offset, m))?;
            required.push(found.contexts);
        }
        let supports = |context: &Context| {
            required.iter().all(|contexts| contexts.contains(context))
                && self.enums.iter().all(|name| {
                    // The names of converters look the same.
                    let known = ENUMS.iter().any(|(known, _)| known == name);
                    !known || enum_value(name, *context).is_some()
                })
        };
        let possible: Vec<Context> = Context::ALL.into_iter().filter(supports).collect();
        let Some(named) = self.contexts.iter().max() else {
            return match possible.as_slice() {
                [only] => Ok(*only),
                _ => Err(OttlError::new(
                    0,
                    "cannot tell the context: write paths with it, such as `span.name`",
                )),
            };
        };
        let found = possible.into_iter().find(|context| context >= named);
        found.ok_or_else(|| {
            let message = format!("no context from {named} on has all functions and enums used");
            OttlError::new(0, message)
        })
    }
}
