//! Expressions over one span.
//!
//! They are what people nest and chain by the hundred, so they are read with an explicit stack
//! instead of recursion; only the height of the tree is bounded.

use super::{Level, MAX_LARGE_PATTERNS, MAX_PATTERNS, Parser};
use crate::ast::{BinaryOp, FieldExpr, UnaryOp};
use crate::error::ParseError;
use crate::parser::MAX_DEPTH;
use crate::token::TokenKind;

/// An expression that was read.
struct Part {
    expr: FieldExpr,
    height: usize,
    /// The token it begins with.
    start: usize,
    /// Whether it is `||` of two operands, without parentheses around it.
    bare_or: bool,
}

/// What was read and waits for the operand on its right.
enum Pending {
    /// With the index of its token, as the next.
    Parenthesis(usize),
    Prefix(UnaryOp, usize),
    Binary {
        op: BinaryOp,
        level: Level,
        lhs: Part,
    },
}

impl Pending {
    /// Whether it takes the operand on its right before an operator of `level` can.
    fn binds_before(&self, level: Level) -> bool {
        match self {
            Self::Parenthesis(_) => false,
            // Both prefixes take in products and powers, and leave what binds weaker.
            Self::Prefix(..) => level < Level::Multiply,
            Self::Binary { level: left, .. } => {
                *left > level || (*left == level && level < Level::Power)
            }
        }
    }
}

impl Parser {
    /// An expression.
    pub(super) fn field(&mut self) -> Result<FieldExpr, ParseError> {
        let mut pending = Vec::new();
        loop {
            let mut part = self.field_operand(&mut pending)?;
            // Closes parentheses until an operator asks for another operand.
            loop {
                if let Some((op, level)) = binary_op(self.kind()) {
                    self.count_pattern(op)?;
                    part = self.join(&mut pending, part, |top| top.binds_before(level))?;
                    pending.push(Pending::Binary { op, level, lhs: part });
                    self.bump();
                    break;
                }
                let inside = |top: &Pending| !matches!(top, Pending::Parenthesis(_));
                part = self.join(&mut pending, part, inside)?;
                if pending.is_empty() {
                    return Ok(part.expr);
                }
                self.field_end(TokenKind::CloseParens)?;
                if let Some(Pending::Parenthesis(start)) = pending.pop() {
                    part = Part { start, bare_or: false, ..part };
                }
            }
        }
    }

    /// A literal or attribute, behind any number of prefixes and opening parentheses.
    fn field_operand(&mut self, pending: &mut Vec<Pending>) -> Result<Part, ParseError> {
        let leaf = |expr, start| Part { expr, height: 0, start, bare_or: false };
        loop {
            let start = self.index;
            if let Some(value) = self.smallest_integer() {
                return Ok(leaf(FieldExpr::Static(value), start));
            }
            pending.push(match self.kind() {
                TokenKind::OpenParens => Pending::Parenthesis(start),
                TokenKind::Not => Pending::Prefix(UnaryOp::Not, start),
                TokenKind::Sub => Pending::Prefix(UnaryOp::Neg, start),
                _ => break,
            });
            self.bump();
        }
        let start = self.index;
        if let Some(value) = self.literal()? {
            return Ok(leaf(FieldExpr::Static(value), start));
        }
        Ok(leaf(FieldExpr::Attribute(self.attribute()?), start))
    }

    /// Gives `part` to the operators waiting for it, as long as `takes` holds for the last one.
    fn join(
        &mut self,
        pending: &mut Vec<Pending>,
        mut part: Part,
        takes: impl Fn(&Pending) -> bool,
    ) -> Result<Part, ParseError> {
        while let Some(top) = pending.pop_if(|top| takes(top)) {
            let (expr, height, start, bare_or) = match top {
                Pending::Parenthesis(start) => (part.expr, part.height, start, false),
                Pending::Prefix(op, start) => {
                    (FieldExpr::unary(op, part.expr), part.height + 1, start, false)
                }
                Pending::Binary { op, lhs, .. } => {
                    if op == BinaryOp::And && lhs.bare_or {
                        self.note_mixed_connectives(lhs.start);
                    }
                    let height = part.height.max(lhs.height) + 1;
                    let expr = FieldExpr::binary(op, lhs.expr, part.expr);
                    self.count_large_pattern(&expr)?;
                    (expr, height, lhs.start, op == BinaryOp::Or)
                }
            };
            if height > MAX_DEPTH {
                return Err(self.error(format!("expression is deeper than {MAX_DEPTH} operators")));
            }
            self.note_expression(start, &expr);
            part = Part { expr, height, start, bare_or };
        }
        Ok(part)
    }

    fn count_pattern(&mut self, op: BinaryOp) -> Result<(), ParseError> {
        self.patterns += usize::from(op.is_regex());
        if self.patterns > MAX_PATTERNS {
            return Err(self.error(format!("more than {MAX_PATTERNS} regular expressions")));
        }
        Ok(())
    }

    /// Counts a pattern that takes much time to compile, before it is.
    fn count_large_pattern(&mut self, expr: &FieldExpr) -> Result<(), ParseError> {
        let FieldExpr::Binary { rhs, .. } = expr else { return Ok(()) };
        let FieldExpr::Pattern(pattern) = &**rhs else { return Ok(()) };
        self.large_patterns += usize::from(pattern.is_large());
        if self.large_patterns > MAX_LARGE_PATTERNS {
            let message = format!("more than {MAX_LARGE_PATTERNS} large regular expressions");
            return Err(self.error(message));
        }
        Ok(())
    }

    /// Moves past what ends an expression. Any operator could stand there too, so nothing is named
    /// as expected.
    pub(super) fn field_end(&mut self, kind: TokenKind) -> Result<(), ParseError> {
        if self.take(kind) { Ok(()) } else { Err(self.unexpected(&[])) }
    }
}

/// Whether a token is an operator between two operands of a condition, connectives aside.
pub(crate) fn is_binary_op(kind: TokenKind) -> bool {
    binary_op(kind).is_some_and(|(op, _)| !op.is_logical())
}

/// The operator between two operands that a token is.
pub(crate) fn binary_op_of(kind: TokenKind) -> Option<BinaryOp> {
    binary_op(kind).map(|(op, _)| op)
}

/// The binary operator of a token and how tightly it binds.
pub(super) fn binary_op(kind: TokenKind) -> Option<(BinaryOp, Level)> {
    Some(match kind {
        TokenKind::And => (BinaryOp::And, Level::Logical),
        TokenKind::Or => (BinaryOp::Or, Level::Logical),
        TokenKind::Equal => (BinaryOp::Equal, Level::Compare),
        TokenKind::NotEqual => (BinaryOp::NotEqual, Level::Compare),
        TokenKind::Less => (BinaryOp::Less, Level::Compare),
        TokenKind::LessEqual => (BinaryOp::LessEqual, Level::Compare),
        TokenKind::Greater => (BinaryOp::Greater, Level::Compare),
        TokenKind::GreaterEqual => (BinaryOp::GreaterEqual, Level::Compare),
        TokenKind::Regex => (BinaryOp::Regex, Level::Compare),
        TokenKind::NotRegex => (BinaryOp::NotRegex, Level::Compare),
        TokenKind::Add => (BinaryOp::Add, Level::Add),
        TokenKind::Sub => (BinaryOp::Sub, Level::Add),
        TokenKind::Mul => (BinaryOp::Mul, Level::Multiply),
        TokenKind::Div => (BinaryOp::Div, Level::Multiply),
        TokenKind::Mod => (BinaryOp::Mod, Level::Multiply),
        TokenKind::Pow => (BinaryOp::Pow, Level::Power),
        _ => return None,
    })
}
