//! Access of a converter to its arguments, evaluated when asked for.

use std::borrow::Cow;

use spandrel_proto::otlp::common::KeyValue;
use spandrel_re2::Regex;

use super::{Argument, Function, Lambda, Run};
use crate::error::EvalError;
use crate::expression::{Call, Env, Expression};
use crate::time::Time;
use crate::value::{Value, text_of};

/// The arguments of one call.
pub(crate) struct Args<'c, 'v> {
    call: &'v Call,
    pub(crate) env: &'c Env<'v>,
    /// The first argument, when the function is applied to a value by another.
    first: Option<Value<'v>>,
}

impl<'c, 'v> Args<'c, 'v> {
    pub(crate) fn new(call: &'v Call, env: &'c Env<'v>) -> Self {
        Self { call, env, first: None }
    }

    fn argument(&self, index: usize) -> &'v Argument {
        self.call.arguments.get(index).unwrap_or(&Argument::Absent)
    }

    fn wrong(&self, expected: &'static str, got: &Value<'_>) -> EvalError {
        EvalError::Type { place: self.call.name, expected, got: got.type_name() }
    }

    /// An error of this function.
    pub(crate) fn refused(&self, message: impl std::fmt::Display) -> EvalError {
        EvalError::refused(format_args!("{}: {message}", self.call.name))
    }

    /// Whether the argument was given.
    pub(crate) fn given(&self, index: usize) -> bool {
        !matches!(self.argument(index), Argument::Absent)
    }

    /// Any value; nil when none was given.
    pub(crate) fn value(&self, index: usize) -> Result<Value<'v>, EvalError> {
        if index == 0
            && let Some(first) = &self.first
        {
            return Ok(first.clone());
        }
        match self.argument(index) {
            Argument::Value(expression) => expression.evaluate(self.env),
            Argument::Place(path) => path.get(self.env),
            Argument::Pattern(regex) => Ok(Value::text(regex.source())),
            Argument::Absent | Argument::Function(_) | Argument::Lambda(_) => Ok(Value::Nil),
        }
    }

    pub(crate) fn text(&self, index: usize) -> Result<Cow<'v, str>, EvalError> {
        match self.value(index)? {
            Value::String(text) => Ok(text),
            other => Err(self.wrong("a string", &other)),
        }
    }

    /// Text, or what was not given.
    pub(crate) fn text_or(
        &self,
        index: usize,
        default: &'v str,
    ) -> Result<Cow<'v, str>, EvalError> {
        match self.given(index) {
            true => self.text(index),
            false => Ok(Cow::Borrowed(default)),
        }
    }

    /// The text of any value; none for nil.
    pub(crate) fn text_like(&self, index: usize) -> Result<Option<Cow<'v, str>>, EvalError> {
        Ok(text_of(self.value(index)?))
    }

    pub(crate) fn int(&self, index: usize) -> Result<i64, EvalError> {
        match self.value(index)? {
            Value::Int(value) => Ok(value),
            other => Err(self.wrong("an int", &other)),
        }
    }

    pub(crate) fn int_or(&self, index: usize, default: i64) -> Result<i64, EvalError> {
        if self.given(index) { self.int(index) } else { Ok(default) }
    }

    pub(crate) fn bool_or(&self, index: usize, default: bool) -> Result<bool, EvalError> {
        if !self.given(index) {
            return Ok(default);
        }
        match self.value(index)? {
            Value::Bool(value) => Ok(value),
            other => Err(self.wrong("a bool", &other)),
        }
    }

    pub(crate) fn time(&self, index: usize) -> Result<Time, EvalError> {
        match self.value(index)? {
            Value::Time(time) => Ok(time),
            other => Err(self.wrong("a time", &other)),
        }
    }

    pub(crate) fn duration(&self, index: usize) -> Result<i64, EvalError> {
        match self.value(index)? {
            Value::Duration(nanos) => Ok(nanos),
            other => Err(self.wrong("a duration", &other)),
        }
    }

    pub(crate) fn map(&self, index: usize) -> Result<Cow<'v, [KeyValue]>, EvalError> {
        match self.value(index)? {
            Value::Map(entries) => Ok(entries),
            other => Err(self.wrong("a map", &other)),
        }
    }

    pub(crate) fn octets(&self, index: usize) -> Result<Cow<'v, [u8]>, EvalError> {
        match self.value(index)? {
            Value::Bytes(bytes) => Ok(bytes),
            Value::String(Cow::Borrowed(text)) => Ok(Cow::Borrowed(text.as_bytes())),
            Value::String(Cow::Owned(text)) => Ok(Cow::Owned(text.into_bytes())),
            other => Err(self.wrong("a string or bytes", &other)),
        }
    }

    /// The members of a list. Those of a literal may be of types that no attribute can hold.
    pub(crate) fn members(&self, index: usize) -> Result<Vec<Value<'v>>, EvalError> {
        if let Argument::Value(Expression::List(members)) = self.argument(index) {
            return members.iter().map(|member| member.evaluate(self.env)).collect();
        }
        match self.value(index)? {
            Value::List(Cow::Borrowed(members)) => Ok(members.iter().map(Value::of).collect()),
            Value::List(Cow::Owned(members)) => {
                Ok(members.into_iter().map(Value::of_owned).collect())
            }
            other => Err(self.wrong("a list", &other)),
        }
    }

    /// The texts of a list of strings.
    pub(crate) fn texts(&self, index: usize) -> Result<Vec<Cow<'v, str>>, EvalError> {
        if !self.given(index) {
            return Ok(Vec::new());
        }
        let text = |member| match member {
            Value::String(text) => Ok(text),
            other => Err(self.wrong("a list of strings", &other)),
        };
        self.members(index)?.into_iter().map(text).collect()
    }

    /// A regular expression, compiled now when it is no literal.
    pub(crate) fn pattern(&self, index: usize) -> Result<Cow<'v, Regex>, EvalError> {
        if let Argument::Pattern(regex) = self.argument(index) {
            return Ok(Cow::Borrowed(regex));
        }
        let source = self.text(index)?;
        Regex::new(&source).map(Cow::Owned).map_err(|error| self.refused(error))
    }

    /// A glob, compiled now when it is no literal.
    pub(crate) fn glob(&self, index: usize) -> Result<Cow<'v, Regex>, EvalError> {
        if let Argument::Pattern(regex) = self.argument(index) {
            return Ok(Cow::Borrowed(regex));
        }
        let source = self.text(index)?;
        super::glob(&source).map(Cow::Owned).map_err(|error| self.refused(error))
    }

    /// A converter that was given by its name.
    pub(crate) fn function(&self, index: usize) -> Option<Function> {
        match self.argument(index) {
            Argument::Function(function) => Some(*function),
            _ => None,
        }
    }

    /// What the lambda makes of a member and its key or index. A lambda of one parameter gets the member,
    /// and one of more than two first `before`.
    pub(crate) fn apply_lambda(
        &self,
        index: usize,
        before: Option<Value<'v>>,
        key: Value<'v>,
        value: Value<'v>,
    ) -> Result<Value<'v>, EvalError> {
        let Argument::Lambda(lambda) = self.argument(index) else { return Ok(Value::Nil) };
        let Lambda { count, body } = &**lambda;
        let mut locals = self.env.locals.clone();
        let left = count.saturating_sub(usize::from(before.is_some()));
        locals.extend(before.into_iter().take(*count));
        match left {
            0 => {}
            1 => locals.push(value),
            _ => locals.extend([key, value]),
        }
        body.evaluate(&Env { view: self.env.view, locals })
    }

    /// Whether the lambda holds for a member.
    pub(crate) fn lambda_holds(
        &self,
        index: usize,
        key: Value<'v>,
        value: Value<'v>,
    ) -> Result<bool, EvalError> {
        match self.apply_lambda(index, None, key, value)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(self.wrong("a lambda that gives a bool", &other)),
        }
    }
}

/// What `function` makes of one value.
pub(crate) fn apply(function: Function, value: Value<'_>) -> Result<Value<'static>, EvalError> {
    let Run::Converter(run) = function.run else { return Ok(Value::Nil) };
    let arguments = Vec::new();
    let call = Call { name: function.name, run: function.run, arguments, keys: Vec::new() };
    let env = Env::new(crate::view::View::of_resource(None, ""));
    run(&Args { call: &call, env: &env, first: Some(value) }).map(Value::into_owned)
}
