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
        self.joined("or", Self::conjunction, |kind| match kind {
            Expression::Or(members) => Ok(members),
            other => Err(other),
        })
        .map(|(offset, mut members)| match members.len() {
            1 => members.remove(0),
            _ => Node::new(offset, Expression::Or(members)),
        })
    }

    fn conjunction(&mut self) -> Result<Tree, OttlError> {
        self.joined("and", Self::negation, |kind| match kind {
            Expression::And(members) => Ok(members),
            other => Err(other),
        })
        .map(|(offset, mut members)| match members.len() {
            1 => members.remove(0),
            _ => Node::new(offset, Expression::And(members)),
        })
    }

    /// Operands with `word` between them. Those that are joined by the same word in parentheses are taken
    /// apart, so that chains of any length are flat.
    fn joined(
        &mut self,
        word: &str,
        operand: fn(&mut Self) -> Result<Tree, OttlError>,
        members_of: fn(Expression) -> Result<Vec<Tree>, Expression>,
    ) -> Result<(usize, Vec<Tree>), OttlError> {
        let first = operand(self)?;
        let offset = self.offset();
        if !matches!(self.peek(), Token::Lower(next) if next == word) {
            return Ok((offset, vec![first]));
        }
        must_be_condition(&first)?;
        let mut members = Vec::new();
        let mut next = first;
        loop {
            match members_of(next.kind) {
                Ok(inner) => members.extend(inner),
                Err(kind) => members.push(Node::new(next.offset, kind)),
            }
            if !self.takes_word(word) {
                return Ok((offset, members));
            }
            next = operand(self)?;
            must_be_condition(&next)?;
        }
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
