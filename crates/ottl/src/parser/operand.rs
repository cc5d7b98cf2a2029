//! Values: calculations of paths, converters and literals.

use super::condition::must_be_value;
use super::{MAX_OPERATORS, Parser, describe};
use crate::ast::{Argument, Call, Expression, MathOp, Node, PathTree, Segment, Tree};
use crate::error::OttlError;
use crate::lexer::Token;

impl Parser {
    /// A value, where nothing else will do.
    pub(super) fn value(&mut self) -> Result<Tree, OttlError> {
        let tree = self.sum()?;
        must_be_value(&tree)?;
        Ok(tree)
    }

    pub(super) fn sum(&mut self) -> Result<Tree, OttlError> {
        let mut left = self.product()?;
        loop {
            let op = match self.peek() {
                Token::Sign("+") => MathOp::Add,
                Token::Sign("-") => MathOp::Subtract,
                _ => return Ok(left),
            };
            left = self.calculation(op, left, Self::product)?;
        }
    }

    fn product(&mut self) -> Result<Tree, OttlError> {
        let mut left = self.signed()?;
        loop {
            let op = match self.peek() {
                Token::Sign("*") => MathOp::Multiply,
                Token::Sign("/") => MathOp::Divide,
                _ => return Ok(left),
            };
            left = self.calculation(op, left, Self::signed)?;
        }
    }

    fn calculation(
        &mut self,
        op: MathOp,
        left: Tree,
        operand: fn(&mut Self) -> Result<Tree, OttlError>,
    ) -> Result<Tree, OttlError> {
        must_be_number(&left)?;
        let offset = self.offset();
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            let message = format!("more than {MAX_OPERATORS} operators of calculations");
            return Err(OttlError::new(offset, message));
        }
        self.advance();
        let right = operand(self)?;
        must_be_number(&right)?;
        Ok(Node::new(offset, Expression::Math(op, Box::new(left), Box::new(right))))
    }

    /// An operand with a sign before it, if any.
    fn signed(&mut self) -> Result<Tree, OttlError> {
        let offset = self.offset();
        if self.takes("+") {
            let inner = self.deeper(Self::signed)?;
            must_be_number(&inner)?;
            return Ok(inner);
        }
        if !self.takes("-") {
            return self.operand();
        }
        if *self.peek() == Token::IntMin {
            self.advance();
            return Ok(Node::new(offset, Expression::Int(i64::MIN)));
        }
        let inner = self.deeper(Self::signed)?;
        must_be_number(&inner)?;
        Ok(Node::new(
            offset,
            match inner.kind {
                Expression::Int(value) if value != i64::MIN => Expression::Int(-value),
                Expression::Double(value) => Expression::Double(-value),
                kind => Expression::Negate(Box::new(Node::new(inner.offset, kind))),
            },
        ))
    }

    fn operand(&mut self) -> Result<Tree, OttlError> {
        let offset = self.offset();
        let kind = match self.peek().clone() {
            Token::Sign("(") => {
                if let Some(parameters) = self.lambda_parameters() {
                    let body = Box::new(self.deeper(Self::disjunction)?);
                    return Ok(Node::new(offset, Expression::Lambda { parameters, body }));
                }
                self.advance();
                let inner = self.deeper(Self::disjunction)?;
                self.needs(")", "an operator or ")?;
                return Ok(inner);
            }
            Token::Upper(name) => {
                self.advance();
                match self.peek() {
                    Token::Sign("(") => {
                        let mut call = self.call(name)?;
                        call.keys = self.keys()?;
                        Expression::Call(call)
                    }
                    _ => Expression::Name(name),
                }
            }
            Token::Lower(name) => match name.as_str() {
                "nil" | "true" | "false" => self.literal()?,
                "not" | "and" | "or" | "where" => return Err(self.expected("a value")),
                _ => {
                    if *self.peek_at(1) == Token::Sign("(") {
                        let message = format!(
                            "`{name}` is an editor's name: converters start with a capital letter"
                        );
                        return Err(OttlError::new(offset, message));
                    }
                    Expression::Path(self.path()?)
                }
            },
            _ => self.literal()?,
        };
        Ok(Node::new(offset, kind))
    }

    /// The parameters of a lambda and its arrow, when a lambda comes next.
    fn lambda_parameters(&mut self) -> Option<Vec<String>> {
        let mut parameters = Vec::new();
        let mut ahead = 1;
        while let Token::Lower(name) = self.peek_at(ahead) {
            parameters.push(name.clone());
            ahead += 1;
            match self.peek_at(ahead) {
                Token::Sign(",") => ahead += 1,
                _ => break,
            }
        }
        let arrow = *self.peek_at(ahead) == Token::Sign(")")
            && *self.peek_at(ahead + 1) == Token::Sign("=>");
        if !arrow {
            return None;
        }
        self.at += ahead + 2;
        Some(parameters)
    }

    /// The arguments of the function `name`, which has been read.
    pub(super) fn call(&mut self, name: String) -> Result<Call, OttlError> {
        self.needs("(", "")?;
        let mut arguments: Vec<Argument> = Vec::new();
        if !self.takes(")") {
            loop {
                let argument = self.deeper(Self::argument)?;
                if argument.name.is_none() && arguments.last().is_some_and(|a| a.name.is_some()) {
                    let message = "an argument without name after one with a name";
                    return Err(OttlError::new(argument.value.offset, message));
                }
                arguments.push(argument);
                if self.takes(")") {
                    break;
                }
                self.needs(",", "`)` or ")?;
            }
        }
        Ok(Call { name, arguments, keys: Vec::new() })
    }

    fn argument(&mut self) -> Result<Argument, OttlError> {
        let name = match (self.peek(), self.peek_at(1)) {
            (Token::Lower(name), Token::Sign("=")) => Some(name.clone()),
            _ => None,
        };
        if name.is_some() {
            self.at += 2;
        }
        Ok(Argument { name, value: self.value()? })
    }

    fn path(&mut self) -> Result<PathTree, OttlError> {
        let mut segments = Vec::new();
        loop {
            let (Token::Lower(name) | Token::Upper(name)) = self.peek().clone() else {
                return Err(self.expected("a name"));
            };
            self.advance();
            segments.push(Segment { name, keys: self.keys()? });
            if !self.takes(".") {
                return Ok(PathTree { segments });
            }
        }
    }

    fn keys(&mut self) -> Result<Vec<Tree>, OttlError> {
        let mut keys = Vec::new();
        while self.takes("[") {
            keys.push(self.deeper(Self::value)?);
            self.needs("]", "")?;
        }
        Ok(keys)
    }
}

/// Only numbers, paths and converters (whose results are looked at when they run) are calculated with.
fn must_be_number(tree: &Tree) -> Result<(), OttlError> {
    match &tree.kind {
        Expression::Int(_)
        | Expression::Double(_)
        | Expression::Path(_)
        | Expression::Call(_)
        | Expression::Negate(_)
        | Expression::Math(..) => Ok(()),
        kind => {
            let message = format!("cannot calculate with {}", describe(kind));
            Err(OttlError::new(tree.offset, message))
        }
    }
}
