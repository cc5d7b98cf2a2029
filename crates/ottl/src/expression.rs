//! Compiled texts: names are resolved, patterns compiled, and nothing is left but to evaluate.

use std::borrow::Cow;

use crate::ast::{Comparison, MathOp};
use crate::error::EvalError;
use crate::functions::{Args, Argument, Run};
use crate::path::{KeyExpression, Path};
use crate::value::{Value, calculate, compare, entry, negate};
use crate::view::View;

/// What an evaluation looks at: the view, and the parameters of the lambdas around.
#[derive(Clone, Debug)]
pub(crate) struct Env<'v> {
    pub(crate) view: View<'v>,
    pub(crate) locals: Vec<Value<'v>>,
}

impl<'v> Env<'v> {
    pub(crate) fn new(view: View<'v>) -> Self {
        Self { view, locals: Vec::new() }
    }
}

/// A value to be.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Constant(Value<'static>),
    Path(Path),
    /// A parameter of a lambda, counted from the outermost.
    Local(usize, Vec<KeyExpression>),
    Call(Box<Call>),
    List(Vec<Expression>),
    Map(Vec<(String, Expression)>),
    Math(MathOp, Box<Expression>, Box<Expression>),
    Negate(Box<Expression>),
    Test(Box<Test>),
}

/// A converter or editor with its arguments, one for each parameter.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) keys: Vec<KeyExpression>,
}

/// A condition to be.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Constant(bool),
    /// A converter that has to give a boolean.
    Value(Expression),
    Compare(Comparison, Expression, Expression),
    Not(Box<Test>),
    And(Vec<Test>),
    Or(Vec<Test>),
}

impl Expression {
    pub(crate) fn evaluate<'v>(&'v self, env: &Env<'v>) -> Result<Value<'v>, EvalError> {
        match self {
            Self::Constant(value) => Ok(reborrow(value)),
            Self::Path(path) => path.get(env),
            Self::Local(index, keys) => {
                let value = env.locals.get(*index).cloned().unwrap_or(Value::Nil);
                at_keys(value, keys, env)
            }
            Self::Call(call) => call.evaluate(env),
            Self::List(members) => {
                let members = members.iter().map(|member| member.evaluate(env)?.storable("a list"));
                Ok(Value::list(members.collect::<Result<_, _>>()?))
            }
            Self::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| Ok(entry(key, value.evaluate(env)?.storable("a map")?)));
                Ok(Value::map(entries.collect::<Result<_, EvalError>>()?))
            }
            Self::Math(op, left, right) => {
                calculate(*op, &left.evaluate(env)?, &right.evaluate(env)?)
            }
            Self::Negate(inner) => negate(&inner.evaluate(env)?),
            Self::Test(test) => test.holds(env).map(Value::Bool),
        }
    }
}

impl Call {
    fn evaluate<'v>(&'v self, env: &Env<'v>) -> Result<Value<'v>, EvalError> {
        match self.run {
            Run::Converter(run) => {
                let value = run(&Args::new(self, env))?;
                match self.keys.is_empty() {
                    true => Ok(value),
                    false => at_keys(value, &self.keys, env),
                }
            }
            // The compiler lets editors stand only where statements start.
            Run::Editor(_) | Run::Inert => Ok(Value::Nil),
        }
    }
}

impl Test {
    pub(crate) fn holds<'v>(&'v self, env: &Env<'v>) -> Result<bool, EvalError> {
        match self {
            Self::Constant(value) => Ok(*value),
            Self::Value(expression) => match expression.evaluate(env)? {
                Value::Bool(value) => Ok(value),
                other => Err(EvalError::Type {
                    place: "a condition",
                    expected: "a bool",
                    got: other.type_name(),
                }),
            },
            Self::Compare(op, left, right) => {
                Ok(compare(*op, &left.evaluate(env)?, &right.evaluate(env)?))
            }
            Self::Not(inner) => Ok(!inner.holds(env)?),
            Self::And(members) => Self::until(members, false, env),
            Self::Or(members) => Self::until(members, true, env),
        }
    }
}

impl Test {
    /// Evaluates `members` until one of them is as `wanted`; the others decide together.
    fn until<'v>(members: &'v [Self], wanted: bool, env: &Env<'v>) -> Result<bool, EvalError> {
        for member in members {
            if member.holds(env)? == wanted {
                return Ok(wanted);
            }
        }
        Ok(!wanted)
    }
}

fn at_keys<'v>(
    value: Value<'v>,
    keys: &'v [KeyExpression],
    env: &Env<'v>,
) -> Result<Value<'v>, EvalError> {
    keys.iter().try_fold(value, |value, key| value.get(&key.evaluate(env)?))
}

/// The same value, borrowed.
fn reborrow<'v>(value: &'v Value<'static>) -> Value<'v> {
    match value {
        Value::String(text) => Value::String(Cow::Borrowed(text)),
        Value::Bytes(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
        Value::Map(entries) => Value::Map(Cow::Borrowed(entries)),
        Value::List(members) => Value::List(Cow::Borrowed(members)),
        other => other.clone(),
    }
}
