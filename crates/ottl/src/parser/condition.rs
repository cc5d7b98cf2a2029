//! Conditions: comparisons joined by `not`, `and` and `or`.

use super::{Parser, describe};
use crate::ast::{Comparison, Expression, Node, Tree};
use crate::error::OttlError;
use crate::lexer::Token;

impl Parser {
    /// A condition, where nothing else will do.
    pub(super) fn whole_condition(&mut self) -> Result<Tree, OttlError> {
        let tree = self.disjunction()?;
        must_be_condition(&tree)?;
        Ok(tree)
    }

    /// A condition, or a value that stands alone.
    pub(super) fn disjunction(&mut self) -> Result<Tree, OttlError> {
        let mut left = self.conjunction()?;
        while matches!(self.peek(), Token::Lower(word) if word == "or") {
            let offset = self.offset();
            self.advance();
            let right = self.conjunction()?;
            must_be_condition(&left)?;
            must_be_condition(&right)?;
            left = Node::new(offset, Expression::Or(Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Tree, OttlError> {
        let mut left = self.negation()?;
        while matches!(self.peek(), Token::Lower(word) if word == "and") {
            let offset = self.offset();
            self.advance();
            let right = self.negation()?;
            must_be_condition(&left)?;
            must_be_condition(&right)?;
            left = Node::new(offset, Expression::And(Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Tree, OttlError> {
        let offset = self.offset();
        if self.takes_word("not") {
            let inner = self.deeper(Self::comparison)?;
            must_be_condition(&inner)?;
            return Ok(Node::new(offset, Expression::Not(Box::new(inner))));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Tree, OttlError> {
        let left = self.sum()?;
        let Token::Sign(sign) = *self.peek() else { return Ok(left) };
        let Some(op) = Comparison::ALL.into_iter().find(|op| op.sign() == sign) else {
            if sign == "=" {
                return Err(OttlError::new(self.offset(), "unexpected `=`: equality is `==`"));
            }
            return Ok(left);
        };
        let offset = self.offset();
        must_be_value(&left)?;
        self.advance();
        let right = self.sum()?;
        must_be_value(&right)?;
        Ok(Node::new(offset, Expression::Compare(op, Box::new(left), Box::new(right))))
    }
}

/// Conditions, booleans and converters (whose result is looked at when they run) are true or false.
fn must_be_condition(tree: &Tree) -> Result<(), OttlError> {
    match &tree.kind {
        Expression::Bool(_) | Expression::Call(_) => Ok(()),
        kind if kind.is_condition() => Ok(()),
        kind => {
            let what = describe(kind);
            let message = format!("expected a condition, found {what}: compare it with something");
            Err(OttlError::new(tree.offset, message))
        }
    }
}

pub(super) fn must_be_value(tree: &Tree) -> Result<(), OttlError> {
    match tree.kind.is_condition() {
        true => Err(OttlError::new(tree.offset, "expected a value, found a condition")),
        false => Ok(()),
    }
}
