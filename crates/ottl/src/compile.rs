//! Trees to expressions: names get their meaning here, and everything that can be known to be wrong is
//! refused with its place.

use crate::ast::{self, Expression as Tree, Node, PathTree};
use crate::context::{Context, ENUMS, enum_value};
use crate::error::OttlError;
use crate::expression::{Call, Expression, Test};
use crate::functions::{Argument, Function, Functions};
use crate::path::{Field, KeyExpression, Path, resolve};
use crate::suggest;
use crate::value::{Key, Value};

mod argument;

/// Compiles texts for one context.
pub(crate) struct Compiler<'f> {
    pub(crate) context: Context,
    pub(crate) functions: &'f Functions,
    /// Parameters of the lambdas around.
    locals: Vec<String>,
}

impl<'f> Compiler<'f> {
    pub(crate) fn new(context: Context, functions: &'f Functions) -> Self {
        Self { context, functions, locals: Vec::new() }
    }

    pub(crate) fn test(&mut self, tree: &ast::Tree) -> Result<Test, OttlError> {
        Ok(match &tree.kind {
            Tree::Bool(value) => Test::Constant(*value),
            Tree::Compare(op, left, right) => {
                Test::Compare(*op, self.expression(left)?, self.expression(right)?)
            }
            Tree::Not(inner) => Test::Not(Box::new(self.test(inner)?)),
            Tree::And(members) => Test::And(self.tests(members)?),
            Tree::Or(members) => Test::Or(self.tests(members)?),
            _ => Test::Value(self.expression(tree)?),
        })
    }

    fn tests(&mut self, trees: &[ast::Tree]) -> Result<Vec<Test>, OttlError> {
        trees.iter().map(|tree| self.test(tree)).collect()
    }

    pub(crate) fn expression(&mut self, tree: &ast::Tree) -> Result<Expression, OttlError> {
        let constant = |value| Ok(Expression::Constant(value));
        match &tree.kind {
            Tree::Nil => constant(Value::Nil),
            Tree::Bool(value) => constant(Value::Bool(*value)),
            Tree::Int(value) => constant(Value::Int(*value)),
            Tree::Double(value) => constant(Value::Double(*value)),
            Tree::Bytes(bytes) => constant(Value::Bytes(bytes.clone().into())),
            Tree::Text(text) => constant(Value::owned(text.clone())),
            Tree::Name(name) => self.name(tree.offset, name),
            Tree::Path(path) => self.path_or_local(tree.offset, path),
            Tree::Call(call) => {
                let call = self.call(tree.offset, call)?;
                Ok(folded(Expression::Call(Box::new(call))))
            }
            Tree::List(members) => {
                let members: Result<_, _> = members.iter().map(|m| self.expression(m)).collect();
                Ok(folded(Expression::List(members?)))
            }
            Tree::Map(entries) => {
                let entries =
                    entries.iter().map(|(key, value)| Ok((key.clone(), self.expression(value)?)));
                Ok(folded(Expression::Map(entries.collect::<Result<_, OttlError>>()?)))
            }
            Tree::Negate(inner) => Ok(Expression::Negate(Box::new(self.expression(inner)?))),
            Tree::Math(op, left, right) => {
                let left = Box::new(self.expression(left)?);
                Ok(folded(Expression::Math(*op, left, Box::new(self.expression(right)?))))
            }
            Tree::Lambda { .. } => {
                Err(OttlError::new(tree.offset, "a lambda may stand only as an argument"))
            }
            Tree::Compare(..) | Tree::Not(_) | Tree::And(_) | Tree::Or(_) => {
                Ok(Expression::Test(Box::new(self.test(tree)?)))
            }
        }
    }

    fn name(&self, offset: usize, name: &str) -> Result<Expression, OttlError> {
        if let Some(value) = enum_value(name, self.context) {
            return Ok(Expression::Constant(Value::Int(value)));
        }
        let message = match ENUMS.iter().any(|(known, _)| *known == name) {
            true => format!("enum `{name}` does not exist in the context {}", self.context),
            false => {
                let hint = suggest::hint(name, ENUMS.iter().map(|(known, _)| *known));
                format!("unknown enum `{name}`{hint}")
            }
        };
        Err(OttlError::new(offset, message))
    }

    fn path_or_local(&mut self, offset: usize, tree: &PathTree) -> Result<Expression, OttlError> {
        if let [only] = tree.segments.as_slice()
            && let Some(index) = self.locals.iter().rposition(|local| *local == only.name)
        {
            let keys = self.keys(&only.keys)?;
            return Ok(Expression::Local(index, keys));
        }
        self.path(offset, tree).map(Expression::Path)
    }

    pub(crate) fn path(&mut self, offset: usize, tree: &PathTree) -> Result<Path, OttlError> {
        let field =
            resolve(tree, self.context).map_err(|message| OttlError::new(offset, message))?;
        let last = tree.segments.last().map_or(&[][..], |segment| &segment.keys);
        let keys = self.keys(last)?;
        if let Some(first) = last.first()
            && !field.takes_keys()
        {
            let message = format!("`{tree}` has a key, but the path is no map");
            return Err(OttlError::new(first.offset, message));
        }
        if matches!(field, Field::Span(crate::path::SpanField::TraceState)) && last.len() > 1 {
            return Err(OttlError::new(offset, "`trace_state` takes one key"));
        }
        Ok(Path { field, keys })
    }

    fn keys(&mut self, keys: &[ast::Tree]) -> Result<Vec<KeyExpression>, OttlError> {
        let compiled = keys.iter().map(|key| match self.expression(key)? {
            Expression::Constant(Value::String(name)) => {
                Ok(KeyExpression::Constant(Key::Name(name)))
            }
            Expression::Constant(Value::Int(index)) => {
                Ok(KeyExpression::Constant(Key::Index(index)))
            }
            Expression::Constant(other) => {
                let got = other.type_name();
                Err(OttlError::new(key.offset, format!("a key is a string or int, not {got}")))
            }
            computed => Ok(KeyExpression::Computed(computed)),
        });
        compiled.collect()
    }

    /// A converter with its arguments.
    fn call(&mut self, offset: usize, call: &ast::Call) -> Result<Call, OttlError> {
        let function = self.functions.find(&call.name).map_err(|m| OttlError::new(offset, m))?;
        self.called(offset, call, function)
    }

    /// The editor of a statement.
    pub(crate) fn editor(&mut self, call: &Node<ast::Call>) -> Result<Call, OttlError> {
        let found = self.functions.find(&call.kind.name);
        let function = found.map_err(|message| OttlError::new(call.offset, message))?;
        self.called(call.offset, &call.kind, function)
    }

    fn called(
        &mut self,
        offset: usize,
        call: &ast::Call,
        function: Function,
    ) -> Result<Call, OttlError> {
        if !function.contexts.contains(&self.context) {
            let message =
                format!("`{}` does not exist in the context {}", function.name, self.context);
            return Err(OttlError::new(offset, message));
        }
        let arguments = self.arguments(offset, call, function)?;
        let keys = self.keys(&call.keys)?;
        Ok(Call { name: function.name, run: function.run, arguments, keys })
    }
}

/// The value of what needs nothing to look at, computed once.
fn folded(expression: Expression) -> Expression {
    let constant = |part: &Expression| matches!(part, Expression::Constant(_));
    let all = match &expression {
        // Converters that look at anything else than their arguments take none.
        Expression::Call(call) => {
            !call.arguments.is_empty()
                && call.arguments.iter().all(|argument| match argument {
                    Argument::Value(value) => constant(value),
                    Argument::Absent | Argument::Pattern(_) => true,
                    Argument::Place(_) | Argument::Function(_) | Argument::Lambda(_) => false,
                })
                && call.keys.iter().all(|key| matches!(key, KeyExpression::Constant(_)))
        }
        Expression::List(members) => members.iter().all(constant),
        Expression::Map(entries) => entries.iter().all(|(_, value)| constant(value)),
        Expression::Math(_, left, right) => constant(left) && constant(right),
        _ => false,
    };
    if !all {
        return expression;
    }
    let nothing = crate::view::View::of_resource(None, "");
    let value = expression.evaluate(&crate::expression::Env::new(nothing));
    // What fails fails again when it is evaluated, with its error.
    match value.map(Value::into_owned) {
        Ok(value) => Expression::Constant(value),
        Err(_) => expression,
    }
}
