//! The functions of the language: what they are called, take and do.

use std::fmt;

use crate::ast::Expression as Tree;
use crate::context::Context;
use crate::error::EvalError;
use crate::expression::{Call, Expression};
use crate::path::Path;
use crate::suggest;
use crate::value::Value;
use crate::view::Target;

mod args;
mod converters;
mod editors;
mod other_signals;
mod pattern;

pub(crate) use args::Args;
use other_signals::OTHER_SIGNALS;
pub(crate) use pattern::glob;

/// A function with its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) run: Run,
    pub(crate) contexts: &'static [Context],
}

/// What a function does.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    Converter(Convert),
    Editor(Edit),
    /// Nothing: whoever compiled the statement asks whether its condition held.
    Inert,
}

pub(crate) type Convert = for<'c, 'v> fn(&Args<'c, 'v>) -> Result<Value<'v>, EvalError>;
pub(crate) type Edit = fn(&Call, &mut Target<'_>) -> Result<(), EvalError>;

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Converter(_) => "Converter",
            Self::Editor(_) => "Editor",
            Self::Inert => "Inert",
        })
    }
}

/// What a function takes in one place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

/// What may be given for a parameter. Paths and converters may stand for any value; what they give is looked
/// at when they are evaluated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Any value.
    Value,
    Text,
    Int,
    Bool,
    Map,
    List,
    Time,
    Duration,
    /// Text or bytes.
    Octets,
    /// A regular expression.
    Pattern,
    /// A pattern with `*` and `?`.
    Glob,
    /// A layout of times.
    Layout,
    /// One of these words, as a literal.
    Word(&'static [&'static str]),
    /// A path to set.
    Place,
    /// A path to a map to change.
    MapPlace,
    /// The name of a converter.
    Function,
    /// A lambda of so many parameters.
    Lambda(usize),
}

impl Kind {
    /// What is expected instead of a literal that cannot be right.
    pub(crate) fn refuses(self, tree: &Tree) -> Option<&'static str> {
        let computed = matches!(
            tree,
            Tree::Path(_) | Tree::Call(_) | Tree::Nil | Tree::Math(..) | Tree::Negate(_)
        );
        if computed && !matches!(self, Self::Word(_)) {
            return None;
        }
        let (fits, expected) = match self {
            Self::Text | Self::Pattern | Self::Glob | Self::Layout => {
                (matches!(tree, Tree::Text(_)), "a string")
            }
            Self::Word(_) => (false, "a string literal"),
            Self::Int => (matches!(tree, Tree::Int(_) | Tree::Name(_)), "an int"),
            Self::Bool => (matches!(tree, Tree::Bool(_)), "a bool"),
            Self::Map => (matches!(tree, Tree::Map(_)), "a map"),
            Self::List => (matches!(tree, Tree::List(_)), "a list"),
            Self::Time => (false, "a time"),
            Self::Duration => (false, "a duration such as `Duration(\"1s\")`"),
            Self::Octets => (matches!(tree, Tree::Text(_) | Tree::Bytes(_)), "a string or bytes"),
            _ => (true, ""),
        };
        (!fits).then_some(expected)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Text | Self::Layout => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Map => "map",
            Self::List => "list",
            Self::Time => "time",
            Self::Duration => "duration",
            Self::Octets => "string or bytes",
            Self::Pattern => "regular expression",
            Self::Glob => "glob",
            Self::Word(_) => "word",
            Self::Place => "path",
            Self::MapPlace => "path to a map",
            Self::Function => "converter",
            Self::Lambda(_) => "lambda",
        }
    }
}

/// An argument, compiled.
#[derive(Clone, Debug)]
pub(crate) enum Argument {
    Absent,
    Value(Expression),
    Pattern(Box<spandrel_re2::Regex>),
    Place(Path),
    Function(Function),
    Lambda(Box<Lambda>),
}

/// A function without a name.
#[derive(Clone, Debug)]
pub(crate) struct Lambda {
    pub(crate) count: usize,
    pub(crate) body: Expression,
}

impl Function {
    pub(crate) fn is_editor(&self) -> bool {
        !matches!(self.run, Run::Converter(_))
    }

    /// Whether a name alone can stand for it.
    pub(crate) fn takes_one_value(&self) -> bool {
        let needed = self.parameters.iter().filter(|parameter| !parameter.optional);
        let value = |kind: Kind| {
            !matches!(kind, Kind::Place | Kind::MapPlace | Kind::Function | Kind::Lambda(_))
        };
        let first = self.parameters.first();
        !self.is_editor() && needed.count() <= 1 && first.is_some_and(|first| value(first.kind))
    }
}

/// `Substring(target: string, start: int, [utf8_safe: bool])`.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (index, parameter) in self.parameters.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let (open, close) = if parameter.optional { ("[", "]") } else { ("", "") };
            write!(f, "{comma}{open}{}: {}{close}", parameter.name, parameter.kind.name())?;
        }
        f.write_str(")")
    }
}

/// The functions that texts may use.
#[derive(Clone, Debug)]
pub struct Functions {
    list: Vec<Function>,
}

impl Functions {
    /// Every editor and converter there is for traces.
    #[must_use]
    pub fn standard() -> Self {
        Self { list: editors::all().chain(converters::all()).collect() }
    }

    /// The same with an editor of a component's own, such as `route()`: it takes nothing and does nothing,
    /// and the component asks whether its condition held.
    #[must_use]
    pub fn with_editor(mut self, name: &'static str) -> Self {
        let contexts = &Context::ALL;
        self.list.push(Function { name, parameters: &[], run: Run::Inert, contexts });
        self
    }

    /// The names of all functions.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.list.iter().map(|function| function.name)
    }

    pub(crate) fn find(&self, name: &str) -> Result<Function, String> {
        if let Some(found) = self.list.iter().find(|function| function.name == name) {
            return Ok(*found);
        }
        if OTHER_SIGNALS.contains(&name) {
            return Err(format!("function `{name}` belongs to another signal than traces"));
        }
        Err(format!("unknown function `{name}`{}", suggest::hint(name, self.names())))
    }
}

/// Whether `name` is a function of the Collector that is not run here.
pub(crate) fn is_known_elsewhere(name: &str) -> bool {
    OTHER_SIGNALS.contains(&name)
}

/// A parameter that has to be given.
const fn needs(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, optional: false }
}

/// A parameter that may be left out.
const fn may(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, optional: true }
}

/// A converter for all contexts.
const fn converter(name: &'static str, parameters: &'static [Parameter], run: Convert) -> Function {
    Function { name, parameters, run: Run::Converter(run), contexts: &Context::ALL }
}

/// An editor for all contexts.
const fn editor(name: &'static str, parameters: &'static [Parameter], run: Edit) -> Function {
    Function { name, parameters, run: Run::Editor(run), contexts: &Context::ALL }
}
