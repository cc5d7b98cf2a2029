//! Arguments: which parameter each is for, and whether it fits.

use super::Compiler;
use crate::ast::{self, Expression as Tree};
use crate::error::OttlError;
use crate::expression::{Expression, Test};
use crate::functions::{Argument, Function, Kind, Lambda, Parameter, glob};
use crate::suggest;
use crate::value::Value;

impl Compiler<'_> {
    /// One argument for each parameter of `function`.
    pub(super) fn arguments(
        &mut self,
        offset: usize,
        call: &ast::Call,
        function: Function,
    ) -> Result<Vec<Argument>, OttlError> {
        let name = function.name;
        let mut given: Vec<Option<&ast::Argument>> = vec![None; function.parameters.len()];
        for (index, argument) in call.arguments.iter().enumerate() {
            let place = place(function, index, argument)?;
            match given.get_mut(place) {
                Some(slot @ None) => *slot = Some(argument),
                Some(Some(_)) => {
                    let message = format!("`{name}` is given the same argument twice");
                    return Err(OttlError::new(argument.value.offset, message));
                }
                None => {
                    let most = function.parameters.len();
                    let message = format!("`{name}` takes at most {most} arguments: {function}");
                    return Err(OttlError::new(argument.value.offset, message));
                }
            }
        }
        let mut out = Vec::with_capacity(given.len());
        for (parameter, given) in function.parameters.iter().zip(given) {
            out.push(match given {
                Some(argument) => self.argument(function, parameter, &argument.value)?,
                None if parameter.optional => Argument::Absent,
                None => {
                    let missing = parameter.name;
                    let message = format!("`{name}` needs the argument `{missing}`: {function}");
                    return Err(OttlError::new(offset, message));
                }
            });
        }
        Ok(out)
    }

    fn argument(
        &mut self,
        function: Function,
        parameter: &Parameter,
        tree: &ast::Tree,
    ) -> Result<Argument, OttlError> {
        let wrong = |expected: &str| {
            let message = format!("`{}` of `{}` is {expected}", parameter.name, function.name);
            Err(OttlError::new(tree.offset, message))
        };
        match (&parameter.kind, &tree.kind) {
            (Kind::Place | Kind::MapPlace, Tree::Path(path)) => {
                let path = self.path(tree.offset, path)?;
                if !path.field.is_writable() {
                    return wrong("a path that can be set");
                }
                if parameter.kind == Kind::MapPlace && !path.field.takes_keys() {
                    return wrong("a path to a map");
                }
                Ok(Argument::Place(path))
            }
            (Kind::Place | Kind::MapPlace, _) => wrong("a path"),
            (Kind::Function, Tree::Name(name)) => {
                let found = self.functions.find(name);
                let found = found.map_err(|message| OttlError::new(tree.offset, message))?;
                match found.takes_one_value() {
                    true => Ok(Argument::Function(found)),
                    false => wrong("a converter that takes one value"),
                }
            }
            (Kind::Function, _) => wrong("the name of a converter"),
            (Kind::Lambda(count), Tree::Lambda { parameters, body }) => {
                if parameters.len() != *count {
                    return wrong(&format!("a lambda of exactly {count} parameters"));
                }
                self.lambda(parameters, body)
            }
            (Kind::Lambda(_), _) => wrong("a lambda such as `(key, value) => value != nil`"),
            (_, Tree::Lambda { .. }) => wrong("no lambda"),
            (Kind::Pattern, Tree::Text(pattern)) => match spandrel_re2::Regex::new(pattern) {
                Ok(regex) => Ok(Argument::Pattern(Box::new(regex))),
                Err(error) => Err(OttlError::new(tree.offset, error.to_string())),
            },
            (Kind::Glob, Tree::Text(pattern)) => match glob(pattern) {
                Ok(regex) => Ok(Argument::Pattern(Box::new(regex))),
                Err(error) => Err(OttlError::new(tree.offset, error)),
            },
            (Kind::Word(words), Tree::Text(word)) => match words.contains(&word.as_str()) {
                true => Ok(Argument::Value(Expression::Constant(Value::owned(word)))),
                false => wrong(&format!(
                    "one of {}{}",
                    words.join(", "),
                    suggest::hint(word, words.iter().copied())
                )),
            },
            (Kind::Layout, Tree::Text(layout)) => match crate::time::layout::pieces(layout) {
                Ok(_) => Ok(Argument::Value(Expression::Constant(Value::owned(layout)))),
                Err(error) => Err(OttlError::new(tree.offset, error)),
            },
            (kind, tree_kind) => match kind.refuses(tree_kind) {
                Some(expected) => wrong(expected),
                None => Ok(Argument::Value(self.expression(tree)?)),
            },
        }
    }

    fn lambda(&mut self, parameters: &[String], body: &ast::Tree) -> Result<Argument, OttlError> {
        let outer = self.locals.len();
        self.locals.extend(parameters.iter().cloned());
        let condition = body.kind.is_condition() || matches!(body.kind, Tree::Bool(_));
        let compiled = match condition {
            true => self.test(body).map(|test: Test| Expression::Test(Box::new(test))),
            false => self.expression(body),
        };
        self.locals.truncate(outer);
        Ok(Argument::Lambda(Box::new(Lambda { count: parameters.len(), body: compiled? })))
    }
}

/// The parameter that the argument at `index` is for.
fn place(function: Function, index: usize, argument: &ast::Argument) -> Result<usize, OttlError> {
    let Some(name) = &argument.name else { return Ok(index) };
    // `headerDelimiter` and `header_delimiter` are the same.
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let wanted = plain(name);
    let found = function.parameters.iter().position(|known| plain(known.name) == wanted);
    found.ok_or_else(|| {
        let hint = suggest::hint(name, function.parameters.iter().map(|known| known.name));
        let message = format!("`{}` has no argument `{name}`{hint}", function.name);
        OttlError::new(argument.value.offset, message)
    })
}
