//! Tokens to trees, by recursive descent: `not` binds before `and`, `and` before `or`.
//!
//! A parenthesis may hold a value or a condition; what it held decides what may follow. Depth is bounded,
//! so that no text exhausts the stack.

use crate::ast::{Expression, Node, StatementTree, Tree};
use crate::error::OttlError;
use crate::lexer::{Placed, Token, tokenize};

mod condition;
mod literal;
mod operand;

/// Operators of calculations in one text: they make trees deep without nesting.
const MAX_OPERATORS: usize = 500;

/// Nested parentheses, calls, lists, maps and keys.
pub(crate) const MAX_DEPTH: usize = 64;

/// Reads `editor(arguments) [where condition]`.
pub(crate) fn statement(text: &str) -> Result<StatementTree, OttlError> {
    let mut parser = Parser::new(text)?;
    let offset = parser.offset();
    let name = match parser.peek().clone() {
        Token::Lower(name) if matches!(parser.peek_at(1), Token::Sign("(")) => name,
        Token::Upper(name) if matches!(parser.peek_at(1), Token::Sign("(")) => {
            let message = format!("a statement starts with an editor, and `{name}` is a converter");
            return Err(OttlError::new(offset, message));
        }
        _ => return Err(parser.expected("an editor such as `set(...)`")),
    };
    parser.advance();
    let editor = Node::new(offset, parser.call(name)?);
    let condition = match parser.takes_word("where") {
        true => Some(parser.whole_condition()?),
        false => None,
    };
    parser.end(if condition.is_some() {
        "`and`, `or` or the end"
    } else {
        "`where` or the end"
    })?;
    Ok(StatementTree { editor, condition })
}

/// Reads a condition.
pub(crate) fn condition(text: &str) -> Result<Tree, OttlError> {
    let mut parser = Parser::new(text)?;
    let tree = parser.whole_condition()?;
    parser.end("`and`, `or` or the end")?;
    Ok(tree)
}

/// Reads a value.
pub(crate) fn value(text: &str) -> Result<Tree, OttlError> {
    let mut parser = Parser::new(text)?;
    let tree = parser.value()?;
    parser.end("the end")?;
    Ok(tree)
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    operators: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self, OttlError> {
        Ok(Self { tokens: tokenize(text)?, at: 0, depth: 0, operators: 0 })
    }

    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens.get(self.at + ahead).map_or(&Token::End, |placed| &placed.token)
    }

    /// Where the next token is.
    fn offset(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |placed| placed.offset)
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len());
    }

    fn takes(&mut self, sign: &'static str) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        if found {
            self.advance();
        }
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Lower(name) if name == word);
        if found {
            self.advance();
        }
        found
    }

    fn needs(&mut self, sign: &'static str, or: &str) -> Result<(), OttlError> {
        match self.takes(sign) {
            true => Ok(()),
            false => Err(self.expected(&format!("{or}`{sign}`"))),
        }
    }

    fn end(&self, expected: &str) -> Result<(), OttlError> {
        match self.peek() {
            Token::End => Ok(()),
            _ => Err(self.expected(expected)),
        }
    }

    fn expected(&self, what: &str) -> OttlError {
        OttlError::new(self.offset(), format!("expected {what}, found {}", self.peek().describe()))
    }

    /// Runs `parse` one level deeper.
    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, OttlError>,
    ) -> Result<T, OttlError> {
        if self.depth == MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(OttlError::new(self.offset(), message));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }
}

/// What a tree is called where it is not allowed.
fn describe(kind: &Expression) -> &'static str {
    match kind {
        Expression::Nil => "`nil`",
        Expression::Bool(_) => "a boolean",
        Expression::Int(_) | Expression::Double(_) => "a number",
        Expression::Bytes(_) => "a bytes literal",
        Expression::Text(_) => "a string",
        Expression::Name(_) => "an enum",
        Expression::Path(_) => "a path",
        Expression::Call(_) => "a converter",
        Expression::Map(_) => "a map",
        Expression::List(_) => "a list",
        Expression::Lambda { .. } => "a lambda",
        Expression::Negate(_) | Expression::Math(..) => "a calculation",
        _ => "a condition",
    }
}
